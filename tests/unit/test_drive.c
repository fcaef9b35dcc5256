/* SPDX-License-Identifier: BSD-3-Clause
 * Driving real small programs: shells as servers, cat as the one that answers lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/drive.h"

static void lines(struct arena *a, struct test_file *t, int type, const char *const *commands)
{
    *t = (struct test_file){.type = type, .timeout_ms = 5000, .command_ms = 20};
    for (; *commands; commands++)
        vec_push(a, &t->commands, *commands);
}

static void run(struct arena *a, struct drive *v, struct process *p, const char *const *argv)
{
    struct diag d;
    diag_init(&d, -1);
    p->argv = argv;
    p->terminal = true;
    assert_int_equal(process_start(&d, p), STATUS_OK);
    v->process = p;
    v->local = true;
    assert_int_equal(drive(&d, a, v), STATUS_OK);
    process_stop(p, 100);
    assert_true(p->ended);
}

/* Each line's output is told apart although the program takes its time over one of them. */
static void stdin_steps(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct test_file t;
    lines(a, &t, TEST_STDIN, (const char *[]){"one", "slow", "three", NULL});
    struct drive v = {.tests = &t};
    struct process p = {0};
    run(a, &v, &p,
        (const char *[]){"sh", "-c",
                         "echo hello; while read x; do [ $x = slow ] && sleep 0.3; echo got $x; "
                         "done; exit 3",
                         NULL});
    assert_int_equal(v.steps.count, 3);
    assert_memory_equal(v.console, "hello\n", v.start_size);
    assert_string_equal(v.steps.items[0].output, "got one\n");
    assert_string_equal(v.steps.items[1].output, "got slow\n");
    assert_string_equal(v.steps.items[2].output, "got three\n");
    assert_int_equal(p.exit_status, 3);
    assert_false(v.timed_out);
    arena_free(a);
}

static void ended_early(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct test_file t;
    lines(a, &t, TEST_STDIN, (const char *[]){"a", "b", NULL});
    struct drive v = {.tests = &t};
    struct process p = {0};
    run(a, &v, &p, (const char *[]){"sh", "-c", "read x; kill -SEGV $$", NULL});
    assert_int_equal(v.steps.items[1].outcome, DRIVE_NOT_SENT);
    assert_int_equal(p.exit_status, -1);
    assert_int_equal(p.signal, 11);
    arena_free(a);
}

static void shell_commands(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct test_file t;
    lines(a, &t, TEST_EXEC, (const char *[]){"echo out; echo err >&2; exit 4", "sleep 9", NULL});
    t.timeout_ms = 300;
    struct drive v = {.tests = &t, .ready_ms = 200};
    struct process p = {0};
    run(a, &v, &p, (const char *[]){"sleep", "20", NULL});
    assert_false(v.ready); /* it listens nowhere */
    assert_int_equal(v.steps.items[0].exit_status, 4);
    assert_non_null(strstr(v.steps.items[0].output, "out\n"));
    assert_non_null(strstr(v.steps.items[0].output, "err\n"));
    assert_int_equal(v.steps.items[1].outcome, DRIVE_TIMEOUT);
    assert_true(v.timed_out);
    arena_free(a);
}

/* A program whose machine runs on is over when the console says so. */
static bool saw_bye(void *context, const char *console, size_t size, int *status)
{
    (void)context, (void)size;
    *status = 7;
    return strstr(console, "bye") != NULL;
}

static void over_by_console(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct test_file t;
    lines(a, &t, TEST_STDIN, (const char *[]){"x", NULL});
    struct drive v = {.tests = &t, .over = saw_bye};
    struct process p = {0};
    run(a, &v, &p, (const char *[]){"sh", "-c", "read x; echo bye; sleep 20", NULL});
    assert_true(v.over_seen);
    assert_int_equal(v.over_status, 7);
    assert_true(v.finished_us < 3000000);
    arena_free(a);
}

/* The first connection to a machine that is still on its way up may stay silent for good. */
static void silent_connection(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct test_file t;
    lines(a, &t, TEST_TELNET, (const char *[]){"PING", "PING", NULL});
    t.address = "127.0.0.1";
    struct drive v = {.tests = &t, .ready_ms = 15000};
    char text[16], program[512];
    FILE *f = popen("perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, "
                    "LocalAddr => \"127.0.0.1\")->sockport'",
                    "r");
    assert_non_null(fgets(text, sizeof text, f));
    pclose(f);
    v.port = atoi(text);
    snprintf(program, sizeof program,
             "$l = IO::Socket::INET->new(Listen => 4, LocalAddr => '127.0.0.1', LocalPort => %d, "
             "ReuseAddr => 1); $first = $l->accept; $c = $l->accept; "
             "while (<$c>) { syswrite $c, \"+PONG %%d\\r\\n\" =~ s/%%d/++$n/er }",
             v.port);
    struct process p = {.argv = (const char *[]){"perl", "-MIO::Socket::INET", "-e", program, NULL},
                        .terminal = true};
    struct diag d;
    diag_init(&d, -1);
    assert_int_equal(process_start(&d, &p), STATUS_OK);
    v.process = &p;
    assert_int_equal(drive(&d, a, &v), STATUS_OK);
    process_stop(&p, 100);
    assert_string_equal(v.steps.items[0].output, "+PONG 1\r\n");
    assert_string_equal(v.steps.items[1].output, "+PONG 2\r\n");
    arena_free(a);
}

static void telnet_replies(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct test_file t;
    lines(a, &t, TEST_TELNET, (const char *[]){"set a 0 0 1\r\nx", "get a", NULL});
    t.address = "127.0.0.1";
    struct drive v = {.tests = &t};
    struct process p = {0};
    /* A port nobody has: bound once, remembered, let go. */
    char port[16];
    FILE *f = popen("perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, "
                    "LocalAddr => \"127.0.0.1\")->sockport'",
                    "r");
    assert_non_null(fgets(port, sizeof port, f));
    pclose(f);
    v.port = atoi(port);
    run(a, &v, &p,
        (const char *[]){"memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", port, NULL});
    assert_true(v.ready);
    assert_int_equal(v.ports.items[0].port, v.port);
    assert_string_equal(v.steps.items[0].output, "STORED\r\n");
    assert_string_equal(v.steps.items[1].output, "VALUE a 0 1\r\nx\r\nEND\r\n");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stdin_steps),    cmocka_unit_test(ended_early),
        cmocka_unit_test(shell_commands), cmocka_unit_test(over_by_console),
        cmocka_unit_test(telnet_replies), cmocka_unit_test(silent_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
