/* SPDX-License-Identifier: BSD-3-Clause */
#include "memanalyser/table.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static enum cell_kind column_kind(char letter)
{
    return letter == 'n'   ? CELL_NUMBER
           : letter == 'x' ? CELL_ADDRESS
           : letter == 'p' ? CELL_PERCENT
                           : CELL_TEXT;
}

struct table *table_new(struct arena *a, const char *name, const char *columns)
{
    struct table *t = ARENA_NEW(a, struct table);
    t->name = name;
    t->arena = a;
    char *list = arena_strdup(a, columns);
    for (char *save = NULL, *word = strtok_r(list, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        struct table_column c = {.name = word};
        char *colon = strchr(word, ':');
        if (colon) {
            *colon = '\0';
            c.kind = column_kind(colon[1]);
        }
        vec_push(a, &t->columns, c);
    }
    return t;
}

void table_text(struct table *t, const char *text)
{
    vec_push(t->arena, &t->cells, ((struct table_cell){.text = text, .empty = !text}));
}

void table_number(struct table *t, int64_t number)
{
    vec_push(t->arena, &t->cells, ((struct table_cell){.number = number}));
}

void table_address(struct table *t, uint64_t address)
{
    table_number(t, (int64_t)address);
}

void table_percent(struct table *t, uint64_t part, uint64_t whole)
{
    if (!whole)
        table_empty(t);
    else
        table_number(t, (int64_t)((double)part * 10000.0 / (double)whole + 0.5));
}

void table_empty(struct table *t)
{
    table_text(t, NULL);
}

size_t table_rows(const struct table *t)
{
    return t->columns.count ? t->cells.count / t->columns.count : 0;
}

const struct table_cell *table_at(const struct table *t, size_t row, size_t column)
{
    return &t->cells.items[row * t->columns.count + column];
}

struct sort_row {
    const struct table_cell *cell;
    size_t row;
    bool reverse;
    enum cell_kind kind;
};

static int compare_rows(const void *x, const void *y)
{
    const struct sort_row *a = x, *b = y;
    int order = 0;
    if (a->cell->empty || b->cell->empty)
        order = (int)a->cell->empty - (int)b->cell->empty;
    else if (a->kind == CELL_TEXT)
        order = strcmp(a->cell->text, b->cell->text);
    else if (a->kind == CELL_ADDRESS)
        order = ((uint64_t)a->cell->number > (uint64_t)b->cell->number) -
                ((uint64_t)a->cell->number < (uint64_t)b->cell->number);
    else
        order = (a->cell->number < b->cell->number) - (a->cell->number > b->cell->number);
    if (a->reverse)
        order = -order;
    return order ? order : (a->row > b->row) - (a->row < b->row);
}

static enum status unknown_column(struct diag *d, const struct table *t, const char *sort)
{
    char list[512] = "";
    for (size_t i = 0; i < t->columns.count; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", t->columns.items[i].name);
    }
    return diag_fail(d, STATUS_INPUT, "--sort: the table '%s' has no column '%s' (it has %s)",
                     t->name, sort, list);
}

enum status table_finish(struct diag *d, struct table *t, const char *sort, size_t top)
{
    size_t rows = table_rows(t), width = t->columns.count;
    if (sort) {
        bool reverse = sort[0] == '-';
        size_t column = 0;
        while (column < width && strcmp(t->columns.items[column].name, sort + reverse) != 0)
            column++;
        if (column == width)
            return unknown_column(d, t, sort + reverse);
        struct sort_row *order = arena_array(t->arena, rows, sizeof *order);
        for (size_t r = 0; r < rows; r++)
            order[r] = (struct sort_row){table_at(t, r, column), r, reverse,
                                         t->columns.items[column].kind};
        if (rows > 1)
            qsort(order, rows, sizeof *order, compare_rows);
        struct table_cell *sorted = arena_array(t->arena, rows * width, sizeof *sorted);
        for (size_t r = 0; r < rows; r++)
            memcpy(sorted + r * width, table_at(t, order[r].row, 0), width * sizeof *sorted);
        t->cells.items = sorted;
        t->cells.capacity = rows * width;
    }
    t->shown = top && top < rows ? top : rows;
    t->limited = t->shown < rows;
    return STATUS_OK;
}

const char *table_cell_text(const struct table *t, size_t row, size_t column)
{
    const struct table_cell *c = table_at(t, row, column);
    if (c->empty)
        return "";
    switch (t->columns.items[column].kind) {
    case CELL_TEXT:
        return c->text;
    case CELL_ADDRESS:
        return arena_printf(t->arena, "0x%" PRIx64, (uint64_t)c->number);
    case CELL_PERCENT:
        return arena_printf(t->arena, "%" PRId64 ".%02d%%", c->number / 100,
                            (int)(c->number % 100));
    case CELL_NUMBER:
        break;
    }
    return arena_printf(t->arena, "%" PRId64, c->number);
}

/* Names come from hostile files: control characters never reach the terminal. */
static const char *printable(struct arena *a, const char *text)
{
    size_t bad = 0, length = strlen(text);
    for (size_t i = 0; i < length; i++)
        bad += (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
    if (!bad)
        return text;
    char *out = arena_alloc(a, length + bad * 3 + 1), *p = out;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f)
            p += sprintf(p, "\\x%02x", c);
        else
            *p++ = (char)c;
    }
    return out;
}

/* Columns a string takes: bytes that begin a character. */
static size_t columns_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void print_row(FILE *out, const struct table *t, const char *const *cells,
                      const size_t *widths)
{
    size_t count = t->columns.count;
    for (size_t c = 0; c < count; c++) {
        bool left = t->columns.items[c].kind == CELL_TEXT;
        size_t pad = widths[c] - columns_of(cells[c]);
        fprintf(out, "%s%*s%s", c ? "  " : "", left ? 0 : (int)pad, "", cells[c]);
        if (left && c + 1 < count)
            fprintf(out, "%*s", (int)pad, "");
    }
    fputc('\n', out);
}

void table_print(const struct table *t, FILE *out)
{
    size_t count = t->columns.count;
    const char **text = arena_array(t->arena, (t->shown + 1) * count, sizeof *text);
    size_t *widths = arena_array(t->arena, count, sizeof *widths);
    for (size_t c = 0; c < count; c++)
        text[c] = t->columns.items[c].name;
    for (size_t r = 0; r < t->shown; r++)
        for (size_t c = 0; c < count; c++)
            text[(r + 1) * count + c] = printable(t->arena, table_cell_text(t, r, c));
    for (size_t i = 0; i < (t->shown + 1) * count; i++) {
        size_t w = columns_of(text[i]);
        if (w > widths[i % count])
            widths[i % count] = w;
    }
    for (size_t r = 0; r <= t->shown; r++)
        print_row(out, t, text + r * count, widths);
    if (t->limited)
        fprintf(out, "(%zu of %zu rows)\n", t->shown, table_rows(t));
}

static void csv_field(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

/* RFC 4180, with "\n" ends of line. */
void table_csv(const struct table *t, FILE *out)
{
    size_t count = t->columns.count;
    for (size_t c = 0; c < count; c++)
        fprintf(out, "%s%s", c ? "," : "", t->columns.items[c].name);
    fputc('\n', out);
    for (size_t r = 0; r < t->shown; r++) {
        for (size_t c = 0; c < count; c++) {
            if (c)
                fputc(',', out);
            csv_field(out, table_cell_text(t, r, c));
        }
        fputc('\n', out);
    }
}

static json_t *cell_json(const struct table *t, size_t row, size_t column)
{
    const struct table_cell *cell = table_at(t, row, column);
    enum cell_kind kind = t->columns.items[column].kind;
    if (cell->empty)
        return json_null();
    if (kind == CELL_NUMBER)
        return json_integer(cell->number);
    if (kind == CELL_PERCENT)
        return json_real((double)cell->number / 100.0);
    json_t *text = json_string(table_cell_text(t, row, column));
    return text ? text : json_string(printable(t->arena, "(name is not UTF-8)"));
}

json_t *table_json(const struct table *t)
{
    json_t *rows = json_array();
    for (size_t r = 0; r < t->shown; r++) {
        json_t *row = json_object();
        for (size_t c = 0; c < t->columns.count; c++)
            json_object_set_new(row, t->columns.items[c].name, cell_json(t, r, c));
        json_array_append_new(rows, row);
    }
    return rows;
}
