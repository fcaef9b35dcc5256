/* SPDX-License-Identifier: BSD-3-Clause
 * The loop of --verif --fix: what a verification found missing is added to the needs, the image is
 * solved, built and verified again. */
#include "cli/verif.h"
#include "common/file.h"
#include <fnmatch.h>
#include <string.h>

enum { ATTEMPTS = 8 };

/* Sets of options with which a core tells more, best first: its system calls with their results
 * (exit_group has none: its line, and with it the status, needs the option that tells of requests);
 * or, where a program calls functions and no kernel, at least what main returned. */
static const char *const trace_patterns[][2] = {
    {"*SYSCALL*STRACE", "*SYSCALL*DEBUG_HANDLER"},
    {"*DEBUG_PRINTK_INFO", NULL},
};
enum { TRACES = sizeof trace_patterns / sizeof trace_patterns[0] };

/* The options of one set that the catalogue has; empty where it lacks the first. */
static strings trace_options(struct arena *a, const struct catalogue *catalogue, size_t set)
{
    strings found = {0};
    for (size_t i = 0; i < 2 && trace_patterns[set][i]; i++) {
        vec_each (option, &catalogue->options)
            if (option->type == OPTION_BOOL && option->visible && found.count == i &&
                fnmatch(trace_patterns[set][i], option->name, 0) == 0)
                vec_push(a, &found, option->name);
        if (!found.count)
            break;
    }
    return found;
}

static bool build_tracing(struct verif_loop *l, const strings *tracing)
{
    struct cli *cli = l->v->cli;
    struct build_options options = *l->build;
    struct selection selection = {0};
    struct build_result built = {0};
    memset(&options.matcher.pin, 0, sizeof options.matcher.pin);
    vec_each (pin, &l->build->matcher.pin)
        vec_push(cli->arena, &options.matcher.pin, *pin);
    vec_each (option, tracing)
        vec_push(cli->arena, &options.matcher.pin, *option);
    const char *dir = cli_path(cli, l->dir, "verif/trace");
    struct diag kept = cli->diag;
    cli->diag.verbosity = -1;
    enum status status = dir_make(&cli->diag, dir);
    if (!status)
        status = build_run(&options, dir, l->profile, &selection, &built);
    const char *why = arena_strdup(cli->arena, cli->diag.message);
    cli->diag = kept;
    if (status <= STATUS_FOUND && built.image)
        l->v->image.trace = arena_strdup(cli->arena, built.image);
    else
        diag_debug(&cli->diag, 1, "no image that traces its calls: %s", why);
    return l->v->image.trace != NULL;
}

/* A twin of the image that traces its calls. That there is none is no failure. */
static void build_twin(struct verif_loop *l)
{
    bool done = !l->catalogue || !l->build->builder.uk_root || !l->profile;
    for (size_t set = 0; set < TRACES && !done; set++) {
        strings tracing = trace_options(l->v->cli->arena, l->catalogue, set);
        done = tracing.count && build_tracing(l, &tracing);
    }
}

/* Images whose console has no end of input: one that has the tests' lines in it. Of Unikraft's
 * kind, for what is built along speaks its language. */
static bool build_with_input(struct verif_loop *l)
{
    struct cli *cli = l->v->cli;
    if (!l->catalogue || strcmp(l->catalogue->name, "unikraft") != 0 || !l->profile ||
        l->build->matcher.mode != MODE_BINARY || !l->build->builder.uk_root || !l->v->verif.tests ||
        l->build->builder.input_source)
        return false;
    if (verif_give_input(l->v, l->build, l->dir) != STATUS_OK) {
        cli->diag.message[0] = '\0';
        return false;
    }
    struct build_result built = {0};
    struct selection *selection = ARENA_NEW(cli->arena, struct selection);
    if (build_run(l->build, l->dir, l->profile, selection, &built) > STATUS_FOUND || !built.image) {
        diag_debug(&cli->diag, 1, "no image with its input inside: %s", cli->diag.message);
        cli->diag.message[0] = '\0';
        return false;
    }
    l->selection = selection;
    verif_use_build(l->v, selection, &built);
    l->v->image.input_inside = true;
    return true;
}

/* An unmodified program in a machine of its own, which does not end with it: that its end is told
 * takes the twin in any case. */
static bool in_machine(const struct verif_loop *l)
{
    const char *kind = image_kind(l->v->image.path);
    return l->build->matcher.mode == MODE_BINARY &&
           (strcmp(kind, "kvm") == 0 || strcmp(kind, "arm64") == 0);
}

static enum status verify_twice(struct verif_loop *l, struct verif *out)
{
    struct cli *cli = l->v->cli;
    l->v->verif.catalogue = l->catalogue;
    l->v->verif.selection = l->selection;
    l->v->verif.wanted = l->wanted;
    l->v->verif.profile = l->profile;
    bool own_trace = l->v->image.trace != NULL;
    if (!own_trace && in_machine(l))
        build_twin(l);
    bool twin = l->v->image.trace != NULL;
    enum status status = verify(&cli->diag, cli->arena, &l->v->verif, &l->v->image, out);
    if (!own_trace)
        l->v->image.trace = NULL; /* the next image has a twin of its own */
    /* A missing or failed call is named best by the core itself, and the status of a program whose
     * machine does not end with it. */
    if (status > STATUS_FOUND || twin ||
        !(out->exit_untold || (status == STATUS_FOUND && out->divergence.present)))
        return status;
    build_twin(l);
    if (!l->v->image.trace)
        return status;
    status = verify(&cli->diag, cli->arena, &l->v->verif, &l->v->image, out);
    l->v->image.trace = NULL; /* the next image has a twin of its own */
    return status;
}

enum status verif_once(struct verif_loop *l, struct verif *out)
{
    struct cli *cli = l->v->cli;
    enum status status = verify_twice(l, out);
    if (status != STATUS_FOUND || !out->awaits_input || !build_with_input(l))
        return status;
    status = verify_twice(l, out);
    if (status <= STATUS_FOUND)
        vec_push(cli->arena, &out->normalisers,
                 ((struct verif_normaliser){
                     .name = "input",
                     .what = "the image's console has no end of input: the tests' lines are a "
                             "file of its initrd",
                     .image_count = (int64_t)l->v->verif.tests->commands.count}));
    return status;
}

static bool named(const strings *list, const char *name)
{
    vec_each (item, list)
        if (strcmp(*item, name) == 0)
            return true;
    return false;
}

/* The best candidate that was not tried yet. */
static const struct verif_candidate *next_candidate(const struct verif *verif, const strings *tried)
{
    vec_each (c, &verif->divergence.candidates)
        if (!named(tried, c->option))
            return c;
    return NULL;
}

/* What is needed is not forbidden any longer. */
static void allow(struct verif_loop *l, const struct verif_candidate *c)
{
    strings *forbid = &l->build->matcher.forbid;
    for (size_t i = 0; i < forbid->count; i++) {
        const char *name = forbid->items[i];
        bool same = strcmp(name, c->option) == 0 || (c->library && strcmp(name, c->library) == 0);
        if (!same)
            continue;
        diag_note(&l->v->cli->diag, "--fix: %s was forbidden, but is needed: allowed again", name);
        forbid->items[i--] = forbid->items[--forbid->count];
    }
}

static enum status rebuild(struct verif_loop *l, const struct verif_candidate *c)
{
    struct cli *cli = l->v->cli;
    struct build_result built = {0};
    struct selection *selection = ARENA_NEW(cli->arena, struct selection);
    allow(l, c);
    vec_push(cli->arena, &l->build->matcher.pin, c->option);
    enum status status = build_run(l->build, l->dir, l->profile, selection, &built);
    if (status == STATUS_INPUT && l->build->matcher.forbid.count) {
        /* It needs something that is forbidden: what is forbidden gives way. */
        diag_note(&cli->diag, "--fix: %s; nothing is forbidden any longer", cli->diag.message);
        l->build->matcher.forbid.count = 0;
        status = build_run(l->build, l->dir, l->profile, selection, &built);
    }
    if (status > STATUS_FOUND)
        return status;
    if (!built.image)
        return diag_fail(&cli->diag, STATUS_FOUND, "%s",
                         built.reason ? built.reason : "no image was built");
    l->selection = selection;
    verif_use_build(l->v, selection, &built);
    return STATUS_OK;
}

void verif_find_wanted(struct verif_loop *l)
{
    struct cli *cli = l->v->cli;
    struct matcher_options free_choice = l->build->matcher;
    memset(&free_choice.pin, 0, sizeof free_choice.pin);
    memset(&free_choice.forbid, 0, sizeof free_choice.forbid);
    struct selection *wanted = ARENA_NEW(cli->arena, struct selection);
    struct diag quiet = cli->diag;
    if (match(&quiet, cli->arena, l->profile, l->catalogue, &free_choice, wanted) <= STATUS_FOUND)
        l->wanted = wanted;
}

enum status verif_fix(struct verif_loop *l, struct verif *verif)
{
    struct cli *cli = l->v->cli;
    strings tried = {0};
    __typeof__(verif->fixes) fixes = {0};
    enum status status = STATUS_FOUND;
    for (int attempt = 0; attempt < ATTEMPTS && status == STATUS_FOUND; attempt++) {
        const struct verif_candidate *c = next_candidate(verif, &tried);
        if (!c)
            break;
        vec_push(cli->arena, &tried, c->option);
        struct verif_fix *fix = vec_add(cli->arena, &fixes);
        vec_push(cli->arena, &fix->pinned, c->option);
        fix->verdict = VERDICT_DIFFERENT;
        fix->explanation =
            arena_printf(cli->arena, "%s (%s)", c->why, verif->divergence.explanation);
        diag_note(&cli->diag, "--fix: trying with %s: %s", c->option, c->why);
        status = rebuild(l, c);
        if (status == STATUS_FOUND || status == STATUS_INPUT) { /* this one cannot be had */
            fix->explanation = arena_strdup(cli->arena, cli->diag.message);
            l->build->matcher.pin.count--;
            cli->diag.message[0] = '\0';
            status = STATUS_FOUND;
            continue;
        }
        if (!status)
            status = verif_once(l, verif);
        fix->verdict = status > STATUS_FOUND ? VERDICT_NOT_COMPARABLE : verif->verdict;
    }
    verif->fixes.items = fixes.items;
    verif->fixes.count = fixes.count;
    return status;
}
