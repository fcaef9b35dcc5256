/* SPDX-License-Identifier: BSD-3-Clause
 * Reading and writing whole files. Written files appear under their name only when complete. */
#ifndef COMMON_FILE_H
#define COMMON_FILE_H

#include "common/arena.h"
#include "common/diag.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Reads a regular file whole (or, with path "-", standard input) into the arena, with a NUL added
 * after its size bytes. At most limit bytes are accepted (0: 256 MiB). */
enum status file_read(struct diag *d, struct arena *a, const char *path, size_t limit, char **data,
                      size_t *size);
/* Writes to a temporary name in the same folder, then renames. mode as in chmod, 0 for 0644. */
enum status file_write(struct diag *d, const char *path, const void *data, size_t size,
                       unsigned mode);
/* Copies a file's bytes and permission bits, creating the folder. */
enum status file_copy(struct diag *d, const char *from, const char *to);
/* Creates a folder and its parents; already there is fine. */
enum status dir_make(struct diag *d, const char *path);
bool file_exists(const char *path);
/* Parses a JSON file; a syntax error names file, line and column. The caller owns *out. */
enum status json_read(struct diag *d, const char *path, json_t **out);
/* Writes with two-space indentation, keys in insertion order, real UTF-8, final newline. */
enum status json_write(struct diag *d, const char *path, const json_t *value);
/* The same bytes onto standard output. */
enum status json_print(struct diag *d, const json_t *value);

#endif
