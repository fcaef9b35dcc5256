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
/* The part of it that says how an image is run; the same input. */
extern const struct argp runner_argp;

/* Finds what the command line left open: program, tests, command lines, and in dir the profile,
 * selection, image and initrd that --dep and --build left there. Documents that are not there stay
 * NULL; no image is STATUS_SYSTEM with what to do. */
enum status verif_prepare(struct verif_cli *v, const char *dir);
/* The same without looking for the program. */
enum status verif_read_inputs(struct verif_cli *v, const char *dir);

/* Takes over what a build made. */
void verif_use_build(struct verif_cli *v, const struct selection *selection,
                     const struct build_result *built);

/* What the program finds on Linux its image is to have too: environment, files that its command
 * lines name. Before building. */
void verif_surround(struct verif_cli *v, struct build_options *build);

/* Verifying, and mending what differs. */
struct verif_loop {
    struct verif_cli *v;
    struct build_options *build;
    const char *dir;
    const struct profile *profile;     /* NULL: not known; then nothing can be rebuilt */
    const struct catalogue *catalogue; /* NULL: not known */
    const struct selection *selection; /* of the image; NULL: not known */
    const struct selection *wanted;    /* what would be chosen were nothing forbidden or pinned */
};

/* Fills loop->wanted from its profile and catalogue. */
void verif_find_wanted(struct verif_loop *loop);

/* Makes the tests' lines a file of the image's initrd, and that file the program's standard input,
 * in what is built next. */
enum status verif_give_input(struct verif_cli *v, struct build_options *build, const char *dir);

/* Verifies; where image and program differ and a core is at hand, once more beside an image that
 * traces its calls. */
enum status verif_once(struct verif_loop *loop, struct verif *out);
/* After a verification that found differences: adds what it says is missing, builds and verifies
 * again, until the same or nothing is left to try. verif->fixes tells the attempts. */
enum status verif_fix(struct verif_loop *loop, struct verif *verif);

#endif
