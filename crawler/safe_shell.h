/* SPDX-License-Identifier: BSD-3-Clause
 * Private to crawler/: the shell commands of Kconfig macros whose result follows from their text
 * alone, evaluated without running anything: true, false, :, test and [ on strings and numbers,
 * echo, printf of plain text, joined by && and ||, grouped by { }, redirected to /dev/null. */
#ifndef CRAWLER_SAFE_SHELL_H
#define CRAWLER_SAFE_SHELL_H

#include "common/arena.h"
#include <stdbool.h>

/* False where the command needs a real shell. *output gets what it would print, in the arena. */
bool safe_shell(struct arena *a, const char *command, const char **output);

/* The words of a simple command, quotes removed; false on anything else than plain words. */
#include "common/vec.h"
bool safe_shell_words(struct arena *a, const char *command, strings *words);

#endif
