/* SPDX-License-Identifier: BSD-3-Clause
 * Small ELF files built by the system's compiler in a temporary folder, and what the system's own
 * tools say about them. */
#ifndef TESTS_UNIT_ELF_FIXTURE_H
#define TESTS_UNIT_ELF_FIXTURE_H

#include "common/arena.h"
#include "common/vec.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs a shell command, its standard output and error as lines. */
static inline strings lines_of(struct arena *a, const char *command)
{
    strings out = {0};
    FILE *f = popen(command, "r");
    assert_non_null(f);
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, f)) > 0;) {
        if (line[n - 1] == '\n')
            line[n - 1] = 0;
        vec_push(a, &out, arena_strdup(a, line));
    }
    free(line);
    pclose(f);
    return out;
}

/* Runs a shell command in a folder; it must succeed. */
static inline void build(struct arena *a, const char *folder, const char *command)
{
    const char *whole = arena_printf(a, "cd '%s' && { set -e; %s\n} 2>&1", folder, command);
    if (system(whole) != 0)
        fail_msg("fixture: %s", whole);
}

static inline const char *fixture_folder(struct arena *a)
{
    const char *base = getenv("TMPDIR");
    char *path = arena_printf(a, "%s/elf-fixture-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    char *real = realpath(path, NULL);
    path = arena_strdup(a, real);
    free(real);
    return path;
}

static inline void fixture_remove(struct arena *a, const char *folder)
{
    build(a, "/", arena_printf(a, "rm -rf '%s'", folder));
}

static inline int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* Both lists in the same order, one line of difference shown. */
static inline void assert_same_lines(const char *what, const strings *expected, const strings *got)
{
    for (size_t i = 0; i < expected->count || i < got->count; i++) {
        const char *e = i < expected->count ? expected->items[i] : "(nothing)";
        const char *g = i < got->count ? got->items[i] : "(nothing)";
        if (strcmp(e, g) != 0)
            fail_msg("%s: line %zu: \"%s\" was expected, \"%s\" found", what, i + 1, e, g);
    }
}

#endif
