/* SPDX-License-Identifier: BSD-3-Clause
 * Start of the Linux executable, and the one place that makes its system calls. */
    .section .text.start, "ax"
    .globl _linuxu_start
_linuxu_start:
    xor %ebp, %ebp
    mov %rsp, %rdi
    and $-16, %rsp
    call linuxu_main
    ud2

    .text
/* long linuxu_syscall(long number, long a, long b, long c, long d, long e, long f) */
    .globl linuxu_syscall
linuxu_syscall:
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsi
    mov %rcx, %rdx
    mov %r8, %r10
    mov %r9, %r8
    mov 8(%rsp), %r9
    .globl linuxu_syscall_instruction
linuxu_syscall_instruction:
    syscall
    ret

/* What the kernel returns to after a signal handler. */
    .globl linuxu_restorer
linuxu_restorer:
    mov $15, %eax
    syscall
    .globl linuxu_restorer_end
linuxu_restorer_end:

    .globl plat_jump
plat_jump:
    mov %rsi, %rsp
    xor %edx, %edx
    xor %ebp, %ebp
    jmp *%rdi

    .section .note.GNU-stack, "", @progbits
