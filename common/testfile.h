/* SPDX-License-Identifier: BSD-3-Clause
 * Test files: how a program is exercised, on Linux by the tracer and on an image by the verifier.
 * Keys as in the published UNICORE tool, plus optional ones. */
#ifndef COMMON_TESTFILE_H
#define COMMON_TESTFILE_H

#include "common/jsonmap.h"

enum test_type { TEST_EXEC, TEST_STDIN, TEST_TELNET };

struct test_file {
    int type;            /* enum test_type: "typeTest" */
    int64_t command_ms;  /* "timeMsCommand": pause between commands */
    strings commands;    /* "listCommands" */
    const char *address; /* "addressTelnet" */
    int64_t port;        /* "portTelnet" */
    int64_t timeout_ms;  /* "timeOutMsTest" */
    /* optional keys of this tool */
    strings arguments; /* "arguments": the program's own */
    strings expected;  /* "expectedOutput": regular expressions, one per command */
    strings setup;     /* "setup": shell commands run before, in the working folder */
    strings cleanup;   /* "cleanup": run after */
    bool work_folder;  /* "workFolder": run in a fresh temporary folder */
    strings ignore;    /* "ignore": regular expressions masked before comparing */
    bool unordered;    /* "unordered": lines compared as a set */
    strings normalise; /* "normalise": names of normalisers applied always (docs/VERIFY.md) */
    strings files;     /* "files": patterns of the files to compare after the run; empty: all */
    const char *ready; /* "ready": regular expression in the output that says it is ready */
};

extern const struct jm_type test_file_type;

/* Reads and checks a test file. Errors name line, column or key. */
enum status test_file_read(struct diag *d, struct arena *a, const char *path,
                           struct test_file *out);
/* Command lines of a configFiles/NAME.txt: one per line, blank lines and # comments left out. */
enum status command_lines_read(struct diag *d, struct arena *a, const char *path, strings *out);
/* Splits a command line into words, quotes and backslashes as in the shell (nothing is expanded).
 * Returns NULL, or what is wrong with it. */
const char *split_words(struct arena *a, const char *line, strings *words);

#endif
