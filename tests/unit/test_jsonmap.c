/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/profile.h"
#include "common/syscalls.h"

static void fill(struct arena *a, struct profile *p)
{
    p->schema = PROFILE_SCHEMA;
    p->program = (struct profile_program){.path = "/bin/x", .arch = "x86_64", .type = "static"};
    struct profile_syscall *s = vec_add(a, &p->static_part.syscalls);
    *s = (struct profile_syscall){
        .name = "openat", .number = 257, .phases = PHASE_RUN, .class_ = -1};
    vec_push(a, &s->evidence, ((struct profile_step){"x", "main", 0x1000}));
}

static void round_trip(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct diag d;
    diag_init(&d, -1);
    struct profile in = {0}, out = {0};
    fill(a, &in);
    json_t *json = jm_encode(&profile_type, &in);
    assert_int_equal(jm_decode(&profile_type, json, &out, a, &d, "test"), STATUS_OK);
    assert_int_equal(out.static_part.syscalls.count, 1);
    const struct profile_syscall *s = out.static_part.syscalls.items;
    assert_string_equal(s->name, "openat");
    assert_int_equal(s->phases, PHASE_RUN);
    assert_int_equal(s->class_, -1);
    assert_int_equal(s->evidence.items[0].address, 0x1000);
    assert_null(out.program.build_id);
    json_decref(json);
    arena_free(a);
}

struct inner {
    const char *text;
    uint64_t address;
};

struct every_kind {
    const char *text, *missing, *left_out;
    int64_t number;
    double real, odd;
    bool flag;
    int which, none;
    unsigned set, empty_set;
    strings list, empty_list;
    struct inner one;
    VEC(struct inner) many, no_more;
    jm_pairs map, empty_map;
};

static const char *const choices[] = {"first", "sec\"ond", "third", NULL};
static const struct jm_field inner_fields[] = {
    JM_FIELD(struct inner, "text", text, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(struct inner, "address", address, JM_ADDRESS, .flags = JM_OPTIONAL),
};
static const struct jm_type inner_type = JM_TYPE(struct inner, "inner", NULL, inner_fields);
static const struct jm_field every_field[] = {
    JM_FIELD(struct every_kind, "text", text, JM_STRING),
    JM_FIELD(struct every_kind, "missing", missing, JM_STRING, .flags = JM_NULLABLE),
    JM_FIELD(struct every_kind, "left_out", left_out, JM_STRING, .flags = JM_OPTIONAL),
    JM_FIELD(struct every_kind, "number", number, JM_INT),
    JM_FIELD(struct every_kind, "real", real, JM_REAL),
    JM_FIELD(struct every_kind, "odd", odd, JM_REAL),
    JM_FIELD(struct every_kind, "flag", flag, JM_BOOL),
    JM_FIELD(struct every_kind, "which", which, JM_ENUM, .names = choices),
    JM_FIELD(struct every_kind, "none", none, JM_ENUM, .names = choices, .flags = JM_NULLABLE),
    JM_FIELD(struct every_kind, "set", set, JM_FLAGS, .names = choices),
    JM_FIELD(struct every_kind, "empty_set", empty_set, JM_FLAGS, .names = choices),
    JM_FIELD(struct every_kind, "list", list, JM_STRINGS),
    JM_FIELD(struct every_kind, "empty_list", empty_list, JM_STRINGS),
    JM_FIELD(struct every_kind, "one", one, JM_OBJECT, .type = &inner_type),
    JM_FIELD(struct every_kind, "many", many, JM_ARRAY, .type = &inner_type),
    JM_FIELD(struct every_kind, "no_more", no_more, JM_ARRAY, .type = &inner_type),
    JM_FIELD(struct every_kind, "map", map, JM_MAP),
    JM_FIELD(struct every_kind, "empty_map", empty_map, JM_MAP),
};
static const struct jm_type every_type = JM_TYPE(struct every_kind, "every", NULL, every_field);

static void assert_same_text(struct arena *a, const struct jm_type *type, const void *value)
{
    json_t *json = jm_encode(type, value);
    char *theirs = json_dumps(json, JSON_INDENT(2));
    size_t size;
    const char *ours = jm_text(a, type, value, &size);
    assert_int_equal(size, strlen(theirs) + 1);
    assert_memory_equal(ours, theirs, size - 1);
    assert_string_equal(ours + size - 1, "\n");
    free(theirs);
    json_decref(json);
}

/* The text is what jansson writes. */
static void text_is_that_of_the_tree(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "plain",
                                        "q\"b\\s/\b\f\n\r\t\x01\x1f\x7f",
                                        "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
                                        "bad \xff and \xc3\xa4",
                                        "cut \xe2\x82",
                                        "overlong \xc0\xaf",
                                        "\xe0\x80\xaf",
                                        "surrogate \xed\xa0\x80",
                                        "\xf4\x90\x80\x80 too far",
                                        "\xf0\x80\x80\x80",
                                        "\xed\x9f\xbf",
                                        "\xef\xbf\xbf",
                                        "\xf4\x8f\xbf\xbf",
                                        "\xf5\x80\x80\x80",
                                        "\x80"};
    static const double reals[] = {0, -0.0, 1, 1.5, 1e300, -2.5e-7, 123456789012345678.0, 0.1};
    struct arena *a = arena_new();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct every_kind e = {.text = texts[i],
                               .number = i ? -(int64_t)i : INT64_MIN,
                               .real = reals[i % (sizeof reals / sizeof reals[0])],
                               .odd = i % 2 ? 1.0 / 0.0 : -7,
                               .flag = i % 2,
                               .which = (int)(i % 3),
                               .none = -1,
                               .set = (unsigned)i,
                               .one = {texts[i], UINT64_MAX}};
        for (size_t k = 0; k < i; k++) {
            vec_push(a, &e.list, texts[k]);
            vec_push(a, &e.many, ((struct inner){k ? texts[k] : NULL, k}));
            vec_push(a, &e.map, ((struct jm_pair){texts[k % 5], texts[k]}));
        }
        assert_same_text(a, &every_type, &e);
    }
    struct profile empty = {0}, full = {0};
    fill(a, &full);
    assert_same_text(a, &profile_type, &empty);
    assert_same_text(a, &profile_type, &full);
    arena_free(a);
}

static void errors_name_the_place(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    struct diag d;
    diag_init(&d, -1);
    struct profile in = {0}, out = {0};
    fill(a, &in);
    json_t *json = jm_encode(&profile_type, &in);
    json_t *call = json_array_get(json_object_get(json_object_get(json, "static"), "syscalls"), 0);
    json_object_set_new(call, "number", json_string("x"));
    assert_int_equal(jm_decode(&profile_type, json, &out, a, &d, "f.json"), STATUS_INPUT);
    assert_string_equal(d.message, "f.json: .static.syscalls[0].number: an integer was expected");
    json_decref(json);
    arena_free(a);
}

static void merge_by_number(void **state)
{
    (void)state;
    struct arena *a = arena_new();
    profile_syscalls list = {0};
    const char *names[] = {"write", "openat", "write"};
    for (size_t i = 0; i < 3; i++) {
        struct profile_syscall *s = vec_add(a, &list);
        s->name = names[i];
        s->number = syscall_number(names[i]);
        s->phases = 1u << i;
    }
    profile_syscalls_sort(&list);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].name, "openat");
    assert_int_equal(list.items[1].phases, PHASE_LOADER | PHASE_RUN);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(text_is_that_of_the_tree),
        cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(merge_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
