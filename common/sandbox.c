/* SPDX-License-Identifier: BSD-3-Clause
 * Where a run takes place: a temporary folder of its own, ports that are free. */
#include "common/sandbox.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { OPEN_FOLDERS = 32, SETTLED_S = 2 };
#define FOLDER_PREFIX "toolchain-"

/* Free ports on the loopback address: all are held at once, so that they differ. */
static bool pick_ports(int *ports, size_t count)
{
    int held[SANDBOX_PORTS];
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof address;
        held[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        good = good && held[i] >= 0 &&
               bind(held[i], (struct sockaddr *)&address, sizeof address) == 0 &&
               getsockname(held[i], (struct sockaddr *)&address, &size) == 0;
        ports[i] = ntohs(address.sin_port);
    }
    for (size_t i = 0; i < count; i++)
        if (held[i] >= 0)
            close(held[i]);
    return good;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    remove(path);
    return 0;
}

static void remove_folder(const char *path)
{
    nftw(path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Opens a run's folder if no other run holds it; -1: it is held, or is none. */
static int hold_folder(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
        flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Folders that runs have left because they were killed: those that nobody holds any more. One just
 * made may not be held yet. */
static void remove_left_over(struct arena *a, const char *base)
{
    DIR *list = opendir(base);
    for (struct dirent *e; list && (e = readdir(list));) {
        struct stat st;
        if (strncmp(e->d_name, FOLDER_PREFIX, strlen(FOLDER_PREFIX)) != 0 ||
            strlen(e->d_name) != strlen(FOLDER_PREFIX) + 6)
            continue;
        const char *path = arena_printf(a, "%s/%s", base, e->d_name);
        if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_ctime + SETTLED_S > time(NULL))
            continue;
        int fd = hold_folder(path);
        if (fd < 0)
            continue;
        remove_folder(path);
        close(fd);
    }
    if (list)
        closedir(list);
}

enum status sandbox_open(struct diag *d, struct arena *a, bool folder, const char *within,
                         struct sandbox *box)
{
    memset(box, 0, sizeof *box);
    if (!pick_ports(box->ports, SANDBOX_PORTS))
        return diag_fail(d, STATUS_SYSTEM, "no free port on the loopback address: %s",
                         strerror(errno));
    if (!folder)
        return STATUS_OK;
    const char *base = within ? within : getenv("TMPDIR");
    base = base && *base == '/' ? base : "/tmp";
    if (!within)
        remove_left_over(a, base);
    char *name = arena_printf(a, "%s/" FOLDER_PREFIX "XXXXXX", base);
    if (!mkdtemp(name))
        return diag_fail(d, STATUS_SYSTEM, "%s: cannot create a folder for the test: %s", name,
                         strerror(errno));
    /* Servers that start as root and drop to another user still need to get in. */
    chmod(name, 0755);
    box->directory = name;
    box->held = hold_folder(name);
    return STATUS_OK;
}

void sandbox_close(struct sandbox *box)
{
    if (box->directory) {
        remove_folder(box->directory);
        if (box->held >= 0)
            close(box->held);
    }
    box->directory = NULL;
}

static const char *sandbox_variable(struct arena *a, const struct sandbox *box, const char *program,
                                    const char *name, size_t length)
{
    if (length == 3 && strncmp(name, "DIR", 3) == 0)
        return box->directory ? box->directory : ".";
    if (length == 7 && strncmp(name, "PROGRAM", 7) == 0)
        return program;
    if (length == 4 && strncmp(name, "PORT", 4) == 0)
        return arena_printf(a, "%d", box->ports[0]);
    if (length == 5 && strncmp(name, "PORT", 4) == 0 && name[4] >= '2' &&
        name[4] < '1' + SANDBOX_PORTS)
        return arena_printf(a, "%d", box->ports[name[4] - '1']);
    return NULL;
}

const char *sandbox_expand(struct arena *a, const struct sandbox *box, const char *program,
                           const char *text)
{
    const char *result = "";
    while (*text) {
        const char *start = strstr(text, "${");
        const char *end = start ? strchr(start, '}') : NULL;
        const char *value =
            end ? sandbox_variable(a, box, program, start + 2, (size_t)(end - start - 2)) : NULL;
        size_t keep = !start ? strlen(text) : (size_t)(start - text) + (value ? 0 : 2);
        result = arena_printf(a, "%s%.*s%s", result, (int)keep, text, value ? value : "");
        text = value ? end + 1 : text + keep;
    }
    return result;
}

strings sandbox_environment(struct arena *a, const struct sandbox *box, const char *program)
{
    strings list = {0};
    vec_push(a, &list, arena_printf(a, "PROGRAM=%s", program));
    vec_push(a, &list, arena_printf(a, "DIR=%s", box->directory ? box->directory : "."));
    vec_push(a, &list, arena_printf(a, "PORT=%d", box->ports[0]));
    for (int i = 1; i < SANDBOX_PORTS; i++)
        vec_push(a, &list, arena_printf(a, "PORT%d=%d", i + 1, box->ports[i]));
    return list;
}

struct test_file *sandbox_tests(struct arena *a, const struct sandbox *box, const char *program,
                                const struct test_file *tests)
{
    if (!tests)
        return NULL;
    struct test_file *copy = ARENA_NEW(a, struct test_file);
    *copy = *tests;
    copy->commands = (strings){0};
    for (size_t i = 0; i < tests->commands.count; i++) {
        const char *command = tests->commands.items[i];
        if (tests->type != TEST_EXEC)
            command = sandbox_expand(a, box, program, command);
        vec_push(a, &copy->commands, command);
    }
    if (!copy->port)
        copy->port = box->ports[0];
    return copy;
}

/* text with each whole occurrence of what replaced; a number is whole between other characters. */
static const char *replaced(struct arena *a, const char *text, const char *what, const char *by)
{
    const char *result = "", *from = text;
    size_t length = strlen(what);
    bool number = isdigit((unsigned char)*what);
    for (const char *hit = text; (hit = strstr(hit, what)); hit += length) {
        if (number && ((hit > text && isdigit((unsigned char)hit[-1])) ||
                       isdigit((unsigned char)hit[length])))
            continue;
        result = arena_printf(a, "%s%.*s%s", result, (int)(hit - from), from, by);
        from = hit + length;
    }
    return from == text ? text : arena_printf(a, "%s%s", result, from);
}

const char *sandbox_mask(struct arena *a, const struct sandbox *box, const char *text)
{
    text = arena_strdup(a, text);
    if (box->directory)
        text = replaced(a, text, box->directory, "${DIR}");
    for (int i = 0; i < SANDBOX_PORTS; i++) {
        char number[16], name[16] = "${PORT}";
        snprintf(number, sizeof number, "%d", box->ports[i]);
        if (i)
            snprintf(name, sizeof name, "${PORT%d}", i + 1);
        if (box->ports[i])
            text = replaced(a, text, number, name);
    }
    return text;
}
