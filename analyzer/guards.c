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
#define LOADING "dlopen dlmopen iconv_open " NAMES UNWINDING
#define RESOLVING                                                                                  \
    "getaddrinfo getaddrinfo_a getnameinfo gethostby* gethostent* res_* __res_* ns_* "             \
    "rcmd* rexec* ruserok* iruserok* "
#define RPC "clnt* svc* pmap_* callrpc registerrpc xdr_* bindresvport* authunix* rpc* key_* "
#define HANDLERS                                                                                   \
    "sigaction signal ssignal sigset bsd_signal sysv_signal __sysv_signal sigvec "                 \
    "siginterrupt " THREADS "pthread_cancel "
#define RAISING  "raise gsignal pthread_kill pthread_cancel pthread_sigqueue "
#define SPAWNING "system popen posix_spawn* wordexp "

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
     THREADS "pthread_getaffinity_np pthread_getattr_np sysconf get_nprocs* qsort_r"},
    {"exit", WHEN_ENVIRONMENT, "- " THREADS "pthread_exit thrd_exit clone"},
    {"mprotect", WHEN_ENVIRONMENT, THREADS "pkey_mprotect " LOADING},
    {"madvise", WHEN_ENVIRONMENT, THREADS "posix_madvise malloc_trim"},
    /* Answered in user space by the vDSO. */
    {"gettimeofday", WHEN_FALLBACK, "-"},
    {"time", WHEN_FALLBACK, "-"},
    {"getcpu", WHEN_FALLBACK, "-"},
    {"clock_getres", WHEN_FALLBACK, "clock_getcpuclockid pthread_getcpuclockid"},
    {"clock_gettime", WHEN_FALLBACK, "- clock clock_getcpuclockid pthread_getcpuclockid"},
    /* Done in user space where the kernel is older. */
    {"getgroups", WHEN_FALLBACK, "group_member initgroups getgrouplist"},
    /* Messages of the C library itself, and the signal that ends the process. */
    {"writev", WHEN_ABORT, "pwritev* backtrace_symbols_fd psiginfo " RESOLVING RPC},
    {"tgkill gettid", WHEN_ABORT, RAISING},
    {"getpid", WHEN_ABORT,
     RAISING "syslog vsyslog openlog __syslog_chk __vsyslog_chk sigqueue tmpnam* tempnam "
             "mktemp " RESOLVING RPC},
    {"rt_sigreturn", WHEN_ABORT, HANDLERS},
    {"rt_sigaction", WHEN_ABORT,
     HANDLERS SPAWNING "sigignore sigpause daemon grantpt forkpty getpass"},
    {"rt_sigprocmask", WHEN_ABORT,
     HANDLERS RAISING SPAWNING
     "sigblock sigsetmask siggetmask sighold sigrelse sigpause pthread_sigmask sigsetjmp "
     "__sigsetjmp setjmp longjmp siglongjmp __longjmp_chk setcontext swapcontext getcontext "
     "makecontext fork vfork _Fork forkpty daemon setuid setgid seteuid setegid setres* setre* "
     "setgroups pthread_exit thrd_exit"},
    {"sigaltstack", WHEN_ABORT, "sigstack"},
    /* Profiling, debugging and tuning by environment variables, odd library paths. */
    {"setitimer", WHEN_ENVIRONMENT, "ualarm profil sprofil monstartup"},
    {"readlink", WHEN_ENVIRONMENT,
     "realpath canonicalize_file_name ttyname* __readlink_chk __realpath_chk getlogin* ptsname* "
     "fexecve dlinfo nftw* ftw* glob* wordexp"},
    {"pread64", WHEN_ENVIRONMENT,
     "pread preadv* __pread_chk __pread64_chk posix_fallocate* " LOADING},
    {"prlimit64", WHEN_ENVIRONMENT,
     "getrlimit* setrlimit* prlimit sysconf getdtablesize ulimit vlimit pthread_getattr_np "
     "pthread_create thrd_create closefrom posix_spawn* pathconf fpathconf"},
    {"getcwd", WHEN_ENVIRONMENT,
     "get_current_dir_name getwd realpath canonicalize_file_name nftw* ftw* __getcwd_chk "
     "__realpath_chk __getwd_chk"},
    {"getdents64", WHEN_ENVIRONMENT,
     "opendir fdopendir readdir* scandir* glob* ftw* nftw* fts_* wordexp getdirentries* "
     "closefrom posix_spawn_file_actions_addclosefrom_np get_nprocs* getcwd getwd "
     "get_current_dir_name"},
    {"sysinfo", WHEN_ENVIRONMENT,
     "qsort qsort_r scandir* glob* wordexp sysconf get_phys_pages get_avphys_pages fts_open* "
     "getloadavg"},
    {"mremap", WHEN_ENVIRONMENT,
     "realloc reallocarray getline getdelim __getdelim open_memstream open_wmemstream regcomp "
     "re_* vasprintf asprintf __asprintf_chk __vasprintf_chk scandir* glob* wordexp fts_*"},
    {"uname", WHEN_ENVIRONMENT, "gethostname getdomainname " RESOLVING RPC "syslog vsyslog"},
    {"clock_nanosleep", WHEN_ENVIRONMENT,
     "nanosleep sleep usleep thrd_sleep pthread_cond_* " RESOLVING RPC},
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

struct guards {
    uint64_t enabled; /* a bit per rule */
    bool unknown_clock;
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
        size_t length = strcspn(list, " ");
        if (length && word_matches(list, length, name))
            return true;
        list += length + (list[length] == ' ');
    }
    return false;
}

static bool rule_enabled_by(const struct rule *rule, const char *name)
{
    return list_matches(rule->enabled_by, name) ||
           (rule->enabled_by[0] != '-' && list_matches(rule->calls, name));
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

/* An exported function of the C library: its names, and the rules that they enable. */
struct entry {
    strings names;
    uint64_t rules;
    bool known; /* rules is */
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

/* Whether a context leads to one of the calls of a list. */
static bool leads_to(struct engine *e, struct context *c, const char *calls)
{
    struct arena *scratch = arena_new();
    struct walk w;
    walk_init_in(&w, e, scratch);
    walk_from(&w, &c->node);
    walk_run(&w);
    bool made = makes_any(e, &w, calls);
    arena_free(scratch);
    return made;
}

/* Rules that a function's names enable, whatever it is called with. */
static uint64_t rules_of(struct entry *entry)
{
    if (entry->known)
        return entry->rules;
    entry->known = true;
    vec_each (name, &entry->names)
        for (size_t i = 0; i < RULES; i++)
            if (rule_enabled_by(&rules[i], *name))
                entry->rules |= UINT64_C(1) << i;
    return entry->rules;
}

static bool is_called(const struct entry *entry, const char *called)
{
    vec_each (name, &entry->names)
        if (strcmp(*name, called) == 0)
            return true;
    return false;
}

static void enter(struct guards *g, struct engine *e, struct context *c, struct entry *entry)
{
    uint64_t enabled = rules_of(entry) & ~g->enabled;
    /* sysconf() does many things: only what it does for the arguments it is called with counts. */
    bool some = enabled && is_called(entry, "sysconf");
    for (; enabled; enabled &= enabled - 1)
        if (!some || leads_to(e, c, rules[__builtin_ctzll(enabled)].calls))
            g->enabled |= enabled & -enabled;
    if (!g->unknown_clock && is_called(entry, "clock_gettime") && !served_by_vdso(e, c))
        g->unknown_clock = true;
}

struct guards *guards_read(struct engine *e, const struct walk *w)
{
    struct guard_facts *facts = facts_of(e);
    const bool *inside = facts->inside;
    if (!inside)
        return NULL;
    struct guards *g = ARENA_NEW(e->arena, struct guards);
    unsigned char *done = arena_array(w->arena, e->nodes.count + 1, 1);
    vec_each (node, &w->order) {
        const struct object *from = graph_object(*node);
        if (!from || inside[from->elf->index])
            continue;
        vec_each (edge, &(*node)->edges) {
            if (edge->to->kind != NODE_CONTEXT || done[edge->to->id])
                continue;
            struct context *c = (struct context *)edge->to;
            const struct object *to = c->function->object;
            if (!inside[to->elf->index])
                continue;
            done[edge->to->id] = true;
            struct entry *entry = address_map_get(&facts->entries, to->base + c->function->address);
            if (entry)
                enter(g, e, c, entry);
        }
    }
    return g;
}

unsigned guards_when(const struct guards *g, const char *call)
{
    for (size_t i = 0; g && i < RULES; i++) {
        if (!list_matches(rules[i].calls, call))
            continue;
        if ((g->enabled >> i & 1) || (g->unknown_clock && strcmp(call, "clock_gettime") == 0))
            return WHEN_NORMAL;
        return rules[i].when;
    }
    return WHEN_NORMAL;
}
