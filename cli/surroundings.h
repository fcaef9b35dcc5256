/* SPDX-License-Identifier: BSD-3-Clause
 * What a program finds around it in its image. Private to cli/. */
#ifndef CLI_SURROUNDINGS_H
#define CLI_SURROUNDINGS_H

#include "cli/build.h"

/* Where --env gives none: the variables of this process's environment whose names stand in the
 * program's file, as a program that looks them up has them. What a C library looks up in every
 * program (locale, dynamic linking) is left out. */
void build_find_environment(struct build_options *o, const char *program);

/* Adds to the catalogue the need for o->environment, as a rule; what the core has no option for is
 * dropped from it with a warning. */
void environment_rule(struct build_options *o, struct catalogue *catalogue);

/* A file of this host that the image is to have by the same path, in a root file system. */
void build_add_file(struct build_options *o, const char *path);
/* Those among the program's arguments that are absolute paths of files, for an unmodified program.
 */
void build_find_files(struct build_options *o, const strings *arguments);

#endif
