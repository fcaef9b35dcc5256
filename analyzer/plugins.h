/* SPDX-License-Identifier: BSD-3-Clause
 * Objects that only dlopen() brings into a process: which ones, and why. The code analysis says
 * what it reached (struct plugin_fact); the rules here, as data, turn that into files, open them
 * and bind them. To be called again whenever reaching a plug-in brought new facts. */
#ifndef ANALYZER_PLUGINS_H
#define ANALYZER_PLUGINS_H

#include "analyzer/linkmap.h"

enum plugin_fact_kind {
    FACT_REACHED, /* an exported function is reached */
    FACT_DLOPEN,  /* a call of dlopen() or its kin is reached */
};

struct plugin_fact {
    enum plugin_fact_kind kind;
    size_t object;    /* index: of the function, or of the caller of dlopen */
    uint64_t address; /* virtual address in that object */
    const char *name; /* FACT_REACHED: the function; FACT_DLOPEN: the constant file name, NULL where
                         it is not known */
};
typedef VEC(struct plugin_fact) plugin_facts;

/* One entry of the profile's plug-ins: a file, or a folder whose modules are alike. */
struct plugin_candidate {
    const char *path, *reason;
    const char *left_out; /* why it is not to be analysed (groups is empty then), or NULL */
    VEC(size_t) groups;   /* indices into map->groups: each one dlopen() */
};
typedef VEC(struct plugin_candidate) plugin_candidates;

/* Whether a rule asks about an exported function of this name: what FACT_REACHED is needed for. */
bool plugins_ask_about(const char *function);

/* Appends to out the plug-ins that the facts call for and that out does not have yet: those the
 * user named (files and folders), constant dlopen() names, dlopen metadata notes, name service
 * modules per database asked for, character set converters, PAM modules, and modules in folders
 * named by strings of objects that dlopen() unknown names. All objects are loaded. A module that
 * ld.so could not load either is left out; one that the user named is an error then. One that
 * brings very much code is listed but left out of the map (left_out), unless the user named it:
 * whole compilers hang on some tools' plug-in folders. */
enum status plugins_find(struct diag *d, struct linkmap *map, const strings *user,
                         const plugin_facts *facts, plugin_candidates *out);

#endif
