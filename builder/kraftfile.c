/* SPDX-License-Identifier: BSD-3-Clause
 * The Kraftfile, specification v0.6 (kraftkit, schema/v0.6.json): what kraft needs to build the
 * same image. Only options whose value is not what they would have anyway are written. */
#include "builder/private.h"
#include "common/file.h"
#include <string.h>

/* A YAML scalar in single quotes. */
static const char *scalar(struct arena *a, const char *s)
{
    text t = {0};
    vec_push(a, &t, '\'');
    for (; *s; s++) {
        if (*s == '\'')
            vec_push(a, &t, '\'');
        vec_push(a, &t, *s);
    }
    vec_push(a, &t, '\'');
    vec_push(a, &t, '\0');
    return t.items;
}

/* Whether the option would have another value if nobody had set it. */
static bool deviates(struct job *j, int option)
{
    const char *assigned = kconfig_assigned(j->model, option);
    if (!assigned || kconfig_visibility(j->model, option) != TRI_Y)
        return false;
    const char *kept = arena_strdup(j->a, assigned);
    const char *value = arena_strdup(j->a, kconfig_value(j->model, option));
    kconfig_unset(j->model, option);
    bool other = strcmp(value, kconfig_value(j->model, option)) != 0;
    kconfig_set(j->model, option, kept);
    return other;
}

/* Whether the choice would fall on another member if nobody had chosen. */
static bool chosen_by_hand(struct job *j, int option)
{
    const struct catalogue_option *o = kconfig_option(j->model, option);
    if (kconfig_tri(j->model, option) != TRI_Y || kconfig_visibility(j->model, option) != TRI_Y)
        return false;
    VEC(struct jm_pair) kept = {0};
    size_t choice = 0;
    for (; choice < j->catalogue->choices.count; choice++)
        if (strcmp(j->catalogue->choices.items[choice].name, o->choice) == 0)
            break;
    if (choice == j->catalogue->choices.count)
        return true;
    const struct catalogue_choice *c = &j->catalogue->choices.items[choice];
    vec_each (m, &c->members) {
        int i = kconfig_find(j->model, *m);
        const char *assigned = i < 0 ? NULL : kconfig_assigned(j->model, i);
        if (!assigned)
            continue;
        vec_push(j->a, &kept, ((struct jm_pair){*m, arena_strdup(j->a, assigned)}));
        kconfig_unset(j->model, i);
    }
    bool other = kconfig_chosen(j->model, (int)choice) != option;
    /* The member set to y last is the chosen one. */
    vec_each (k, &kept)
        kconfig_set(j->model, kconfig_find(j->model, k->key), k->value);
    kconfig_set(j->model, option, "y");
    return other;
}

static bool worth_writing(struct job *j, int option)
{
    return kconfig_option(j->model, option)->choice ? chosen_by_hand(j, option)
                                                    : deviates(j, option);
}

/* any: whether the "kconfig:" above them is there already. */
static bool add_options(struct job *j, text *t, const char *repository, const char *indent,
                        bool any)
{
    for (size_t i = 0; i < kconfig_count(j->model); i++) {
        const struct catalogue_option *o = kconfig_option(j->model, (int)i);
        const char *home = o->repository ? o->repository : j->catalogue->name;
        if (strcmp(home, repository) != 0 || strcmp(o->name, "UK_NAME") == 0 ||
            kconfig_find(j->model, o->name) != (int)i || !worth_writing(j, (int)i))
            continue;
        if (!any)
            text_add(j->a, t, "%skconfig:\n", indent);
        any = true;
        text_add(j->a, t, "%s  CONFIG_%s: %s\n", indent, o->name,
                 scalar(j->a, kconfig_value(j->model, (int)i)));
    }
    return any;
}

/* "lib-lwip" -> "lwip": kraft's manifests leave the prefix out. */
static const char *short_name(const char *repository)
{
    return strncmp(repository, "lib-", 4) == 0 ? repository + 4 : repository;
}

static const char *core_version(struct job *j)
{
    return j->catalogue->version && *j->catalogue->version ? j->catalogue->version : "stable";
}

static void add_version(struct job *j, text *t, const char *indent, const char *version)
{
    text_add(j->a, t, "%sversion: %s\n", indent, scalar(j->a, version ? version : "stable"));
}

/* "qemu/x86_64" and the like, per platform that is on. */
static void add_targets(struct job *j, text *t)
{
    static const struct {
        const char *option, *platform;
    } platforms[] = {{"KVM_VMM_FIRECRACKER", "fc"},
                     {"PLAT_KVM", "qemu"},
                     {"PLAT_XEN", "xen"},
                     {"PLAT_LINUXU", "linuxu"}};
    const char *architecture = job_enabled(j, "ARCH_ARM_64") ? "arm64" : "x86_64";
    text_add(j->a, t, "targets:\n");
    for (size_t i = 0; i < sizeof platforms / sizeof platforms[0]; i++) {
        if (!job_enabled(j, platforms[i].option))
            continue;
        if (i == 1 && job_enabled(j, "KVM_VMM_FIRECRACKER"))
            continue;
        text_add(j->a, t, "- %s/%s\n", platforms[i].platform, architecture);
    }
}

static void add_command(struct job *j, text *t)
{
    text_add(j->a, t, "cmd: [%s", scalar(j->a, j->profile->program.path));
    vec_each (w, &j->options->arguments)
        text_add(j->a, t, ", %s", scalar(j->a, *w));
    text_add(j->a, t, "]\n");
}

enum status step_kraftfile(struct job *j)
{
    text t = {0};
    bool libraries = false;
    text_add(j->a, &t, "spec: v0.6\n\nname: %s\n\n", j->name);
    vec_each (e, &j->externals) {
        if (!e->application)
            continue;
        text_add(j->a, &t, "template:\n  source: https://github.com/unikraft/%s.git\n",
                 e->repository);
        add_version(j, &t, "  ", e->version);
        text_add(j->a, &t, "\n");
    }
    text_add(j->a, &t, "unikraft:\n");
    add_version(j, &t, "  ", core_version(j));
    bool any = add_options(j, &t, j->catalogue->name, "  ", false);
    vec_each (e, &j->externals)
        if (e->application) /* kraft takes all options of the application from here */
            any = add_options(j, &t, e->repository, "  ", any);
    vec_each (e, &j->externals) {
        if (e->application)
            continue;
        text_add(j->a, &t, "%s  %s:\n", libraries ? "" : "\nlibraries:\n",
                 short_name(e->repository));
        libraries = true;
        add_version(j, &t, "    ", e->version);
        add_options(j, &t, e->repository, "    ", false);
    }
    text_add(j->a, &t, "\n");
    add_targets(j, &t);
    if (j->binary) {
        text_add(j->a, &t, "\nrootfs: %s\n\n",
                 job_enabled(j, "APPELFLOADER_INITRDEXEC") ? "./initrd.elf" : "./initrd.cpio");
        add_command(j, &t);
    }
    return text_write(j, &t, "Kraftfile");
}
