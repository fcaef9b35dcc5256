/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/runner.h"
#include "common/file.h"
#include <ctype.h>
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -no-reboot: a triple fault ends the machine instead of booting again. One processor and a clock
 * that follows the host: answers come when the program gives them. */
#define QEMU                                                                                       \
    "qemu-system-x86_64 -nodefaults -no-user-config -display none -serial stdio -no-reboot "       \
    "-device isa-debug-exit -m {mib} -kernel {image} [-initrd {initrd}] [-append {kernel_args}] "  \
    "[-netdev user,id=n0{forwards} -device virtio-net-pci,netdev=n0] "                             \
    "[-fsdev local,id=f0,path={share},security_model=none "                                        \
    "-device virtio-9p-pci,fsdev=f0,mount_tag=fs0] "

static const struct runner runners[] = {
    {.name = "linux",
     .what = "the core builds Linux executables; its files are its own",
     .template = "{image} [--initrd={initrd}] {args}",
     .kind = "linux",
     .exit_from = EXIT_PROCESS,
     .local = true,
     .slow = 1},
    {.name = "host",
     .what = "a script or program of this host, and its file system",
     .template = "{image} [--initrd={initrd}] {args}",
     .kind = "host",
     .exit_from = EXIT_PROCESS,
     .local = true,
     .shares_files = true,
     .slow = 1},
    {.name = "qemu-kvm",
     .what = "QEMU on the processor's own virtualisation",
     .template = QEMU "-accel kvm -cpu host",
     .program = "qemu-system-x86_64",
     .kind = "kvm",
     .needs = "/dev/kvm",
     .exit_from = EXIT_QEMU_DEBUG,
     .sets_memory = true,
     .slow = 4},
    {.name = "qemu-tcg",
     .what = "QEMU emulating the processor",
     .template = QEMU "-accel tcg -cpu max",
     .program = "qemu-system-x86_64",
     .kind = "kvm",
     .exit_from = EXIT_QEMU_DEBUG,
     .sets_memory = true,
     .slow = 20},
    {.name = "qemu-arm64",
     .what = "QEMU emulating an arm64 machine",
     .template = "qemu-system-aarch64 -nodefaults -display none -serial stdio -no-reboot -M virt "
                 "-cpu cortex-a57 -m {mib} -kernel {image} [-initrd {initrd}] "
                 "[-append {kernel_args}] [-netdev user,id=n0{forwards} -device "
                 "virtio-net-pci,netdev=n0]",
     .program = "qemu-system-aarch64",
     .kind = "arm64",
     .exit_from = EXIT_CONSOLE,
     .sets_memory = true,
     .slow = 20},
    {.name = "firecracker",
     .what = "Firecracker, configured by IMAGE.firecracker.json",
     .template = "firecracker --no-api --config-file {image}.firecracker.json",
     .program = "firecracker",
     .kind = "firecracker",
     .needs = "/dev/kvm",
     .exit_from = EXIT_CONSOLE,
     .slow = 4},
};
enum { RUNNERS = sizeof runners / sizeof runners[0], DEFAULT_MIB = 128, HEADER = 32768 };

char *runners_list(struct arena *a)
{
    char *text = arena_strdup(a, "");
    for (size_t i = 0; i < RUNNERS; i++)
        text = arena_printf(a, "%s%s%s", text, i ? ", " : "", runners[i].name);
    return text;
}

int64_t parse_memory(const char *text)
{
    char *end;
    long long n = strtoll(text, &end, 10);
    int shift = 0;
    switch (tolower((unsigned char)*end)) {
    case 'k':
        shift = 10;
        break;
    case 'm':
        shift = 20;
        break;
    case 'g':
        shift = 30;
        break;
    case '\0':
        break;
    default:
        return -1;
    }
    if (end == text || n <= 0 || n > (INT64_MAX >> shift) ||
        (*end && end[1] && strcmp(end + 1, "iB") != 0))
        return -1;
    return (int64_t)n << shift;
}

/* Multiboot 1 asks for its magic within the first 8 KiB, 2 within 32 KiB, both aligned. */
static bool has_multiboot(const unsigned char *data, size_t size)
{
    for (size_t at = 0; at + 12 <= size; at += 4) {
        uint32_t word[3];
        memcpy(word, data + at, sizeof word);
        if (word[0] == 0x1badb002 && at < 8192 && word[0] + word[1] + word[2] == 0)
            return true;
        if (word[0] == 0xe85250d6)
            return true;
    }
    return false;
}

/* A PVH kernel has a note of the name Xen and the type 18 (XEN_ELFNOTE_PHYS32_ENTRY) that says
 * where to enter it (xen/include/public/elfnote.h). */
static bool has_pvh_note(int fd, const Elf64_Ehdr *header)
{
    enum { MOST_SEGMENTS = 64, MOST_NOTES = 4096, PHYS32_ENTRY = 18 };
    Elf64_Phdr segments[MOST_SEGMENTS];
    size_t count = header->e_phnum < MOST_SEGMENTS ? header->e_phnum : MOST_SEGMENTS;
    ssize_t got = pread(fd, segments, count * sizeof segments[0], (off_t)header->e_phoff);
    for (size_t i = 0; header->e_phentsize == sizeof segments[0] && got > 0 &&
                       i < (size_t)got / sizeof segments[0];
         i++) {
        unsigned char notes[MOST_NOTES];
        size_t want = segments[i].p_filesz < sizeof notes ? segments[i].p_filesz : sizeof notes;
        if (segments[i].p_type != PT_NOTE ||
            pread(fd, notes, want, (off_t)segments[i].p_offset) != (ssize_t)want)
            continue;
        for (size_t at = 0; at + 16 <= want; at += 4) {
            Elf64_Nhdr note;
            memcpy(&note, notes + at, sizeof note);
            if (note.n_namesz == 4 && note.n_type == PHYS32_ENTRY &&
                memcmp(notes + at + sizeof note, "Xen", 4) == 0)
                return true;
        }
    }
    return false;
}

/* It asks for a dynamic linker: nothing that boots does. */
static bool has_interpreter(const unsigned char *data, size_t size)
{
    Elf64_Ehdr h;
    Elf64_Phdr p;
    memcpy(&h, data, sizeof h);
    for (size_t i = 0; i < h.e_phnum && h.e_phentsize == sizeof p; i++) {
        if (h.e_phoff > size || size - h.e_phoff < (i + 1) * sizeof p)
            return false;
        memcpy(&p, data + h.e_phoff + i * sizeof p, sizeof p);
        if (p.p_type == PT_INTERP)
            return true;
    }
    return false;
}

const char *image_kind(const char *path)
{
    static const char *const kinds[] = {"unknown", "kvm", "linux", "arm64", "host"};
    unsigned char data[HEADER];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t size = fd < 0 ? -1 : read(fd, data, sizeof data);
    bool pvh = size >= (ssize_t)sizeof(Elf64_Ehdr) && memcmp(data, ELFMAG, SELFMAG) == 0 &&
               has_pvh_note(fd, (const void *)data);
    if (fd >= 0)
        close(fd);
    if (pvh)
        return kinds[1];
    if (size > 2 && memcmp(data, "#!", 2) == 0)
        return kinds[4];
    if (size < (ssize_t)sizeof(Elf64_Ehdr))
        return kinds[0];
    if (size > 0x206 && memcmp(data + 0x202, "HdrS", 4) == 0)
        return kinds[1];
    if (size > 0x40 && memcmp(data + 0x38, "ARMd", 4) == 0)
        return kinds[3];
    if (has_multiboot(data, (size_t)size))
        return kinds[1];
    const Elf64_Ehdr *header = (const void *)data;
    bool elf = memcmp(data, ELFMAG, SELFMAG) == 0;
    if (elf && header->e_machine == EM_AARCH64)
        return kinds[3];
    return !elf ? kinds[0] : has_interpreter(data, (size_t)size) ? kinds[4] : kinds[2];
}

static bool in_path(const char *name)
{
    const char *path = getenv("PATH");
    char candidate[4096];
    while (path && *path) {
        size_t length = strcspn(path, ":");
        if (snprintf(candidate, sizeof candidate, "%.*s/%s", (int)length, path, name) <
                (int)sizeof candidate &&
            access(candidate, X_OK) == 0)
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

/* A software-only KVM (of a nested guest, say) offers /dev/kvm but emulates part of the guest's
 * instructions and gives up on others; only a processor with VT-x or AMD-V keeps the promise. */
static bool processor_virtualises(void)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[8192];
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file))
        found = strncmp(line, "flags", 5) == 0 && (strstr(line, " vmx") || strstr(line, " svm"));
    if (file)
        fclose(file);
    return found;
}

static bool usable(const char *path)
{
    if (strcmp(path, "/dev/kvm") == 0 && !processor_virtualises())
        return false;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

enum status runner_choose(struct diag *d, struct arena *a, const struct image *image,
                          struct runner *out)
{
    if (!file_exists(image->path))
        return diag_fail(d, STATUS_INPUT, "%s: there is no such image", image->path);
    if (image->runner && strchr(image->runner, '{')) {
        *out = (struct runner){.name = "command",
                               .what = "the user's command",
                               .template = image->runner,
                               .exit_from = EXIT_PROCESS,
                               .shares_files = image->share != NULL,
                               .sets_memory = strstr(image->runner, "{memory}") != NULL ||
                                              strstr(image->runner, "{mib}") != NULL,
                               .slow = 4};
        return STATUS_OK;
    }
    const char *kind = image_kind(image->path);
    const char *lacking = NULL;
    for (size_t i = 0; i < RUNNERS; i++) {
        const struct runner *r = &runners[i];
        if (image->runner ? strcmp(image->runner, r->name) != 0 : strcmp(kind, r->kind) != 0)
            continue;
        if (r->program && !in_path(r->program))
            lacking = arena_printf(a, "%s is not installed", r->program);
        else if (r->needs && !usable(r->needs))
            lacking = lacking ? lacking : arena_printf(a, "%s cannot be used", r->needs);
        else {
            *out = *r;
            out->shares_files |= image->share != NULL;
            return STATUS_OK;
        }
    }
    if (image->runner && !lacking)
        return diag_fail(d, STATUS_INPUT,
                         "no runner is called '%s'; there are: %s, or a command with {image} in it",
                         image->runner, runners_list(a));
    return diag_fail(d, STATUS_SYSTEM, "%s: cannot be run here: %s (--runner 'COMMAND {image}')",
                     image->path, lacking ? lacking : "not an image of a kind known");
}

/* Unikraft writes one value when it halts in order and another after a crash, whatever the
 * program's status (plat/common/x86/cpu_native.c: QEMU_ISA_DEBUG_EXIT_NO_CRASH, _CRASH). */
static const struct {
    const char *core;
    int halted, crashed;
} debug_exits[] = {{"unikraft", 41, 42}};

enum debug_exit runner_debug_exit(const char *core, int exit_status, int *status)
{
    if (exit_status < 0 || !(exit_status & 1))
        return DEBUG_EXIT_NONE;
    *status = exit_status >> 1;
    for (size_t i = 0; core && i < sizeof debug_exits / sizeof debug_exits[0]; i++)
        if (strcmp(core, debug_exits[i].core) == 0)
            return *status == debug_exits[i].halted    ? DEBUG_EXIT_NONE
                   : *status == debug_exits[i].crashed ? DEBUG_EXIT_CRASH
                                                       : DEBUG_EXIT_STATUS;
    return DEBUG_EXIT_STATUS;
}

/* ---- templates ---- */

struct values {
    struct arena *a;
    const struct image *image;
    const strings *arguments;
    const char *mib, *memory, *forwards, *kernel_args;
};

static const char *value_of(const struct values *v, const char *name, size_t length)
{
    const struct {
        const char *name, *value;
    } known[] = {{"image", v->image->path},       {"initrd", v->image->initrd},
                 {"memory", v->memory},           {"mib", v->mib},
                 {"forwards", v->forwards},       {"share", v->image->share},
                 {"kernel_args", v->kernel_args}, {"args", v->arguments->count ? "" : NULL}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i].name) == length && memcmp(known[i].name, name, length) == 0)
            return known[i].value ? known[i].value : "";
    return NULL;
}

/* Length of "{name}" at s, 0 where there is none. */
static size_t placeholder(const char *s)
{
    if (*s != '{')
        return 0;
    size_t n = 1;
    while (islower((unsigned char)s[n]) || s[n] == '_')
        n++;
    return n > 1 && s[n] == '}' ? n + 1 : 0;
}

/* Every name within [...] has a value. */
static bool group_wanted(const struct values *v, const char *from, const char *to)
{
    for (; from < to; from++) {
        size_t n = placeholder(from);
        const char *value = n ? value_of(v, from + 1, n - 2) : NULL;
        if (value && !*value && !(n == 6 && v->arguments->count && memcmp(from, "{args}", 6) == 0))
            return false;
    }
    return true;
}

static const char *expand_word(const struct values *v, const char *word)
{
    char *out = arena_strdup(v->a, "");
    while (*word) {
        size_t n = placeholder(word);
        const char *value = n ? value_of(v, word + 1, n - 2) : NULL;
        if (n && value && memcmp(word, "{args}", 6) == 0)
            vec_each (argument, v->arguments)
                out = arena_printf(v->a, "%s%s%s", out, *out ? " " : "", *argument);
        else if (value)
            out = arena_printf(v->a, "%s%s", out, value);
        else
            out = arena_printf(v->a, "%s%.*s", out, (int)(n ? n : 1), word);
        word += n ? n : 1;
    }
    return out;
}

/* Next word of the template, quotes taken off; NULL at its end. */
static const char *next_word(struct arena *a, const char **at, const char *end)
{
    const char *p = *at;
    while (p < end && isspace((unsigned char)*p))
        p++;
    if (p == end)
        return NULL;
    char *word = arena_alloc(a, (size_t)(end - p) + 1), *to = word;
    for (char quote = 0; p < end && (quote || !isspace((unsigned char)*p)); p++) {
        if (*p == quote)
            quote = 0;
        else if (!quote && (*p == '\'' || *p == '"'))
            quote = *p;
        else
            *to++ = *p;
    }
    *at = p;
    return word;
}

static void add_words(const struct values *v, const char *from, const char *to, strings *argv)
{
    for (const char *word; (word = next_word(v->a, &from, to));) {
        if (strcmp(word, "{args}") == 0)
            vec_each (argument, v->arguments)
                vec_push(v->a, argv, *argument);
        else
            vec_push(v->a, argv, expand_word(v, word));
    }
}

const char *kernel_word(struct arena *a, const char *word)
{
    if (*word && !strpbrk(word, " \t\r\n\v'\"\\"))
        return word;
    if (!strchr(word, '\''))
        return arena_printf(a, "'%s'", word);
    const char *out = "\"";
    for (const char *c = word; *c; c++)
        out = arena_printf(a, "%s%s%c", out, strchr("\"\\", *c) ? "\\" : "", *c);
    return arena_printf(a, "%s\"", out);
}

static const char *add_word(struct arena *a, const char *text, const char *word)
{
    return arena_printf(a, "%s%s%s", text, *text ? " " : "", kernel_word(a, word));
}

/* "library parameters -- program's arguments", as Unikraft's kernel command line has it. The name
 * before all that is added by who loads the kernel. */
static const char *kernel_args(struct arena *a, const struct image *image, const strings *arguments)
{
    const char *text = "";
    vec_each (word, &image->kernel_arguments)
        text = arena_printf(a, "%s%s%s", text, *text ? " " : "", *word);
    if (image->kernel_arguments.count)
        text = arena_printf(a, "%s --", text);
    vec_each (word, arguments)
        text = add_word(a, text, *word);
    return text;
}

const char *runner_mount(struct arena *a, const char *core, const char *share)
{
    /* lib/vfscore/Config.uk: device, mount point, driver, flags, options, Unikraft's own option to
     * make the mount point. fs0 is the tag in QEMU's template above. */
    return strcmp(core, "unikraft") == 0
               ? arena_printf(a, "vfs.fstab=[ \"fs0:%s:9pfs:::mkmp\" ]", share)
               : NULL;
}

enum status runner_command(struct diag *d, struct arena *a, const struct runner *runner,
                           const struct image *image, const strings *arguments,
                           const listenings *ports, strings *argv)
{
    int64_t bytes = image->memory ? parse_memory(image->memory) : (int64_t)DEFAULT_MIB << 20;
    if (bytes <= 0)
        return diag_fail(d, STATUS_INPUT, "memory '%s': not a size such as 64M", image->memory);
    strings words = image->first_arguments;
    vec_each (word, arguments)
        vec_push(a, &words, *word);
    struct values v = {.a = a, .image = image, .arguments = &words};
    v.mib = arena_printf(a, "%" PRId64, (bytes + (1 << 20) - 1) >> 20);
    v.memory = image->memory ? image->memory : arena_printf(a, "%dM", DEFAULT_MIB);
    v.kernel_args = kernel_args(a, image, &words);
    v.forwards = "";
    for (size_t i = 0; ports && i < ports->count; i++)
        v.forwards = arena_printf(a, "%s,hostfwd=%s:127.0.0.1:%d-:%d", v.forwards,
                                  ports->items[i].udp ? "udp" : "tcp", ports->items[i].port,
                                  ports->items[i].port);
    memset(argv, 0, sizeof *argv);
    for (const char *at = runner->template; *at;) {
        const char *open = strchr(at, '['), *close = open ? strchr(open, ']') : NULL;
        if (!close) {
            add_words(&v, at, at + strlen(at), argv);
            break;
        }
        add_words(&v, at, open, argv);
        if (group_wanted(&v, open + 1, close))
            add_words(&v, open + 1, close, argv);
        at = close + 1;
    }
    if (!argv->count)
        return diag_fail(d, STATUS_INPUT, "the runner's command is empty");
    vec_push(a, argv, NULL);
    argv->count--;
    return STATUS_OK;
}
