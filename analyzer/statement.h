/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef ANALYZER_STATEMENT_H
#define ANALYZER_STATEMENT_H

#include "common/profile.h"

/* Fills profile->statement from its static part. analysed: the code was, not only the link map. */
void statement_fill(struct arena *a, bool analysed, struct profile *profile);

#endif
