/* SPDX-License-Identifier: BSD-3-Clause
 * The program's sources: those of compile_commands.json where there is one, else all C, C++ and
 * assembly files below the folder; of them the file that defines the program's main, and what it
 * reaches. */
#include "builder/private.h"
#include "common/compile_commands.h"
#include "common/csource.h"
#include "common/file.h"
#include "common/testfile.h"
#include <stdlib.h>
#include <string.h>

static const char *stem(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return arena_strndup(a, base, dot ? (size_t)(dot - base) : strlen(base));
}

/* ---- what takes part ---- */

/* A function by the name its source calls it: "printf" for "__printf_chk". */
static const char *plain_name(struct arena *a, const char *name)
{
    size_t n = strlen(name);
    bool checked = n > 6 && strncmp(name, "__", 2) == 0 && strcmp(name + n - 4, "_chk") == 0;
    return checked ? arena_strndup(a, name + 2, n - 6) : name;
}

/* How much what a main reaches outside the sources is what the program imports: of all names in
 * either, the part in both, in thousandths. */
static size_t likeness(struct job *j, struct csources *read, size_t unit)
{
    size_t both = 0, outside = 0;
    csource_reach(read, unit);
    vec_each (n, &read->nodes) {
        if (!csource_external(n) || n->builtin)
            continue;
        outside++;
        vec_each (import, &j->profile->static_part.symbols)
            if (strcmp(plain_name(j->a, import->name), n->name) == 0) {
                both++;
                break;
            }
    }
    size_t either = outside + j->profile->static_part.symbols.count - both;
    return either ? both * 1000 / either : 0;
}

/* The main whose program is most like the one at hand; SIZE_MAX where that does not tell. */
static size_t likest_main(struct job *j, struct csources *read)
{
    size_t best = SIZE_MAX, most = 0;
    bool alone = false;
    for (size_t i = 0; i < read->units.count; i++) {
        if (read->units.items[i].main_node == SIZE_MAX)
            continue;
        size_t like = likeness(j, read, i);
        alone = like > most || (alone && like != most);
        if (like > most) {
            best = i;
            most = like;
        }
    }
    return alone ? best : SIZE_MAX;
}

/* Of several mains the one that carries the program's name, else main.c, is the program's.
 * SIZE_MAX: there is none. */
static enum status choose_main(struct job *j, struct csources *read, size_t *chosen)
{
    const char *program = j->selection->program ? j->selection->program : j->name;
    const char *const wanted[] = {program, j->name, "main"};
    text names = {0};
    size_t mains = 0;
    *chosen = SIZE_MAX;
    for (size_t i = 0; i < read->units.count; i++) {
        const struct csource_unit *u = &read->units.items[i];
        if (u->main_node == SIZE_MAX)
            continue;
        text_add(j->a, &names, "%s%s", mains++ ? ", " : "", u->path);
        *chosen = i;
    }
    if (mains < 2)
        return STATUS_OK;
    vec_push(j->a, &names, '\0');
    *chosen = SIZE_MAX;
    for (size_t w = 0; w < 3; w++)
        for (size_t i = 0; i < read->units.count && *chosen == SIZE_MAX; i++)
            if (read->units.items[i].main_node != SIZE_MAX &&
                strcmp(stem(j->a, read->units.items[i].path), wanted[w]) == 0)
                *chosen = i;
    if (*chosen == SIZE_MAX)
        *chosen = likest_main(j, read);
    if (*chosen != SIZE_MAX)
        return STATUS_OK;
    return diag_fail(j->d, STATUS_INPUT,
                     "several sources define main (%s): give -s a folder with one program, or name "
                     "the right one %s.c",
                     names.items, j->name);
}

static bool is_assembly(const char *path)
{
    size_t n = strlen(path);
    return n > 2 && strcmp(path + n - 2, ".S") == 0;
}

/* Leaves what the program is made of: the file with its main and all that it reaches; without
 * libclang, all but the files with another main. */
static enum status keep_reached(struct job *j)
{
    csource_inputs inputs = {0};
    struct csources read;
    size_t program = SIZE_MAX;
    vec_each (s, &j->sources) {
        struct csource_input *input = vec_add(j->a, &inputs);
        input->path = s->path;
        if (s->flags)
            (void)split_words(j->a, s->flags, &input->flags);
        vec_each (dir, &j->include_dirs)
            vec_push(j->a, &input->flags, arena_printf(j->a, "-I%s", *dir));
    }
    enum status status = csource_read(j->d, j->a, &inputs, &read);
    if (!status)
        status = choose_main(j, &read, &program);
    if (status || program == SIZE_MAX)
        return status;
    if (!read.clang && j->sources.count > 1)
        diag_note(j->d, "without libclang (Debian: libclang1-14) the sources are read by their "
                        "words, and every file without another main is taken");
    csource_reach(&read, program);
    size_t kept = 0, all = j->sources.count;
    for (size_t i = 0; i < all; i++) {
        const struct csource_unit *u = &read.units.items[i];
        bool other = u->main_node != SIZE_MAX && i != program;
        if (is_assembly(u->path) || (!other && (u->reached || !read.clang)))
            j->sources.items[kept++] = j->sources.items[i];
    }
    j->sources.count = kept;
    if (kept < all)
        diag_note(j->d, "%zu of %zu sources make up the program: main in %s and what it reaches",
                  kept, all, read.units.items[program].path);
    return STATUS_OK;
}

/* Objects are named after the source's base name: equal ones get a variant. */
static void tell_apart(struct job *j)
{
    for (size_t i = 0; i < j->sources.count; i++) {
        struct source *s = &j->sources.items[i];
        size_t same = 0;
        for (size_t k = 0; k < i; k++)
            same += strcmp(stem(j->a, s->path), stem(j->a, j->sources.items[k].path)) == 0;
        if (same)
            s->variant = arena_printf(j->a, "v%zu", same);
    }
}

enum status step_sources(struct job *j)
{
    const char *given = j->source_dir;
    if (j->binary || !given)
        return STATUS_OK;
    char *real = realpath(given, NULL);
    const char *dir = real ? arena_strdup(j->a, real) : given;
    free(real);
    bool commands = false;
    compile_commands listed = {0};
    enum status status = compile_commands_read(j->d, j->a, dir, &commands, &listed);
    vec_each (c, &listed)
        vec_push(j->a, &j->sources,
                 ((struct source){.path = patched_text(j, c->path),
                                  .flags = patched_text(j, c->flags)}));
    if (!status && !commands) {
        strings found = {0};
        status = csource_find(j->d, j->a, dir, &found, &j->include_dirs);
        vec_each (s, &found)
            vec_push(j->a, &j->sources, ((struct source){.path = *s}));
    }
    if (!status && j->sources.count)
        status = keep_reached(j);
    if (status)
        return status;
    if (!j->sources.count)
        return diag_fail(j->d, STATUS_INPUT, "%s: no C, C++ or assembly source in it", given);
    vec_each (s, &j->sources)
        if (strpbrk(s->path, " :'\"$#\\|"))
            return diag_fail(
                j->d, STATUS_INPUT,
                "%s: make cannot build a file whose path has blanks, colons, quotes or $", s->path);
    tell_apart(j);
    return STATUS_OK;
}
