/* SPDX-License-Identifier: BSD-3-Clause */
#include "analyzer/digest.h"
#include "common/file.h"
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { LATELY = 3 /* seconds */ };

void digest_word(struct digest *h, uint64_t word)
{
    h->low = (h->low ^ word) * 0x9e3779b97f4a7c15u;
    h->low ^= h->low >> 32;
    h->high = (h->high + word) * 0xc2b2ae3d27d4eb4fu;
    h->high ^= h->high >> 29;
}

void digest_bytes(struct digest *h, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    digest_word(h, size);
    for (; size >= 8; size -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        digest_word(h, word);
    }
    uint64_t last = 0;
    if (size)
        memcpy(&last, bytes, size);
    digest_word(h, last);
}

void digest_text(struct digest *h, const char *text)
{
    digest_bytes(h, text ? text : "", text ? strlen(text) : 0);
}

static void digest_contents(struct digest *h, const char *path)
{
    struct arena *own = arena_new();
    struct diag quiet;
    char *data = NULL;
    size_t size = 0;
    diag_init(&quiet, -1);
    if (!file_read(&quiet, own, path, 0, &data, &size))
        digest_bytes(h, data, size);
    arena_free(own);
}

struct digest digest_file(const char *path)
{
    struct digest h = {1, 2};
    struct stat st;
    struct timespec now;
    if (!path || stat(path, &st) != 0)
        return h;
    const uint64_t words[] = {st.st_dev,
                              st.st_ino,
                              (uint64_t)st.st_size,
                              (uint64_t)st.st_mtim.tv_sec,
                              (uint64_t)st.st_mtim.tv_nsec,
                              (uint64_t)st.st_ctim.tv_sec,
                              (uint64_t)st.st_ctim.tv_nsec};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        digest_word(&h, words[i]);
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec - st.st_ctim.tv_sec < LATELY)
        digest_contents(&h, path);
    return h;
}
