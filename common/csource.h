/* SPDX-License-Identifier: BSD-3-Clause
 * C and C++ sources as a graph of definitions: which functions and variables each file defines and
 * what each of them refers to. Read by libclang where the machine has it; else by their words
 * alone, one node a file. Used by the builder to choose sources and by the analyzer for programs
 * that cannot be built. */
#ifndef COMMON_CSOURCE_H
#define COMMON_CSOURCE_H

#include "common/diag.h"
#include "common/vec.h"
#include <stdbool.h>
#include <stdint.h>

/* One source file and how it is compiled. */
struct csource_input {
    const char *path;
    strings
        flags; /* -D, -U, -I, -isystem, -iquote, -include, -std: the others change nothing here */
};
typedef VEC(struct csource_input) csource_inputs;

/* A definition, or a name that is defined in none of the sources. */
struct csource_node {
    const char *name; /* as the linker sees it */
    const char *file; /* of its definition, or of the first reference where it has none */
    int line;
    int unit; /* index of the file that defines it; -1: none */
    bool variable;
    bool macro;       /* no definition, but names some */
    bool builtin;     /* the compiler's own: need not exist as a function */
    bool constructor; /* runs without being called */
    bool internal;    /* seen in its own file only */
    bool word;        /* only a word of the text: counts where a definition has that name */
    VEC(size_t) references;
    VEC(int) lines; /* of each reference */
    /* results of csource_reach */
    bool reached;
    size_t by;   /* the node that refers to it; itself: a root */
    int by_line; /* where */
};

/* A system call that the source makes itself: syscall(NUMBER, ...), or assembly. */
struct csource_call {
    size_t node; /* in which */
    const char *file;
    int line;
    int64_t number; /* -1: not constant, or assembly */
    bool assembly;
};

struct csource_unit {
    const char *path;
    bool parsed;         /* false: read by its words */
    size_t errors;       /* that the compiler found */
    const char *missing; /* first header that was not found; NULL: none */
    size_t main_node;    /* SIZE_MAX: it defines no main */
    bool reached;        /* result of csource_reach */
};

struct csources {
    struct arena *arena;
    bool clang; /* libclang read them */
    VEC(struct csource_unit) units;
    VEC(struct csource_node) nodes;
    VEC(struct csource_call) calls;
    struct csource_index *index;
};

/* Files with .c, .cc, .cpp, .cxx, .S below a folder (or the one file), and the folders in which
 * headers are. Folders that hold a build of a core are left out. STATUS_INPUT: not readable, or
 * too many. */
enum status csource_find(struct diag *d, struct arena *a, const char *path, strings *sources,
                         strings *header_folders);

/* Reads them all. A source that is not complete (headers missing) is read as far as it goes, and
 * what it does not tell is taken from its words. STATUS_INPUT: a file cannot be read. */
enum status csource_read(struct diag *d, struct arena *a, const csource_inputs *inputs,
                         struct csources *out);

/* Marks what main of the unit given reaches, constructors of reached units included. With several
 * definitions of a name the one in a unit reached already, else the first, is taken. */
void csource_reach(struct csources *s, size_t unit);

/* What is reached and defined nowhere: the library functions and variables the program needs. */
bool csource_external(const struct csource_node *n);

/* Whether a C source defines a function called main outside of all braces. */
bool source_defines_main(const char *text, size_t size);

#endif
