/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/batch.h"
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_WORKERS = 64, SECONDS_PER_FILE = 300 };

struct worker {
    pid_t pid;  /* 0: free */
    int result; /* memfd that the worker writes its line to */
    const char *path;
};

struct batch {
    struct cli *cli;
    const struct analyzer_options *options;
    FILE *out;
    struct worker workers[MOST_WORKERS];
    size_t worker_count, running, done, failed, total;
};

/* The line for a file that gave no profile. */
static char *failure_line(const char *path, enum status status, const char *message)
{
    json_t *json =
        json_pack("{s:s,s:s,s:i}", "path", path, "error", message, "status", (int)status);
    char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return line;
}

/* In the worker: analyses, writes the line, ends. */
static void work(struct batch *b, const char *path, int result)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(SECONDS_PER_FILE);
    struct profile profile = {.schema = PROFILE_SCHEMA};
    struct diag diag;
    diag_init(&diag, -1);
    enum status status = analyze(&diag, b->cli->arena, path, b->options, &profile);
    char *line;
    if (status > STATUS_FOUND) {
        line = failure_line(path, status, diag.message);
    } else {
        json_t *json = jm_encode(&profile_type, &profile);
        line = json_dumps(json, JSON_COMPACT);
        json_decref(json);
    }
    size_t length = line ? strlen(line) : 0;
    bool good = length && write(result, line, length) == (ssize_t)length;
    free(line);
    _exit(good && status <= STATUS_FOUND ? 0 : 1);
}

static void collect_line(struct batch *b, struct worker *w, int wait_status)
{
    struct stat st;
    char *line = NULL;
    if (fstat(w->result, &st) == 0 && st.st_size > 0 &&
        (line = calloc(1, (size_t)st.st_size + 1)) &&
        pread(w->result, line, (size_t)st.st_size, 0) != st.st_size) {
        free(line);
        line = NULL;
    }
    bool good = line && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0;
    if (!line) {
        char message[128];
        snprintf(message, sizeof message, "the analysis ended by signal %d (%s)",
                 WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
        line = failure_line(w->path, STATUS_SYSTEM, message);
    }
    fprintf(b->out, "%s\n", line ? line : "{}");
    fflush(b->out);
    free(line);
    b->failed += !good;
}

/* Waits for one worker and prints its line. */
static void collect(struct batch *b)
{
    int status;
    pid_t pid = waitpid(-1, &status, 0);
    for (size_t i = 0; pid > 0 && i < b->worker_count; i++) {
        struct worker *w = &b->workers[i];
        if (w->pid != pid)
            continue;
        collect_line(b, w, status);
        close(w->result);
        w->pid = 0;
        b->running--;
        b->done++;
        diag_progress(&b->cli->diag, b->done, b->total, "%s", w->path);
    }
}

static enum status start(struct batch *b, const char *path)
{
    while (b->running >= b->worker_count)
        collect(b);
    struct worker *w = b->workers;
    while (w->pid)
        w++;
    *w = (struct worker){.path = path, .result = memfd_create("profile", MFD_CLOEXEC)};
    fflush(NULL);
    w->pid = w->result < 0 ? -1 : fork();
    if (w->pid == 0)
        work(b, path, w->result);
    if (w->pid < 0) {
        w->pid = 0;
        return diag_fail(&b->cli->diag, STATUS_SYSTEM, "cannot start a worker: %s",
                         strerror(errno));
    }
    b->running++;
    return STATUS_OK;
}

/* Paths of the profiles that an earlier, interrupted run has already written. A last line that was
 * cut off is removed from the file. */
static enum status read_done(struct cli *cli, const char *path, strings *done)
{
    char *data = NULL;
    size_t size = 0;
    if (!file_exists(path))
        return STATUS_OK;
    enum status status = file_read(&cli->diag, cli->arena, path, (size_t)4 << 30, &data, &size);
    size_t good = 0;
    for (char *line = data, *end; !status && (end = strchr(line, '\n')); line = end + 1) {
        json_t *json = json_loadb(line, (size_t)(end - line), 0, NULL);
        json_t *program = json_object_get(json, "program");
        const char *name = json_string_value(json_object_get(program ? program : json, "path"));
        if (!name)
            break;
        vec_push(cli->arena, done, arena_strdup(cli->arena, name));
        json_decref(json);
        good = (size_t)(end + 1 - data);
    }
    if (!status && truncate(path, (off_t)good) != 0)
        return diag_fail(&cli->diag, STATUS_SYSTEM, "%s: %s", path, strerror(errno));
    return status;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static enum status read_list(struct cli *cli, const char *list, const strings *done, strings *paths)
{
    char *data = NULL;
    size_t size = 0;
    enum status status = file_read(&cli->diag, cli->arena, list, 0, &data, &size);
    for (char *save = NULL, *line = status ? NULL : strtok_r(data, "\r\n", &save); line;
         line = strtok_r(NULL, "\r\n", &save)) {
        if (!*line || *line == '#')
            continue;
        char *real = realpath(line, NULL);
        const char *path = real || strchr(line, '/') ? NULL : cli_search_path(cli, line);
        path = path ? path : arena_strdup(cli->arena, real ? real : line);
        free(real);
        if (!done->count || !bsearch(&path, done->items, done->count, sizeof path, by_text))
            vec_push(cli->arena, paths, path);
    }
    return status;
}

enum status batch_run(struct cli *cli, const struct analyzer_options *options, const char *list)
{
    struct batch b = {.cli = cli, .options = options, .out = stdout};
    strings done = {0}, paths = {0};
    enum status status = STATUS_OK;
    if (cli->output) {
        const char *path = cli_path(cli, cli->output, "batch.jsonl");
        status = dir_make(&cli->diag, cli->output);
        if (!status)
            status = read_done(cli, path, &done);
        if (!status && !(b.out = fopen(path, "ae")))
            status = diag_fail(&cli->diag, STATUS_SYSTEM, "%s: %s", path, strerror(errno));
    }
    vec_sort(&done, by_text);
    if (!status)
        status = read_list(cli, list, &done, &paths);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    b.worker_count = processors < 1              ? 1
                     : processors > MOST_WORKERS ? MOST_WORKERS
                                                 : (size_t)processors;
    b.total = paths.count;
    for (size_t i = 0; !status && i < paths.count; i++)
        status = start(&b, paths.items[i]);
    while (b.running)
        collect(&b);
    if (b.out && b.out != stdout)
        fclose(b.out);
    if (!status && b.failed)
        status = diag_fail(&cli->diag, STATUS_FOUND,
                           "%zu of %zu files could not be analysed (their lines say why)", b.failed,
                           b.total);
    return status;
}
