/* SPDX-License-Identifier: BSD-3-Clause
 * The verifier's parts: console recognition, normalisers, expectations, differences, runners. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/console.h"
#include "common/runner.h"
#include "verifier/calls.h"
#include "verifier/compare.h"
#include "verifier/normalise.h"

static struct arena *a;
static struct diag d;

static int set_up(void **state)
{
    (void)state;
    a = arena_new();
    diag_init(&d, -1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

static strings lines(const char *const *list)
{
    strings s = {0};
    for (; *list; list++)
        vec_push(a, &s, *list);
    return s;
}
#define LINES(...) lines((const char *const[]){__VA_ARGS__, NULL})

static void console_is_told_apart(void **state)
{
    (void)state;
    struct console *c = console_open(&d, a);
    const char text[] =
        "SeaBIOS (version 1.16.2)\r\n"
        "Powered by\n"
        "o.   .o       _ _               __ _\n"
        "                  Calypso 0.17.0~eaf6fda1\n"
        "\033[0m[    0.105255] \033[0mInfo: \033[0m[libukboot] <boot.c @  350> hello\n"
        "own text\n"
        "Error: near \"x\": syntax error\n"
        "openat(AT_FDCWD, \"/x\", O_RDONLY) = No such file or directory (-2)\n"
        "brk(NULL) = va:0x8000\n"
        "exit(now) = soon\n"
        "[trace] read(0x0, 0x10)\n"
        "[shim] syscall sysinfo is not available\n"
        "[trace] read = -9\n"
        "more\n"
        "[    0.2] CRIT: [libkvmplat] Unhandled Trap 14 (page fault), error code=0x2\n"
        "exit_group(0x3)\n";
    console_events events = {0};
    size_t size;
    char *own = console_split(c, text, sizeof text - 1, &size, &events);
    assert_string_equal(own, "own text\nError: near \"x\": syntax error\nmore\n");
    calls told = {0};
    calls_of_events(a, &events, &told);
    assert_int_equal(told.count, 5);
    assert_string_equal(told.items[0].name, "openat");
    assert_int_equal(told.items[0].result, -2);
    assert_int_equal(told.items[1].result, 0x8000);
    assert_string_equal(told.items[3].name, "read");
    assert_int_equal(told.items[3].result, -9);
    static const char only[] = "[shim] syscall sysinfo is not available\n";
    console_events refusals = {0};
    calls refused = {0};
    console_split(c, only, sizeof only - 1, &size, &refusals);
    assert_false(events_hold_trace(&refusals));
    calls_of_events(a, &refusals, &refused);
    assert_string_equal(refused.items[0].name, "sysinfo");
    assert_int_equal(refused.items[0].result, -38);
    int status = 0;
    assert_true(console_ended(c, text, sizeof text - 1, &status));
    assert_int_equal(status, 3);
    assert_false(console_ended(c, "no exit here\n", 13, &status));
    /* A call that never returns is told when it is asked for; others by their results. */
    static const char asked[] =
        "[    0.1] dbg:  [libsyscall_shim] <uk_syscall_binary.c @   68> Binary system call request "
        "\"close\" (3) at ip:0x40019a (arg0=0x3, arg1=0x0, ...)\n"
        "close(fd:3) = OK\n"
        "[    0.2] dbg:  [libsyscall_shim] <uk_syscall_binary.c @   68> Binary system call request "
        "\"exit_group\" (231) at ip:0x40019f (arg0=0x7, arg1=0x3c, ...)\n";
    assert_true(console_ended(c, asked, sizeof asked - 1, &status));
    assert_int_equal(status, 7);
    console_events requests = {0};
    calls asked_for = {0};
    console_split(c, asked, sizeof asked - 1, &size, &requests);
    assert_int_equal(size, 0);
    calls_of_events(a, &requests, &asked_for);
    assert_int_equal(asked_for.count, 2);
    assert_string_equal(asked_for.items[1].name, "exit_group");
    /* What the program prints on Linux too is its own. */
    strings mine = LINES("main returned 3");
    size_t kept;
    console_own(c, &mine);
    assert_string_equal(console_split(c, "main returned 3\n", 16, &kept, NULL),
                        "main returned 3\n");
    assert_false(console_ended(c, "main returned 3\n", 16, &status));
    console_own(c, NULL);
    assert_true(console_ended(c, "main returned 3\n", 16, &status));
    /* A tree that is no clone has no commit to tell; the minimal banner is one line. What ends
     * nowhere is no banner for ever. */
    static const char unpacked[] =
        "Powered by\no.   .o       _ _\n                         Telesto "
        "0.16.2\n 3 6 31\n",
                      minimal[] = "Powered by Unikraft Telesto (0.16.2)\nown\n";
    assert_string_equal(console_split(c, unpacked, sizeof unpacked - 1, &kept, NULL), " 3 6 31\n");
    assert_string_equal(console_split(c, minimal, sizeof minimal - 1, &kept, NULL), "own\n");
    char endless[512] = "Powered by\n";
    for (int i = 0; i < 20; i++)
        strcat(endless, i < 19 ? "line\n" : "last\n");
    assert_non_null(
        strstr(console_split(c, endless, strlen(endless), &kept, NULL), "line\nlast\n"));
    console_close(c);
}

static void normalisers_mask_what_they_name(void **state)
{
    (void)state;
    static const struct {
        const char *name, *before, *after;
    } cases[] = {
        {"times", "at 12:30:59.125 sharp", "at <time> sharp"},
        {"dates", "on 2023-11-23 or 3 Nov 2023", "on <date> or <date>"},
        {"durations", "took 15 ms and 2.5s", "took <duration> and <duration>"},
        {"addresses", "at 0x7ffd00aa, not 0x10", "at <address>, not 0x10"},
        {"pids", "pid 12 sshd[77]", "pid <pid> sshd[<pid>]"},
        {"ports", "127.0.0.1:8080 port 99", "127.0.0.1:<port> port <port>"},
        {"numbers", "1 2.5 x3", "<number> <number> x3"},
        {"spaces", "a   b  ", "a b "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        strings names = LINES(cases[i].name), got = {0};
        struct normalisers n;
        assert_int_equal(normalisers_prepare(&d, a, &names, NULL, &n), STATUS_OK);
        normalise(&n, cases[i].before, strlen(cases[i].before), false, &got);
        assert_string_equal(got.items[0], cases[i].after);
        normalisers_free(&n);
    }
    strings ignore = LINES("v[0-9]+"), got = {0}, bad = LINES("("), unknown = LINES("moods");
    struct normalisers n;
    assert_int_equal(normalisers_prepare(&d, a, NULL, &ignore, &n), STATUS_OK);
    normalise(&n, "\033[1mx v12\033[0m\r\ny\r", 17, true, &got);
    assert_string_equal(got.items[0], "x <ignored>");
    assert_string_equal(got.items[1], "y");
    /* As readline writes at a terminal: it switches a mode and returns to where it is. */
    static const char edited[] = "\033[?2004l\r42\n\033[?2004h\033[?2004l\r";
    strings bare = {0};
    normalise(&n, edited, sizeof edited - 1, false, &bare);
    assert_int_equal(bare.count, 1);
    assert_string_equal(bare.items[0], "42");
    verif_normalisers report = {0};
    normalisers_report(&n, &report);
    vec_each (r, &report)
        if (strcmp(r->name, "ignore /v[0-9]+/") == 0)
            assert_int_equal(r->image_count, 1);
    normalisers_free(&n);
    assert_int_equal(normalisers_prepare(&d, a, NULL, &bad, &n), STATUS_INPUT);
    assert_int_equal(normalisers_prepare(&d, a, &unknown, NULL, &n), STATUS_INPUT);
    assert_non_null(strstr(d.message, "dates"));
}

static void what_varies_is_learned(void **state)
{
    (void)state;
    strings runs[2] = {LINES("pid 17 at 0x55aa", "total 5", "a b"),
                       LINES("pid 9 at 0x77", "total 5", "c d e")};
    struct expectation e;
    expect(a, runs, 2, false, &e);
    assert_true(line_matches(e.lines.items[0], "pid 12345 at 0x1"));
    assert_false(line_matches(e.lines.items[0], "pid 12345 in 0x1"));
    assert_true(line_matches(e.lines.items[1], "total 5"));
    assert_false(line_matches(e.lines.items[1], "total 6"));
    assert_true(line_matches(e.lines.items[2], "anything at all"));
    runs[0] = LINES("x", "y");
    runs[1] = LINES("y", "x");
    expect(a, runs, 2, false, &e);
    assert_true(e.unordered);
    runs[1] = LINES("y");
    expect(a, runs, 2, false, &e);
    assert_non_null(e.unusable);
}

static void differences_are_shortest(void **state)
{
    (void)state;
    strings x = LINES("a", "b", "c", "a", "b", "b", "a"), y = LINES("c", "b", "a", "b", "a", "c");
    edits script;
    diff_lines(a, &x, &y, &script);
    size_t kept = 0, lost = 0, extra = 0, next_x = 0, next_y = 0;
    vec_each (e, &script) {
        kept += e->kind == EDIT_KEEP;
        lost += e->kind == EDIT_LOST;
        extra += e->kind == EDIT_EXTRA;
        if (e->kind != EDIT_EXTRA)
            assert_int_equal(e->expected, next_x++);
        if (e->kind != EDIT_LOST)
            assert_int_equal(e->got, next_y++);
    }
    assert_int_equal(kept, 4); /* the example of Myers' paper: five edits */
    assert_int_equal(lost + extra, 5);
    strings none = {0};
    diff_lines(a, &none, &y, &script);
    assert_int_equal(script.count, y.count);
    diff_lines(a, &x, &none, &script);
    assert_int_equal(script.count, x.count);
    assert_non_null(strstr(diff_text(a, &x, &none, &script), "-a\n-b\n"));
}

static bool harmless(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "rseq") == 0;
}

static void calls_part_where_results_differ(void **state)
{
    (void)state;
    struct call n[] = {{"brk", "", 0x1000, true}, {"rseq", "", 0, true},
                       {"open", "", 3, true},     {"write", "", 13, true},
                       {"close", "", 0, true},    {"exit_group", "", 0, false}};
    struct call i[] = {{"brk", "", 0x9000, true}, {"rseq", "", -38, true},
                       {"open", "", 3, true},     {"write", "", 10, true},
                       {"close", "", 0, true},    {"exit_group", "", 0, false}};
    calls native = {n, 6, 6}, image = {i, 6, 6};
    partings p;
    calls_part(a, &native, &image, harmless, NULL, &p);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.items[0].image, 3);
    i[3].result = 13;
    calls_part(a, &native, &image, harmless, NULL, &p);
    assert_int_equal(p.count, 0);
    image.count = 3; /* falls silent after open */
    calls_part(a, &native, &image, harmless, NULL, &p);
    assert_true(p.items[0].ends);
    assert_int_equal(p.items[0].native, 3);
}

static void runner_templates(void **state)
{
    (void)state;
    struct image image = {.path = "/bin/sh", .memory = "1G"};
    struct runner r;
    image.runner = "run [-i {initrd}] -m {mib} '{image} x' {args} [--last {args}]";
    assert_int_equal(runner_choose(&d, a, &image, &r), STATUS_OK);
    strings none = {0}, words = LINES("a b", "c"), argv;
    assert_int_equal(runner_command(&d, a, &r, &image, &none, NULL, &argv), STATUS_OK);
    assert_int_equal(argv.count, 4);
    assert_string_equal(argv.items[2], "1024");
    assert_string_equal(argv.items[3], "/bin/sh x");
    assert_null(argv.items[4]);
    image.initrd = "i.cpio";
    assert_int_equal(runner_command(&d, a, &r, &image, &words, NULL, &argv), STATUS_OK);
    assert_string_equal(argv.items[1], "-i");
    assert_string_equal(argv.items[6], "a b");
    assert_string_equal(argv.items[8], "--last");
    assert_string_equal(runner_mount(a, "unikraft", "/x"), "vfs.fstab=[ \"fs0:/x:9pfs:::mkmp\" ]");
    assert_null(runner_mount(a, "another", "/x"));
    image.runner = "no-such";
    assert_int_equal(runner_choose(&d, a, &image, &r), STATUS_INPUT);
    assert_int_equal(parse_memory("64M"), 64 << 20);
    assert_int_equal(parse_memory("1GiB"), 1 << 30);
    assert_int_equal(parse_memory("12x"), -1);
    assert_int_equal(parse_memory("-1"), -1);
    assert_string_equal(image_kind("/bin/sh"), "host");
    assert_string_equal(image_kind("/etc/passwd"), "unknown");
}

static void document_round_trip(void **state)
{
    (void)state;
    struct verif in = {.schema = VERIF_SCHEMA, .program = "p", .image = "i", .verdict = 1},
                 out = {0};
    in.runner.name = "linux";
    struct verif_run *run = vec_add(a, &in.runs);
    run->arguments = "-x";
    struct verif_check *check = vec_add(a, &run->checks);
    *check = (struct verif_check){.aspect = "output",
                                  .subject = "get <a> & \"b\"\n",
                                  .verdict = VERDICT_DIFFERENT,
                                  .reason = "no",
                                  .diff = "-x\n+y\n"};
    in.different = 1;
    json_t *json = jm_encode(&verif_type, &in);
    assert_int_equal(jm_decode(&verif_type, json, &out, a, &d, "t"), STATUS_OK);
    assert_int_equal(out.runs.items[0].checks.items[0].verdict, VERDICT_DIFFERENT);
    json_decref(json);
    const char *tap = verif_tap(a, &out), *junit = verif_junit(a, &out);
    assert_non_null(
        strstr(tap, "1..1\nnot ok 1 - -x: output get <a> & \"b\" \n# no\n# -x\n# +y\n"));
    assert_non_null(strstr(junit, "get &lt;a&gt; &amp; &quot;b&quot; \""));
    assert_non_null(strstr(junit, "<failure message=\"no\">-x&#10;+y&#10;</failure>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(console_is_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(normalisers_mask_what_they_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_varies_is_learned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(differences_are_shortest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(calls_part_where_results_differ, set_up, tear_down),
        cmocka_unit_test_setup_teardown(runner_templates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(document_round_trip, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
