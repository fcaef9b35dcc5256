/* SPDX-License-Identifier: BSD-3-Clause
 * What the tracer knows while programs run: sessions, processes, threads, address spaces, and what
 * each executed program did. Private to tracer/.
 *
 * Two threads share a session. The tracing thread owns every ptrace call and every structure here;
 * it sleeps in waitpid. The script thread (script.c) starts programs and shell commands, talks to
 * them and tells when to end; the two meet in struct meeting only. */
#ifndef TRACER_SESSION_H
#define TRACER_SESSION_H

#include "common/syscalls.h"
#include "tracer/tracer.h"
#include <sys/types.h>
#include <sys/user.h>
#include <uthash.h>

enum { PROCESS_LIMIT = 2048, X32_BIT = 0x40000000 };

/* The tables a number can belong to. */
enum abi { ABI_NATIVE, ABI_I386, ABI_X32, ABI_COUNT };

/* One call as a stop shows it. */
struct call {
    enum abi abi;
    int64_t number;
    uint64_t args[6];
    uint64_t ip; /* of the syscall instruction itself */
    uint64_t sp;
};

struct fact {
    unsigned phases;
    int64_t count;
    struct stack *first; /* where it was first called from; NULL: not taken */
    int runs;            /* that made it, of several (repeat.c) */
};

/* What one executed program did. */
struct unit {
    const char *path;
    bool program; /* the one under test; others are its execs */
    bool starts;  /* its C library shows when code of libraries begins to run */
    struct fact calls[ABI_COUNT][SYSCALL_LIMIT];
    struct unit *next;
};

/* A byte of code replaced by a breakpoint that is met once. */
struct mark {
    uint64_t address; /* 0: not set */
    unsigned char byte;
};

/* An address space, shared by threads and by vfork children until they execute something. */
struct space {
    int users;
    struct unit *unit;           /* NULL: followed, so as to end it, but not recorded */
    uint64_t loader, loader_end; /* the dynamic linker's mapping; 0: none */
    struct mark entry;           /* where the dynamic linker hands over */
    struct code *code;           /* what is planted; NULL: nothing */
    bool legacy;                 /* code of it makes calls that only a filter sees */
    int trial;                   /* calls to stop at before anything is planted; 0: over */
    bool quiet;                  /* the dynamic linker stops only at what it never did before */
    uint64_t exit_watch;         /* a static program's exit, met by a debug register; 0: none */
    bool plain;                  /* breakpoints were given up: every call stops */
    unsigned generation;         /* changes when code is mapped */
};

/* Any of these structures once unused, kept for the next one. */
struct spare {
    struct spare *next;
};

enum mode {
    MODE_FOLLOW,     /* only births, execs and ends */
    MODE_PTRACE,     /* stop at every call */
    MODE_SECCOMP,    /* a filter stops at every call */
    MODE_INJECT,     /* a filter stops at the calls that are not to be made */
    MODE_BREAKPOINT, /* one-shot breakpoints, a filter for what they cannot see */
};

struct tracee {
    pid_t id;
    int threads;
    struct space *space;
    struct launch *launch; /* what it descends from */
    enum mode mode;
    bool polled;    /* a kernel thread polls a ring of its */
    bool filtered;  /* a filter stops at what breakpoints cannot see */
    bool recorded;  /* it is the program, or descends from it */
    bool entered;   /* the dynamic linker has handed over */
    bool waited;    /* it has waited for events */
    bool leaving;   /* exit handlers run */
    bool limited;   /* a filter of its own decides about its calls */
    bool breeds;    /* it makes many processes */
    bool unwatched; /* just forked: debug registers are not inherited */
    bool traps;     /* it handles (or ignores) SIGTRAP itself, like this: */
    unsigned char trap_action[32];
    UT_hash_handle hh;
};

struct task {
    pid_t id;
    struct tracee *process; /* NULL: its birth has not been announced */
    bool stopped_early;     /* stopped before that, not resumed yet */
    bool ended_early;       /* ended before that */
    bool wants_end;         /* the call under way matters at its end too */
    struct call call;       /* that call */
    bool lost;              /* it ended while it made a call of ours */
    int lost_status;
    UT_hash_handle hh;
};

/* A process started by the script: the program, or a shell command. Guarded by the meeting. */
struct launch {
    pid_t pid;
    bool program;  /* else a shell command */
    bool filtered; /* it runs under the engine's filter */
    bool seized, ended, killed;
    const char *path; /* what it is to become */
    int report;       /* where it tells why it could not, until that has been read; else -1 */
    int members;      /* processes of it alive */
    int status;       /* of the first process, as from waitpid, once ended */
    struct launch *next;
};

struct session {
    struct diag *diag;
    struct arena *arena;
    const struct tracer_options *options;
    const char *path; /* of the program, absolute */
    dev_t device;     /* and its identity */
    ino_t inode;
    enum trace_engine engine;    /* the one in use: never ENGINE_AUTO */
    struct injection *injection; /* calls that are not made; NULL: all are */
    struct meeting *meeting;
    struct tracee *processes; /* by id */
    struct task *tasks;       /* by id */
    struct spare *spare_tasks, *spare_processes, *spare_spaces;
    struct unit *units;
    struct object *objects; /* code of files, by identity */
    int withdrawn;          /* address spaces where breakpoints were given up */
    const char *folder;     /* the present run's temporary one; NULL: none */
    struct unwinder *unwinder;
    struct binary *binaries; /* files that have been looked into */
    struct sets *sets;       /* files, selectors, libraries of the program */
    bool ending;             /* everything is being killed */
    bool failed;             /* the program of the last run ended by itself, in failure */
    bool fork_limit;         /* too many processes */
    int seize_error;         /* errno: the kernel does not let us trace */
    unsigned executions;     /* so far, times a thousand: generations of address spaces differ */
    int64_t stops;           /* how often anything stopped, for figures */
};

/* ---- tasks.c: who is alive ---- */
struct task *task_find(struct session *s, pid_t id);
struct task *task_add(struct session *s, pid_t id, struct tracee *process);
void task_remove(struct session *s, struct task *task);
/* A process that inherits everything from parent (NULL: nothing) but lives in space. */
struct tracee *process_add(struct session *s, pid_t id, struct space *space,
                           const struct tracee *parent);
struct space *space_new(struct session *s, struct unit *unit);
/* For a fork: the same contents, whatever was planted there included. */
struct space *space_copy(struct session *s, const struct space *from);
void space_release(struct session *s, struct space *space);
struct unit *unit_for(struct session *s, const char *path, bool program);

/* ---- loop.c: the tracing thread ---- */
/* Handles events until the script is over and nothing it started is left. */
void loop_run(struct session *s);
/* What waitpid told of one task. */
void loop_event(struct session *s, pid_t pid, int status);
/* Kills everything that lives, and from then on whatever is still born. */
void loop_end(struct session *s);

/* ---- record.c: what is learned ---- */
struct sets *sets_new(struct arena *a);
/* What a call made now belongs to, the dynamic linker's aside. */
unsigned process_phase(const struct tracee *process);
/* A call is about to be made. True when something new was learned. */
bool record_call(struct session *s, struct task *task, const struct call *call);
/* A shared object mapped executable. */
void record_library(struct session *s, const struct tracee *process, const char *path);
/* Writes everything learned into the profile. */
void record_finish(struct session *s, struct arena *a, struct profile_dynamic *out);
/* The tests begin: whatever runs has started up. */
void record_running(struct session *s);

/* ---- exec.c: what has been executed ---- */
void exec_happened(struct session *s, struct task *task);
/* A SIGTRAP: true when it was one of ours, and the task may go on. */
bool trap_happened(struct session *s, struct task *task);

/* ---- trap.c: programs that use SIGTRAP themselves ---- */
/* rt_sigaction of SIGTRAP is about to be made. */
void trap_action_seen(struct task *task, const struct call *call);
/* A breakpoint of ours makes the kernel drop the program's handler where SIGTRAP is blocked: puts
 * both back. */
void trap_action_restore(struct session *s, struct task *task);
/* The stop comes from a debug register. */
bool trap_is_watch(const struct task *task);
/* The stop comes from an instruction, not from kill(2) and its kin. */
bool trap_is_instruction(const struct task *task);

/* ---- calls.c: what is special about some calls ---- */
/* The call makes its caller wait for events from outside. */
bool call_waits(const struct call *call);
/* The process has not waited yet, and this call may be how it first does. */
bool call_may_wait(const struct tracee *process, int number);
/* Every call of this number must be looked at, as no filter does. */
bool call_is_gated(const struct tracee *process, int number);
/* It is one that must be seen at its entry. */
bool call_is_delicate(const struct call *call);
/* Memory becomes executable: what is mapped there shows at the call's end. */
bool call_opens_code(const struct call *call);
/* The process sets limits to its own calls, from the end of this one on. */
bool call_limits(const struct call *call);
/* The arguments of this call matter, or whether it waits: seeing it once is not enough. */
bool call_is_watched(const struct tracee *process, int number);
/* How many hits in a row without news are enough then. */
unsigned call_patience(const struct tracee *process, int number);
/* Name of a number in its table: "write", "int80:write", "x32:write". */
const char *call_name(struct arena *a, enum abi abi, int64_t number);

/* ---- memory.c ---- */
size_t memory_read(pid_t id, uint64_t address, void *out, size_t size);
/* A descriptor for many writes in a row; -1: cannot. */
int memory_open(pid_t id);
bool memory_write(pid_t id, uint64_t address, const void *data, size_t size);
/* A string of the traced process, at most limit - 1 bytes; false: unreadable. */
bool memory_string(pid_t id, uint64_t address, char *out, size_t limit);

/* ---- repeat.c ---- */
/* Moves what a run has learned of calls into *all. */
void repeat_run_over(struct session *s, struct unit **all);

/* ---- filter.c ---- */
/* The engine's filter, or one that stops at the calls of an injection; for breakpoints the one that
 * a process is given when it turns out to need it. */
struct sock_fprog *filter_for(struct arena *a, enum trace_engine engine,
                              const struct injection *injection);
/* Installs a filter on the calling process; async-signal-safe. 0 or errno. */
int filter_install(const struct sock_fprog *program);

#endif
