/* SPDX-License-Identifier: BSD-3-Clause
 * Reader of test files and of configuration files with command lines. */
#include "common/testfile.h"
#include "common/file.h"
#include "common/jsonwhere.h"
#include <ctype.h>
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_MS = 24 * 3600 * 1000, PORTS = 65535 };

static const char *const type_names[] = {"exec", "stdin", "telnet", NULL};

#define S struct test_file
static const struct jm_field fields[] = {
    JM_FIELD(S, "typeTest", type, JM_ENUM, .names = type_names,
             .description = "how the commands reach the program"),
    JM_FIELD(S, "timeMsCommand", command_ms, JM_INT, .flags = JM_OPTIONAL,
             .description = "pause between commands, milliseconds"),
    JM_FIELD(S, "listCommands", commands, JM_STRINGS, .description = "in order"),
    JM_FIELD(S, "addressTelnet", address, JM_STRING, .flags = JM_OPTIONAL,
             .description = "telnet: where the program listens (default 127.0.0.1)"),
    JM_FIELD(S, "portTelnet", port, JM_INT, .flags = JM_OPTIONAL,
             .description = "telnet: on which port; 0: a free one, ${PORT}"),
    JM_FIELD(S, "timeOutMsTest", timeout_ms, JM_INT, .flags = JM_OPTIONAL,
             .description = "longest time of the whole test, milliseconds"),
    JM_FIELD(S, "arguments", arguments, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "of the program; ${PORT} and ${DIR} are replaced"),
    JM_FIELD(S, "expectedOutput", expected, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "extended regular expressions, one per command; empty: any output"),
    JM_FIELD(S, "setup", setup, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "shell commands run before the program starts"),
    JM_FIELD(S, "cleanup", cleanup, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "shell commands run after it ended"),
    JM_FIELD(S, "workFolder", work_folder, JM_BOOL, .flags = JM_OPTIONAL,
             .description = "run in a fresh temporary folder, ${DIR}"),
    JM_FIELD(S, "ignore", ignore, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "regular expressions masked before outputs are compared"),
    JM_FIELD(S, "unordered", unordered, JM_BOOL, .flags = JM_OPTIONAL,
             .description = "outputs are compared as sets of lines"),
    JM_FIELD(S, "normalise", normalise, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "names of normalisers applied always"),
    JM_FIELD(S, "files", files, JM_STRINGS, .flags = JM_OPTIONAL,
             .description = "patterns of the files to compare after the run"),
    JM_FIELD(S, "ready", ready, JM_STRING, .flags = JM_OPTIONAL,
             .description = "regular expression in the output that says it is ready"),
};
const struct jm_type test_file_type = JM_TYPE(S, "test", "How a program is exercised", fields);
#undef S

struct source {
    struct diag *d;
    const char *path, *text;
    size_t size;
};

/* "FILE:LINE:COLUMN: KEY: what" as a failure. */
static enum status wrong_at(const struct source *s, const char *key, const char *what)
{
    struct json_place place;
    json_where(s->text, s->size, key, &place);
    return diag_fail(s->d, STATUS_INPUT, "%s:%d:%d: %s: %s", s->path, place.line, place.column,
                     key + 1, what);
}

/* The decoder's message is "WHERE: .key[2]: what": give it its line and column. */
static enum status place_message(const struct source *s)
{
    const char *key = strchr(s->d->message, '\n');
    if (!key)
        return STATUS_INPUT;
    char path[256], what[1024];
    size_t length = strcspn(key + 3, ":"); /* past "\n: " */
    snprintf(path, sizeof path, "%.*s", (int)length, key + 3);
    snprintf(what, sizeof what, "%s", key[3 + length] ? key + 5 + length : "wrong");
    return wrong_at(s, *path ? path : ".", what);
}

static bool warn_unknown(void *context, const char *key, size_t length, struct json_place place)
{
    const struct source *s = context;
    for (size_t i = 0; i < test_file_type.count; i++)
        if (strlen(fields[i].name) == length && strncmp(fields[i].name, key, length) == 0)
            return true;
    diag_warn(s->d, "%s:%d:%d: unknown key \"%.*s\", ignored", s->path, place.line, place.column,
              (int)length, key);
    return true;
}

static enum status check_numbers(const struct source *s, const struct test_file *t)
{
    if (t->command_ms < 0 || t->command_ms > LONGEST_MS)
        return wrong_at(s, ".timeMsCommand", "milliseconds from 0 to one day were expected");
    if (t->timeout_ms < 0 || t->timeout_ms > LONGEST_MS)
        return wrong_at(s, ".timeOutMsTest", "milliseconds from 0 to one day were expected");
    if (t->port < 0 || t->port > PORTS)
        return wrong_at(s, ".portTelnet", "a port from 0 to 65535 was expected");
    return STATUS_OK;
}

static enum status check_expressions(const struct source *s, const char *key, const strings *list)
{
    for (size_t i = 0; i < list->count; i++) {
        regex_t compiled;
        char place[64], what[256] = "not a regular expression: ";
        int error = regcomp(&compiled, list->items[i], REG_EXTENDED | REG_NOSUB);
        if (!error) {
            regfree(&compiled);
            continue;
        }
        size_t used = strlen(what);
        regerror(error, &compiled, what + used, sizeof what - used);
        snprintf(place, sizeof place, "%s[%zu]", key, i);
        return wrong_at(s, place, what);
    }
    return STATUS_OK;
}

static enum status check(const struct source *s, const struct test_file *t)
{
    enum status status = check_numbers(s, t);
    if (!status)
        status = check_expressions(s, ".expectedOutput", &t->expected);
    if (!status)
        status = check_expressions(s, ".ignore", &t->ignore);
    if (!status && t->expected.count > t->commands.count)
        status = wrong_at(s, ".expectedOutput", "has more entries than listCommands");
    if (!status && t->ready) {
        strings one = {.items = (const char **)&t->ready, .count = 1};
        if (check_expressions(s, ".ready", &one))
            status = wrong_at(s, ".ready", "not a regular expression");
    }
    return status;
}

enum status test_file_read(struct diag *d, struct arena *a, const char *path, struct test_file *out)
{
    char *text = NULL;
    size_t size = 0;
    memset(out, 0, sizeof *out);
    enum status status = file_read(d, a, path, 0, &text, &size);
    if (status)
        return status;
    struct source s = {d, path, text, size};
    if (strspn(text, " \t\r\n") == size)
        return diag_fail(d, STATUS_INPUT,
                         "%s: empty; a test file holds at least {\"typeTest\": \"stdin\", "
                         "\"listCommands\": []}",
                         path);
    json_error_t error;
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        return diag_fail(d, STATUS_INPUT, "%s:%d:%d: not valid JSON: %s", path, error.line,
                         error.column, error.text);
    /* A newline for a source name marks where the decoder's own words begin. */
    if (!json_is_object(json))
        status = wrong_at(&s, ".", "an object with typeTest and listCommands was expected");
    else if (jm_decode(&test_file_type, json, out, a, d, "\n"))
        status = place_message(&s);
    else
        status = check(&s, out);
    json_decref(json);
    if (!status)
        json_keys(text, size, warn_unknown, &s);
    if (!status && out->type == TEST_TELNET && !out->address)
        out->address = "127.0.0.1";
    return status;
}

enum status command_lines_read(struct diag *d, struct arena *a, const char *path, strings *out)
{
    char *text = NULL;
    size_t size = 0;
    memset(out, 0, sizeof *out);
    enum status status = file_read(d, a, path, 0, &text, &size);
    if (status)
        return status;
    if (memchr(text, '\0', size))
        return diag_fail(d, STATUS_INPUT,
                         "%s: holds a NUL byte; one command line of the program per line was "
                         "expected",
                         path);
    int number = 0;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        number++;
        line += strspn(line, " \t\r");
        size_t length = strlen(line);
        while (length && isspace((unsigned char)line[length - 1]))
            line[--length] = '\0';
        strings words = {0};
        const char *wrong = split_words(a, line, &words);
        if (wrong)
            return diag_fail(d, STATUS_INPUT, "%s:%d: %s", path, number, wrong);
        if (length && *line != '#')
            vec_push(a, out, line);
    }
    return out->count ? STATUS_OK
                      : diag_fail(d, STATUS_INPUT,
                                  "%s: no command line in it; one per line was expected", path);
}

/* One word at *at, quotes and backslashes as in the shell. Returns what is wrong, or NULL. */
static const char *one_word(const char **at, char *word)
{
    char quote = 0;
    const char *p = *at;
    for (; *p && (quote || !strchr(" \t", *p)); p++) {
        if (quote && *p == quote)
            quote = 0;
        else if (!quote && (*p == '\'' || *p == '"'))
            quote = *p;
        else if (*p == '\\' && quote != '\'' && p[1])
            *word++ = *++p;
        else
            *word++ = *p;
    }
    *word = '\0';
    *at = p;
    return quote ? "a quote is not closed" : NULL;
}

const char *split_words(struct arena *a, const char *line, strings *words)
{
    if (*line == '#')
        return NULL;
    for (line += strspn(line, " \t"); *line; line += strspn(line, " \t")) {
        char *word = arena_alloc(a, strlen(line) + 1);
        const char *wrong = one_word(&line, word);
        if (wrong)
            return wrong;
        vec_push(a, words, word);
    }
    return NULL;
}
