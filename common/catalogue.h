/* SPDX-License-Identifier: BSD-3-Clause
 * The catalogue document: what the micro-libraries of one core release offer and require. Produced
 * by the crawler or embedded; read by matcher and builder. Facts only: no prompts, no help texts.
 * JSON form: docs/schema/catalogue.json. Expressions are Kconfig expressions in canonical text
 * ("A && (B || !C)", "X = \"y\"", "N > 3"), parsed by common/kconfig_expr.h. */
#ifndef COMMON_CATALOGUE_H
#define COMMON_CATALOGUE_H

#include "common/jsonmap.h"

#define CATALOGUE_SCHEMA "catalogue/1"

enum option_type { OPTION_BOOL, OPTION_TRISTATE, OPTION_STRING, OPTION_INT, OPTION_HEX };

/* "select TARGET if CONDITION", "imply ...", "default VALUE if CONDITION". It has effect only where
 * the dependencies of the option it belongs to hold as well. */
struct catalogue_clause {
    const char *value;     /* select, imply: an option; default: an expression or quoted literal */
    const char *condition; /* NULL: always */
};
typedef VEC(struct catalogue_clause) catalogue_clauses;

struct catalogue_range {
    const char *low, *high, *condition;
};

struct catalogue_option {
    const char *name; /* without CONFIG_ */
    int type;         /* enum option_type; -1: used but never given a type */
    /* Condition under which it can be set by hand ("y": always), dependencies and enclosing
     * "visible if" included; NULL: no prompt. */
    const char *visible;
    const char *depends; /* all enclosing if, menu and depends on, joined; NULL: none */
    catalogue_clauses selects, implies, defaults;
    VEC(struct catalogue_range) ranges;
    const char *choice; /* name of the choice it is a member of; NULL: none */
    const char
        *library; /* the micro-library whose Config.uk defines it; NULL: none in particular */
    const char *repository; /* where it is defined: the catalogue's name (the core), or an external
                               one ("lib-lwip", "app-elfloader"); NULL: the core. External ones take
                               part only when they are given to the build (L=). */
};

struct catalogue_choice {
    const char *name; /* given name, or "choice_<n>" in order of appearance */
    int type;
    const char *visible, *depends; /* as in catalogue_option */
    catalogue_clauses defaults;    /* value: a member */
    bool optional;
    strings members; /* in order */
};

enum library_kind { LIBRARY_LIBRARY, LIBRARY_PLATFORM, LIBRARY_APPLICATION };

/* A source file of a micro-library: what its option adds to the image. */
struct catalogue_source {
    const char *file;      /* as in LIBX_SRCS, variables of the build left as they are */
    const char *condition; /* NULL: whenever the library is built */
};

struct catalogue_library {
    const char *name;       /* as in addlib: "libvfscore" */
    const char *option;     /* the option that enables it; NULL: always built */
    const char *repository; /* "unikraft", "lib-lwip", ... */
    int kind;               /* enum library_kind */
    const char *path;       /* folder in the repository: "lib/vfscore"; "." for its top */
    const char *condition;  /* further condition from enclosing ifeq/ifneq; NULL: none */
    strings symbols;        /* exported, per exportsyms.uk */
    bool exports_all;       /* no exportsyms.uk: every global symbol is exported */
    VEC(struct catalogue_source) sources; /* files of the repository itself */
    int64_t origin_files; /* number of sources that come out of a downloaded archive */
};

struct catalogue_syscall {
    const char *name;      /* "openat" */
    int64_t arguments;     /* number of arguments, -1 unknown */
    const char *option;    /* the option in UK_PROVIDED_SYSCALLS-$(CONFIG_...) */
    const char *condition; /* further condition from enclosing ifeq/ifneq; NULL: none */
    const char *library;   /* the micro-library that registers it */
    bool context;          /* its handler takes the caller's registers (suffix e or u) */
    const char *constant;  /* "0", "-ENOSYS": its handler does nothing but return this; else NULL */
};

/* A need that no system call shows: when the facts hold, the expression must. Data, not code
 * (catalogue/rules-*.json, docs/rules.md). */
struct catalogue_rule {
    const char *name;  /* "dynamic-loading" */
    const char *kind;  /* "need" (or NULL), "prefer", "provides", "harmless", "alias", "refuse",
                          "fact", "source" */
    const char *when;  /* facts of profile and build: "mode=binary && type=dynamic"; NULL: always */
    const char *needs; /* an expression over options; NULL where the kind needs none */
    const char *symptom; /* what is seen when it does not hold, or why; shown by --explain */
    strings calls;       /* system calls it is about (patterns); empty: none */
    strings symbols;     /* functions it is about (patterns); empty: none */
    strings instead;     /* what stands in for them; empty: nothing has to */
    strings source;      /* lines of a C file to build along; empty: none */
    strings wrap;        /* functions whose calls that file takes over (the linker's --wrap) */
};

/* Where the parts of a catalogue come from. */
struct catalogue_repository {
    const char *name;    /* "unikraft", "lib-lwip" */
    const char *version; /* release or commit; NULL: unknown */
    const char *kind;    /* "core", "library", "application" */
};

struct catalogue {
    const char *schema;
    const char *name;                              /* "unikraft" */
    const char *version;                           /* "0.17.0" */
    VEC(struct catalogue_repository) repositories; /* the core first */
    VEC(struct catalogue_library) libraries;       /* by name */
    VEC(struct catalogue_option) options;          /* in the order of .config files */
    VEC(struct catalogue_choice) choices;
    VEC(struct catalogue_syscall) syscalls;
    VEC(struct catalogue_rule) rules;
    strings problems; /* found while reading: undefined symbols, unreadable parts */
};

extern const struct jm_type catalogue_type;
extern const struct jm_type catalogue_rule_type;

/* Reads and checks a catalogue.json. */
enum status catalogue_read(struct diag *d, struct arena *a, const char *path,
                           struct catalogue *out);
/* Opens one embedded in the binary by name ("unikraft-0.17.0"), the default one for NULL, or, where
 * no embedded one has that name, the file of that name. */
enum status catalogue_open(struct diag *d, struct arena *a, const char *name_or_path,
                           struct catalogue *out);
/* Replaces $(NAME) by its value in the defaults of options: paths that only the user's build knows
 * (UK_BASE, UK_APP, UK_NAME). Names not given stay as they are. */
void catalogue_define(struct arena *a, struct catalogue *c, const jm_pairs *variables);
/* Names of the embedded catalogues, the default first, NULL-terminated. */
const char *const *catalogue_embedded_names(void);

#endif
