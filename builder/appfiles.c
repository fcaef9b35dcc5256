/* SPDX-License-Identifier: BSD-3-Clause
 * Config.uk, Makefile.uk and Makefile of the app folder. */
#include "builder/private.h"
#include "common/file.h"
#include <ctype.h>
#include <string.h>

static const char *upper(struct arena *a, const char *s)
{
    char *copy = arena_strdup(a, s);
    for (char *p = copy; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return copy;
}

/* The libraries the program itself asks for, for those who configure without the .config. */
static enum status write_config_uk(struct job *j)
{
    text t = {0};
    text_add(
        j->a, &t,
        "# What %s needs; the .config beside this file says it exactly.\nconfig %s_NEEDS\n\tbool\n"
        "\tdefault y\n",
        j->name, upper(j->a, j->library));
    strings done = {0};
    vec_each (l, &j->selection->libraries) {
        int i = l->option ? kconfig_find(j->model, l->option) : -1;
        bool again = false;
        vec_each (name, &done)
            again = again || (i >= 0 && strcmp(*name, l->option) == 0);
        if (again || i < 0 || kconfig_visibility(j->model, i) != TRI_Y ||
            kconfig_tri(j->model, i) != TRI_Y)
            continue;
        vec_push(j->a, &done, l->option);
        text_add(j->a, &t, "\timply %s\n", l->option);
    }
    return text_write(j, &t, "Config.uk");
}

static void add_source(struct job *j, text *t, const struct source *s, const char *prefix)
{
    const char *slash = strrchr(s->path, '/'), *base = slash ? slash + 1 : s->path;
    const char *dot = strrchr(base, '.');
    text_add(j->a, t, "%s_SRCS-y += %s%s%s\n", prefix, s->path, s->variant ? "|" : "",
             s->variant ? s->variant : "");
    if (s->flags)
        text_add(j->a, t, "%s_%s%s%s_FLAGS-y += %s\n", prefix,
                 upper(j->a, arena_strndup(j->a, base, (size_t)(dot ? dot - base : 0))),
                 s->variant ? "_" : "", s->variant ? upper(j->a, s->variant) : "", s->flags);
}

/* Stubs for system calls, as a library of the app folder. */
static enum status add_stubs(struct job *j, text *t)
{
    text stubs = {0};
    if (!j->options->stubs)
        return STATUS_OK;
    text_add(j->a, t,
             "\n$(eval $(call addlib,appstubs))\nAPPSTUBS_SRCS-y += $(APPSTUBS_BASE)/stubs.c\n%s",
             j->options->stubs_makefile);
    text_add(j->a, &stubs, "%s", j->options->stubs);
    return text_write(j, &stubs, "stubs.c");
}

/* What gives the program its standard input, as another. */
static enum status add_input(struct job *j, text *t)
{
    text source = {0};
    if (!j->options->input_source)
        return STATUS_OK;
    text_add(j->a, t,
             "\n$(eval $(call addlib,appinput))\nAPPINPUT_SRCS-y += $(APPINPUT_BASE)/input.c\n");
    text_add(j->a, &source, "%s", j->options->input_source);
    return text_write(j, &source, "input.c");
}

/* What the rules of the catalogue add for this release, each as a library of the app folder. */
static enum status add_rule_sources(struct job *j, text *t)
{
    vec_each (s, &j->selection->sources) {
        char *library = arena_printf(j->a, "app_%s", s->rule);
        for (char *c = library; *c; c++)
            *c = isalnum((unsigned char)*c) ? *c : '_';
        const char *file = arena_printf(j->a, "%s.c", s->rule), *prefix = upper(j->a, library);
        if (strchr(s->rule, '/'))
            return diag_fail(j->d, STATUS_INPUT, "rule %s: its name cannot be a file's", s->rule);
        text_add(j->a, t, "\n# %s\n$(eval $(call addlib,%s))\n%s_SRCS-y += $(%s_BASE)/%s\n",
                 s->why ? s->why : s->rule, library, prefix, prefix, file);
        vec_each (name, &s->wrap)
            text_add(j->a, t, "LDFLAGS-y += -Wl,--wrap=%s\n", *name);
        text source = {0};
        vec_each (line, &s->lines)
            text_add(j->a, &source, "%s\n", *line);
        enum status status = text_write(j, &source, file);
        if (status)
            return status;
    }
    return STATUS_OK;
}

/* Lines of the user's own, for what no analysis shows. */
static enum status add_makefiles(struct job *j, text *t)
{
    vec_each (file, &j->options->makefiles) {
        char *data = NULL;
        size_t size = 0;
        enum status status = file_read(j->d, j->a, *file, 0, &data, &size);
        if (status)
            return status;
        text_add(j->a, t, "\n%s%s", data, size && data[size - 1] == '\n' ? "" : "\n");
    }
    return STATUS_OK;
}

/* C++ as the program on Linux was compiled: one that imports no type information or no handler of
 * exceptions was built without them, or needs neither, and is spared the libraries that have them.
 * A program without imports does not tell. */
static const char *cxx_flags(struct job *j)
{
    static const struct {
        const char *import, *flag;
    } parts[] = {{"_ZTVN10__cxxabiv1", " -fno-rtti"}, {"__gxx_personality_v0", " -fno-exceptions"}};
    const char *flags = "";
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        bool imported = j->profile->static_part.symbols.count == 0;
        vec_each (s, &j->profile->static_part.symbols)
            imported = imported || strncmp(s->name, parts[i].import, strlen(parts[i].import)) == 0;
        if (!imported)
            flags = arena_printf(j->a, "%s%s", flags, parts[i].flag);
    }
    return flags;
}

/* What is built along with any program. */
static enum status add_more(struct job *j, text *t)
{
    enum status status = add_stubs(j, t);
    if (!status)
        status = add_rule_sources(j, t);
    if (!status)
        status = add_makefiles(j, t);
    return status ? status : add_input(j, t);
}

static enum status write_makefile_uk(struct job *j)
{
    text t = {0};
    const char *prefix = upper(j->a, j->library);
    if (j->binary) {
        text_add(j->a, &t,
                 "# %s itself is not built: the loader among the external libraries runs it.\n",
                 j->name);
        enum status status = add_more(j, &t);
        return status ? status : text_write(j, &t, "Makefile.uk");
    }
    text_add(j->a, &t, "$(eval $(call addlib,%s))\n\n", j->library);
    vec_each (dir, &j->include_dirs) {
        text_add(j->a, &t, "%s_CINCLUDES-y += -I%s\n", prefix, *dir);
        text_add(j->a, &t, "%s_CXXINCLUDES-y += -I%s\n", prefix, *dir);
    }
    text_add(
        j->a, &t,
        "# The sources are a user's: their warnings are not this build's errors. The core's C\n"
        "# headers use a word that C++ lacks.\n"
        "%s_CFLAGS-y += -Wno-error\n%s_CXXFLAGS-y += -Wno-error -Drestrict=__restrict__%s\n\n",
        prefix, prefix, cxx_flags(j));
    vec_each (s, &j->sources)
        add_source(j, &t, s, prefix);
    enum status status = add_more(j, &t);
    return status ? status : text_write(j, &t, "Makefile.uk");
}

/* Folder of an external library as the Makefile writes it. */
static const char *library_path(struct job *j, const struct external *e)
{
    const char *slash = e->folder ? strrchr(e->folder, '/') : NULL;
    return arena_printf(j->a, "$(UK_LIBS)/%s", slash ? slash + 1 : e->repository);
}

static enum status write_makefile(struct job *j)
{
    text t = {0};
    const char *libs = j->options->uk_libs;
    if (j->externals.count && j->externals.items[0].folder) {
        const char *first = j->externals.items[0].folder;
        libs = arena_strndup(j->a, first, (size_t)(strrchr(first, '/') - first));
    }
    text_add(j->a, &t,
             "# UK_ROOT: tree of %s %s; UK_LIBS: folder of the external libraries' trees.\n"
             "UK_ROOT ?= %s\nUK_LIBS ?= %s\nL :=",
             j->catalogue->name, j->catalogue->version, j->uk_root ? j->uk_root : "../unikraft",
             libs ? libs : "../libs");
    vec_each (e, &j->externals)
        text_add(j->a, &t, "%s%s", e == j->externals.items ? " " : ":", library_path(j, e));
    text_add(j->a, &t,
             "\n\n.PHONY: all\nall:\n"
             "\t@$(MAKE) -C $(UK_ROOT) A=$(CURDIR) L=$(L) O=$(CURDIR)/build </dev/null\n\n"
             "# Any other goal is the core's: olddefconfig, menuconfig, clean, properclean ...\n"
             "%%:\n\t@$(MAKE) -C $(UK_ROOT) A=$(CURDIR) L=$(L) O=$(CURDIR)/build $@\n\n"
             "Makefile: ;\n");
    return text_write(j, &t, "Makefile");
}

enum status step_app_files(struct job *j)
{
    enum status status = write_config_uk(j);
    if (!status)
        status = write_makefile_uk(j);
    return status ? status : write_makefile(j);
}
