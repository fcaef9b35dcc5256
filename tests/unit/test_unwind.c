/* SPDX-License-Identifier: BSD-3-Clause
 * Reading unwind tables and symbols: of this program itself, and of files with wrong bytes in them,
 * which must be survived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "tracer/unwind.h"
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char *file_of(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *data = malloc(*size);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, file), *size);
    fclose(file);
    return data;
}

/* Everything that is asked of a file, at places all over its code. */
static unsigned ask_all(struct arena *a, struct binary *binary)
{
    unsigned told = 0;
    struct unwind_rules rules;
    vec_each (s, &binary->segments)
        for (uint64_t at = 0; s->executable && at < s->size; at += s->size / 200 + 1) {
            told += unwind_rules_at(a, binary, s->address + at, &rules);
            binary_function(a, binary, s->address + at);
        }
    binary_soname(binary);
    binary_defines(binary, "main");
    binary_defines(binary, "malloc");
    return told;
}

static bool is_code(const struct binary *binary, uint64_t address)
{
    bool code = false;
    vec_each (s, &binary->segments)
        code |= s->executable && address >= s->address && address - s->address < s->size;
    return code;
}

static void own_code_is_described(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    size_t size;
    unsigned char *data = file_of("/proc/self/exe", &size);
    struct binary binary = {.path = "self", .data = data, .size = size};
    assert_true(binary_open(a, &binary));
    assert_true(ask_all(a, &binary) > 100);
    /* Look-ups are the same before and after the symbols are sorted. */
    for (size_t i = 0; i < binary.range_count; i += 20) {
        struct binary fresh = {.path = "self", .data = data, .size = size};
        uint64_t address = binary.ranges[i].start + i % 3;
        if (!is_code(&binary, address))
            continue;
        assert_true(binary_open(a, &fresh));
        const char *sorted = binary_function(a, &binary, address);
        const char *through = binary_function(a, &fresh, address);
        assert_true((sorted == NULL) == (through == NULL));
        if (sorted)
            assert_string_equal(sorted, through);
    }
    free(data);
    arena_free(a);
}

static void wrong_bytes_are_survived(void **state)
{
    (void)state;
    size_t size;
    unsigned char *whole = file_of("/bin/true", &size);
    srand(7);
    for (int round = 0; round < 400; round++) {
        struct arena *a = arena_new();
        size_t kept = round % 4 ? size : (size_t)rand() % size;
        unsigned char *data = malloc(kept + 1);
        memcpy(data, whole, kept);
        for (int i = rand() % 40; i >= 0 && kept; i--)
            data[(size_t)rand() % (i % 2         ? kept
                                   : kept < 4096 ? kept
                                                 : 4096)] = (unsigned char)rand();
        struct binary binary = {.path = "wrong", .data = data, .size = kept};
        if (binary_open(a, &binary))
            ask_all(a, &binary);
        free(data);
        arena_free(a);
    }
    free(whole);
}

static void expect(const unsigned char *code, size_t size, bool good, uint64_t value)
{
    const uint64_t registers[UNWIND_REGISTERS] = {[DWARF_RSP] = 0x1000, [DWARF_RIP] = 0x2345};
    uint64_t out = 0;
    assert_int_equal(unwind_evaluate((struct piece){code, size, 0}, registers, 40, NULL, &out),
                     good);
    if (good)
        assert_int_equal(out, value);
}

static void expressions_are_computed(void **state)
{
    (void)state;
    /* What GNU ld writes for call stubs: rsp + 8 + ((rip & 15) >= 11) << 3 */
    static const unsigned char stub[] = {0x77, 8,    0x80, 0,    0x3f, 0x1a,
                                         0x3b, 0x2a, 0x33, 0x24, 0x22};
    static const unsigned char signs[] = {0x09, 0xfe, 0x11, 0x7f,
                                          0x1e, 0x23, 0x85, 0x01};             /* -2 * -1 + 133 */
    static const unsigned char order[] = {0x31, 0x32, 0x33, 0x17, 0x1c, 0x22}; /* 1 2 3 -> 3 1 2 */
    static const unsigned char loop[] = {0x2f, 0xfd, 0xff};
    static const unsigned char too_far[] = {0x2f, 0x10, 0x00};
    static const unsigned char nothing[] = {0x13, 0x13};
    static const unsigned char by_zero[] = {0x31, 0x30, 0x1b};
    expect(stub, sizeof stub, true, 0x1008);
    expect(signs, sizeof signs, true, 135);
    expect(order, sizeof order, true, 2);
    expect(loop, sizeof loop, false, 0);
    expect(too_far, sizeof too_far, false, 0);
    expect(nothing, sizeof nothing, false, 0);
    expect(by_zero, sizeof by_zero, false, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_code_is_described),
        cmocka_unit_test(wrong_bytes_are_survived),
        cmocka_unit_test(expressions_are_computed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
