/* SPDX-License-Identifier: BSD-3-Clause
 * What a program finds around it in its image: environment variables, and the files that its
 * command line names. */
#include "cli/surroundings.h"
#include "common/file.h"
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROGRAM_LIMIT = 256 << 20, AUTOMATIC = 8 };

/* Looked up by C libraries and dynamic linkers in every program, or of the shell that started us.
 */
static const char *const usual[] = {"LANG",     "LANGUAGE",   "LC_*",    "LD_*",    "GLIBC_*",
                                    "MALLOC_*", "GCONV_PATH", "LOCPATH", "NLSPATH", "_",
                                    "SHLVL",    "OLDPWD",     "PWD",     "TMPDIR",  "PATH"};

static bool is_usual(const char *name)
{
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (fnmatch(usual[i], name, 0) == 0)
            return true;
    return false;
}

/* Whether the bytes hold the name as a string of its own. */
static bool holds(const char *data, size_t size, const char *name)
{
    size_t n = strlen(name) + 1; /* with its end */
    for (const char *at = data; (at = memmem(at, size - (size_t)(at - data), name, n)); at++)
        if (at == data || at[-1] == '\0')
            return true;
    return false;
}

void build_find_environment(struct build_options *o, const char *program)
{
    struct arena *a = o->cli->arena;
    struct diag quiet = o->cli->diag;
    char *data;
    size_t size;
    quiet.verbosity = -1;
    if (o->environment.count || o->matcher.mode != MODE_BINARY ||
        file_read(&quiet, a, program, PROGRAM_LIMIT, &data, &size) != STATUS_OK)
        return;
    for (char **variable = environ; variable && *variable; variable++) {
        const char *equals = strchr(*variable, '=');
        const char *name = equals ? arena_strndup(a, *variable, (size_t)(equals - *variable)) : "";
        if (!*name || is_usual(name) || strpbrk(equals, "\"\\$\n") || !holds(data, size, name))
            continue;
        if (o->environment.count < AUTOMATIC)
            vec_push(a, &o->environment, arena_strdup(a, *variable));
        o->environment_found = true;
    }
}

/* The option that holds the index-th compiled-in variable: its name ends with ENVIRON_ENVP and that
 * number. */
static const char *slot(struct arena *a, const struct catalogue *catalogue, size_t index)
{
    const char *pattern = arena_printf(a, "*ENVIRON_ENVP%zu", index);
    vec_each (option, &catalogue->options)
        if (option->type == OPTION_STRING && fnmatch(pattern, option->name, 0) == 0)
            return option->name;
    return NULL;
}

void environment_rule(struct build_options *o, struct catalogue *catalogue)
{
    struct arena *a = o->cli->arena;
    const char *needs = NULL;
    for (size_t i = 0; i < o->environment.count; i++) {
        const char *option = slot(a, catalogue, i);
        if (!option) {
            if (!o->environment_found)
                diag_warn(&o->cli->diag, "%s: %s has no option for it: not given to the image",
                          o->environment.items[i], catalogue->name);
            o->environment.count = i;
            break;
        }
        /* The option that the slots depend on: their name without the number's part. */
        const char *owner = arena_strndup(a, option, (size_t)(strstr(option, "_ENVP") - option));
        needs = arena_printf(a, "%s && %s = \"%s\"", needs ? needs : owner, option,
                             o->environment.items[i]);
    }
    if (needs)
        vec_push(a, &catalogue->rules,
                 ((struct catalogue_rule){.name = "environment",
                                          .kind = "need",
                                          .needs = needs,
                                          .symptom = "the program finds none of its environment"}));
}

void build_find_files(struct build_options *o, const strings *arguments)
{
    struct stat st;
    vec_each (argument, arguments) {
        if (o->matcher.mode != MODE_BINARY || **argument != '/' || stat(*argument, &st) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        build_add_file(o, *argument);
    }
}

void build_add_file(struct build_options *o, const char *path)
{
    struct arena *a = o->cli->arena;
    bool first = !o->builder.initrd_files.count;
    vec_push(a, &o->builder.initrd_files, path);
    if (first)
        vec_push(a, &o->matcher.facts, "files=read");
}
