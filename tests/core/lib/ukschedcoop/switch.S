/* SPDX-License-Identifier: BSD-3-Clause
 * void coop_switch(void **save, void *to): leaves one stack, goes on with another. */
    .text
    .globl coop_switch
coop_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret

    .section .note.GNU-stack, "", @progbits
