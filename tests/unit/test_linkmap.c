/* SPDX-License-Identifier: BSD-3-Clause
 * Link maps and bindings against the dynamic linkers' own account of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/linkmap_private.h"
#include "tests/unit/elf_fixture.h"
#include <elf.h>
#include <unistd.h>

struct fixture {
    struct arena *arena;
    struct diag diag;
    const char *folder;
};

static int setup(void **state)
{
    static struct fixture f;
    f.arena = arena_new();
    diag_init(&f.diag, -1);
    f.folder = fixture_folder(f.arena);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    fixture_remove(f->arena, f->folder);
    arena_free(f->arena);
    return 0;
}

static const char *in(struct fixture *f, const char *name)
{
    return arena_printf(f->arena, "%s/%s", f->folder, name);
}

static struct linkmap *map_of(struct fixture *f, const char *path, const char *library_path)
{
    struct linkmap *map;
    const struct linkmap_options options = {.library_path = library_path, .load = true};
    if (linkmap_build(&f->diag, f->arena, path, &options, &map))
        fail_msg("%s", f->diag.message);
    return map;
}

/* What ld.so prints in trace mode: the files in load order, the missing ones last. */
static void ldso_listing(struct fixture *f, const char *path, const char *library_path,
                         strings *found, strings *missing)
{
    strings lines = lines_of(
        f->arena, arena_printf(f->arena, "LD_LIBRARY_PATH='%s' LD_TRACE_LOADED_OBJECTS=1 '%s' 2>&1",
                               library_path ? library_path : "", path));
    vec_each (line, &lines) {
        const char *text = *line + strspn(*line, "\t");
        const char *arrow = strstr(text, " => ");
        const char *file = arrow ? arrow + 4 : text;
        const char *end = strstr(file, " (0x");
        if (!strncmp(text, "linux-vdso", 10) || (!arrow && !end))
            continue;
        if (!strcmp(file, "not found"))
            vec_push(f->arena, missing, arena_strndup(f->arena, text, (size_t)(arrow - text)));
        else
            vec_push(f->arena, found, arena_strndup(f->arena, file, (size_t)(end - file)));
    }
}

static struct linkmap *check_map(struct fixture *f, const char *path, const char *library_path)
{
    struct linkmap *map = map_of(f, path, library_path);
    strings found = {0}, missing = {0}, ours = {0}, ours_missing = {0};
    ldso_listing(f, path, library_path, &found, &missing);
    for (size_t i = 1; i < map->initial; i++)
        vec_push(f->arena, &ours, map->objects.items[i].path);
    vec_each (m, &map->missing)
        vec_push(f->arena, &ours_missing, m->soname);
    vec_sort(&missing, by_text);
    vec_sort(&ours_missing, by_text);
    assert_same_lines(path, &found, &ours);
    assert_same_lines(path, &missing, &ours_missing);
    return map;
}

/* "FROM -> TO `name' [VERSION]" for every relocation that names a symbol, sorted, each once. */
static void our_bindings(struct fixture *f, const struct linkmap *map, strings *out)
{
    for (size_t i = 0; i < map->initial; i++) {
        const struct elf_object *e = map->objects.items[i].elf;
        vec_each (r, &e->relocations) {
            if (!r->symbol || r->kind == RELOC_OTHER || i == map->interpreter)
                continue;
            const struct elf_symbol *s = &e->symbols.items[r->symbol];
            if (s->bind == STB_LOCAL || s->visibility == STV_HIDDEN)
                continue;
            enum linkmap_class kind = r->kind == RELOC_COPY            ? BIND_COPY
                                      : r->plt || r->kind >= RELOC_TLS ? BIND_CALL
                                                                       : BIND_DATA;
            struct linkmap_binding b = linkmap_bind(map, e, r->symbol, kind);
            if (b.object)
                vec_push(f->arena, out,
                         arena_printf(f->arena, "%s -> %s `%s'%s%s%s", map->objects.items[i].path,
                                      map->objects.items[b.object->index].path, s->name,
                                      s->version ? " [" : "", s->version ? s->version : "",
                                      s->version ? "]" : ""));
        }
    }
}

static void sort_once(strings *list)
{
    vec_sort(list, by_text);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (!kept || strcmp(list->items[kept - 1], list->items[i]) != 0)
            list->items[kept++] = list->items[i];
    list->count = kept;
}

static void check_bindings(struct fixture *f, const char *path)
{
    struct linkmap *map = map_of(f, path, NULL);
    strings expected = {0}, ours = {0};
    strings lines = lines_of(f->arena, arena_printf(f->arena,
                                                    "LD_TRACE_LOADED_OBJECTS=1 LD_WARN=yes "
                                                    "LD_BIND_NOW=1 LD_DEBUG=bindings '%s' 2>&1",
                                                    path));
    vec_each (line, &lines) {
        char from[512], to[512];
        int after = 0;
        const char *text = strstr(*line, "binding file ");
        if (!text || sscanf(text, "binding file %511s [0] to %511s [0]: %*s symbol %n", from, to,
                            &after) < 2)
            continue;
        const char *loader = map->objects.items[map->interpreter].path;
        if (after && strncmp(from, "linux-vdso", 10) != 0 && strcmp(from, loader) != 0)
            vec_push(f->arena, &expected,
                     arena_printf(f->arena, "%s -> %s %s", from, to, text + after));
    }
    our_bindings(f, map, &ours);
    vec_each (line, &expected) { /* ld.so leaves a blank after a name without version */
        size_t length = strlen(*line);
        if (length && (*line)[length - 1] == ' ')
            *line = arena_strndup(f->arena, *line, length - 1);
    }
    sort_once(&expected);
    sort_once(&ours);
    assert_true(expected.count > 0);
    assert_same_lines(path, &expected, &ours);
}

/* ---- search paths ---- */

static void library(struct fixture *f, const char *path, const char *soname, const char *more)
{
    build(f->arena, f->folder,
          arena_printf(f->arena,
                       "mkdir -p $(dirname %s) && echo 'int %c%c(void){return 1;}' | cc -shared "
                       "-fPIC -o %s -Wl,-soname,%s -Wl,--no-as-needed -x c - -x none %s",
                       path, soname[3], soname[4] == '.' ? '_' : soname[4], path, soname, more));
}

static void program(struct fixture *f, const char *path, const char *more)
{
    build(f->arena, f->folder,
          arena_printf(f->arena,
                       "echo 'int main(void){return 0;}' | cc -o %s -Wl,--no-as-needed -x c - -x "
                       "none %s -Wl,--unresolved-symbols=ignore-all -Wl,-rpath-link,inner",
                       path, more));
}

static void rpath_is_inherited_runpath_is_not(void **state)
{
    struct fixture *f = *state;
    library(f, "inner/libb.so", "libb.so", "");
    library(f, "inner/liba.so", "liba.so", "inner/libb.so");
    program(f, "old", "inner/liba.so -Wl,--disable-new-dtags,-rpath,'$ORIGIN/inner'");
    program(f, "new", "inner/liba.so -Wl,--enable-new-dtags,-rpath,'${ORIGIN}/inner'");
    struct linkmap *map = check_map(f, in(f, "old"), NULL);
    assert_int_equal(map->missing.count, 0);
    assert_string_equal(map->objects.items[1].found_by, "RPATH of old");
    map = check_map(f, in(f, "new"), NULL);
    assert_int_equal(map->missing.count, 1);
    assert_string_equal(map->missing.items[0].soname, "libb.so");
    assert_string_equal(map->missing.items[0].needed_by.items[0], "liba.so");
    assert_string_equal(map->missing.items[0].searched.items[0], "/etc/ld.so.cache");
    check_map(f, in(f, "new"), in(f, "inner"));
}

static void folders_for_better_processors(void **state)
{
    struct fixture *f = *state;
    library(f, "cpu/libh.so", "libh.so", "");
    library(f, "cpu/glibc-hwcaps/x86-64-v2/libh.so", "libh.so", "");
    library(f, "cpu/glibc-hwcaps/x86-64-v3/libh.so", "libh.so", "");
    library(f, "cpu/glibc-hwcaps/x86-64-v4/libh.so", "libh.so", "");
    library(f, "legacy/libi.so", "libi.so", "");
    library(f, "legacy/tls/libi.so", "libi.so", "");
    library(f, "legacy/tls/x86_64/libi.so", "libi.so", "");
    library(f, "legacy/haswell/x86_64/libi.so", "libi.so", "");
    program(f, "cpu/prog",
            "cpu/libh.so legacy/libi.so "
            "-Wl,-rpath,'$ORIGIN:$ORIGIN/../legacy:$ORIGIN/$LIB:$ORIGIN/$PLATFORM'");
    check_map(f, in(f, "cpu/prog"), NULL);
}

static void what_is_passed_over_and_what_is_taken(void **state)
{
    struct fixture *f = *state;
    library(f, "one/libx.so", "libx.so", "");
    library(f, "two/libx.so", "libx.so", "");
    /* e_machine of the first becomes i386's: passed over */
    build(f->arena, f->folder,
          "printf '\\003' | dd of=one/libx.so bs=1 seek=18 conv=notrunc status=none");
    program(f, "skip", "two/libx.so -Wl,-rpath,'$ORIGIN/none:$ORIGIN/one:$ORIGIN/two'");
    check_map(f, in(f, "skip"), NULL);
    /* one file under two names, a cycle, a need that is a path, two sonames alike */
    library(f, "two/liby.so", "liby.so", "");
    library(f, "two/libz.so", "libz.so", "two/liby.so");
    library(f, "two/liby.so", "liby.so", "two/libz.so");
    build(f->arena, f->folder, "mkdir -p three && cc -shared -o three/libn.so -x c /dev/null");
    build(f->arena, f->folder, "ln -sf ../two/libz.so three/libw.so && cp two/liby.so three/");
    program(f, "odd",
            "-L two -L three three/libn.so -l:liby.so -l:libw.so -l:libz.so "
            "-Wl,-rpath,'$ORIGIN/two:$ORIGIN/three'");
    check_map(f, in(f, "odd"), NULL);
    program(f, "nodefault", "two/liby.so -Wl,-z,nodefaultlib -Wl,-rpath,'$ORIGIN/two' -Wl,-z,now");
    check_map(f, in(f, "nodefault"), NULL);
}

static void filters_come_before_the_filtered(void **state)
{
    struct fixture *f = *state;
    library(f, "fil/libaux.so", "libaux.so", "");
    library(f, "fil/libstd.so", "libstd.so", "");
    library(f, "fil/libfront.so", "libfront.so",
            "-Wl,-f,libaux.so -Wl,-f,libabsent.so -Wl,-rpath,'$ORIGIN'");
    library(f, "fil/libwhole.so", "libwhole.so", "-Wl,-F,libstd.so -Wl,-rpath,'$ORIGIN'");
    program(f, "filtered", "fil/libfront.so fil/libwhole.so -Wl,-rpath,'$ORIGIN/fil'");
    struct linkmap *map = map_of(f, in(f, "filtered"), NULL);
    strings found = {0}, missing = {0}, ours = {0};
    ldso_listing(f, in(f, "filtered"), NULL, &found, &missing);
    for (size_t i = 1; i < map->initial; i++)
        vec_push(f->arena, &ours, map->objects.items[i].path);
    assert_same_lines("filtered", &found, &ours);
    assert_int_equal(map->missing.count, 0); /* the absent one is optional */
    static const char *const order[] = {"libaux.so", "libfront.so", "libstd.so", "libwhole.so"};
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(map->objects.items[map->scope.items[i + 1]].soname, order[i]);
}

static void broken_library_is_named(void **state)
{
    struct fixture *f = *state;
    library(f, "broken/libk.so", "libk.so", "");
    program(f, "uses_broken", "broken/libk.so -Wl,-rpath,'$ORIGIN/broken'");
    build(f->arena, f->folder, "echo not an ELF file > broken/libk.so");
    struct linkmap *map;
    const struct linkmap_options options = {0};
    assert_int_equal(linkmap_build(&f->diag, f->arena, in(f, "uses_broken"), &options, &map),
                     STATUS_INPUT);
    assert_non_null(strstr(f->diag.message, "broken/libk.so: a text file"));
    assert_non_null(strstr(f->diag.message, "needed by uses_broken"));
}

static void another_root(void **state)
{
    struct fixture *f = *state;
    library(f, "sysroot/opt/libr.so", "libr.so", "");
    program(f, "rooted", "sysroot/opt/libr.so -Wl,-rpath,/opt");
    build(f->arena, f->folder,
          "mkdir -p sysroot/lib64 sysroot/lib/x86_64-linux-gnu && "
          "cp /lib/x86_64-linux-gnu/libc.so.6 sysroot/lib/x86_64-linux-gnu/ && "
          "cp /lib64/ld-linux-x86-64.so.2 sysroot/opt/ld && "
          "ln -sf /opt/ld sysroot/lib64/ld-linux-x86-64.so.2");
    struct linkmap *map;
    const struct linkmap_options options = {.root = in(f, "sysroot")};
    assert_int_equal(linkmap_build(&f->diag, f->arena, in(f, "rooted"), &options, &map), STATUS_OK);
    assert_int_equal(map->initial, 4);
    assert_int_equal(map->missing.count, 0);
    assert_string_equal(map->objects.items[1].path, "/opt/libr.so");
    assert_string_equal(map->objects.items[2].path, "/lib/x86_64-linux-gnu/libc.so.6");
    assert_string_equal(map->objects.items[3].path, "/lib64/ld-linux-x86-64.so.2");
}

/* ---- bindings ---- */

static const char sources[] =
    "cat > v.map <<'E'\nV1 { global: versioned; local: secret; };\nV2 { } V1;\nE\n"
    "cat > p.c <<'E'\n"
    "int data = 1, shared = 2; int secret(void){return 0;}\n"
    "int old(void){return 1;} int new(void){return 2;}\n"
    "__asm__(\".symver old,versioned@V1\\n.symver new,versioned@@V2\");\n"
    "int both(void){return 3;} __attribute__((weak)) int feeble(void){return 4;}\n"
    "__attribute__((visibility(\"protected\"))) int guarded(void){return 5;}\n"
    "int call_guarded(void){return guarded();}\n"
    "__thread int tls = 6;\n"
    "static int pick(void){return 7;} static void *choose(void){return pick;}\n"
    "int indirect(void) __attribute__((ifunc(\"choose\")));\n"
    "__asm__(\".globl one\\n.type one,@gnu_unique_object\\n.data\\none: .long 1\\n.size "
    "one,4\\n.text\");\n"
    "extern int one; int get_one(void){return one;}\n"
    "E\n"
    "cat > q.c <<'E'\n"
    "int both(void){return 8;} int feeble(void){return 9;} int guarded(void){return 10;}\n"
    "extern int maybe(void) __attribute__((weak)); int versioned(void); extern __thread int tls;\n"
    "extern int indirect(void); extern int data;\n"
    "int use(void){return both()+feeble()+(maybe?maybe():0)+versioned()+tls+indirect()+data;}\n"
    "__asm__(\".globl one\\n.type one,@gnu_unique_object\\n.data\\none: .long 1\\n.size "
    "one,4\\n.text\");\n"
    "extern int one; int get_one2(void){return one;}\n"
    "E\n"
    "cat > m.c <<'E'\n"
    "extern int data, shared; int use(void), both(void), feeble(void), guarded(void), "
    "versioned(void);\n"
    "int (*table[])(void) = { both, feeble, guarded, versioned };\n"
    "int main(void){return data + shared + use() + table[0]();}\n"
    "E\n"
    "cc -shared -fPIC -o libp.so p.c -Wl,--version-script=v.map -Wl,-soname,libp.so\n"
    "cc -shared -fPIC -o libq.so q.c -L. -lp -Wl,-soname,libq.so\n"
    "cc -shared -fPIC -o libqs.so q.c -L. -lp -Wl,-soname,libqs.so -Wl,-Bsymbolic\n"
    "for k in q qs; do for e in pie no-pie; do\n"
    "  cc -f$e -$e -o m_$k$e m.c -L. -l$k -lp -Wl,-rpath,'$ORIGIN'\n"
    "  cc -f$e -$e -o n_$k$e m.c -L. -lp -l$k -Wl,-rpath,'$ORIGIN' -Wl,--hash-style=sysv\n"
    "done; done\n";

static void bindings_of_small_programs(void **state)
{
    static const char *const names[] = {"m_qpie",  "m_qno-pie",  "n_qpie",  "n_qno-pie",
                                        "m_qspie", "m_qsno-pie", "n_qspie", "n_qsno-pie"};
    struct fixture *f = *state;
    build(f->arena, f->folder, sources);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        check_map(f, in(f, names[i]), NULL);
        check_bindings(f, in(f, names[i]));
    }
    struct linkmap *map = map_of(f, in(f, "m_qpie"), NULL);
    struct linkmap_binding b = linkmap_find(map, LINKMAP_NONE, "indirect", NULL);
    assert_true(b.ifunc);
    struct linkmap_binding v1 = linkmap_find(map, LINKMAP_NONE, "versioned", "V1");
    struct linkmap_binding v2 = linkmap_find(map, LINKMAP_NONE, "versioned", NULL);
    assert_non_null(v1.object);
    assert_ptr_equal(v1.object, v2.object);
    assert_int_not_equal(v1.address, v2.address);
    assert_null(linkmap_find(map, LINKMAP_NONE, "secret", NULL).object);
}

/* Each word of a table of functions leads to the function that ld.so would put there. */
static void words_lead_to_functions(void **state)
{
    static const char *const names[] = {"m_qpie", "m_qno-pie"};
    struct fixture *f = *state;
    build(f->arena, f->folder, sources);
    for (size_t i = 0; i < 2; i++) {
        struct linkmap *map = map_of(f, in(f, names[i]), NULL);
        const struct elf_object *o = map->objects.items[0].elf;
        uint64_t table = 0;
        vec_each (s, &o->static_symbols)
            if (!strcmp(s->name, "table"))
                table = s->value;
        assert_int_not_equal(table, 0);
        struct linkmap_binding first = linkmap_pointer(map, o, table);
        assert_non_null(first.object);
        const struct elf_symbol *s = elf_nearest(first.object, first.address);
        assert_string_equal(s->name, "both");
        assert_string_equal(first.object->name, "libq.so");
    }
}

static void real_programs(void **state)
{
    static const char *const names[] = {"/usr/bin/env",  "/usr/bin/bash", "/usr/bin/perl",
                                        "/usr/bin/find", "/usr/bin/gcc",  "/usr/bin/ld",
                                        "/usr/bin/apt",  "/usr/bin/dot",  "/usr/bin/openssl"};
    struct fixture *f = *state;
    size_t checked = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (access(names[i], X_OK) != 0)
            continue;
        check_map(f, names[i], NULL);
        check_bindings(f, names[i]);
        checked++;
    }
    assert_true(checked >= 4); /* the base system and the compiler are always there */
}

/* A library given as a program gets the link map that ldd would show. */
static void library_as_program(void **state)
{
    struct fixture *f = *state;
    const char *path = "/lib/x86_64-linux-gnu/libcrypt.so.1";
    if (access(path, R_OK) != 0)
        path = "/lib/x86_64-linux-gnu/libstdc++.so.6";
    struct linkmap *map = map_of(f, path, NULL);
    strings ours = {0}, expected = {0};
    for (size_t i = 1; i < map->initial; i++)
        vec_push(f->arena, &ours, map->objects.items[i].path);
    strings lines = lines_of(f->arena, arena_printf(f->arena, "ldd %s | grep -v vdso", path));
    vec_each (line, &lines) {
        const char *file = strchr(*line, '/');
        assert_non_null(file);
        vec_push(f->arena, &expected, arena_strndup(f->arena, file, strcspn(file, " ")));
    }
    assert_same_lines(path, &expected, &ours);
    assert_null(map->objects.items[0].elf->interpreter);
}

static void musl_program(void **state)
{
    struct fixture *f = *state;
    build(f->arena, f->folder,
          "echo 'int lib(void){return 0;}' | musl-gcc -shared -fPIC -o libown.so -x c - && "
          "echo 'int lib(void);int main(void){return lib();}' | musl-gcc -o mprog -x c - -x none "
          "-L. -lown -lm -lpthread -Wl,-rpath,'$ORIGIN'");
    struct linkmap *map = map_of(f, in(f, "mprog"), NULL);
    assert_true(map->musl);
    strings expected = {0}, ours = {0};
    strings lines =
        lines_of(f->arena, arena_printf(f->arena, "musl-ldd '%s' 2>&1 | grep =", in(f, "mprog")));
    vec_each (line, &lines) {
        const char *file = strstr(*line, "=> ") + 3;
        vec_push(f->arena, &expected,
                 arena_strndup(f->arena, file, (size_t)(strstr(file, " (") - file)));
    }
    for (size_t i = 1; i < map->initial; i++)
        vec_push(f->arena, &ours, map->objects.items[i].path);
    assert_same_lines("mprog", &expected, &ours);
    uint64_t n = 1;
    const struct elf_object *o = map->objects.items[0].elf;
    while (n < o->symbols.count && strcmp(o->symbols.items[n].name, "lib") != 0)
        n++;
    struct linkmap_binding b = linkmap_bind(map, o, n, BIND_CALL);
    assert_non_null(b.object);
    assert_string_equal(map->objects.items[b.object->index].soname, "libown.so");
}

static void dlopen_binds_in_its_own_scope(void **state)
{
    struct fixture *f = *state;
    build(
        f->arena, f->folder,
        "echo 'int helper(void){return 1;}' | cc -shared -fPIC -o libhelp.so "
        "-Wl,-soname,libhelp.so -x c - && "
        "echo 'int helper(void);int plug(void){return helper();}' | cc -shared -fPIC -o plug.so "
        "-x c - -x none -L. -lhelp -Wl,-rpath,'$ORIGIN' && "
        "echo 'int nowhere(void);int plug(void){return nowhere();}' | cc -shared -fPIC -o lost.so "
        "-x c - -x none -Wl,--no-as-needed -L. -lhelp");
    program(f, "host", "");
    struct linkmap *map = map_of(f, in(f, "host"), NULL);
    size_t before = map->objects.count, group, again;
    assert_int_equal(linkmap_dlopen(&f->diag, map, 0, in(f, "plug.so"), &group), STATUS_OK);
    assert_int_equal(map->objects.count, before + 2);
    assert_int_equal(linkmap_dlopen(&f->diag, map, 0, in(f, "plug.so"), &again), STATUS_OK);
    assert_int_equal(group, again);
    assert_null(linkmap_find(map, LINKMAP_NONE, "helper", NULL).object);
    assert_non_null(linkmap_find(map, group, "helper", NULL).object);
    assert_int_equal(linkmap_dlopen(&f->diag, map, 0, in(f, "absent.so"), &again), STATUS_FOUND);
    assert_int_equal(map->objects.count, before + 2);
    assert_int_equal(map->missing.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rpath_is_inherited_runpath_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_for_better_processors, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_passed_over_and_what_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(filters_come_before_the_filtered, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_library_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(another_root, setup, teardown),
        cmocka_unit_test_setup_teardown(bindings_of_small_programs, setup, teardown),
        cmocka_unit_test_setup_teardown(words_lead_to_functions, setup, teardown),
        cmocka_unit_test_setup_teardown(real_programs, setup, teardown),
        cmocka_unit_test_setup_teardown(library_as_program, setup, teardown),
        cmocka_unit_test_setup_teardown(musl_program, setup, teardown),
        cmocka_unit_test_setup_teardown(dlopen_binds_in_its_own_scope, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
