/* SPDX-License-Identifier: BSD-3-Clause
 * Processor exceptions, and the system call instruction (all of it in ring 0). */
    .text
    .altmacro
    .macro vector number
    .balign 16
    .if (\number == 8) || (\number >= 10 && \number <= 14) || (\number == 17) || (\number == 21)
    .else
    push $0
    .endif
    push $\number
    jmp fault
    .endm

    .balign 16
    .globl kvm_vectors
kvm_vectors:
    .set i, 0
    .rept 32
    vector %i
    .set i, i + 1
    .endr

fault:
    pop %rdi                    /* number */
    pop %rsi                    /* error code */
    pop %rdx                    /* where */
    mov %cr2, %rcx
    and $-16, %rsp
    cld
    call kvm_fault
    ud2

/* On entry rcx holds the program's next instruction, r11 its flags. Only rax, rcx and r11 may
 * change; the red zone below the stack pointer belongs to the program. */
    .globl kvm_syscall_entry
kvm_syscall_entry:
    lea -128(%rsp), %rsp
    push %r11
    push %rcx
    push %r9
    push %r8
    push %r10
    push %rdx
    push %rsi
    push %rdi
    mov %rsp, %rsi
    mov %rax, %rdi
    push %rbp
    mov %rsp, %rbp
    sub $512, %rsp
    and $-16, %rsp
    fxsave64 (%rsp)
    cld
    call *kvm_syscall_handler
    fxrstor64 (%rsp)
    mov %rbp, %rsp
    pop %rbp
    pop %rdi
    pop %rsi
    pop %rdx
    pop %r10
    pop %r8
    pop %r9
    pop %rcx
    popfq
    lea 128(%rsp), %rsp
    jmp *%rcx

    .globl plat_jump
plat_jump:
    mov %rsi, %rsp
    xor %edx, %edx
    xor %ebp, %ebp
    jmp *%rdi

    .section .note.GNU-stack, "", @progbits
