/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
        cmocka_unit_test(errors_name_the_place),
        cmocka_unit_test(merge_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
