/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/formats.h"
#include "memanalyser/archive.h"
#define PACKAGE "toolchain"
#include <bfd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void quiet_error(const char *format, va_list args)
{
    (void)format;
    (void)args;
}

static void quiet_assert(const char *format, const char *version, const char *file, int line)
{
    (void)format;
    (void)version;
    (void)file;
    (void)line;
}

void format_quiet_binutils(void)
{
    bfd_init();
    bfd_set_error_handler(quiet_error);
    bfd_set_assert_handler(quiet_assert);
}

/* libbfd's name for the object format, copied; false when it knows none. */
static bool bfd_name(const char *path, char *name, size_t size)
{
    format_quiet_binutils();
    bfd *b = bfd_openr(path, NULL);
    if (!b)
        return false;
    char **matching = NULL;
    bool known =
        bfd_check_format(b, bfd_archive) || bfd_check_format_matches(b, bfd_object, &matching);
    if (known)
        snprintf(name, size, "%s", bfd_get_target(b));
    else if (bfd_get_error() == bfd_error_file_ambiguously_recognized && matching && matching[0])
        known = snprintf(name, size, "%s", matching[0]) > 0;
    free(matching);
    bfd_close_all_done(b);
    /* "Formats" that fit any bytes say nothing. */
    static const char *const anything[] = {"binary", "srec", "verilog",
                                           "tekhex", "ihex", "symbolsrec"};
    for (size_t i = 0; known && i < sizeof anything / sizeof *anything; i++)
        known = strcmp(name, anything[i]) != 0;
    return known;
}

enum status format_refuse(struct diag *d, const char *path, const unsigned char *data,
                          uint64_t size)
{
    if (size == 0)
        return diag_fail(d, STATUS_INPUT, "%s: empty, an object file or image was expected", path);
    if (size >= 2 && data[0] == '#' && data[1] == '!')
        return diag_fail(
            d, STATUS_INPUT,
            "%s: a script, not an ELF file; give its interpreter or a compiled program", path);
    if (archive_is(data, size))
        return diag_fail(d, STATUS_INPUT, "%s: an archive within an archive: extract it first",
                         path);
    char name[128];
    if (bfd_name(path, name, sizeof name))
        return diag_fail(d, STATUS_INPUT, "%s: not an ELF file: libbfd sees the format '%s'", path,
                         name);
    return diag_fail(d, STATUS_INPUT,
                     "%s: not an ELF file, archive or build folder (no known object format)", path);
}
