/* SPDX-License-Identifier: BSD-3-Clause
 * How an image is run: a table of command templates by kind of image, or the user's own template.
 *
 * A template is words separated by blanks ('…' keeps blanks in one word). {image}, {initrd},
 * {args}, {memory}, {mib}, {forwards}, {share} and {kernel_args} are replaced; {args} that stands
 * alone becomes one word per argument. What is in [ ] is left out when a name in it has no value.
 */
#ifndef COMMON_RUNNER_H
#define COMMON_RUNNER_H

#include "common/process.h"
#include "common/vec.h"

/* An image and how to run it. */
struct image {
    const char *path;
    const char *initrd;       /* NULL: none */
    const char *trace;        /* the same image with the core's own trace of calls; NULL: none */
    const char *runner;       /* a runner's name, or a command template; NULL: found out */
    const char *memory;       /* "64M"; NULL: the runner's default */
    strings kernel_arguments; /* before the program's own */
    strings first_arguments;  /* of the program, before those of a run */
    bool input_inside; /* the tests' lines are in the image: nothing is sent to its console */
    const char *share; /* folder that both the image and Linux see as work folder; NULL: none */
};

enum exit_from {
    EXIT_PROCESS,    /* the runner ends with the program's status */
    EXIT_QEMU_DEBUG, /* isa-debug-exit: (status << 1) | 1, 0 when the machine was just switched off
                      */
    EXIT_CONSOLE,    /* only the console can tell */
};

struct runner {
    const char *name, *what, *template;
    const char *program; /* must be in PATH; NULL: none */
    const char *kind;    /* of image, as image_kind() says; NULL: any */
    const char *needs;   /* a file that must be usable; NULL: none */
    enum exit_from exit_from;
    bool local;        /* the program's descriptors and ports are this host's */
    bool shares_files; /* it writes into its working folder */
    bool sets_memory;  /* {memory} has an effect */
    int slow;          /* times are this much longer than on the host */
};

/* "kvm" (boots by multiboot or the Linux protocol), "arm64", "linux" (an executable that needs no
 * dynamic linker), "host" (a script or dynamic program), "unknown". */
const char *image_kind(const char *path);

/* The runner named, or the template given, or the first in the table that can run this image
 * here. STATUS_SYSTEM says what is missing. */
enum status runner_choose(struct diag *d, struct arena *a, const struct image *image,
                          struct runner *out);

/* The parameter that has a core mount its image's shared folder where Linux has it, for an image
 * that is configured to read such parameters. NULL: the core knows none. */
const char *runner_mount(struct arena *a, const char *core, const char *share);

/* The command line; ports are forwarded from this host. */
enum status runner_command(struct diag *d, struct arena *a, const struct runner *runner,
                           const struct image *image, const strings *arguments,
                           const listenings *ports, strings *argv);

/* What the exit status of a QEMU with isa-debug-exit tells of the program in it. */
enum debug_exit {
    DEBUG_EXIT_NONE,   /* switched off without a status */
    DEBUG_EXIT_STATUS, /* *status is the program's */
    DEBUG_EXIT_CRASH,  /* the core says it crashed */
};
/* core: the catalogue's name for it; NULL: unknown. */
enum debug_exit runner_debug_exit(const char *core, int exit_status, int *status);

/* "qemu-kvm, qemu-tcg, ...", for --help. */
char *runners_list(struct arena *a);

/* A word of a kernel command line, quoted so that Unikraft's uk_argnparse() gives it back: within
 * '' nothing is special, within "" a backslash before a quote or another is. */
const char *kernel_word(struct arena *a, const char *word);

/* "64M", "1g", "512k", "65536" (bytes) -> bytes, or -1. */
int64_t parse_memory(const char *text);

#endif
