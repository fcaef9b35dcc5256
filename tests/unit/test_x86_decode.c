/* SPDX-License-Identifier: BSD-3-Clause
 * The fast decoder against libopcodes, instruction for instruction: over this program, its libc,
 * and the files named in the environment variable FILES. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "memanalyser/disasm.h"
#include "memanalyser/x86_decode.h"
#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void compare_section(struct image *image, struct disassembler *dis, uint32_t index,
                            uint64_t *answered, uint64_t *total)
{
    const struct elf_section *s = &image->elf.sections.items[index];
    const unsigned char *bytes = elf_contents(&image->elf, s);
    for (uint64_t at = 0; bytes && at < s->size;) {
        unsigned expected = disassembler_length(dis, index, at);
        struct decoded d = x86_decode(bytes + at, s->size - at);
        if (d.length && d.length != expected)
            fail_msg("%s: %s+0x%" PRIx64 ": %u bytes, libopcodes says %u (%02x %02x %02x %02x)",
                     image->path, s->name, at, d.length, expected, bytes[at],
                     at + 1 < s->size ? bytes[at + 1] : 0, at + 2 < s->size ? bytes[at + 2] : 0,
                     at + 3 < s->size ? bytes[at + 3] : 0);
        *answered += d.length != 0;
        ++*total;
        at += expected;
    }
}

static void compare_file(const char *path)
{
    struct arena *a = arena_new();
    struct diag d;
    diag_init(&d, -1);
    struct image image;
    struct disassembler *dis;
    uint64_t answered = 0, total = 0;
    if (image_open(&d, a, path, NULL, &image))
        fail_msg("%s", d.message);
    assert_int_equal(disassembler_open(&d, &image, &dis), STATUS_OK);
    for (uint32_t i = 1;
         image.elf.machine == EM_X86_64 && image.elf.is64 && i < image.elf.sections.count; i++)
        if (image.elf.sections.items[i].flags & SHF_EXECINSTR)
            compare_section(&image, dis, i, &answered, &total);
    print_message("# %s: %" PRIu64 " of %" PRIu64 " answered\n", path, answered, total);
    if (!getenv("FILES"))
        assert_true(answered * 100 > total * 80);
    disassembler_close(dis);
    image_close(&image);
    arena_free(a);
}

static void agrees_with_libopcodes(void **state)
{
    (void)state;
    Dl_info libc;
    char *files = getenv("FILES"), *save = NULL;
    for (char *f = files ? strtok_r(strdup(files), " ", &save) : NULL; f;
         f = strtok_r(NULL, " ", &save))
        compare_file(f);
    if (files)
        return;
    compare_file("/proc/self/exe");
    assert_int_not_equal(dladdr((void *)(uintptr_t)printf, &libc), 0);
    compare_file(libc.dli_fname);
}

static void short_input_is_not_answered(void **state)
{
    (void)state;
    static const unsigned char movabs[] = {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8};
    for (size_t n = 0; n < sizeof movabs; n++)
        assert_int_equal(x86_decode(movabs, n).length, 0);
    assert_int_equal(x86_decode(movabs, sizeof movabs).length, sizeof movabs);
}

static void flow_is_known(void **state)
{
    (void)state;
    static const unsigned char call[] = {0xe8, 0xfb, 0xff, 0xff, 0xff};
    static const unsigned char number[] = {0xb8, 0x3c, 0, 0, 0};
    static const unsigned char sub[] = {0x48, 0x83, 0xec, 0x28};
    assert_int_equal(x86_decode(call, sizeof call).kind, FLOW_CALL);
    assert_int_equal(x86_decode(call, sizeof call).displacement, -5);
    assert_true(x86_decode(number, sizeof number).eax_known);
    assert_int_equal(x86_decode(number, sizeof number).eax, 60);
    assert_int_equal(x86_decode(sub, sizeof sub).stack, 0x28);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_libopcodes),
        cmocka_unit_test(short_input_is_not_answered),
        cmocka_unit_test(flow_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
