/* SPDX-License-Identifier: BSD-3-Clause
 * libclang, loaded when sources are to be read: a machine that only analyses binaries need not have
 * it. The types below are its C interface (clang-c/Index.h, stable since version 3.x), as far as it
 * is used here. */
#ifndef COMMON_LIBCLANG_H
#define COMMON_LIBCLANG_H

#include <stdbool.h>

typedef struct {
    const void *data;
    unsigned private_flags;
} clang_string;
typedef struct {
    int kind, xdata;
    const void *data[3];
} clang_cursor;
typedef struct {
    const void *pointers[2];
    unsigned offset;
} clang_location;
typedef struct {
    const void *pointers[2];
    unsigned begin, end;
} clang_range;
typedef struct {
    unsigned ints[4];
    void *pointer;
} clang_token;

enum { /* CXCursorKind */
       CURSOR_STRUCT = 2,
       CURSOR_CLASS = 4,
       CURSOR_FUNCTION = 8,
       CURSOR_VARIABLE = 9,
       CURSOR_METHOD = 21,
       CURSOR_NAMESPACE = 22,
       CURSOR_LINKAGE = 23,
       CURSOR_CONSTRUCTOR = 24,
       CURSOR_DESTRUCTOR = 25,
       CURSOR_CONVERSION = 26,
       CURSOR_FUNCTION_TEMPLATE = 30,
       CURSOR_CLASS_TEMPLATE = 31,
       CURSOR_CLASS_PARTIAL = 32,
       CURSOR_REFERENCE = 101,
       CURSOR_MEMBER_REFERENCE = 102,
       CURSOR_CALL = 103,
       CURSOR_ASM = 215,
       CURSOR_UNEXPOSED_ATTRIBUTE = 400,
       CURSOR_MACRO = 501,
};
enum { LINKAGE_INTERNAL = 2, LINKAGE_UNIQUE = 3, LINKAGE_EXTERNAL = 4 }; /* CXLinkageKind */
enum { VISIT_BREAK, VISIT_CONTINUE, VISIT_RECURSE };                     /* CXChildVisitResult */
enum { TOKEN_IDENTIFIER = 2 };                                           /* CXTokenKind */
enum { SEVERITY_ERROR = 3 };                                             /* CXDiagnosticSeverity */
enum { PARSE_MACROS = 0x01, PARSE_KEEP_GOING = 0x200 }; /* CXTranslationUnit_Flags */
enum { STORAGE_EXTERN = 2 };                            /* CX_StorageClass */
enum { EVALUATED_INT = 1 };                             /* CXEvalResultKind */

typedef int clang_visitor(clang_cursor cursor, clang_cursor parent, void *data);

/* X(result, name without clang_, parameters) */
#define LIBCLANG_FUNCTIONS(X)                                                                      \
    X(void *, createIndex, (int, int))                                                             \
    X(void, disposeIndex, (void *))                                                                \
    X(int, parseTranslationUnit2,                                                                  \
      (void *, const char *, const char *const *, int, void *, unsigned, unsigned, void **))       \
    X(void, disposeTranslationUnit, (void *))                                                      \
    X(clang_cursor, getTranslationUnitCursor, (void *))                                            \
    X(unsigned, visitChildren, (clang_cursor, clang_visitor *, void *))                            \
    X(clang_string, getCursorSpelling, (clang_cursor))                                             \
    X(clang_string, getCursorUSR, (clang_cursor))                                                  \
    X(clang_string, Cursor_getMangling, (clang_cursor))                                            \
    X(const char *, getCString, (clang_string))                                                    \
    X(void, disposeString, (clang_string))                                                         \
    X(clang_cursor, getCursorReferenced, (clang_cursor))                                           \
    X(unsigned, isCursorDefinition, (clang_cursor))                                                \
    X(int, Cursor_getStorageClass, (clang_cursor))                                                 \
    X(int, getCursorLinkage, (clang_cursor))                                                       \
    X(clang_location, getCursorLocation, (clang_cursor))                                           \
    X(clang_range, getCursorExtent, (clang_cursor))                                                \
    X(void, getExpansionLocation, (clang_location, void **, unsigned *, unsigned *, unsigned *))   \
    X(clang_string, getFileName, (void *))                                                         \
    X(void, getOverriddenCursors, (clang_cursor, clang_cursor **, unsigned *))                     \
    X(void, disposeOverriddenCursors, (clang_cursor *))                                            \
    X(int, Cursor_getNumArguments, (clang_cursor))                                                 \
    X(clang_cursor, Cursor_getArgument, (clang_cursor, unsigned))                                  \
    X(void *, Cursor_Evaluate, (clang_cursor))                                                     \
    X(int, EvalResult_getKind, (void *))                                                           \
    X(long long, EvalResult_getAsLongLong, (void *))                                               \
    X(void, EvalResult_dispose, (void *))                                                          \
    X(void, tokenize, (void *, clang_range, clang_token **, unsigned *))                           \
    X(void, disposeTokens, (void *, clang_token *, unsigned))                                      \
    X(int, getTokenKind, (clang_token))                                                            \
    X(clang_string, getTokenSpelling, (void *, clang_token))                                       \
    X(clang_location, getTokenLocation, (void *, clang_token))                                     \
    X(unsigned, getNumDiagnostics, (void *))                                                       \
    X(void *, getDiagnostic, (void *, unsigned))                                                   \
    X(int, getDiagnosticSeverity, (void *))                                                        \
    X(clang_string, getDiagnosticSpelling, (void *))                                               \
    X(void, disposeDiagnostic, (void *))

struct libclang {
    void *handle;
#define X(result, name, parameters) result(*name) parameters;
    LIBCLANG_FUNCTIONS(X)
#undef X
};

/* False: there is none on this machine, or not all of it. */
bool libclang_load(struct libclang *c);
void libclang_unload(struct libclang *c);

#endif
