/* SPDX-License-Identifier: BSD-3-Clause */
#include <core/plat.h>
#include <core/syscall.h>

CORE_RAW2(arch_prctl, int, code, uint64_t, value)
{
    enum { SET_FS = 0x1002, GET_FS = 0x1003 };
    if (code == GET_FS) {
        *(uint64_t *)value = plat_get_tls();
        return 0;
    }
    if (code != SET_FS)
        return -EINVAL;
    plat_set_tls(value);
    return 0;
}
