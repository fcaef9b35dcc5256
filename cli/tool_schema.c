/* SPDX-License-Identifier: BSD-3-Clause
 * --schema: the JSON Schema of a document, from the same table that writes and reads it. */
#include "cli/cli.h"
#include "common/catalogue.h"
#include "common/file.h"
#include "common/layout.h"
#include "common/profile.h"
#include "common/selection.h"
#include "common/testfile.h"
#include "crawler/difference.h"
#include "crawler/library_graph.h"
#include "memanalyser/supplement.h"
#include "optimiser/knobs.h"
#include "verifier/verifier.h"
#include <string.h>

static const char doc[] = "Print the JSON Schema of a DOCUMENT: profile, catalogue, selection, "
                          "layout, supplement, test, run, verif, perf, knobs, graph or "
                          "difference.";

static enum status run(int argc, char **argv, struct cli *cli)
{
    static const struct {
        const char *name;
        const struct jm_type *type;
    } documents[] = {{"profile", &profile_type},
                     {"catalogue", &catalogue_type},
                     {"selection", &selection_type},
                     {"layout", &layout_type},
                     {"supplement", &supplement_type},
                     {"test", &test_file_type},
                     {"perf", &perf_type},
                     {"knobs", &knobs_file_type},
                     {"run", &boot_type},
                     {"verif", &verif_type},
                     {"graph", &library_graph_type},
                     {"difference", &catalogue_difference_type}};
    struct argp_child children[] = {{&cli_common_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {.children = children, .args_doc = "DOCUMENT", .doc = doc};
    enum status status = cli_parse(&argp, argc, argv, cli, cli);
    if (status)
        return status;
    for (size_t i = 0; cli->program && i < sizeof documents / sizeof documents[0]; i++) {
        if (strcmp(documents[i].name, cli->program) != 0)
            continue;
        json_t *schema = jm_schema(documents[i].type);
        status = json_print(&cli->diag, schema);
        json_decref(schema);
        return status;
    }
    return diag_fail(
        &cli->diag, STATUS_INPUT,
        "%s: not a document (profile, catalogue, selection, layout, supplement, test, run, "
        "verif, graph, "
        "difference)",
        cli->program ? cli->program : "nothing given");
}

const struct tool tool_schema = {"schema", "the JSON Schema of a document", run};
