/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/dep.h"
#include "cli/dep_graph.h"
#include "cli/filter.h"
#include "cli/summary.h"
#include "common/file.h"
#include "common/syscalls.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_STATIC = 0x2000,
    KEY_DYNAMIC,
    KEY_NO_CACHE,
    KEY_WHY,
    KEY_WHY_NOT,
    KEY_GRAPH,
    KEY_BATCH,
    KEY_PLUGIN,
    KEY_LIBRARY_PATH,
    KEY_ROOT,
    KEY_LIBRARIES,
    KEY_ENGINE,
    KEY_COUNT,
    KEY_ALL_FUNCTIONS,
    KEY_CLASSIFY,
    KEY_SELECTORS,
    KEY_BUDGET,
    KEY_NO_FUNCTIONS,
    KEY_NO_EVIDENCE,
    KEY_REPEAT,
    KEY_PID,
    KEY_EMIT,
    KEY_FROM,
    KEY_WHEN,
    KEY_NO_PLUGINS,
    KEY_ENFORCE,
    KEY_FILTER_ARGS,
    KEY_SOURCES,
    KEY_LINK,
    KEY_BOUND,
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, 0, "Dependency analysis:", 1},
    {"static", KEY_STATIC, NULL, 0, "Only read the program's code, do not run it", 1},
    {"dynamic", KEY_DYNAMIC, NULL, 0, "Only run the program and watch it", 1},
    {NULL, 0, NULL, 0, "Static half:", 2},
    {"libraries", KEY_LIBRARIES, NULL, 0, "Only the link map: what is loaded, from where, for whom",
     2},
    {"library-path", KEY_LIBRARY_PATH, "DIRS", 0, "Honour this LD_LIBRARY_PATH", 2},
    {"root", KEY_ROOT, "DIR", 0, "Look for libraries below this folder, as a chroot would", 2},
    {"plugin", KEY_PLUGIN, "FILE|DIR", 0, "An object the program may dlopen, or a folder of them",
     2},
    {"batch", KEY_BATCH, "LIST", 0,
     "Analyse every program a file lists, on all cores; one JSON line each (-o DIR: resumable)", 2},
    {"sources", KEY_SOURCES, "DIR|FILE", 0,
     "Read these C and C++ sources in place of a program that cannot be built (PROGRAM, its name, "
     "may then be left out); may be given again",
     2},
    {"link", KEY_LINK, "LIBRARY", 0,
     "With --sources: a library it would be linked with (libz.so.1)", 2},
    {"no-cache", KEY_NO_CACHE, NULL, 0, "Neither read nor write the cache of library summaries", 2},
    {"bound", KEY_BOUND, "COUNT", 0,
     "Follow values in this many instructions of code (default 7340032); beyond them functions are "
     "taken whole, which is said",
     2},
    {"why", KEY_WHY, "CALL", 0, "Explain why this system call is in the set", 2},
    {"why-not", KEY_WHY_NOT, "CALL", 0, "Explain why this system call is not in the set", 2},
    {"graph", KEY_GRAPH, "FILE", 0,
     "Draw the paths to all system calls, or with --why to one, as FILE.svg, .png or .dot", 2},
    {NULL, 0, NULL, 0, "Dynamic half:", 3},
    {"engine", KEY_ENGINE, "NAME", 0, "auto (default), breakpoint, seccomp or ptrace", 3},
    {"count", KEY_COUNT, NULL, 0, "Count every call (slower: every call stops the program)", 3},
    {"all-functions", KEY_ALL_FUNCTIONS, NULL, 0, "Record every exported library function called",
     3},
    {"classify", KEY_CLASSIFY, NULL, 0,
     "Find out which calls the tests need and which can be stubbed or faked", 3},
    {"selectors", KEY_SELECTORS, NULL, 0,
     "With --classify: also each use of ioctl, fcntl, socket and their like", 3},
    {"budget", KEY_BUDGET, "SECONDS", 0, "Time for --classify (default 240)", 3},
    {"no-functions", KEY_NO_FUNCTIONS, NULL, 0, "Do not record the library functions called", 3},
    {"no-evidence", KEY_NO_EVIDENCE, NULL, 0,
     "Do not record the call stack at each call's first use", 3},
    {"repeat", KEY_REPEAT, "N", 0, "Run everything N times and keep the union", 3},
    {"pid", KEY_PID, "PID", 0, "Watch this running process instead of starting one", 3},
    {NULL},
};

static const struct argp_option filter_table[] = {
    {NULL, 0, NULL, 0, "Filters:", 4},
    {"emit", KEY_EMIT, "FORMAT", 0,
     "Write a system-call filter: seccomp-json (OCI), systemd, or bpf", 4},
    {"from", KEY_FROM, "SET", 0, "Calls the filter allows: static, dynamic, union (default)", 4},
    {"when", KEY_WHEN, "LIST", 0,
     "Circumstances of static calls it allows (default: all of "
     "normal,abort,environment,service,fallback)",
     4},
    {"no-plugins", KEY_NO_PLUGINS, NULL, 0, "Leave out what only dlopened objects call", 4},
    {"filter-args", KEY_FILTER_ARGS, NULL, 0,
     "Allow calls only with those constants that their selecting arguments can be (not for "
     "systemd)",
     4},
    {"enforce", KEY_ENFORCE, NULL, 0, "Run the program under the filter, to see that it holds", 4},
    {NULL},
};

static int name_in(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static void parse_when(struct dep_options *o, const char *text, struct argp_state *state)
{
    char *list = arena_strdup(o->cli->arena, text);
    o->when = 0;
    for (char *save = NULL, *w = strtok_r(list, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
        int index = name_in(when_names, w);
        if (index < 0)
            argp_error(
                state,
                "--when: '%s' is none of normal, abort, environment, service, fallback, unknown",
                w);
        else
            o->when |= 1u << index;
    }
}

static const char *one_of(struct argp_state *state, const char *option, const char *const *names,
                          const char *value)
{
    if (name_in(names, value) >= 0)
        return value;
    char list[256] = "";
    for (size_t i = 0; names[i]; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    argp_error(state, "%s: '%s' is none of %s", option, value, list);
    return names[0];
}

static int number(struct argp_state *state, const char *option, const char *text, int most)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < 1 || value > most)
        argp_error(state, "%s: '%s' is not a number from 1 to %d", option, text, most);
    return (int)value;
}

static const char *const sets[] = {"static", "dynamic", "union", NULL};

/* Of any architecture that programs are analysed for. */
static bool is_call(const char *name)
{
    return syscall_number(name) >= 0 || syscall_number_in(SYSCALLS_AARCH64, name) >= 0;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct dep_options *o = state->input;
    switch (key) {
    case KEY_STATIC:
        o->only_static = true;
        return 0;
    case KEY_DYNAMIC:
        o->only_dynamic = true;
        return 0;
    case KEY_LIBRARIES:
        o->libraries = o->only_static = o->analyzer.libraries_only = true;
        return 0;
    case KEY_LIBRARY_PATH:
        o->analyzer.library_path = value;
        return 0;
    case KEY_ROOT:
        o->analyzer.root = value;
        return 0;
    case KEY_PLUGIN:
        vec_push(o->cli->arena, &o->analyzer.plugins, value);
        return 0;
    case KEY_BOUND: {
        char *end = value;
        o->analyzer.bound = strtoull(value, &end, 10);
        if (*end || end == value || *value == '-' || !o->analyzer.bound)
            argp_error(state, "--bound: '%s' is no count of instructions", value);
        return 0;
    }
    case KEY_NO_CACHE:
        o->analyzer.no_cache = true;
        return 0;
    case KEY_WHY:
        if (!is_call(value))
            argp_error(state, "--why: '%s' is not a system call", value);
        o->analyzer.why = value;
        return 0;
    case KEY_WHY_NOT:
        if (!is_call(value))
            argp_error(state, "--why-not: '%s' is not a system call", value);
        o->analyzer.why_not = value;
        return 0;
    case KEY_SOURCES:
        vec_push(o->cli->arena, &o->sources, value);
        o->only_static = true;
        return 0;
    case KEY_LINK:
        vec_push(o->cli->arena, &o->link, value);
        return 0;
    case KEY_GRAPH:
        if (!dep_graph_format(value))
            argp_error(state, "--graph: '%s' does not end in .svg, .png or .dot", value);
        o->graph = value;
        return 0;
    case KEY_BATCH:
        o->batch = value;
        o->only_static = true;
        return 0;
    case KEY_ENGINE:
        o->tracer.engine = (enum trace_engine)name_in(
            trace_engine_names, one_of(state, "--engine", trace_engine_names, value));
        return 0;
    case KEY_COUNT:
        o->tracer.count = true;
        return 0;
    case KEY_ALL_FUNCTIONS:
        o->tracer.all_functions = true;
        return 0;
    case KEY_CLASSIFY:
        o->tracer.classify = true;
        return 0;
    case KEY_SELECTORS:
        o->tracer.selectors = o->tracer.classify = true;
        return 0;
    case KEY_BUDGET:
        o->tracer.budget_s = number(state, "--budget", value, 86400);
        return 0;
    case KEY_NO_FUNCTIONS:
        o->tracer.functions = false;
        return 0;
    case KEY_NO_EVIDENCE:
        o->tracer.evidence = false;
        return 0;
    case KEY_REPEAT:
        o->tracer.repeat = number(state, "--repeat", value, 1000);
        return 0;
    case KEY_PID:
        o->tracer.pid = number(state, "--pid", value, INT_MAX);
        o->only_dynamic = true;
        return 0;
    case ARGP_KEY_END:
        if (o->only_static && o->only_dynamic)
            argp_error(state, "--static and --dynamic exclude each other (neither: both halves)");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_filter(int key, char *value, struct argp_state *state)
{
    struct dep_options *o = state->input;
    switch (key) {
    case KEY_EMIT:
        o->emit = one_of(state, "--emit", filter_formats, value);
        return 0;
    case KEY_FROM:
        o->from = one_of(state, "--from", sets, value);
        return 0;
    case KEY_WHEN:
        parse_when(o, value, state);
        return 0;
    case KEY_NO_PLUGINS:
        o->no_plugins = true;
        return 0;
    case KEY_ENFORCE:
        o->enforce = true;
        return 0;
    case KEY_FILTER_ARGS:
        o->filter_args = true;
        return 0;
    case ARGP_KEY_END:
        if (o->filter_args && o->emit && strcmp(o->emit, "systemd") == 0)
            argp_error(state, "--filter-args: systemd's filters cannot tell arguments apart");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp dep_filter_argp = {.options = filter_table, .parser = parse_filter};

const struct argp dep_argp = {.options = option_table, .parser = parse};

void dep_options_init(struct dep_options *o, struct cli *cli)
{
    memset(o, 0, sizeof *o);
    o->cli = cli;
    o->tracer.functions = o->tracer.evidence = true;
    o->from = "union";
    o->when = WHEN_NORMAL | WHEN_ABORT | WHEN_ENVIRONMENT | WHEN_SERVICE | WHEN_FALLBACK;
}

static void prepare_arguments(struct dep_options *o)
{
    struct cli *cli = o->cli;
    const char **arguments = arena_array(cli->arena, cli->arguments.count + 1, sizeof *arguments);
    for (size_t i = 0; i < cli->arguments.count; i++)
        arguments[i] = cli->arguments.items[i];
    o->tracer.arguments = arguments;
}

/* The tests and command lines of the traced runs. */
static enum status prepare_runs(struct dep_options *o)
{
    struct cli *cli = o->cli;
    enum status status = STATUS_OK;
    if (cli->test_file) {
        struct test_file *tests = ARENA_NEW(cli->arena, struct test_file);
        status = test_file_read(&cli->diag, cli->arena, cli->test_file, tests);
        o->tracer.tests = tests;
    }
    if (!status && cli->config_file)
        status =
            command_lines_read(&cli->diag, cli->arena, cli->config_file, &o->tracer.command_lines);
    o->tracer.name = cli->program;
    o->tracer.wait_ms = cli->wait_ms;
    if (!cli->wait_ms && !cli->test_file)
        o->tracer.wait_ms = DEP_DEFAULT_WAIT_MS;
    return status;
}

static enum status run_sources(struct dep_options *o, struct profile *profile)
{
    struct cli *cli = o->cli;
    const struct source_options sources = {
        .paths = o->sources, .link = o->link, .program = cli->program, .analyzer = o->analyzer};
    enum status status = analyze_sources(&cli->diag, cli->arena, &sources, profile);
    if (!status && !cli->program) {
        const char *slash = strrchr(profile->program.path, '/');
        cli->program = slash ? slash + 1 : profile->program.path;
    }
    return status;
}

enum status dep_run(struct dep_options *o, struct profile *profile)
{
    struct cli *cli = o->cli;
    if (o->sources.count)
        return run_sources(o, profile);
    const char *path = NULL;
    enum status status = cli_find_program(cli, &path);
    prepare_arguments(o);
    if (!status && !o->only_static)
        status = prepare_runs(o);
    if (status)
        return status;
    profile->schema = PROFILE_SCHEMA;
    struct analyzer_options reading = o->analyzer;
    /* The program's description and link map are wanted even where only the tracer is asked for. */
    if (o->only_dynamic)
        reading.libraries_only = true;
    enum status analyzed = analyze(&cli->diag, cli->arena, path, &reading, profile);
    if (analyzed > STATUS_FOUND)
        return analyzed;
    if (!analyzed) /* what a plug-in lacked was noted, and is no failure of the program */
        cli->diag.message[0] = '\0';
    if (o->only_dynamic)
        profile->static_part = (struct profile_static){0};
    if (o->only_static)
        return analyzed;
    if (analyzed == STATUS_FOUND)
        return diag_fail(&cli->diag, STATUS_FOUND, "%s: not run, as it cannot start: %s", path,
                         cli->diag.message);
    return trace(&cli->diag, cli->arena, path, &o->tracer, profile);
}
