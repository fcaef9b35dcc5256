/* SPDX-License-Identifier: BSD-3-Clause
 * Matching and building as the command line offers them, laid out like cli/dep.h: the options with
 * their argp child, and one call that runs match() and build() on a profile already in memory.
 * Used by --build, by the chain, and by the loops of --verif --fix and --perf. */
#ifndef CLI_BUILD_H
#define CLI_BUILD_H

#include "builder/builder.h"
#include "cli/cli.h"
#include "matcher/matcher.h"

struct build_options {
    struct cli *cli;
    struct matcher_options matcher;
    struct builder_options builder;
    const char
        *profile_file; /* --profile; NULL: DIR/profile.json, else the static analysis is run */
    const char *weights_file; /* --weights */
    const char *explain;      /* --explain NAME; NULL: none */
    const char *core;         /* --core; NULL: uk_root says it */
    bool stubs;               /* --stubs */
    strings kconfig_files;    /* --kconfig */
    jm_pairs values;          /* what they say of options that are not bool */
    strings environment;      /* --env: "NAME=value", compiled into the image */
    bool environment_found;   /* it was not asked for by --env */
};

/* argp child: input is a struct build_options, whose .cli must be set. It has no children of its
 * own, so that the chain can combine it with dep_argp; --build adds cli_common_argp beside it. */
extern const struct argp build_argp;

/* Sets the defaults. */
void build_options_init(struct build_options *o, struct cli *cli);

/* The catalogue a run uses: the one --catalogue names, the one read from the core's tree and the
 * external libraries' (--uk-root, --uk-libs), or the newest embedded one that suits the mode. */
enum status build_catalogue(struct build_options *o, struct catalogue *out);

/* Matches the profile against the catalogue cli->catalogue names, writes selection.json into dir
 * and the app folder below it, builds the image where a core is given. STATUS_FOUND: something is
 * missing (selection->missing) or the image could not be built (result->reason). */
enum status build_run(struct build_options *o, const char *dir, const struct profile *profile,
                      struct selection *selection, struct build_result *result);

/* Reads the --kconfig files: bool options become pins, others o->values. */
enum status kconfig_files_read(struct build_options *o, const struct catalogue *catalogue);
/* Sets o->values on a selection. */
enum status kconfig_files_apply(struct build_options *o, const struct catalogue *catalogue,
                                struct selection *selection);

/* Whether a file is what --perf writes (weights.json) and not a layout document. */
bool weights_are_choices(const char *path);
/* Sets on a selection the options that the weights file has for the objective asked for. */
enum status weights_apply(struct build_options *o, const struct profile *profile,
                          const struct catalogue *catalogue, struct selection *selection);

/* The profile to build from: the one --profile names, the one of this very program in dir, or a new
 * static analysis. */
enum status build_profile(struct build_options *o, const char *program, const char *dir,
                          struct profile *profile);

/* image.json in dir: the image that was built and how it is run, for --verif and --perf. Nothing is
 * written where there is no image. */
enum status image_record(struct cli *cli, const char *dir, const struct build_result *result);
/* Reads it; *found false: there is none, or its image is gone. */
enum status image_recall(struct cli *cli, const char *dir, struct build_result *result,
                         bool *found);

/* --plan: matches the profiles given as operands and prints in which order to implement what they
 * miss. */
enum status plan_run(struct build_options *o);

/* What was chosen and why, what is missing, files written: on standard output, one screen. */
void summary_selection(const struct cli *cli, const struct selection *selection,
                       const struct build_result *result);

#endif
