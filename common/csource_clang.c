/* SPDX-License-Identifier: BSD-3-Clause
 * Sources read by libclang. Names are joined over files by their USR (unified symbol resolution),
 * which is clang's own notion of one entity. */
#include "common/csource_private.h"
#include "common/libclang.h"
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* A macro of the file under way. */
struct macro {
    const char *name;
    clang_cursor cursor;
    UT_hash_handle hh;
};

struct reading {
    struct libclang clang;
    struct csources *s;
    void *translation;
    size_t unit;
    size_t node;          /* the definition under way */
    struct macro *macros; /* of an incomplete file */
    int depth;            /* of macros within macros */
    bool incomplete;      /* errors: what the tree lacks is taken from the words */
};

static const char *keep(struct reading *r, clang_string text)
{
    const char *c = r->clang.getCString(text);
    const char *copy = arena_strdup(r->s->arena, c ? c : "");
    r->clang.disposeString(text);
    return copy;
}

static int line_of(struct reading *r, clang_location at, const char **file)
{
    void *handle = NULL;
    unsigned line = 0;
    r->clang.getExpansionLocation(at, &handle, &line, NULL, NULL);
    if (file)
        *file = handle ? keep(r, r->clang.getFileName(handle)) : "";
    return (int)line;
}

static bool is_function(int kind)
{
    return kind == CURSOR_FUNCTION || kind == CURSOR_METHOD || kind == CURSOR_CONSTRUCTOR ||
           kind == CURSOR_DESTRUCTOR || kind == CURSOR_CONVERSION ||
           kind == CURSOR_FUNCTION_TEMPLATE;
}

/* What the compiler itself knows: most need no function, some are calls of one. */
static void name_builtin(struct csource_node *node)
{
    static const char *const prefixes[] = {"__builtin_", "__sync_", "__atomic_", "__c11_atomic_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        node->builtin |= strncmp(node->name, prefixes[i], strlen(prefixes[i])) == 0;
    if (strncmp(node->name, prefixes[0], strlen(prefixes[0])) == 0)
        node->name += strlen(prefixes[0]);
}

/* Its node; SIZE_MAX for what no linker sees (locals, parameters, types). */
static size_t node_of(struct reading *r, clang_cursor c)
{
    bool variable = c.kind == CURSOR_VARIABLE;
    if (!variable && !is_function(c.kind))
        return SIZE_MAX;
    int linkage = r->clang.getCursorLinkage(c);
    if (variable && linkage < LINKAGE_INTERNAL)
        return SIZE_MAX;
    const char *key = keep(r, r->clang.getCursorUSR(c));
    if (!*key)
        return SIZE_MAX;
    if (linkage == LINKAGE_INTERNAL) /* one per file, even where clang's name for it is not */
        key = arena_printf(r->s->arena, "%zu:%s", r->unit, key);
    size_t before = r->s->nodes.count, n = csource_node(r->s, key, NULL);
    if (n == before) {
        struct csource_node *node = &r->s->nodes.items[n];
        const char *name = keep(r, r->clang.Cursor_getMangling(c));
        node->variable = variable;
        node->internal = linkage == LINKAGE_INTERNAL;
        node->name = *name == '\1' ? name + 1
                     : *name       ? name
                                   : keep(r, r->clang.getCursorSpelling(c));
        name_builtin(node);
    }
    return n;
}

static void refer(struct reading *r, size_t to, int line, const char *file)
{
    if (to == SIZE_MAX || to == r->node)
        return;
    struct csource_node *node = &r->s->nodes.items[to];
    if (!node->file) {
        node->file = file;
        node->line = line;
    }
    csource_refer(r->s, r->node, to, line);
}

/* ---- the body of a definition ---- */

static bool named(struct reading *r, clang_cursor c, const char *name)
{
    clang_string s = r->clang.getCursorSpelling(c);
    const char *text = r->clang.getCString(s);
    bool same = text && strcmp(text, name) == 0;
    r->clang.disposeString(s);
    return same;
}

/* syscall(NUMBER, ...) says its number where it is a constant. */
static void note_syscall(struct reading *r, clang_cursor call)
{
    if (!named(r, call, "syscall"))
        return;
    struct csource_call *out = vec_add(r->s->arena, &r->s->calls);
    out->node = r->node;
    out->number = -1;
    out->line = line_of(r, r->clang.getCursorLocation(call), &out->file);
    if (r->clang.Cursor_getNumArguments(call) < 1)
        return;
    void *value = r->clang.Cursor_Evaluate(r->clang.Cursor_getArgument(call, 0));
    if (value && r->clang.EvalResult_getKind(value) == EVALUATED_INT)
        out->number = r->clang.EvalResult_getAsLongLong(value);
    if (value)
        r->clang.EvalResult_dispose(value);
}

/* Calls seen(word) for each token of a cursor's text. */
static void each_token(struct reading *r, clang_cursor c,
                       void (*seen)(struct reading *, clang_token, const char *, bool, void *),
                       void *context)
{
    clang_token *tokens = NULL;
    unsigned count = 0;
    r->clang.tokenize(r->translation, r->clang.getCursorExtent(c), &tokens, &count);
    for (unsigned i = 0; i < count; i++) {
        clang_string s = r->clang.getTokenSpelling(r->translation, tokens[i]);
        bool call = false;
        if (i + 1 < count) {
            clang_string next = r->clang.getTokenSpelling(r->translation, tokens[i + 1]);
            const char *text = r->clang.getCString(next);
            call = text && strcmp(text, "(") == 0;
            r->clang.disposeString(next);
        }
        const char *word = r->clang.getCString(s);
        seen(r, tokens[i], word ? word : "", call, context);
        r->clang.disposeString(s);
    }
    if (tokens)
        r->clang.disposeTokens(r->translation, tokens, count);
}

static void find_word(struct reading *r, clang_token token, const char *word, bool call,
                      void *context)
{
    (void)r;
    (void)token;
    (void)call;
    struct {
        const char *wanted;
        bool found;
    } *search = context;
    search->found |= strstr(word, search->wanted) != NULL;
}

static bool text_has(struct reading *r, clang_cursor c, const char *wanted)
{
    struct {
        const char *wanted;
        bool found;
    } search = {wanted, false};
    each_token(r, c, find_word, &search);
    return search.found;
}

static int in_body(clang_cursor c, clang_cursor parent, void *data)
{
    struct reading *r = data;
    (void)parent;
    if (c.kind == CURSOR_CALL)
        note_syscall(r, c);
    /* Only C++ initialises variables by calls: then they run without being asked for. */
    if (c.kind == CURSOR_CALL && r->s->nodes.items[r->node].variable)
        r->s->nodes.items[r->node].constructor = true;
    if (c.kind == CURSOR_ASM && (text_has(r, c, "syscall") || text_has(r, c, "0x80") ||
                                 text_has(r, c, "sysenter") || text_has(r, c, "svc"))) {
        struct csource_call *out = vec_add(r->s->arena, &r->s->calls);
        *out = (struct csource_call){.node = r->node, .number = -1, .assembly = true};
        out->line = line_of(r, r->clang.getCursorLocation(c), &out->file);
    }
    if (c.kind == CURSOR_UNEXPOSED_ATTRIBUTE && text_has(r, c, "constructor"))
        r->s->nodes.items[r->node].constructor = true;
    if (c.kind == CURSOR_REFERENCE || c.kind == CURSOR_MEMBER_REFERENCE || c.kind == CURSOR_CALL) {
        const char *file = NULL;
        int line = line_of(r, r->clang.getCursorLocation(c), &file);
        refer(r, node_of(r, r->clang.getCursorReferenced(c)), line, file);
    }
    return VISIT_RECURSE;
}

static bool noted(struct reading *r, const char *file, int line)
{
    vec_each (call, &r->s->calls)
        if (call->node == r->node && call->line == line && strcmp(call->file, file) == 0)
            return true;
    return false;
}

/* In a source with errors parts of the tree are missing: every name that is called in the text of
 * the definition counts, and every other word that names a definition. */
static void called_word(struct reading *r, clang_token token, const char *word, bool call,
                        void *context);

/* The node of a macro: what its text names. SIZE_MAX: no macro of that name. */
static size_t macro_node(struct reading *r, const char *word)
{
    enum { DEEPEST = 32 };
    struct macro *m = NULL;
    HASH_FIND_STR(r->macros, word, m);
    if (!m || r->depth >= DEEPEST)
        return SIZE_MAX;
    size_t before = r->s->nodes.count, from = r->node;
    size_t n = csource_node(r->s, arena_printf(r->s->arena, "m:%zu:%s", r->unit, word), word);
    if (n != before)
        return n;
    struct csource_node *node = &r->s->nodes.items[n];
    node->macro = true;
    node->unit = (int)r->unit;
    node->line = line_of(r, r->clang.getCursorLocation(m->cursor), &node->file);
    r->node = n;
    r->depth++;
    each_token(r, m->cursor, called_word, NULL);
    r->depth--;
    r->node = from;
    return n;
}

static void called_word(struct reading *r, clang_token token, const char *word, bool call,
                        void *context)
{
    (void)context;
    if (r->clang.getTokenKind(token) != TOKEN_IDENTIFIER)
        return;
    const char *file = NULL;
    int line = line_of(r, r->clang.getTokenLocation(r->translation, token), &file);
    const char *key = arena_printf(r->s->arena, "c:@F@%s", word);
    if (call && strcmp(word, "syscall") == 0 && !noted(r, file, line))
        vec_push(r->s->arena, &r->s->calls,
                 ((struct csource_call){r->node, file, line, -1, false}));
    size_t to = macro_node(r, word);
    if (to == SIZE_MAX)
        to = call ? csource_node(r->s, key, word) : csource_word(r->s, word);
    refer(r, to, line, file);
}

/* ---- definitions ---- */

static void add_overridden(struct reading *r, clang_cursor c, size_t n)
{
    clang_cursor *list = NULL;
    unsigned count = 0;
    r->clang.getOverriddenCursors(c, &list, &count);
    for (unsigned i = 0; i < count; i++) {
        size_t base = node_of(r, list[i]);
        if (base != SIZE_MAX)
            csource_refer(r->s, base, n, r->s->nodes.items[n].line);
    }
    if (list)
        r->clang.disposeOverriddenCursors(list);
}

static void define(struct reading *r, clang_cursor c)
{
    size_t n = node_of(r, c);
    if (n == SIZE_MAX)
        return;
    struct csource_node *node = &r->s->nodes.items[n];
    const char *file = NULL;
    int line = line_of(r, r->clang.getCursorLocation(c), &file);
    if (node->unit >= 0 && node->unit != (int)r->unit) { /* one more, or an inline of a header */
        n = csource_another(r->s, n);
        node = &r->s->nodes.items[n];
    }
    node->unit = (int)r->unit;
    node->file = file;
    node->line = line;
    r->node = n;
    if (strcmp(node->name, "main") == 0 && c.kind == CURSOR_FUNCTION)
        r->s->units.items[r->unit].main_node = n;
    r->clang.visitChildren(c, in_body, r);
    if (c.kind == CURSOR_METHOD || c.kind == CURSOR_DESTRUCTOR)
        add_overridden(r, c, n);
    if (r->incomplete)
        each_token(r, c, called_word, NULL);
    /* C++ runs these without a call that the tree shows. */
    if (c.kind == CURSOR_DESTRUCTOR)
        r->s->nodes.items[n].constructor = true;
}

static int at_top(clang_cursor c, clang_cursor parent, void *data)
{
    struct reading *r = data;
    (void)parent;
    switch (c.kind) {
    case CURSOR_NAMESPACE:
    case CURSOR_LINKAGE:
    case CURSOR_STRUCT:
    case CURSOR_CLASS:
    case CURSOR_CLASS_TEMPLATE:
    case CURSOR_CLASS_PARTIAL:
        return VISIT_RECURSE;
    default:
        break;
    }
    /* "int x;" defines x unless another file does so with a value. */
    bool tentative =
        c.kind == CURSOR_VARIABLE && r->clang.Cursor_getStorageClass(c) != STORAGE_EXTERN;
    if (tentative || (is_function(c.kind) && r->clang.isCursorDefinition(c)) ||
        (c.kind == CURSOR_VARIABLE && r->clang.isCursorDefinition(c)))
        define(r, c);
    /* "extern" blocks of older libclangs come as unexposed declarations. */
    return c.kind == 1 ? VISIT_RECURSE : VISIT_CONTINUE;
}

/* ---- a unit ---- */

static void note_errors(struct reading *r)
{
    static const char tail[] = "' file not found";
    struct csource_unit *u = &r->s->units.items[r->unit];
    unsigned count = r->clang.getNumDiagnostics(r->translation);
    for (unsigned i = 0; i < count; i++) {
        void *diagnostic = r->clang.getDiagnostic(r->translation, i);
        if (r->clang.getDiagnosticSeverity(diagnostic) >= SEVERITY_ERROR) {
            const char *text = keep(r, r->clang.getDiagnosticSpelling(diagnostic));
            size_t n = strlen(text);
            u->errors++;
            if (!u->missing && *text == '\'' && n > sizeof tail &&
                strcmp(text + n - (sizeof tail - 1), tail) == 0)
                u->missing = arena_strndup(r->s->arena, text + 1, n - sizeof tail);
        }
        r->clang.disposeDiagnostic(diagnostic);
    }
    r->incomplete = u->errors > 0;
}

/* Where libclang's own headers (stddef.h and its like) are not installed, the compiler's serve. */
static void compiler_headers(struct arena *a, strings *arguments)
{
    glob_t found;
    if (glob("/usr/lib/gcc/*/*/include/stddef.h", 0, NULL, &found) == 0 && found.gl_pathc) {
        const char *last = found.gl_pathv[found.gl_pathc - 1];
        vec_push(a, arguments, "-idirafter");
        vec_push(a, arguments, arena_strndup(a, last, strlen(last) - strlen("/stddef.h")));
    }
    globfree(&found);
}

static int keep_macro(clang_cursor c, clang_cursor parent, void *data)
{
    struct reading *r = data;
    (void)parent;
    if (c.kind != CURSOR_MACRO)
        return VISIT_CONTINUE;
    struct macro *m = ARENA_NEW(r->s->arena, struct macro), *known = NULL;
    m->name = keep(r, r->clang.getCursorSpelling(c));
    m->cursor = c;
    HASH_FIND_STR(r->macros, m->name, known);
    if (!known)
        HASH_ADD_KEYPTR(hh, r->macros, m->name, strlen(m->name), m);
    return VISIT_CONTINUE;
}

static bool parse(struct reading *r, void *index, const char *path, const strings *arguments,
                  unsigned how)
{
    r->translation = NULL;
    int failed =
        r->clang.parseTranslationUnit2(index, path, arguments->items, (int)arguments->count, NULL,
                                       0, PARSE_KEEP_GOING | how, &r->translation);
    return !failed && r->translation;
}

static void read_unit(struct reading *r, void *index, const struct csource_input *input)
{
    struct arena *a = r->s->arena;
    strings arguments = {0};
    vec_push(a, &arguments, "-w");
    vec_push(a, &arguments, "-ferror-limit=0");
    vec_each (flag, &input->flags)
        vec_push(a, &arguments, *flag);
    compiler_headers(a, &arguments);
    if (!parse(r, index, input->path, &arguments, 0))
        return; /* its words tell */
    note_errors(r);
    if (r->incomplete) { /* then macros matter too */
        r->clang.disposeTranslationUnit(r->translation);
        if (!parse(r, index, input->path, &arguments, PARSE_MACROS))
            return;
        r->clang.visitChildren(r->clang.getTranslationUnitCursor(r->translation), keep_macro, r);
    }
    r->s->units.items[r->unit].parsed = true;
    r->clang.visitChildren(r->clang.getTranslationUnitCursor(r->translation), at_top, r);
    r->clang.disposeTranslationUnit(r->translation);
    HASH_CLEAR(hh, r->macros);
}

bool csource_parse(struct csources *s, const csource_inputs *inputs)
{
    struct reading r = {.s = s};
    if (!libclang_load(&r.clang))
        return false;
    void *index = r.clang.createIndex(0, 0);
    for (r.unit = 0; r.unit < inputs->count; r.unit++) {
        const struct csource_input *input = &inputs->items[r.unit];
        size_t n = strlen(input->path);
        if (n < 2 || strcmp(input->path + n - 2, ".S") != 0)
            read_unit(&r, index, input);
    }
    r.clang.disposeIndex(index);
    return true;
}
