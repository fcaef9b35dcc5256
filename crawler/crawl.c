/* SPDX-License-Identifier: BSD-3-Clause
 * Puts the readers together the way the core's own Makefile does. */
#include "catalogue/rules.h"
#include "common/file.h"
#include "crawler/crawler.h"
#include "crawler/kconfig_flatten.h"
#include "crawler/makefile_uk.h"
#include "crawler/safe_shell.h"
#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FOLDER_LIMIT = 100000 };

struct repository {
    const char *name, *path; /* path: absolute */
    enum library_kind kind;
};

struct generated { /* what config-submenu.sh would have written */
    const char *name, *text;
};

struct crawl {
    struct diag *diag;
    struct arena *arena;
    const struct crawler_options *options;
    struct catalogue *out;
    strings problems;
    VEC(struct repository) repositories; /* the core first */
    VEC(struct generated) generated;
    const char *version, *codename;
    struct name_table libraries; /* by name, into out->libraries */
};

/* ---- folders ---- */

static enum status absolute(struct crawl *c, const char *path, const char **out)
{
    char *real = realpath(path, NULL);
    *out = "";
    if (!real)
        return diag_fail(c->diag, STATUS_INPUT, "%s: %s", path, strerror(errno));
    *out = arena_strdup(c->arena, real);
    free(real);
    return STATUS_OK;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static bool is_library(struct arena *a, const char *dir)
{
    return file_exists(arena_printf(a, "%s/Config.uk", dir)) ||
           file_exists(arena_printf(a, "%s/Makefile.uk", dir));
}

/* Sub-folders, sorted by name. */
static enum status sub_folders(struct diag *d, struct arena *a, const char *dir, strings *out)
{
    DIR *open = opendir(dir);
    if (!open)
        return diag_fail(d, STATUS_INPUT, "%s: %s", dir, strerror(errno));
    for (const struct dirent *e; (e = readdir(open));) {
        struct stat st;
        const char *path = arena_printf(a, "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.' && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            vec_push(a, out, path);
    }
    closedir(open);
    vec_sort(out, by_text);
    return STATUS_OK;
}

enum status crawl_library_folders(struct diag *d, struct arena *a, const char *dir, strings *out)
{
    if (is_library(a, dir)) {
        vec_push(a, out, dir);
        return STATUS_OK;
    }
    strings folders = {0};
    size_t before = out->count;
    enum status status = sub_folders(d, a, dir, &folders);
    vec_each (folder, &folders)
        if (is_library(a, *folder))
            vec_push(a, out, *folder);
    if (!status && out->count == before)
        status =
            diag_fail(d, STATUS_INPUT,
                      "%s: a folder with Config.uk or Makefile.uk, or with such folders in it, "
                      "was expected",
                      dir);
    return status;
}

/* The repository a file belongs to: the one with the longest path above it. */
static const struct repository *repository_of(const struct crawl *c, const char *file)
{
    const struct repository *best = NULL;
    size_t longest = 0;
    vec_each (r, &c->repositories) {
        size_t length = strlen(r->path);
        if (length >= longest && strncmp(file, r->path, length) == 0 && file[length] == '/') {
            best = r;
            longest = length;
        }
    }
    return best;
}

/* ---- stand-ins: paths that differ between machines are kept out of the catalogue ---- */

static const char *replace(struct arena *a, const char *text, const char *from, const char *to)
{
    for (const char *at; (at = strstr(text, from));) {
        const char *head = arena_strndup(a, text, (size_t)(at - text));
        text = arena_printf(a, "%s%s%s", head, to, at + strlen(from));
    }
    return text;
}

static const char *const stand_ins[] = {"UK_BASE", "UK_APP", "UK_NAME"};

/* "@UK_BASE@/lib" -> the real path. */
static const char *real_text(void *context, const char *text)
{
    struct crawl *c = context;
    const char *app = c->options->application ? c->options->application : "/nonexistent";
    text = replace(c->arena, text, "@UK_BASE@", c->repositories.items[0].path);
    return replace(c->arena, text, "@UK_APP@", app);
}

static const char *source_path(void *context, const char *name)
{
    struct crawl *c = context;
    const char *path = real_text(context, name);
    return *path == '/' ? path
                        : arena_printf(c->arena, "%s/%s", c->repositories.items[0].path, path);
}

/* "@UK_BASE@/lib" -> "$(UK_BASE)/lib". */
static const char *published_text(void *context, const char *text)
{
    struct crawl *c = context;
    for (size_t i = 0; i < sizeof stand_ins / sizeof stand_ins[0]; i++)
        text = replace(c->arena, text, arena_printf(c->arena, "@%s@", stand_ins[i]),
                       arena_printf(c->arena, "$(%s)", stand_ins[i]));
    return text;
}

static const char *place(void *context, const char *file)
{
    struct crawl *c = context;
    const struct repository *r = repository_of(c, file);
    if (!r)
        return base_name(file);
    const char *inside = file + strlen(r->path) + 1;
    return r == c->repositories.items ? inside : arena_printf(c->arena, "%s/%s", r->name, inside);
}

/* ---- Kconfig ---- */

static const char *generated_text(void *context, const char *name)
{
    const struct crawl *c = context;
    for (size_t i = c->generated.count; i-- > 0;)
        if (strcmp(c->generated.items[i].name, name) == 0)
            return c->generated.items[i].text;
    return NULL;
}

/* Appends "source" lines for the folders that have a Config.uk. */
static const char *add_sources(struct crawl *c, const char *text, const strings *folders)
{
    vec_each (folder, folders) {
        const char *file = arena_printf(c->arena, "%s/Config.uk", real_text(c, *folder));
        char *real = file_exists(file) ? realpath(file, NULL) : NULL;
        if (real)
            text = arena_printf(c->arena, "%ssource \"%s\"\n", text, real);
        free(real);
    }
    return text;
}

static void split_colons(struct arena *a, const char *list, strings *out)
{
    while (*list) {
        size_t length = strcspn(list, ":");
        if (length)
            vec_push(a, out, arena_strndup(a, list, length));
        list += length + (list[length] == ':');
    }
}

/* The one script of a core that its Kconfig files call: it lists Config.uk files of folders. */
static bool submenu_script(void *context, const char *command, const char **output)
{
    static const char script[] = "/support/build/config-submenu.sh";
    struct crawl *c = context;
    struct arena *a = c->arena;
    strings words = {0}, folders = {0}, excluded = {0};
    if (!safe_shell_words(a, command, &words))
        return false;
    size_t length = strlen(words.items[0]);
    if (length < sizeof script - 1 ||
        strcmp(words.items[0] + length - (sizeof script - 1), script) != 0)
        return false;
    const char *name = NULL, *title = NULL;
    struct diag quiet;
    diag_init(&quiet, -1);
    for (size_t i = 1; i < words.count; i++) {
        const char *flag = words.items[i];
        if (strcmp(flag, "-q") == 0)
            continue;
        if (flag[0] != '-' || i + 1 == words.count) {
            vec_push(a, &folders, flag);
            continue;
        }
        const char *value = words.items[++i];
        if (flag[1] == 'o')
            name = value;
        else if (flag[1] == 't')
            title = value;
        else if (flag[1] == 'l')
            vec_push(a, &folders, value);
        else if (flag[1] == 'r' && *value)
            sub_folders(&quiet, a, real_text(c, value), &folders);
        else if (flag[1] == 'c')
            split_colons(a, value, &folders);
        else if (flag[1] == 'e')
            split_colons(a, value, &excluded);
    }
    if (!name)
        return false;
    const char *text = add_sources(c, "", &folders);
    if (title)
        text = arena_printf(a, "menu \"%s\"\n%sendmenu\n", title, text);
    vec_push(a, &c->generated, ((struct generated){source_path(c, name), text}));
    *output = source_path(c, name);
    return true;
}

static void define_variables(struct crawl *c, struct kmacros *m)
{
    const char *libraries = "";
    vec_each (r, &c->repositories)
        if (r->kind == LIBRARY_LIBRARY && r != c->repositories.items)
            libraries = arena_printf(c->arena, "%s%s%s", libraries, *libraries ? ":" : "", r->path);
    const char *const values[][2] = {
        {"UK_BASE", "@UK_BASE@"},
        {"UK_APP", "@UK_APP@"},
        {"UK_NAME", "@UK_NAME@"},
        {"UK_FULLVERSION", c->version},
        {"UK_CODENAME", c->codename},
        {"UK_ARCH", "x86_64"},
        {"HOST_ARCH", "x86_64"},
        {"CC", "gcc"},
        {"KCONFIG_DIR", "/generated"},
        {"KCONFIG_LIB_BASE", "@UK_BASE@/lib"},
        {"KCONFIG_PLAT_BASE", "@UK_BASE@/plat"},
        {"KCONFIG_DRIV_BASE", "@UK_BASE@/drivers"},
        {"KCONFIG_ELIB_DIRS", libraries},
        {"KCONFIG_EPLAT_DIRS", ""},
        {"KCONFIG_EAPP_DIR", c->options->application ? "@UK_APP@" : ""},
        {"KCONFIG_EXCLUDEDIRS", ""},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        kmacro_define(m, values[i][0], values[i][1]);
    vec_each (v, &c->options->variables)
        kmacro_define(m, v->key, v->value);
}

static struct kflatten_owner owner_of(void *context, const char *file)
{
    const struct crawl *c = context;
    const struct repository *r = repository_of(c, file);
    return (struct kflatten_owner){r && r != c->repositories.items ? r->name : NULL,
                                   arena_strndup(c->arena, file, strcspn(file, "\n"))};
}

static enum status read_options(struct crawl *c)
{
    struct kparse parse = {.diag = c->diag, .arena = c->arena, .problems = &c->problems};
    parse.path = source_path;
    parse.generated = generated_text;
    parse.place = place;
    parse.context = c;
    parse.macros = (struct kmacros){.diag = c->diag,
                                    .arena = c->arena,
                                    .trust_tree = c->options->trust_tree,
                                    .command = submenu_script,
                                    .real = real_text,
                                    .place = place,
                                    .context = c};
    define_variables(c, &parse.macros);
    const char *top = arena_printf(c->arena, "%s/Config.uk", c->repositories.items[0].path);
    enum status status = kparse_file(&parse, top);
    if (status)
        return status;
    struct kflatten flatten = {.arena = c->arena,
                               .problems = &c->problems,
                               .out = c->out,
                               .owner = owner_of,
                               .publish = published_text,
                               .place = place,
                               .context = c};
    kflatten(&flatten, parse.root);
    return STATUS_OK;
}

/* ---- Makefiles ---- */

/* The families a core's architectures form, and the options that mean one of them. */
static const struct {
    const char *folder;
    const char *options[3];
} families[] = {{"arch/x86", {"ARCH_X86_64"}}, {"arch/arm", {"ARCH_ARM_32", "ARCH_ARM_64"}}};

static struct kexpr *family_condition(struct crawl *c, const char *inside)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        size_t length = strlen(families[i].folder);
        if (strncmp(inside, families[i].folder, length) != 0 ||
            (inside[length] && inside[length] != '/'))
            continue;
        struct kexpr *any = kexpr_const(c->arena, "n");
        for (size_t n = 0; n < 3 && families[i].options[n]; n++)
            any = kexpr_or(c->arena, any, kexpr_symbol(c->arena, families[i].options[n]));
        return any;
    }
    return NULL;
}

/* Folders of a repository that hold a Makefile.uk, outer ones first: they may include inner ones.
 */
static enum status makefile_folders(struct crawl *c, const struct repository *r, strings *out)
{
    char *const roots[] = {(char *)r->path, NULL};
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
    if (!fts)
        return diag_fail(c->diag, STATUS_SYSTEM, "%s: %s", r->path, strerror(errno));
    size_t folders = 0;
    for (FTSENT *e; (e = fts_read(fts));) {
        bool hidden = e->fts_level > 0 && e->fts_name[0] == '.';
        bool outside = e->fts_level > 0 &&
                       (strcmp(e->fts_name, "build") == 0 || strcmp(e->fts_name, "support") == 0);
        if (e->fts_info == FTS_D && (hidden || outside || ++folders > FOLDER_LIMIT))
            fts_set(fts, e, FTS_SKIP);
        else if (e->fts_level > 0 && strcmp(e->fts_name, "Makefile.uk") == 0)
            vec_push(c->arena, out,
                     arena_strndup(c->arena, e->fts_path, e->fts_pathlen - strlen("/Makefile.uk")));
    }
    fts_close(fts);
    vec_sort(out, by_text);
    return STATUS_OK;
}

static enum status read_makefiles(struct crawl *c)
{
    struct name_table options, seen;
    name_table_init(&options, c->arena);
    name_table_init(&seen, c->arena);
    name_table_init(&c->libraries, c->arena);
    bool added;
    for (size_t i = 0; i < c->out->options.count; i++)
        name_table_add(&options, c->out->options.items[i].name, i, &added);
    vec_each (repository, &c->repositories) {
        strings folders = {0};
        enum status status = makefile_folders(c, repository, &folders);
        vec_each (folder, &folders) {
            if (status)
                return status;
            const char *inside = *folder + strlen(repository->path);
            struct makefile_reader r = {.diag = c->diag,
                                        .arena = c->arena,
                                        .out = c->out,
                                        .problems = &c->problems,
                                        .options = &options,
                                        .libraries = &c->libraries,
                                        .root = c->repositories.items[0].path,
                                        .top = repository->path,
                                        .repository = repository->name,
                                        .kind = repository->kind,
                                        .seen = &seen};
            if (repository == c->repositories.items && *inside)
                r.condition = family_condition(c, inside + 1);
            status = makefile_uk_read(&r, *folder);
        }
        if (status)
            return status;
    }
    return STATUS_OK;
}

/* ---- finishing ---- */

static int library_order(const void *x, const void *y)
{
    const struct catalogue_library *a = x, *b = y;
    return strcmp(a->name, b->name);
}

static int syscall_order(const void *x, const void *y)
{
    const struct catalogue_syscall *a = x, *b = y;
    int order = strcmp(a->name, b->name);
    if (!order)
        order = strcmp(a->option ? a->option : "", b->option ? b->option : "");
    return order ? order
                 : strcmp(a->condition ? a->condition : "", b->condition ? b->condition : "");
}

/* While reading, an option's library is the file that defines it; now it becomes the library whose
 * folder is nearest above that file. */
static void name_libraries(struct crawl *c)
{
    vec_each (o, &c->out->options) {
        const char *file = o->library;
        const struct repository *r = repository_of(c, file);
        o->library = NULL;
        size_t longest = 0;
        const char *inside = r ? file + strlen(r->path) + 1 : file;
        vec_each (l, &c->out->libraries) {
            size_t length = strcmp(l->path, ".") == 0 ? 0 : strlen(l->path);
            bool above =
                r && strcmp(l->repository, r->name) == 0 &&
                (!length || (strncmp(inside, l->path, length) == 0 && inside[length] == '/'));
            if (!above || (!length && r == c->repositories.items))
                continue;
            /* among several of one folder, the one the option itself turns on */
            bool own = l->option && strcmp(l->option, o->name) == 0;
            if (!o->library || length > longest || (length == longest && own)) {
                o->library = l->name;
                longest = length;
            }
        }
    }
}

/* The commit a clone is at, as far as plain files tell; NULL: not known. */
static const char *commit_of(struct crawl *c, const char *path)
{
    struct diag quiet;
    diag_init(&quiet, -1);
    char *head = NULL;
    size_t size;
    const char *git = arena_printf(c->arena, "%s/.git", path);
    if (!file_read(&quiet, c->arena, git, 4096, &head, &size) && strncmp(head, "gitdir: ", 8) == 0)
        git = arena_strndup(c->arena, head + 8, strcspn(head + 8, "\n"));
    if (file_read(&quiet, c->arena, arena_printf(c->arena, "%s/HEAD", git), 4096, &head, &size))
        return NULL;
    head[strcspn(head, "\n")] = '\0';
    if (strncmp(head, "ref: ", 5) == 0) {
        const char *ref = arena_printf(c->arena, "%s/%s", git, head + 5);
        if (strstr(head, "..") || file_read(&quiet, c->arena, ref, 4096, &head, &size))
            return NULL;
    }
    return strspn(head, "0123456789abcdef") >= 12 ? arena_strndup(c->arena, head, 12) : NULL;
}

static void list_repositories(struct crawl *c)
{
    static const char *const kinds[] = {"library", "platform", "application"};
    vec_each (r, &c->repositories) {
        bool core = r == c->repositories.items;
        struct catalogue_repository *to = vec_add(c->arena, &c->out->repositories);
        to->name = r->name;
        to->version = core ? c->version : commit_of(c, r->path);
        to->kind = core ? "core" : kinds[r->kind];
    }
}

/* NAME = VALUE lines of version.mk. */
static enum status read_version(struct crawl *c)
{
    const char *path = arena_printf(c->arena, "%s/version.mk", c->repositories.items[0].path);
    const char *parts[3] = {"0", "0", ""};
    c->version = c->options->version;
    c->codename = "";
    if (file_exists(path)) {
        char *data = NULL, *save = NULL;
        size_t size;
        enum status status = file_read(c->diag, c->arena, path, 1 << 16, &data, &size);
        if (status)
            return status;
        for (char *line = strtok_r(data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
            char *equals = strchr(line, '=');
            if (!equals)
                continue;
            char *value = equals + 1 + strspn(equals + 1, " \t");
            value[strcspn(value, " \t#\r")] = '\0';
            static const char *const names[] = {"UK_VERSION", "UK_SUBVERSION", "UK_EXTRAVERSION"};
            size_t length = strcspn(line, " \t:?=");
            for (size_t i = 0; i < 3; i++)
                if (length == strlen(names[i]) && strncmp(line, names[i], length) == 0)
                    parts[i] = value;
            if (length == strlen("UK_CODENAME") && strncmp(line, "UK_CODENAME", length) == 0)
                c->codename = value;
        }
        if (!c->version)
            c->version = arena_printf(c->arena, "%s.%s%s%s", parts[0], parts[1],
                                      *parts[2] ? "." : "", parts[2]);
    }
    if (!c->version)
        c->version = "0";
    return STATUS_OK;
}

static enum status add_repository(struct crawl *c, const char *path, const char *name,
                                  enum library_kind kind)
{
    struct repository r = {.kind = kind};
    enum status status = absolute(c, path, &r.path);
    if (status)
        return status;
    r.name = name ? name : base_name(r.path);
    vec_each (known, &c->repositories)
        if (strcmp(known->name, r.name) == 0)
            return diag_fail(c->diag, STATUS_INPUT, "%s: another repository, %s, has the same name",
                             path, known->path);
    vec_push(c->arena, &c->repositories, r);
    return STATUS_OK;
}

enum status crawl(struct diag *d, struct arena *a, const struct crawler_options *options,
                  struct catalogue *out)
{
    struct crawler_options resolved = *options;
    struct crawl c = {.diag = d, .arena = a, .options = &resolved, .out = out};
    memset(out, 0, sizeof *out);
    if (!file_exists(arena_printf(a, "%s/Config.uk", options->root)))
        return diag_fail(d, STATUS_INPUT, "%s: a core's tree, with a Config.uk, was expected",
                         options->root);
    enum status status = add_repository(&c, options->root, options->name, LIBRARY_LIBRARY);
    vec_each (folder, &options->libraries)
        if (!status)
            status = add_repository(&c, *folder, NULL, LIBRARY_LIBRARY);
    if (!status && options->application)
        status = add_repository(&c, options->application, NULL, LIBRARY_APPLICATION);
    if (!status && options->application)
        resolved.application = c.repositories.items[c.repositories.count - 1].path;
    if (!status)
        status = read_version(&c);
    if (!status)
        status = read_options(&c);
    if (!status)
        status = read_makefiles(&c);
    if (status)
        return status;
    out->schema = CATALOGUE_SCHEMA;
    out->name = c.repositories.items[0].name;
    out->version = c.version;
    name_libraries(&c);
    list_repositories(&c);
    vec_sort(&out->libraries, library_order);
    vec_sort(&out->syscalls, syscall_order);
    vec_sort(&c.problems, by_text);
    out->problems.items = c.problems.items;
    out->problems.count = c.problems.count;
    const char *rules = arena_printf(a, "%s/rules.json", options->root);
    return file_exists(rules) ? catalogue_read_rules(d, a, rules, out) : STATUS_OK;
}
