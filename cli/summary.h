/* SPDX-License-Identifier: BSD-3-Clause
 * What a reader wants in one screen, on standard output. */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

#include "cli/cli.h"
#include "common/profile.h"

/* Libraries, symbols, system calls: static, dynamic, both. */
void summary_profile(const struct cli *cli, const struct profile *p);
/* The link map as a table: soname, path, who needs it; and the libraries that are missing. */
void summary_libraries(const struct cli *cli, const struct profile *p);
/* "  Label     words wrapped to the width of the terminal". */
void summary_words(const char *label, const strings *words);
/* "  Label     text" */
void summary_line(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Number of calls of b that a lacks; their names are added to names unless NULL. */
size_t summary_lacking(struct arena *arena, const profile_syscalls *a, const profile_syscalls *b,
                       strings *names);

#endif
