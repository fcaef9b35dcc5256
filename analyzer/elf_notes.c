/* SPDX-License-Identifier: BSD-3-Clause
 * Notes: GNU build-id, Go's build-id, and the dlopen metadata of the UAPI group's specification
 * (owner "FDO", type 0x407c0c0a, a JSON array of {soname, feature, description, priority}). All of
 * it is optional knowledge: a damaged note is passed over. */
#include "analyzer/elf_private.h"
#include <elf.h>
#include <jansson.h>
#include <string.h>

enum { NOTE_DLOPEN = 0x407c0c0a, NOTE_GO_BUILD_ID = 4 };

static void read_build_id(struct elf_object *o, const unsigned char *p, size_t size)
{
    if (size > 64)
        return;
    char *text = arena_alloc(o->arena, 2 * size + 1);
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = "0123456789abcdef"[p[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
    }
    o->build_id = text;
}

static const char *text_of(struct elf_object *o, const json_t *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry, key));
    return text ? arena_strdup(o->arena, text) : NULL;
}

static void read_dlopen(struct elf_object *o, const unsigned char *p, size_t size)
{
    size_t length = strnlen((const char *)p, size);
    json_t *list = json_loadb((const char *)p, length, 0, NULL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        const json_t *names = json_object_get(entry, "soname");
        struct elf_dlopen_note note = {.feature = text_of(o, entry, "feature"),
                                       .description = text_of(o, entry, "description"),
                                       .priority = text_of(o, entry, "priority")};
        for (size_t k = 0; k < json_array_size(names); k++) {
            const char *name = json_string_value(json_array_get(names, k));
            if (name)
                vec_push(o->arena, &note.sonames, arena_strdup(o->arena, name));
        }
        if (note.sonames.count)
            vec_push(o->arena, &o->dlopen_notes, note);
    }
    json_decref(list);
}

static void read_note(struct elf_object *o, const char *owner, size_t owner_size, uint32_t type,
                      const unsigned char *p, size_t size)
{
    if (owner_size < 3)
        return;
    if (type == NT_GNU_BUILD_ID && owner_size == 4 && !memcmp(owner, "GNU", 4))
        read_build_id(o, p, size);
    else if (type == NOTE_DLOPEN && owner_size == 4 && !memcmp(owner, "FDO", 4))
        read_dlopen(o, p, size);
    else if (type == NOTE_GO_BUILD_ID && !memcmp(owner, "Go", 3))
        o->language = "go";
}

static void read_notes(struct elf_object *o, const struct elf_segment *s)
{
    const unsigned char *p = o->data + s->offset;
    uint64_t alignment = s->align == 8 ? 8 : 4, at = 0;
    while (s->filesz - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr note;
        memcpy(&note, p + at, sizeof note);
        uint64_t name = at + sizeof note;
        uint64_t desc = (name + note.n_namesz + alignment - 1) & ~(alignment - 1);
        uint64_t end = desc + note.n_descsz;
        if (desc > s->filesz || end > s->filesz)
            return;
        read_note(o, (const char *)p + name, note.n_namesz, note.n_type, p + desc, note.n_descsz);
        at = (end + alignment - 1) & ~(alignment - 1);
        if (at > s->filesz)
            return;
    }
}

void elf_read_notes(struct elf_object *o)
{
    vec_each (s, &o->other_headers)
        if (s->type == PT_NOTE)
            read_notes(o, s);
    /* Go's build information, for programs whose notes were stripped. */
    if (!o->language && elf_section_named(o, ".go.buildinfo"))
        o->language = "go";
}
