/* SPDX-License-Identifier: BSD-3-Clause
 * Libraries that few runs need, loaded when one of their functions is called for the first time.
 * The dynamic linker would load and relocate them at every start, which was most of a short run's
 * time. Each function used of them is a stub here, of the same name, that jumps to the real one. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

/* What the linker would have recorded; the Makefile asks it. */
#ifndef LAZY_GIT2
#define LAZY_GIT2     "libgit2.so"
#define LAZY_CAPSTONE "libcapstone.so"
#define LAZY_GVC      "libgvc.so"
#define LAZY_CGRAPH   "libcgraph.so"
#define LAZY_OPCODES  "libopcodes.so"
#define LAZY_BFD      "libbfd.so"
#define LAZY_ELF      "libelf.so.1"
#define LAZY_DW       "libdw.so.1"
#define LAZY_JANSSON  "libjansson.so.4"
#define LAZY_SECCOMP  "libseccomp.so.2"
#define LAZY_M        "libm.so.6"
#define LAZY_Z        "libz.so.1"
#endif

/* Written once, with the same value whoever comes first. */
struct lazy {
    void *address; /* first: the stubs look at it */
    const char *library, *name;
};

/* Only called from below. Without the library the program cannot go on, as if it had not started.
 */
__attribute__((used)) static void lazy_resolve(struct lazy *l)
{
    void *library = dlopen(l->library, RTLD_NOW | RTLD_GLOBAL);
    void *address = library ? dlsym(library, l->name) : NULL;
    if (!address) {
        fprintf(stderr, "toolchain: %s: %s\n", l->library, dlerror());
        _Exit(3);
    }
    __atomic_store_n(&l->address, address, __ATOMIC_RELEASE);
}

/* r11 holds the struct lazy; every register that may hold an argument is kept. */
__asm__(".pushsection .text\n"
        "lazy_jump:\n"
        "    cmpq $0, (%r11)\n"
        "    jne 1f\n"
        "    push %rdi\n    push %rsi\n    push %rdx\n    push %rcx\n"
        "    push %r8\n    push %r9\n    push %rax\n    push %r11\n"
        "    sub $136, %rsp\n"
        "    movups %xmm0, (%rsp)\n    movups %xmm1, 16(%rsp)\n"
        "    movups %xmm2, 32(%rsp)\n    movups %xmm3, 48(%rsp)\n"
        "    movups %xmm4, 64(%rsp)\n    movups %xmm5, 80(%rsp)\n"
        "    movups %xmm6, 96(%rsp)\n    movups %xmm7, 112(%rsp)\n"
        "    mov %r11, %rdi\n"
        "    call lazy_resolve\n"
        "    movups (%rsp), %xmm0\n    movups 16(%rsp), %xmm1\n"
        "    movups 32(%rsp), %xmm2\n    movups 48(%rsp), %xmm3\n"
        "    movups 64(%rsp), %xmm4\n    movups 80(%rsp), %xmm5\n"
        "    movups 96(%rsp), %xmm6\n    movups 112(%rsp), %xmm7\n"
        "    add $136, %rsp\n"
        "    pop %r11\n    pop %rax\n    pop %r9\n    pop %r8\n"
        "    pop %rcx\n    pop %rdx\n    pop %rsi\n    pop %rdi\n"
        "1:  jmp *(%r11)\n"
        ".popsection");

#define LAZY(library, symbol)                                                                      \
    __attribute__((used)) static struct lazy lazy_##symbol = {NULL, library, #symbol};             \
    __asm__(".pushsection .text\n.globl " #symbol "\n.type " #symbol ", @function\n" #symbol       \
            ":\n    leaq lazy_" #symbol "(%rip), %r11\n    jmp lazy_jump\n.popsection")

LAZY(LAZY_GIT2, git_checkout_tree);
LAZY(LAZY_GIT2, git_clone);
LAZY(LAZY_GIT2, git_error_last);
LAZY(LAZY_GIT2, git_libgit2_init);
LAZY(LAZY_GIT2, git_libgit2_shutdown);
LAZY(LAZY_GIT2, git_object_free);
LAZY(LAZY_GIT2, git_object_id);
LAZY(LAZY_GIT2, git_object_peel);
LAZY(LAZY_GIT2, git_repository_free);
LAZY(LAZY_GIT2, git_repository_set_head_detached);
LAZY(LAZY_GIT2, git_revparse_single);
LAZY(LAZY_CAPSTONE, cs_close);
LAZY(LAZY_CAPSTONE, cs_disasm_iter);
LAZY(LAZY_CAPSTONE, cs_free);
LAZY(LAZY_CAPSTONE, cs_malloc);
LAZY(LAZY_CAPSTONE, cs_open);
LAZY(LAZY_CAPSTONE, cs_option);
LAZY(LAZY_CGRAPH, agclose);
LAZY(LAZY_CGRAPH, agmemread);
LAZY(LAZY_CGRAPH, agseterr);
LAZY(LAZY_CGRAPH, agseterrf);
LAZY(LAZY_GVC, gvContext);
LAZY(LAZY_GVC, gvFreeLayout);
LAZY(LAZY_GVC, gvFreeRenderData);
LAZY(LAZY_GVC, gvLayout);
LAZY(LAZY_GVC, gvRenderData);
LAZY(LAZY_BFD, bfd_check_format);
LAZY(LAZY_BFD, bfd_check_format_matches);
LAZY(LAZY_BFD, bfd_close_all_done);
LAZY(LAZY_BFD, bfd_get_error);
LAZY(LAZY_BFD, bfd_init);
LAZY(LAZY_BFD, bfd_openr);
LAZY(LAZY_BFD, bfd_set_assert_handler);
LAZY(LAZY_BFD, bfd_set_error_handler);
LAZY(LAZY_OPCODES, buffer_read_memory);
LAZY(LAZY_OPCODES, disassemble_free_target);
LAZY(LAZY_OPCODES, disassemble_init_for_target);
LAZY(LAZY_OPCODES, disassembler);
LAZY(LAZY_OPCODES, init_disassemble_info);
LAZY(LAZY_ELF, elf_begin);
LAZY(LAZY_ELF, elf_end);
LAZY(LAZY_ELF, elf_getdata);
LAZY(LAZY_ELF, elf_memory);
LAZY(LAZY_ELF, elf_nextscn);
LAZY(LAZY_ELF, elf_strptr);
LAZY(LAZY_ELF, elf_version);
LAZY(LAZY_ELF, gelf_getdyn);
LAZY(LAZY_ELF, gelf_getshdr);
LAZY(LAZY_ELF, gelf_getsym);
LAZY(LAZY_DW, dwarf_addrdie);
LAZY(LAZY_DW, dwarf_attr);
LAZY(LAZY_DW, dwarf_begin_elf);
LAZY(LAZY_DW, dwarf_child);
LAZY(LAZY_DW, dwarf_diename);
LAZY(LAZY_DW, dwarf_end);
LAZY(LAZY_DW, dwarf_formstring);
LAZY(LAZY_DW, dwarf_get_units);
LAZY(LAZY_DW, dwarf_getlocation);
LAZY(LAZY_DW, dwarf_getsrc_die);
LAZY(LAZY_DW, dwarf_lineno);
LAZY(LAZY_DW, dwarf_linesrc);
LAZY(LAZY_DW, dwarf_ranges);
LAZY(LAZY_DW, dwarf_siblingof);
LAZY(LAZY_DW, dwarf_tag);
LAZY(LAZY_DW, dwfl_begin);
LAZY(LAZY_DW, dwfl_build_id_find_debuginfo);
LAZY(LAZY_DW, dwfl_end);
LAZY(LAZY_DW, dwfl_lineinfo);
LAZY(LAZY_DW, dwfl_module_addrinfo);
LAZY(LAZY_DW, dwfl_module_getelf);
LAZY(LAZY_DW, dwfl_module_getsrc);
LAZY(LAZY_DW, dwfl_report_begin);
LAZY(LAZY_DW, dwfl_report_end);
LAZY(LAZY_DW, dwfl_report_offline);
LAZY(LAZY_DW, dwfl_offline_section_address);
LAZY(LAZY_JANSSON, json_array);
LAZY(LAZY_JANSSON, json_array_append_new);
LAZY(LAZY_JANSSON, json_array_get);
LAZY(LAZY_JANSSON, json_array_size);
LAZY(LAZY_JANSSON, json_delete);
LAZY(LAZY_JANSSON, json_dumps);
LAZY(LAZY_JANSSON, json_false);
LAZY(LAZY_JANSSON, json_integer);
LAZY(LAZY_JANSSON, json_integer_value);
LAZY(LAZY_JANSSON, json_loadb);
LAZY(LAZY_JANSSON, json_null);
LAZY(LAZY_JANSSON, json_number_value);
LAZY(LAZY_JANSSON, json_object);
LAZY(LAZY_JANSSON, json_object_get);
LAZY(LAZY_JANSSON, json_object_iter);
LAZY(LAZY_JANSSON, json_object_iter_key);
LAZY(LAZY_JANSSON, json_object_iter_next);
LAZY(LAZY_JANSSON, json_object_iter_value);
LAZY(LAZY_JANSSON, json_object_key_to_iter);
LAZY(LAZY_JANSSON, json_object_set_new);
LAZY(LAZY_JANSSON, json_object_update);
LAZY(LAZY_JANSSON, json_pack);
LAZY(LAZY_JANSSON, json_real);
LAZY(LAZY_JANSSON, json_string);
LAZY(LAZY_JANSSON, json_string_value);
LAZY(LAZY_JANSSON, json_true);
LAZY(LAZY_SECCOMP, seccomp_arch_add);
LAZY(LAZY_SECCOMP, seccomp_arch_native);
LAZY(LAZY_SECCOMP, seccomp_arch_remove);
LAZY(LAZY_SECCOMP, seccomp_attr_set);
LAZY(LAZY_SECCOMP, seccomp_export_bpf);
LAZY(LAZY_SECCOMP, seccomp_init);
LAZY(LAZY_SECCOMP, seccomp_load);
LAZY(LAZY_SECCOMP, seccomp_release);
LAZY(LAZY_SECCOMP, seccomp_rule_add_array);
LAZY(LAZY_SECCOMP, seccomp_syscall_resolve_num_arch);
LAZY(LAZY_M, erfc);
LAZY(LAZY_M, exp);
LAZY(LAZY_M, fmax);
LAZY(LAZY_M, fmin);
LAZY(LAZY_M, hypot);
LAZY(LAZY_M, log);
LAZY(LAZY_M, sqrt);
LAZY(LAZY_Z, uncompress);
