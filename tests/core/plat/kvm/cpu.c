/* SPDX-License-Identifier: BSD-3-Clause
 * Exceptions, the system call instruction, random numbers, thread-local storage. */
#include "kvm.h"
#include <core/plat.h>

enum { MSR_STAR = 0xc0000081, MSR_LSTAR = 0xc0000082, MSR_FMASK = 0xc0000084 };
enum { MSR_FS_BASE = 0xc0000100, CODE_SEGMENT = 8, VECTORS = 32, VECTOR_SIZE = 16 };
enum { GATE = 0x8e00 };

plat_syscall_handler *kvm_syscall_handler; /* called by trap.S */
extern char kvm_vectors[], kvm_syscall_entry[];

static struct gate {
    uint16_t offset_low, segment, flags, offset_middle;
    uint32_t offset_high, reserved;
} gates[VECTORS];

void kvm_cpu_init(void)
{
    for (int i = 0; i < VECTORS; i++) {
        uint64_t to = (uint64_t)kvm_vectors + (uint64_t)i * VECTOR_SIZE;
        gates[i] = (struct gate){(uint16_t)to,         CODE_SEGMENT,         GATE,
                                 (uint16_t)(to >> 16), (uint32_t)(to >> 32), 0};
    }
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } pointer = {sizeof gates - 1, (uint64_t)gates};
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

void plat_trap_syscalls(plat_syscall_handler *handler)
{
    kvm_syscall_handler = handler;
    write_msr(MSR_STAR, (uint64_t)CODE_SEGMENT << 32);
    write_msr(MSR_LSTAR, (uint64_t)kvm_syscall_entry);
    write_msr(MSR_FMASK, 0);
}

void plat_set_tls(uint64_t base)
{
    write_msr(MSR_FS_BASE, base);
}

uint64_t plat_get_tls(void)
{
    return read_msr(MSR_FS_BASE);
}

bool plat_has_rdrand(void)
{
    uint32_t a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c >> 30 & 1;
}

/* Without the instruction: jitter of the counter, which is no secret to the machine's owner. */
bool plat_random(uint64_t *out)
{
    unsigned char good = 0;
    if (plat_has_rdrand())
        __asm__ volatile("rdrand %0; setc %1" : "=r"(*out), "=qm"(good) : : "cc");
    if (!good)
        *out = read_tsc() * 0x9e3779b97f4a7c15u;
    return good;
}
