/* SPDX-License-Identifier: BSD-3-Clause
 * The order of the steps, and what they share. */
#include "builder/private.h"
#include "common/file.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct arena *a, text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *s = arena_vprintf(a, format, args);
    va_end(args);
    for (; *s; s++)
        vec_push(a, t, *s);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

void note_file(struct job *j, const char *name)
{
    vec_push(j->a, &j->out->files, name);
    vec_sort(&j->out->files, by_text);
}

enum status text_write(struct job *j, const text *t, const char *name)
{
    note_file(j, name);
    return file_write(j->d, arena_printf(j->a, "%s/%s", j->app_dir, name), t->items, t->count, 0);
}

const char *job_value(struct job *j, const char *option)
{
    int i = kconfig_find(j->model, option);
    return i < 0 ? NULL : kconfig_value(j->model, i);
}

bool job_enabled(struct job *j, const char *option)
{
    int i = kconfig_find(j->model, option);
    return i >= 0 && kconfig_tri(j->model, i) == TRI_Y;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A name that make, Kconfig and file systems take without quoting. */
static const char *tame_name(struct arena *a, const char *raw, bool dashes)
{
    char *name = arena_strdup(a, raw), *to = name;
    for (const char *from = name; *from; from++) {
        if (isalnum((unsigned char)*from))
            *to++ = (char)tolower((unsigned char)*from);
        else if (dashes && to > name && to[-1] != '-')
            *to++ = '-';
    }
    while (to > name && to[-1] == '-')
        to--;
    *to = '\0';
    return *name ? name : "program";
}

static const char *absolute(struct arena *a, const char *path)
{
    char *real = realpath(path, NULL);
    const char *copy = real ? arena_strdup(a, real) : NULL;
    free(real);
    return copy;
}

/* What no configuration can make run. */
static enum status refuse(struct job *j)
{
    const struct profile_program *p = &j->profile->program;
    if (j->binary && p->arch && strcmp(p->arch, "x86_64") != 0)
        return diag_fail(
            j->d, STATUS_INPUT,
            "%s: a program for %s; the loader runs x86_64 programs only: rebuild it for "
            "x86_64, or port its sources (--mode source)",
            p->path, p->arch);
    if (j->binary && p->type && strcmp(p->type, "static") == 0)
        return diag_fail(
            j->d, STATUS_INPUT,
            "%s: statically linked and not position-independent: the loader cannot "
            "place it. Link it again with -static-pie, use its dynamic build, or port its "
            "sources (--mode source)",
            p->path);
    if (!j->binary && j->options->uk_root && !j->options->source_dir)
        return diag_fail(j->d, STATUS_INPUT, "--mode source needs the program's sources: -s DIR");
    return STATUS_OK;
}

static enum status check_root(struct job *j)
{
    const char *given = j->options->uk_root;
    if (!given)
        return STATUS_OK;
    j->uk_root = absolute(j->a, given);
    if (!j->uk_root)
        return diag_fail(j->d, STATUS_INPUT, "%s: %s (the core's tree was expected)", given,
                         strerror(errno));
    static const char *const wanted[] = {"Makefile", "Config.uk", "version.mk"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!file_exists(arena_printf(j->a, "%s/%s", j->uk_root, wanted[i])))
            return diag_fail(j->d, STATUS_INPUT, "%s: no %s in it: not a core's tree", given,
                             wanted[i]);
    return STATUS_OK;
}

static enum status prepare(struct job *j, const char *app_dir)
{
    enum status status = refuse(j);
    if (!status)
        status = check_root(j);
    if (!status)
        status = dir_make(j->d, app_dir);
    if (status)
        return status;
    j->app_dir = j->out->app_dir = absolute(j->a, app_dir);
    if (!j->app_dir)
        return diag_fail(j->d, STATUS_SYSTEM, "%s: %s", app_dir, strerror(errno));
    if (strpbrk(j->app_dir, " :'\"$#\\") && j->uk_root)
        return diag_fail(
            j->d, STATUS_INPUT,
            "%s: make cannot work in a folder whose path has blanks, colons, quotes or $; "
            "give another with -o",
            j->app_dir);
    const char *program =
        j->selection->program ? j->selection->program : base_name(j->profile->program.path);
    j->name = tame_name(j->a, program, true);
    j->library = arena_printf(j->a, "app%s", tame_name(j->a, program, false));
    return STATUS_OK;
}

enum status build(struct diag *d, struct arena *a, const struct profile *profile,
                  const struct catalogue *catalogue, const struct selection *selection,
                  const struct builder_options *options, const char *app_dir,
                  struct build_result *out)
{
    static enum status (*const steps[])(struct job *) = {
        step_model,     step_externals, step_patches, step_sources,   step_config,
        step_app_files, step_kraftfile, step_initrd,  step_configure, step_make,
    };
    memset(out, 0, sizeof *out);
    struct job j = {.d = d,
                    .a = a,
                    .profile = profile,
                    .catalogue = catalogue,
                    .selection = selection,
                    .options = options,
                    .out = out,
                    .binary = selection->mode && strcmp(selection->mode, "binary") == 0};
    enum status status = prepare(&j, app_dir);
    for (size_t i = 0; !status && i < sizeof steps / sizeof steps[0]; i++)
        status = steps[i](&j);
    if (!status)
        step_run_line(&j);
    if (status && !out->reason)
        out->reason = arena_strdup(a, d->message);
    return status;
}
