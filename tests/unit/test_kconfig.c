/* SPDX-License-Identifier: BSD-3-Clause
 * Expressions and the evaluation of a hand-written catalogue; the comparison with kconfiglib and
 * kconfig-conf on whole trees is tests/integration/20-kconfig.t. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/kconfig_eval.h"

static const char small[] =
    "{\"schema\":\"catalogue/1\",\"name\":\"t\",\"version\":\"1\",\"libraries\":[],\"syscalls\":[],"
    "\"options\":["
    "{\"name\":\"A\",\"type\":\"bool\",\"visible\":\"y\","
    " \"selects\":[{\"value\":\"B\"},{\"value\":\"C\",\"condition\":\"D\"}]},"
    "{\"name\":\"B\",\"type\":\"bool\",\"visible\":\"D\",\"depends\":\"D\","
    " \"selects\":[{\"value\":\"E\"}]},"
    "{\"name\":\"C\",\"type\":\"bool\",\"visible\":null},"
    "{\"name\":\"D\",\"type\":\"bool\",\"visible\":\"y\"},"
    "{\"name\":\"E\",\"type\":\"bool\",\"visible\":null},"
    "{\"name\":\"N\",\"type\":\"int\",\"visible\":\"y\",\"defaults\":[{\"value\":\"50\"}],"
    " \"ranges\":[{\"low\":\"1\",\"high\":\"10\",\"condition\":\"D\"}]},"
    "{\"name\":\"S\",\"type\":\"string\",\"visible\":\"y\","
    " \"defaults\":[{\"value\":\"\\\"big\\\"\",\"condition\":\"N > 9\"},{\"value\":\"\\\"\\\"\"}]},"
    "{\"name\":\"P\",\"type\":\"bool\",\"visible\":\"y\",\"choice\":\"c\"},"
    "{\"name\":\"Q\",\"type\":\"bool\",\"visible\":\"D\",\"depends\":\"D\",\"choice\":\"c\"},"
    "{\"name\":\"W\",\"type\":\"bool\",\"visible\":\"y\",\"repository\":\"lib-w\"}"
    "],\"choices\":[{\"name\":\"c\",\"type\":\"bool\",\"visible\":\"y\",\"members\":[\"P\",\"Q\"],"
    " \"defaults\":[{\"value\":\"Q\"}]}]}";

struct fixture {
    struct arena *arena;
    struct diag diag;
    struct catalogue catalogue;
    struct kconfig *k;
};

static int set_up(void **state)
{
    struct arena *a = arena_new();
    struct fixture *f = ARENA_NEW(a, struct fixture);
    f->arena = a;
    diag_init(&f->diag, -1);
    json_t *json = json_loads(small, 0, NULL);
    assert_non_null(json);
    assert_int_equal(jm_decode(&catalogue_type, json, &f->catalogue, a, &f->diag, "small"), 0);
    json_decref(json);
    assert_int_equal(kconfig_new(&f->diag, a, &f->catalogue, &f->k), STATUS_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    return 0;
}

static void set(struct fixture *f, const char *name, const char *value)
{
    assert_true(kconfig_set(f->k, kconfig_find(f->k, name), value));
}

static const char *get(struct fixture *f, const char *name)
{
    return kconfig_value(f->k, kconfig_find(f->k, name));
}

static void select_overrides_dependencies(void **state)
{
    struct fixture *f = *state;
    set(f, "A", "y");
    assert_string_equal(get(f, "B"), "y");
    assert_true(kconfig_unmet(f->k, kconfig_find(f->k, "B")));
    assert_string_equal(get(f, "C"), "n");
    assert_string_equal(get(f, "E"), "n"); /* what B says counts only where B's own D holds */
    set(f, "D", "y");
    assert_string_equal(get(f, "C"), "y");
    assert_string_equal(get(f, "E"), "y");
    assert_false(kconfig_unmet(f->k, kconfig_find(f->k, "B")));
}

static void ranges_clamp(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(get(f, "N"), "50");
    assert_string_equal(get(f, "S"), "big");
    set(f, "D", "y");
    assert_string_equal(get(f, "N"), "10");
    set(f, "N", "7");
    assert_string_equal(get(f, "N"), "7");
    assert_string_equal(get(f, "S"), "");
    set(f, "N", "70"); /* out of range: as if not assigned */
    assert_string_equal(get(f, "N"), "10");
    assert_false(kconfig_set(f->k, kconfig_find(f->k, "N"), "7x"));
}

static void choices(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(get(f, "P"), "y");
    set(f, "D", "y");
    assert_string_equal(get(f, "P"), "n");
    assert_string_equal(get(f, "Q"), "y");
    assert_int_equal(kconfig_chosen(f->k, 0), kconfig_find(f->k, "Q"));
    set(f, "P", "y");
    assert_string_equal(get(f, "Q"), "n");
    assert_non_null(strstr(kconfig_why_not(f->k, f->arena, "Q", "y"), "P is chosen"));
}

static void config_files(void **state)
{
    struct fixture *f = *state;
    strings ignored = {0};
    assert_int_equal(kconfig_read_text(&f->diag, f->k, "x",
                                       "# comment\nCONFIG_D=y\n# CONFIG_P is not set\n"
                                       "CONFIG_S=\"a\\\"b\"\nCONFIG_GONE=y\nCONFIG_N=z\n",
                                       &ignored),
                     STATUS_OK);
    assert_int_equal(ignored.count, 2);
    assert_string_equal(ignored.items[0], "GONE: no such option");
    assert_string_equal(kconfig_write_text(f->k, f->arena),
                        "# CONFIG_A is not set\n# CONFIG_B is not set\nCONFIG_D=y\nCONFIG_N=10\n"
                        "CONFIG_S=\"a\\\"b\"\n# CONFIG_P is not set\nCONFIG_Q=y\n"
                        "# CONFIG_W is not set\n");
    assert_int_equal(kconfig_read_text(&f->diag, f->k, "x", "CONFIG_D=y\nnonsense\n", NULL),
                     STATUS_INPUT);
    assert_non_null(strstr(f->diag.message, "x:2: "));
}

static void repositories(void **state)
{
    struct fixture *f = *state;
    int w = kconfig_find(f->k, "W");
    set(f, "W", "y");
    assert_int_equal(kconfig_tri(f->k, w), TRI_Y);
    kconfig_include(f->k, "lib-w", false);
    assert_int_equal(kconfig_tri(f->k, w), TRI_N);
    assert_false(kconfig_written(f->k, w));
}

static void canonical(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[][2] = {
        {"A&&(B||!C)", "A && (B || !C)"},
        {"(A && B) || (C)", "A && B || C"},
        {"!A = y", "!(A = y)"},
        {"X='a b'", "X = \"a b\""},
        {"N>=0x10 && S!=\"q\\\"\"", "N >= 0x10 && S != \"q\\\"\""},
        {"A &&", NULL},
        {"(A", NULL},
        {"\"open", NULL},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct kexpr *e = NULL;
        enum status status = kexpr_parse(&f->diag, f->arena, "t", texts[i][0], &e);
        if (texts[i][1])
            assert_string_equal(kexpr_print(f->arena, e), texts[i][1]);
        else
            assert_int_equal(status, STATUS_INPUT);
    }
}

static void joins(void **state)
{
    struct fixture *f = *state;
    struct arena *a = f->arena;
    struct kexpr *x = kexpr_symbol(a, "X"), *y = kexpr_symbol(a, "Y");
    struct kexpr *both = kexpr_and(a, x, kexpr_and(a, y, x));
    assert_string_equal(kexpr_print(a, both), "X && Y");
    assert_null(kexpr_or(a, NULL, x));
    assert_string_equal(kexpr_print(a, kexpr_or(a, kexpr_const(a, "n"), both)), "X && Y");
    assert_true(kexpr_depends_on(both, "Y"));
    assert_false(kexpr_depends_on(kexpr_or(a, x, y), "Y"));
    assert_string_equal(kexpr_print(a, kexpr_rewrite_m(a, kexpr_const(a, "m"))), "m && MODULES");
}

static void hostile_expressions(void **state)
{
    struct fixture *f = *state;
    char deep[4096];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    struct kexpr *e = NULL;
    assert_int_equal(kexpr_parse(&f->diag, f->arena, "t", deep, &e), STATUS_INPUT);
    memset(deep, '!', sizeof deep - 1);
    assert_int_equal(kexpr_parse(&f->diag, f->arena, "t", deep, &e), STATUS_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(select_overrides_dependencies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ranges_clamp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(choices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(config_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(repositories, set_up, tear_down),
        cmocka_unit_test_setup_teardown(canonical, set_up, tear_down),
        cmocka_unit_test_setup_teardown(joins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hostile_expressions, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
