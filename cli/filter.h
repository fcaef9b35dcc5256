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
    bool arguments; /* allow calls only with arguments that are known to occur */
};

enum { FILTER_CONDITIONS = 3 };

/* The bits of mask in an argument (from 0) have this value. */
struct filter_condition {
    unsigned argument;
    uint32_t mask, value;
};

/* A call is allowed where all conditions of one of its rules hold. */
struct filter_rule {
    const char *name;
    int64_t number;
    unsigned count;
    struct filter_condition conditions[FILTER_CONDITIONS];
};
typedef VEC(struct filter_rule) filter_rules;

extern const char *const filter_formats[]; /* "seccomp-json", "systemd", "bpf", NULL */

/* The calls a filter of this profile allows: sorted, each once. exit_group, rt_sigreturn and
 * execve (which starts the program under the filter) are always there. */
enum status filter_calls(struct diag *d, struct arena *a, const struct profile *profile,
                         const struct filter_options *options, profile_syscalls *out);
/* The rules that allow those calls: one each, or with options->arguments one for each combination
 * of constants that selecting arguments are known to be. */
void filter_rules_make(struct arena *a, const struct profile *profile,
                       const struct filter_options *options, const profile_syscalls *calls,
                       filter_rules *out);
/* The filter in one of filter_formats for the architecture of a profile; *text is in the arena
 * (bpf: binary). systemd cannot hold conditions: calls are allowed whole. */
enum status filter_emit(struct diag *d, struct arena *a, const char *format,
                        const char *architecture, const filter_rules *rules, char **text,
                        size_t *size);
/* File name a format is written under: "seccomp.json" ... */
const char *filter_file_name(const char *format);
/* Runs the program under the filter with standard streams untouched; a call outside it ends the
 * program with SIGSYS. *result: its exit status, 128 + signal when a signal ended it. */
enum status filter_enforce(struct diag *d, const char *path, const char *const *arguments,
                           const filter_rules *rules, int *result);

#endif
