/* SPDX-License-Identifier: BSD-3-Clause
 * Running the tree's make, finding the images, and the line that runs them. */
#include "builder/private.h"
#include "common/file.h"
#include "common/runner.h"
#include "common/subprocess.h"
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_ARCHIVES = 32,
    MAKE_MS = 3600 * 1000,
    MAKE_OUTPUT = 64 << 20,
    LINE = 160,
    MACHINE_MIB = 128
};

const char *job_log_path(struct job *j)
{
    return arena_printf(j->a, "%s/build/make.log", j->app_dir);
}

void job_log(struct job *j, const struct subprocess *p)
{
    struct diag quiet;
    diag_init(&quiet, -1);
    const char *both = arena_printf(j->a, "%s%s", p->out, p->err);
    (void)file_write(&quiet, job_log_path(j), both, strlen(both), 0);
}

/* Shows each step ("  CC  libx: file.o") as it comes. */
struct watcher {
    struct diag *d;
    size_t steps, used;
    char line[LINE];
};

static void on_output(void *context, int stream, const char *data, size_t size)
{
    struct watcher *w = context;
    for (size_t i = 0; stream == 1 && i < size; i++) {
        if (data[i] != '\n') {
            if (w->used + 1 < sizeof w->line)
                w->line[w->used++] = data[i] == '\t' ? ' ' : data[i];
            continue;
        }
        w->line[w->used] = '\0';
        w->used = 0;
        if (strncmp(w->line, "  ", 2) == 0)
            w->steps++;
        if (strncmp(w->line, "  ", 2) == 0)
            diag_progress(w->d, w->steps, 0, "making:%s", w->line);
    }
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* An image is an executable with a .dbg twin; its name begins with the program's. What another
 * program left in the folder is none. */
static void find_images(struct job *j)
{
    const char *name = arena_printf(j->a, "%s_", j->name);
    const char *folder = arena_printf(j->a, "%s/build", j->app_dir);
    DIR *handle = opendir(folder);
    for (const struct dirent *e; handle && (e = readdir(handle));) {
        size_t n = strlen(e->d_name);
        if (n < 5 || strcmp(e->d_name + n - 4, ".dbg") != 0 ||
            strncmp(e->d_name, name, strlen(name)) != 0)
            continue;
        const char *image = arena_printf(j->a, "%s/%.*s", folder, (int)n - 4, e->d_name);
        struct stat st;
        if (stat(image, &st) == 0 && S_ISREG(st.st_mode))
            vec_push(j->a, &j->out->images, image);
    }
    if (handle)
        closedir(handle);
    vec_sort(&j->out->images, by_text);
}

static void choose_image(struct job *j)
{
    const char *chosen = NULL;
    vec_each (image, &j->out->images)
        if (!chosen || (strstr(*image, "_qemu-") && !strstr(chosen, "_qemu-")))
            chosen = *image;
    struct stat st;
    j->out->image = chosen;
    if (chosen && stat(chosen, &st) == 0) {
        j->out->image_size = st.st_size;
        j->out->debug_image = arena_printf(j->a, "%s.dbg", chosen);
    }
}

/* Whatever --uk-libs DIR/archives holds is put where each external library would download to: a
 * machine without a network may wait long for each failure. What is not asked for lies unused. */
static void offer_archives(struct job *j)
{
    struct diag quiet;
    diag_init(&quiet, -1);
    const char *archives = arena_printf(j->a, "%s/archives",
                                        j->options->uk_libs ? j->options->uk_libs : "/nonexistent");
    char *real = realpath(archives, NULL);
    DIR *handle = real ? opendir(real) : NULL;
    for (const struct dirent *e; handle && (e = readdir(handle));) {
        if (e->d_name[0] == '.')
            continue;
        vec_each (l, &j->catalogue->libraries) {
            bool takes_part = false;
            vec_each (x, &j->externals)
                takes_part |= l->repository && strcmp(x->repository, l->repository) == 0;
            const char *folder = arena_printf(j->a, "%s/build/%s", j->app_dir, l->name);
            if (takes_part && dir_make(&quiet, folder) == STATUS_OK)
                (void)symlink(arena_printf(j->a, "%s/%s", real, e->d_name),
                              arena_printf(j->a, "%s/%s", folder, e->d_name));
        }
    }
    if (handle)
        closedir(handle);
    free(real);
}

/* A library whose sources the tree downloads all the same ("  WGET    liblwip: URL") gets the
 * archive in the same way. Says whether one was put in place. */
static bool supply_archive(struct job *j, const char *output)
{
    bool supplied = false;
    const char *archives = j->options->uk_libs;
    for (const char *at = output; archives && (at = strstr(at, "  WGET ")); at++) {
        char library[64], url[1024];
        if (sscanf(at, " WGET %63[^: ]: %1023[^ \n]", library, url) != 2)
            continue;
        const char *slash = strrchr(url, '/'), *name = slash ? slash + 1 : url;
        const char *from = arena_printf(j->a, "%s/archives/%s", archives, name);
        const char *to = arena_printf(j->a, "%s/build/%s/%s", j->app_dir, library, name);
        if (!*name || strchr(library, '/') || !file_exists(from) || file_exists(to))
            continue;
        supplied = !file_copy(j->d, from, to) || supplied;
    }
    return supplied;
}

/* One run of make, what it said kept in build/make.log. */
static enum status make_once(struct job *j, struct subprocess *p)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int jobs = j->options->jobs ? j->options->jobs : processors > 0 ? (int)processors : 1;
    struct watcher w = {.d = j->d};
    /* Errors as diagnose_make reads them; C++ symbols by the names that catalogues have. */
    static const char *const plain[] = {"LC_ALL=C", "COLLECT_NO_DEMANGLE=1", NULL};
    *p = (struct subprocess){.argv = make_arguments(j, "all", jobs),
                             .env = plain,
                             .timeout_ms = MAKE_MS,
                             .output_limit = MAKE_OUTPUT,
                             .on_output = on_output,
                             .context = &w};
    enum status status = subprocess_run(j->d, j->a, p);
    diag_progress_end(j->d);
    if (status)
        return status;
    j->out->make_ms += p->duration_ms;
    job_log(j, p);
    return STATUS_OK;
}

enum status step_make(struct job *j)
{
    if (!j->uk_root)
        return STATUS_OK;
    if (j->options->no_make || j->options->olddefconfig_only) {
        j->out->reason = "making was not asked for (--no-make)";
        return STATUS_OK;
    }
    struct subprocess p;
    offer_archives(j);
    enum status status = make_once(j, &p);
    for (int again = 0; !status && p.exit_status > 0 && again < MAX_ARCHIVES; again++) {
        if (!supply_archive(j, p.out))
            break;
        status = make_once(j, &p);
    }
    if (status)
        return status;
    if (p.timed_out)
        return diag_fail(j->d, STATUS_SYSTEM, "make did not end in an hour (see %s)",
                         job_log_path(j));
    if (p.exit_status != 0)
        return diagnose_make(j, p.out, p.err, p.exit_status);
    find_images(j);
    choose_image(j);
    if (!j->out->image)
        return diag_fail(j->d, STATUS_SYSTEM,
                         "make ended well, but left no image in %s/build (see %s)", j->app_dir,
                         job_log_path(j));
    return STATUS_OK;
}

/* Words as one command line of a kernel. */
static const char *quoted_line(struct job *j, const strings *words)
{
    const char *line = "";
    vec_each (w, words)
        line = arena_printf(j->a, "%s%s%s", line, *line ? " " : "", kernel_word(j->a, *w));
    return line;
}

/* What Firecracker (its API's --config-file) and Xen's xl are given beside the image. */
static const char *write_machine(struct job *j, const char *image, const char *suffix,
                                 const char *arguments)
{
    const char *path = arena_printf(j->a, "%s%s", image, suffix), *name = strrchr(image, '/') + 1;
    text t = {0};
    if (strcmp(suffix, ".xl") == 0) {
        text_add(j->a, &t, "name = \"%s\"\nkernel = \"%s\"\n", name, image);
        if (j->out->initrd)
            text_add(j->a, &t, "ramdisk = \"%s\"\n", j->out->initrd);
        text_add(j->a, &t, "cmdline = '%s'\nvcpus = 1\nmemory = %d\non_crash = \"preserve\"\n",
                 arguments, MACHINE_MIB);
    } else {
        json_t *boot = json_pack("{s:s,s:s}", "kernel_image_path", image, "boot_args", arguments);
        if (j->out->initrd)
            json_object_set_new(boot, "initrd_path", json_string(j->out->initrd));
        json_t *machine = json_pack("{s:o,s:{s:i,s:i},s:[]}", "boot-source", boot, "machine-config",
                                    "vcpu_count", 1, "mem_size_mib", MACHINE_MIB, "drives");
        char *dump = machine ? json_dumps(machine, JSON_INDENT(2)) : NULL;
        text_add(j->a, &t, "%s\n", dump ? dump : "{}");
        free(dump);
        json_decref(machine);
    }
    struct diag quiet;
    diag_init(&quiet, -1);
    (void)file_write(&quiet, path, t.items, t.count, 0);
    return path;
}

/* How an image is run, by what the core's build puts into its name. */
static const struct {
    const char *mark;
    const char *machine; /* suffix of the file that describes it; NULL: the command line does */
    const char *words[12];
} run_lines[] = {
    {"_qemu-x86_64",
     NULL,
     {"qemu-system-x86_64", "-nographic", "-vga", "none", "-no-reboot", "-cpu", "max", "-device",
      "isa-debug-exit", "-kernel"}},
    {"_qemu-arm64",
     NULL,
     {"qemu-system-aarch64", "-nographic", "-no-reboot", "-M", "virt", "-cpu", "cortex-a57",
      "-kernel"}},
    {"_fc-", ".firecracker.json", {"firecracker", "--no-api", "--config-file"}},
    {"_xen-", ".xl", {"xl", "create", "-c"}},
    {"", NULL, {"qemu-system-x86_64", "-nographic", "-kernel"}},
};

void step_run_line(struct job *j)
{
    const char *image = j->out->image;
    if (!image)
        return;
    strings *run = &j->out->run;
    strings words = {0};
    if (j->whole_root)
        vec_push(j->a, &words, j->profile->program.path);
    vec_each (w, &j->options->arguments)
        vec_push(j->a, &words, *w);
    if (strstr(image, "_linuxu-")) {
        vec_push(j->a, run, image);
        if (j->out->initrd)
            vec_push(j->a, run, arena_printf(j->a, "--initrd=%s", j->out->initrd));
        vec_each (w, &words)
            vec_push(j->a, run, *w);
        return;
    }
    size_t k = 0;
    while (!strstr(image, run_lines[k].mark))
        k++;
    for (size_t i = 0; run_lines[k].words[i]; i++)
        vec_push(j->a, run, run_lines[k].words[i]);
    const char *line = quoted_line(j, &words);
    if (run_lines[k].machine) {
        vec_push(j->a, run, write_machine(j, image, run_lines[k].machine, line));
        return;
    }
    vec_push(j->a, run, image);
    if (j->out->initrd) {
        vec_push(j->a, run, "-initrd");
        vec_push(j->a, run, j->out->initrd);
    }
    if (*line) {
        vec_push(j->a, run, "-append");
        vec_push(j->a, run, line);
    }
}
