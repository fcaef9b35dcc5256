/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/dwarf_reader.h"
#include <dwarf.h>
#include <string.h>

enum { FORM = 0x0f, BASE = 0x70 }; /* of an encoding */

uint64_t dwarf_fixed(struct dwarf_reader *r, unsigned size)
{
    uint64_t value = 0;
    if ((uint64_t)(r->end - r->at) < size) {
        r->bad = true;
        return 0;
    }
    memcpy(&value, r->at, size);
    r->at += size;
    r->address += size;
    return value;
}

static uint64_t leb(struct dwarf_reader *r, bool sign)
{
    uint64_t value = 0, byte;
    unsigned shift = 0;
    do {
        byte = dwarf_fixed(r, 1);
        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        shift += 7;
    } while ((byte & 0x80) && !r->bad);
    if (sign && shift < 64 && (byte & 0x40))
        value |= UINT64_MAX << shift;
    return value;
}

uint64_t dwarf_unsigned(struct dwarf_reader *r)
{
    return leb(r, false);
}

int64_t dwarf_signed(struct dwarf_reader *r)
{
    return (int64_t)leb(r, true);
}

static uint64_t sign_extended(struct dwarf_reader *r, unsigned size)
{
    unsigned shift = 64 - 8 * size;
    return (uint64_t)((int64_t)(dwarf_fixed(r, size) << shift) >> shift);
}

static uint64_t by_form(struct dwarf_reader *r, unsigned form)
{
    switch (form) {
    case DW_EH_PE_uleb128:
        return dwarf_unsigned(r);
    case DW_EH_PE_sleb128:
        return (uint64_t)dwarf_signed(r);
    case DW_EH_PE_udata2:
        return dwarf_fixed(r, 2);
    case DW_EH_PE_sdata2:
        return sign_extended(r, 2);
    case DW_EH_PE_udata4:
        return dwarf_fixed(r, 4);
    case DW_EH_PE_sdata4:
        return sign_extended(r, 4);
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8:
        return dwarf_fixed(r, 8);
    default:
        r->bad = true;
        return 0;
    }
}

uint64_t dwarf_pointer(struct dwarf_reader *r, unsigned encoding, uint64_t function)
{
    if (encoding == DW_EH_PE_omit)
        return 0;
    uint64_t place = r->address, value = by_form(r, encoding & FORM);
    switch (encoding & BASE) {
    case DW_EH_PE_absptr:
        return value;
    case DW_EH_PE_pcrel:
        return value ? value + place : 0;
    case DW_EH_PE_funcrel:
        return value ? value + function : 0;
    default:
        r->bad = true;
        return 0;
    }
}

void dwarf_skip_pointer(struct dwarf_reader *r, unsigned encoding)
{
    if (encoding != DW_EH_PE_omit)
        by_form(r, encoding & FORM);
}
