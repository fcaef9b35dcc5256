/* SPDX-License-Identifier: BSD-3-Clause
 * Plug-in discovery: which rule applies to which fact. */
#include "analyzer/plugins_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Exported functions that lead to a plug-in. A trailing '*' stands for any ending. Databases are
 * those of nsswitch.conf(5); the functions, those of the manual pages of section 3. */
static const struct {
    const char *function;
    const char *database;                                /* NSS, or NULL */
    void (*add)(struct plugin_search *s, size_t object); /* otherwise */
} rules[] = {
    {"getpw*", "passwd", NULL},
    {"setpwent", "passwd", NULL},
    {"getgr*", "group", NULL},
    {"setgrent", "group", NULL},
    {"initgroups", "initgroups", NULL},
    {"getgrouplist", "initgroups", NULL},
    {"getsp*", "shadow", NULL},
    {"setspent", "shadow", NULL},
    {"getsg*", "gshadow", NULL},
    {"setsgent", "gshadow", NULL},
    {"gethostby*", "hosts", NULL},
    {"gethostent*", "hosts", NULL},
    {"sethostent", "hosts", NULL},
    {"getaddrinfo*", "hosts", NULL},
    {"getnameinfo", "hosts", NULL},
    {"getnet*", "networks", NULL},
    {"setnetent", "networks", NULL},
    {"getproto*", "protocols", NULL},
    {"setprotoent", "protocols", NULL},
    {"getserv*", "services", NULL},
    {"setservent", "services", NULL},
    {"getrpc*", "rpc", NULL},
    {"setrpcent", "rpc", NULL},
    {"ether_hostton", "ethers", NULL},
    {"ether_ntohost", "ethers", NULL},
    {"setnetgrent", "netgroup", NULL},
    {"innetgr", "netgroup", NULL},
    {"getalias*", "aliases", NULL},
    {"setaliasent", "aliases", NULL},
    {"getpublickey", "publickey", NULL},
    {"getsecretkey", "publickey", NULL},
    {"getaddrinfo*", NULL, plugins_add_names},
    {"getnameinfo", NULL, plugins_add_names},
    {"pthread_exit", NULL, plugins_add_unwinder},
    {"pthread_cancel", NULL, plugins_add_unwinder},
    {"thrd_exit", NULL, plugins_add_unwinder},
    {"backtrace", NULL, plugins_add_unwinder},
    {"iconv_open", NULL, plugins_add_gconv},
    {"pam_start*", NULL, plugins_add_pam},
};
enum { RULES = sizeof rules / sizeof rules[0] };
static const uint64_t code_limit = 32 << 20; /* bytes of code that one plug-in may bring */

static bool rule_names(size_t rule, const char *function)
{
    const char *pattern = rules[rule].function, *star = strchr(pattern, '*');
    return star ? !strncmp(pattern, function, (size_t)(star - pattern))
                : !strcmp(pattern, function);
}

bool plugins_ask_about(const char *function)
{
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].function[0] == function[0] && rule_names(i, function))
            return true;
    return false;
}

static bool has_group(const plugin_candidates *list, size_t group)
{
    vec_each (c, list)
        vec_each (g, &c->groups)
            if (*g == group)
                return true;
    return false;
}

/* Opens it; false when it is not there, or was there already. */
static bool open_one(struct plugin_search *s, size_t caller, const char *name, size_t *group)
{
    enum status status = linkmap_dlopen(s->d, s->map, caller, name, group);
    if (status)
        diag_debug(s->d, 1, "plug-in left out: %s", s->d->message);
    return !status && s->map->groups.items[*group].root >= s->map->initial &&
           !has_group(s->out, *group);
}

static void leave_out(struct plugin_search *s, const char *name, const char *reason)
{
    struct plugin_candidate *c = vec_add(s->map->arena, s->out);
    *c = (struct plugin_candidate){
        .path = name,
        .reason = reason,
        .left_out = arena_printf(s->map->arena,
                                 "plug-in not analysed: with what it needs, it brings more than "
                                 "%lu MiB of code (name it with --plugin to analyse it)",
                                 code_limit >> 20)};
}

void plugins_add(struct plugin_search *s, size_t caller, const char *name, const char *reason)
{
    size_t group;
    vec_each (c, s->out)
        if (c->left_out && !strcmp(c->path, name))
            return;
    if (!open_one(s, caller, name, &group)) {
        if (s->map->how->too_large)
            leave_out(s, name, reason);
        return;
    }
    struct plugin_candidate *c = vec_add(s->map->arena, s->out);
    c->path = s->map->objects.items[s->map->groups.items[group].root].path;
    c->reason = reason;
    vec_push(s->map->arena, &c->groups, group);
}

void plugins_add_to(struct plugin_search *s, struct plugin_candidate *entry, size_t caller,
                    const char *name)
{
    size_t group;
    if (open_one(s, caller, name, &group))
        vec_push(s->map->arena, &entry->groups, group);
}

static void add_constant(struct plugin_search *s, const struct plugin_fact *fact)
{
    const struct elf_object *o = s->map->objects.items[fact->object].elf;
    plugins_add(s, fact->object, fact->name,
                arena_printf(s->map->arena, "dlopen(\"%s\") in %s at 0x%lx", fact->name, o->name,
                             fact->address));
}

/* What objects themselves declare to load: the first alternative that is installed. */
static void add_noted(struct plugin_search *s, size_t object)
{
    const struct elf_object *o = s->map->objects.items[object].elf;
    vec_each (note, &o->dlopen_notes) {
        size_t before = s->out->count;
        for (size_t i = 0; i < note->sonames.count && s->out->count == before; i++)
            plugins_add(s, object, note->sonames.items[i],
                        arena_printf(s->map->arena, "noted in %s%s%s (%s)", o->name,
                                     note->feature ? " for " : "",
                                     note->feature ? note->feature : "",
                                     note->priority ? note->priority : "no priority given"));
    }
}

/* Other libraries have functions of similar names (libiberty's getpwd()). A static program shows no
 * exports to go by. */
static bool has_name_services(const struct elf_object *o)
{
    return !o->dynamic || elf_defines(o, "__nss_configure_lookup");
}

static void apply(struct plugin_search *s, const struct plugin_fact *fact)
{
    if (fact->object >= s->map->objects.count)
        return;
    if (fact->kind == FACT_DLOPEN) {
        add_noted(s, fact->object);
        if (fact->name && *fact->name)
            add_constant(s, fact);
        else if (!fact->name)
            plugins_add_named_folders(s, fact->object);
        return;
    }
    for (size_t i = 0; i < RULES; i++) {
        if (!rule_names(i, fact->name))
            continue;
        if (!rules[i].database)
            rules[i].add(s, fact->object);
        else if (has_name_services(s->map->objects.items[fact->object].elf))
            plugins_add_nss(s, fact->object, rules[i].database);
    }
}

static enum status add_named_by_user(struct plugin_search *s, const char *path)
{
    struct stat st;
    strings files = {0};
    if (!strchr(path, '/'))
        path = arena_printf(s->map->arena, "./%s", path);
    if (stat(path, &st))
        return diag_fail(s->d, STATUS_INPUT, "--plugin: %s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        plugins_list_folder(s->map, path, &files);
    else
        vec_push(s->map->arena, &files, path);
    if (!files.count)
        return diag_fail(s->d, STATUS_INPUT,
                         "--plugin: %s: the folder holds no shared objects (files ending in .so)",
                         path);
    vec_each (file, &files) {
        size_t group;
        enum status status = linkmap_dlopen(s->d, s->map, 0, *file, &group);
        if (status == STATUS_FOUND) /* there, but something it needs is not */
            return STATUS_INPUT;
        if (status)
            return status;
        plugins_add(s, 0, *file, "named with --plugin");
    }
    return STATUS_OK;
}

enum status plugins_find(struct diag *d, struct linkmap *map, const strings *user,
                         const plugin_facts *facts, plugin_candidates *out)
{
    bool load = map->how->options.load;
    map->how->options.load = true;
    struct plugin_search s = {.d = d, .map = map, .facts = facts, .out = out};
    enum status status = STATUS_OK;
    for (size_t i = 0; user && !status && i < user->count; i++)
        status = add_named_by_user(&s, user->items[i]);
    map->how->code_limit = code_limit;
    for (size_t i = 0; !status && i < facts->count; i++)
        apply(&s, &facts->items[i]);
    map->how->code_limit = 0;
    map->how->options.load = load;
    return status;
}
