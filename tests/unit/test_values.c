/* SPDX-License-Identifier: BSD-3-Clause
 * How values remember what they were made from: chains of operations replayed on constants, against
 * the same operations done by the compiler; joins against the union of sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analyzer/decode.h"
#include "analyzer/values.h"
#include "common/arena.h"

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

/* One random operation on a value, and on the constant that stands for it. */
static value step(struct values *v, value x, uint64_t *c, uint64_t *random)
{
    static const uint8_t widths[] = {1, 2, 4, 8};
    uint64_t constant = next_random(random) & 0xffff;
    unsigned kind = next_random(random) % 5, width = next_random(random) % 2 ? 4 : 8;
    unsigned from = widths[next_random(random) % 4];
    uint64_t mask = width == 4 ? UINT32_MAX : UINT64_MAX;
    switch (kind) {
    case 0:
        *c = *c & constant & mask;
        return value_binary(v, OP_AND, x, value_const(v, (int64_t)constant), width);
    case 1:
        *c = (*c | constant) & mask;
        return value_binary(v, OP_OR, x, value_const(v, (int64_t)constant), width);
    case 2:
        *c = (*c ^ constant) & mask;
        return value_binary(v, OP_XOR, x, value_const(v, (int64_t)constant), width);
    case 3:
        *c = from == 1 ? (uint8_t)*c : from == 2 ? (uint16_t)*c : from == 4 ? (uint32_t)*c : *c;
        return value_extend(v, x, from, 8, false);
    default:
        *c = from == 1   ? (uint64_t)(int64_t)(int8_t)*c
             : from == 2 ? (uint64_t)(int64_t)(int16_t)*c
             : from == 4 ? (uint64_t)(int64_t)(int32_t)*c
                         : *c;
        return value_extend(v, x, from, 8, true);
    }
}

static int64_t replay_all(const struct values *v, value x, int64_t c)
{
    const struct value_data *d = value_get(v, x);
    return d->sign > ORIGIN_INPUT ? value_replay(d, replay_all(v, (value)d->base, c)) : c;
}

static void test_origins(void **state)
{
    struct values v;
    uint64_t random = 88172645463325252u;
    unsigned known = 0;
    values_init(&v, *state);
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t start = next_random(&random), c = start;
        value x = value_input(&v, 6);
        for (unsigned i = next_random(&random) % 4; i-- > 0;)
            x = step(&v, x, &c, &random);
        const struct value_data *d = value_get(&v, x);
        assert_true(d->kind == VK_TOP);
        assert_true(c <= d->max);
        while (d->sign > ORIGIN_INPUT)
            d = value_get(&v, (value)d->base);
        if (d->sign != ORIGIN_INPUT)
            continue;
        known++;
        assert_int_equal(d->base, 6);
        assert_true((uint64_t)replay_all(&v, x, (int64_t)start) == c);
    }
    assert_true(known > 15000);
}

/* A value that is anything but for a few bits, joined with constants: all of both are still in it.
 */
static void test_masks(void **state)
{
    struct values v;
    values_init(&v, *state);
    value some = value_binary(&v, OP_AND, VALUE_TOP, value_const(&v, 0x80), 4);
    value joined = value_join(&v, some, value_const(&v, 0x81), false);
    const struct value_data *d = value_get(&v, joined);
    assert_int_equal(d->sign, ORIGIN_AND);
    assert_int_equal(d->first, 0x81);
    joined = value_join(&v, value_const(&v, 0), some, false);
    assert_int_equal(value_get(&v, joined)->first, 0x80);
    assert_true(value_join(&v, joined, some, false) == joined);
    joined = value_join(&v, some, value_const(&v, 0x7f), false);
    assert_int_equal(value_get(&v, joined)->sign, ORIGIN_NONE);
    assert_true(value_get(&v, joined)->max >= 0x80);
}

static void test_joins(void **state)
{
    struct values v;
    values_init(&v, *state);
    value input = value_input(&v, 7), other = value_input(&v, 6);
    value low = value_extend(&v, input, 4, 8, false);
    assert_int_equal(value_get(&v, value_join(&v, input, low, false))->sign, ORIGIN_NONE);
    assert_int_equal(value_get(&v, value_join(&v, input, other, false))->sign, ORIGIN_NONE);
    assert_int_equal(value_get(&v, value_join(&v, input, value_const(&v, 3), false))->sign,
                     ORIGIN_NONE);
    value bounded = value_bounded(&v, low, 9), joined = value_join(&v, bounded, low, false);
    assert_int_equal(value_get(&v, joined)->sign, ORIGIN_LOW);
    assert_int_equal(value_get(&v, joined)->max, UINT32_MAX);
    assert_true(value_extend(&v, low, 4, 8, false) == low);
    /* Out of its function nothing of the kind is left. */
    assert_int_equal(value_get(&v, value_outside(&v, low))->sign, ORIGIN_NONE);
    assert_true(value_outside(&v, value_stack(&v, -8)) == VALUE_TOP);
    assert_true(value_outside(&v, value_in_frame(&v, VALUE_TOP)) == VALUE_TOP);
}

/* An address in the frame is never forgotten to be one. */
static void test_frame(void **state)
{
    struct values v;
    values_init(&v, *state);
    value lost = value_in_frame(&v, VALUE_TOP);
    assert_true(value_may_frame(&v, value_stack(&v, -16)) && value_may_frame(&v, lost));
    assert_false(value_may_frame(&v, VALUE_TOP));
    assert_true(value_may_frame(&v, value_binary(&v, OP_ADD, lost, value_const(&v, 8), 8)));
    assert_true(value_may_frame(&v, value_join(&v, lost, value_const(&v, 8), false)));
    assert_true(value_may_frame(&v, value_extend(&v, lost, 4, 8, false)));
    assert_true(value_may_frame(&v, value_binary(&v, OP_AND, lost, value_const(&v, -16), 8)));
    assert_true(value_may_frame(&v, value_binary(&v, OP_AND, lost, value_const(&v, 0x80), 8)));
}

static int make_arena(void **state)
{
    *state = arena_new();
    return 0;
}

static int free_arena(void **state)
{
    arena_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_origins, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(test_masks, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(test_joins, make_arena, free_arena),
        cmocka_unit_test_setup_teardown(test_frame, make_arena, free_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
