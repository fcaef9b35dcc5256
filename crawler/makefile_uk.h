/* SPDX-License-Identifier: BSD-3-Clause
 * Private to crawler/: what a Makefile.uk says of micro-libraries: addlib and its relatives, the
 * system calls registered with UK_PROVIDED_SYSCALLS, source files, export lists. make's conditions
 * become expressions over options; nothing is run. */
#ifndef CRAWLER_MAKEFILE_UK_H
#define CRAWLER_MAKEFILE_UK_H

#include "common/catalogue.h"
#include "common/kconfig_expr.h"
#include "common/name_table.h"

struct makefile_variable {
    const char *name, *value;
};

struct makefile_reader {
    struct diag *diag;
    struct arena *arena;
    struct catalogue *out; /* libraries and syscalls are appended; options are read for types */
    strings *problems;
    struct name_table *options;   /* name -> index in out->options */
    struct name_table *libraries; /* name -> index in out->libraries */
    const char *root;             /* the core tree's folder */
    const char *top;              /* the folder of the repository being read */
    const char *repository;       /* its name */
    enum library_kind kind;       /* what addlib adds here */
    struct kexpr *condition;      /* under which the file is read at all; NULL: always */
    struct name_table *seen;      /* files read already, by path */
    /* of the file being read */
    const char *folder, *file;
    size_t line;
    int depth;
    VEC(struct makefile_variable) variables;
};

/* Reads FOLDER/Makefile.uk and what it includes. Only an unreadable file, an open conditional or an
 * include cycle fails; what is not understood goes to problems. */
enum status makefile_uk_read(struct makefile_reader *r, const char *folder);

#endif
