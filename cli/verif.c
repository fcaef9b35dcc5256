/* SPDX-License-Identifier: BSD-3-Clause
 * What --verif, --perf and the chain share: the image to run and how to compare it. */
#include "cli/verif.h"
#include "cli/surroundings.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

enum {
    KEY_IMAGE = 0x3000,
    KEY_INITRD,
    KEY_TRACE,
    KEY_RUNNER,
    KEY_MEMORY,
    KEY_SHARE,
    KEY_KERNEL_ARGS,
    KEY_REPEAT,
    KEY_BOOT,
    KEY_NORMALISE,
    KEY_IGNORE,
    KEY_NO_CALLS,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "The image and its runner:", 1},
    {"image", KEY_IMAGE, "FILE", 0, "Image to run (default: the one --build left)", 1},
    {"initrd", KEY_INITRD, "FILE", 0, "Its initial file system", 1},
    {"trace-image", KEY_TRACE, "FILE", 0,
     "The same image with the core's trace of system calls on, run to find a cause", 1},
    {NULL, 0, NULL, 0, "The comparison:", 2},
    {"repeat", KEY_REPEAT, "N", 0, "Runs on Linux, to learn what varies (default 2)", 2},
    {"normalise", KEY_NORMALISE, "NAME", 0,
     "Mask a kind of text always: dates, times, durations, addresses, pids, ports, numbers, spaces",
     2},
    {"ignore", KEY_IGNORE, "REGEX", 0, "Mask what matches", 2},
    {"no-calls", KEY_NO_CALLS, NULL, 0, "Do not record system calls to find a cause", 2},
    {NULL},
};

static const struct argp_option runner_options[] = {
    {"runner", KEY_RUNNER, "NAME|COMMAND", 0,
     "linux, host, qemu-kvm, qemu-tcg, qemu-arm64, firecracker, or a command with {image} in it, "
     "and "
     "{initrd} {args} {memory} where it wants them",
     1},
    {"memory", KEY_MEMORY, "SIZE", 0, "Memory of the machine (default 128M)", 1},
    {"share", KEY_SHARE, "DIR", 0, "Folder that the image writes its files into", 1},
    {"kernel-args", KEY_KERNEL_ARGS, "WORDS", 0,
     "Parameters of the core, before the program's arguments", 1},
    {"boot", KEY_BOOT, "SECONDS", 0, "Longest boot (default 30)", 1},
    {NULL},
};

static error_t parse_runner(int key, char *value, struct argp_state *state)
{
    struct verif_cli *v = state->input;
    switch (key) {
    case KEY_RUNNER:
        v->image.runner = value;
        return 0;
    case KEY_MEMORY:
        v->image.memory = value;
        return 0;
    case KEY_SHARE:
        v->image.share = value;
        return 0;
    case KEY_KERNEL_ARGS:
        vec_push(v->cli->arena, &v->image.kernel_arguments, value);
        return 0;
    case KEY_BOOT:
        v->verif.boot_ms = (int)(strtod(value, NULL) * 1000);
        if (v->verif.boot_ms <= 0)
            argp_error(state, "--boot: '%s' is not a number of seconds", value);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp runner_argp = {.options = runner_options, .parser = parse_runner};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct verif_cli *v = state->input;
    struct arena *a = v->cli->arena;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = v;
        v->verif.calls = true;
        return 0;
    case KEY_IMAGE:
        v->image.path = value;
        return 0;
    case KEY_INITRD:
        v->image.initrd = value;
        return 0;
    case KEY_TRACE:
        v->image.trace = value;
        return 0;
    case KEY_REPEAT:
        v->verif.repeat = atoi(value);
        if (v->verif.repeat < 1 || v->verif.repeat > 20)
            argp_error(state, "--repeat: a number from 1 to 20 was expected, not '%s'", value);
        return 0;
    case KEY_NORMALISE:
        vec_push(a, &v->verif.normalise, value);
        return 0;
    case KEY_IGNORE:
        vec_push(a, &v->ignore, value);
        return 0;
    case KEY_NO_CALLS:
        v->verif.calls = false;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&runner_argp, 0, NULL, 1}, {0}};
const struct argp verif_argp = {.options = options, .parser = parse, .children = children};

static const char *absolute(struct cli *cli, const char *path)
{
    char *real = path ? realpath(path, NULL) : NULL;
    const char *result = real ? arena_strdup(cli->arena, real) : path;
    free(real);
    return result;
}

enum status verif_prepare(struct verif_cli *v, const char *dir)
{
    enum status status = cli_find_program(v->cli, &v->verif.program);
    v->verif.name = v->cli->program;
    return status ? status : verif_read_inputs(v, dir);
}

enum status verif_read_inputs(struct verif_cli *v, const char *dir)
{
    struct cli *cli = v->cli;
    struct diag *d = &cli->diag;
    enum status status = STATUS_OK;
    if (cli->test_file && !v->verif.tests) {
        status = test_file_read(d, cli->arena, cli->test_file, &v->tests);
        v->verif.tests = &v->tests;
    }
    vec_each (regex, &v->ignore)
        vec_push(cli->arena, &v->tests.ignore, *regex);
    if (!status && cli->config_file)
        status = command_lines_read(d, cli->arena, cli->config_file, &v->verif.command_lines);
    if (status)
        return status;
    v->verif.arguments = cli->arguments;
    v->verif.wait_ms = cli->wait_ms;
    const char *work = cli_path(cli, dir, "verif");
    status = dir_make(d, work);
    v->verif.work_dir = absolute(cli, work);
    v->image.path = absolute(cli, v->image.path);
    v->image.initrd = absolute(cli, v->image.initrd);
    v->image.trace = absolute(cli, v->image.trace);
    v->image.share = absolute(cli, v->image.share);
    return status;
}

/* The words that the builder's command line gives before the program's own arguments. */
static void first_words(struct verif_cli *v, const struct build_result *built)
{
    struct arena *a = v->cli->arena;
    memset(&v->image.first_arguments, 0, sizeof v->image.first_arguments);
    const strings *run = &built->run;
    for (size_t i = 1; i < run->count && strcmp(run->items[0], built->image) == 0; i++)
        if (strncmp(run->items[i], "--initrd=", 9) != 0)
            vec_push(a, &v->image.first_arguments, run->items[i]);
    for (size_t i = 0; i + 1 < run->count; i++)
        if (strcmp(run->items[i], "-append") == 0)
            split_words(a, run->items[i + 1], &v->image.first_arguments);
}

/* An image that reads a table of file systems from its command line is told of the folder. */
static void mount_share(struct verif_cli *v, const struct selection *selection)
{
    const char *reads = selection_value(selection, "LIBVFSCORE_AUTOMOUNT_UP");
    const char *mount = v->image.share && reads && strcmp(reads, "y") == 0
                            ? runner_mount(v->cli->arena, selection->catalogue.name, v->image.share)
                            : NULL;
    vec_each (word, &v->image.kernel_arguments)
        if (mount && strcmp(*word, mount) == 0)
            return;
    if (mount)
        vec_push(v->cli->arena, &v->image.kernel_arguments, mount);
}

void verif_use_build(struct verif_cli *v, const struct selection *selection,
                     const struct build_result *built)
{
    v->verif.selection = selection;
    v->image.path = absolute(v->cli, built->image);
    v->image.initrd = absolute(v->cli, built->initrd);
    first_words(v, built);
    if (selection)
        mount_share(v, selection);
}

void verif_surround(struct verif_cli *v, struct build_options *build)
{
    const struct verif_options *o = &v->verif;
    build_find_environment(build, o->program);
    if (v->image.share) {
        /* The folder takes a root to be mounted in; the program starts in it, as on Linux. */
        vec_push(v->cli->arena, &build->matcher.facts, "share=yes");
        vec_push(v->cli->arena, &build->matcher.facts, "files=read");
        vec_push(v->cli->arena, &build->environment,
                 arena_printf(v->cli->arena, "PWD=%s", v->image.share));
    }
    build_find_files(build, o->arguments.count || !o->tests ? &o->arguments : &o->tests->arguments);
    vec_each (line, &o->command_lines) {
        strings words = {0};
        if (!split_words(v->cli->arena, *line, &words))
            build_find_files(build, &words);
    }
}
