/* SPDX-License-Identifier: BSD-3-Clause
 * Matching on a small catalogue made by hand: alternatives, what is missing, refusals,
 * contradictory wishes, rules, reasons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "matcher/facts.h"
#include "matcher/matcher.h"

/* Two providers of mmap that exclude each other; files select descriptors; a C library for all. */
static const char catalogue_text[] =
    "{'schema':'catalogue/1','name':'tiny','version':'1','repositories':[],"
    "'libraries':["
    " {'name':'libfiles','option':'FILES','repository':'tiny','kind':'library','symbols':['open','"
    "read'],'exports_"
    "all':false},"
    " {'name':'libfds','option':'FDS','repository':'tiny','kind':'library','symbols':['close'],'"
    "exports_all':false},"
    " {'name':'libmapbig','option':'MAPBIG','repository':'tiny','kind':'library','symbols':[],'"
    "exports_all':false},"
    " {'name':'libvm','option':'VM','repository':'tiny','kind':'library','symbols':[],'exports_all'"
    ":false},"
    " {'name':'libmapsmall','option':'MAPSMALL','repository':'tiny','kind':'library','symbols':[],'"
    "exports_all':"
    "false},"
    " {'name':'libthreads','option':'THREADS','repository':'tiny','kind':'library','symbols':[],'"
    "exports_all':false}"
    ","
    " {'name':'libtinyc','option':'TINYC','repository':'tiny','kind':'library','symbols':['printf',"
    "'close'],'"
    "exports_all':false}],"
    "'options':["
    " {'name':'FILES','type':'bool','visible':'y','depends':null,'selects':[{'value':'FDS','"
    "condition':null}],"
    "  'implies':[],'defaults':[],'ranges':[],'choice':null},"
    " {'name':'FDS','type':'bool','visible':'y','depends':null,'selects':[],'implies':[],'defaults'"
    ":[],'ranges':[],'choice':null},"
    " {'name':'VM','type':'bool','visible':'y','depends':null,'selects':[],'implies':[],'defaults':"
    "[],'ranges':[],'choice':null},"
    " {'name':'MAPBIG','type':'bool','visible':'VM','depends':'VM','selects':[],'implies':[],'"
    "defaults':[],'ranges':[],'choice':null},"
    " {'name':'MAPSMALL','type':'bool','visible':'!MAPBIG','depends':'!MAPBIG','selects':[],'"
    "implies':[],'defaults':[],'ranges':[],'choice':null},"
    " {'name':'THREADS','type':'bool','visible':'y','depends':null,'selects':[],'implies':[],'"
    "defaults':[],'ranges':[],'choice':null},"
    " {'name':'TINYC','type':'bool','visible':'y','depends':null,'selects':[],'implies':[],'"
    "defaults':[{'value':'y','condition':null}],"
    "  'ranges':[],'choice':null}],"
    "'choices':[],"
    "'syscalls':["
    " {'name':'openat','arguments':4,'option':'FILES','condition':null},"
    " {'name':'close','arguments':1,'option':'FDS','condition':null},"
    " {'name':'mmap','arguments':6,'option':'MAPBIG','condition':null},"
    " {'name':'mmap','arguments':6,'option':'MAPSMALL','condition':null},"
    " {'name':'msync','arguments':3,'option':'MAPBIG','condition':null},"
    " {'name':'mremap','arguments':5,'option':'MAPSMALL','condition':null},"
    " {'name':'clone','arguments':5,'option':'THREADS','condition':null}],"
    "'rules':["
    " {'name':'no-static','kind':'refuse','when':'mode=binary && type=static','symptom':'link it "
    "again with -static-pie'},"
    " {'name':'clone3','kind':'harmless','when':'seen=*','symptom':'falls back to "
    "clone','calls':['clone3'],'instead':['clone']},"
    " {'name':'rseq','kind':'harmless','symptom':'goes on without','calls':['rseq']},"
    " {'name':'go','kind':'need','when':'language=go','needs':'THREADS && FILES','symptom':'a "
    "silent spin'},"
    " {'name':'patchwork','kind':'source','when':'language=go','needs':'THREADS','symptom':'gap',"
    "'wrap':['f'],'source':['int x;']},"
    " {'name':'gap-elsewhere','kind':'source','when':'language=go','needs':'!THREADS','source':['']"
    "},"
    " {'name':'moon','kind':'need','when':'moon=full','needs':'WEREWOLF','symptom':'howling'},"
    " {'name':'alias64','kind':'alias','symbols':['*64'],'instead':['*']},"
    " {'name':'glue','kind':'harmless','symbols':['__libc_start_main']}]}";

struct fixture {
    struct arena *arena;
    struct diag diag;
    struct catalogue catalogue;
    struct profile profile;
    struct matcher_options options;
    struct selection selection;
};

static int set_up(void **state)
{
    struct arena *a = arena_new();
    struct fixture *f = ARENA_NEW(a, struct fixture);
    char *text = arena_strdup(a, catalogue_text);
    f->arena = a;
    diag_init(&f->diag, -1);
    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    if (!json)
        fail_msg("%d: %s", error.column, error.text);
    if (jm_decode(&catalogue_type, json, &f->catalogue, a, &f->diag, "catalogue"))
        fail_msg("%s", f->diag.message);
    json_decref(json);
    f->profile.schema = PROFILE_SCHEMA;
    f->profile.program =
        (struct profile_program){.path = "/bin/program", .arch = "x86_64", .type = "static-pie"};
    f->profile.static_part.present = true;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    arena_free(((struct fixture *)*state)->arena);
    return 0;
}

static void need_call(struct fixture *f, const char *name)
{
    struct profile_syscall *call = vec_add(f->arena, &f->profile.static_part.syscalls);
    *call = (struct profile_syscall){.name = name, .number = 1, .class_ = -1};
    vec_push(f->arena, &call->evidence, ((struct profile_step){"program", "main", 16}));
}

static void observe_call(struct fixture *f, const char *name, int class_)
{
    f->profile.dynamic_part.present = true;
    vec_push(f->arena, &f->profile.dynamic_part.syscalls,
             ((struct profile_syscall){.name = name, .number = 1, .count = 1, .class_ = class_}));
}

static enum status run(struct fixture *f)
{
    return match(&f->diag, f->arena, &f->profile, &f->catalogue, &f->options, &f->selection);
}

static void assert_value(const struct fixture *f, const char *option, const char *value)
{
    const char *found = selection_value(&f->selection, option);
    if (!found || strcmp(found, value) != 0)
        fail_msg("%s is %s, not %s", option, found ? found : "not there", value);
}

static void cheaper_provider_wins(void **state)
{
    struct fixture *f = *state;
    need_call(f, "mmap");
    need_call(f, "openat");
    assert_int_equal(run(f), STATUS_OK);
    assert_value(f, "MAPSMALL", "y");                      /* one library instead of two */
    assert_null(selection_value(&f->selection, "MAPBIG")); /* not visible without VM */
    assert_value(f, "FILES", "y");
    assert_value(f, "FDS", "y");
    assert_value(f, "THREADS", "n");
    assert_true(f->selection.optimal);
    assert_int_equal(f->selection.cost, 3);
}

static void more_needs_beat_cost(void **state)
{
    struct fixture *f = *state;
    need_call(f, "mmap");
    need_call(f, "msync");
    assert_int_equal(run(f), STATUS_OK);
    assert_value(f, "MAPBIG", "y");
    assert_value(f, "VM", "y");
}

/* What was seen running outweighs what merely cannot be excluded. */
static void needs_that_exclude_each_other(void **state)
{
    struct fixture *f = *state;
    need_call(f, "msync");
    need_call(f, "mremap");
    observe_call(f, "mremap", -1);
    assert_int_equal(run(f), STATUS_FOUND);
    assert_value(f, "MAPSMALL", "y");
    assert_int_equal(f->selection.missing.syscalls.count, 1);
    assert_string_equal(f->selection.missing.syscalls.items[0].name, "msync");
    assert_non_null(strstr(f->selection.missing.syscalls.items[0].near.items[0], "MAPBIG"));
}

static void missing_calls_are_listed(void **state)
{
    struct fixture *f = *state;
    need_call(f, "openat2");
    need_call(f, "rseq");
    need_call(f, "close");
    assert_int_equal(run(f), STATUS_FOUND);
    assert_int_equal(f->selection.missing.syscalls.count, 2);
    const struct selection_missing_call *call = f->selection.missing.syscalls.items;
    assert_string_equal(call[0].name, "openat2");
    assert_null(call[0].harmless);
    assert_string_equal(call[0].near.items[0], "openat (FILES)");
    assert_string_equal(call[0].prototype,
                        "long openat2(int, const char *, void *, unsigned long)");
    assert_string_equal(call[1].name, "rseq");
    assert_string_equal(call[1].harmless, "goes on without");
}

static void harmless_refusals_do_not_fail(void **state)
{
    struct fixture *f = *state;
    need_call(f, "rseq");
    assert_int_equal(run(f), STATUS_OK);
    assert_int_equal(f->selection.missing.syscalls.count, 1);
}

/* clone3 is lived without only where clone stands in for it, which is therefore sought. */
static void stand_ins_are_sought(void **state)
{
    struct fixture *f = *state;
    observe_call(f, "clone3", -1);
    f->options.need = NEED_DYNAMIC;
    assert_int_equal(run(f), STATUS_OK);
    assert_value(f, "THREADS", "y");
    assert_string_equal(f->selection.missing.syscalls.items[0].harmless, "falls back to clone");
    vec_push(f->arena, &f->options.forbid, "THREADS");
    f->options.keep_going = true;
    assert_int_equal(run(f), STATUS_FOUND);
}

static void levels_of_need(void **state)
{
    struct fixture *f = *state;
    need_call(f, "mmap");
    need_call(f, "openat");
    need_call(f, "clone");
    observe_call(f, "openat", CLASS_REQUIRED);
    observe_call(f, "clone", CLASS_STUBBABLE);
    f->options.need = NEED_REQUIRED;
    assert_int_equal(run(f), STATUS_OK);
    assert_value(f, "FILES", "y");
    assert_value(f, "THREADS", "n");
    f->options.need = NEED_DYNAMIC;
    assert_int_equal(run(f), STATUS_OK);
    assert_value(f, "THREADS", "y");
    assert_value(f, "MAPSMALL", "n");
    f->profile.dynamic_part.present = false;
    assert_int_equal(run(f), STATUS_INPUT);
    assert_non_null(strstr(f->diag.message, "no dynamic part"));
}

static void circumstances_count_as_asked(void **state)
{
    struct fixture *f = *state;
    need_call(f, "clone");
    f->profile.static_part.syscalls.items[0].when = WHEN_SERVICE;
    assert_int_equal(run(f), STATUS_OK);
    assert_value(f, "THREADS", "n");
    f->options.when = WHEN_NORMAL | WHEN_SERVICE;
    assert_int_equal(run(f), STATUS_OK);
    assert_value(f, "THREADS", "y");
}

static void pins_against_each_other(void **state)
{
    struct fixture *f = *state;
    vec_push(f->arena, &f->options.pin, "THREADS"); /* has nothing to do with it */
    vec_push(f->arena, &f->options.pin, "libmapbig");
    vec_push(f->arena, &f->options.pin, "MAPSMALL");
    assert_int_equal(run(f), STATUS_INPUT);
    assert_non_null(strstr(f->diag.message, "--pin libmapbig"));
    assert_non_null(strstr(f->diag.message, "--pin MAPSMALL"));
    assert_null(strstr(f->diag.message, "THREADS"));
}

static void pins_against_needs(void **state)
{
    struct fixture *f = *state;
    need_call(f, "openat");
    need_call(f, "mmap");
    vec_push(f->arena, &f->options.pin, "THREADS");
    vec_push(f->arena, &f->options.forbid, "FDS");
    assert_int_equal(run(f), STATUS_INPUT);
    assert_non_null(strstr(f->diag.message, "the system call openat (static: main)"));
    assert_non_null(strstr(f->diag.message, "--forbid FDS"));
    assert_null(strstr(f->diag.message, "THREADS"));
    assert_null(strstr(f->diag.message, "mmap"));
    f->options.keep_going = true;
    assert_int_equal(run(f), STATUS_FOUND);
    assert_string_equal(f->selection.missing.syscalls.items[0].name, "openat");
    assert_value(f, "MAPSMALL", "y");
}

static void wishes_and_unknown_names(void **state)
{
    struct fixture *f = *state;
    need_call(f, "mmap");
    vec_push(f->arena, &f->options.prefer, "CONFIG_MAPBIG");
    assert_int_equal(run(f), STATUS_OK);
    assert_value(f, "MAPBIG", "y");
    vec_push(f->arena, &f->options.pin, "THREAD");
    assert_int_equal(run(f), STATUS_INPUT);
    assert_non_null(strstr(f->diag.message, "near it: THREADS"));
}

static void measured_sizes_decide(void **state)
{
    struct fixture *f = *state;
    struct layout layout = {0};
    need_call(f, "mmap");
    vec_push(f->arena, &layout.libraries, ((struct layout_library){"libmapsmall", 90000, 0, 0, 0}));
    vec_push(f->arena, &layout.libraries, ((struct layout_library){"libmapbig", 2000, 0, 0, 0}));
    vec_push(f->arena, &layout.libraries, ((struct layout_library){"libvm", 1000, 500, 0, 0}));
    f->options.weights = &layout;
    assert_int_equal(run(f), STATUS_OK);
    assert_value(f, "MAPBIG", "y");
    assert_value(f, "TINYC", "n");
    assert_int_equal(f->selection.cost, 3500);
}

static void functions_of_a_source_port(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"open64", "printf", "__libc_start_main", "fork"};
    f->options.mode = MODE_SOURCE;
    for (size_t i = 0; i < 4; i++)
        vec_push(f->arena, &f->profile.static_part.symbols,
                 ((struct profile_symbol){names[i], "GLIBC_2.2.5", "libc.so.6"}));
    need_call(f, "mmap"); /* made by the C library left behind */
    f->profile.static_part.syscalls.items[0].evidence.items[0].library = "libc.so.6";
    assert_int_equal(run(f), STATUS_FOUND);
    assert_value(f, "FILES", "y");
    assert_value(f, "TINYC", "y");
    assert_value(f, "MAPSMALL", "n");
    assert_int_equal(f->selection.missing.symbols.count, 1);
    assert_string_equal(f->selection.missing.symbols.items[0], "fork");
    assert_int_equal(f->selection.clashes.count, 1);
    assert_string_equal(f->selection.clashes.items[0], "close: libfds, libtinyc");
}

static void facts_become_needs(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(run(f), STATUS_OK);
    assert_value(f, "THREADS", "n");
    f->profile.program.language = "go";
    assert_int_equal(run(f), STATUS_OK);
    assert_value(f, "THREADS", "y");
    assert_value(f, "FILES", "y");
    /* What no option gives, for whom it holds and where its option is chosen. */
    assert_int_equal(f->selection.sources.count, 1);
    assert_string_equal(f->selection.sources.items[0].rule, "patchwork");
    assert_string_equal(f->selection.sources.items[0].wrap.items[0], "f");
    vec_push(f->arena, &f->options.facts, "moon=full");
    assert_int_equal(run(f), STATUS_FOUND);
    assert_int_equal(f->selection.unmet.count, 1);
    assert_string_equal(f->selection.unmet.items[0].symptom, "howling");
}

static void what_never_runs_is_refused(void **state)
{
    struct fixture *f = *state;
    f->profile.program.type = "static";
    assert_int_equal(run(f), STATUS_INPUT);
    assert_string_equal(f->diag.message, "/bin/program: link it again with -static-pie");
    f->options.mode = MODE_SOURCE;
    assert_int_equal(run(f), STATUS_OK);
}

static void reasons_and_explanations(void **state)
{
    struct fixture *f = *state;
    const char *text;
    need_call(f, "openat");
    assert_int_equal(run(f), STATUS_OK);
    assert_string_equal(f->selection.libraries.items[1].name, "libfiles");
    assert_string_equal(f->selection.libraries.items[1].reasons.items[0], "provides openat (main)");
    assert_string_equal(f->selection.libraries.items[0].reasons.items[1],
                        "selected by FILES, which provides openat (main)");
    assert_int_equal(
        match_explain(&f->diag, f->arena, &f->profile, &f->catalogue, &f->options, "libfds", &text),
        STATUS_OK);
    assert_non_null(strstr(text, "FDS is in:"));
    assert_non_null(strstr(text, "It stays as long as one of these holds:\n  the system call "
                                 "openat"));
    assert_int_equal(
        match_explain(&f->diag, f->arena, &f->profile, &f->catalogue, &f->options, "MAPBIG", &text),
        STATUS_OK);
    assert_non_null(strstr(text, "MAPBIG is out"));
    assert_non_null(strstr(text, "with libmapbig, libvm (cost 4 instead of 2)"));
    assert_int_equal(match_explain(&f->diag, f->arena, &f->profile, &f->catalogue, &f->options,
                                   "nothing", &text),
                     STATUS_INPUT);
}

static void stubs_have_prototypes(void **state)
{
    struct fixture *f = *state;
    const char *source, *makefile;
    need_call(f, "openat2");
    assert_int_equal(run(f), STATUS_FOUND);
    match_stubs(f->arena, &f->selection, &source, &makefile);
    assert_string_equal(makefile, "UK_PROVIDED_SYSCALLS-y += openat2-4\n");
    assert_non_null(strstr(source, "UK_LLSYSCALL_R_DEFINE(long, openat2, int, a0, const char *, "
                                   "a1, void *, a2, unsigned long, a3)"));
    assert_non_null(strstr(source, "return -ENOSYS;"));
}

/* One call completes a program at once; two more complete the next. */
static void plans_unlock_early(void **state)
{
    struct fixture *f = *state;
    static const char *const missing[3][3] = {
        {"ptrace"}, {"bpf", "keyctl", NULL}, {"bpf", "keyctl", "personality"}};
    struct selection selections[3] = {{.program = "a"}, {.program = "b"}, {.program = "c"}};
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3 && missing[i][k]; k++)
            vec_push(f->arena, &selections[i].missing.syscalls,
                     ((struct selection_missing_call){.name = missing[i][k]}));
    plan steps = {0};
    match_plan(f->arena, selections, 3, &steps);
    static const char *const order[] = {"ptrace", "bpf", "keyctl", "personality"};
    assert_int_equal(steps.count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(steps.items[i].call, order[i]);
    assert_string_equal(steps.items[0].unlocks.items[0], "a");
    assert_int_equal(steps.items[1].unlocks.count, 0);
    assert_string_equal(steps.items[2].unlocks.items[0], "b");
    assert_string_equal(steps.items[3].unlocks.items[0], "c");
}

static void conditions_over_facts(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *condition;
        int expected; /* -1: a syntax error */
    } cases[] = {
        {"mode=binary", 1},     {"mode=source", 0},           {"mode", 1},
        {"nothing", 0},         {"!nothing && mode=b*", 1},   {"(a || mode=binary) && !b", 1},
        {"path=/etc/*", 1},     {"path=/usr/* || path=x", 0}, {"mode=binary &&", -1},
        {"(mode=binary", -1},   {"mode=binary mode", -1},     {"", 1},
        {"&& mode=binary", -1}, {"!!mode=binary", 1},
    };
    strings facts = {0};
    vec_push(f->arena, &facts, "mode=binary");
    vec_push(f->arena, &facts, "path=/etc/hosts");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool holds = false;
        enum status status = condition_holds(&f->diag, "rule", cases[i].condition, &facts, &holds);
        assert_int_equal(status, cases[i].expected < 0 ? STATUS_INPUT : STATUS_OK);
        if (!status)
            assert_int_equal(holds, cases[i].expected);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cheaper_provider_wins),
        TEST(more_needs_beat_cost),
        TEST(needs_that_exclude_each_other),
        TEST(missing_calls_are_listed),
        TEST(harmless_refusals_do_not_fail),
        TEST(stand_ins_are_sought),
        TEST(levels_of_need),
        TEST(circumstances_count_as_asked),
        TEST(pins_against_each_other),
        TEST(pins_against_needs),
        TEST(wishes_and_unknown_names),
        TEST(measured_sizes_decide),
        TEST(functions_of_a_source_port),
        TEST(facts_become_needs),
        TEST(what_never_runs_is_refused),
        TEST(reasons_and_explanations),
        TEST(stubs_have_prototypes),
        TEST(plans_unlock_early),
        TEST(conditions_over_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
