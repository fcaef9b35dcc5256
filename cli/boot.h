/* SPDX-License-Identifier: BSD-3-Clause
 * --run: the image just built, booted under the test file. */
#ifndef CLI_BOOT_H
#define CLI_BOOT_H

#include "cli/verif.h"

struct boot_options {
    struct verif_cli image; /* its .cli must be set */
    bool run;               /* --run */
    listenings forwards;    /* --forward */
};

/* argp child: input is a struct boot_options. */
extern const struct argp boot_argp;

/* program: the Linux program's path; it need not exist. Boots the image, writes run.json into dir
 * and prints what each test brought (to standard error with --json). STATUS_FOUND: a test failed.
 * STATUS_SYSTEM: there is no image, or nothing to run it with. */
enum status boot_run(struct boot_options *o, const char *dir, const char *program,
                     const struct selection *selection, const struct build_result *built);

#endif
