/* SPDX-License-Identifier: BSD-3-Clause
 * Results of the code analysis, kept under $XDG_CACHE_HOME/toolchain (default ~/.cache/toolchain).
 * An entry is found by every object of the link map (path, build-id, and which file in which state:
 * device, inode, size, times), the name-service configuration and this program; it also names the
 * plug-ins it loaded, which are checked when it is read. Files are written under another name and
 * renamed, and begin with a sum over the rest: readers and writers at the same time, a crash or a
 * damaged disk leave entries that are whole or as good as none. The folder is kept below
 * TOOLCHAIN_CACHE_MIB (256): what was used longest ago goes first. */
#ifndef ANALYZER_CACHE_H
#define ANALYZER_CACHE_H

#include "analyzer/analyzer.h"
#include "analyzer/linkmap.h"

/* Where files are kept; NULL: there is no place for a cache. */
const char *cache_folder(struct arena *a);
/* The file for this analysis, or NULL when there is no place for a cache. */
const char *cache_file(struct arena *a, const struct linkmap *map,
                       const struct analyzer_options *options);
/* Fills syscalls, plugins, execs and unresolved of out; false when there is no valid entry. */
bool cache_read(struct arena *a, const char *file, struct profile_static *out);
/* Keeps them; failures are only told with -v. */
void cache_write(struct diag *d, struct arena *a, const char *file, const struct linkmap *map,
                 const struct profile_static *out);
/* Removes entries from the folder while it is larger than it may be. */
void cache_trim(const char *folder);

#endif
