/* SPDX-License-Identifier: BSD-3-Clause
 * The catalogues built into the program: catalogue/NAME.json, as the crawler wrote them. */
#ifndef CATALOGUE_EMBEDDED_H
#define CATALOGUE_EMBEDDED_H

struct embedded_catalogue {
    const char *start, *end; /* JSON text, not terminated */
};

extern const struct embedded_catalogue embedded_catalogues[];
extern const char *const embedded_catalogue_names[]; /* the default first, NULL-terminated */

#endif
