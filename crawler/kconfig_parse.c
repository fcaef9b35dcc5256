/* SPDX-License-Identifier: BSD-3-Clause */
#include "crawler/kconfig_parse.h"
#include "crawler/kconfig_lines.h"
#include <ctype.h>
#include <glob.h>
#include <string.h>

enum { BLOCK_LIMIT = 200, GLOB_LIMIT = 1000 };

/* ---- pieces of a statement ---- */

static const char *skip(const char *s)
{
    return s + strspn(s, " \t");
}

static bool name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The word at *at, which moves behind it; "" where there is none. */
static const char *take_word(struct kparse *k, const char **at)
{
    const char *start = skip(*at), *p = start;
    while (name_char(*p) || *p == '-')
        p++;
    *at = p;
    return arena_strndup(k->arena, start, (size_t)(p - start));
}

/* Names may hold what any word may; a name that is no identifier cannot be defined in a .config, so
 * it only serves to be undefined. */
static enum status take_name(struct kparse *k, const char **at, const char **name)
{
    const char *start = skip(*at), *p = start;
    while (name_char(*p) || (*p && strchr("-./", *p)))
        p++;
    *at = p;
    *name = arena_strndup(k->arena, start, (size_t)(p - start));
    return **name ? STATUS_OK
                  : kinput_fail(k, "an option's name was expected, \"%.40s\" found", start);
}

static enum status take_end(struct kparse *k, const char *at)
{
    at = skip(at);
    return *at ? kinput_fail(k, "the end of the line was expected, \"%.40s\" found", at)
               : STATUS_OK;
}

/* A quoted text or a bare word. */
static enum status take_text(struct kparse *k, const char **at, const char **text)
{
    const char *p = skip(*at);
    if (*p != '"' && *p != '\'') {
        size_t length = strcspn(p, " \t");
        *text = arena_strndup(k->arena, p, length);
        *at = p + length;
        return length ? STATUS_OK : kinput_fail(k, "a quoted text was expected");
    }
    char quote = *p++, *out = arena_strdup(k->arena, p);
    size_t n = 0;
    for (; *p && *p != quote; p++) {
        if (*p == '\\' && p[1])
            p++;
        out[n++] = *p;
    }
    out[n] = '\0';
    *text = out;
    *at = p + (*p == quote);
    return *p == quote ? STATUS_OK : kinput_fail(k, "a closing quote was expected");
}

static const char *here(struct kparse *k)
{
    return arena_printf(k->arena, "%s:%zu", k->macros.file, k->macros.line);
}

static enum status take_expr(struct kparse *k, const char **at, struct kexpr **e)
{
    return kexpr_parse_prefix(k->diag, k->arena, here(k), skip(*at), e, at);
}

/* "if EXPR" or nothing, then the end of the line. */
static enum status take_condition(struct kparse *k, const char *at, struct kexpr **condition)
{
    *condition = NULL;
    at = skip(at);
    if (!*at)
        return STATUS_OK;
    if (strncmp(at, "if", 2) != 0 || name_char(at[2]))
        return kinput_fail(k, "\"if\" or the end of the line was expected, \"%.40s\" found", at);
    at += 2;
    enum status status = take_expr(k, &at, condition);
    *condition = kexpr_rewrite_m(k->arena, *condition);
    return status ? status : take_end(k, at);
}

/* ---- entries and blocks ---- */

static struct kmenu *add_entry(struct kparse *k, enum kmenu_kind kind, const char *name)
{
    struct kmenu *m = ARENA_NEW(k->arena, struct kmenu);
    m->kind = kind;
    m->name = name;
    m->file = k->macros.file;
    m->line = k->macros.line;
    m->type = -1;
    struct kmenu *parent = k->blocks.items[k->blocks.count - 1].menu;
    vec_push(k->arena, &parent->children, m);
    k->entry = m;
    return m;
}

static enum status open_block(struct kparse *k, struct kmenu *m)
{
    if (k->blocks.count >= BLOCK_LIMIT)
        return kinput_fail(k, "blocks that are nested less deeply were expected");
    struct kparse_block *b = vec_add(k->arena, &k->blocks);
    b->menu = m;
    b->input = k->input;
    return STATUS_OK;
}

static const char *const block_ends[] = {
    [KMENU_MENU] = "endmenu", [KMENU_IF] = "endif", [KMENU_CHOICE] = "endchoice"};

static enum status close_block(struct kparse *k, enum kmenu_kind kind)
{
    struct kparse_block *b = &k->blocks.items[k->blocks.count - 1];
    if (b->input != k->input || b->menu->kind == KMENU_ROOT)
        return kinput_fail(k, "%s without a beginning in this file", block_ends[kind]);
    if (b->menu->kind != kind)
        return kinput_fail(k, "%s was expected for the block of line %zu, %s found",
                           block_ends[b->menu->kind], b->menu->line, block_ends[kind]);
    k->blocks.count--;
    k->entry = NULL;
    return STATUS_OK;
}

/* ---- statements ---- */

typedef enum status handler(struct kparse *k, const char *rest, int argument);

static enum status on_config(struct kparse *k, const char *rest, int menuconfig)
{
    const char *name;
    enum status status = take_name(k, &rest, &name);
    if (status)
        return status;
    add_entry(k, KMENU_CONFIG, name)->menuconfig = menuconfig;
    return take_end(k, rest);
}

static enum status on_choice(struct kparse *k, const char *rest, int unused)
{
    (void)unused;
    const char *name = take_word(k, &rest);
    struct kmenu *m = add_entry(k, KMENU_CHOICE, *name ? name : NULL);
    enum status status = take_end(k, rest);
    return status ? status : open_block(k, m);
}

static enum status on_if(struct kparse *k, const char *rest, int unused)
{
    (void)unused;
    struct kmenu *m = add_entry(k, KMENU_IF, NULL);
    enum status status = take_expr(k, &rest, &m->depends);
    m->depends = kexpr_rewrite_m(k->arena, m->depends);
    if (!status)
        status = take_end(k, rest);
    k->entry = NULL;
    return status ? status : open_block(k, m);
}

static enum status on_menu(struct kparse *k, const char *rest, int kind)
{
    const char *text;
    struct kmenu *m = add_entry(k, (enum kmenu_kind)kind, NULL);
    enum status status = take_text(k, &rest, &text);
    if (!status)
        status = take_end(k, rest);
    return status || kind == KMENU_COMMENT ? status : open_block(k, m);
}

static enum status on_end(struct kparse *k, const char *rest, int kind)
{
    enum status status = close_block(k, (enum kmenu_kind)kind);
    return status ? status : take_end(k, rest);
}

static enum status on_mainmenu(struct kparse *k, const char *rest, int unused)
{
    (void)unused;
    const char *text;
    k->entry = NULL;
    enum status status = take_text(k, &rest, &text);
    return status ? status : take_end(k, rest);
}

enum { SOURCE_OPTIONAL = 1, SOURCE_RELATIVE = 2 };

/* Files that match, opened so that the first is read first. */
static enum status open_matches(struct kparse *k, const char *pattern, bool optional)
{
    glob_t found;
    int result = glob(pattern, GLOB_NOCHECK, NULL, &found);
    enum status status = STATUS_OK;
    if (result)
        return kinput_fail(k, "%s: cannot be searched", pattern);
    if (found.gl_pathc > GLOB_LIMIT)
        status = kinput_fail(k, "%s: at most %d files were expected", pattern, GLOB_LIMIT);
    bool none = found.gl_pathc == 1 && strcmp(found.gl_pathv[0], pattern) == 0 && optional;
    struct kparse_input *at = k->input;
    const char *file = k->macros.file;
    size_t line = k->macros.line;
    for (size_t i = found.gl_pathc; i-- > 0 && !status;) {
        struct diag before = *k->diag;
        k->macros.file = file;
        k->macros.line = line;
        struct kparse_input *top = k->input;
        k->input = at; /* for the search for cycles: siblings do not include each other */
        status = kinput_open(k, arena_strdup(k->arena, found.gl_pathv[i]));
        if (status && none) {
            *k->diag = before;
            status = STATUS_OK;
            k->input = top;
        } else if (!status) {
            k->input->from = top;
        }
    }
    globfree(&found);
    return status;
}

static enum status on_source(struct kparse *k, const char *rest, int how)
{
    const char *text;
    k->entry = NULL;
    enum status status = take_text(k, &rest, &text);
    if (!status)
        status = take_end(k, rest);
    if (status)
        return status;
    if (!*text)
        return how & SOURCE_OPTIONAL ? STATUS_OK : kinput_fail(k, "a file's name was expected");
    const char *path = text;
    if (how & SOURCE_RELATIVE) {
        const char *slash = strrchr(k->input->path, '/');
        int length = slash ? (int)(slash - k->input->path) : 1;
        path = arena_printf(k->arena, "%.*s/%s", length, slash ? k->input->path : ".", text);
    } else if (k->path) {
        path = k->path(k->context, text);
    }
    if (k->generated && k->generated(k->context, path))
        return kinput_open(k, path);
    if (strpbrk(path, "*?["))
        return open_matches(k, path, true);
    return open_matches(k, path, how & SOURCE_OPTIONAL);
}

/* ---- attributes ---- */

static enum status set_type(struct kparse *k, int type)
{
    struct kmenu *m = k->entry;
    if (m->kind != KMENU_CONFIG && m->kind != KMENU_CHOICE)
        return kinput_fail(k, "a type belongs to a config or a choice");
    if (m->type >= 0 && m->type != type)
        kinput_problem(k, "%s: given a second type, the last one counts",
                       m->name ? m->name : "choice");
    m->type = type;
    return STATUS_OK;
}

static enum status add_prompt(struct kparse *k, const char *rest)
{
    const char *text;
    struct kexpr *condition = NULL;
    enum status status = take_text(k, &rest, &text);
    if (!status)
        status = take_condition(k, rest, &condition);
    vec_push(k->arena, &k->entry->prompts, condition);
    return status;
}

static enum status on_type(struct kparse *k, const char *rest, int type)
{
    enum status status = set_type(k, type);
    if (status || !*skip(rest))
        return status;
    return add_prompt(k, rest);
}

static enum status on_prompt(struct kparse *k, const char *rest, int unused)
{
    (void)unused;
    return add_prompt(k, rest);
}

static enum status add_clause(struct kparse *k, kmenu_clauses *list, struct kexpr *value,
                              const char *rest)
{
    struct kmenu_clause *c = vec_add(k->arena, list);
    c->value = value;
    return take_condition(k, rest, &c->condition);
}

static enum status on_default(struct kparse *k, const char *rest, int type)
{
    struct kexpr *value = NULL;
    enum status status = type >= 0 ? set_type(k, type) : STATUS_OK;
    if (!status)
        status = take_expr(k, &rest, &value);
    return status ? status : add_clause(k, &k->entry->defaults, value, rest);
}

static enum status on_select(struct kparse *k, const char *rest, int imply)
{
    const char *name;
    enum status status = take_name(k, &rest, &name);
    if (status)
        return status;
    if (k->entry->kind != KMENU_CONFIG)
        return kinput_fail(k, "select and imply belong to a config");
    return add_clause(k, imply ? &k->entry->implies : &k->entry->selects,
                      kexpr_symbol(k->arena, name), rest);
}

static enum status take_bound(struct kparse *k, const char **at, struct kexpr **e)
{
    const char *text;
    bool quoted = strchr("\"'", *skip(*at)) && *skip(*at);
    enum status status = take_text(k, at, &text);
    if (!status)
        *e = quoted || kconfig_is_constant(text) ? kexpr_const(k->arena, text)
                                                 : kexpr_symbol(k->arena, text);
    return status;
}

static enum status on_range(struct kparse *k, const char *rest, int unused)
{
    (void)unused;
    struct kmenu_range *r = vec_add(k->arena, &k->entry->ranges);
    enum status status = take_bound(k, &rest, &r->low);
    if (!status)
        status = take_bound(k, &rest, &r->high);
    return status ? status : take_condition(k, rest, &r->condition);
}

static enum status on_depends(struct kparse *k, const char *rest, int unused)
{
    (void)unused;
    struct kexpr *e = NULL;
    if (strcmp(take_word(k, &rest), "on") != 0)
        return kinput_fail(k, "\"on\" was expected after depends");
    enum status status = take_expr(k, &rest, &e);
    e = kexpr_rewrite_m(k->arena, e);
    k->entry->depends = kexpr_and(k->arena, k->entry->depends, e);
    return status ? status : take_end(k, rest);
}

static enum status on_visible(struct kparse *k, const char *rest, int unused)
{
    (void)unused;
    struct kexpr *e = NULL;
    if (k->entry->kind != KMENU_MENU || strcmp(take_word(k, &rest), "if") != 0)
        return kinput_fail(k, "visible is followed by \"if\" and belongs to a menu");
    enum status status = take_expr(k, &rest, &e);
    e = kexpr_rewrite_m(k->arena, e);
    k->entry->visible_if = kexpr_and(k->arena, k->entry->visible_if, e);
    return status ? status : take_end(k, rest);
}

static enum status on_optional(struct kparse *k, const char *rest, int unused)
{
    (void)unused;
    if (k->entry->kind != KMENU_CHOICE)
        return kinput_fail(k, "optional belongs to a choice");
    k->entry->optional = true;
    return take_end(k, rest);
}

static enum status on_help(struct kparse *k, const char *rest, int unused)
{
    (void)unused;
    kinput_skip_help(k);
    return take_end(k, rest);
}

/* option env="NAME": the variable is the default. Other options change nothing that is kept. */
static enum status on_option(struct kparse *k, const char *rest, int unused)
{
    (void)unused;
    if (strcmp(take_word(k, &rest), "env") != 0)
        return STATUS_OK;
    const char *name, *value;
    rest = skip(rest);
    if (*rest != '=')
        return kinput_fail(k, "\"=\" was expected after env");
    rest++;
    enum status status = take_text(k, &rest, &name);
    if (!status)
        status = kmacro_expand(&k->macros, arena_printf(k->arena, "$(%s)", name), &value);
    if (status)
        return status;
    return add_clause(k, &k->entry->defaults, kexpr_const(k->arena, value), rest);
}

static const struct {
    const char *word;
    handler *handle;
    int argument;
    bool attribute; /* belongs to the entry before */
} statements[] = {
    {"config", on_config, false, false},
    {"menuconfig", on_config, true, false},
    {"choice", on_choice, 0, false},
    {"endchoice", on_end, KMENU_CHOICE, false},
    {"if", on_if, 0, false},
    {"endif", on_end, KMENU_IF, false},
    {"menu", on_menu, KMENU_MENU, false},
    {"endmenu", on_end, KMENU_MENU, false},
    {"comment", on_menu, KMENU_COMMENT, false},
    {"mainmenu", on_mainmenu, 0, false},
    {"source", on_source, 0, false},
    {"osource", on_source, SOURCE_OPTIONAL, false},
    {"rsource", on_source, SOURCE_RELATIVE, false},
    {"orsource", on_source, SOURCE_OPTIONAL | SOURCE_RELATIVE, false},
    {"bool", on_type, OPTION_BOOL, true},
    {"boolean", on_type, OPTION_BOOL, true},
    {"tristate", on_type, OPTION_TRISTATE, true},
    {"string", on_type, OPTION_STRING, true},
    {"int", on_type, OPTION_INT, true},
    {"hex", on_type, OPTION_HEX, true},
    {"prompt", on_prompt, 0, true},
    {"default", on_default, -1, true},
    {"def_bool", on_default, OPTION_BOOL, true},
    {"def_tristate", on_default, OPTION_TRISTATE, true},
    {"def_string", on_default, OPTION_STRING, true},
    {"def_int", on_default, OPTION_INT, true},
    {"def_hex", on_default, OPTION_HEX, true},
    {"select", on_select, false, true},
    {"imply", on_select, true, true},
    {"range", on_range, 0, true},
    {"depends", on_depends, 0, true},
    {"visible", on_visible, 0, true},
    {"optional", on_optional, 0, true},
    {"help", on_help, 0, true},
    {"---help---", on_help, 0, true},
    {"option", on_option, 0, true},
};

/* ---- lines ---- */

/* A text that is shown but not kept may lack its closing quote: kconfig ends it with the line. */
static bool tolerates_open_quote(struct kparse *k, const char *line)
{
    static const char *const words[] = {"bool",   "tristate", "string",  "int",     "hex",
                                        "prompt", "menu",     "comment", "mainmenu"};
    const char *word = take_word(k, &line);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

/* The quote still open at the end of the line, 0 for none. Cuts off a comment: a # outside quotes
 * and macro calls. */
static char cut_comment(char *line)
{
    char quote = 0;
    int depth = 0;
    for (char *p = line; *p; p++) {
        if (depth) {
            depth += (*p == '(') - (*p == ')');
        } else if (p[0] == '$' && p[1] == '(') {
            depth = 1;
            p++;
        } else if (quote) {
            if (*p == '\\' && p[1])
                p++;
            else if (*p == quote)
                quote = 0;
        } else if (*p == '"' || *p == '\'') {
            quote = *p;
        } else if (*p == '#') {
            *p = '\0';
            break;
        }
    }
    size_t length = strlen(line);
    while (length && strchr(" \t", line[length - 1]))
        line[--length] = '\0';
    return quote;
}

/* "NAME = VALUE" and its relatives; false where the line is none. */
static bool assignment(struct kparse *k, const char *line, enum status *status)
{
    const char *p = skip(line);
    const char *name = take_word(k, &p);
    p = skip(p);
    char op = *p;
    if (!*name || (op != '=' && !((op == ':' || op == '+') && p[1] == '=')))
        return false;
    p += op == '=' ? 1 : 2;
    *status = kmacro_assign(&k->macros, name, op, skip(p));
    return true;
}

static enum status statement(struct kparse *k, const char *line)
{
    const char *rest = line;
    const char *word = take_word(k, &rest);
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        if (strcmp(statements[i].word, word) != 0)
            continue;
        if (!statements[i].attribute || k->entry)
            return statements[i].handle(k, rest, statements[i].argument);
        return kinput_fail(k, "%s belongs to a config, choice, menu or comment above it", word);
    }
    return kinput_fail(k, "a statement was expected, \"%.40s\" found", skip(line));
}

static enum status parse_line(struct kparse *k, char *line)
{
    const char *start = skip(line);
    if (!*start || *start == '#')
        return STATUS_OK;
    enum status status = STATUS_OK;
    if (assignment(k, line, &status)) {
        k->entry = NULL;
        return status;
    }
    const char *expanded;
    char open = cut_comment(line);
    if (open && !tolerates_open_quote(k, line))
        return kinput_fail(k, "a closing %c was expected before the end of the line", open);
    if (open) {
        kinput_problem(k, "a closing %c was expected before the end of the line", open);
        line = arena_printf(k->arena, "%s%c", line, open);
    }
    status = kmacro_expand(&k->macros, line, &expanded);
    if (status || !*skip(expanded))
        return status;
    status = statement(k, expanded);
    if (status && k->macros.unevaluated)
        return kinput_fail(
            k, "this needs a command that is not run unless --trust-tree is given: %.200s",
            k->macros.unevaluated);
    return status;
}

/* At the end of a file every block it opened must be closed. */
static enum status end_of_file(struct kparse *k)
{
    const struct kparse_block *b = &k->blocks.items[k->blocks.count - 1];
    if (b->input == k->input && b->menu->kind != KMENU_ROOT) {
        k->macros.line = b->menu->line;
        return kinput_fail(
            k, "%s was expected before the end of the file for the block that begins here",
            block_ends[b->menu->kind]);
    }
    kinput_close(k);
    k->entry = NULL;
    return STATUS_OK;
}

enum status kparse_file(struct kparse *k, const char *path)
{
    if (!k->root) {
        k->root = ARENA_NEW(k->arena, struct kmenu);
        k->root->kind = KMENU_ROOT;
        k->root->type = -1;
    }
    k->macros.problems = k->problems;
    k->blocks.count = 0;
    k->input = NULL;
    k->entry = NULL;
    enum status status = kinput_open(k, path);
    if (!status)
        status = open_block(k, k->root);
    while (!status && k->input) {
        char *line = kinput_line(k);
        status = line ? parse_line(k, line) : end_of_file(k);
    }
    return status;
}
