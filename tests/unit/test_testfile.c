/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/testfile.h"

struct fixture {
    struct arena *arena;
    struct diag diag;
    char path[64];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new();
    diag_init(&f->diag, -1);
    strcpy(f->path, "/tmp/testfile-XXXXXX");
    close(mkstemp(f->path));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    unlink(f->path);
    arena_free(f->arena);
    free(f);
    return 0;
}

static void put(const struct fixture *f, const char *text)
{
    FILE *file = fopen(f->path, "w");
    fputs(text, file);
    fclose(file);
}

/* Reading text must fail with the message given, after the file's name. */
static void fails(struct fixture *f, const char *text, const char *message)
{
    struct test_file t;
    put(f, text);
    assert_int_equal(test_file_read(&f->diag, f->arena, f->path, &t), STATUS_INPUT);
    assert_true(strncmp(f->diag.message, f->path, strlen(f->path)) == 0);
    assert_string_equal(f->diag.message + strlen(f->path), message);
}

/* A file as written for the published tool. */
static void published_file(void **state)
{
    struct fixture *f = *state;
    struct test_file t;
    put(f, "{\"typeTest\": \"telnet\", \"timeMsCommand\": 100, \"addressTelnet\": \"localhost\",\n"
           " \"portTelnet\": 11211, \"timeOutMsTest\": 5000, \"listCommands\": [\"stats\", \"\"]}");
    assert_int_equal(test_file_read(&f->diag, f->arena, f->path, &t), STATUS_OK);
    assert_int_equal(t.type, TEST_TELNET);
    assert_int_equal(t.command_ms, 100);
    assert_int_equal(t.port, 11211);
    assert_int_equal(t.timeout_ms, 5000);
    assert_string_equal(t.address, "localhost");
    assert_int_equal(t.commands.count, 2);
    assert_string_equal(t.commands.items[1], "");
}

static void errors_name_line_column_and_key(void **state)
{
    struct fixture *f = *state;
    fails(f, " \n",
          ": empty; a test file holds at least {\"typeTest\": \"stdin\", "
          "\"listCommands\": []}");
    fails(f, "{\n  \"typeTest\": exec\n}", ":2:18: not valid JSON: invalid token near 'exec'");
    fails(f, "[1]", ":1:1: : an object with typeTest and listCommands was expected");
    fails(f, "{\"typeTest\": \"exec\",\n \"listCommands\": [\"a\", 7]}",
          ":2:24: listCommands[1]: a string was expected");
    fails(f, "{\"listCommands\": [],\n  \"typeTest\": \"ssh\"}",
          ":2:15: typeTest: one of \"exec\" \"stdin\" \"telnet\" was expected");
    fails(f, "\n{\"listCommands\": []}", ":2:1: typeTest: this key is missing; it was expected");
    fails(f,
          "{\"typeTest\": \"exec\", \"listCommands\": [],\n\"x\": {\"y\": [\"}\"]},\n"
          "\"portTelnet\": 70000}",
          ":3:15: portTelnet: a port from 0 to 65535 was expected");
    fails(f, "{\"typeTest\": \"exec\", \"listCommands\": [\"a\"],\n\"expectedOutput\": [\"(\"]}",
          ":2:20: expectedOutput[0]: not a regular expression: Unmatched ( or \\(");
    fails(f, "{\"typeTest\": \"exec\", \"timeMsCommand\": \"1\", \"listCommands\": []}",
          ":1:39: timeMsCommand: an integer was expected");
    fails(f, "{\"typeTest\": \"exec\", \"typeTest\": \"exec\", \"listCommands\": []}",
          ":1:31: not valid JSON: duplicate object key near '\"typeTest\"'");
}

static void command_lines(void **state)
{
    struct fixture *f = *state;
    strings lines = {0}, words = {0};
    put(f, "# comment\n\n  --port 0 \r\n-x 'a b' \"c\\\"d\" e\\ f");
    assert_int_equal(command_lines_read(&f->diag, f->arena, f->path, &lines), STATUS_OK);
    assert_int_equal(lines.count, 2);
    assert_string_equal(lines.items[0], "--port 0");
    assert_null(split_words(f->arena, lines.items[1], &words));
    assert_int_equal(words.count, 4);
    assert_string_equal(words.items[1], "a b");
    assert_string_equal(words.items[2], "c\"d");
    assert_string_equal(words.items[3], "e f");
    put(f, "-a\n'open");
    assert_int_equal(command_lines_read(&f->diag, f->arena, f->path, &lines), STATUS_INPUT);
    assert_non_null(strstr(f->diag.message, ":2: a quote is not closed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(published_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_name_line_column_and_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(command_lines, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
