/* SPDX-License-Identifier: BSD-3-Clause
 * What the readers of sources share. */
#ifndef COMMON_CSOURCE_PRIVATE_H
#define COMMON_CSOURCE_PRIVATE_H

#include "common/csource.h"

/* An empty graph for these sources. */
void csource_open(struct arena *a, const csource_inputs *inputs, struct csources *out);

/* The node of a key, made when it is new; name NULL: set by the caller. */
size_t csource_node(struct csources *s, const char *key, const char *name);
/* Another definition of a node's name. */
size_t csource_another(struct csources *s, size_t node);
void csource_refer(struct csources *s, size_t from, size_t to, int line);

/* A word of the text that may be the name of a definition. */
size_t csource_word(struct csources *s, const char *word);
/* Reads a unit by its words. */
enum status csource_scan(struct diag *d, struct csources *s, size_t unit);

/* Reads all units by libclang; those it cannot read stay unparsed. False: there is no libclang. */
bool csource_parse(struct csources *s, const csource_inputs *inputs);

/* Skips a comment, a string or a character constant that starts at i; i itself otherwise. */
size_t csource_skip(const char *s, size_t n, size_t i);

#endif
