/* SPDX-License-Identifier: BSD-3-Clause
 * The options of matching and building, and one run of both. */
#include "cli/build.h"
#include "analyzer/analyzer.h"
#include "common/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_ROUNDS = 8 };

enum {
    KEY_MODE = 0x2000,
    KEY_UK_ROOT,
    KEY_CORE,
    KEY_UK_LIBS,
    KEY_NEED,
    KEY_NO_MAKE,
    KEY_PIN,
    KEY_FORBID,
    KEY_PREFER,
    KEY_EXPLAIN,
    KEY_WHEN,
    KEY_PLUGINS,
    KEY_WEIGHTS,
    KEY_OBJECTIVE,
    KEY_PROFILE,
    KEY_FACT,
    KEY_KEEP_GOING,
    KEY_ALTERNATIVES,
    KEY_PLATFORM,
    KEY_MACHINE,
    KEY_STUBS,
    KEY_ENV,
    KEY_KCONFIG,
    KEY_PATCH,
    KEY_MAKEFILE,
};

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "What is needed:", 1},
    {"mode", KEY_MODE, "binary|source", 0,
     "Load the unmodified program, or port its sources (default: binary, source with -s)", 1},
    {"source", 's', "DIR", 0, "The program's C sources (source port)", 1},
    {"profile", KEY_PROFILE, "FILE", 0, "Profile to match (default: that of the output folder)", 1},
    {"need", KEY_NEED, "static|dynamic|required", 0,
     "Which calls count: all reachable (default), all observed, those classified as required", 1},
    {"when", KEY_WHEN, "LIST", 0,
     "Circumstances whose calls count, of normal, abort, environment, service, fallback, unknown "
     "(default "
     "normal,abort)",
     1},
    {"plugins", KEY_PLUGINS, NULL, 0, "Calls that only plug-ins make count too", 1},
    {"fact", KEY_FACT, "KEY=VALUE", 0,
     "A fact for the catalogue's rules, as rdseed=yes or address=static", 1},
    {NULL, 0, NULL, 0, "What is chosen:", 2},
    {"pin", KEY_PIN, "LIST", 0, "Options or libraries that must be in", 2},
    {"forbid", KEY_FORBID, "LIST", 0, "Options or libraries that must be out", 2},
    {"prefer", KEY_PREFER, "LIST", 0, "Options or libraries to take where possible", 2},
    {"kconfig", KEY_KCONFIG, "FILE", 0,
     "Lines of a .config to hold to (CONFIG_X=value, # CONFIG_X is not set); may be given again",
     2},
    {"keep-going", KEY_KEEP_GOING, NULL, 0,
     "List needs that pins exclude as missing instead of failing", 2},
    {"weights", KEY_WEIGHTS, "FILE", 0,
     "Layout document: libraries cost their measured bytes; or weights.json of --perf: what "
     "served the objective best",
     2},
    {"objective", KEY_OBJECTIVE, "size|boot|memory|throughput", 0,
     "Flags and features to prefer (default: as few libraries as can be, the rest as usual)", 2},
    {"alternatives", KEY_ALTERNATIVES, NULL, 0, "What other choices would cost", 2},
    {"explain", KEY_EXPLAIN, "NAME", 0,
     "Why an option, library, call or rule is in or out and what would change it; nothing is "
     "written",
     2},
    {NULL, 0, NULL, 0, "What is built:", 3},
    {"uk-root", KEY_UK_ROOT, "DIR", 0, "Tree of the core: configure and make with it", 3},
    {"core", KEY_CORE, "git:URL@REV", 0,
     "Clone the core once into the user's cache and build with it", 3},
    {"uk-libs", KEY_UK_LIBS, "DIR", 0, "Folder of the external libraries' trees", 3},
    {"platform", KEY_PLATFORM, "NAME", 0, "kvm (default), xen, linuxu", 3},
    {"machine", KEY_MACHINE, "NAME", 0, "x86_64 (default), arm64", 3},
    {"patch", KEY_PATCH, "FILE", 0,
     "Apply this patch to a copy of the sources first (-p1, else -p0); may be given again", 3},
    {"makefile", KEY_MAKEFILE, "FILE", 0, "Lines to add to Makefile.uk; may be given again", 3},
    {"stubs", KEY_STUBS, NULL, 0,
     "Add stubs for missing system calls to the app folder: each says when it is hit", 3},
    {"env", KEY_ENV, "NAME=VALUE", 0, "Environment variable compiled into the image", 3},
    {"no-make", KEY_NO_MAKE, NULL, 0, "Stop before make", 3},
    {NULL},
};

void build_options_init(struct build_options *o, struct cli *cli)
{
    *o = (struct build_options){.cli = cli};
}

/* Appends the parts of a list separated by commas. */
static void add_list(struct arena *a, strings *out, const char *text)
{
    char *copy = arena_strdup(a, text);
    for (char *save = NULL, *part = strtok_r(copy, ",", &save); part;
         part = strtok_r(NULL, ",", &save))
        vec_push(a, out, part);
}

static int index_in(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static unsigned parse_when(struct arena *a, const char *text, struct argp_state *state)
{
    strings parts = {0};
    unsigned bits = 0;
    add_list(a, &parts, text);
    vec_each (part, &parts) {
        int i = index_in(when_names, *part);
        if (i < 0)
            argp_error(state,
                       "--when: '%s' is none of normal, abort, environment, service, "
                       "fallback, unknown",
                       *part);
        else
            bits |= 1u << i;
    }
    return bits;
}

static int parse_name(const char *option, const char *const *names, const char *text,
                      struct argp_state *state)
{
    int i = index_in(names, text);
    if (i < 0)
        argp_error(state, "--%s: '%s' is none of its values (see --help)", option, text);
    return i;
}

static error_t parse_choice(int key, char *value, struct build_options *o, struct argp_state *state)
{
    static const char *const needs[] = {"static", "dynamic", "required", NULL};
    static const char *const modes[] = {"binary", "source", NULL};
    static const char *const objectives[] = {"libraries", "size",       "boot",
                                             "memory",    "throughput", NULL};
    struct arena *a = o->cli->arena;
    switch (key) {
    case KEY_MODE:
        o->matcher.mode = (enum matcher_mode)parse_name("mode", modes, value, state);
        return 0;
    case KEY_NEED:
        o->matcher.need = (enum matcher_need)parse_name("need", needs, value, state);
        return 0;
    case KEY_OBJECTIVE:
        parse_name("objective", objectives, value, state);
        vec_push(a, &o->matcher.facts, arena_printf(a, "objective=%s", value));
        return 0;
    case KEY_WHEN:
        o->matcher.when = parse_when(a, value, state);
        return 0;
    case KEY_FACT:
        if (!strchr(value, '=') || *value == '=')
            argp_error(state, "--fact: KEY=VALUE was expected, '%s' found", value);
        vec_push(a, &o->matcher.facts, value);
        return 0;
    case KEY_PIN:
        add_list(a, &o->matcher.pin, value);
        return 0;
    case KEY_FORBID:
        add_list(a, &o->matcher.forbid, value);
        return 0;
    case KEY_PREFER:
        add_list(a, &o->matcher.prefer, value);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct build_options *o = state->input;
    switch (key) {
    case 's':
        o->builder.source_dir = value;
        o->matcher.mode = MODE_SOURCE;
        return 0;
    case KEY_PROFILE:
        o->profile_file = value;
        return 0;
    case KEY_WEIGHTS:
        o->weights_file = value;
        return 0;
    case KEY_EXPLAIN:
        o->explain = value;
        return 0;
    case KEY_PLUGINS:
        o->matcher.plugins = true;
        return 0;
    case KEY_KCONFIG:
        vec_push(o->cli->arena, &o->kconfig_files, value);
        return 0;
    case KEY_PATCH:
        vec_push(o->cli->arena, &o->builder.patches, value);
        return 0;
    case KEY_MAKEFILE:
        vec_push(o->cli->arena, &o->builder.makefiles, value);
        return 0;
    case KEY_STUBS:
        o->stubs = true;
        return 0;
    case KEY_ENV:
        if (!strchr(value, '=') || *value == '=' || strpbrk(value, "\"\\$\n"))
            argp_error(state, "--env: NAME=VALUE without quotes, \\ or $ was expected, not '%s'",
                       value);
        vec_push(o->cli->arena, &o->environment, value);
        return 0;
    case KEY_KEEP_GOING:
        o->matcher.keep_going = true;
        return 0;
    case KEY_ALTERNATIVES:
        o->matcher.alternatives = true;
        return 0;
    case KEY_PLATFORM:
        o->matcher.platform = value;
        return 0;
    case KEY_MACHINE:
        o->matcher.architecture = value;
        return 0;
    case KEY_UK_ROOT:
        o->builder.uk_root = value;
        return 0;
    case KEY_CORE:
        o->core = value;
        return 0;
    case KEY_UK_LIBS:
        o->builder.uk_libs = value;
        return 0;
    case KEY_NO_MAKE:
        o->builder.no_make = true;
        return 0;
    default:
        return parse_choice(key, value, o, state);
    }
}

const struct argp build_argp = {.options = options, .parser = parse};

static enum status write_selection(struct cli *cli, const char *dir,
                                   const struct selection *selection)
{
    json_t *json = jm_encode(&selection_type, selection);
    enum status status = json_write(&cli->diag, cli_path(cli, dir, "selection.json"), json);
    json_decref(json);
    return status;
}

/* Adds symbols the profile does not have yet to those the program imports; their number. */
static size_t learn_symbols(struct arena *a, struct profile *profile, const strings *symbols)
{
    size_t added = 0;
    vec_each (name, symbols) {
        bool known = false;
        vec_each (s, &profile->static_part.symbols)
            known = known || strcmp(s->name, *name) == 0;
        if (known)
            continue;
        vec_push(a, &profile->static_part.symbols,
                 ((struct profile_symbol){.name = *name, .library = "the link"}));
        added++;
    }
    return added;
}

/* Pins options that are not yet; their number. */
static size_t learn_options(struct arena *a, struct matcher_options *matcher, const strings *wanted)
{
    size_t added = 0;
    vec_each (name, wanted) {
        bool known = false;
        vec_each (pin, &matcher->pin)
            known = known || strcmp(*pin, *name) == 0;
        if (known)
            continue;
        vec_push(a, &matcher->pin, *name);
        added++;
    }
    return added;
}

/* A port that links lacks no function: what seemed to be missing is a macro or an object of the C
 * library's headers. Tells whether nothing else is missing either. */
static bool link_settles(struct selection *s, const struct build_result *result)
{
    if (!result->image || strcmp(s->mode, "source") != 0)
        return false;
    s->missing.symbols.count = s->missing.details.count = 0;
    bool complete = s->unmet.count == 0;
    vec_each (call, &s->missing.syscalls)
        complete = complete && call->harmless;
    return complete;
}

/* One selection and what is built of it. */
static enum status solve_and_build(struct build_options *o, const char *dir,
                                   const struct profile *profile, const struct catalogue *catalogue,
                                   bool choices, struct selection *selection,
                                   struct build_result *result)
{
    struct cli *cli = o->cli;
    enum status status;
    *selection = (struct selection){0};
    enum status matched = match(&cli->diag, cli->arena, profile, catalogue, &o->matcher, selection);
    if (matched > STATUS_FOUND)
        return matched;
    if (choices && (status = weights_apply(o, profile, catalogue, selection)))
        return status;
    if ((status = kconfig_files_apply(o, catalogue, selection)) ||
        (status = write_selection(cli, dir, selection)))
        return status;
    if (o->stubs)
        match_stubs(cli->arena, selection, &o->builder.stubs, &o->builder.stubs_makefile);
    status = build(&cli->diag, cli->arena, profile, catalogue, selection, &o->builder,
                   cli_path(cli, dir, "app"), result);
    if (!status)
        status = image_record(cli, dir, result);
    if (!status && selection->missing.symbols.count && link_settles(selection, result))
        matched = STATUS_OK;
    if (!status && result->image)
        status = write_selection(cli, dir, selection);
    return status ? status : matched;
}

enum status build_run(struct build_options *o, const char *dir, const struct profile *profile,
                      struct selection *selection, struct build_result *result)
{
    struct cli *cli = o->cli;
    struct catalogue catalogue;
    struct layout *weights = ARENA_NEW(cli->arena, struct layout);
    enum status status = STATUS_OK;
    if (o->core)
        status = builder_fetch_core(&cli->diag, cli->arena, o->core, &o->builder.uk_root);
    if (!status)
        status = build_catalogue(o, &catalogue);
    if (!status)
        status = kconfig_files_read(o, &catalogue);
    bool choices = o->weights_file && weights_are_choices(o->weights_file);
    if (!status && o->weights_file && !choices) {
        status = layout_read(&cli->diag, cli->arena, o->weights_file, weights);
        o->matcher.weights = weights;
    }
    if (status)
        return status;
    if (o->explain) {
        const char *text = "";
        status = match_explain(&cli->diag, cli->arena, profile, &catalogue, &o->matcher, o->explain,
                               &text);
        fputs(text, stdout);
        return status;
    }
    struct profile needs = *profile;
    status = solve_and_build(o, dir, &needs, &catalogue, choices, selection, result);
    for (int round = 0; status == STATUS_FOUND && round < MAX_ROUNDS; round++) {
        /* What the link did not find, or whose header the compiler did not, is a need the program's
         * own profile did not show. */
        size_t symbols = learn_symbols(cli->arena, &needs, &result->undefined);
        size_t pinned = learn_options(cli->arena, &o->matcher, &result->headers);
        if (!symbols && !pinned)
            break;
        const char *name = symbols ? result->undefined.items[0] : result->headers.items[0];
        diag_note(&cli->diag, "the %s%s: solving again with %s",
                  symbols ? arena_printf(cli->arena, "link misses %s", name)
                          : arena_printf(cli->arena, "build needs headers of %s", name),
                  symbols + pinned > 1 ? " and others" : "", symbols + pinned > 1 ? "them" : "it");
        status = solve_and_build(o, dir, &needs, &catalogue, choices, selection, result);
    }
    return status;
}

/* Whether a profile in the output folder is of this very program and not older than it. */
static bool profile_is_of(const char *file, const struct profile *p, const char *program)
{
    struct stat profile_stat, program_stat;
    return p->program.path && strcmp(p->program.path, program) == 0 &&
           stat(file, &profile_stat) == 0 && stat(program, &program_stat) == 0 &&
           profile_stat.st_mtime >= program_stat.st_mtime;
}

enum status build_profile(struct build_options *o, const char *program, const char *dir,
                          struct profile *profile)
{
    struct cli *cli = o->cli;
    if (o->profile_file)
        return profile_read(&cli->diag, cli->arena, o->profile_file, profile);
    const char *file = cli_path(cli, dir, "profile.json");
    if (file_exists(file)) {
        enum status status = profile_read(&cli->diag, cli->arena, file, profile);
        if (status)
            return status;
        if (profile_is_of(file, profile, program)) {
            diag_debug(&cli->diag, 1, "%s: taken as the profile of %s", file, program);
            return STATUS_OK;
        }
        *profile = (struct profile){0};
    }
    const struct analyzer_options defaults = {0};
    profile->schema = PROFILE_SCHEMA;
    enum status status = analyze(&cli->diag, cli->arena, program, &defaults, profile);
    /* A library that is missing is reported; the rest is analysed all the same. */
    if (status == STATUS_FOUND && profile->static_part.present) {
        diag_warn(&cli->diag, "%s", cli->diag.message);
        cli->diag.message[0] = '\0';
        return STATUS_OK;
    }
    return status;
}
