/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/profile.h"
#include "common/file.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const phase_names[] = {"loader", "init", "run", "exit", NULL};
const char *const when_names[] = {"normal",   "abort",   "environment", "service",
                                  "fallback", "unknown", NULL};
const char *const class_names[] = {"required", "stubbable", "fakeable", "any", "flaky", NULL};

#define S struct profile_step
static const struct jm_field step_fields[] = {
    JM_FIELD(S, "library", library, JM_STRING),
    JM_FIELD(S, "function", function, JM_STRING),
    JM_FIELD(S, "address", address, JM_ADDRESS),
    JM_FIELD(S, "bound", bound, JM_STRING, .flags = JM_OPTIONAL,
             .description = "how it leads to the next: call, slot (relocated), constant (pointer), "
                            "address (taken), stored (address), data, name (looked up)"),
    JM_FIELD(S, "source", source, JM_STRING, .flags = JM_OPTIONAL),
};
static const struct jm_type step_type = JM_TYPE(S, "step", NULL, step_fields);
#undef S

#define S struct profile_syscall
static const struct jm_field syscall_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "number", number, JM_INT),
    JM_FIELD(S, "phases", phases, JM_FLAGS, .names = phase_names),
    JM_FIELD(S, "when", when, JM_FLAGS, .names = when_names, .flags = JM_OPTIONAL),
    JM_FIELD(S, "root", root, JM_STRING, .flags = JM_OPTIONAL,
             .description = "where the evidence begins"),
    JM_FIELD(S, "evidence", evidence, JM_ARRAY, .type = &step_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "count", count, JM_INT, .flags = JM_OPTIONAL),
    JM_FIELD(S, "class", class_, JM_ENUM, .names = class_names, .flags = JM_OPTIONAL),
    JM_FIELD(S, "alone", alone, JM_STRING, .flags = JM_OPTIONAL,
             .description = "class where only this call is missing, if that is another one"),
    JM_FIELD(S, "runs", runs, JM_INT, .flags = JM_OPTIONAL,
             .description = "runs that made the call, where others did not"),
};
const struct jm_type profile_syscall_type =
    JM_TYPE(S, "syscall", "One system call: x86-64 name and number", syscall_fields);
#undef S

#define S struct profile_library
static const struct jm_field library_fields[] = {
    JM_FIELD(S, "soname", soname, JM_STRING),
    JM_FIELD(S, "path", path, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "needed_by", needed_by, JM_STRINGS, .flags = JM_OPTIONAL),
    JM_FIELD(S, "searched", searched, JM_STRINGS, .flags = JM_OPTIONAL),
};
static const struct jm_type library_type = JM_TYPE(S, "library", NULL, library_fields);
#undef S

#define S struct profile_symbol
static const struct jm_field symbol_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "version", version, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "library", library, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "source", source, JM_STRING, .flags = JM_OPTIONAL,
             .description = "file and line where the sources name it"),
};
static const struct jm_type symbol_type = JM_TYPE(S, "symbol", NULL, symbol_fields);
#undef S

#define S struct profile_selector
static const struct jm_field selector_fields[] = {
    JM_FIELD(S, "syscall", syscall, JM_STRING),
    JM_FIELD(S, "argument", argument, JM_STRING),
    JM_FIELD(S, "value", value, JM_INT),
    JM_FIELD(S, "name", name, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "class", class_, JM_STRING, .flags = JM_OPTIONAL),
};
static const struct jm_type selector_type = JM_TYPE(S, "selector", NULL, selector_fields);
#undef S

#define S struct profile_unbounded
static const struct jm_field unbounded_fields[] = {
    JM_FIELD(S, "syscall", syscall, JM_STRING),
    JM_FIELD(S, "argument", argument, JM_STRING),
    JM_FIELD(S, "reason", reason, JM_STRING),
};
static const struct jm_type unbounded_type =
    JM_TYPE(S, "unbounded", "A selecting argument that may be anything", unbounded_fields);
#undef S

#define S struct profile_plugin
static const struct jm_field plugin_fields[] = {
    JM_FIELD(S, "path", path, JM_STRING),
    JM_FIELD(S, "reason", reason, JM_STRING),
    JM_FIELD(S, "syscalls", syscalls, JM_ARRAY, .type = &profile_syscall_type),
    JM_FIELD(S, "selectors", selectors, JM_ARRAY, .type = &selector_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "unbounded", unbounded, JM_ARRAY, .type = &unbounded_type, .flags = JM_OPTIONAL),
};
static const struct jm_type plugin_type = JM_TYPE(S, "plugin", NULL, plugin_fields);
#undef S

#define S struct profile_exec
static const struct jm_field exec_fields[] = {
    JM_FIELD(S, "path", path, JM_STRING),
    JM_FIELD(S, "evidence", evidence, JM_ARRAY, .type = &step_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "syscalls", syscalls, JM_ARRAY, .type = &profile_syscall_type,
             .flags = JM_OPTIONAL),
};
static const struct jm_type exec_type = JM_TYPE(S, "exec", NULL, exec_fields);
#undef S

#define S struct profile_unresolved
static const struct jm_field unresolved_fields[] = {
    JM_FIELD(S, "library", library, JM_STRING),
    JM_FIELD(S, "address", address, JM_ADDRESS),
    JM_FIELD(S, "reason", reason, JM_STRING),
};
static const struct jm_type unresolved_type = JM_TYPE(S, "unresolved", NULL, unresolved_fields);
#undef S

#define S struct profile_static
static const struct jm_field static_fields[] = {
    JM_FIELD(S, "present", present, JM_BOOL, .description = "whether the static analysis ran"),
    JM_FIELD(S, "sources", sources, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "files read in place of a program's code"),
    JM_FIELD(S, "libraries", libraries, JM_ARRAY, .type = &library_type),
    JM_FIELD(S, "symbols", symbols, JM_ARRAY, .type = &symbol_type),
    JM_FIELD(S, "exported", exported, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "symbols the program defines for its libraries and plug-ins"),
    JM_FIELD(S, "syscalls", syscalls, JM_ARRAY, .type = &profile_syscall_type),
    JM_FIELD(S, "selectors", selectors, JM_ARRAY, .type = &selector_type, .flags = JM_OPTIONAL,
             .description = "values that the selecting arguments of its calls can have"),
    JM_FIELD(S, "unbounded", unbounded, JM_ARRAY, .type = &unbounded_type, .flags = JM_OPTIONAL,
             .description = "selecting arguments whose values are not bounded by these"),
    JM_FIELD(S, "plugins", plugins, JM_ARRAY, .type = &plugin_type),
    JM_FIELD(S, "execs", execs, JM_ARRAY, .type = &exec_type),
    JM_FIELD(S, "unresolved", unresolved, JM_ARRAY, .type = &unresolved_type),
};
static const struct jm_type static_type = JM_TYPE(S, "static", NULL, static_fields);
#undef S

#define S struct profile_test
static const struct jm_field test_fields[] = {
    JM_FIELD(S, "command", command, JM_STRING),
    JM_FIELD(S, "status", status, JM_STRING),
    JM_FIELD(S, "duration_ms", duration_ms, JM_INT),
    JM_FIELD(S, "output", output, JM_STRING, .flags = JM_OPTIONAL),
};
static const struct jm_type test_type = JM_TYPE(S, "test", NULL, test_fields);
#undef S

#define S struct profile_fallback
static const struct jm_field fallback_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "number", number, JM_INT),
    JM_FIELD(S, "instead_of", instead_of, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "class", class_, JM_STRING, .flags = JM_OPTIONAL),
};
static const struct jm_type fallback_type =
    JM_TYPE(S, "fallback", "A call made only where others are missing", fallback_fields);
#undef S

#define S struct profile_file
static const struct jm_field file_fields[] = {
    JM_FIELD(S, "path", path, JM_STRING),
    JM_FIELD(S, "access", access, JM_STRING),
    JM_FIELD(S, "found", found, JM_BOOL),
};
static const struct jm_type file_type = JM_TYPE(S, "file", NULL, file_fields);
#undef S

#define S struct profile_dynamic
static const struct jm_field dynamic_fields[] = {
    JM_FIELD(S, "present", present, JM_BOOL, .description = "whether a traced run took place"),
    JM_FIELD(S, "runs", runs, JM_INT, .flags = JM_OPTIONAL,
             .description = "how often everything was run; absent: once"),
    JM_FIELD(S, "engine", engine, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "libraries", libraries, JM_ARRAY, .type = &library_type),
    JM_FIELD(S, "symbols", symbols, JM_ARRAY, .type = &symbol_type),
    JM_FIELD(S, "syscalls", syscalls, JM_ARRAY, .type = &profile_syscall_type),
    JM_FIELD(S, "execs", execs, JM_ARRAY, .type = &exec_type),
    JM_FIELD(S, "tests", tests, JM_ARRAY, .type = &test_type),
    JM_FIELD(S, "selectors", selectors, JM_ARRAY, .type = &selector_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "fallbacks", fallbacks, JM_ARRAY, .type = &fallback_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "files", files, JM_ARRAY, .type = &file_type, .flags = JM_OPTIONAL),
};
static const struct jm_type dynamic_type = JM_TYPE(S, "dynamic", NULL, dynamic_fields);
#undef S

#define S struct profile_program
static const struct jm_field program_fields[] = {
    JM_FIELD(S, "path", path, JM_STRING),
    JM_FIELD(S, "arch", arch, JM_STRING),
    JM_FIELD(S, "build_id", build_id, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "type", type, JM_STRING),
    JM_FIELD(S, "interpreter", interpreter, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(S, "language", language, JM_STRING, .flags = JM_OPTIONAL),
};
static const struct jm_type program_type = JM_TYPE(S, "program", NULL, program_fields);
#undef S

#define S struct profile_statement
static const struct jm_field statement_fields[] = {
    JM_FIELD(S, "superset", superset, JM_BOOL,
             .description =
                 "proved to hold everything the program can do, if the assumptions hold"),
    JM_FIELD(S, "assumptions", assumptions, JM_STRINGS),
    JM_FIELD(S, "reservations", reservations, JM_STRINGS, .description = "why it is no superset"),
};
static const struct jm_type statement_type =
    JM_TYPE(S, "statement", "What the static set of system calls is worth", statement_fields);
#undef S

#define S struct profile
static const struct jm_field profile_fields[] = {
    JM_FIELD(S, "schema", schema, JM_STRING),
    JM_FIELD(S, "statement", statement, JM_OBJECT, .type = &statement_type, .flags = JM_OPTIONAL),
    JM_FIELD(S, "program", program, JM_OBJECT, .type = &program_type),
    JM_FIELD(S, "static", static_part, JM_OBJECT, .type = &static_type),
    JM_FIELD(S, "dynamic", dynamic_part, JM_OBJECT, .type = &dynamic_type),
};
const struct jm_type profile_type =
    JM_TYPE(S, "profile", "What a program needs from its operating system", profile_fields);
#undef S

enum status profile_read(struct diag *d, struct arena *a, const char *path, struct profile *out)
{
    json_t *json = NULL;
    enum status status = json_read(d, path, &json);
    if (status)
        return status;
    memset(out, 0, sizeof *out);
    status = jm_decode(&profile_type, json, out, a, d, path);
    json_decref(json);
    if (!status && strcmp(out->schema, PROFILE_SCHEMA) != 0)
        status = diag_fail(d, STATUS_INPUT, "%s: .schema: \"%s\" was expected, \"%s\" found", path,
                           PROFILE_SCHEMA, out->schema);
    return status;
}

enum status profile_write(struct diag *d, const char *path, const struct profile *profile)
{
    struct arena *a = arena_new();
    size_t size;
    char *text = jm_text(a, &profile_type, profile, &size);
    enum status status = file_write(d, path, text, size, 0);
    arena_free(a);
    return status;
}

enum status profile_print(struct diag *d, const struct profile *profile)
{
    struct arena *a = arena_new();
    size_t size;
    char *text = jm_text(a, &profile_type, profile, &size);
    bool good = fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0;
    arena_free(a);
    return good ? STATUS_OK : diag_fail(d, STATUS_SYSTEM, "standard output: cannot write");
}

static int by_name(const void *x, const void *y)
{
    const struct profile_syscall *a = x, *b = y;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->number > b->number) - (a->number < b->number);
}

void profile_syscalls_sort(profile_syscalls *list)
{
    vec_sort(list, by_name);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct profile_syscall *from = &list->items[i];
        struct profile_syscall *last = kept ? &list->items[kept - 1] : NULL;
        if (last && last->number == from->number) {
            last->phases |= from->phases;
            last->when |= from->when;
            last->count += from->count;
            if (!last->evidence.count)
                last->evidence.items = from->evidence.items,
                last->evidence.count = from->evidence.count;
        } else {
            list->items[kept++] = *from;
        }
    }
    list->count = kept;
}

const struct profile_syscall *profile_syscalls_find(const profile_syscalls *list, int64_t number)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].number == number)
            return &list->items[i];
    return NULL;
}
