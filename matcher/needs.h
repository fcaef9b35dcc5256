/* SPDX-License-Identifier: BSD-3-Clause
 * Needs: what the configuration has to give, each as a literal of the model and in words for the
 * user. Private to the matcher. */
#ifndef MATCHER_NEEDS_H
#define MATCHER_NEEDS_H

#include "matcher/facts.h"
#include "matcher/model.h"

enum need_kind {
    NEED_CALL,   /* a system call */
    NEED_SYMBOL, /* a function or variable, source port */
    NEED_RULE,   /* a rule of the catalogue whose facts hold */
    NEED_PIN,    /* --pin, --forbid: not to be given up */
    NEED_PREFER, /* --prefer and rules of kind "prefer": wishes */
};

/* One way to meet a call or symbol. */
struct provider {
    const char *option;  /* NULL: a rule's expression, or a library that is always built */
    const char *library; /* exporter of a symbol, or NULL */
    int literal;
};

struct need {
    enum need_kind kind;
    const char *name;  /* "openat"; a rule's name; an option */
    const char *words; /* "the call openat (main > fopen)" */
    int literal;       /* it is met */
    int64_t weight;    /* of giving it up, against others of its kind */
    VEC(struct provider) providers;
    const struct profile_syscall *call; /* NEED_CALL; may be NULL */
    const struct profile_symbol *symbol;
    const struct catalogue_rule *rule; /* NEED_RULE, and a harmless refusal */
    bool harmless;                     /* a refusal that programs live with: listed, not sought */
    bool forbid;                       /* NEED_PIN: must be off */
    bool met;                          /* in the solution */
};

struct needs {
    VEC(struct need) list; /* calls, symbols, rules, pins, wishes: in that order, each by name */
    strings facts;
    model_values fixed; /* values that rules set on options that are not bool */
    bool calls_only;    /* a source port of a program whose functions are not known */
};

/* What the profile asks for, before there is a model: names, words, facts, fixed values. */
enum status needs_collect(struct diag *d, struct arena *a, const struct profile *profile,
                          const struct catalogue *catalogue, const struct matcher_options *options,
                          struct needs *out);
/* Fills in literals and providers. An option that the user names and the catalogue lacks is
 * STATUS_INPUT, with the nearest names. */
enum status needs_bind(struct model *m, struct needs *needs);

/* "static: main > fopen > openat", shortened; NULL where there is no evidence. */
const char *evidence_words(struct arena *a, const struct profile_syscall *call);
/* Functions whose absence is no one's concern or that have another name in a core's C library:
 * fills out with the names any of which will do (the name itself first). */
void symbol_names(struct arena *a, const struct catalogue *catalogue, const char *name,
                  strings *out);
/* Names of the catalogue's options near a word, best first, at most limit. */
void near_options(struct arena *a, const struct catalogue *catalogue, const char *word,
                  size_t limit, strings *out);

#endif
