/* SPDX-License-Identifier: BSD-3-Clause
 * Sources as a graph: what main reaches, with headers that are missing, by libclang and by words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* clang-format off: cmocka.h needs the above */
#include <cmocka.h>
/* clang-format on */

#include "common/csource_private.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *text;
} files[] = {
    {"app.c",
     "#include <no_such_header.h>\n#include \"sub/h.h\"\nextern int table_call(int);\n"
     "int main(int argc, char **argv)\n{\n    unknown_t x = open_it(argv[0]);\n"
     "    argc += syscall(39);\n    return helper(argc) + table_call(2) + x + syscall(x);\n}\n"},
    {"sub/h.h", "int helper(int);\nlong syscall(long, ...);\n"},
    {"sub/helper.c", "int helper(int x) { /* getpid( */ return puts(\"kill(\") - x; }\n"},
    {"table.c", "static int f(int x) { return dup(x); }\nstatic int g(int x) { return close(x); }\n"
                "static int (*tab[])(int) = {f};\nint table_call(int x) { return tab[0](x); }\n"
                "int lonely(int x) { return g(x); }\n"},
    {"unused.c", "int unused(void) { return fork(); }\n"},
    {"start.c", "__attribute__((constructor)) static void on_start(void) { sync(); }\n"},
    {"other.c", "int main(void) { return abort(); }\n"},
};
enum { FILES = sizeof files / sizeof files[0] };

struct fixture {
    struct arena *a;
    struct diag d;
    char *folder;
    csource_inputs inputs;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->a = arena_new();
    diag_init(&f->d, -1);
    f->folder = arena_strdup(f->a, "/tmp/csource-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    for (size_t i = 0; i < FILES; i++) {
        const char *path = arena_printf(f->a, "%s/%s", f->folder, files[i].name);
        if (strchr(files[i].name, '/'))
            assert_int_equal(dir_make(&f->d, arena_printf(f->a, "%s/sub", f->folder)), 0);
        assert_int_equal(file_write(&f->d, path, files[i].text, strlen(files[i].text), 0), 0);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(system(arena_printf(f->a, "rm -rf %s", f->folder)), 0);
    arena_free(f->a);
    free(f);
    return 0;
}

static size_t unit_of(const struct csources *s, const char *name)
{
    for (size_t i = 0; i < s->units.count; i++)
        if (strcmp(strrchr(s->units.items[i].path, '/') + 1, name) == 0)
            return i;
    fail_msg("%s was not read", name);
    return 0;
}

static const struct csource_node *external(const struct csources *s, const char *name)
{
    vec_each (n, &s->nodes)
        if (csource_external(n) && strcmp(n->name, name) == 0)
            return n;
    return NULL;
}

static void read_all(struct fixture *f)
{
    strings sources = {0}, headers = {0};
    assert_int_equal(csource_find(&f->d, f->a, f->folder, &sources, &headers), 0);
    assert_int_equal(sources.count, FILES - 1);
    assert_int_equal(headers.count, 1);
    vec_each (path, &sources)
        vec_push(f->a, &f->inputs, ((struct csource_input){.path = *path}));
}

static void libclang_follows_definitions(void **state)
{
    struct fixture *f = *state;
    struct csources s;
    read_all(f);
    assert_int_equal(csource_read(&f->d, f->a, &f->inputs, &s), 0);
    assert_true(s.clang); /* make deps installs libclang1-14 */
    size_t app = unit_of(&s, "app.c");
    assert_string_equal(s.units.items[app].missing, "no_such_header.h");
    assert_true(s.units.items[app].main_node != SIZE_MAX);
    assert_true(s.units.items[unit_of(&s, "other.c")].main_node != SIZE_MAX);
    csource_reach(&s, app);
    assert_true(s.units.items[unit_of(&s, "helper.c")].reached);
    assert_true(s.units.items[unit_of(&s, "table.c")].reached);
    assert_false(s.units.items[unit_of(&s, "unused.c")].reached);
    assert_false(s.units.items[unit_of(&s, "start.c")].reached);
    assert_false(s.units.items[unit_of(&s, "other.c")].reached);
    assert_non_null(external(&s, "open_it")); /* declared in the header that is missing */
    assert_non_null(external(&s, "dup"));     /* through the table */
    assert_non_null(external(&s, "puts"));
    assert_null(external(&s, "close")); /* of a function that nothing calls */
    assert_null(external(&s, "fork"));
    assert_null(external(&s, "kill"));   /* within a string */
    assert_null(external(&s, "getpid")); /* within a comment */
    assert_int_equal(external(&s, "dup")->by_line, 1);
    bool constant = false, unknown = false;
    vec_each (c, &s.calls) {
        constant = constant || (c->number == 39 && c->line == 7);
        unknown = unknown || (c->number == -1 && c->line == 8);
    }
    assert_true(constant);
    assert_true(unknown); /* in an expression that does not parse */
}

static void words_are_a_superset(void **state)
{
    struct fixture *f = *state;
    struct csources s;
    read_all(f);
    csource_open(f->a, &f->inputs, &s);
    for (size_t i = 0; i < s.units.count; i++)
        assert_int_equal(csource_scan(&f->d, &s, i), 0);
    csource_reach(&s, unit_of(&s, "app.c"));
    static const char *const wanted[] = {"open_it", "dup", "puts", "syscall", "close"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_non_null(external(&s, wanted[i]));
    assert_null(external(&s, "fork"));
    assert_null(external(&s, "kill"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(libclang_follows_definitions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(words_are_a_superset, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
