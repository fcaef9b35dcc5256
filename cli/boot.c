/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/boot.h"
#include "common/file.h"
#include <stdlib.h>
#include <string.h>

enum { KEY_RUN = 0x3400, KEY_FORWARD, LINES = 12, LAST_PORT = 65535 };

static const struct argp_option options[] = {
    {"run", KEY_RUN, NULL, 0,
     "Boot the image and exercise it with the test file; without one, until its program ends or "
     "the time is over (-w)",
     0},
    {"forward", KEY_FORWARD, "PORT[,PORT...]", 0,
     "Ports of this host to lead into the machine (default: those of the test file, else those on "
     "which the program listens when it is run here)",
     0},
    {NULL},
};

static void add_forwards(struct boot_options *o, const char *text, struct argp_state *state)
{
    for (const char *at = text;; at++) {
        char *end;
        long port = strtol(at, &end, 10);
        if (end == at || port < 1 || port > LAST_PORT || (*end && *end != ','))
            argp_error(state, "--forward: '%s' is not a list of ports", text);
        else
            vec_push(o->image.cli->arena, &o->forwards, ((struct listening){.port = (int)port}));
        at = end;
        if (*at != ',')
            return;
    }
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct boot_options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->image;
        return 0;
    case KEY_RUN:
        o->run = true;
        return 0;
    case KEY_FORWARD:
        add_forwards(o, value, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&runner_argp, 0, NULL, 0}, {0}};
const struct argp boot_argp = {.options = options, .parser = parse, .children = children};

static void print_text(FILE *out, const char *text)
{
    int lines = 0;
    while (text && *text) {
        size_t n = strcspn(text, "\n");
        if (++lines > LINES) {
            fprintf(out, "      ... (run.json has more)\n");
            return;
        }
        fprintf(out, "      %.*s\n", (int)n, text);
        text += n + (text[n] == '\n');
    }
}

static void print_run(FILE *out, const struct boot *boot, const struct boot_run *run)
{
    fprintf(out, "Booted          %s%s%s\n", boot->runner, *run->arguments ? ": " : "",
            run->arguments);
    print_text(out, run->start);
    vec_each (test, &run->tests) {
        fprintf(out, "  %-8s %s: %s, %lld ms%s%s\n", test->fault ? "FAILED" : "ok", test->command,
                test->status, (long long)test->duration_ms, test->fault ? ": " : "",
                test->fault ? test->fault : "");
        print_text(out, test->output);
    }
    fprintf(out, "  ended    %s\n", run->end);
    if (run->refused.count) {
        fprintf(out, "  refused ");
        vec_each (call, &run->refused)
            fprintf(out, " %s", *call);
        fputc('\n', out);
    }
    vec_each (fault, &run->faults)
        fprintf(out, "  FAILED   %s\n", *fault);
}

static void print_boot(FILE *out, const struct boot *boot)
{
    size_t tests = 0, failed = 0;
    vec_each (run, &boot->runs) {
        print_run(out, boot, run);
        tests += run->tests.count;
        vec_each (test, &run->tests)
            failed += test->fault != NULL;
    }
    fprintf(out, "Tests           %zu run on the image, %zu failed: %s\n", tests, failed,
            boot->passed ? "passed" : "FAILED");
}

enum status boot_run(struct boot_options *o, const char *dir, const char *program,
                     const struct selection *selection, const struct build_result *built)
{
    struct cli *cli = o->image.cli;
    if (!built->image)
        return diag_fail(&cli->diag, STATUS_SYSTEM, "--run: there is no image: %s",
                         built->reason ? built->reason : "give a core (--uk-root TREE)");
    o->image.verif.program = program;
    o->image.verif.name = cli->program;
    enum status status = verif_read_inputs(&o->image, dir);
    if (status)
        return status;
    verif_use_build(&o->image, selection, built);
    struct boot boot;
    enum status ran =
        boot_image(&cli->diag, cli->arena, &o->image.verif, &o->image.image, &o->forwards, &boot);
    if (ran > STATUS_FOUND)
        return ran;
    json_t *json = jm_encode(&boot_type, &boot);
    status = json_write(&cli->diag, cli_path(cli, dir, "run.json"), json);
    json_decref(json);
    print_boot(cli->json ? stderr : stdout, &boot);
    return status ? status : ran;
}
