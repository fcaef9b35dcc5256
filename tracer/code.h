/* SPDX-License-Identifier: BSD-3-Clause
 * One-shot breakpoints: which system-call instructions the code of a file holds, and what is
 * planted where in an address space. Private to tracer/.
 *
 * Every `syscall` instruction of a mapped file becomes an int3 (one byte, so that other threads see
 * the old or the new instruction, never half of one). Where the instruction's number is a constant
 * the first hit says all there is, and the byte is put back for good. Where the number, or an
 * argument of interest, varies, the instruction is executed in a copy elsewhere (displaced), so
 * that the breakpoint never has to be lifted while other threads run. */
#ifndef TRACER_CODE_H
#define TRACER_CODE_H

#include "analyzer/analyzer.h"
#include "tracer/session.h"
#include <linux/filter.h>
#include <sys/stat.h>

/* A line of /proc/PID/maps. */
struct mapping {
    uint64_t start, end, offset;
    bool readable, writable, executable, shared;
    dev_t device;
    ino_t inode;
    const char *path;          /* "" for anonymous memory */
    const struct stat *status; /* of the file, where that is known; NULL: not */
};
typedef VEC(struct mapping) mappings;
/* maps.c: false: the process is gone. */
bool mappings_read(struct arena *a, pid_t id, mappings *out);

/* ---- object.c ---- */

struct site {
    uint64_t address; /* virtual, in the file */
    int16_t number;   /* -1: varies */
};

struct text_segment {
    uint64_t offset, address, size;
};

/* A function whose first call is of interest. */
struct function_site {
    uint64_t address;
    unsigned char byte; /* what the breakpoint replaces */
    enum {
        FUNCTION_START, /* the C library's first, before any constructor */
        FUNCTION_EXIT,  /* the exit phase begins */
        FUNCTION_IMPORT,
        FUNCTION_EXPORT,
    } kind;
    const char *name, *version;
};

/* Code of one page between the first and the last place for a breakpoint, written in one piece. */
struct patch {
    uint64_t address;
    size_t size;
    unsigned char *bytes; /* as they are in the file */
    size_t first, last;   /* sites or functions */
};

/* The code of a file, the same for every process that maps it. */
struct object {
    struct object_key {
        uint64_t device, inode, size, modified_ns;
    } key;
    const char *path;
    bool usable; /* its sites are known */
    bool legacy; /* it may make calls by other means than `syscall` */
    size_t segment_count;
    struct text_segment *segments;
    size_t site_count;
    struct site *sites; /* by address */
    size_t function_count;
    struct function_site *functions; /* by address */
    bool patched;                    /* the patches of its sites are there (see object_patches) */
    size_t patch_count, function_patch_count;
    struct patch *patches, *function_patches;
    UT_hash_handle hh;
};

/* The object behind a mapping of process id, decoded at its first use in the session. */
struct object *object_for(struct session *s, pid_t id, const struct mapping *m);
/* Opens the file behind a mapping, also when its name is gone or means another one by now; -1: it
 * cannot be had. */
int mapping_open(pid_t id, const struct mapping *m, struct stat *st);
/* Reads the code between sites, which few processes need. */
bool object_patches(struct session *s, pid_t id, const struct mapping *m, struct object *object);
/* Index of the site at an address of the object, or -1. */
long object_site(const struct object *object, uint64_t address);

/* size bytes of the file's code at a virtual address; NULL: not there. */
const unsigned char *object_bytes(const struct object *object, const unsigned char *image,
                                  uint64_t address, size_t size);

/* ---- functions.c ---- */
struct site_table;
/* Where phases begin. */
void functions_marks(struct session *s, const struct object *object, const unsigned char *image,
                     size_t size, struct site_table *table);
/* Adds what is asked for in this run. */
void functions_learn(struct session *s, struct object *object, const unsigned char *image,
                     size_t size, const slot_calls *calls);
/* Index of the first function at or behind an address. */
size_t function_from(const struct object *object, uint64_t address);
struct function_site *function_at(const struct object *object, uint64_t address);
void functions_record(struct session *s, const struct function_site *site,
                      const struct object *object);

/* ---- code.c ---- */

enum { SITE_BARE, SITE_ARMED, SITE_LIFTED };
/* A process makes this many calls, each a stop, before its code is changed: about as many as
 * planting costs. */
enum { TRIAL = 80 };

/* A file mapped executable. */
struct region {
    uint64_t start, end;
    uint64_t bias; /* address in the process - address in the file */
    struct object *object;
    bool own;                 /* the program's file, not a library */
    bool planted;             /* its sites, not its functions only */
    unsigned char *sites;     /* what each site of the object is now */
    unsigned char *functions; /* likewise */
    struct region *next;
};

struct code {
    struct region *regions;
    uint64_t gadget;    /* a syscall instruction nobody else executes; 0: none */
    struct room *rooms; /* memory of ours in the process */
    struct slot *slots;
    struct unknown *unknown; /* executable memory that holds no known code, covered by filters */
    unsigned nets;           /* how many filters */
    unsigned births;         /* processes made from here */
    unsigned tries;          /* to give it a filter for their sake */
    unsigned gates;          /* hits that were looked at and had nothing to them */
};

struct room {
    uint64_t start;
    size_t size, used;
    struct room *next;
};

/* A copy of a site's instruction: where the thread goes instead. */
struct slot {
    uint64_t site, address;
    unsigned quiet; /* hits since something new was learned there */
    struct slot *next;
};

struct unknown {
    uint64_t start, end;
    struct unknown *next;
};

/* Zeroed; freed with the structure it becomes part of. */
void *code_own(size_t size);
struct room *code_room(struct code *code, uint64_t start, size_t size);
struct code *code_copy(const struct code *from);
void code_free(struct code *code);
struct region *region_at(const struct code *code, uint64_t address);
/* Forgets what is known about [start, end): something else is mapped there now. */
void code_forget(struct code *code, uint64_t start, uint64_t end);
/* One byte of code: cheaper by a word than through a file. */
bool code_set_byte(struct task *task, uint64_t address, unsigned char byte);
/* A constant number would bring nothing new in a phase. */
bool code_is_known(const struct tracee *process, int number, unsigned phase);
/* Has the processor stop a static program where its exit handlers begin; not again once they have.
 */
void code_watch_exit(struct task *task);
/* ---- plant.c ---- */

/* A program has been executed: plants functions, and nothing else before the trial is over. */
void code_start(struct session *s, struct task *task, const mappings *maps);
/* During the trial, and with other engines: a file has been mapped executable. */
void code_file_mapped(struct session *s, struct task *task, const struct mapping *m);
/* After it: memory has become executable, [start, end). */
void code_mapped(struct session *s, struct task *task, uint64_t start, uint64_t end);
/* Gives a process the filter that sees what breakpoints cannot. bound: even if that takes its right
 * to gain privileges. False: that could not be done. */
bool code_filter(struct session *s, struct task *task, bool bound);
/* The trial is over: plants in everything mapped. The task is stopped at the end of a call. */
void code_plant(struct session *s, struct task *task);

/* ---- code.c ---- */

/* One of its sites is there. */
bool code_knows(const struct code *code, uint64_t address);
/* A breakpoint of ours at address: learns from it and sends the task on. false: not ours. */
bool code_hit(struct session *s, struct task *task, struct user_regs_struct *regs);
/* A signal is about to be delivered: its handler must find the task where the program knows it, as
 * it may unwind the stack from there. A call that begins again does so at its site. */
void code_leave_slot(const struct task *task);
/* From here on every call of the address space stops. */
void code_give_up(struct session *s, struct task *task, const char *why);
/* Another phase begins: everything lifted is planted again. */
void code_rearm(struct session *s, struct task *task);
/* Lifts the breakpoints at calls, of a stopped task: every call is to stop from here on. */
void code_lift(struct task *task);

/* ---- inject.c ---- */

/* Makes a stopped task make a call of our own; its registers are as before afterwards. The result
 * is the kernel's, negative for errors; -ESRCH when the task is gone. */
int64_t inject_call(struct session *s, struct task *task, int64_t number, const uint64_t args[6]);
/* Room for size bytes of our own code in the process, within reach of a 32-bit displacement of an
 * address where that can be had; 0: none. */
uint64_t inject_room(struct session *s, struct task *task, uint64_t near, size_t size);
/* Installs a filter for all threads of the task's process. bound: by giving up the right to gain
 * privileges, where it has none. */
bool inject_filter(struct session *s, struct task *task, uint64_t near,
                   const struct sock_fprog *filter, bool bound);
/* A filter that stops calls made at a site unless their number is known. */
bool inject_known(struct session *s, struct task *task, const bool known[SYSCALL_LIMIT],
                  uint64_t site);
/* A filter that stops every call made from [start, end), for all threads. */
bool inject_net(struct session *s, struct task *task, uint64_t start, uint64_t end);

#endif
