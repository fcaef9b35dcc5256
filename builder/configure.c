/* SPDX-License-Identifier: BSD-3-Clause
 * The tree's own olddefconfig, and the check that it kept every option asked for: Kconfig drops
 * unknown and unmet names in silence. */
#include "builder/private.h"
#include "common/file.h"
#include "common/subprocess.h"
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONFIGURE_MS = 300 * 1000, SEARCH_DEPTH = 6 };

const char *job_config_path(struct job *j)
{
    return arena_printf(j->a, "%s/build/configured", j->app_dir);
}

const char *const *make_arguments(struct job *j, const char *goal, int jobs)
{
    strings words = {0};
    text l = {0};
    vec_each (e, &j->externals)
        text_add(j->a, &l, "%s%s", e == j->externals.items ? "L=" : ":", e->folder);
    vec_push(j->a, &l, '\0');
    vec_push(j->a, &words, "make");
    vec_push(j->a, &words, "-C");
    vec_push(j->a, &words, j->uk_root);
    vec_push(j->a, &words, arena_printf(j->a, "A=%s", j->app_dir));
    if (l.count > 1)
        vec_push(j->a, &words, l.items);
    vec_push(j->a, &words, arena_printf(j->a, "O=%s/build", j->app_dir));
    vec_push(j->a, &words, arena_printf(j->a, "C=%s", job_config_path(j)));
    if (jobs)
        vec_push(j->a, &words, arena_printf(j->a, "-j%d", jobs));
    vec_push(j->a, &words, goal);
    vec_push(j->a, &words, NULL);
    return words.items;
}

/* ---- what the tree defines ---- */

/* Whether a Config.uk text has "config NAME" or "menuconfig NAME". */
static bool defines(const char *data, const char *name)
{
    size_t n = strlen(name);
    for (const char *line = data; line; line = strchr(line, '\n')) {
        while (isspace((unsigned char)*line))
            line++;
        const char *word = line;
        if (!strncmp(word, "menuconfig", 10))
            word += 10;
        else if (!strncmp(word, "config", 6))
            word += 6;
        else
            continue;
        while (*word == ' ' || *word == '\t')
            word++;
        if (!strncmp(word, name, n) && (!word[n] || isspace((unsigned char)word[n])))
            return true;
    }
    return false;
}

static bool tree_defines(struct arena *a, const char *dir, const char *name, int depth)
{
    struct diag quiet;
    diag_init(&quiet, -1);
    bool found = false;
    DIR *handle = depth < SEARCH_DEPTH ? opendir(dir) : NULL;
    for (const struct dirent *e; handle && !found && (e = readdir(handle));) {
        const char *path = arena_printf(a, "%s/%s", dir, e->d_name);
        const char *dot = strrchr(e->d_name, '.');
        struct stat st;
        if (e->d_name[0] == '.' || lstat(path, &st) != 0)
            continue;
        char *data = NULL;
        size_t size;
        if (S_ISDIR(st.st_mode))
            found = tree_defines(a, path, name, depth + 1);
        else if (S_ISREG(st.st_mode) && dot && strcmp(dot, ".uk") == 0)
            found = !file_read(&quiet, a, path, 0, &data, &size) && defines(data, name);
    }
    if (handle)
        closedir(handle);
    return found;
}

static bool anywhere_defined(struct job *j, const char *name)
{
    struct arena *a = arena_new();
    bool found = tree_defines(a, j->uk_root, name, 0);
    vec_each (e, &j->externals)
        found = found || tree_defines(a, e->folder, name, 0);
    arena_free(a);
    return found;
}

/* ---- comparing ---- */

/* The value of CONFIG_NAME in the text of a .config; "n" where it is not set, NULL where the text
 * does not know it. */
static const char *value_in(struct arena *a, const char *config, const char *name)
{
    const char *set = arena_printf(a, "\nCONFIG_%s=", name);
    const char *unset = arena_printf(a, "\n# CONFIG_%s is not set\n", name);
    const char *at = strstr(config, set);
    if (at) {
        at += strlen(set);
        return arena_strndup(a, at, strcspn(at, "\n"));
    }
    return strstr(config, unset) ? "n" : NULL;
}

/* Why the tree did not take the value: by the catalogue's rules under the tree's values. */
static const char *reason(struct job *j, struct kconfig *actual, const struct jm_pair *asked,
                          const char *got)
{
    if (!got && !anywhere_defined(j, asked->key))
        return arena_printf(j->a,
                            "this tree (%s) has no such option: it is gone in this release, or the "
                            "library that has it is not in L=",
                            j->uk_root);
    int i = kconfig_find(j->model, asked->key);
    const struct catalogue_option *o = kconfig_option(j->model, i);
    kconfig_set(actual, i, asked->value);
    const char *why = kconfig_why_not(actual, j->a, asked->key, asked->value);
    kconfig_unset(actual, i);
    if (why)
        return why;
    if (got)
        return arena_printf(
            j->a, "the tree made it %s: something there selects it, or it is out of range", got);
    if (o->depends)
        return arena_printf(
            j->a,
            "unmet dependency: the catalogue asks for %s, which holds, so this tree "
            "asks for more than release %s did",
            o->depends, j->catalogue->version);
    return arena_printf(
        j->a,
        "unmet dependency: the catalogue knows none, so this tree asks for more than "
        "release %s did",
        j->catalogue->version);
}

/* An option that the user could have set, and to what; others follow from it. */
static bool requested(struct job *j, const struct jm_pair *c)
{
    int i = kconfig_find(j->model, c->key);
    return i >= 0 && strcmp(c->key, "UK_NAME") != 0 && kconfig_option(j->model, i)->visible &&
           kconfig_visibility(j->model, i) == TRI_Y;
}

static enum status compare(struct job *j, const char *config)
{
    struct kconfig *actual = NULL;
    enum status status = kconfig_new(j->d, j->a, j->catalogue, &actual);
    strings ignored = {0};
    vec_each (x, &j->excluded)
        kconfig_include(actual, *x, false);
    if (!status)
        status = kconfig_read_text(j->d, actual, job_config_path(j), config, &ignored);
    if (status)
        return status;
    vec_each (c, &j->selection->config) {
        if (!requested(j, c))
            continue;
        const char *got = value_in(j->a, config, c->key);
        int i = kconfig_find(j->model, c->key);
        bool hex = kconfig_option(j->model, i)->type == OPTION_HEX;
        bool same = got && (strcmp(got, c->value) == 0 ||
                            (hex && strtoull(got, NULL, 16) == strtoull(c->value, NULL, 16)));
        if (same || (!got && strcmp(c->value, "n") == 0))
            continue;
        vec_push(j->a, &j->out->dropped,
                 arena_printf(j->a, "%s=%s: %s", c->key, c->value, reason(j, actual, c, got)));
    }
    if (!j->out->dropped.count)
        return STATUS_OK;
    for (size_t i = 1; i < j->out->dropped.count; i++)
        diag_warn(j->d, "not accepted by the tree: %s", j->out->dropped.items[i]);
    return diag_fail(
        j->d, STATUS_FOUND, "the tree does not accept the configuration (%zu option%s): %s",
        j->out->dropped.count, j->out->dropped.count == 1 ? "" : "s", j->out->dropped.items[0]);
}

enum status step_configure(struct job *j)
{
    if (!j->uk_root) {
        j->out->reason = "no core was given (--uk-root)";
        return STATUS_OK;
    }
    enum status status = dir_make(j->d, arena_printf(j->a, "%s/build", j->app_dir));
    if (!status)
        status = file_copy(j->d, arena_printf(j->a, "%s/.config", j->app_dir), job_config_path(j));
    if (status)
        return status;
    struct subprocess p = {.argv = make_arguments(j, "olddefconfig", 0),
                           .timeout_ms = CONFIGURE_MS};
    diag_progress(j->d, 0, 0, "configuring");
    status = subprocess_run(j->d, j->a, &p);
    diag_progress_end(j->d);
    if (status)
        return status;
    if (p.timed_out)
        return diag_fail(j->d, STATUS_SYSTEM, "%s: its olddefconfig did not end in %d s",
                         j->uk_root, CONFIGURE_MS / 1000);
    if (p.exit_status != 0) {
        job_log(j, &p);
        return diagnose_make(j, p.out, p.err, p.exit_status);
    }
    char *config = NULL;
    size_t size = 0;
    status = file_read(j->d, j->a, job_config_path(j), 0, &config, &size);
    return status ? status : compare(j, arena_printf(j->a, "\n%s", config));
}
