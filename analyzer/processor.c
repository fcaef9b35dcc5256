/* SPDX-License-Identifier: BSD-3-Clause
 * What glibc's dynamic linker derives from the processor: the micro-architecture levels of the
 * x86-64 psABI for glibc-hwcaps, and the older platform and capability folder names. */
#include "analyzer/linkmap_private.h"
#include <elf.h>

#ifdef __x86_64__
#include <cpuid.h>

enum { EBX = 1, ECX, EDX };

/* A CPUID bit: leaf, register, bit (leaf 7 has subleaf 0). state: bits of XCR0 the operating system
 * must have enabled for the feature to be usable. */
struct feature {
    unsigned leaf;
    unsigned char level; /* micro-architecture level that requires it; 0: only the platform names */
    unsigned char reg, bit, state;
};

enum { AVX_STATE = 0x06, AVX512_STATE = 0xe6 };

static const struct feature features[] = {
    {1, 2, ECX, 13, 0},            /* CMPXCHG16B */
    {0x80000001, 2, ECX, 0, 0},    /* LAHF-SAHF */
    {1, 2, ECX, 23, 0},            /* POPCNT */
    {1, 2, ECX, 0, 0},             /* SSE3 */
    {1, 2, ECX, 9, 0},             /* SSSE3 */
    {1, 2, ECX, 19, 0},            /* SSE4.1 */
    {1, 2, ECX, 20, 0},            /* SSE4.2 */
    {1, 3, ECX, 28, AVX_STATE},    /* AVX */
    {7, 3, EBX, 5, AVX_STATE},     /* AVX2 */
    {7, 3, EBX, 3, 0},             /* BMI1 */
    {7, 3, EBX, 8, 0},             /* BMI2 */
    {1, 3, ECX, 29, AVX_STATE},    /* F16C */
    {1, 3, ECX, 12, AVX_STATE},    /* FMA */
    {0x80000001, 3, ECX, 5, 0},    /* LZCNT */
    {1, 3, ECX, 22, 0},            /* MOVBE */
    {7, 4, EBX, 16, AVX512_STATE}, /* AVX512F */
    {7, 4, EBX, 30, AVX512_STATE}, /* AVX512BW */
    {7, 4, EBX, 28, AVX512_STATE}, /* AVX512CD */
    {7, 4, EBX, 17, AVX512_STATE}, /* AVX512DQ */
    {7, 4, EBX, 31, AVX512_STATE}, /* AVX512VL */
};
static const struct feature avx512er = {7, 0, EBX, 27, AVX512_STATE};
static const struct feature avx512pf = {7, 0, EBX, 26, AVX512_STATE};

/* CPUID is slow under a hypervisor: each leaf is read once. */
struct leaves {
    unsigned basic[4], seven[4], extended[4], state;
};

static struct leaves read_leaves(void)
{
    struct leaves l = {0};
    unsigned limit, unused[3];
    __cpuid(0, limit, unused[0], unused[1], unused[2]);
    __cpuid(1, l.basic[0], l.basic[EBX], l.basic[ECX], l.basic[EDX]);
    if (limit >= 7)
        __cpuid_count(7, 0, l.seven[0], l.seven[EBX], l.seven[ECX], l.seven[EDX]);
    __cpuid(0x80000000, limit, unused[0], unused[1], unused[2]);
    if (limit >= 0x80000001)
        __cpuid(0x80000001, l.extended[0], l.extended[EBX], l.extended[ECX], l.extended[EDX]);
    unsigned high;
    if (l.basic[ECX] >> 27 & 1) /* OSXSAVE */
        __asm__("xgetbv" : "=a"(l.state), "=d"(high) : "c"(0));
    return l;
}

static bool has(const struct leaves *l, const struct feature *f)
{
    const unsigned *r = f->leaf == 1 ? l->basic : f->leaf == 7 ? l->seven : l->extended;
    return r[f->reg] >> f->bit & 1 && (l->state & f->state) == f->state;
}

static int level(const struct leaves *l)
{
    int reached = 4;
    for (size_t i = 0; i < sizeof features / sizeof features[0]; i++)
        if (reached >= features[i].level && !has(l, &features[i]))
            reached = features[i].level - 1;
    return reached;
}

static bool intel(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx && c == signature_INTEL_ecx &&
           d == signature_INTEL_edx;
}

void linkmap_processor(struct arena *a, unsigned machine, strings *hwcaps, const char **platform,
                       strings *legacy)
{
    if (machine != EM_X86_64) {
        *platform = "aarch64";
        return;
    }
    static const char *const names[] = {"x86-64-v2", "x86-64-v3", "x86-64-v4"};
    struct leaves l = read_leaves();
    int reached = level(&l);
    for (int i = reached; i >= 2; i--)
        vec_push(a, hwcaps, names[i - 2]);
    bool phi = has(&l, &avx512er) && has(&l, &avx512pf);
    *platform = "x86_64";
    if (intel() && reached >= 3)
        *platform = phi ? "xeon_phi" : "haswell";
    if (intel() && reached >= 4 && !has(&l, &avx512er))
        vec_push(a, legacy, "avx512_1");
    vec_push(a, legacy, "x86_64");
}
#else
/* Another machine than the program's: assume nothing beyond its baseline. */
void linkmap_processor(struct arena *a, unsigned machine, strings *hwcaps, const char **platform,
                       strings *legacy)
{
    (void)a, (void)hwcaps, (void)legacy;
    *platform = machine == EM_X86_64 ? "x86_64" : "aarch64";
}
#endif
