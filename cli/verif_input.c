/* SPDX-License-Identifier: BSD-3-Clause
 * An image whose console has no end of input gets the tests' lines as a pipe of its own: a few
 * lines of C built along, which fill the pipe before the program starts. */
#include "cli/verif.h"
#include <ctype.h>
#include <string.h>

enum { PIPE_BYTES = 65535 }; /* what a pipe of the core holds unread (2^16, one byte kept free) */

static const char head[] =
    "/* Standard input of the program: a pipe that holds this text and ends after it. */\n"
    "#include <uk/init.h>\n"
    "#include <uk/posix-pipe.h>\n"
    "#include <uk/syscall.h>\n"
    "\n"
    "static const char text[] =";

static const char tail[] = ";\n\n"
                           "static int give_input(struct uk_init_ctx *ctx __unused)\n"
                           "{\n"
                           "\tint ends[2];\n"
                           "\tlong done = uk_sys_pipe(ends, 0);\n"
                           "\tif (done < 0)\n"
                           "\t\treturn (int)done;\n"
                           "\tif (sizeof(text) > 1)\n"
                           "\t\tdone = uk_syscall_r_write(ends[1], (long)text, sizeof(text) - 1);\n"
                           "\tif (done >= 0)\n"
                           "\t\tdone = uk_syscall_r_dup3(ends[0], 0, 0);\n"
                           "\tuk_syscall_r_close(ends[0]);\n"
                           "\tuk_syscall_r_close(ends[1]);\n"
                           "\treturn done < 0 ? (int)done : 0;\n"
                           "}\n"
                           "uk_late_initcall(give_input, 0x0);\n";

/* A line of the tests as a C string literal on a line of its own. */
static const char *literal(struct arena *a, const char *line)
{
    char *out = arena_alloc(a, 4 * strlen(line) + 16), *to = out;
    to = stpcpy(to, "\n\t\"");
    for (; *line; line++) {
        unsigned char c = (unsigned char)*line;
        if (c == '"' || c == '\\') {
            *to++ = '\\';
            *to++ = (char)c;
        } else if (isprint(c) && c != '?') { /* ?? would begin a trigraph */
            *to++ = (char)c;
        } else {
            *to++ = '\\';
            *to++ = (char)('0' + (c >> 6));
            *to++ = (char)('0' + (c >> 3 & 7));
            *to++ = (char)('0' + (c & 7));
        }
    }
    strcpy(to, "\\n\"");
    return out;
}

const char *verif_input_source(struct arena *a, const struct test_file *tests)
{
    const char *source = head;
    size_t size = 0;
    vec_each (line, &tests->commands) {
        size += strlen(*line) + 1;
        if (size > PIPE_BYTES)
            return NULL;
        source = arena_printf(a, "%s%s", source, literal(a, *line));
    }
    return arena_printf(a, "%s%s%s", source, tests->commands.count ? "" : " \"\"", tail);
}
