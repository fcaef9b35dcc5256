/* SPDX-License-Identifier: BSD-3-Clause
 * The profile document: what a program needs. The analyzer fills .static_part, the tracer
 * .dynamic_part; matcher, verifier and reports read it. JSON form: docs/schema/profile.json. */
#ifndef COMMON_PROFILE_H
#define COMMON_PROFILE_H

#include "common/jsonmap.h"

#define PROFILE_SCHEMA "profile/1"

enum {                        /* .phases */
       PHASE_LOADER = 1 << 0, /* the dynamic linker's own code */
       PHASE_INIT = 1 << 1,   /* constructors, libc start, main until it first waits for events */
       PHASE_RUN = 1 << 2,    /* from there on */
       PHASE_EXIT = 1 << 3,   /* handlers, destructors */
};
enum { /* .when: WHEN_NORMAL, or else only circumstances */
       WHEN_NORMAL = 1 << 0,
       WHEN_ABORT = 1 << 1,       /* only on the way to abnormal termination */
       WHEN_ENVIRONMENT = 1 << 2, /* only with certain environment variables or tunables set */
       WHEN_SERVICE = 1 << 3,     /* only where a local daemon answers */
       WHEN_FALLBACK = 1 << 4,    /* only without a vDSO */
       WHEN_UNKNOWN = 1 << 5,     /* only if it is what a number that is not known is */
};
enum { CLASS_REQUIRED, CLASS_STUBBABLE, CLASS_FAKEABLE, CLASS_ANY, CLASS_FLAKY }; /* .class_ */

/* One step of a call path, from a root down to the syscall instruction. */
struct profile_step {
    const char *library;  /* soname, or the program's base name */
    const char *function; /* nearest symbol, or "fn_<offset>" where there is none */
    uint64_t address;     /* virtual address within that object */
    const char *bound;    /* static: how it leads to the next ("call", "slot" ...); else NULL */
    const char *source;   /* "file.c:12" where debug information tells; else NULL */
};

struct profile_syscall {
    const char *name;
    int64_t number;
    unsigned phases, when; /* when: static only, of what follows the loader if anything does */
    const char *root;      /* static: where the path begins ("the program's start") */
    VEC(struct profile_step) evidence; /* static: witness path; dynamic: stack at first hit */
    int64_t count;                     /* dynamic: times seen; 0 when not counted */
    int class_;                        /* dynamic; -1 when not tried */
    const char *alone; /* class when only this call is missing, where that is another; else NULL */
    int64_t runs;      /* dynamic: in how many of several runs it was seen; 0: in all of them */
};
typedef VEC(struct profile_syscall) profile_syscalls;

struct profile_library {
    const char *soname; /* as asked for by DT_NEEDED (the interpreter: its own DT_SONAME) */
    const char *path;   /* NULL: not found */
    strings needed_by;  /* sonames (the program: its base name) */
    strings searched;   /* where a library that is missing was looked for */
};

struct profile_symbol {
    const char *name, *version; /* version NULL: unversioned */
    const char *library;        /* soname of the provider; NULL: nothing provides it (weak) */
    const char *source; /* "file.c:12": where sources name it first; NULL: not from sources */
};

/* A selecting argument of a multiplexed call (ioctl request, fcntl command, socket family ...). */
struct profile_selector {
    const char *syscall;  /* "socket" */
    const char *argument; /* "family" */
    int64_t value;        /* 2 */
    const char *name;     /* "AF_INET"; NULL when unknown */
    const char *class_;   /* as of a call; NULL: not tried */
};
typedef VEC(struct profile_selector) profile_selectors;

/* A selecting argument that may be anything. */
struct profile_unbounded {
    const char *syscall, *argument;
    const char *reason; /* where its value is lost */
};
typedef VEC(struct profile_unbounded) profile_unbounded_list;

struct profile_plugin {
    const char *path, *reason;
    profile_syscalls syscalls;   /* only those the link map cannot make without it */
    profile_selectors selectors; /* likewise */
    profile_unbounded_list unbounded;
};

struct profile_exec {
    const char *path;
    VEC(struct profile_step) evidence; /* static */
    profile_syscalls syscalls;         /* dynamic: the executed program's own */
};

struct profile_unresolved {
    const char *library;
    uint64_t address;
    const char *reason;
};

struct profile_static {
    bool present;    /* the static analysis ran */
    strings sources; /* read in place of a program's code; empty: it was not */
    VEC(struct profile_library) libraries;
    VEC(struct profile_symbol) symbols; /* what the program imports */
    strings exported; /* "name" or "name@@VERSION": what it offers its libraries and plug-ins */
    profile_syscalls syscalls;
    profile_selectors selectors; /* what selecting arguments can be, where they are constant */
    profile_unbounded_list unbounded;
    VEC(struct profile_plugin) plugins;
    VEC(struct profile_exec) execs;
    VEC(struct profile_unresolved) unresolved;
};

struct profile_test {
    const char *command;
    const char *status; /* "exit 0", "signal 11", "timeout", "reply", "no reply" ... */
    int64_t duration_ms;
    const char *output; /* what it printed or the reply, shortened; may be NULL */
};

/* A call that the program makes only when another one fails. */
struct profile_fallback {
    const char *name;
    int64_t number;
    const char *instead_of; /* what was missing when it was first made; NULL: unknown */
    const char *class_;     /* with everything removable missing */
};

struct profile_file {
    const char *path;   /* as the program gave it, made absolute */
    const char *access; /* "read", "write", "execute", "stat", "directory" */
    bool found;         /* the call succeeded */
};

struct profile_dynamic {
    bool present;                          /* a traced run took place */
    int64_t runs;                          /* of everything, their union is here; 0: one */
    const char *engine;                    /* "breakpoint", "seccomp", "ptrace" */
    VEC(struct profile_library) libraries; /* soname, path */
    VEC(struct profile_symbol) symbols;
    profile_syscalls syscalls;
    VEC(struct profile_exec) execs;
    VEC(struct profile_test) tests;
    profile_selectors selectors;
    VEC(struct profile_fallback) fallbacks;
    VEC(struct profile_file) files;
};

struct profile_program {
    const char *path;        /* absolute, as analysed */
    const char *arch;        /* "x86_64" */
    const char *build_id;    /* hex, or NULL */
    const char *type;        /* "dynamic", "static", "static-pie" , "dynamic-pie" */
    const char *interpreter; /* PT_INTERP, or NULL */
    const char *language;    /* "go" where recognised by its build information, else NULL */
};

/* What the static set of system calls, plug-ins and selectors included, is worth. */
struct profile_statement {
    bool superset;        /* of all the program can do, under the assumptions */
    strings assumptions;  /* sentences */
    strings reservations; /* why it is none */
};

struct profile {
    const char *schema;
    struct profile_statement statement;
    struct profile_program program;
    struct profile_static static_part;
    struct profile_dynamic dynamic_part;
};

extern const struct jm_type profile_type;
extern const struct jm_type profile_syscall_type;
extern const char *const phase_names[]; /* "loader", "init", "run", "exit", NULL */
extern const char *const when_names[];
extern const char *const class_names[];

/* Reads and checks a profile.json. */
enum status profile_read(struct diag *d, struct arena *a, const char *path, struct profile *out);

/* Writes it as JSON. */
enum status profile_write(struct diag *d, const char *path, const struct profile *profile);
/* On standard output. */
enum status profile_print(struct diag *d, const struct profile *profile);

/* Sorts a list by name, merging entries of one number (phases, when and count united). */
void profile_syscalls_sort(profile_syscalls *list);
const struct profile_syscall *profile_syscalls_find(const profile_syscalls *list, int64_t number);

#endif
