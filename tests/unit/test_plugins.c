/* SPDX-License-Identifier: BSD-3-Clause
 * Plug-in discovery in a small root folder of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/plugins.h"
#include "tests/unit/elf_fixture.h"

struct fixture {
    struct arena *arena;
    struct diag diag;
    const char *folder;
    struct linkmap *map;
    plugin_facts facts;
    plugin_candidates found;
};

static const char root_files[] =
    "L=lib/x86_64-linux-gnu; so() { mkdir -p $(dirname $1); echo 'int x;' | cc -shared -o $1 -x c "
    "- "
    "-x none $2; }\n"
    "mkdir -p $L lib64 etc/pam.d usr/lib/app/deep\n"
    "cp /$L/libc.so.6 $L/; cp /lib64/ld-linux-x86-64.so.2 lib64/\n"
    "so $L/libnss_alpha.so.2; so $L/libnss_beta.so.2; so $L/libnss_dns.so.2\n"
    "printf '# comment\\npasswd:  files alpha [NOTFOUND=return] beta # more\\nhosts: files dns\\n' "
    "> etc/nsswitch.conf\n"
    "so usr/lib/app/b.so; so usr/lib/app/a.so; so usr/lib/app/deep/c.so; echo x > "
    "usr/lib/app/bad.so\n"
    "so $L/libconst.so.1; so $L/libnoted.so.3\n"
    "so $L/security/pam_one.so; so $L/security/pam_two.so\n"
    "printf 'auth required pam_one.so arg\\n@include other\\n#x y pam_two.so\\n' > "
    "etc/pam.d/login\n"
    "printf 'const char *p = \"/%s/security/\"; int pam_start(void){return *p;}' $L | "
    "cc -shared -fPIC -o $L/libpam.so.0 -Wl,-soname,libpam.so.0 -x c -\n"
    "cat > main.c <<'E'\n"
    "const char *a = \"/usr/lib/app/%s.so\", *b = \"/usr/lib\", *c = \"/etc/pam.d\";\n"
    "const char *d = \"libnone.so.3:libconst.so.1\", *e = \"libnoted.so.3 is not a list\";\n"
    "int pam_start(void); int main(void){return pam_start();}\n"
    "__asm__(\".section .note.dlopen,\\\"a\\\",@note\\n.long 4, 2f-1f, 0x407c0c0a\\n"
    ".asciz \\\"FDO\\\"\\n1: .ascii \\\"[{\\\\\\\"soname\\\\\\\":[\\\\\\\"libnone.so\\\\\\\","
    "\\\\\\\"libnoted.so.3\\\\\\\"],\\\\\\\"feature\\\\\\\":\\\\\\\"notes\\\\\\\"}]\\\"\\n"
    "2: .align 4\\n.text\");\n"
    "E\ncc -o main main.c $L/libpam.so.0\n";

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    f.arena = arena_new();
    diag_init(&f.diag, -1);
    f.folder = fixture_folder(f.arena);
    build(f.arena, f.folder, root_files);
    const struct linkmap_options options = {.root = f.folder, .load = true};
    if (linkmap_build(&f.diag, f.arena, arena_printf(f.arena, "%s/main", f.folder), &options,
                      &f.map))
        fail_msg("%s", f.diag.message);
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

static size_t object(const struct fixture *f, const char *soname)
{
    for (size_t i = 0; i < f->map->initial; i++)
        if (!strcmp(f->map->objects.items[i].soname, soname))
            return i;
    fail_msg("%s is not in the link map", soname);
    return 0;
}

static void fact(struct fixture *f, enum plugin_fact_kind kind, const char *soname,
                 const char *name)
{
    vec_push(f->arena, &f->facts, ((struct plugin_fact){kind, object(f, soname), 0x1234, name}));
}

static void expect(struct fixture *f, const char *const *paths, size_t count)
{
    strings expected = {0}, ours = {0}, user = {0};
    assert_int_equal(plugins_find(&f->diag, f->map, &user, &f->facts, &f->found), STATUS_OK);
    size_t before = f->found.count;
    assert_int_equal(plugins_find(&f->diag, f->map, &user, &f->facts, &f->found), STATUS_OK);
    assert_int_equal(f->found.count, before); /* asking again finds nothing new */
    for (size_t i = 0; i < count; i++)
        vec_push(f->arena, &expected, paths[i]);
    vec_each (c, &f->found)
        vec_push(f->arena, &ours, c->path);
    assert_same_lines("plug-ins", &expected, &ours);
}

#define EXPECT(f, ...)                                                                             \
    do {                                                                                           \
        static const char *const paths[] = {__VA_ARGS__};                                          \
        expect((f), paths, sizeof paths / sizeof paths[0]);                                        \
    } while (0)

static void name_services_per_database(void **state)
{
    struct fixture *f = *state;
    assert_true(plugins_ask_about("getpwnam_r"));
    assert_false(plugins_ask_about("getpid"));
    fact(f, FACT_REACHED, "libc.so.6", "getaddrinfo"); /* files and dns are built in */
    fact(f, FACT_REACHED, "main", "getpwd");           /* not the C library's */
    expect(f, NULL, 0);
    fact(f, FACT_REACHED, "libc.so.6", "getpwnam");
    EXPECT(f, "/lib/x86_64-linux-gnu/libnss_alpha.so.2", "/lib/x86_64-linux-gnu/libnss_beta.so.2");
    assert_string_equal(f->found.items[0].reason, "NSS service \"alpha\" of database \"passwd\"");
}

static void folders_named_in_data(void **state)
{
    struct fixture *f = *state;
    fact(f, FACT_DLOPEN, "main", NULL);
    /* and what the program's note declares: the first alternative that is there */
    EXPECT(f, "/lib/x86_64-linux-gnu/libnoted.so.3", "/usr/lib/app/a.so", "/usr/lib/app/b.so",
           "/usr/lib/app/deep/c.so", "/lib/x86_64-linux-gnu/libconst.so.1");
    assert_non_null(strstr(f->found.items[0].reason, "noted in main for notes"));
    assert_string_equal(f->found.items[1].reason, "module in /usr/lib/app, a folder named in main");
    assert_int_equal(f->found.items[1].groups.count, 1);
}

static void constant_names(void **state)
{
    struct fixture *f = *state;
    fact(f, FACT_DLOPEN, "libc.so.6", "libconst.so.1");
    fact(f, FACT_DLOPEN, "libc.so.6", "libpam.so.0");  /* there already */
    fact(f, FACT_DLOPEN, "libc.so.6", "libabsent.so"); /* nowhere */
    EXPECT(f, "/lib/x86_64-linux-gnu/libconst.so.1");
    assert_string_equal(f->found.items[0].reason,
                        "dlopen(\"libconst.so.1\") in libc.so.6 at 0x1234");
}

/* What brings very much code is told, not analysed; unless the user names it. */
static void large_plugins_are_left_out(void **state)
{
    struct fixture *f = *state;
    build(f->arena, f->folder,
          "printf '.section .note.GNU-stack,\"\",@progbits\n.text\n.zero 34000000\n' > big.s\n"
          "cc -shared -nostdlib -o lib/x86_64-linux-gnu/libbig.so big.s");
    size_t objects = f->map->objects.count;
    fact(f, FACT_DLOPEN, "libc.so.6", "libbig.so");
    EXPECT(f, "libbig.so");
    assert_non_null(strstr(f->found.items[0].left_out, "more than 32 MiB of code"));
    assert_int_equal(f->found.items[0].groups.count, 0);
    assert_int_equal(f->map->objects.count, objects);
    size_t group; /* as when the user names it */
    assert_int_equal(linkmap_dlopen(&f->diag, f->map, 0, "libbig.so", &group), STATUS_OK);
}

static void pam_modules(void **state)
{
    struct fixture *f = *state;
    fact(f, FACT_REACHED, "libpam.so.0", "pam_start");
    EXPECT(f, "/lib/x86_64-linux-gnu/security/pam_one.so");
    assert_string_equal(f->found.items[0].reason, "PAM module named in /etc/pam.d/login");
}

static void named_by_the_user(void **state)
{
    struct fixture *f = *state;
    strings user = {0};
    const struct linkmap_options options = {.load = true};
    struct linkmap *map;
    assert_int_equal(linkmap_build(&f->diag, f->arena, "/usr/bin/env", &options, &map), STATUS_OK);
    vec_push(f->arena, &user, arena_printf(f->arena, "%s/usr/lib/app/deep", f->folder));
    assert_int_equal(plugins_find(&f->diag, map, &user, &f->facts, &f->found), STATUS_OK);
    assert_int_equal(f->found.count, 1);
    assert_string_equal(f->found.items[0].reason, "named with --plugin");
    user.items[0] = arena_printf(f->arena, "%s/usr/lib/app/bad.so", f->folder);
    assert_int_equal(plugins_find(&f->diag, map, &user, &f->facts, &f->found), STATUS_INPUT);
    assert_non_null(strstr(f->diag.message, "bad.so: a text file"));
    user.items[0] = arena_printf(f->arena, "%s/etc", f->folder);
    assert_int_equal(plugins_find(&f->diag, map, &user, &f->facts, &f->found), STATUS_INPUT);
    assert_non_null(strstr(f->diag.message, "holds no shared objects"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(name_services_per_database, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_named_in_data, setup, teardown),
        cmocka_unit_test_setup_teardown(constant_names, setup, teardown),
        cmocka_unit_test_setup_teardown(large_plugins_are_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(pam_modules, setup, teardown),
        cmocka_unit_test_setup_teardown(named_by_the_user, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
