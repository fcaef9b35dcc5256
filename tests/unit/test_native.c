/* SPDX-License-Identifier: BSD-3-Clause
 * Values and conditions as the processor has them: functions of random instructions on known
 * values, run here for the number they end with, and interpreted for the numbers of the system call
 * that they end with in another build. What the processor finds must be among them, or no number
 * known. FUNCTIONS and SEED in the environment for more and others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/engine.h"
#include <dlfcn.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef __x86_64__
int main(void)
{
    return 0;
}
#else

enum { REGISTERS = 9, FRAME = 72 };

static const char *const names[REGISTERS][4] = {
    {"al", "ax", "eax", "rax"},  {"cl", "cx", "ecx", "rcx"},      {"dl", "dx", "edx", "rdx"},
    {"sil", "si", "esi", "rsi"}, {"dil", "di", "edi", "rdi"},     {"r8b", "r8w", "r8d", "r8"},
    {"r9b", "r9w", "r9d", "r9"}, {"r10b", "r10w", "r10d", "r10"}, {"r11b", "r11w", "r11d", "r11"},
};
static const char suffixes[] = "bwlq";

static unsigned choose(unsigned count)
{
    return (unsigned)(rand() >> 4) % count;
}

#define ONE_OF(...)                                                                                \
    ((const char *const[]){                                                                        \
        __VA_ARGS__})[choose(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))]

static const char *condition(void)
{
    return ONE_OF("o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le",
                  "g");
}

static uint64_t constant(void)
{
    static const uint64_t corners[] = {0,          1,          2,           0xff,         0x100,
                                       0x7fffffff, 0x80000000, 0xffffffffu, 0x100000000u, INT64_MAX,
                                       1ull << 63, UINT64_MAX};
    uint64_t wide = (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
    unsigned k = choose(20);
    return k < 12 ? corners[k] : wide >> (k % 4) * 16;
}

static int immediate(unsigned size)
{
    static const int corners[] = {0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, -1, -128};
    int v = choose(3) ? corners[choose(10)] : rand();
    return size == 0 ? (int8_t)v : size == 1 ? (int16_t)v : v;
}

static void register_instruction(FILE *f)
{
    unsigned size = choose(4);
    const char *a = names[choose(REGISTERS)][size], *b = names[choose(REGISTERS)][size];
    const char *wide = names[choose(REGISTERS)][3], *other = names[choose(REGISTERS)][3];
    char s = suffixes[size];
    switch (choose(18)) {
    case 0:
    case 1:
    case 2:
        fprintf(f, " %s%c %%%s, %%%s\n",
                ONE_OF("add", "or", "and", "sub", "xor", "cmp", "test", "sbb", "adc", "mov"), s, b,
                a);
        break;
    case 3:
    case 4:
        fprintf(f, " %s%c $%d, %%%s\n",
                ONE_OF("add", "or", "and", "sub", "xor", "cmp", "test", "sbb", "adc", "mov"), s,
                immediate(size), a);
        break;
    case 5:
        fprintf(f, " %s%c %%%s\n", ONE_OF("inc", "dec", "neg", "not"), s, a);
        break;
    case 6:
        fprintf(f, " %s%c $%u, %%%s\n", ONE_OF("shl", "shr", "sar", "rol", "ror"), s,
                choose(8u << size), a);
        break;
    case 7:
        fprintf(f, " %s%c %%cl, %%%s\n", ONE_OF("shl", "shr", "sar", "rol", "ror"), s, a);
        break;
    case 8:
        if (size)
            fprintf(f, " imul%c $%d, %%%s, %%%s\n", s, immediate(size), b, a);
        break;
    case 9:
        fprintf(f, " mov%cb%c %%%s, %%%s\n", choose(2) ? 's' : 'z', size < 2 ? 'l' : s,
                names[choose(REGISTERS)][0], names[choose(REGISTERS)][size < 2 ? 2 : size]);
        break;
    case 10:
        fprintf(f, " movslq %%%s, %%%s\n", names[choose(REGISTERS)][2], wide);
        break;
    case 11:
        fprintf(f, " lea %d(%%%s,%%%s,%u), %%%s\n", (int)choose(400) - 200, wide, other,
                1u << choose(4), names[choose(REGISTERS)][2 + choose(2)]);
        break;
    case 12:
        fprintf(f, " xchg%c %%%s, %%%s\n", s, b, a);
        break;
    case 13:
        if (size)
            fprintf(f, " cmov%s %%%s, %%%s\n", condition(), b, a);
        else
            fprintf(f, " set%s %%%s\n", condition(), a);
        break;
    case 14:
        if (size)
            fprintf(f, " %s%c $%u, %%%s\n", ONE_OF("bt", "bts", "btr", "btc"), s,
                    choose(8u << size), a);
        break;
    case 15:
    case 16: /* flags, and what hangs on them */
        fprintf(f, " %s\n set%s %%%s\n",
                ONE_OF("stc", "clc", "cmc", "sahf", "pushf\n popf", "ucomisd %xmm0, %xmm1",
                       "comiss %xmm1, %xmm0", "ptest %xmm0, %xmm0", "fld1\n fcomip %st(0), %st"),
                condition(), names[choose(REGISTERS)][0]);
        break;
    default:
        fprintf(f, " %s\n",
                ONE_OF("cltq", "cwtl", "cltd", "cqto", "bswap %ecx", "bswap %rdx", "lahf",
                       "mov %ah, %cl", "mov $3, %dh", "push %rsi\n pop %rdi", "bsf %rdx, %rcx"));
    }
}

static void stack_instruction(FILE *f)
{
    unsigned size = choose(4), bytes = 1u << size;
    const char *a = names[choose(REGISTERS)][size];
    unsigned at = choose(2) ? 8 * choose(8) : choose(FRAME - bytes);
    char s = suffixes[size];
    switch (choose(8)) {
    case 0:
    case 1:
        fprintf(f, " mov%c %%%s, %u(%%rsp)\n", s, a, at);
        break;
    case 2:
    case 3:
        fprintf(f, " mov%c %u(%%rsp), %%%s\n", s, at, a);
        break;
    case 4:
        fprintf(f, " %s%c %%%s, %u(%%rsp)\n", ONE_OF("add", "sub", "and", "or", "xor", "xchg"), s,
                a, at);
        break;
    case 5:
        fprintf(f, " %s%c $%d, %u(%%rsp)\n",
                ONE_OF("add", "sub", "and", "or", "xor", "cmp", "test"), s, immediate(size), at);
        break;
    case 6:
        fprintf(f, " lea %u(%%rsp), %%r10\n mov%c %%%s, (%%r10)\n", at, s, names[choose(7)][size]);
        break;
    default:
        fprintf(f, " movq %%rdx, %%xmm0\n movups %%xmm0, %u(%%rsp)\n", choose(FRAME - 16));
    }
}

static void body(FILE *f)
{
    for (unsigned i = 2 + choose(7); i; i--) {
        bool branch = !choose(8), loop = !choose(16);
        if (branch)
            fprintf(f, " j%s 1f\n", condition());
        if (loop)
            fprintf(f, " mov $%u, %%r11d\n 6:\n", 1 + choose(4));
        if (loop || choose(2))
            fprintf(f, " %s%c $%d, %%%s\n", ONE_OF("add", "xor", "sub"), 'l', immediate(2),
                    names[choose(8)][2]);
        else
            (choose(2) ? register_instruction : stack_instruction)(f);
        if (loop)
            fputs(" sub $1, %r11d\n jne 6b\n", f);
        if (branch)
            fputs(" 1:\n", f);
    }
}

static void function(FILE *f, unsigned n)
{
    fprintf(f, ".globl f%u\n.type f%u,@function\nf%u: sub $%u, %%rsp\n", n, n, n, FRAME);
    for (unsigned at = 0; at < FRAME; at += 8)
        fprintf(f, " movq $%d, %u(%%rsp)\n", immediate(2), at);
    for (unsigned r = 0; r < REGISTERS; r++)
        fprintf(f, " movabs $0x%llx, %%%s\n", (unsigned long long)constant(), names[r][3]);
    fputs(" cmp %rax, %rcx\n", f);
    body(f);
    if (choose(3))
        fprintf(f, " mov %%%s, %%rax\n shr $%u, %%rax\n movzbl %%al, %%eax\n",
                names[choose(REGISTERS)][3], 8 * choose(8));
    else
        fprintf(f, " j%s 3f\n mov $%u, %%eax\n jmp 4f\n 3: mov $%u, %%eax\n 4:\n", condition(),
                choose(256), choose(256));
    fprintf(f, " add $%u, %%rsp\n END\n .size f%u, . - f%u\n", FRAME, n, n);
}

static void make(const char *folder, unsigned count)
{
    char path[128], command[512];
    snprintf(path, sizeof path, "%s/f.S", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("#ifdef NATIVE\n#define END ret\n#else\n#define END syscall; ret\n.globl _start\n"
          "_start: hlt\n#endif\n.text\n",
          f);
    for (unsigned n = 0; n < count; n++)
        function(f, n);
    fputs(".section .note.GNU-stack\n", f);
    assert_int_equal(fclose(f), 0);
    snprintf(command, sizeof command,
             "cd %s && cc -c f.S && cc -nostdlib -static -o f.elf f.o && cc -DNATIVE -shared -o "
             "f.so f.S",
             folder);
    assert_int_equal(system(command), 0);
}

static bool among(const struct context *c, int64_t number)
{
    vec_each (site, &c->sites)
        if (site->number < 0 || site->number == number)
            return true;
    return false;
}

static void compare(const char *folder, unsigned count)
{
    static struct engine e;
    struct arena *a = arena_new();
    struct diag d;
    struct linkmap *map;
    struct linkmap_options how = {.load = true};
    char path[128];
    diag_init(&d, -1);
    snprintf(path, sizeof path, "%s/f.elf", folder);
    assert_int_equal(linkmap_build(&d, a, path, &how, &map), STATUS_OK);
    assert_int_equal(elf_object_load(&d, map->objects.items[0].elf), STATUS_OK);
    engine_init(&e, &d, a, map, NULL);
    snprintf(path, sizeof path, "%s/f.so", folder);
    void *native = dlopen(path, RTLD_NOW);
    assert_non_null(native);
    struct object *o = e.objects.items[0];
    unsigned compared = 0, single = 0;
    vec_each (s, &o->elf->static_symbols)
        if (s->name[0] == 'f' && s->type == STT_FUNC)
            engine_generic(&e, engine_function(&e, o, s->value));
    engine_run(&e);
    vec_each (s, &o->elf->static_symbols) {
        if (s->name[0] != 'f' || s->type != STT_FUNC)
            continue;
        union {
            void *found;
            long (*call)(void);
        } run = {dlsym(native, s->name)};
        long number = run.call() & 0xff;
        const struct context *c = engine_function(&e, o, s->value)->contexts.items[0];
        if (!among(c, number))
            fail_msg("%s ends with %ld, which is none of its numbers (SEED tells the rest)",
                     s->name, number);
        compared++;
        single += c->sites.count == 1 && c->sites.items[0].number >= 0;
    }
    assert_int_equal(compared, count);
    assert_true(single > count / 3); /* else this shows nothing */
    dlclose(native);
    arena_free(a);
}

static void as_the_processor(void **state)
{
    char folder[] = "/tmp/toolchain-native-XXXXXX", command[64];
    unsigned count = getenv("FUNCTIONS") ? (unsigned)atoi(getenv("FUNCTIONS")) : 3000;
    (void)state;
    srand(getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : 1);
    assert_non_null(mkdtemp(folder));
    make(folder, count);
    compare(folder, count);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
