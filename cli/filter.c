/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/filter.h"
#include "common/syscalls.h"
#include <errno.h>
#include <jansson.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const filter_formats[] = {"seccomp-json", "systemd", "bpf", NULL};

/* A program cannot be started, return from a signal or end without these. */
static const char *const always[] = {"execve", "exit_group", "rt_sigreturn", NULL};

static void allow(struct arena *a, profile_syscalls *out, const profile_syscalls *from,
                  unsigned when)
{
    vec_each (s, from)
        if (!when || (s->when & when))
            vec_push(a, out, *s);
}

enum status filter_calls(struct diag *d, struct arena *a, const struct profile *profile,
                         const struct filter_options *options, profile_syscalls *out)
{
    const struct profile_static *s = &profile->static_part;
    const struct profile_dynamic *dyn = &profile->dynamic_part;
    bool want_static = strcmp(options->from, "dynamic") != 0;
    bool want_dynamic = strcmp(options->from, "static") != 0;
    if (strcmp(options->from, "dynamic") == 0 && !dyn->present)
        return diag_fail(d, STATUS_INPUT, "--from dynamic: the program was not run (--static)");
    if (strcmp(options->from, "static") == 0 && !s->present)
        return diag_fail(d, STATUS_INPUT, "--from static: the code was not analysed (--dynamic)");
    if (want_static)
        allow(a, out, &s->syscalls, options->when);
    for (size_t i = 0; want_static && !options->no_plugins && i < s->plugins.count; i++)
        allow(a, out, &s->plugins.items[i].syscalls, options->when);
    if (want_dynamic)
        allow(a, out, &dyn->syscalls, 0);
    for (size_t i = 0; want_dynamic && i < dyn->execs.count; i++)
        allow(a, out, &dyn->execs.items[i].syscalls, 0);
    for (size_t i = 0; always[i]; i++) {
        struct profile_syscall *call = vec_add(a, out);
        call->name = always[i];
        call->number = syscall_number_in(syscall_table_of(profile->program.arch), always[i]);
        call->class_ = -1;
    }
    profile_syscalls_sort(out);
    return STATUS_OK;
}

static json_t *oci_conditions(const struct filter_rule *rule)
{
    json_t *all = json_array();
    for (unsigned i = 0; i < rule->count; i++) {
        const struct filter_condition *c = &rule->conditions[i];
        json_array_append_new(all, json_pack("{s:i,s:I,s:I,s:s}", "index", (int)c->argument,
                                             "value", (json_int_t)c->mask, "valueTwo",
                                             (json_int_t)c->value, "op", "SCMP_CMP_MASKED_EQ"));
    }
    return all;
}

static char *emit_oci(struct arena *a, uint32_t machine, const filter_rules *rules)
{
    json_t *names = json_array(), *groups = json_array();
    json_array_append_new(groups,
                          json_pack("{s:o,s:s}", "names", names, "action", "SCMP_ACT_ALLOW"));
    vec_each (rule, rules)
        if (!rule->count)
            json_array_append_new(names, json_string(rule->name));
        else
            json_array_append_new(groups,
                                  json_pack("{s:[s],s:s,s:o}", "names", rule->name, "action",
                                            "SCMP_ACT_ALLOW", "args", oci_conditions(rule)));
    json_t *root = json_pack(
        "{s:s,s:i,s:[s],s:o}", "defaultAction", "SCMP_ACT_ERRNO", "defaultErrnoRet", ENOSYS,
        "architectures", machine == SCMP_ARCH_AARCH64 ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64",
        "syscalls", groups);
    char *text = json_dumps(root, JSON_INDENT(2));
    char *copy = arena_printf(a, "%s\n", text ? text : "");
    free(text);
    json_decref(root);
    return copy;
}

static char *emit_systemd(struct arena *a, const filter_rules *rules)
{
    char *text = "[Service]\nSystemCallArchitectures=native\nSystemCallErrorNumber=ENOSYS\n"
                 "SystemCallFilter=";
    size_t column = 0;
    const char *last = "";
    vec_each (s, rules) {
        if (strcmp(s->name, last) == 0)
            continue;
        last = s->name;
        /* systemd joins repeated assignments, so long lists are split into lines. */
        bool wrap = column + strlen(s->name) > 80;
        text = arena_printf(a, "%s%s%s", text, wrap ? "\nSystemCallFilter=" : (column ? " " : ""),
                            s->name);
        column = wrap ? strlen(s->name) : column + strlen(s->name) + 1;
    }
    return arena_printf(a, "%s\n", text);
}

static bool add_rule(scmp_filter_ctx filter, const struct filter_rule *rule)
{
    struct scmp_arg_cmp conditions[FILTER_CONDITIONS];
    for (unsigned i = 0; i < rule->count; i++)
        conditions[i] = (struct scmp_arg_cmp){rule->conditions[i].argument, SCMP_CMP_MASKED_EQ,
                                              rule->conditions[i].mask, rule->conditions[i].value};
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, (int)rule->number, rule->count,
                                  conditions) == 0;
}

/* For one machine, whichever this is. */
static bool only_for(scmp_filter_ctx filter, uint32_t machine)
{
    return machine == seccomp_arch_native() ||
           (seccomp_arch_add(filter, machine) == 0 &&
            seccomp_arch_remove(filter, seccomp_arch_native()) == 0);
}

static scmp_filter_ctx make_filter(uint32_t machine, const filter_rules *rules, uint32_t otherwise)
{
    scmp_filter_ctx filter = seccomp_init(otherwise);
    bool good = filter && only_for(filter, machine) &&
                seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0;
    vec_each (rule, rules)
        good = good && add_rule(filter, rule);
    if (!good && filter) {
        seccomp_release(filter);
        filter = NULL;
    }
    return filter;
}

static enum status emit_bpf(struct diag *d, struct arena *a, uint32_t machine,
                            const filter_rules *rules, char **text, size_t *size)
{
    scmp_filter_ctx filter = make_filter(machine, rules, SCMP_ACT_ERRNO(ENOSYS));
    int fd = memfd_create("filter", MFD_CLOEXEC);
    enum status status = STATUS_OK;
    off_t length = 0;
    if (!filter || fd < 0 || seccomp_export_bpf(filter, fd) != 0 ||
        (length = lseek(fd, 0, SEEK_END)) < 0) {
        status = diag_fail(d, STATUS_SYSTEM, "libseccomp cannot compile the filter");
    } else {
        *size = (size_t)length;
        *text = arena_alloc(a, *size + 1);
        if (pread(fd, *text, *size, 0) != length)
            status = diag_fail(d, STATUS_SYSTEM, "cannot read the compiled filter back");
    }
    if (fd >= 0)
        close(fd);
    if (filter)
        seccomp_release(filter);
    return status;
}

enum status filter_emit(struct diag *d, struct arena *a, const char *format,
                        const char *architecture, const filter_rules *rules, char **text,
                        size_t *size)
{
    uint32_t machine = syscall_table_token(syscall_table_of(architecture));
    if (strcmp(format, "bpf") == 0)
        return emit_bpf(d, a, machine, rules, text, size);
    *text = strcmp(format, "systemd") == 0 ? emit_systemd(a, rules) : emit_oci(a, machine, rules);
    *size = strlen(*text);
    return STATUS_OK;
}

const char *filter_file_name(const char *format)
{
    if (strcmp(format, "bpf") == 0)
        return "seccomp.bpf";
    return strcmp(format, "systemd") == 0 ? "seccomp.conf" : "seccomp.json";
}

enum status filter_enforce(struct diag *d, const char *path, const char *const *arguments,
                           const filter_rules *rules, int *result)
{
    size_t count = 0;
    while (arguments && arguments[count])
        count++;
    const char **argv = calloc(count + 2, sizeof *argv);
    scmp_filter_ctx filter = make_filter(seccomp_arch_native(), rules, SCMP_ACT_KILL_PROCESS);
    if (!filter || !argv) {
        free(argv);
        if (filter)
            seccomp_release(filter);
        return diag_fail(d, STATUS_SYSTEM, "libseccomp cannot compile the filter");
    }
    argv[0] = path;
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = arguments[i];
    pid_t pid = fork();
    if (pid == 0) {
        if (seccomp_load(filter) != 0)
            _exit(126);
        execv(path, (char *const *)argv);
        _exit(127);
    }
    free(argv);
    seccomp_release(filter);
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return diag_fail(d, STATUS_SYSTEM, "%s: cannot be run: %s", path, strerror(errno));
    *result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return STATUS_OK;
}
