/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/archive.h"
#include <ar.h>
#include <inttypes.h>
#include <string.h>

static const char thin_magic[] = "!<thin>\n";

bool archive_is(const unsigned char *data, uint64_t size)
{
    return size >= SARMAG &&
           (memcmp(data, ARMAG, SARMAG) == 0 || memcmp(data, thin_magic, SARMAG) == 0);
}

/* A decimal field padded with blanks; -1: something else. */
static int64_t decimal(const char *field, size_t width)
{
    int64_t v = 0;
    size_t i = 0;
    while (i < width && field[i] >= '0' && field[i] <= '9')
        v = v * 10 + (field[i++] - '0');
    if (i == 0)
        return -1;
    while (i < width && field[i] == ' ')
        i++;
    return i == width ? v : -1;
}

struct walk {
    struct diag *d;
    struct arena *a;
    const char *path;
    const unsigned char *names; /* the "//" member */
    uint64_t names_size;
};

/* "/123": a name of the long-name table, which ends with "/\n" (or NUL). */
static const char *long_name(struct walk *w, const char *field, size_t width)
{
    int64_t at = decimal(field + 1, width - 1);
    if (at < 0 || (uint64_t)at >= w->names_size)
        return NULL;
    const char *start = (const char *)w->names + at;
    size_t left = w->names_size - (uint64_t)at, length = 0;
    while (length < left && start[length] != '\n' && start[length])
        length++;
    if (length && start[length - 1] == '/')
        length--;
    return length ? arena_strndup(w->a, start, length) : NULL;
}

static const char *short_name(struct walk *w, const char *field, size_t width)
{
    size_t length = width;
    while (length && field[length - 1] == ' ')
        length--;
    if (length > 1 && field[length - 1] == '/')
        length--;
    return arena_strndup(w->a, field, length);
}

enum special { MEMBER, SYMBOLS, NAMES };

static enum special special_kind(const char *name)
{
    if (strncmp(name, "// ", 3) == 0)
        return NAMES;
    return strncmp(name, "/ ", 2) == 0 || strncmp(name, "/SYM64/ ", 8) == 0 ||
                   strncmp(name, "__.SYMDEF", 9) == 0
               ? SYMBOLS
               : MEMBER;
}

/* Names the member and, for BSD names, takes the name off the front of its bytes. */
static enum status member_name(struct walk *w, const struct ar_hdr *h, struct archive_member *m)
{
    const char *field = h->ar_name;
    int64_t bsd = strncmp(field, "#1/", 3) == 0 ? decimal(field + 3, sizeof h->ar_name - 3) : -1;
    if (bsd >= 0 && m->data && (uint64_t)bsd <= m->size) {
        m->name =
            arena_strndup(w->a, (const char *)m->data, strnlen((const char *)m->data, (size_t)bsd));
        m->data += bsd;
        m->size -= (uint64_t)bsd;
        return STATUS_OK;
    }
    m->name = field[0] == '/' ? long_name(w, field, sizeof h->ar_name)
                              : short_name(w, field, sizeof h->ar_name);
    if (m->name && *m->name)
        return STATUS_OK;
    return diag_fail(w->d, STATUS_INPUT,
                     "%s: the archive member at offset 0x%" PRIx64 " has no valid name", w->path,
                     m->header);
}

enum status archive_parse(struct diag *d, struct arena *a, const char *path,
                          const unsigned char *data, uint64_t size, struct archive *out)
{
    struct walk w = {d, a, path, NULL, 0};
    *out = (struct archive){0};
    if (!archive_is(data, size))
        return diag_fail(d, STATUS_INPUT, "%s: not an archive", path);
    out->thin = memcmp(data, thin_magic, SARMAG) == 0;
    for (uint64_t at = SARMAG; at < size;) {
        struct ar_hdr h;
        if (size - at < sizeof h)
            return diag_fail(d, STATUS_INPUT,
                             "%s: truncated: an archive header is cut off at offset 0x%" PRIx64,
                             path, at);
        memcpy(&h, data + at, sizeof h);
        int64_t length = decimal(h.ar_size, sizeof h.ar_size);
        if (memcmp(h.ar_fmag, ARFMAG, 2) != 0 || length < 0)
            return diag_fail(d, STATUS_INPUT, "%s: no archive header at offset 0x%" PRIx64, path,
                             at);
        enum special kind = special_kind(h.ar_name);
        struct archive_member m = {.header = at, .size = (uint64_t)length};
        at += sizeof h;
        if (!out->thin || kind != MEMBER) {
            if (m.size > size - at)
                return diag_fail(d, STATUS_INPUT,
                                 "%s: truncated: the archive member at offset 0x%" PRIx64
                                 " should have %" PRIu64 " bytes, %" PRIu64 " are left",
                                 path, m.header, m.size, size - at);
            m.data = data + at;
            at += m.size + (m.size & 1);
        }
        if (kind == NAMES)
            w.names = m.data, w.names_size = m.size;
        if (kind != MEMBER)
            continue;
        enum status status = member_name(&w, &h, &m);
        if (status)
            return status;
        vec_push(a, &out->members, m);
    }
    return STATUS_OK;
}
