/* SPDX-License-Identifier: BSD-3-Clause
 * The builder against kconfig-conf, cpio and cores whose make fails in known ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "builder/private.h"
#include "common/csource.h"
#include "common/file.h"
#include "common/subprocess.h"

struct place {
    struct arena *a;
    struct diag d;
    char dir[64];
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    p->a = arena_new();
    diag_init(&p->d, -1);
    strcpy(p->dir, "/tmp/test_builder.XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    *state = p;
    return 0;
}

static struct subprocess run(struct place *p, const char *command)
{
    const char *const argv[] = {"sh", "-c", command, NULL};
    struct subprocess s = {.argv = argv, .directory = p->dir, .timeout_ms = 60000};
    assert_int_equal(subprocess_run(&p->d, p->a, &s), STATUS_OK);
    return s;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    run(p, arena_printf(p->a, "rm -rf %s", p->dir));
    arena_free(p->a);
    free(p);
    return 0;
}

static const char *in(struct place *p, const char *name)
{
    return arena_printf(p->a, "%s/%s", p->dir, name);
}

static void put(struct place *p, const char *name, const char *data)
{
    assert_int_equal(file_write(&p->d, in(p, name), data, strlen(data), 0), STATUS_OK);
}

static char *get(struct place *p, const char *name)
{
    char *data = NULL;
    size_t size;
    assert_int_equal(file_read(&p->d, p->a, in(p, name), 0, &data, &size), STATUS_OK);
    return data;
}

/* ---- cpio ---- */

static void archive_is_cpios_own(void **state)
{
    struct place *p = *state;
    struct cpio *c = cpio_new(p->a);
    size_t size;
    cpio_add(c, "bin", S_IFDIR | 0755, NULL, 0);
    cpio_add(c, "bin/a", S_IFREG | 0755, "four", 4);
    cpio_add(c, "bin/empty", S_IFREG | 0644, "", 0);
    cpio_time(c, 1700000000);
    cpio_add(c, "odd name", S_IFREG | 0600, "seven b", 7);
    const char *data = cpio_finish(c, &size);
    assert_int_equal(size % 4, 0);
    assert_int_equal(file_write(&p->d, in(p, "x.cpio"), data, size, 0), STATUS_OK);
    struct subprocess list = run(p, "cpio -t < x.cpio 2>/dev/null");
    assert_int_equal(list.exit_status, 0);
    assert_string_equal(list.out, "bin\nbin/a\nbin/empty\nodd name\n");
    assert_int_equal(run(p, "mkdir out && cd out && cpio -idm --quiet < ../x.cpio").exit_status, 0);
    assert_string_equal(get(p, "out/odd name"), "seven b");
    assert_string_equal(get(p, "out/bin/a"), "four");
    struct stat st;
    assert_int_equal(stat(in(p, "out/bin/a"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
    assert_int_equal(stat(in(p, "out/odd name"), &st), 0);
    assert_int_equal(st.st_mtime, 1700000000);
}

/* ---- sources ---- */

static void main_is_found_where_it_is_defined(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool expected;
    } cases[] = {
        {"int main(void) { return 0; }", true},
        {"int\nmain(int argc, char **argv)\n{\n}", true},
        {"main(argc, argv) int argc; char **argv; { }", false}, /* two declarations: not followed */
        {"int main(void);", false},
        {"extern int main(int, char **);\nint f(void) { return 1; }", false},
        {"/* int main(void) { } */", false},
        {"// int main(void) {\nint x;", false},
        {"const char *s = \"int main(void) { }\";", false},
        {"void f(void) { main(); }", false},
        {"struct main { int x; };", false},
        {"int domain(void) { return 0; }", false},
        {"#define START int main(void) {\nint x;", false},
        {"#define A \\\n int main(void) {\nint x;", false},
        {"auto main() -> int { }", true},
        {"char c = '\"'; int main() { }", true},
        {"int main(", false},
        {"", false},
        {"\"", false},
        {"/*", false},
        {"#", false},
        {"'\\", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (source_defines_main(cases[i].text, strlen(cases[i].text)) != cases[i].expected)
            fail_msg("%s", cases[i].text);
}

/* ---- .config and Kconfig ---- */

/* Lines that set something, and those that unset what can be set by hand. */
static const char *settings(struct place *p, const struct catalogue *c, const char *config)
{
    text t = {0};
    struct kconfig *k;
    assert_int_equal(kconfig_new(&p->d, p->a, c, &k), STATUS_OK);
    for (const char *line = config; *line;) {
        size_t n = strcspn(line, "\n");
        const char *copy = arena_strndup(p->a, line, n);
        char name[128];
        int option = -1;
        if (sscanf(copy, "# CONFIG_%127s is not set", name) == 1)
            option = kconfig_find(k, name);
        if (!strncmp(copy, "CONFIG_", 7) || (option >= 0 && kconfig_option(k, option)->visible))
            text_add(p->a, &t, "%s\n", copy);
        line += n + (line[n] == '\n');
    }
    vec_push(p->a, &t, '\0');
    return t.items;
}

/* A selection of an external library, so that its options take part. */
static void select_library(struct place *p, struct selection *s, const char *repository)
{
    vec_push(p->a, &s->libraries,
             ((struct selection_library){.name = repository, .repository = repository}));
}

static void set(struct place *p, struct selection *s, const char *option, const char *value)
{
    vec_push(p->a, &s->config, ((struct jm_pair){option, value}));
}

static void configuration_survives_kconfig_conf(void **state)
{
    struct place *p = *state;
    const char *const *names = catalogue_embedded_names();
    for (size_t i = 0; names[i]; i++) {
        struct catalogue c;
        assert_int_equal(catalogue_open(&p->d, p->a, names[i], &c), STATUS_OK);
        struct selection s = {.program = "x", .mode = "source"};
        struct profile profile = {.program = {.path = "/bin/x", .type = "dynamic-pie"}};
        struct build_result r;
        set(p, &s, "PLAT_KVM", "y");
        set(p, &s, "LIBVFSCORE", "y");
        set(p, &s, "LIBLWIP", "y");
        select_library(p, &s, "lib-lwip");
        enum status status =
            build(&p->d, p->a, &profile, &c, &s, &(struct builder_options){0}, in(p, names[i]), &r);
        if (status)
            fail_msg("%s: %s", names[i], p->d.message);
        const char *const files[] = {".config",   "Config.uk", "Kconfig",
                                     "Kraftfile", "Makefile",  "Makefile.uk"};
        assert_int_equal(r.files.count, 6);
        for (size_t f = 0; f < 6; f++)
            assert_string_equal(r.files.items[f], files[f]);
        const char *config = arena_printf(p->a, "%s/.config", names[i]);
        const char *before = settings(p, &c, get(p, config));
        assert_non_null(strstr(before, "CONFIG_LIBLWIP=y\n"));
        struct subprocess conf =
            run(p, arena_printf(p->a,
                                "cd %s && KCONFIG_CONFIG=.config kconfig-conf --olddefconfig "
                                "Kconfig",
                                names[i]));
        assert_int_equal(conf.exit_status, 0);
        assert_null(strstr(conf.err, "warning:"));
        assert_string_equal(settings(p, &c, get(p, config)), before);
        /* What does not take part is not there: the same bytes again, too. */
        assert_null(strstr(before, "CONFIG_LIBMUSL"));
        char *first = get(p, arena_printf(p->a, "%s/Kraftfile", names[i]));
        assert_int_equal(
            build(&p->d, p->a, &profile, &c, &s, &(struct builder_options){0}, in(p, names[i]), &r),
            STATUS_OK);
        assert_string_equal(get(p, arena_printf(p->a, "%s/Kraftfile", names[i])), first);
    }
}

static void contradictions_are_refused(void **state)
{
    struct place *p = *state;
    struct catalogue c;
    struct build_result r;
    struct profile profile = {.program = {.path = "/bin/x", .type = "dynamic-pie"}};
    struct builder_options none = {0};
    assert_int_equal(catalogue_open(&p->d, p->a, NULL, &c), STATUS_OK);
    struct selection unknown = {.program = "x", .mode = "source"};
    set(p, &unknown, "NO_SUCH_OPTION", "y");
    assert_int_equal(build(&p->d, p->a, &profile, &c, &unknown, &none, in(p, "a"), &r),
                     STATUS_INPUT);
    assert_non_null(strstr(p->d.message, "NO_SUCH_OPTION: no such option"));
    struct selection unmet = {.program = "x", .mode = "source"};
    set(p, &unmet, "KVM_VMM_QEMU", "y"); /* without its platform */
    assert_int_equal(build(&p->d, p->a, &profile, &c, &unmet, &none, in(p, "a"), &r), STATUS_INPUT);
    assert_non_null(strstr(p->d.message, "KVM_VMM_QEMU"));
    struct selection fits = {.program = "x", .mode = "binary"};
    profile.program.type = "static";
    assert_int_equal(build(&p->d, p->a, &profile, &c, &fits, &none, in(p, "a"), &r), STATUS_INPUT);
    assert_non_null(strstr(p->d.message, "-static-pie"));
    profile.program = (struct profile_program){"/bin/x", "aarch64", NULL, "static-pie", NULL, NULL};
    assert_int_equal(build(&p->d, p->a, &profile, &c, &fits, &none, in(p, "a"), &r), STATUS_INPUT);
    assert_non_null(strstr(p->d.message, "aarch64"));
    assert_false(file_exists(in(p, "a/.config")));
}

/* ---- failures of make ---- */

/* A catalogue of one library, and a core whose make says MESSAGE and fails. */
static enum status fail_with(struct place *p, const char *message, struct build_result *r)
{
    static const char catalogue[] =
        "{\"schema\": \"catalogue/1\", \"name\": \"tiny\", \"version\": \"1\", \"choices\": [],"
        " \"libraries\": [{\"name\": \"libvfs\", \"option\": \"LIBVFS\", \"repository\": \"tiny\", "
        "\"kind\": \"library\","
        "   \"path\": \"lib/vfs\", \"symbols\": [\"mkdir\", \"open\"]}], \"syscalls\": [],"
        " \"options\": [{\"name\": \"LIBVFS\", \"type\": \"bool\", \"visible\": \"y\"},"
        "   {\"name\": \"GONE\", \"type\": \"bool\", \"visible\": \"y\"},"
        "   {\"name\": \"NEEDY\", \"type\": \"bool\", \"visible\": \"y\"}]}";
    run(p, "rm -rf core app src && mkdir -p core/lib/vfs/include src");
    put(p, "core/lib/vfs/include/vfs.h", "");
    put(p, "core/Config.uk", "config LIBVFS\n\tbool \"x\"\n menuconfig  NEEDY\n");
    put(p, "core/version.mk", "UK_VERSION = 1\n");
    put(p, "core/message", message);
    put(p, "core/Makefile",
        "olddefconfig:\n\t@if [ -f config ]; then cp config $(C); fi\n"
        "all:\n\t@cat message >&2; cat >/dev/null; exit 2\n");
    put(p, "tiny.json", catalogue);
    put(p, "src/x.c", "int main(void) { return 0; }\n");
    struct catalogue c;
    if (catalogue_open(&p->d, p->a, in(p, "tiny.json"), &c))
        fail_msg("%s", p->d.message);
    struct selection s = {.program = "x", .mode = "source"};
    struct profile profile = {.program = {.path = "/bin/x", .type = "dynamic-pie"}};
    struct builder_options options = {.uk_root = in(p, "core"), .source_dir = in(p, "src")};
    if (!*message) {
        set(p, &s, "LIBVFS", "y");
        set(p, &s, "GONE", "y");
        set(p, &s, "NEEDY", "y");
        put(p, "core/config", "CONFIG_LIBVFS=y\n");
    }
    return build(&p->d, p->a, &profile, &c, &s, &options, in(p, "app"), r);
}

static void failures_are_explained(void **state)
{
    struct place *p = *state;
    static const struct {
        const char *message;
        enum status status;
        const char *said[2];
    } cases[] = {
        {"/usr/bin/ld: o/x.o: in function `main':\n/s/x.c:9: undefined reference to `mkdir'\n"
         "/usr/bin/ld: /s/x.c:10: undefined reference to `mkdir'\n"
         "/s/x.c:10: undefined reference to `frobnicate'\ncollect2: error: ld returned 1 exit "
         "status\n",
         STATUS_FOUND,
         {"/s/x.c:9: undefined reference to `mkdir' (and 1 more symbols)",
          "exported by libvfs (LIBVFS): select it"}},
        {"x.c:1: undefined reference to \xe2\x80\x98zork\xe2\x80\x99\n",
         STATUS_FOUND,
         {"no micro-library of catalogue tiny 1 exports 'zork'", NULL}},
        {"x.c:3:10: fatal error: vfs.h: No such file or directory\ncompilation terminated.\n",
         STATUS_FOUND,
         {"x.c:3:10: fatal error: vfs.h", "libvfs (LIBVFS)"}},
        {"x.c:3:10: fatal error: other.h: No such file or directory\n",
         STATUS_FOUND,
         {"other.h", "no micro-library at hand has this header"}},
        {"/bin/sh: 1: bison: not found\nmake[2]: *** [Makefile:3: x] Error 127\n",
         STATUS_SYSTEM,
         {"the build needs bison", "apt-get install bison"}},
        {"make: flex: No such file or directory\n", STATUS_SYSTEM, {"the build needs flex", NULL}},
        {"Makefile:7: *** Please choose at least one target platform in the configuration!.  "
         "Stop.\n",
         STATUS_SYSTEM,
         {"pin PLAT_KVM", NULL}},
        {"Makefile:7: *** Require GCC version >= 7.0 found 4.9.  Stop.\n",
         STATUS_SYSTEM,
         {"Require GCC version", "newer gcc"}},
        {"x.c:5:1: error: unknown type name 'foo'\nx.c:6: error: other\n",
         STATUS_SYSTEM,
         {"x.c:5:1: error: unknown type name 'foo'", "make.log"}},
        {"  WGET    liblwip: https://example.org/a/lwip-2.zip\nunzip:  cannot find or open it\n",
         STATUS_SYSTEM,
         {"liblwip: its sources could not be downloaded from https://example.org/a/lwip-2.zip",
          "/archives"}},
        {"\n", STATUS_SYSTEM, {"Error 2", "make.log"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct build_result r;
        enum status status = fail_with(p, cases[i].message, &r);
        for (size_t k = 0; k < 2 && cases[i].said[k]; k++)
            if (!strstr(p->d.message, cases[i].said[k]))
                fail_msg("'%s' does not say '%s'", p->d.message, cases[i].said[k]);
        assert_int_equal(status, cases[i].status);
        assert_string_equal(r.reason, p->d.message);
        assert_int_equal(r.undefined.count, i == 0 ? 2 : i == 1 ? 1 : 0);
    }
}

static void dropped_options_are_named(void **state)
{
    struct place *p = *state;
    struct build_result r;
    assert_int_equal(fail_with(p, "", &r), STATUS_FOUND);
    assert_int_equal(r.dropped.count, 2);
    assert_non_null(strstr(r.dropped.items[0], "GONE=y: this tree"));
    assert_non_null(strstr(r.dropped.items[0], "has no such option"));
    assert_non_null(strstr(r.dropped.items[1], "NEEDY=y: "));
    assert_non_null(strstr(r.dropped.items[1], "unmet dependency"));
    assert_non_null(strstr(p->d.message, "2 options"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(archive_is_cpios_own, set_up, tear_down),
        cmocka_unit_test(main_is_found_where_it_is_defined),
        cmocka_unit_test_setup_teardown(configuration_survives_kconfig_conf, set_up, tear_down),
        cmocka_unit_test_setup_teardown(contradictions_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_are_explained, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dropped_options_are_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
