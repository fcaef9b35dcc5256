/* SPDX-License-Identifier: BSD-3-Clause
 * An image whose console has no end of input gets the tests' lines as a file of its initrd: a few
 * lines of C built along make it the program's standard input before that starts. */
#include "cli/surroundings.h"
#include "cli/verif.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

static const char source[] = "/* Standard input of the program: a file, which ends. */\n"
                             "#include <fcntl.h>\n"
                             "#include <uk/init.h>\n"
                             "#include <unistd.h>\n"
                             "\n"
                             "static int give_input(struct uk_init_ctx *ctx __unused)\n"
                             "{\n"
                             "\tint fd = open(\"%s\", O_RDONLY);\n"
                             "\tif (fd < 0 || dup2(fd, 0) != 0)\n"
                             "\t\treturn -1;\n"
                             "\tclose(fd);\n"
                             "\treturn 0;\n"
                             "}\n"
                             "uk_late_initcall(give_input, 0x0);\n";

enum status verif_give_input(struct verif_cli *v, struct build_options *build, const char *dir)
{
    struct cli *cli = v->cli;
    struct arena *a = cli->arena;
    size_t size = 0;
    vec_each (line, &v->verif.tests->commands)
        size += strlen(*line) + 1;
    char *text = arena_alloc(a, size + 1), *to = text;
    vec_each (line, &v->verif.tests->commands)
        to = stpcpy(stpcpy(to, *line), "\n");
    const char *path = cli_path(cli, dir, "verif/input");
    enum status status = file_write(&cli->diag, path, text, size, 0);
    char *real = status ? NULL : realpath(path, NULL);
    if (!status && (!real || strpbrk(real, "\"\\%\n")))
        status = diag_fail(&cli->diag, STATUS_INPUT, "%s: not a path that C source can hold", path);
    if (!status) {
        const char *file = arena_strdup(a, real);
        build_add_file(build, file);
        build->builder.input_source = arena_printf(a, source, file);
    }
    free(real);
    return status;
}
