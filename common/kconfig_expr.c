/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/kconfig_expr.h"
#include "common/catalogue.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- building ---- */

static struct kexpr *node(struct arena *a, enum kexpr_kind kind, struct kexpr *x, struct kexpr *y)
{
    struct kexpr *e = ARENA_NEW(a, struct kexpr);
    e->kind = kind;
    e->symbol = -1;
    e->left = x;
    e->right = y;
    return e;
}

struct kexpr *kexpr_symbol(struct arena *a, const char *name)
{
    struct kexpr *e = node(a, KEXPR_SYMBOL, NULL, NULL);
    e->name = name;
    return e;
}

struct kexpr *kexpr_const(struct arena *a, const char *text)
{
    struct kexpr *e = node(a, KEXPR_CONST, NULL, NULL);
    e->name = text;
    return e;
}

struct kexpr *kexpr_compare(struct arena *a, enum kexpr_kind kind, struct kexpr *x, struct kexpr *y)
{
    return node(a, kind, x, y);
}

bool kexpr_equal(const struct kexpr *x, const struct kexpr *y)
{
    for (;;) {
        if (x == y)
            return true;
        if (!x || !y || x->kind != y->kind)
            return false;
        if (x->kind == KEXPR_SYMBOL || x->kind == KEXPR_CONST)
            return strcmp(x->name, y->name) == 0;
        if (!kexpr_equal(x->left, y->left))
            return false;
        if (x->kind == KEXPR_NOT)
            return true;
        x = x->right;
        y = y->right;
    }
}

bool kexpr_is_const(const struct kexpr *e, const char *text)
{
    return e && e->kind == KEXPR_CONST && strcmp(e->name, text) == 0;
}

/* Whether a chain of kind (KEXPR_AND or KEXPR_OR) has x among its operands. */
static bool has_operand(const struct kexpr *chain, enum kexpr_kind kind, const struct kexpr *x)
{
    for (; chain->kind == kind; chain = chain->right)
        if (kexpr_equal(chain->left, x))
            return true;
    return kexpr_equal(chain, x);
}

/* x and y joined, operands of y that x has already left out; the result leans to the right. */
static struct kexpr *join(struct arena *a, enum kexpr_kind kind, struct kexpr *x, struct kexpr *y)
{
    VEC(struct kexpr *) operands = {0};
    for (struct kexpr *e = x;; e = e->right) {
        vec_push(a, &operands, e->kind == kind ? e->left : e);
        if (e->kind != kind)
            break;
    }
    for (struct kexpr *e = y;; e = e->right) {
        struct kexpr *operand = e->kind == kind ? e->left : e;
        if (!has_operand(x, kind, operand))
            vec_push(a, &operands, operand);
        if (e->kind != kind)
            break;
    }
    struct kexpr *chain = operands.items[operands.count - 1];
    for (size_t i = operands.count - 1; i-- > 0;)
        chain = node(a, kind, operands.items[i], chain);
    return chain;
}

struct kexpr *kexpr_and(struct arena *a, struct kexpr *x, struct kexpr *y)
{
    if (!x || kexpr_is_const(x, "y"))
        return y;
    if (!y || kexpr_is_const(y, "y"))
        return x;
    if (kexpr_is_const(x, "n") || kexpr_is_const(y, "n"))
        return kexpr_is_const(x, "n") ? x : y;
    return join(a, KEXPR_AND, x, y);
}

struct kexpr *kexpr_or(struct arena *a, struct kexpr *x, struct kexpr *y)
{
    if (!x || !y)
        return NULL;
    if (kexpr_is_const(x, "n") || kexpr_is_const(y, "y"))
        return y;
    if (kexpr_is_const(y, "n") || kexpr_is_const(x, "y"))
        return x;
    return join(a, KEXPR_OR, x, y);
}

struct kexpr *kexpr_not(struct arena *a, struct kexpr *x)
{
    if (!x || kexpr_is_const(x, "y"))
        return kexpr_const(a, "n");
    if (kexpr_is_const(x, "n"))
        return kexpr_const(a, "y");
    return x->kind == KEXPR_NOT ? x->left : node(a, KEXPR_NOT, x, NULL);
}

struct kexpr *kexpr_rewrite_m(struct arena *a, struct kexpr *e)
{
    if (!e)
        return NULL;
    if (kexpr_is_const(e, "m"))
        return node(a, KEXPR_AND, e, kexpr_symbol(a, "MODULES"));
    if (e->kind == KEXPR_NOT)
        return kexpr_not(a, kexpr_rewrite_m(a, e->left));
    if (e->kind == KEXPR_AND)
        return kexpr_and(a, kexpr_rewrite_m(a, e->left), kexpr_rewrite_m(a, e->right));
    if (e->kind == KEXPR_OR)
        return kexpr_or(a, kexpr_rewrite_m(a, e->left), kexpr_rewrite_m(a, e->right));
    return e;
}

bool kexpr_depends_on(const struct kexpr *e, const char *name)
{
    for (; e && e->kind == KEXPR_AND; e = e->right)
        if (kexpr_depends_on(e->left, name))
            return true;
    if (!e)
        return false;
    if (e->kind == KEXPR_SYMBOL)
        return strcmp(e->name, name) == 0;
    if (e->kind != KEXPR_EQ && e->kind != KEXPR_NE)
        return false;
    const struct kexpr *x = e->left, *y = e->right;
    if (x->kind == KEXPR_CONST)
        x = e->right, y = e->left;
    if (x->kind != KEXPR_SYMBOL || strcmp(x->name, name) != 0)
        return false;
    return e->kind == KEXPR_EQ ? kexpr_is_const(y, "y") || kexpr_is_const(y, "m")
                               : kexpr_is_const(y, "n");
}

/* ---- parsing ---- */

/* Bounds on what one expression may hold, so that recursion over it is bounded too. */
enum { NESTING_LIMIT = 64, OPERAND_LIMIT = 4000 };

struct parser {
    struct diag *diag;
    struct arena *arena;
    const char *where, *text, *at;
    int nesting, operands;
};

static bool word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' || c == '/';
}

bool kconfig_is_constant(const char *word)
{
    if (strcmp(word, "y") == 0 || strcmp(word, "m") == 0 || strcmp(word, "n") == 0)
        return true;
    const char *p = word + (*word == '-');
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
        p += 2;
        return *p && p[strspn(p, "0123456789abcdefABCDEF")] == '\0';
    }
    return *p && p[strspn(p, "0123456789")] == '\0';
}

static void skip_blanks(struct parser *p)
{
    while (*p->at == ' ' || *p->at == '\t')
        p->at++;
}

static enum status expected(struct parser *p, const char *what)
{
    if (*p->at)
        return diag_fail(p->diag, STATUS_INPUT, "%s: column %zu of \"%.200s\": %s was expected",
                         p->where, (size_t)(p->at - p->text) + 1, p->text, what);
    return diag_fail(p->diag, STATUS_INPUT, "%s: \"%.200s\" ends where %s was expected", p->where,
                     p->text, what);
}

static enum status parse_quoted(struct parser *p, struct kexpr **out)
{
    char quote = *p->at, *text = arena_strdup(p->arena, p->at + 1);
    size_t n = 0;
    const char *q = p->at + 1;
    for (; *q && *q != quote; q++) {
        if (*q == '\\' && q[1])
            q++;
        text[n++] = *q;
    }
    if (!*q) {
        p->at = q;
        return expected(p, "a closing quote");
    }
    text[n] = '\0';
    p->at = q + 1;
    *out = kexpr_const(p->arena, text);
    return STATUS_OK;
}

static enum status parse_operand(struct parser *p, struct kexpr **out)
{
    skip_blanks(p);
    if (++p->operands > OPERAND_LIMIT)
        return expected(p, "an expression of fewer operands");
    if (*p->at == '"' || *p->at == '\'')
        return parse_quoted(p, out);
    const char *start = p->at;
    while (word_char(*p->at))
        p->at++;
    if (p->at == start)
        return expected(p, "an option's name or a constant");
    char *word = arena_strndup(p->arena, start, (size_t)(p->at - start));
    *out = kconfig_is_constant(word) ? kexpr_const(p->arena, word) : kexpr_symbol(p->arena, word);
    return STATUS_OK;
}

static const struct {
    const char *text;
    enum kexpr_kind kind;
} comparisons[] = {
    {"!=", KEXPR_NE}, {"<=", KEXPR_LE}, {">=", KEXPR_GE},
    {"=", KEXPR_EQ},  {"<", KEXPR_LT},  {">", KEXPR_GT},
};

static enum status parse_or(struct parser *p, struct kexpr **out);

static enum status parse_factor(struct parser *p, struct kexpr **out)
{
    skip_blanks(p);
    enum status status;
    if (*p->at == '!' || *p->at == '(') {
        char opening = *p->at++;
        if (++p->nesting > NESTING_LIMIT)
            return expected(p, "less nesting");
        status = opening == '!' ? parse_factor(p, out) : parse_or(p, out);
        p->nesting--;
        if (status)
            return status;
        if (opening == '!') {
            *out = node(p->arena, KEXPR_NOT, *out, NULL);
            return STATUS_OK;
        }
        skip_blanks(p);
        if (*p->at != ')')
            return expected(p, "\")\"");
        p->at++;
        return STATUS_OK;
    }
    status = parse_operand(p, out);
    if (status)
        return status;
    skip_blanks(p);
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        size_t length = strlen(comparisons[i].text);
        if (strncmp(p->at, comparisons[i].text, length) != 0)
            continue;
        p->at += length;
        struct kexpr *right = NULL;
        status = parse_operand(p, &right);
        *out = node(p->arena, comparisons[i].kind, *out, right);
        return status;
    }
    return STATUS_OK;
}

/* A chain of one operator; next parses what binds more tightly. */
static enum status parse_chain(struct parser *p, struct kexpr **out, const char *operator,
                               enum kexpr_kind kind,
                               enum status (*next)(struct parser *, struct kexpr **))
{
    struct kexpr **end = out;
    for (;;) {
        enum status status = next(p, end);
        if (status)
            return status;
        skip_blanks(p);
        if (strncmp(p->at, operator, 2) != 0)
            return STATUS_OK;
        p->at += 2;
        *end = node(p->arena, kind, *end, NULL);
        end = &(*end)->right;
    }
}

static enum status parse_and(struct parser *p, struct kexpr **out)
{
    return parse_chain(p, out, "&&", KEXPR_AND, parse_factor);
}

static enum status parse_or(struct parser *p, struct kexpr **out)
{
    return parse_chain(p, out, "||", KEXPR_OR, parse_and);
}

enum status kexpr_parse_prefix(struct diag *d, struct arena *a, const char *where, const char *text,
                               struct kexpr **out, const char **rest)
{
    struct parser p = {.diag = d, .arena = a, .where = where, .text = text, .at = text};
    *out = NULL;
    enum status status = parse_or(&p, out);
    skip_blanks(&p);
    *rest = p.at;
    return status;
}

enum status kexpr_parse(struct diag *d, struct arena *a, const char *where, const char *text,
                        struct kexpr **out)
{
    *out = NULL;
    if (!text || !text[strspn(text, " \t")])
        return STATUS_OK;
    struct parser p = {.diag = d, .arena = a, .where = where, .text = text, .at = text};
    enum status status = parse_or(&p, out);
    if (!status && *p.at)
        status = expected(&p, "&& or || or the end");
    return status;
}

/* ---- evaluation ---- */

enum number_kind { NOT_A_NUMBER, SIGNED_NUMBER, UNSIGNED_NUMBER };

/* The text of a symbol as a number, by the symbol's type; a name or constant without type may be
 * in any base. */
static enum number_kind number_of(struct kexpr_value v, long long *s, unsigned long long *u)
{
    const char *text = v.text ? v.text : "";
    if (v.type == OPTION_BOOL || v.type == OPTION_TRISTATE) {
        *s = strcmp(text, "n") == 0   ? 0
             : strcmp(text, "m") == 0 ? 1
             : strcmp(text, "y") == 0 ? 2
                                      : -1;
        *u = (unsigned long long)*s;
        return SIGNED_NUMBER;
    }
    char *tail = NULL;
    errno = 0;
    if (v.type == OPTION_HEX) {
        *u = strtoull(text, &tail, 16);
        *s = (long long)*u;
    } else {
        *s = strtoll(text, &tail, v.type == OPTION_INT ? 10 : 0);
        *u = (unsigned long long)*s;
    }
    if (errno || *tail || tail == text || !isxdigit((unsigned char)tail[-1]))
        return NOT_A_NUMBER;
    return v.type == OPTION_HEX ? UNSIGNED_NUMBER : SIGNED_NUMBER;
}

int kexpr_order(struct kexpr_value x, struct kexpr_value y)
{
    long long sx = 0, sy = 0;
    unsigned long long ux = 0, uy = 0;
    enum number_kind kx = NOT_A_NUMBER, ky = NOT_A_NUMBER;
    if (x.type != OPTION_STRING || y.type != OPTION_STRING) {
        kx = number_of(x, &sx, &ux);
        ky = number_of(y, &sy, &uy);
    }
    if (kx == NOT_A_NUMBER || ky == NOT_A_NUMBER)
        return strcmp(x.text ? x.text : "", y.text ? y.text : "");
    if (kx == UNSIGNED_NUMBER || ky == UNSIGNED_NUMBER)
        return (ux > uy) - (ux < uy);
    return (sx > sy) - (sx < sy);
}

static struct kexpr_value value_of(const struct kexpr *e, const struct kexpr_env *env)
{
    if (e->kind == KEXPR_SYMBOL)
        return env->lookup(env->context, e);
    struct kexpr_value v = {TRI_N, e->name, -1};
    if (strcmp(e->name, "y") == 0 || strcmp(e->name, "m") == 0 || strcmp(e->name, "n") == 0) {
        v.type = OPTION_TRISTATE;
        v.tri = e->name[0] == 'y' ? TRI_Y : e->name[0] == 'm' ? TRI_M : TRI_N;
    }
    return v;
}

static bool compare(const struct kexpr *e, const struct kexpr_env *env)
{
    int order = kexpr_order(value_of(e->left, env), value_of(e->right, env));
    switch (e->kind) {
    case KEXPR_EQ:
        return order == 0;
    case KEXPR_NE:
        return order != 0;
    case KEXPR_LT:
        return order < 0;
    case KEXPR_LE:
        return order <= 0;
    case KEXPR_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

int kexpr_evaluate(const struct kexpr *e, const struct kexpr_env *env)
{
    if (!e)
        return TRI_Y;
    switch (e->kind) {
    case KEXPR_SYMBOL:
    case KEXPR_CONST:
        return value_of(e, env).tri;
    case KEXPR_NOT:
        return TRI_Y - kexpr_evaluate(e->left, env);
    case KEXPR_AND:
    case KEXPR_OR: {
        enum kexpr_kind kind = e->kind;
        int worst = kind == KEXPR_AND ? TRI_N : TRI_Y, value;
        int result = kind == KEXPR_AND ? TRI_Y : TRI_N;
        for (;; e = e->right) {
            value = kexpr_evaluate(e->kind == kind ? e->left : e, env);
            if (kind == KEXPR_AND ? value < result : value > result)
                result = value;
            if (result == worst || e->kind != kind)
                return result;
        }
    }
    default:
        return compare(e, env) ? TRI_Y : TRI_N;
    }
}

/* ---- names and text ---- */

void kexpr_names(struct arena *a, const struct kexpr *e, strings *names)
{
    for (; e; e = e->right) {
        if (e->kind == KEXPR_SYMBOL) {
            for (size_t i = 0; i < names->count; i++)
                if (strcmp(names->items[i], e->name) == 0)
                    return;
            vec_push(a, names, e->name);
        }
        kexpr_names(a, e->left, names);
    }
}

const char *kconfig_quote(struct arena *a, const char *text)
{
    char *out = arena_alloc(a, 2 * strlen(text) + 3), *p = out;
    *p++ = '"';
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            *p++ = '\\';
        *p++ = *text;
    }
    *p = '"';
    return out;
}

struct text {
    struct arena *arena;
    VEC(char) bytes;
};

static void put(struct text *t, const char *s)
{
    for (; *s; s++)
        vec_push(t->arena, &t->bytes, *s);
}

static void print(struct text *t, const struct kexpr *e);

static void print_grouped(struct text *t, const struct kexpr *e, bool group)
{
    if (group)
        put(t, "(");
    print(t, e);
    if (group)
        put(t, ")");
}

static void print(struct text *t, const struct kexpr *e)
{
    switch (e->kind) {
    case KEXPR_SYMBOL:
        put(t, e->name);
        return;
    case KEXPR_CONST:
        put(t, kconfig_is_constant(e->name) ? e->name : kconfig_quote(t->arena, e->name));
        return;
    case KEXPR_NOT:
        put(t, "!");
        print_grouped(t, e->left, e->left->kind != KEXPR_SYMBOL && e->left->kind != KEXPR_CONST);
        return;
    case KEXPR_AND:
        for (; e->kind == KEXPR_AND; e = e->right) {
            print_grouped(t, e->left, e->left->kind == KEXPR_OR);
            put(t, " && ");
        }
        print_grouped(t, e, e->kind == KEXPR_OR);
        return;
    case KEXPR_OR:
        for (; e->kind == KEXPR_OR; e = e->right) {
            print(t, e->left);
            put(t, " || ");
        }
        print(t, e);
        return;
    default:
        print(t, e->left);
        for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++)
            if (comparisons[i].kind == e->kind) {
                put(t, " ");
                put(t, comparisons[i].text);
                put(t, " ");
            }
        print(t, e->right);
    }
}

const char *kexpr_print(struct arena *a, const struct kexpr *e)
{
    if (!e)
        return NULL;
    struct text t = {.arena = a};
    print(&t, e);
    vec_push(a, &t.bytes, '\0');
    return t.bytes.items;
}
