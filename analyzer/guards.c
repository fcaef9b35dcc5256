/* SPDX-License-Identifier: BSD-3-Clause
 * The rules are data: what POSIX and the GNU C library's manual say each interface is for. They
 * name public interfaces only, which keep their names over releases; what a release does inside to
 * get there does not matter. A call is normal as soon as any function that enables it is entered
 * from outside the C library; otherwise it is still reported, under its circumstance. */
#include "analyzer/guards.h"
#include "common/syscalls.h"
#include <assert.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* Groups of functions several rules share. A trailing '*' stands for any ending. */
#define THREADS   "pthread_create thrd_create timer_create mq_notify aio_* lio_listio* "
#define UNWINDING "pthread_exit pthread_cancel thrd_exit backtrace "
#define NAMES                                                                                      \
    "getpw* getgr* getsp* getsg* setpwent setgrent setspent getaddrinfo getnameinfo gethost* "     \
    "getserv* getproto* getnetby* getnetent* getrpc* getnetgrent* setnetgrent innetgr "            \
    "initgroups getgrouplist ether_hostton ether_ntohost getalias* getpublickey getsecretkey "     \
    "cuserid getlogin* ruserok* iruserok* rcmd* rexec* wordexp glob glob64 putpwent "
/* What loads objects by itself, where the system's configuration names any. */
#define LOADERS "iconv_open " NAMES UNWINDING
#define RESOLVING                                                                                  \
    "getaddrinfo getaddrinfo_a getnameinfo gethostby* gethostent* res_* __res_* ns_* "             \
    "rcmd* rexec* ruserok* iruserok* "
#define RPC "clnt* svc* pmap_* callrpc registerrpc xdr_* bindresvport* authunix* rpc* key_* "
#define STARTING                                                                                   \
    "pthread_create thrd_create timer_create mq_notify aio_* lio_listio* pthread_cancel "
#define HANDLERS                                                                                   \
    "sigaction signal ssignal sigset bsd_signal sysv_signal __sysv_signal sigvec "                 \
    "siginterrupt " STARTING
#define RAISING  "raise gsignal pthread_kill pthread_cancel pthread_sigqueue "
#define SPAWNING "system popen posix_spawn* wordexp "
/* The files that tell who is logged in, which are locked for a limited time. */
#define LOGINS                                                                                     \
    "getut* setut* endut* pututline pututxline updwtmp* logwtmp login logout getlogin* cuserid "   \
    "lckpwdf "
#define TIMES "localtime* mktime timelocal tzset strftime* __strftime* wcsftime* ctime* "
#define READING                                                                                    \
    "fopen* fdopen* freopen* popen tmpfile* fread* __fread* fget* __fget* getc getc_unlocked "     \
    "getchar* getw getwc getwc_unlocked getwchar* gets __gets_chk getline getdelim __getdelim "    \
    "_IO_getc _IO_gets ungetc ungetwc scanf vscanf fscanf vfscanf wscanf vwscanf fwscanf "         \
    "vfwscanf __isoc* __uflow __underflow __wuflow __wunderflow fseek* ftell* fsetpos* rewind "    \
    "fclose setmntent getusershell getttyent getfsent getpass iconv_open syslog vsyslog "          \
    "__syslog_chk __vsyslog_chk " TIMES

struct rule {
    const char *calls; /* each is also enabled by a public function of its own name */
    unsigned when;
    const char *enabled_by;
};

static const struct rule rules[] = {
    /* Priority-protected mutexes and threads with scheduling attributes. */
    {"sched_get_priority_max sched_get_priority_min sched_getparam sched_getscheduler "
     "sched_setscheduler sched_setparam",
     WHEN_ENVIRONMENT,
     "pthread_setschedparam pthread_getschedparam pthread_setschedprio "
     "pthread_mutexattr_setprotocol pthread_mutexattr_setprioceiling "
     "pthread_attr_setschedpolicy pthread_attr_setschedparam pthread_attr_setinheritsched "
     "posix_spawnattr_setschedpolicy posix_spawnattr_setschedparam"},
    {"sched_setaffinity", WHEN_ENVIRONMENT, "pthread_setaffinity_np pthread_attr_setaffinity_np"},
    /* Contention between threads. */
    {"sched_yield", WHEN_ENVIRONMENT, THREADS "thrd_yield pthread_yield"},
    {"sched_getaffinity", WHEN_ENVIRONMENT,
     THREADS "pthread_getaffinity_np pthread_getattr_np sysconf get_nprocs*"},
    {"exit", WHEN_ENVIRONMENT, "- " THREADS "pthread_exit thrd_exit clone"},
    {"mprotect", WHEN_ENVIRONMENT, THREADS "pkey_mprotect dlopen dlmopen"},
    {"madvise", WHEN_ENVIRONMENT, THREADS "posix_madvise malloc_trim"},
    /* Answered in user space by the vDSO. */
    {"gettimeofday", WHEN_FALLBACK, "-"},
    {"time", WHEN_FALLBACK, "-"},
    {"getcpu", WHEN_FALLBACK, "-"},
    {"clock_getres", WHEN_FALLBACK, "clock_getcpuclockid pthread_getcpuclockid"},
    {"clock_gettime", WHEN_FALLBACK, "- clock clock_getcpuclockid pthread_getcpuclockid"},
    /* Done in user space where the kernel is older. */
    {"getgroups", WHEN_FALLBACK, "group_member initgroups getgrouplist"},
    {"clone", WHEN_FALLBACK, "fork _Fork forkpty daemon wordexp"},
    {"faccessat", WHEN_FALLBACK, ""},
    /* Messages of the C library itself, and the signal that ends the process. */
    {"writev", WHEN_ABORT, "pwritev* backtrace_symbols_fd psiginfo " RESOLVING RPC},
    {"tgkill gettid", WHEN_ABORT, RAISING},
    {"getpid", WHEN_ABORT,
     RAISING "syslog vsyslog openlog __syslog_chk __vsyslog_chk sigqueue tmpnam* tempnam "
             "mktemp aio_* lio_listio* mq_notify login " RESOLVING RPC},
    {"rt_sigreturn", WHEN_ABORT, HANDLERS},
    {"rt_sigaction", WHEN_ABORT,
     HANDLERS SPAWNING LOGINS "sigignore sigpause daemon grantpt forkpty getpass"},
    {"rt_sigprocmask", WHEN_ABORT,
     STARTING RAISING SPAWNING
     "sigprocmask lckpwdf sigset sigblock sigsetmask siggetmask sighold sigrelse sigpause "
     "pthread_sigmask "
     "sigsetjmp "
     "__sigsetjmp setjmp longjmp siglongjmp __longjmp_chk setcontext swapcontext getcontext "
     "makecontext fork vfork _Fork forkpty daemon setuid setgid seteuid setegid setres* setre* "
     "setgroups pthread_exit thrd_exit"},
    {"sigaltstack", WHEN_ABORT, "sigstack"},
    /* Profiling, debugging and tuning by environment variables, odd library paths. */
    {"setitimer", WHEN_ENVIRONMENT, "ualarm profil sprofil monstartup __monstartup moncontrol"},
    {"readlink", WHEN_ENVIRONMENT,
     "realpath canonicalize_file_name ttyname* __readlink_chk __realpath_chk getlogin* ptsname* "
     "fexecve dlinfo nftw* ftw* glob* wordexp login ttyslot"},
    {"pread64", WHEN_ENVIRONMENT,
     LOGINS "pread preadv* __pread_chk __pread64_chk posix_fallocate* dlopen dlmopen"},
    {"prlimit64", WHEN_ENVIRONMENT,
     "getrlimit* setrlimit* prlimit sysconf getdtablesize ulimit vlimit pthread_getattr_np "
     "closefrom pathconf fpathconf " THREADS SPAWNING RPC},
    {"getcwd", WHEN_ENVIRONMENT,
     "get_current_dir_name getwd realpath canonicalize_file_name nftw* ftw* __getcwd_chk "
     "__realpath_chk __getwd_chk"},
    {"getdents64", WHEN_ENVIRONMENT,
     "opendir fdopendir readdir* scandir* glob* ftw* nftw* fts_* wordexp getdirentries* "
     "closefrom posix_spawn_file_actions_addclosefrom_np get_nprocs* sysconf getcwd getwd "
     "get_current_dir_name"},
    {"sysinfo", WHEN_ENVIRONMENT,
     "qsort qsort_r scandir* glob* wordexp sysconf get_phys_pages get_avphys_pages fts_open* "
     "getloadavg"},
    {"mremap", WHEN_ENVIRONMENT,
     "realloc reallocarray getline getdelim __getdelim open_memstream open_wmemstream regcomp "
     "re_* vasprintf asprintf __asprintf_chk __vasprintf_chk scandir* glob* wordexp fts_*"},
    {"uname", WHEN_ENVIRONMENT,
     "gethostname getdomainname gethostid " RESOLVING RPC "syslog vsyslog"},
    {"clock_nanosleep", WHEN_ENVIRONMENT,
     "nanosleep sleep usleep thrd_sleep pthread_cond_* " RESOLVING RPC},
    /* What only attributes of spawned programs, or functions of their own, ask for. */
    {"chdir", WHEN_ENVIRONMENT,
     "daemon nftw* ftw* fts_* rexec* posix_spawn_file_actions_addchdir*"},
    {"fchdir", WHEN_ENVIRONMENT, "nftw* ftw* fts_* posix_spawn_file_actions_addfchdir*"},
    {"setpgid", WHEN_ENVIRONMENT, "setpgrp posix_spawnattr_set*"},
    {"getpgid", WHEN_ENVIRONMENT, "posix_spawnattr_set*"},
    {"setsid", WHEN_ENVIRONMENT, "daemon forkpty login_tty posix_spawnattr_set*"},
    {"setresuid setresgid", WHEN_ENVIRONMENT,
     "seteuid setegid setreuid setregid ruserok* iruserok* rcmd* posix_spawnattr_set*"},
    {"getuid getgid", WHEN_ENVIRONMENT,
     "eaccess euidaccess group_member cuserid grantpt forkpty openpty getpw ruserok* iruserok* "
     "rcmd* faccessat posix_spawnattr_set* " LOGINS RPC},
    {"close_range", WHEN_ENVIRONMENT, "closefrom posix_spawn_file_actions_addclosefrom_np"},
    {"kill", WHEN_ENVIRONMENT, "killpg pthread_cancel wordexp"},
    {"alarm", WHEN_ENVIRONMENT, LOGINS},
    {"mkdir", WHEN_ENVIRONMENT, "mkdtemp"},
    {"fcntl", WHEN_ENVIRONMENT,
     "fcntl* __fcntl* fdopen* _IO_fdopen perror lockf* tmpfile* freopen* nftw* ftw* fts_* shm_open "
     "sem_open aio_* lio_listio* posix_fallocate* posix_spawn* putpwent " LOGINS RPC RESOLVING},
    {"lseek", WHEN_ENVIRONMENT,
     "rewinddir seekdir telldir getdirentries* nftw* ftw* fts_* " LOGINS READING NAMES RESOLVING
         RPC},
    /* A name-service cache or other daemon that answers; NIS, DNS and port mappers behind NSS. */
    {"poll", WHEN_SERVICE, "__poll_chk " RESOLVING RPC},
    {"recvmsg", WHEN_SERVICE, "getifaddrs if_nameindex " RESOLVING RPC},
    {"recvfrom", WHEN_SERVICE, "recv __recv_chk __recvfrom_chk " RESOLVING RPC},
    {"sendto", WHEN_SERVICE,
     "send getifaddrs if_nameindex syslog vsyslog __syslog_chk "
     "__vsyslog_chk " RESOLVING RPC},
    {"readv", WHEN_SERVICE, "preadv* " RPC},
    {"sendmsg", WHEN_SERVICE, RESOLVING RPC},
    {"sendmmsg", WHEN_SERVICE, RESOLVING},
    {"setsockopt bind getsockname getpeername getsockopt listen accept", WHEN_SERVICE,
     "getifaddrs if_nameindex accept4 rresvport* " RESOLVING RPC},
    {"socket connect", WHEN_SERVICE,
     "syslog vsyslog openlog __syslog_chk __vsyslog_chk getifaddrs if_* " NAMES RESOLVING RPC},
};
enum { RULES = sizeof rules / sizeof *rules };

/* What is done in another way first, and an older way only where the kernel refuses: where that is
 * reached, and is what the architecture has. */
static const struct {
    const char *call, *first, *only_with;
} later[] = {{"clone", "clone3", "clone"}, {"faccessat", "faccessat2", "access"}};

/* What loading an object takes. */
static const char loading[] = "pread64 mprotect";

struct guards {
    const struct engine *engine;
    const struct walk *walk;
    uint64_t enabled; /* a bit per rule */
    strings entered;  /* public functions named as calls that rules are about */
    bool unknown_clock;
    bool loads; /* there is something to load */
};

static bool word_matches(const char *word, size_t length, const char *name)
{
    if (length && word[length - 1] == '*')
        return strncmp(word, name, length - 1) == 0;
    return strncmp(word, name, length) == 0 && name[length] == '\0';
}

static bool list_matches(const char *list, const char *name)
{
    while (*list) {
        const char *end = strchrnul(list, ' ');
        /* No word is an ending alone: most are left out by their first letter. */
        if (*list == *name && end != list && word_matches(list, (size_t)(end - list), name))
            return true;
        list = end + (*end == ' ');
    }
    return false;
}

static const struct elf_symbol *exported(const struct object *o, const char *name)
{
    for (size_t i = 1; i < o->elf->symbols.count; i++) {
        const struct elf_symbol *s = &o->elf->symbols.items[i];
        if (s->section != SHN_UNDEF && strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

/* An exported function of the C library: its names, and the rules that they enable (a bit each). */
struct entry {
    strings names, called; /* called: those that are names of calls which rules are about */
    uint64_t rules;
    bool known, loader; /* known: what follows from its names */
};
static_assert(RULES <= 64, "rules are bits");

/* What is found out about the link map once. */
struct guard_facts {
    bool *inside;               /* by object: of the C library; NULL: none */
    size_t objects;             /* of which this is known */
    struct address_map entries; /* by address: struct entry */
};

/* The objects of the C library: libc itself and those built with it, which use its private
 * interface. */
static bool *find_library(struct engine *e)
{
    bool *inside = arena_array(e->arena, e->objects.count + 1, sizeof *inside);
    bool found = false;
    for (size_t i = 0; i < e->objects.count; i++) {
        struct object *o = e->objects.items[i];
        if (i && exported(o, "gnu_get_libc_version"))
            inside[i] = found = true;
        for (size_t n = 1; n < o->elf->symbols.count && !inside[i]; n++) {
            const struct elf_symbol *s = &o->elf->symbols.items[n];
            inside[i] = i && s->version && strcmp(s->version, "GLIBC_PRIVATE") == 0;
        }
    }
    return found ? inside : NULL;
}

/* The exported functions of an object, by address. */
static void collect_names(struct engine *e, const struct object *o, struct address_map *entries)
{
    for (size_t i = 1; i < o->elf->symbols.count; i++) {
        const struct elf_symbol *s = &o->elf->symbols.items[i];
        if (s->section == SHN_UNDEF || s->type == STT_OBJECT || !s->value)
            continue;
        struct entry *entry = address_map_get(entries, o->base + s->value);
        if (!entry) {
            entry = ARENA_NEW(e->arena, struct entry);
            address_map_put(e->arena, entries, o->base + s->value, entry);
        }
        vec_push(e->arena, &entry->names, s->name);
    }
}

static struct guard_facts *facts_of(struct engine *e)
{
    if (e->guards && e->guards->objects == e->objects.count)
        return e->guards;
    struct guard_facts *facts = ARENA_NEW(e->arena, struct guard_facts);
    facts->inside = find_library(e);
    facts->objects = e->objects.count;
    e->guards = facts;
    for (size_t i = 0; facts->inside && i < e->objects.count; i++)
        if (facts->inside[i])
            collect_names(e, e->objects.items[i], &facts->entries);
    return facts;
}

bool *guards_library(struct engine *e)
{
    return facts_of(e)->inside;
}

/* The vDSO answers these clocks; the rest, and clocks not known, are left to the kernel. */
static bool served_by_vdso(struct engine *e, const struct context *c)
{
    static const unsigned served =
        1u << 0 | 1u << 1 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 11;
    vec_each (item, &c->key) {
        const struct value_data *d = value_get(&e->values, item->v);
        bool all = item->input == e->arch->arguments[0] && d->kind == VK_CONST;
        for (unsigned i = 0; all && i < d->count; i++) {
            uint64_t clock = (uint32_t)d->all[i];
            all = clock < 32 && (served >> clock & 1);
        }
        if (all)
            return true;
    }
    return false;
}

static bool makes_any(struct engine *e, const struct walk *w, const char *calls)
{
    vec_each (node, &w->order) {
        const struct context *at = (const struct context *)*node;
        if (at->node.kind != NODE_CONTEXT)
            continue;
        vec_each (site, &at->sites) {
            const char *name = syscall_name_in((enum syscall_table)e->arch->calls, site->number);
            if (site->number < 0 || (name && list_matches(calls, name)))
                return true;
        }
    }
    return false;
}

/* Whether a handler installed there can be one that returns: not a number that stands for none. */
static bool handles(struct engine *e, const struct context *c)
{
    bool none = false;
    vec_each (item, &c->key) {
        const struct value_data *d = value_get(&e->values, item->v);
        if (item->input != e->arch->arguments[1] || d->kind != VK_CONST)
            continue;
        none = true;
        for (unsigned i = 0; i < d->count; i++)
            none = none && d->all[i] >= -1 && d->all[i] <= 1;
    }
    return !none;
}

/* What sysconf() allocates, translates or gives up for is not what its argument asks for. */
static const char aside[] = "malloc calloc realloc free abort __assert_fail __libc_fatal "
                            "__stack_chk_fail dcgettext __dcgettext";

static bool not_aside(void *context, const struct node *from, const struct edge *edge)
{
    struct engine *e = context;
    const struct guard_facts *facts = facts_of(e);
    const struct function *f = edge_to(e, edge)->kind == NODE_CONTEXT
                                   ? ((const struct context *)edge_to(e, edge))->function
                                   : NULL;
    const struct entry *entry =
        f ? address_map_get(&facts->entries, f->object->base + f->address) : NULL;
    (void)from;
    if (entry)
        vec_each (name, &entry->names)
            if (list_matches(aside, *name))
                return false;
    return true;
}

/* Whether a context leads to one of the calls of a list. */
static bool leads_to(struct engine *e, struct context *c, const char *calls)
{
    struct arena *scratch = arena_new();
    struct walk w;
    walk_init_in(&w, e, scratch);
    w.follow = not_aside;
    w.context = e;
    walk_from(&w, &c->node);
    walk_run(&w);
    bool made = makes_any(e, &w, calls);
    arena_free(scratch);
    return made;
}

/* What a function's names have to do with the rules, whatever it is called with. */
static void know(struct engine *e, struct entry *entry)
{
    entry->known = true;
    vec_each (name, &entry->names) {
        bool called = false;
        for (size_t i = 0; i < RULES; i++) {
            if (list_matches(rules[i].enabled_by, *name))
                entry->rules |= UINT64_C(1) << i;
            called =
                called || (rules[i].enabled_by[0] != '-' && list_matches(rules[i].calls, *name));
        }
        if (called)
            vec_push(e->arena, &entry->called, *name);
        entry->loader = entry->loader || list_matches(LOADERS, *name);
    }
}

static bool is_named(const struct entry *entry, const char *wanted)
{
    vec_each (name, &entry->names)
        if (strcmp(*name, wanted) == 0)
            return true;
    return false;
}

static uint64_t rules_about(const char *calls)
{
    uint64_t out = 0;
    for (size_t i = 0; i < RULES; i++)
        if (list_matches(calls, rules[i].calls))
            out |= UINT64_C(1) << i;
    return out;
}

static void enter(struct guards *g, struct engine *e, struct context *c, struct entry *entry)
{
    if (!entry->known)
        know(e, entry);
    uint64_t enabled = entry->rules;
    if (is_named(entry, "signal") && !handles(e, c))
        enabled &= ~rules_about("rt_sigreturn");
    /* sysconf() does many things: only what it does for the arguments it is called with counts. */
    bool some = (enabled & ~g->enabled) && is_named(entry, "sysconf");
    for (enabled &= ~g->enabled; enabled; enabled &= enabled - 1)
        if (!some || leads_to(e, c, rules[__builtin_ctzll(enabled)].calls))
            g->enabled |= enabled & -enabled;
    if (g->loads && entry->loader)
        g->enabled |= rules_about(loading);
    vec_each (name, &entry->called)
        vec_push(e->arena, &g->entered, *name);
    if (!g->unknown_clock && is_named(entry, "clock_gettime") && !served_by_vdso(e, c))
        g->unknown_clock = true;
}

/* Objects named by a relative path are loaded from below the folder the process is in. */
static bool loads_relative(const struct engine *e, const struct walk *w, const bool *inside)
{
    vec_each (hook, &e->hooks)
        if (hook->hook == HOOK_DLOPEN && w->reached[hook->caller->node.id] &&
            !inside[hook->caller->function->object->elf->index] &&
            (!hook->name || (hook->name[0] != '/' && strchr(hook->name, '/'))))
            return true;
    return false;
}

struct guards *guards_read(struct engine *e, const struct walk *w, bool loads)
{
    struct guard_facts *facts = facts_of(e);
    const bool *inside = facts->inside;
    if (!inside)
        return NULL;
    struct guards *g = ARENA_NEW(e->arena, struct guards);
    unsigned char *done = arena_array(w->arena, e->nodes.count + 1, 1);
    g->engine = e;
    g->walk = w;
    g->loads = loads;
    if (loads_relative(e, w, inside))
        vec_push(e->arena, &g->entered, "getcwd");
    vec_each (node, &w->order) {
        const struct object *from = graph_object(*node);
        if (!from || inside[from->elf->index])
            continue;
        vec_each (edge, &(*node)->edges) {
            if (edge_to(e, edge)->kind != NODE_CONTEXT || done[edge->to])
                continue;
            struct context *c = (struct context *)edge_to(e, edge);
            const struct object *to = c->function->object;
            if (!inside[to->elf->index])
                continue;
            done[edge->to] = true;
            struct entry *entry = address_map_get(&facts->entries, to->base + c->function->address);
            if (entry)
                enter(g, e, c, entry);
        }
    }
    return g;
}

/* Whether something reached makes a call of this name. */
static bool is_reached(const struct guards *g, const char *name)
{
    const int number = syscall_number_in(g->engine->arch->calls, name);
    vec_each (node, &g->walk->order) {
        const struct context *c = (const struct context *)*node;
        if (c->node.kind != NODE_CONTEXT)
            continue;
        vec_each (site, &c->sites)
            if (number >= 0 && site->number == number)
                return true;
    }
    return false;
}

/* Whether a rule about an older way holds: the newer is tried first. */
static bool is_later(const struct guards *g, const char *call)
{
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (strcmp(later[i].call, call) == 0)
            return syscall_number_in(g->engine->arch->calls, later[i].only_with) >= 0 &&
                   is_reached(g, later[i].first);
    return true;
}

unsigned guards_when(const struct guards *g, const char *call)
{
    for (size_t i = 0; g && i < RULES; i++) {
        if (!list_matches(rules[i].calls, call))
            continue;
        bool entered =
            (g->enabled >> i & 1) || (g->unknown_clock && strcmp(call, "clock_gettime") == 0);
        vec_each (name, &g->entered)
            entered = entered || strcmp(*name, call) == 0;
        return entered || !is_later(g, call) ? WHEN_NORMAL : rules[i].when;
    }
    return WHEN_NORMAL;
}
