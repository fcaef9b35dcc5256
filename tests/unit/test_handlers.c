/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "crawler/handlers.h"

static const char source[] =
    "/* UK_SYSCALL_DEFINE(int, commented, int, a) { return 0; } */\n"
    "const char *s = \"UK_SYSCALL_DEFINE(int, quoted) { return 0; }\";\n"
    "UK_SYSCALL_R_DEFINE(int, nothing, int, fd)\n{\n\t/* why; not */\n\t(void)fd;\n\treturn 0;\n}\n"
    "UK_LLSYSCALL_R_E_DEFINE(long, refused)\n{ UK_WARN_STUBBED(); uk_pr_err(\"x;y\"); return "
    "(-ENOSYS); }\n"
    "UK_SYSCALL_DEFINE(int, classic, int, a) { errno = ENOSYS; return -1; }\n"
    "UK_SYSCALL_R_DEFINE(int, works, int (*f)(int), g) { g(1); return 0; }\n"
    "UK_SYSCALL_R_DEFINE(int, decides, int, a) { if (a) return -EINVAL; return 0; }\n"
    "UK_SYSCALL_R_DEFINE(int, guarded, int, a) {\n#if CONFIG_X\n\treturn 1;\n#endif\n\treturn "
    "0;\n}\n"
    "UK_SYSCALL_R_DEFINE(int, computed, int, a) { return a; }\n"
    "MY_UK_SYSCALL_DEFINE(int, other) { return 0; }\n"
    "UK_SYSCALL_R_DEFINE(int, unfinished, int, a) { return 0;";

static void constants(void **state)
{
    (void)state;
    static const char *const expected[][2] = {
        {"nothing", "0"},  {"refused", "-ENOSYS"}, {"classic", "-1"},  {"works", NULL},
        {"decides", NULL}, {"guarded", NULL},      {"computed", NULL},
    };
    struct arena *a = arena_new();
    handlers found = {0};
    handlers_find(a, source, &found);
    assert_int_equal(found.count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < found.count; i++) {
        assert_string_equal(found.items[i].name, expected[i][0]);
        if (expected[i][1])
            assert_string_equal(found.items[i].constant, expected[i][1]);
        else
            assert_null(found.items[i].constant);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(constants)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
