/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/layout.h"
#include "common/file.h"
#include <string.h>

#define S struct layout_library
static const struct jm_field library_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "text", text, JM_INT, .description = "bytes of code in memory"),
    JM_FIELD(S, "rodata", rodata, JM_INT, .description = "bytes of read-only data in memory"),
    JM_FIELD(S, "data", data, JM_INT, .description = "bytes of initialised writable data"),
    JM_FIELD(S, "bss", bss, JM_INT, .description = "bytes of zeroed writable data"),
    JM_FIELD(S, "file", file, JM_INT, .flags = JM_OPTIONAL, .description = "bytes in the file"),
    JM_FIELD(S, "padding", padding, JM_INT, .flags = JM_OPTIONAL,
             .description = "alignment bytes in front of its parts, not counted elsewhere"),
};
static const struct jm_type library_type =
    JM_TYPE(S, "library", "One micro-library of the image", library_fields);
#undef S

#define S struct layout_section
static const struct jm_field section_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "address", address, JM_ADDRESS),
    JM_FIELD(S, "size", size, JM_INT),
};
static const struct jm_type section_type = JM_TYPE(S, "section", NULL, section_fields);
#undef S

#define S struct layout_symbol
static const struct jm_field symbol_fields[] = {
    JM_FIELD(S, "name", name, JM_STRING),
    JM_FIELD(S, "address", address, JM_ADDRESS),
    JM_FIELD(S, "size", size, JM_INT),
    JM_FIELD(S, "section", section, JM_STRING),
    JM_FIELD(S, "library", library, JM_STRING, .flags = JM_NULLABLE),
};
static const struct jm_type symbol_type = JM_TYPE(S, "symbol", NULL, symbol_fields);
#undef S

#define S struct layout
static const struct jm_field layout_fields[] = {
    JM_FIELD(S, "schema", schema, JM_STRING),
    JM_FIELD(S, "image", image, JM_STRING),
    JM_FIELD(S, "file_size", file_size, JM_INT, .flags = JM_OPTIONAL),
    JM_FIELD(S, "memory_size", memory_size, JM_INT, .flags = JM_OPTIONAL),
    JM_FIELD(S, "libraries", libraries, JM_ARRAY, .type = &library_type),
    JM_FIELD(S, "sections", sections, JM_ARRAY, .type = &section_type),
    JM_FIELD(S, "symbols", symbols, JM_ARRAY, .type = &symbol_type),
    JM_FIELD(S, "unattributed", unattributed, JM_INT,
             .description = "bytes in memory that belong to no library"),
};
const struct jm_type layout_type =
    JM_TYPE(S, "layout", "What the bytes of a built image belong to", layout_fields);
#undef S

enum status layout_read(struct diag *d, struct arena *a, const char *path, struct layout *out)
{
    json_t *json = NULL;
    enum status status = json_read(d, path, &json);
    if (status)
        return status;
    memset(out, 0, sizeof *out);
    status = jm_decode(&layout_type, json, out, a, d, path);
    json_decref(json);
    if (!status && strcmp(out->schema, LAYOUT_SCHEMA) != 0)
        status = diag_fail(d, STATUS_INPUT, "%s: .schema: \"%s\" was expected, \"%s\" found", path,
                           LAYOUT_SCHEMA, out->schema);
    return status;
}
