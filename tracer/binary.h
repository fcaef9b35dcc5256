/* SPDX-License-Identifier: BSD-3-Clause
 * A mapped file (or the vDSO) as call stacks need it: its code, its unwind tables and its symbols.
 * Everything read of it is checked against its size. Private to tracer/. */
#ifndef TRACER_BINARY_H
#define TRACER_BINARY_H

#include "common/arena.h"
#include "common/vec.h"
#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct binary_segment {
    uint64_t offset, address, size; /* what the file holds of it */
    bool executable;
};

/* Bytes of a file and the virtual address of the first; NULL: there are none. */
struct piece {
    const unsigned char *data;
    size_t size;
    uint64_t address;
};

/* Where the unwind rules of a stretch of code are. */
struct fde_place {
    uint64_t start, end; /* of the code */
    size_t offset;       /* of the description in its table */
};

/* A symbol that covers code, and the furthest end of all before it and itself. */
struct named_range {
    uint64_t start, end, reach;
    uint32_t symbol;
};

struct binary {
    dev_t device; /* as /proc/PID/maps has it */
    ino_t inode;
    const char *path;
    const unsigned char *data;
    size_t size;
    bool mapped; /* to be unmapped in the end */
    VEC(struct binary_segment) segments;
    uint64_t dynamic;       /* of its dynamic section; 0: none */
    struct piece search;    /* .eh_frame_hdr, where it can be searched */
    struct piece frames;    /* .eh_frame, or .debug_frame */
    bool debug_frames;      /* it is the latter */
    bool indexed;           /* the next two are there */
    struct fde_place *fdes; /* by start */
    size_t fde_count;
    struct piece symbols, strings;
    unsigned lookups; /* by address, until it is worth sorting the symbols */
    struct named_range *ranges;
    size_t range_count;
    bool lines; /* debug information tells more */
    struct debug_lines *debug;
    struct binary *next;
};

/* ---- binary.c ---- */
/* Maps the file that is open; false: it cannot be. */
bool binary_map(struct binary *binary, int fd, uint64_t size);
/* Looks at its headers; false: it is no 64-bit ELF file of this machine. */
bool binary_open(struct arena *a, struct binary *binary);
/* The file of that name among those that have been looked into, or else opened now and added to
 * them; NULL: it cannot be read. */
struct binary *binary_named(struct arena *a, struct binary **all, const char *path);
void binaries_close(struct binary *all);
/* The address in the file of what is at an offset of it; false: no code is there. */
bool binary_address(const struct binary *binary, uint64_t offset, uint64_t *address);
/* The file's bytes from an address to the end of its segment. */
struct piece binary_piece(const struct binary *binary, uint64_t address);

/* ---- binary_dynamic.c ---- */
/* DT_SONAME, which lives as long as the file is open; NULL: it has none. */
const char *binary_soname(const struct binary *binary);
/* It is a shared object that defines this name. */
bool binary_defines(const struct binary *binary, const char *name);

/* ---- binary_names.c ---- */
/* The function at an address, or the one before it that nobody says the size of; NULL: none. */
const char *binary_function(struct arena *a, struct binary *binary, uint64_t address);
/* By debug information, which may be in a file of its own: name of the function and "file.c:12";
 * either may be NULL. */
void binary_source(struct arena *a, struct binary *binary, uint64_t address, const char **function,
                   const char **source);

void binary_close_debug(struct binary *binary);

#endif
