/* SPDX-License-Identifier: BSD-3-Clause
 * --batch: the static analysis of many programs on all cores, one JSON line each. */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include "analyzer/analyzer.h"
#include "cli/cli.h"

/* Analyses each program that list (a file with one path per line, "-" for standard input) names, in
 * processes of their own, as many at once as there are processors. Each result is one line of JSON:
 * a profile, or {"path", "error", "status"} for a file that could not be analysed. Lines go to
 * DIR/batch.jsonl when -o DIR is given (programs already there are skipped, so that an interrupted
 * run can be resumed), else to standard output, in the order in which they are done.
 * STATUS_FOUND: some files could not be analysed. */
enum status batch_run(struct cli *cli, const struct analyzer_options *options, const char *list);

#endif
