/* SPDX-License-Identifier: BSD-3-Clause
 * System-call filters from a profile: for containers (OCI), for systemd, as a BPF program, and the
 * program run under one. */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include "common/diag.h"
#include "common/profile.h"

struct filter_options {
    const char *from; /* "static", "dynamic", "union" */
    unsigned when;    /* WHEN_ bits of static calls that are allowed */
    bool no_plugins;
};

extern const char *const filter_formats[]; /* "seccomp-json", "systemd", "bpf", NULL */

/* The calls a filter of this profile allows: sorted, each once. exit_group, rt_sigreturn and
 * execve (which starts the program under the filter) are always there. */
enum status filter_calls(struct diag *d, struct arena *a, const struct profile *profile,
                         const struct filter_options *options, profile_syscalls *out);
/* The filter in one of filter_formats; *text is in the arena (bpf: binary). */
enum status filter_emit(struct diag *d, struct arena *a, const char *format,
                        const profile_syscalls *calls, char **text, size_t *size);
/* File name a format is written under: "seccomp.json" ... */
const char *filter_file_name(const char *format);
/* Runs the program under the filter with standard streams untouched; a call outside it ends the
 * program with SIGSYS. *result: its exit status, 128 + signal when a signal ended it. */
enum status filter_enforce(struct diag *d, const char *path, const char *const *arguments,
                           const profile_syscalls *calls, int *result);

#endif
