/* SPDX-License-Identifier: BSD-3-Clause
 * What the plug-in rules share. */
#ifndef ANALYZER_PLUGINS_PRIVATE_H
#define ANALYZER_PLUGINS_PRIVATE_H

#include "analyzer/linkmap_private.h"
#include "analyzer/plugins.h"

struct plugin_search {
    struct diag *d;
    struct linkmap *map;
    const plugin_facts *facts;
    plugin_candidates *out;
};

/* Opens one plug-in as dlopen() by caller would and adds it under its path, unless it is part of
 * the link map or was added before. A failure is only told with -v. */
void plugins_add(struct plugin_search *s, size_t caller, const char *name, const char *reason);
/* The same into an entry that stands for several files. */
void plugins_add_to(struct plugin_search *s, struct plugin_candidate *entry, size_t caller,
                    const char *name);

/* NSS modules for the database that an exported function of the C library asks. */
void plugins_add_nss(struct plugin_search *s, size_t libc, const char *database);
/* Modules named in /etc/pam.d, for libpam at this index. */
void plugins_add_pam(struct plugin_search *s, size_t libpam);
/* Character set converters, for the C library at this index. */
void plugins_add_gconv(struct plugin_search *s, size_t libc);
/* What converts international names of hosts, and what unwinds the stack of a thread that ends. */
void plugins_add_names(struct plugin_search *s, size_t libc);
void plugins_add_unwinder(struct plugin_search *s, size_t libc);
/* Modules in folders that strings of the object and of the program name. */
void plugins_add_named_folders(struct plugin_search *s, size_t object);

/* Shared objects in a folder and its subfolders (within limits), sorted paths. */
void plugins_list_folder(const struct linkmap *map, const char *folder, strings *out);
/* Calls use(context, text) for every string in read-only data that begins with a slash. */
void plugins_each_path(const struct elf_object *o, void (*use)(void *context, const char *text),
                       void *context);

#endif
