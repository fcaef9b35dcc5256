/* SPDX-License-Identifier: BSD-3-Clause
 * Names and numbers of system calls against libseccomp's own tables, for every architecture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/syscalls.h"
#include <cmocka.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void names_are_those_of_libseccomp(void **state)
{
    (void)state;
    for (unsigned table = 0; table < SYSCALL_TABLES; table++)
        for (int i = 0; i < SYSCALL_LIMIT; i++) {
            char *theirs = seccomp_syscall_resolve_num_arch(syscall_table_token(table), i);
            const char *ours = syscall_name_in(table, i);
            if (theirs)
                assert_string_equal(ours, theirs);
            assert_int_equal(syscall_number_in(table, ours), i);
            free(theirs);
        }
}

static void names_have_numbers(void **state)
{
    (void)state;
    assert_int_equal(syscall_number("read"), 0);
    assert_int_equal(syscall_number("uretprobe"), 335);
    assert_int_equal(syscall_number("rseq"), 334);
    assert_int_equal(syscall_number("pidfd_send_signal"), 424);
    assert_int_equal(syscall_number("open_tree_attr"), 467);
    assert_int_equal(syscall_number("syscall_400"), 400);
    assert_int_equal(syscall_number("no_such_call"), -1);
    assert_false(syscall_exists(400));
    assert_true(syscall_exists(467));
    assert_null(syscall_name(SYSCALL_LIMIT));
    assert_null(syscall_name(-1));
    assert_int_equal(syscall_number_in(SYSCALLS_AARCH64, "open"), -1);
    assert_true(syscall_number_in(SYSCALLS_AARCH64, "uretprobe") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_libseccomp),
        cmocka_unit_test(names_have_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
