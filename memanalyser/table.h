/* SPDX-License-Identifier: BSD-3-Clause
 * Every view of the memanalyser is a table; sorting, cutting and the output forms live here once.
 */
#ifndef MEMANALYSER_TABLE_H
#define MEMANALYSER_TABLE_H

#include "common/arena.h"
#include "common/diag.h"
#include "common/vec.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum cell_kind {
    CELL_TEXT,
    CELL_NUMBER,  /* signed decimal */
    CELL_ADDRESS, /* hexadecimal; in JSON a string "0x..." */
    CELL_PERCENT, /* number holds hundredths of a percent */
};

struct table_column {
    const char *name; /* lower case, as in JSON and --sort */
    enum cell_kind kind;
};

struct table_cell {
    const char *text; /* CELL_TEXT */
    int64_t number;   /* the others; addresses by their bits */
    bool empty;       /* null in JSON */
};

struct table {
    const char *name; /* "sections" */
    struct arena *arena;
    VEC(struct table_column) columns;
    VEC(struct table_cell) cells; /* row after row */
    size_t shown;                 /* rows to output; table_finish sets it */
    bool limited;                 /* --top left rows out */
};

/* columns: "name", "size:n", "address:x", "share:p" separated by blanks. */
struct table *table_new(struct arena *a, const char *name, const char *columns);
void table_text(struct table *t, const char *text); /* NULL: empty */
void table_number(struct table *t, int64_t number);
void table_address(struct table *t, uint64_t address);
/* part of whole; empty where whole is 0 */
void table_percent(struct table *t, uint64_t part, uint64_t whole);
void table_empty(struct table *t);
size_t table_rows(const struct table *t);
const struct table_cell *table_at(const struct table *t, size_t row, size_t column);

/* Sorts by the column of that name (numbers: largest first, text: ascending; a leading "-" turns it
 * round), keeps equal rows in order, then keeps the first top rows (0: all). NULL: keeps the order.
 * STATUS_INPUT names the columns when there is none of that name. */
enum status table_finish(struct diag *d, struct table *t, const char *sort, size_t top);

void table_print(const struct table *t, FILE *out);
void table_csv(const struct table *t, FILE *out);
/* An array of objects; the caller owns it. */
json_t *table_json(const struct table *t);
/* The cell as text. */
const char *table_cell_text(const struct table *t, size_t row, size_t column);

#endif
