/* SPDX-License-Identifier: BSD-3-Clause
 * Whether a run is like an untouched one, as far as the tests show. */
#include "tracer/classify.h"
#include <regex.h>
#include <stdio.h>
#include <string.h>

bool same_status(const char *x, const char *y, bool by_line)
{
    if (!by_line)
        return strcmp(x, y) == 0;
    size_t length = strcspn(x, ",");
    return length == strcspn(y, ",") && strncmp(x, y, length) == 0;
}

/* text with everything that matches one of the expressions taken out. */
static const char *masked(struct arena *a, const strings *ignore, const char *text)
{
    for (size_t i = 0; i < ignore->count; i++) {
        regex_t compiled;
        regmatch_t match;
        const char *rest = text, *result = "";
        if (regcomp(&compiled, ignore->items[i], REG_EXTENDED | REG_NEWLINE) != 0)
            continue;
        while (regexec(&compiled, rest, 1, &match, 0) == 0 && match.rm_eo > 0) {
            result = arena_printf(a, "%s%.*s", result, (int)match.rm_so, rest);
            rest += match.rm_eo;
        }
        text = arena_printf(a, "%s%s", result, rest);
        regfree(&compiled);
    }
    return text;
}

static bool same_text(const strings *ignore, struct arena *a, const char *x, const char *y)
{
    x = x ? x : "";
    y = y ? y : "";
    if (strcmp(x, y) == 0)
        return true;
    return ignore && ignore->count && strcmp(masked(a, ignore, x), masked(a, ignore, y)) == 0;
}

bool same_output(const strings *ignore, struct arena *a, const struct profile_test *x,
                 const struct profile_test *y)
{
    return same_text(ignore, a, x->output, y->output);
}

bool expected_step(const struct expectation *e, struct arena *a, size_t index, const char *status,
                   const char *output)
{
    if (index >= e->run->tests.count)
        return true;
    const struct profile_test *test = &e->run->tests.items[index];
    return same_status(test->status, status, e->by_line) &&
           (!e->stable[index] || same_text(e->ignore, a, test->output, output));
}

bool expected_start(const struct expectation *e, size_t index, const char *console)
{
    enum { CUT_SLACK = 64 }; /* masking may have changed what stands where it was cut */
    if (index >= e->run->tests.count || !e->stable[index] || (e->ignore && e->ignore->count))
        return true;
    const char *whole = e->run->tests.items[index].output;
    whole = whole ? whole : "";
    /* Whole lines: what is masked must not be cut in two. */
    const char *end = strrchr(console, '\n'), *cut = strstr(whole, "\n[... ");
    size_t size = end ? (size_t)(end - console) + 1 : 0;
    size_t known = cut ? (size_t)(cut - whole) : strlen(whole);
    if (size > known && !cut)
        return false;
    if (cut)
        known = known > CUT_SLACK ? known - CUT_SLACK : 0;
    return strncmp(console, whole, size < known ? size : known) == 0;
}

bool expected_answer(const struct expectation *e, size_t index, const char *output)
{
    if (index >= e->run->tests.count || !e->stable[index])
        return false;
    const char *whole = e->run->tests.items[index].output;
    return whole && strcmp(whole, output) == 0;
}

static void describe(const struct expectation *e, const struct profile_test *test, size_t index,
                     struct difference *out)
{
    bool status = index < e->run->tests.count &&
                  !same_status(e->run->tests.items[index].status, test->status, e->by_line);
    *out = (struct difference){.found = true, .index = index, .output = !status};
    snprintf(out->text, sizeof out->text, "%s at command %zu: %.60s",
             status ? test->status : "other output", index + 1, test->command);
}

bool expected_so_far(const struct expectation *e, struct arena *a,
                     const struct profile_dynamic *run, struct difference *difference)
{
    for (size_t i = 0; i < run->tests.count; i++) {
        const struct profile_test *test = &run->tests.items[i];
        if (expected_step(e, a, i, test->status, test->output))
            continue;
        describe(e, test, i, difference);
        return false;
    }
    return true;
}

bool expected_results(const struct expectation *e, struct arena *a,
                      const struct profile_dynamic *run, struct difference *difference)
{
    if (!expected_so_far(e, a, run, difference))
        return false;
    if (run->tests.count == e->run->tests.count)
        return true;
    *difference = (struct difference){.found = true, .index = run->tests.count};
    snprintf(difference->text, sizeof difference->text, "%zu results of %zu", run->tests.count,
             e->run->tests.count);
    return false;
}
