/* SPDX-License-Identifier: BSD-3-Clause
 * What the parts of report.html share. Private to the report. */
#ifndef CLI_REPORT_PARTS_H
#define CLI_REPORT_PARTS_H

#include "cli/report.h"
#include <stdio.h>

struct page {
    FILE *out;
    struct arena *arena;
    struct diag *diag;
    const struct report *report;
};

/* Text as HTML: the five special characters escaped. */
void page_put(struct page *p, const char *text);
void page_cell(struct page *p, const char *class, const char *text);
void page_list_cell(struct page *p, const strings *list);
void page_table_begin(struct page *p, const char *id, const char *const *heads);
void page_table_end(struct page *p);
void page_card(struct page *p, const char *label, size_t value);

/* Sections; nothing where the report has nothing of the kind. */
void page_verif(struct page *p);
void page_perf(struct page *p);

#endif
