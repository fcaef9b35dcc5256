/* SPDX-License-Identifier: BSD-3-Clause
 * --kconfig: lines of a .config that the selection must hold. */
#include "cli/build.h"
#include "common/file.h"
#include "common/kconfig_eval.h"
#include <stdlib.h>
#include <string.h>

/* One line: CONFIG_X=value, or "# CONFIG_X is not set". False: it says nothing. */
static bool read_line(struct arena *a, char *line, const char **name, const char **value)
{
    static const char prefix[] = "CONFIG_", unset[] = " is not set";
    char *at = line + strspn(line, " \t");
    size_t n = strlen(at);
    while (n && strchr(" \t\r", at[n - 1]))
        at[--n] = '\0';
    if (*at == '#') {
        at += 1 + strspn(at + 1, " \t");
        char *end = strstr(at, unset);
        if (strncmp(at, prefix, sizeof prefix - 1) != 0 || !end)
            return false;
        *name = arena_strndup(a, at + sizeof prefix - 1, (size_t)(end - at) - sizeof prefix + 1);
        *value = "n";
        return true;
    }
    char *equals = strchr(at, '=');
    if (!equals)
        return false;
    size_t skip = strncmp(at, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
    *name = arena_strndup(a, at + skip, (size_t)(equals - at) - skip);
    *value = arena_strdup(a, equals + 1);
    return true;
}

static enum status read_file(struct build_options *o, const struct catalogue *catalogue,
                             struct kconfig *model, const char *path)
{
    struct cli *cli = o->cli;
    char *data = NULL;
    size_t size = 0, number = 0;
    enum status status = file_read(&cli->diag, cli->arena, path, 0, &data, &size);
    for (char *save = NULL, *line = status ? NULL : strtok_r(data, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        const char *name, *value;
        number++;
        if (!read_line(cli->arena, line, &name, &value))
            continue;
        int i = kconfig_find(model, name);
        if (i < 0)
            return diag_fail(&cli->diag, STATUS_INPUT, "%s: %s: no such option in catalogue %s %s",
                             path, name, catalogue->name, catalogue->version);
        if (kconfig_option(model, i)->type != OPTION_BOOL)
            vec_push(cli->arena, &o->values, ((struct jm_pair){name, value}));
        else
            vec_push(cli->arena, *value == 'y' ? &o->matcher.pin : &o->matcher.forbid, name);
    }
    return status;
}

enum status kconfig_files_read(struct build_options *o, const struct catalogue *catalogue)
{
    struct kconfig *model = NULL;
    enum status status = o->kconfig_files.count
                             ? kconfig_new(&o->cli->diag, o->cli->arena, catalogue, &model)
                             : STATUS_OK;
    vec_each (path, &o->kconfig_files)
        if (!status)
            status = read_file(o, catalogue, model, *path);
    return status;
}

static int by_key(const void *x, const void *y)
{
    return strcmp(((const struct jm_pair *)x)->key, ((const struct jm_pair *)y)->key);
}

enum status kconfig_files_apply(struct build_options *o, const struct catalogue *catalogue,
                                struct selection *selection)
{
    struct cli *cli = o->cli;
    struct kconfig *model = NULL;
    if (!o->values.count)
        return STATUS_OK;
    enum status status = kconfig_new(&cli->diag, cli->arena, catalogue, &model);
    if (status)
        return status;
    vec_each (c, &selection->config) {
        int i = kconfig_find(model, c->key);
        if (i >= 0 && kconfig_option(model, i)->type == OPTION_BOOL)
            kconfig_set(model, i, c->value);
    }
    vec_each (v, &o->values) {
        int i = kconfig_find(model, v->key);
        if (kconfig_visibility(model, i) == TRI_N)
            diag_warn(&cli->diag, "--kconfig: %s has no effect here: %s", v->key,
                      kconfig_option(model, i)->depends ? kconfig_option(model, i)->depends
                                                        : "it cannot be set by hand");
        bool known = false;
        vec_each (c, &selection->config)
            if (strcmp(c->key, v->key) == 0) {
                c->value = v->value;
                known = true;
            }
        if (!known)
            vec_push(cli->arena, &selection->config, *v);
    }
    vec_sort(&selection->config, by_key);
    return STATUS_OK;
}
