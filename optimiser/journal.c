/* SPDX-License-Identifier: BSD-3-Clause
 * The journal: JSON, one line per measurement, on the disk before the next one begins. A search
 * that is started again makes the same decisions, finds their outcomes here, and goes on where it
 * was stopped. */
#include "common/file.h"
#include "optimiser/space.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *encode(const char *key, const char *kind, const struct perf_sample *s, double cost)
{
    json_t *values = json_object();
    vec_each (v, &s->values)
        json_object_set_new(values, v->name, json_real(v->value));
    json_t *line = json_pack("{s:s,s:s,s:b,s:f,s:o}", "key", key, "kind", kind, "works", s->works,
                             "cost_s", cost, "values", values);
    if (s->failure)
        json_object_set_new(line, "failure", json_string(s->failure));
    return line;
}

/* False: not a line of ours (cut short). */
static bool decode(struct arena *a, const json_t *line, struct entry *out)
{
    const char *key = json_string_value(json_object_get(line, "key"));
    const char *kind = json_string_value(json_object_get(line, "kind"));
    const char *failure = json_string_value(json_object_get(line, "failure"));
    json_t *values = json_object_get(line, "values");
    if (!key || !kind || !json_is_object(values))
        return false;
    *out = (struct entry){.key = arena_strdup(a, key),
                          .kind = arena_strdup(a, kind),
                          .cost_s = json_number_value(json_object_get(line, "cost_s"))};
    out->sample.works = json_is_true(json_object_get(line, "works"));
    out->sample.failure = failure ? arena_strdup(a, failure) : NULL;
    const char *name;
    json_t *value;
    json_object_foreach (values, name, value)
        vec_push(a, &out->sample.values,
                 ((struct perf_value){arena_strdup(a, name), json_number_value(value)}));
    return true;
}

static bool write_line(struct journal *j, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(line);
    char *whole = text ? arena_printf(j->a, "%s\n", text) : NULL;
    free(text);
    size_t size = whole ? strlen(whole) : 0;
    return whole && write(j->fd, whole, size) == (ssize_t)size && fsync(j->fd) == 0;
}

/* Reads the lines; returns the length of the part that is whole and ours. */
static size_t read_lines(struct journal *j, const char *data, size_t size, const char *identity)
{
    size_t good = 0;
    bool head = false;
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(data + at, '\n', size - at);
        if (!newline)
            break;
        size_t length = (size_t)(newline - data) - at;
        json_error_t error;
        json_t *line = json_loadb(data + at, length, JSON_REJECT_DUPLICATES, &error);
        struct entry entry;
        if (!head) {
            const char *found = json_string_value(json_object_get(line, "journal"));
            head = found && strcmp(found, identity) == 0;
        } else if (line && decode(j->a, line, &entry)) {
            /* A start that did not work ended its search; what was wrong may have been mended. */
            if (entry.sample.works || *entry.key)
                vec_push(j->a, &j->entries, entry);
        } else {
            json_decref(line);
            break;
        }
        json_decref(line);
        if (!head)
            return 0;
        at += length + 1;
        good = at;
    }
    return good;
}

enum status journal_open(struct diag *d, struct arena *a, const struct perf_search *s,
                         struct journal *out)
{
    *out = (struct journal){.a = a, .d = d, .fd = -1};
    if (!s->journal)
        return STATUS_OK;
    char *data;
    size_t size = 0, good = 0;
    if (file_exists(s->journal)) {
        enum status status = file_read(d, a, s->journal, 0, &data, &size);
        if (status)
            return status;
        good = read_lines(out, data, size, s->identity ? s->identity : "");
    }
    if (size && !good) {
        const char *old = arena_printf(a, "%s.old", s->journal);
        if (rename(s->journal, old) != 0)
            return diag_fail(d, STATUS_SYSTEM, "%s: cannot put aside: %s", s->journal,
                             strerror(errno));
        diag_note(d, "%s is of another search: kept as %s", s->journal, old);
    }
    out->fd = open(s->journal, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (out->fd < 0 || ftruncate(out->fd, (off_t)good) != 0 || lseek(out->fd, 0, SEEK_END) < 0)
        return diag_fail(d, STATUS_SYSTEM, "%s: cannot write: %s", s->journal, strerror(errno));
    if (!good && !write_line(out, json_pack("{s:s}", "journal", s->identity ? s->identity : "")))
        return diag_fail(d, STATUS_SYSTEM, "%s: cannot write: %s", s->journal, strerror(errno));
    return STATUS_OK;
}

struct entry *journal_next(struct journal *j, const char *key, const char *kind)
{
    vec_each (e, &j->entries) {
        if (e->used || strcmp(e->key, key) != 0 || strcmp(e->kind, kind) != 0)
            continue;
        e->used = true;
        return e;
    }
    return NULL;
}

enum status journal_add(struct journal *j, const char *key, const char *kind,
                        const struct perf_sample *sample, double cost_s)
{
    if (j->fd < 0)
        return STATUS_OK;
    if (!write_line(j, encode(key, kind, sample, cost_s)))
        return diag_fail(j->d, STATUS_SYSTEM, "the journal cannot be written: %s", strerror(errno));
    return STATUS_OK;
}

void journal_close(struct journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    j->fd = -1;
}
