/* SPDX-License-Identifier: BSD-3-Clause
 * Encodings of DWARF: the examples of DWARF 5, 7.6 (tables 7.7 and 7.8), pointers made by hand, and
 * what ends too early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/dwarf_reader.h"
#include <dwarf.h>
#include <string.h>

#define READER(bytes)                                                                              \
    {                                                                                              \
        bytes, bytes + sizeof bytes, 0x1000, false                                                 \
    }

static void lebs(void **state)
{
    (void)state;
    static const unsigned char plain[] = {0x02, 0x7f, 0x80, 0x01, 0x81,
                                          0x01, 0x82, 0x01, 0xb9, 0x64};
    static const uint64_t values[] = {2, 127, 128, 129, 130, 12857};
    static const unsigned char with_sign[] = {0x02, 0x7e, 0xff, 0x00, 0x81, 0x7f, 0x80,
                                              0x01, 0x80, 0x7f, 0x81, 0x01, 0xff, 0x7e};
    static const int64_t with_signs[] = {2, -2, 127, -127, 128, -128, 129, -129};
    struct dwarf_reader r = READER(plain), s = READER(with_sign);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_int_equal(dwarf_unsigned(&r), values[i]);
    for (size_t i = 0; i < sizeof with_signs / sizeof with_signs[0]; i++)
        assert_int_equal(dwarf_signed(&s), with_signs[i]);
    assert_false(r.bad || s.bad);
    assert_ptr_equal(r.at, r.end);
    assert_ptr_equal(s.at, s.end);
    assert_int_equal(r.address, 0x1000 + sizeof plain);
}

static void long_lebs(void **state)
{
    (void)state;
    unsigned char bytes[20];
    memset(bytes, 0xff, sizeof bytes);
    bytes[19] = 0x01;
    struct dwarf_reader r = READER(bytes);
    assert_int_equal(dwarf_unsigned(&r), UINT64_MAX);
    assert_false(r.bad);
    bytes[19] = 0xff; /* goes on past the end */
    struct dwarf_reader cut = READER(bytes);
    dwarf_unsigned(&cut);
    assert_true(cut.bad);
}

static void pointers(void **state)
{
    (void)state;
    static const unsigned char back[] = {0xf0, 0xff, 0xff, 0xff}, null[8] = {0};
    static const struct {
        unsigned encoding;
        uint64_t value;
    } cases[] = {
        {DW_EH_PE_sdata4, UINT64_MAX - 15},
        {DW_EH_PE_udata4, 0xfffffff0},
        {DW_EH_PE_udata2, 0xfff0},
        {DW_EH_PE_sdata2, UINT64_MAX - 15},
        {DW_EH_PE_sdata4 | DW_EH_PE_pcrel, 0xff0},
        {DW_EH_PE_sdata4 | DW_EH_PE_funcrel, 0x4ff0},
        {DW_EH_PE_sdata4 | DW_EH_PE_pcrel | DW_EH_PE_indirect, 0xff0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct dwarf_reader r = READER(back);
        assert_int_equal(dwarf_pointer(&r, cases[i].encoding, 0x5000), cases[i].value);
        assert_false(r.bad);
    }
    struct dwarf_reader zero = READER(null), nothing = READER(back);
    assert_int_equal(dwarf_pointer(&zero, DW_EH_PE_udata8 | DW_EH_PE_pcrel, 0), 0);
    assert_int_equal(dwarf_pointer(&nothing, DW_EH_PE_omit, 0), 0);
    assert_ptr_equal(nothing.at, back);
}

static void refused(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {1, 2, 3, 4};
    struct dwarf_reader data = READER(bytes), form = READER(bytes), cut = READER(bytes);
    dwarf_pointer(&data, DW_EH_PE_sdata4 | DW_EH_PE_datarel, 0);
    dwarf_pointer(&form, 0x07, 0);
    assert_int_equal(dwarf_pointer(&cut, DW_EH_PE_udata8, 0), 0);
    assert_true(data.bad && form.bad && cut.bad);
    struct dwarf_reader over = READER(bytes);
    dwarf_skip_pointer(&over, DW_EH_PE_sdata4 | DW_EH_PE_datarel);
    assert_false(over.bad);
    assert_ptr_equal(over.at, over.end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lebs),
        cmocka_unit_test(long_lebs),
        cmocka_unit_test(pointers),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
