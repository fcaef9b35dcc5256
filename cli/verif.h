/* SPDX-License-Identifier: BSD-3-Clause
 * Verification as the command line offers it, laid out like cli/dep.h and cli/build.h; used by
 * --verif and by the chain. */
#ifndef CLI_VERIF_H
#define CLI_VERIF_H

#include "cli/build.h"

struct verif_options; /* defined by the tool's own header in verifier/ or below; see tool_verif.c */

/* Runs the tests of cli->test_file on the program and on the image the builder made, writes
 * verif.json into dir, prints the verdicts. STATUS_FOUND: they differ. STATUS_SYSTEM: it cannot run
 * here, and the message says why (no image, no QEMU, no test file). */
enum status verif_run(struct cli *cli, const char *dir, const struct profile *profile,
                      const struct selection *selection, const struct build_result *built);

#endif
