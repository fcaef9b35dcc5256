/* SPDX-License-Identifier: BSD-3-Clause
 * image.json: what a build left, so that a later --verif or --perf can run it. */
#include "cli/build.h"
#include "common/file.h"
#include "common/jsonmap.h"
#include <string.h>

#define IMAGE_SCHEMA "image/1"

struct image_document {
    const char *schema;
    struct build_result built;
};

#define S struct image_document
static const struct jm_field fields[] = {
    JM_FIELD(S, "schema", schema, JM_STRING),
    JM_FIELD(S, "image", built.image, JM_STRING),
    JM_FIELD(S, "debug_image", built.debug_image, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "initrd", built.initrd, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(S, "run", built.run, JM_STRINGS, .description = "command line that runs it"),
};
static const struct jm_type type = JM_TYPE(S, "image", "An image and how it is run", fields);
#undef S

enum status image_record(struct cli *cli, const char *dir, const struct build_result *result)
{
    if (!result->image)
        return STATUS_OK;
    struct image_document document = {.schema = IMAGE_SCHEMA, .built = *result};
    json_t *json = jm_encode(&type, &document);
    enum status status = json_write(&cli->diag, cli_path(cli, dir, "image.json"), json);
    json_decref(json);
    return status;
}

enum status image_recall(struct cli *cli, const char *dir, struct build_result *result, bool *found)
{
    const char *path = cli_path(cli, dir, "image.json");
    json_t *json = NULL;
    *found = false;
    if (!file_exists(path))
        return STATUS_OK;
    enum status status = json_read(&cli->diag, path, &json);
    struct image_document document = {0};
    if (!status)
        status = jm_decode(&type, json, &document, cli->arena, &cli->diag, path);
    json_decref(json);
    if (!status && strcmp(document.schema, IMAGE_SCHEMA) != 0)
        status = diag_fail(&cli->diag, STATUS_INPUT, "%s: .schema: \"%s\" was expected", path,
                           IMAGE_SCHEMA);
    if (status)
        return status;
    *result = document.built;
    *found = file_exists(result->image);
    return STATUS_OK;
}
