/* SPDX-License-Identifier: BSD-3-Clause
 * Where image and program first parted, and which micro-library and option would mend it. */
#ifndef VERIFIER_CAUSE_H
#define VERIFIER_CAUSE_H

#include "verifier/observe.h"

struct cause_input {
    struct bench *bench;
    const struct observed *native; /* repeat of them */
    size_t repeat;
    const struct observed *image;
    const struct verif_run *run;
    const struct observed *recorded; /* the program with its calls recorded; NULL: not known */
    const struct observed *traced;   /* the image, or its twin, with its core's trace; NULL: none */
};

/* *awaits_input: the image waits for more input where the program has come to its end. What cannot
 * be found out leaves out->kind "unexplained". */
void find_cause(const struct cause_input *in, struct verif_divergence *out, bool *awaits_input);

/* ---- what would give a call (remedy.c) ---- */

struct remedy; /* catalogue and configuration, compiled */

struct remedy *remedy_new(struct bench *b);
/* A refusal of this call is one that programs live with (rules of kind "harmless"). */
bool remedy_harmless(void *remedy, const char *call);
/* An option that is on provides the call; *library is the one that does. */
bool remedy_provided(struct remedy *r, const char *call, const char **library);
/* Adds the options that would provide the call and are off. */
void remedy_for_call(struct remedy *r, const char *call, struct verif_divergence *out);
/* Adds what an unrestricted choice has and this configuration has not. word: reasons that name it
 * come first; NULL: none. */
void remedy_withheld(struct remedy *r, const char *word, struct verif_divergence *out);
/* Adds the needs of rules whose symptom is on the console. */
void remedy_for_symptom(struct remedy *r, const char *console, struct verif_divergence *out);

#endif
