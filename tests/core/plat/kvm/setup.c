/* SPDX-License-Identifier: BSD-3-Clause
 * Reads the PVH start information (layout: Xen's public start_info.h): memory map, command line,
 * initrd; and ends the machine. */
#include "kvm.h"
#include <core/plat.h>

struct start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp, memory_map;
    uint32_t memory_map_entries, reserved;
};
struct module {
    uint64_t address, size, command_line, reserved;
};
struct range {
    uint64_t address, size;
    uint32_t type, reserved;
};
enum { MAGIC = 0x336ec578, RANGE_RAM = 1, MAX_ARGUMENTS = 256 };
static const uint64_t mapped = (uint64_t)4 << 30; /* what the page tables cover */

extern char kvm_image_end[];
_Noreturn void kvm_main(const struct start_info *start);
_Noreturn void kvm_fault(uint64_t number, uint64_t error, uint64_t where, uint64_t address);

/* Splits the command line at blanks; "..." and '...' keep them. */
static void split_arguments(char *line, struct plat_boot *boot)
{
    static char *arguments[MAX_ARGUMENTS + 1];
    arguments[boot->argc++] = (char *)CONFIG_UK_NAME;
    while (line && *line && boot->argc < MAX_ARGUMENTS) {
        while (*line == ' ')
            line++;
        if (!*line)
            break;
        char *to = line, quote = '\0';
        arguments[boot->argc++] = line;
        for (; *line && (quote || *line != ' '); line++) {
            if (quote ? *line == quote : *line == '"' || *line == '\'')
                quote = quote ? '\0' : *line;
            else
                *to++ = *line;
        }
        if (*line)
            line++;
        *to = '\0';
    }
    boot->argv = arguments;
}

/* The largest piece of memory behind the image, up to the initrd if that lies in it. */
static struct plat_memory find_memory(const struct start_info *start, const struct module *initrd)
{
    const struct range *map = (const struct range *)start->memory_map;
    struct plat_memory best = {0};
    for (uint32_t i = 0; i < start->memory_map_entries; i++) {
        uint64_t from = map[i].address, to = map[i].address + map[i].size;
        uint64_t image_end = ((uint64_t)kvm_image_end + 4095) & ~(uint64_t)4095;
        if (map[i].type != RANGE_RAM || from < 0x100000 || from >= mapped)
            continue;
        from = from < image_end ? image_end : from;
        to = to > mapped ? mapped : to;
        if (initrd && initrd->address >= from && initrd->address < to)
            to = initrd->address;
        if (to > from && to - from > best.size)
            best = (struct plat_memory){(void *)from, to - from};
    }
    return best;
}

_Noreturn void kvm_main(const struct start_info *start)
{
    struct plat_boot boot = {0};
    kvm_serial_init();
    kvm_cpu_init();
    kvm_clock_init();
    if (start->magic != MAGIC || start->version < 1) {
        kvm_print("kvm: not booted through PVH with a memory map\n");
        plat_exit(127);
    }
    const struct module *initrd =
        start->module_count ? (const struct module *)start->modules : (const struct module *)0;
    if (initrd)
        boot.initrd = (struct plat_memory){(void *)initrd->address, initrd->size};
    boot.memory = find_memory(start, initrd);
    split_arguments((char *)start->command_line, &boot);
    ukboot_entry(&boot);
}

_Noreturn void plat_hang(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

_Noreturn void plat_exit(int status)
{
#ifdef CONFIG_KVM_DEBUG_EXIT
    out16(CONFIG_KVM_DEBUG_EXIT_PORT, (uint16_t)status);
#else
    (void)status;
#endif
    out16(0x604, 0x2000); /* ACPI: the emulated machine's power button */
    plat_hang();
}

static void print_hex(uint64_t value)
{
    char text[17] = {0};
    for (int i = 15; i >= 0; i--, value >>= 4)
        text[i] = "0123456789abcdef"[value & 15];
    kvm_print(text);
}

_Noreturn void kvm_fault(uint64_t number, uint64_t error, uint64_t where, uint64_t address)
{
    kvm_print("fault: exception ");
    print_hex(number);
    kvm_print(" error ");
    print_hex(error);
    kvm_print(" at ");
    print_hex(where);
    kvm_print(" address ");
    print_hex(address);
    kvm_print("\n");
    plat_exit(number == 0 ? 128 + 8 : number == 6 ? 128 + 4 : 128 + 11);
}
