/* SPDX-License-Identifier: BSD-3-Clause
 * Stubs for missing calls, and the order in which to implement them. */
#include "matcher/matcher.h"
#include "matcher/missing.h"
#include <stdlib.h>
#include <string.h>

/* What every stub file starts with: the core's own way of registering a call where it has one. */
static const char preamble[] =
    "/* Stubs for system calls that no selected library provides. Each says when it is hit. */\n"
    "#include <errno.h>\n"
    "#if __has_include(<uk/syscall.h>)\n"
    "#include <uk/print.h>\n"
    "#include <uk/syscall.h>\n"
    "#define HIT(name) uk_pr_err(\"stub: \" name \" is not implemented\\n\")\n"
    "#else\n"
    "int puts(const char *);\n"
    "#define HIT(name) puts(\"stub: \" name \" is not implemented\")\n"
    "#define UK_LLSYSCALL_R_DEFINE(type, name, ...) \\\n"
    "\ttype uk_syscall_r_##name(PARAMETERS(__VA_ARGS__)); \\\n"
    "\ttype uk_syscall_r_##name(PARAMETERS(__VA_ARGS__))\n"
    "#define PARAMETERS(...) PICK(__VA_ARGS__, P6, x, P5, x, P4, x, P3, x, P2, x, P1, "
    "P0)(__VA_ARGS__)\n"
    "#define PICK(a, b, c, d, e, f, g, h, i, j, k, l, chosen, ...) chosen\n"
    "#define P0(...) void\n"
    "#define P1(t, a) t a\n"
    "#define P2(t, a, ...) t a, P1(__VA_ARGS__)\n"
    "#define P3(t, a, ...) t a, P2(__VA_ARGS__)\n"
    "#define P4(t, a, ...) t a, P3(__VA_ARGS__)\n"
    "#define P5(t, a, ...) t a, P4(__VA_ARGS__)\n"
    "#define P6(t, a, ...) t a, P5(__VA_ARGS__)\n"
    "#endif\n";

static const char *stub(struct arena *a, const char *name, const char *letters)
{
    const char *parameters = "", *uses = "";
    for (size_t i = 0; letters[i]; i++) {
        parameters =
            arena_printf(a, "%s, %s, a%zu", parameters, syscall_letter_type(letters[i]), i);
        uses = arena_printf(a, "%s\t(void)a%zu;\n", uses, i);
    }
    return arena_printf(a,
                        "\nUK_LLSYSCALL_R_DEFINE(long, %s%s)\n"
                        "{\n"
                        "%s"
                        "\tHIT(\"%s\");\n"
                        "\treturn -ENOSYS;\n"
                        "}\n",
                        name, parameters, uses, name);
}

void match_stubs(struct arena *a, const struct selection *selection, const char **source,
                 const char **makefile)
{
    *source = *makefile = NULL;
    vec_each (call, &selection->missing.syscalls) {
        const char *letters = syscall_letters(call->name);
        if (!letters || strlen(letters) > 6 || call->harmless)
            continue;
        if (!*source) {
            *source = preamble;
            *makefile = "";
        }
        *source = arena_printf(a, "%s%s", *source, stub(a, call->name, letters));
        *makefile = arena_printf(a, "%sUK_PROVIDED_SYSCALLS-y += %s-%zu\n", *makefile, call->name,
                                 strlen(letters));
    }
}

/* ---- plans ---- */

struct candidate {
    const char *name, *class_;
    bool done;
};
typedef VEC(struct candidate) candidates;

static bool misses(const struct selection *s, const char *name)
{
    vec_each (call, &s->missing.syscalls) {
        if (!call->harmless && strcmp(call->name, name) == 0)
            return true;
    }
    return false;
}

static size_t open_count(const struct selection *s, const candidates *all)
{
    size_t count = 0;
    vec_each (it, all)
        count += !it->done && misses(s, it->name);
    return count;
}

static int by_candidate(const void *x, const void *y)
{
    return strcmp(((const struct candidate *)x)->name, ((const struct candidate *)y)->name);
}

static void gather(struct arena *a, const struct selection *selections, size_t count,
                   candidates *all)
{
    for (size_t i = 0; i < count; i++) {
        vec_each (call, &selections[i].missing.syscalls) {
            bool known = false;
            vec_each (old, all) {
                if (strcmp(old->name, call->name) != 0)
                    continue;
                known = true;
                old->class_ = old->class_ ? old->class_ : call->class_;
            }
            if (!known && !call->harmless)
                vec_push(a, all, ((struct candidate){call->name, call->class_, false}));
        }
    }
    vec_sort(all, by_candidate);
}

/* The program to complete next: fewest calls open, then first by name; all of its calls come next,
 * those that most other programs need first. */
static const struct selection *next_program(const struct selection *selections, size_t count,
                                            const candidates *all)
{
    const struct selection *best = NULL;
    size_t least = 0;
    for (size_t i = 0; i < count; i++) {
        size_t open = open_count(&selections[i], all);
        if (!open)
            continue;
        if (!best || open < least ||
            (open == least && strcmp(selections[i].program, best->program) < 0)) {
            best = &selections[i];
            least = open;
        }
    }
    return best;
}

void match_plan(struct arena *a, const struct selection *selections, size_t count, plan *out)
{
    candidates all = {0};
    gather(a, selections, count, &all);
    for (const struct selection *s; (s = next_program(selections, count, &all));) {
        struct candidate *best = NULL;
        size_t most = 0;
        vec_each (it, &all) {
            size_t programs = 0;
            if (it->done || !misses(s, it->name))
                continue;
            for (size_t i = 0; i < count; i++)
                programs += misses(&selections[i], it->name);
            if (programs > most) {
                most = programs;
                best = it;
            }
        }
        if (!best) /* cannot be: the program chosen has a call open */
            return;
        struct plan_step *step = vec_add(a, out);
        best->done = true;
        step->call = best->name;
        step->class_ = best->class_;
        for (size_t i = 0; i < count; i++) {
            if (!misses(&selections[i], best->name))
                continue;
            vec_push(a, &step->programs, selections[i].program);
            if (!open_count(&selections[i], &all))
                vec_push(a, &step->unlocks, selections[i].program);
        }
    }
}
