/* SPDX-License-Identifier: BSD-3-Clause
 * Verification as the command line offers it, laid out like cli/dep.h and cli/build.h; used by
 * --verif, by the chain, and by --perf for each candidate. */
#ifndef CLI_VERIF_H
#define CLI_VERIF_H

#include "cli/build.h"
#include "verifier/verifier.h"

/* What --verif and --perf have in common: the image, and how to run and compare it. */
struct verif_cli {
    struct cli *cli;
    struct image image;
    struct verif_options verif; /* strings and numbers of the command line; the rest is filled in */
    strings ignore;             /* --ignore */
    struct test_file tests;     /* read from cli->test_file */
};

/* argp child: input is a struct verif_cli whose .cli is set. */
extern const struct argp verif_argp;

/* Finds what the command line left open: program, tests, command lines, and in dir the profile,
 * selection, image and initrd that --dep and --build left there. Documents that are not there stay
 * NULL; no image is STATUS_SYSTEM with what to do. */
enum status verif_prepare(struct verif_cli *v, const char *dir);

/* Takes over what a build made. */
void verif_use_build(struct verif_cli *v, const struct selection *selection,
                     const struct build_result *built);

/* Runs the tests of cli->test_file on the program and on the image the builder made, writes
 * verif.json into dir, prints the verdicts. STATUS_FOUND: they differ. STATUS_SYSTEM: it cannot run
 * here, and the message says why (no image, no QEMU, no test file). */
enum status verif_run(struct cli *cli, const char *dir, const struct profile *profile,
                      const struct selection *selection, const struct build_result *built);

#endif
