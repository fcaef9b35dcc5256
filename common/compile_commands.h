/* SPDX-License-Identifier: BSD-3-Clause
 * compile_commands.json (Clang's JSON Compilation Database). */
#ifndef COMMON_COMPILE_COMMANDS_H
#define COMMON_COMPILE_COMMANDS_H

#include "common/diag.h"
#include "common/vec.h"
#include <stdbool.h>

struct compile_command {
    const char *path;  /* absolute, links followed */
    const char *flags; /* -D, -U, -I, -iquote, -isystem, -include and -std=, as a shell (and make)
                          take them; the host's own headers left out; NULL: none */
};
typedef VEC(struct compile_command) compile_commands;

/* Those of DIR/compile_commands.json, each file once; *found says whether there is one.
 * STATUS_INPUT: it is malformed, or names a file that is not there. */
enum status compile_commands_read(struct diag *d, struct arena *a, const char *dir, bool *found,
                                  compile_commands *out);

#endif
