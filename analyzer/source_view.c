/* SPDX-License-Identifier: BSD-3-Clause
 * The static part of a profile from sources: what main reaches in them, by libclang, and what the
 * library functions called there reach, by the analysis of a program that stands for them. */
#include "analyzer/analyzer.h"
#include "analyzer/source_elf.h"
#include "analyzer/statement.h"
#include "common/compile_commands.h"
#include "common/csource.h"
#include "common/file.h"
#include "common/syscalls.h"
#include "common/testfile.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char interpreter[] = "/lib64/ld-linux-x86-64.so.2";

struct view {
    struct diag *d;
    struct arena *a;
    const struct source_options *options;
    struct csources sources;
    size_t program; /* the unit with main; SIZE_MAX: none, all counts */
    const char *name;
    strings functions, libraries;
    strings headers; /* folders that hold any */
};

/* ---- reading ---- */

static enum status add_path(struct view *v, const char *given, csource_inputs *inputs)
{
    char *real = realpath(given, NULL);
    const char *path = real ? arena_strdup(v->a, real) : given;
    free(real);
    bool commands = false;
    compile_commands listed = {0};
    enum status status = compile_commands_read(v->d, v->a, path, &commands, &listed);
    vec_each (c, &listed) {
        struct csource_input *input = vec_add(v->a, inputs);
        input->path = c->path;
        if (c->flags)
            (void)split_words(v->a, c->flags, &input->flags);
    }
    if (status || commands)
        return status;
    strings files = {0};
    status = csource_find(v->d, v->a, path, &files, &v->headers);
    vec_each (file, &files)
        vec_push(v->a, inputs, ((struct csource_input){.path = *file}));
    return status;
}

/* What no compile_commands.json says is looked for in every folder with headers. */
static void add_header_folders(struct view *v, csource_inputs *inputs)
{
    strings flags = {0};
    vec_each (dir, &v->headers)
        vec_push(v->a, &flags, arena_printf(v->a, "-I%s", *dir));
    vec_each (input, inputs)
        if (!input->flags.count)
            input->flags = flags;
}

static const char *stem(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return arena_strndup(a, base, dot ? (size_t)(dot - base) : strlen(base));
}

/* The only main, or that of the file named after the program, or main.c. */
static enum status choose(struct view *v)
{
    const char *mains = "";
    size_t count = 0;
    const char *const wanted[] = {v->options->program ? v->options->program : "main", "main"};
    v->program = SIZE_MAX;
    for (size_t i = 0; i < v->sources.units.count; i++) {
        const struct csource_unit *u = &v->sources.units.items[i];
        if (u->main_node == SIZE_MAX)
            continue;
        mains = arena_printf(v->a, "%s%s%s", mains, count++ ? ", " : "", u->path);
        v->program = i;
    }
    if (count < 2)
        return STATUS_OK;
    v->program = SIZE_MAX;
    for (size_t w = 0; w < 2; w++)
        for (size_t i = 0; i < v->sources.units.count && v->program == SIZE_MAX; i++)
            if (v->sources.units.items[i].main_node != SIZE_MAX &&
                strcmp(stem(v->a, v->sources.units.items[i].path), wanted[w]) == 0)
                v->program = i;
    return v->program != SIZE_MAX
               ? STATUS_OK
               : diag_fail(v->d, STATUS_INPUT,
                           "several sources define main (%s): name the program after one of them "
                           "(--sources DIR NAME)",
                           mains);
}

static void reach(struct view *v)
{
    if (v->program != SIZE_MAX) {
        csource_reach(&v->sources, v->program);
        return;
    }
    vec_each (n, &v->sources.nodes)
        n->reached = true; /* a library: everything may be called */
    vec_each (u, &v->sources.units)
        u->reached = true;
}

static void tell(struct view *v)
{
    size_t incomplete = 0;
    const char *missing = NULL;
    vec_each (u, &v->sources.units) {
        incomplete += u->reached && u->errors > 0;
        missing = missing ? missing : u->missing;
    }
    if (!v->sources.clang)
        diag_warn(v->d, "libclang is not installed (Debian: libclang1-14): the sources are read "
                        "by their words, and every name that is called counts");
    else if (incomplete)
        diag_warn(v->d,
                  "%zu source%s could not be read whole%s%s%s: every name called there counts",
                  incomplete, incomplete == 1 ? "" : "s", missing ? " (no header " : "",
                  missing ? missing : "", missing ? ")" : "");
    if (v->program == SIZE_MAX)
        diag_warn(v->d, "no source defines main: all that they define counts");
}

/* ---- library functions ---- */

static const char *place(struct arena *a, const char *file, int line)
{
    return arena_printf(a, "%s:%d", file ? file : "?", line);
}

/* syscall() itself is told apart: its calls with a constant number are known one by one. */
static bool numbers_known(const struct view *v)
{
    vec_each (c, &v->sources.calls)
        if (v->sources.nodes.items[c->node].reached && c->number < 0 && !c->assembly)
            return false;
    return v->sources.clang;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void gather(struct view *v)
{
    bool known = numbers_known(v);
    vec_each (n, &v->sources.nodes)
        if (csource_external(n) && !n->variable && !(known && strcmp(n->name, "syscall") == 0))
            vec_push(v->a, &v->functions, n->name);
    vec_sort(&v->functions, by_text);
    size_t kept = 0;
    for (size_t i = 0; i < v->functions.count; i++)
        if (!kept || strcmp(v->functions.items[i], v->functions.items[kept - 1]) != 0)
            v->functions.items[kept++] = v->functions.items[i];
    v->functions.count = kept;
}

/* Analyses the program that stands for the sources. */
static enum status analyze_stand_in(struct view *v, bool libraries_only, struct profile *out)
{
    const char *base = getenv("TMPDIR");
    char *folder = arena_printf(v->a, "%s/toolchain-XXXXXX", base && *base == '/' ? base : "/tmp");
    if (!mkdtemp(folder))
        return diag_fail(v->d, STATUS_SYSTEM, "%s: cannot create a temporary folder", folder);
    const char *path = arena_printf(v->a, "%s/%s", folder, v->name);
    size_t size = 0;
    const char *image = source_elf(v->a, interpreter, &v->libraries, &v->functions, &size);
    const struct analyzer_options how = {.library_path = v->options->analyzer.library_path,
                                         .root = v->options->analyzer.root,
                                         .plugins = v->options->analyzer.plugins,
                                         .why = libraries_only ? NULL : v->options->analyzer.why,
                                         .no_cache = true,
                                         .libraries_only = libraries_only};
    memset(out, 0, sizeof *out);
    enum status status = file_write(v->d, path, image, size, 0755);
    if (!status)
        status = analyze(v->d, v->a, path, &how, out);
    unlink(path);
    rmdir(folder);
    return status;
}

static bool among(const strings *list, const char *word)
{
    vec_each (x, list)
        if (strcmp(*x, word) == 0)
            return true;
    return false;
}

/* Leaves the libraries that define something of what is called, libc first of all. */
static enum status find_libraries(struct view *v, struct profile *out)
{
    static const char *const usual[] = {"libc.so.6", "libm.so.6", "libstdc++.so.6",
                                        "libgcc_s.so.1"};
    vec_each (library, &v->options->link)
        vec_push(v->a, &v->libraries, *library);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (!among(&v->libraries, usual[i]))
            vec_push(v->a, &v->libraries, usual[i]);
    enum status status = analyze_stand_in(v, true, out);
    if (status > STATUS_FOUND)
        return status;
    strings wanted = {0};
    vec_each (library, &v->libraries) {
        bool used = strcmp(*library, usual[0]) == 0;
        vec_each (s, &out->static_part.symbols)
            used = used || (s->library && strcmp(s->library, *library) == 0);
        if (used)
            vec_push(v->a, &wanted, *library);
    }
    v->libraries = wanted;
    return STATUS_OK;
}

/* ---- the profile ---- */

static const char *library_of(const struct profile *p, const char *name)
{
    vec_each (s, &p->static_part.symbols)
        if (strcmp(s->name, name) == 0)
            return s->library;
    return NULL;
}

static int symbol_order(const void *x, const void *y)
{
    const struct profile_symbol *a = x, *b = y;
    return strcmp(a->name, b->name);
}

static void fill_symbols(struct view *v, const struct profile *stand_in, struct profile_static *out)
{
    memset(&out->symbols, 0, sizeof out->symbols);
    vec_each (n, &v->sources.nodes) {
        const char *library = n->variable ? NULL : library_of(stand_in, n->name);
        if (!csource_external(n) || (n->builtin && !library))
            continue;
        bool known = false;
        vec_each (s, &out->symbols)
            known = known || strcmp(s->name, n->name) == 0;
        if (known)
            continue;
        const struct csource_node *by = &v->sources.nodes.items[n->by];
        struct profile_symbol *s = vec_add(v->a, &out->symbols);
        s->name = n->name;
        s->library = library;
        s->source = n->by_line ? place(v->a, by->file, n->by_line) : place(v->a, n->file, n->line);
        if (!library && !n->variable)
            vec_push(v->a, &out->unresolved,
                     ((struct profile_unresolved){
                         .library = v->name,
                         .reason = arena_printf(v->a, "%s: no library at hand defines %s (--link)",
                                                s->source, n->name)}));
    }
    vec_sort(&out->symbols, symbol_order);
}

/* The way from main to a node, each step with the place of the next one's mention. */
static void path_steps(struct view *v, size_t n, const char *last, struct profile_syscall *out)
{
    const char *place_of_next = last;
    VEC(struct profile_step) back = {0};
    for (size_t at = n, guard = 0; guard <= v->sources.nodes.count; guard++) {
        const struct csource_node *node = &v->sources.nodes.items[at];
        vec_push(v->a, &back,
                 ((struct profile_step){.library = v->name,
                                        .function = *node->name ? node->name : node->file,
                                        .source = place_of_next}));
        if (node->by == at || v->program == SIZE_MAX)
            break;
        place_of_next = place(v->a, v->sources.nodes.items[node->by].file, node->by_line);
        at = node->by;
    }
    memset(&out->evidence, 0, sizeof out->evidence);
    for (size_t i = back.count; i-- > 0;)
        vec_push(v->a, &out->evidence, back.items[i]);
}

static size_t external_named(const struct view *v, const char *name)
{
    for (size_t i = 0; i < v->sources.nodes.count; i++)
        if (csource_external(&v->sources.nodes.items[i]) &&
            strcmp(v->sources.nodes.items[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

/* A path through the stand-in, retold with the sources' own functions. */
static void retell(struct view *v, struct profile_syscall *call)
{
    struct profile_syscall told = {0};
    size_t prefix = strlen(SOURCE_CALL);
    for (size_t i = 0; i < call->evidence.count; i++) {
        const struct profile_step *step = &call->evidence.items[i];
        bool ours = strcmp(step->library, v->name) == 0;
        if (ours && strncmp(step->function, SOURCE_CALL, prefix) == 0) {
            size_t n = external_named(v, step->function + prefix);
            if (n == SIZE_MAX)
                continue;
            const struct csource_node *node = &v->sources.nodes.items[n];
            const char *at = node->by_line
                                 ? place(v->a, v->sources.nodes.items[node->by].file, node->by_line)
                                 : place(v->a, node->file, node->line);
            path_steps(v, node->by_line ? node->by : n, at, &told);
        } else if (!ours) {
            vec_push(v->a, &told.evidence, *step);
        }
    }
    call->evidence.items = told.evidence.items;
    call->evidence.count = told.evidence.count;
    call->evidence.capacity = told.evidence.capacity;
}

/* Calls that the sources make themselves. */
static void add_own_calls(struct view *v, struct profile_static *out)
{
    vec_each (c, &v->sources.calls) {
        const struct csource_node *node = &v->sources.nodes.items[c->node];
        const char *at = place(v->a, c->file, c->line);
        if (!node->reached)
            continue;
        const char *name = c->number < 0 ? NULL : syscall_name(c->number);
        if (!name) {
            vec_push(v->a, &out->unresolved,
                     ((struct profile_unresolved){
                         .library = v->name,
                         .reason = arena_printf(v->a, "%s: %s", at,
                                                c->assembly ? "assembly makes a system call"
                                                            : "syscall() with a number that is not "
                                                              "a known constant")}));
            continue;
        }
        struct profile_syscall *call = vec_add(v->a, &out->syscalls);
        *call = (struct profile_syscall){.name = name,
                                         .number = c->number,
                                         .phases = PHASE_INIT | PHASE_RUN,
                                         .when = WHEN_NORMAL,
                                         .class_ = -1};
        path_steps(v, c->node, at, call);
    }
    profile_syscalls_sort(&out->syscalls);
}

/* What the set is worth: that of the stand-in holds for the sources as far as they were read. */
static void state(struct view *v, struct profile *profile)
{
    struct profile_statement *out = &profile->statement;
    size_t incomplete = 0;
    vec_each (u, &v->sources.units)
        incomplete += u->reached && (!u->parsed || u->errors > 0);
    statement_fill(v->a, !v->options->analyzer.libraries_only, profile);
    vec_push(
        v->a, &out->assumptions,
        "the sources are compiled with the headers, defines and libraries they were read with, "
        "and pointers to functions are called only by what reaches the place that names them");
    if (incomplete)
        vec_push(v->a, &out->reservations,
                 arena_printf(v->a,
                              "%zu source%s could not be read whole: the words of the text "
                              "stand in for what is not understood",
                              incomplete, incomplete == 1 ? "" : "s"));
    out->superset = !out->reservations.count;
}

static void finish(struct view *v, const struct profile *names, struct profile *profile)
{
    struct profile_static *s = &profile->static_part;
    char *real = realpath(v->options->paths.items[0], NULL);
    const char *folder = arena_strdup(v->a, real ? real : v->options->paths.items[0]);
    free(real);
    struct stat st;
    if (stat(folder, &st) == 0 && !S_ISDIR(st.st_mode) && strrchr(folder, '/'))
        folder = arena_strndup(v->a, folder, (size_t)(strrchr(folder, '/') - folder));
    profile->schema = PROFILE_SCHEMA;
    profile->program.path = arena_printf(v->a, "%s/%s", folder, v->name);
    profile->program.type = "source";
    profile->program.build_id = NULL;
    memset(&s->exported, 0, sizeof s->exported);
    vec_each (u, &v->sources.units)
        if (u->reached)
            vec_push(v->a, &s->sources, u->path);
    vec_each (call, &s->syscalls)
        retell(v, call);
    fill_symbols(v, names, s);
    add_own_calls(v, s);
    state(v, profile);
}

enum status analyze_sources(struct diag *d, struct arena *a, const struct source_options *options,
                            struct profile *profile)
{
    struct view v = {.d = d, .a = a, .options = options};
    csource_inputs inputs = {0};
    enum status status = STATUS_OK;
    vec_each (path, &options->paths)
        if (!status)
            status = add_path(&v, *path, &inputs);
    if (status)
        return status;
    if (!inputs.count)
        return diag_fail(d, STATUS_INPUT, "%s: no C, C++ or assembly source in it",
                         options->paths.items[0]);
    add_header_folders(&v, &inputs);
    diag_progress(d, 0, 0, "reading %zu sources", inputs.count);
    status = csource_read(d, a, &inputs, &v.sources);
    diag_progress_end(d);
    if (!status)
        status = choose(&v);
    if (status)
        return status;
    v.name = options->program        ? options->program
             : v.program != SIZE_MAX ? stem(a, v.sources.units.items[v.program].path)
                                     : stem(a, options->paths.items[0]);
    const char *slash = strrchr(v.name, '/');
    v.name = slash ? slash + 1 : v.name;
    if (!*v.name)
        v.name = "program";
    reach(&v);
    tell(&v);
    gather(&v);
    struct profile names = {0};
    status = find_libraries(&v, &names);
    if (!status)
        status = analyze_stand_in(&v, options->analyzer.libraries_only, profile);
    if (status > STATUS_FOUND)
        return status;
    finish(&v, &names, profile);
    return STATUS_OK;
}
