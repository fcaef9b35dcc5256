/* SPDX-License-Identifier: BSD-3-Clause
 * Puts the readers together the way the core's own Makefile does. */
#include "catalogue/rules.h"
#include "common/file.h"
#include "crawler/crawl_private.h"
#include "crawler/kconfig_flatten.h"
#include "crawler/safe_shell.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

const struct repository *crawl_repository(const struct crawl *c, const char *file)
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
    const struct repository *r = crawl_repository(c, file);
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
    const struct repository *r = crawl_repository(c, file);
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
        status = crawl_makefiles(&c);
    if (status)
        return status;
    out->schema = CATALOGUE_SCHEMA;
    out->name = c.repositories.items[0].name;
    out->version = c.version;
    crawl_name_libraries(&c);
    crawl_mark_constant_calls(&c);
    list_repositories(&c);
    vec_sort(&out->libraries, library_order);
    vec_sort(&out->syscalls, syscall_order);
    vec_sort(&c.problems, by_text);
    out->problems.items = c.problems.items;
    out->problems.count = c.problems.count;
    const char *rules = arena_printf(a, "%s/rules.json", options->root);
    return file_exists(rules) ? catalogue_read_rules(d, a, rules, out) : STATUS_OK;
}
