/* SPDX-License-Identifier: BSD-3-Clause
 * ELF objects against readelf; what is refused, and how; damaged files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/ldso_cache.h"
#include "analyzer/linkmap.h"
#include "common/file.h"
#include "tests/unit/elf_fixture.h"
#include <elf.h>
#include <sys/stat.h>
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

static struct elf_object *open_loaded(struct fixture *f, const char *path)
{
    struct elf_object *o;
    if (elf_object_open(&f->diag, f->arena, path, &o) || elf_object_load(&f->diag, o))
        fail_msg("%s", f->diag.message);
    return o;
}

/* ---- the same as readelf sees ---- */

static const char *versioned(struct fixture *f, const struct elf_object *o,
                             const struct elf_symbol *s)
{
    if (!s->version)
        return s->name;
    const struct elf_relocation *r = elf_relocation_at(o, s->value);
    bool copied = r && r->kind == RELOC_COPY; /* the version is the original's */
    bool plain = s->section == SHN_UNDEF || s->hidden || copied;
    return arena_printf(f->arena, "%s%s%s", s->name, plain ? "@" : "@@", s->version);
}

static void check_symbols(struct fixture *f, const char *path)
{
    const struct elf_object *o = open_loaded(f, path);
    strings expected = {0}, ours = {0};
    strings lines = lines_of(
        f->arena, arena_printf(f->arena, "readelf --dyn-syms -W '%s' | grep '^ *[0-9]*: '", path));
    vec_each (line, &lines) {
        unsigned n;
        unsigned long value;
        char name[4096] = "";
        sscanf(*line, "%u: %lx %*s %*s %*s %*s %*s %4095s", &n, &value, name);
        vec_push(f->arena, &expected, arena_printf(f->arena, "%u %lx %s", n, value, name));
    }
    for (size_t n = 0; n < o->symbols.count; n++) {
        const struct elf_symbol *s = &o->symbols.items[n];
        /* readelf gives the symbol that stands for a version itself no version */
        bool version = s->section == SHN_ABS && s->version && !strcmp(s->name, s->version);
        const char *name = version ? s->name : versioned(f, o, s);
        vec_push(f->arena, &ours, arena_printf(f->arena, "%zu %lx %s", n, s->value, name));
    }
    assert_true(ours.count > 1);
    assert_same_lines(path, &expected, &ours);
}

static void check_relocations(struct fixture *f, const char *path)
{
    const struct elf_object *o = open_loaded(f, path);
    strings expected = {0}, ours = {0};
    strings lines = lines_of(
        f->arena, arena_printf(f->arena, "readelf -rW '%s' | grep '^[0-9a-f]\\{16\\}'", path));
    vec_each (line, &lines) {
        unsigned long address;
        char kind[64] = "";
        if (sscanf(*line, "%lx %*x %63s", &address, kind) == 2 && !strncmp(kind, "R_", 2))
            vec_push(f->arena, &expected, arena_printf(f->arena, "%016lx", address));
        else if (sscanf(*line, "%lx", &address) == 1) /* DT_RELR is listed as addresses alone */
            vec_push(f->arena, &expected, arena_printf(f->arena, "%016lx", address));
    }
    vec_each (r, &o->relocations)
        vec_push(f->arena, &ours, arena_printf(f->arena, "%016lx", r->address));
    vec_sort(&expected, by_text);
    assert_same_lines(path, &expected, &ours);
}

static void as_readelf_sees(void **state)
{
    static const char *const paths[] = {
        "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2",
        "/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/bin/env", "/usr/bin/bash"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        check_symbols(f, paths[i]);
        check_relocations(f, paths[i]);
    }
}

static void facts_of_programs(void **state)
{
    struct fixture *f = *state;
    build(f->arena, f->folder,
          "echo 'int main(void){return 0;}' > m.c\n"
          "cc -o dyn m.c -Wl,--build-id=0x0102abcd\ncc -no-pie -o nopie m.c\n"
          "cc -static -o static m.c\ncc -static-pie -o staticpie m.c\n"
          "cc -shared -o shared.so m.c -Wl,-soname,named.so -Wl,-z,now -Wl,-Bsymbolic\n");
    static const struct {
        const char *name;
        enum elf_kind kind;
    } kinds[] = {{"dyn", ELF_DYNAMIC_PIE},
                 {"nopie", ELF_DYNAMIC},
                 {"static", ELF_STATIC},
                 {"staticpie", ELF_STATIC_PIE},
                 {"shared.so", ELF_SHARED}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_int_equal(open_loaded(f, in(f, kinds[i].name))->kind, kinds[i].kind);
    const struct elf_object *o = open_loaded(f, in(f, "dyn"));
    assert_string_equal(o->build_id, "0102abcd");
    assert_string_equal(o->interpreter, "/lib64/ld-linux-x86-64.so.2");
    assert_string_equal(o->needed.items[0], "libc.so.6");
    assert_true(elf_executable_at(o, o->entry));
    assert_string_equal(elf_nearest(o, o->entry)->name, "_start");
    assert_true(o->eh_frame.size > 0);
    o = open_loaded(f, in(f, "shared.so"));
    assert_string_equal(o->name, "named.so");
    assert_true(o->symbolic && o->bind_now);
    assert_null(o->interpreter);
    o = open_loaded(f, in(f, "static"));
    size_t resolvers = 0;
    vec_each (r, &o->relocations)
        resolvers += r->kind == RELOC_IRELATIVE;
    assert_true(resolvers > 10);
}

static void *read_whole(struct fixture *f, const char *path, size_t *size)
{
    char *data;
    if (file_read(&f->diag, f->arena, path, 0, &data, size))
        fail_msg("%s", f->diag.message);
    return data;
}

/* Without section headers everything that runs is still found. */
static void without_section_headers(void **state)
{
    struct fixture *f = *state;
    build(f->arena, f->folder, "echo 'int main(void){return 0;}' | cc -static -o static -x c -");
    const char *paths[] = {"/lib/x86_64-linux-gnu/libc.so.6", "/usr/bin/env", in(f, "static")};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct elf_object *whole = open_loaded(f, paths[i]);
        size_t size;
        unsigned char *data = read_whole(f, paths[i], &size);
        memset(data + offsetof(Elf64_Ehdr, e_shoff), 0, 8);
        memset(data + offsetof(Elf64_Ehdr, e_shnum), 0, 4);
        struct elf_object *bare;
        assert_int_equal(elf_object_from_memory(&f->diag, f->arena, data, size, "bare", &bare),
                         STATUS_OK);
        assert_int_equal(elf_object_load(&f->diag, bare), STATUS_OK);
        assert_int_equal(bare->sections.count, 0);
        assert_int_equal(bare->symbols.count, whole->symbols.count);
        assert_int_equal(bare->relocations.count, whole->relocations.count);
        assert_int_equal(bare->eh_frame.address, whole->eh_frame.address);
        assert_int_equal(bare->kind, whole->kind);
        assert_string_equal(bare->build_id, whole->build_id);
    }
}

static void vdso_is_an_object(void **state)
{
    struct fixture *f = *state;
    struct linkmap *map;
    const struct linkmap_options options = {.load = true};
    assert_int_equal(linkmap_build(&f->diag, f->arena, "/usr/bin/env", &options, &map), STATUS_OK);
    if (!map->vdso) { /* a kernel may be told to give none: vdso=0 */
        assert_int_equal(lines_of(f->arena, "grep vdso /proc/self/maps").count, 0);
        return;
    }
    assert_true(elf_defines(map->vdso, "__vdso_clock_gettime"));
    assert_int_equal(map->vdso->symbols.items[0].section, SHN_UNDEF);
}

static void dlopen_notes_are_read(void **state)
{
    struct fixture *f = *state;
    build(f->arena, f->folder,
          "cat > n.s <<'E'\n.section .note.GNU-stack,\"\",@progbits\n.section "
          ".note.dlopen,\"a\",@note\n.align 4\n"
          ".long 2f-1f, 4f-3f, 0x407c0c0a\n1: .asciz \"FDO\"\n2: .align 4\n3: .asciz "
          "\"[{\\\"soname\\\":[\\\"libz.so.1\\\",\\\"libz.so\\\"],\\\"feature\\\":\\\"zip\\\","
          "\\\"priority\\\":\\\"suggested\\\"}]\"\n4: .align 4\nE\n"
          "cc -shared -o noted.so n.s\n");
    const struct elf_object *o = open_loaded(f, in(f, "noted.so"));
    assert_int_equal(o->dlopen_notes.count, 1);
    assert_int_equal(o->dlopen_notes.items[0].sonames.count, 2);
    assert_string_equal(o->dlopen_notes.items[0].sonames.items[1], "libz.so");
    assert_string_equal(o->dlopen_notes.items[0].feature, "zip");
    assert_string_equal(o->dlopen_notes.items[0].priority, "suggested");
}

/* ---- refusals ---- */

static void check_refusal(struct fixture *f, const char *path, const char *expected)
{
    struct elf_object *o;
    assert_int_equal(elf_object_open(&f->diag, f->arena, path, &o), STATUS_INPUT);
    if (!strstr(f->diag.message, expected) || !strstr(f->diag.message, path))
        fail_msg("\"%s\" was expected, \"%s\" found", expected, f->diag.message);
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *make, *expected;
    } cases[] = {
        {": > x", "the file is empty"},
        {"printf '#!/bin/sh -e\\n' > x", "a script, run by /bin/sh"},
        {"printf '#! /usr/bin/env -S A=b sh -x\\n' > x", "bin/sh"},
        {"printf '#!\\n' > x", "without an interpreter"},
        {"echo hello > x", "a text file"},
        {"printf '\\001\\002\\003\\004' > x", "7f 45 4c 46"},
        {"printf '!<arch>\\n' > x", "an archive"},
        {"printf '\\177ELF\\002\\001\\001' > x", "truncated: the ELF header takes 64 bytes"},
        {"head -c 63 /usr/bin/env > x", "truncated: the ELF header takes 64 bytes"},
        {"head -c 200 /usr/bin/env > x", "program headers at offset 0x40"},
        {"head -c 20000 /usr/bin/env > x", "truncated or damaged: program header"},
        {"mkdir x", "a folder"},
        {"mkfifo x", "not a regular file"},
        {"echo 'int x;' | cc -c -o x -x c -", "a relocatable object file"},
        {"cp /usr/bin/env x; printf '\\004' | dd of=x bs=1 seek=16 conv=notrunc status=none",
         "a core dump"},
        {"cp /usr/bin/env x; printf '\\001' | dd of=x bs=1 seek=4 conv=notrunc status=none",
         "a 32-bit ELF file"},
        {"cp /usr/bin/env x; printf '\\002' | dd of=x bs=1 seek=5 conv=notrunc status=none",
         "a big-endian ELF file"},
        {"cp /usr/bin/env x; printf '\\363' | dd of=x bs=1 seek=18 conv=notrunc status=none",
         "another architecture (RISC-V)"},
        {"cp /usr/bin/env x; printf '\\001' | dd of=x bs=1 seek=54 conv=notrunc status=none",
         "offset 54: program header size 56"},
        {"true", "No such file"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        build(f->arena, f->folder, arena_printf(f->arena, "rm -rf x\n%s", cases[i].make));
        check_refusal(f, in(f, "x"), cases[i].expected);
    }
}

static void missing_interpreter_is_named(void **state)
{
    struct fixture *f = *state;
    build(f->arena, f->folder,
          "echo 'int main(void){return 0;}' | cc -o x -x c - -Wl,-dynamic-linker,/no/such/ld.so");
    struct linkmap *map;
    const struct linkmap_options options = {0};
    assert_int_equal(linkmap_build(&f->diag, f->arena, in(f, "x"), &options, &map), STATUS_INPUT);
    assert_non_null(strstr(f->diag.message, "dynamic linker /no/such/ld.so cannot be read"));
}

/* ---- damage ---- */

static uint64_t next(uint64_t *seed) /* splitmix64: the same run every time */
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* The parts of a file that describe it, where a changed byte is most likely to matter. */
static uint64_t interesting(const struct elf_object *o, uint64_t *seed)
{
    const struct elf_section *s;
    switch (next(seed) % 4) {
    case 0:
        return next(seed) % 1024;
    case 1:
        s = o->sections.count ? &o->sections.items[next(seed) % o->sections.count] : NULL;
        return s && s->size && s->type != SHT_NOBITS ? s->offset + next(seed) % s->size
                                                     : next(seed) % o->size;
    case 2:
        vec_each (h, &o->other_headers)
            if (h->type == PT_DYNAMIC && h->filesz)
                return h->offset + next(seed) % h->filesz;
        return next(seed) % o->size;
    default:
        return next(seed) % o->size;
    }
}

static void exercise(struct arena *a, struct diag *d, const void *data, size_t size)
{
    struct elf_object *o;
    if (elf_object_from_memory(d, a, data, size, "damaged", &o)) {
        assert_non_null(strstr(d->message, "damaged: "));
        return;
    }
    elf_defines(o, "malloc");
    elf_defines(o, "main");
    if (elf_object_load(d, o))
        return;
    elf_nearest(o, o->entry);
    uint64_t value;
    elf_word(o, o->entry, 8, &value);
    vec_each (r, &o->relocations)
        elf_word(o, r->address, 8, &value);
}

static void damaged_files(void **state)
{
    struct fixture *f = *state;
    build(f->arena, f->folder,
          "printf 'int puts(const char*);int x;int main(void){return puts(\"a\")+x;}' > m.c\n"
          "cc -o dyn m.c\ncc -shared -fPIC -Wl,--hash-style=sysv -o lib.so m.c\n"
          "printf 'int a,*b[]={&a,&a,&a};int main(void){return *b[1];}' > r.c\n"
          "cc -pie -Wl,-z,pack-relative-relocs -o packed r.c\n");
    const char *paths[] = {in(f, "dyn"), in(f, "lib.so"), in(f, "packed"),
                           "/lib64/ld-linux-x86-64.so.2"};
    uint64_t seed = 1;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct elf_object *o = open_loaded(f, paths[i]);
        size_t size;
        unsigned char *good = read_whole(f, paths[i], &size);
        for (int round = 0; round < 1500; round++) {
            struct arena *a = arena_new();
            size_t length = round % 4 ? size : 1 + next(&seed) % size;
            /* An exact heap copy, so that the sanitizer sees a byte too far. */
            unsigned char *bad = malloc(length);
            memcpy(bad, good, length);
            for (uint64_t k = next(&seed) % 8; round % 4 && k-- > 0;) {
                static const unsigned char values[] = {0x00, 0xff, 0x7f, 0x80, 0x01};
                uint64_t at = interesting(o, &seed);
                if (at < length)
                    bad[at] = k % 2 ? (unsigned char)next(&seed) : values[next(&seed) % 5];
            }
            exercise(a, &f->diag, bad, length);
            arena_free(a);
            free(bad);
        }
    }
}

/* Section names said to lie far outside: the program still runs, and is still read. */
static void section_names_far_away(void **state)
{
    struct fixture *f = *state;
    size_t size;
    unsigned char *data = read_whole(f, "/usr/bin/env", &size);
    Elf64_Ehdr h;
    memcpy(&h, data, sizeof h);
    memset(data + h.e_shoff + h.e_shstrndx * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_offset),
           0xee, 8);
    struct elf_object *o;
    assert_int_equal(elf_object_from_memory(&f->diag, f->arena, data, size, "odd", &o), STATUS_OK);
    assert_int_equal(elf_object_load(&f->diag, o), STATUS_OK);
    assert_null(elf_section_named(o, ".text"));
    assert_true(o->symbols.count > 1);
}

static const strings *no_hwcaps(void *context)
{
    static const strings none;
    (void)context;
    return &none;
}

static void damaged_cache(void **state)
{
    struct fixture *f = *state;
    size_t size;
    unsigned char *good = read_whole(f, "/etc/ld.so.cache", &size);
    const struct ldso_cache *cache = ldso_cache_parse(f->arena, good, size);
    assert_non_null(cache);
    assert_non_null(ldso_cache_find(cache, "libc.so.6", no_hwcaps, NULL, EM_X86_64));
    assert_null(ldso_cache_find(cache, "libc.so.6x", no_hwcaps, NULL, EM_X86_64));
    uint64_t seed = 2;
    for (int round = 0; round < 300; round++) {
        struct arena *a = arena_new();
        size_t length = round % 3 ? size : next(&seed) % size;
        unsigned char *bad = malloc(length + 1);
        memcpy(bad, good, length);
        for (int k = 0; k < 40 && length; k++)
            bad[next(&seed) % (k % 2 && length > 64 ? 64 : length)] = (unsigned char)next(&seed);
        if (round % 2)
            memcpy(bad, good, length < 20 ? length : 20);
        cache = ldso_cache_parse(a, bad, length);
        if (cache)
            ldso_cache_find(cache, "libc.so.6", no_hwcaps, NULL, EM_X86_64);
        arena_free(a);
        free(bad);
    }
}

static const strings *listed_hwcaps(void *context)
{
    return context;
}

/* Entries for better processors, in a cache that ldconfig makes here. */
static void cache_with_hwcaps(void **state)
{
    struct fixture *f = *state;
    build(f->arena, f->folder,
          "for d in . glibc-hwcaps/x86-64-v2 glibc-hwcaps/x86-64-v3; do mkdir -p l/$d\n"
          "cc -shared -o l/$d/libcap.so.1 -Wl,-soname,libcap.so.1 -x c /dev/null; done\n"
          "echo $PWD/l > conf; /sbin/ldconfig -X -i -C $PWD/cache -f $PWD/conf");
    size_t size;
    const void *data = read_whole(f, in(f, "cache"), &size);
    const struct ldso_cache *cache = ldso_cache_parse(f->arena, data, size);
    assert_non_null(cache);
    static const struct {
        const char *names[3], *expected;
    } cases[] = {
        {{NULL}, "l/libcap.so.1"},
        {{"x86-64-v2"}, "l/glibc-hwcaps/x86-64-v2/libcap.so.1"},
        {{"x86-64-v3", "x86-64-v2"}, "l/glibc-hwcaps/x86-64-v3/libcap.so.1"},
        {{"x86-64-v4"}, "l/libcap.so.1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        strings supported = {0};
        for (const char *const *name = cases[i].names; *name; name++)
            vec_push(f->arena, &supported, *name);
        assert_string_equal(
            ldso_cache_find(cache, "libcap.so.1", listed_hwcaps, &supported, EM_X86_64),
            in(f, cases[i].expected));
    }
}

/* Every name in the cache is found where ldconfig says. */
static void cache_as_ldconfig_prints_it(void **state)
{
    struct fixture *f = *state;
    size_t size;
    const void *data = read_whole(f, "/etc/ld.so.cache", &size);
    const struct ldso_cache *cache = ldso_cache_parse(f->arena, data, size);
    strings seen = {0};
    strings lines = lines_of(f->arena, "/sbin/ldconfig -p | grep '(libc6,x86-64) => '");
    assert_true(lines.count > 10);
    vec_each (line, &lines) {
        const char *name = *line + strspn(*line, "\t");
        name = arena_strndup(f->arena, name, strcspn(name, " "));
        if (seen.count && !strcmp(seen.items[seen.count - 1], name))
            continue; /* only the first of a name counts */
        vec_push(f->arena, &seen, name);
        const char *found = ldso_cache_find(cache, name, no_hwcaps, NULL, EM_X86_64);
        assert_non_null(found);
        assert_string_equal(found, strstr(*line, "=> ") + 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_readelf_sees, setup, teardown),
        cmocka_unit_test_setup_teardown(facts_of_programs, setup, teardown),
        cmocka_unit_test_setup_teardown(without_section_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(vdso_is_an_object, setup, teardown),
        cmocka_unit_test_setup_teardown(dlopen_notes_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_interpreter_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_files, setup, teardown),
        cmocka_unit_test_setup_teardown(section_names_far_away, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_cache, setup, teardown),
        cmocka_unit_test_setup_teardown(cache_with_hwcaps, setup, teardown),
        cmocka_unit_test_setup_teardown(cache_as_ldconfig_prints_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
