/* SPDX-License-Identifier: BSD-3-Clause
 * --dep: static and dynamic dependency analysis -> profile.json. */
#include "cli/batch.h"
#include "cli/dep.h"
#include "cli/dep_graph.h"
#include "cli/filter.h"
#include "cli/summary.h"
#include "common/file.h"
#include "common/syscalls.h"
#include <signal.h>
#include <string.h>

static const char doc[] =
    "Find out which shared libraries, symbols and system calls PROGRAM needs: by reading its "
    "machine "
    "code, and by running it under a tracer with tests (-t), command lines (-c), or as it is."
    "\vExamples:\n"
    "  toolchain --dep --static /bin/ls\n"
    "  toolchain --dep sqlite3 -t testFiles/sqlite3.json\n"
    "  toolchain --dep --static --why socket curl\n"
    "  toolchain --dep --static --emit seccomp-json /usr/sbin/nginx\n";

static enum status emit(struct dep_options *o, const struct profile *profile, const char *dir)
{
    struct cli *cli = o->cli;
    struct filter_options wanted = {o->from, o->when, o->no_plugins, o->filter_args};
    profile_syscalls calls = {0};
    filter_rules rules = {0};
    enum status status = filter_calls(&cli->diag, cli->arena, profile, &wanted, &calls);
    filter_rules_make(cli->arena, profile, &wanted, &calls, &rules);
    if (!status && wanted.arguments && !profile->statement.superset)
        diag_warn(&cli->diag, "--filter-args: the static set is not proved (.statement tells why): "
                              "arguments may be missing from the filter");
    if (!status && o->emit) {
        char *text = NULL;
        size_t size = 0;
        const char *path = cli_path(cli, dir, filter_file_name(o->emit));
        status = filter_emit(&cli->diag, cli->arena, o->emit, profile->program.arch, &rules, &text,
                             &size);
        if (!status)
            status = file_write(&cli->diag, path, text, size, 0);
        if (!status)
            diag_note(&cli->diag, "%zu calls allowed by %s", calls.count, path);
    }
    if (status || !o->enforce)
        return status;
    if (syscall_table_of(profile->program.arch) != SYSCALLS_X86_64)
        return diag_fail(&cli->diag, STATUS_INPUT, "--enforce: %s is a program for %s",
                         profile->program.path, profile->program.arch);
    int result = 0;
    status =
        filter_enforce(&cli->diag, profile->program.path, o->tracer.arguments, &rules, &result);
    if (!status && result == 128 + SIGSYS)
        return diag_fail(&cli->diag, STATUS_FOUND,
                         "%s: ended by SIGSYS: it made a call outside the filter",
                         profile->program.path);
    if (!status)
        diag_note(&cli->diag, "ran under the filter, exit status %d", result);
    return status;
}

static enum status write_profile(struct cli *cli, const struct profile *profile, const char **dir)
{
    enum status status = STATUS_OK;
    if (cli->json)
        status = profile_print(&cli->diag, profile);
    if (status || (cli->json && !cli->output))
        return status;
    status = cli_output_dir(cli, dir);
    return status ? status
                  : profile_write(&cli->diag, cli_path(cli, *dir, "profile.json"), profile);
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    (void)value;
    struct dep_options *o = state->input;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->child_inputs[1] = o;
    state->child_inputs[2] = o->cli;
    return 0;
}

static enum status run(int argc, char **argv, struct cli *cli)
{
    struct dep_options o;
    dep_options_init(&o, cli);
    struct argp_child children[] = {{&dep_argp, 0, NULL, 0},
                                    {&dep_filter_argp, 0, NULL, 0},
                                    {&cli_common_argp, 0, NULL, 0},
                                    {0}};
    const struct argp argp = {
        .parser = parse, .children = children, .args_doc = "PROGRAM [-- ARGUMENTS]", .doc = doc};
    enum status status = cli_parse(&argp, argc, argv, cli, &o);
    struct profile profile = {0};
    if (status)
        return status;
    if (o.batch)
        return batch_run(cli, &o.analyzer, o.batch);
    enum status found = dep_run(&o, &profile);
    if (found > STATUS_FOUND)
        return found;
    const char *dir = NULL;
    status = write_profile(cli, &profile, &dir);
    if (!status && !cli->json) {
        if (o.libraries)
            summary_libraries(cli, &profile);
        else
            summary_profile(cli, &profile);
        summary_line("Written", "%s/profile.json", dir);
    }
    if (!status && o.graph)
        status = dep_graph_write(&cli->diag, cli->arena, &profile, o.analyzer.why, o.graph);
    if (!status && (o.emit || o.enforce)) {
        if (!dir)
            status = cli_output_dir(cli, &dir);
        if (!status)
            status = emit(&o, &profile, dir);
    }
    return status ? status : found;
}

const struct tool tool_dep = {"dep", "what a program needs: libraries, symbols, system calls", run};
