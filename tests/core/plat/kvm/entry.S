/* SPDX-License-Identifier: BSD-3-Clause
 * PVH boot: the machine starts here in 32-bit protected mode, ebx holds the start information.
 * The first 4 GiB are mapped as they are, in pages of 2 MiB, and long mode is entered. */
    .section .note.pvh, "a", @note
    .long 4, 8, 18              /* name size, value size, type: 32-bit entry point */
    .asciz "Xen"
    .quad _kvm_start

    .section .text.start, "ax"
    .code32
    .globl _kvm_start
_kvm_start:
    cli
    mov $kvm_stack_top, %esp
    mov %ebx, %ebp

    mov $kvm_pdpt + 3, %eax
    mov %eax, kvm_pml4
    mov $kvm_directories + 3, %eax
    mov $kvm_pdpt, %edi
    mov $4, %ecx
1:  mov %eax, (%edi)
    add $4096, %eax
    add $8, %edi
    loop 1b
    mov $0x83, %eax             /* present, writable, 2 MiB */
    mov $kvm_directories, %edi
    mov $2048, %ecx
2:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 2b

    mov $kvm_pml4, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x620, %eax             /* PAE, SSE and its exceptions */
    mov %eax, %cr4
    mov $0xc0000080, %ecx       /* EFER: system calls, long mode */
    rdmsr
    or $0x101, %eax
    wrmsr
    mov %cr0, %eax
    and $~0x4, %eax
    or $0x80000003, %eax        /* paging, monitor coprocessor */
    mov %eax, %cr0
    lgdt kvm_gdt_pointer
    ljmp $8, $start64

    .code64
start64:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov %ebp, %edi
    xor %ebp, %ebp
    call kvm_main
    ud2

    .section .rodata
    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff    /* code, 64 bits */
    .quad 0x00cf93000000ffff    /* data */
kvm_gdt_pointer:
    .word . - gdt - 1
    .quad gdt

    .bss
    .balign 4096
kvm_pml4:
    .skip 4096
kvm_pdpt:
    .skip 4096
kvm_directories:
    .skip 4 * 4096
    .skip CONFIG_KVM_STACK_KB * 1024
kvm_stack_top:

    .section .note.GNU-stack, "", @progbits
