/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/file.h"
#include "common/graph.h"
#include "common/subprocess.h"

struct fixture {
    struct arena *arena;
    struct diag diag;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new();
    diag_init(&f->diag, -1);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    free(f);
    return 0;
}

static struct subprocess shell(struct fixture *f, const char *command)
{
    const char **argv = arena_array(f->arena, 4, sizeof *argv);
    argv[0] = "sh";
    argv[1] = "-c";
    argv[2] = command;
    return (struct subprocess){.argv = argv};
}

static void captures_streams_and_status(void **state)
{
    struct fixture *f = *state;
    struct subprocess p = shell(f, "echo out; echo err >&2; exit 7");
    assert_int_equal(subprocess_run(&f->diag, f->arena, &p), STATUS_OK);
    assert_string_equal(p.out, "out\n");
    assert_string_equal(p.err, "err\n");
    assert_int_equal(p.exit_status, 7);
    assert_int_equal(p.signal, 0);
}

static void reports_the_signal(void **state)
{
    struct fixture *f = *state;
    struct subprocess p = shell(f, "kill -SEGV $$");
    assert_int_equal(subprocess_run(&f->diag, f->arena, &p), STATUS_OK);
    assert_int_equal(p.exit_status, -1);
    assert_int_equal(p.signal, SIGSEGV);
}

static void passes_much_input_through(void **state)
{
    struct fixture *f = *state;
    size_t size = 3 << 20;
    char *input = arena_alloc(f->arena, size);
    memset(input, 'x', size);
    struct subprocess p = shell(f, "cat");
    p.input = input;
    p.input_size = size;
    assert_int_equal(subprocess_run(&f->diag, f->arena, &p), STATUS_OK);
    assert_int_equal(p.out_size, size);
    assert_memory_equal(p.out, input, size);
}

static void limits_what_is_kept(void **state)
{
    struct fixture *f = *state;
    struct subprocess p = shell(f, "head -c 100000 /dev/zero; echo done >&2");
    p.output_limit = 1000;
    assert_int_equal(subprocess_run(&f->diag, f->arena, &p), STATUS_OK);
    assert_int_equal(p.out_size, 1000);
    assert_string_equal(p.err, "done\n");
}

static void ends_the_whole_group_at_the_deadline(void **state)
{
    struct fixture *f = *state;
    struct subprocess p = shell(f, "sleep 60 & echo $!; wait");
    p.timeout_ms = 300;
    assert_int_equal(subprocess_run(&f->diag, f->arena, &p), STATUS_OK);
    assert_true(p.timed_out);
    assert_true(p.duration_ms < 10000);
    pid_t child = (pid_t)strtol(p.out, NULL, 10);
    assert_true(child > 1);
    /* Killed is not yet dead, and dead not yet reaped by whoever inherited it. */
    const char *stat = arena_printf(f->arena, "/proc/%d/stat", (int)child);
    bool gone = false;
    for (int tries = 0; tries < 300 && !gone; tries++, usleep(10000)) {
        char line[256] = "";
        FILE *file = fopen(stat, "r");
        gone = !file || !fgets(line, sizeof line, file) || strstr(line, ") Z ") ||
               strstr(line, ") X ");
        if (file)
            fclose(file);
    }
    assert_true(gone);
}

static void names_what_cannot_be_run(void **state)
{
    struct fixture *f = *state;
    const char *argv[] = {"no-such-program-anywhere", NULL};
    struct subprocess p = {.argv = argv};
    assert_int_equal(subprocess_run(&f->diag, f->arena, &p), STATUS_SYSTEM);
    assert_non_null(strstr(f->diag.message, "no-such-program-anywhere"));
}

static void honours_folder_and_environment(void **state)
{
    struct fixture *f = *state;
    const char *env[] = {"TOOLCHAIN_TEST_VALUE=42", NULL};
    struct subprocess p = shell(f, "pwd; echo $TOOLCHAIN_TEST_VALUE");
    p.directory = "/";
    p.env = env;
    assert_int_equal(subprocess_run(&f->diag, f->arena, &p), STATUS_OK);
    assert_string_equal(p.out, "/\n42\n");
}

static void files_appear_whole_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    char folder[] = "/tmp/toolchain-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const char *path = arena_printf(f->arena, "%s/a/b", folder);
    assert_int_equal(file_write(&f->diag, path, "x", 1, 0), STATUS_SYSTEM);
    assert_int_equal(dir_make(&f->diag, arena_printf(f->arena, "%s/a", folder)), STATUS_OK);
    assert_int_equal(file_write(&f->diag, path, "one\0two", 7, 0), STATUS_OK);
    char *data;
    size_t size;
    assert_int_equal(file_read(&f->diag, f->arena, path, 0, &data, &size), STATUS_OK);
    assert_int_equal(size, 7);
    assert_memory_equal(data, "one\0two", 8);
    assert_int_equal(file_read(&f->diag, f->arena, path, 3, &data, &size), STATUS_INPUT);
    assert_int_equal(file_read(&f->diag, f->arena, folder, 0, &data, &size), STATUS_INPUT);
    struct subprocess p = shell(f, "");
    p.argv = (const char *const[]){"rm", "-r", folder, NULL};
    assert_int_equal(subprocess_run(&f->diag, f->arena, &p), STATUS_OK);
}

static void draws_graphs(void **state)
{
    struct fixture *f = *state;
    char *svg;
    size_t size;
    const char *dot = arena_printf(f->arena, "digraph{%s->b}", graph_quote(f->arena, "a\"\\x"));
    assert_int_equal(graph_render(&f->diag, f->arena, dot, "dot", "svg", &svg, &size), STATUS_OK);
    assert_non_null(strstr(svg, "</svg>"));
    assert_int_equal(graph_render(&f->diag, f->arena, "digraph{", "dot", "svg", &svg, &size),
                     STATUS_INPUT);
    assert_int_equal(graph_render(&f->diag, f->arena, dot, "no-engine", "svg", &svg, &size),
                     STATUS_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(captures_streams_and_status, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reports_the_signal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(passes_much_input_through, set_up, tear_down),
        cmocka_unit_test_setup_teardown(limits_what_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_the_whole_group_at_the_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_what_cannot_be_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(honours_folder_and_environment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_appear_whole_or_not_at_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(draws_graphs, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
