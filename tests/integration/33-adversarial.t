#!/usr/bin/perl
# Programs made to mislead an analysis of machine code. What each can call is known by construction,
# and what the kernel sees it call is checked as well: either must be in the set.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} or die "TOOLCHAIN is not set\n";
my $dir = tempdir(CLEANUP => 1);
my $common = <<'C';
#define N __attribute__((noinline, noclone, used))
static inline long sys(long n) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n) : "rcx", "r11", "memory"); return r; }
static N __attribute__((noreturn)) void finish(void) { sys(231); __builtin_unreachable(); }
volatile int unknown;
long keep;
C
my $start = '__asm__(".text\n.globl _start\n_start: xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call go\n hlt\n");' . "\n";
my @freestanding = qw(-nostdlib -static -fcf-protection=none -fno-stack-protector -fno-optimize-sibling-calls);

sub build {
    my ($name, $source, @flags) = @_;
    my $language = grep({ $_ eq '-xc++' } @flags) ? 'cc' : 'c';
    open my $out, '>', "$dir/$name.$language" or die;
    print $out $source;
    close $out;
    my @command = ('gcc', '-O1', '-o', "$dir/$name", "$dir/$name.$language", grep { $_ ne '-xc++' } @flags);
    system(@command) == 0 or die "@command failed\n";
    return "$dir/$name";
}

sub static_of {
    my ($program) = @_;
    my $text = `'$toolchain' --dep --static --no-cache --json '$program' 2>'$dir/err'`;
    diag(`cat '$dir/err'`) if $?;
    return eval { decode_json($text)->{static} } // {};
}

sub seen {
    my ($program, @arguments) = @_;
    system('timeout', '-s', 'KILL', '5', 'strace', '-f', '-qq', '-o', "$dir/trace", $program, @arguments);
    open my $in, '<', "$dir/trace" or return;
    my ($own, %names);
    while (<$in>) {
        $own = 1 if /execve\("\Q$program\E".*= 0$/;
        $names{$1} = 1 if $own && /^\d+ +([a-z_0-9]+)\(/ && $1 ne 'execve';
    }
    return sort { $a cmp $b } keys %names;
}

sub sorted { return join ' ', sort { $a cmp $b } @_ }

# Freestanding: the set is known exactly, with symbols and without.
sub exactly {
    my ($what, $expected, $source, @flags) = @_;
    (my $name = $what) =~ s/\W+/-/g;
    for my $strip ([], ['-s']) {
        my $program = build($name . @$strip, $common . $start . $source, @freestanding, @flags, @$strip);
        my $static = static_of($program);
        my %set = map { ($_->{name} => 1) } grep { "@{$_->{when}}" ne "unknown" } @{$static->{syscalls}};
        my $how = $what . (@$strip ? ', stripped' : '');
        is(sorted(keys %set), sorted(split ' ', $expected), $how);
        is(sorted(grep { !$set{$_} } seen($program)), '', "$how: what the kernel saw");
    }
}

# With a C library: certain calls are in the set, certain others are not, and nothing seen is missing.
sub includes {
    my ($what, $in, $out, $source, @flags) = @_;
    (my $name = $what) =~ s/\W+/-/g;
    my $program = build($name, $source, @flags);
    my %set = map { ($_->{name} => 1) } @{static_of($program)->{syscalls}};
    is(sorted(grep { !$set{$_} } split ' ', $in), '', $what);
    is(sorted(grep { $set{$_} } split ' ', $out), '', "$what: not what nothing calls") if $out;
    is(sorted(grep { !$set{$_} } seen($program)), '', "$what: what the kernel saw");
    return;
}

exactly('returns twice with another value on the stack', 'getpid getppid exit_group', <<'C');
__asm__(".text\nset: mov (%rsp),%rdx\n mov %rdx,(%rdi)\n lea 8(%rsp),%rdx\n mov %rdx,8(%rdi)\n mov %rbx,16(%rdi)\n mov %rbp,24(%rdi)\n"
    " xor %eax,%eax\n ret\njump: mov 16(%rdi),%rbx\n mov 24(%rdi),%rbp\n mov 8(%rdi),%rsp\n mov %esi,%eax\n jmp *(%rdi)\n");
int set(long *) __attribute__((returns_twice)); void jump(long *, int) __attribute__((noreturn));
static long buffer[8]; static N void away(void) { jump(buffer, 1); }
N void go(void *p) { volatile int mode = 0; if (set(buffer)) { if (mode == 1) sys(39); finish(); } mode = 1; sys(110); away(); }
C
exactly('a child that shares the stack', 'vfork getpid getppid exit exit_group', <<'C');
__asm__(".text\nshare: pop %rdi\n mov $58,%eax\n syscall\n push %rdi\n ret\n");
int share(void) __attribute__((returns_twice));
N void go(void *p) { volatile int failed = 0; if (share() == 0) { sys(110); failed = 1; sys(60); } if (failed) sys(39); finish(); }
C
exactly('computed goto in a frame of unknown size', 'getpid getppid exit_group', <<'C');
void *places[2]; N void fill(void **a, void **b) { a[0] = b[0]; a[1] = b[1]; } N void use(char *p) { p[0] = 1; }
N void go(void *p) {
  static void *const labels[] = {&&one, &&two}; char room[unknown + 16]; use(room); fill(places, (void **)labels);
  goto *places[room[0] & 1];
one: sys(39); finish();
two: sys(110); finish(); }
C
exactly('return to a pushed address', 'getpid exit_group', <<'C');
__asm__(".text\naway: lea 1f(%rip),%rax\n push %rax\n ret\n ud2\n1: mov $39,%eax\n syscall\n ret\n"); void away(void);
N void go(void *p) { away(); finish(); }
C
exactly('return to an address written over the return address', 'getpid exit_group', <<'C');
__asm__(".text\nover: pop %rdx\n lea 1f(%rip),%rax\n push %rax\n ret\n ud2\n1: mov $39,%eax\n syscall\n jmp *%rdx\n"); void over(void);
N void go(void *p) { over(); finish(); }
C
exactly('label handed to another function', 'getpid exit_group', <<'C');
__asm__(".text\n.type giver,@function\ngiver: lea 1f(%rip),%rdi\n call taker\n ud2\n1: mov $39,%eax\n syscall\n add $8,%rsp\n ret\n.size giver,.-giver\n"
    ".type taker,@function\ntaker: jmp *%rdi\n.size taker,.-taker\n"); void giver(void);
N void go(void *p) { giver(); finish(); }
C
exactly('function at a distance from another', 'getpid exit_group', <<'C');
__asm__(".text\n.balign 16\nnop\n ret\n.balign 16\nsecond: mov $39,%eax\n syscall\n ret\n"
    "near: lea second-16(%rip),%rdi\n add $16,%rdi\n jmp apply\napply: jmp *%rdi\n"); void near(void);
N void go(void *p) { near(); finish(); }
C
exactly('table of distances to functions', 'getpid getppid exit_group', <<'C');
__asm__(".text\nf: mov $39,%eax\n syscall\n ret\ng: mov $110,%eax\n syscall\n ret\n.section .rodata\n.balign 4\ntab: .long f-tab, g-tab\n.text\n"
    "pick: lea tab(%rip),%rdx\n mov unknown(%rip),%eax\n and $1,%eax\n movslq (%rdx,%rax,4),%rax\n add %rdx,%rax\n call *%rax\n ret\n"); void pick(void);
N void go(void *p) { pick(); finish(); }
C
exactly('jump table into a line that falls through', 'getpid getppid exit_group', <<'C');
__asm__(".text\n.type act,@function\nact: mov $110,%eax\n cmp $1,%rdi\n ja 3f\n lea table(%rip),%rdx\n movslq (%rdx,%rdi,4),%rcx\n add %rdx,%rcx\n jmp *%rcx\n"
    "1: mov $39,%eax\n2: syscall\n3: ret\n.size act,.-act\n.section .rodata\n.balign 4\ntable: .long 1b-table, 2b-table\n.text\n"); void act(long);
N void go(void *p) { act(unknown); act(unknown + 1); finish(); }
C
{
    # The tracer takes its breakpoint away where it knows the number: not behind a jump table.
    my $text = `'$toolchain' --dep --dynamic --json -q '$dir/jump-table-into-a-line-that-falls-through0' 2>/dev/null`;
    my %traced = map { ($_->{name} => 1) } @{(eval { decode_json($text)->{dynamic} } // {})->{syscalls}};
    ok($traced{getpid} && $traced{getppid}, 'jump table into a line that falls through: both traced');
}
exactly('frame handed over in an argument on the stack', 'getpid exit_group', <<'C');
static N void set(long a, long b, long c, long d, long e, long f, long *out) { *out = 1; }
void (*volatile call)(long, long, long, long, long, long, long *) = set;
N void go(void *p) { long got = 0; call(0, 0, 0, 0, 0, 0, &got); if (got) sys(39); finish(); }
C
exactly('indirect calls and returns by way of retpolines', 'getpid getppid exit_group', <<'C', '-mindirect-branch=thunk', '-mfunction-return=thunk');
static N void one(void) { sys(39); } static N void two(void) { sys(110); } void (*volatile calls[])(void) = {one, two};
N void go(void *p) { calls[0](); calls[unknown + 1](); finish(); }
C
exactly('call of a label that takes the return address away', 'getpid getppid exit_group', <<'C');
__asm__(".text\n.type outer,@function\nouter: call 1f\n ud2\n1: pop %rax\n add $3f-1b+2,%rax\n call *%rax\n ret\n3: mov $39,%eax\n syscall\n ret\n.size outer,.-outer\n"
    ".type drop,@function\ndrop: add $8,%rsp\n ret\n.size drop,.-drop\n.type leaves,@function\nleaves: call drop\n ud2\n.size leaves,.-leaves\n");
void outer(void), leaves(void);
N void go(void *p) { outer(); leaves(); sys(110); finish(); }
C
exactly('callee that takes its arguments off the stack', 'getpid getppid exit_group', <<'C');
__asm__(".text\n.type popper,@function\npopper: mov $39,%eax\n syscall\n ret $16\n.size popper,.-popper\n"
    ".type pusher,@function\npusher: lea 1f(%rip),%rax\n push %rax\n push $1\n push $2\n call popper\n ret\n ud2\n1: mov $110,%eax\n syscall\n ret\n.size pusher,.-pusher\n");
void pusher(void);
N void go(void *p) { pusher(); finish(); }
C
exactly('data between instructions', 'getpid getppid exit_group', <<'C');
__asm__(".text\nmixed: mov $39,%eax\n syscall\n jmp 1f\n .ascii \"\\x06\\x0e\\x0f\\x05 data\\x48\"\n1: mov $110,%eax\n syscall\n ret\n"); void mixed(void);
N void go(void *p) { mixed(); finish(); }
C
exactly('data behind an indirect call that does not return', 'getpid getppid exit_group', <<'C');
__asm__(".text\nbefore: test %edi,%edi\n jne 1f\n mov $39,%eax\n syscall\n mov leave(%rip),%rax\n call *%rax\n .byte 0x06, 0x0e, 0x16, 0x1e\n1: mov $110,%eax\n syscall\n ret\n");
void (*volatile leave)(void) = finish; void before(int); void (*volatile start)(int) = before;
N void go(void *p) { start(1); start(0); finish(); }
C
exactly('instructions inside instructions', 'getpid getppid exit_group', <<'C');
__asm__(".text\nhidden: mov $39,%eax\n syscall\n jmp 1f+2\n1: .byte 0x48, 0xb9\n .byte 0xb8, 0x6e, 0, 0, 0, 0x0f, 0x05, 0xc3\n"); void hidden(void);
N void go(void *p) { hidden(); finish(); }
C
exactly('array gathered by the linker', 'getpid getppid gettid exit_group', <<'C');
typedef void (*step)(void); extern step __start_steps[], __stop_steps[];
#define STEP(name, n) static N void name(void) { sys(n); } static step step_##name __attribute__((section("steps"), used)) = name;
STEP(a, 39) STEP(b, 110) STEP(c, 186)
N void go(void *p) { for (step *s = __start_steps; s < __stop_steps; s++) (*s)(); finish(); }
C
exactly('number computed', 'getpid getppid gettid exit_group', <<'C');
__asm__(".text\ncompute: mov $13,%eax\n lea (%rax,%rax,2),%eax\n syscall\n mov $220,%eax\n shr $1,%eax\n syscall\n mov $-187,%rax\n not %rax\n syscall\n ret\n"); void compute(void);
N void go(void *p) { compute(); finish(); }
C
exactly('number and function in tables of structures', 'getpid getppid exit_group', <<'C');
struct op { long number; long (*make)(long); }; static N long make(long n) { return sys(n); }
static const struct op first = {39, make}, second = {110, make};
static N void run(const struct op *o) { keep += o->make(o->number); }
N void go(void *p) { keep = first.make(first.number); keep += second.make(second.number); finish(); }
C
exactly('return address read by the code that follows', 'getpid exit_group', <<'C');
__asm__(".text\nhere: push $102\n pop %rax\n call 1f\n1: pop %rax\n add $2f-1b,%rax\n jmp *%rax\n ud2\n2: mov $39,%eax\n syscall\n ret\n"); void here(void);
N void go(void *p) { here(); finish(); }
C

exactly('number passed through a pointer', 'getpid exit_group', <<'C');
static N long wrapper(long n) { return sys(n); } static long (*volatile call)(long) = wrapper;
N void go(void *p) { keep = call(39); finish(); }
C
includes('addresses measured from the global offset table', 'alarm getpriority umask', 'acct', <<'C', '-mcmodel=large', '-fno-plt', @$_) for ['-pie', '-fPIE'], ['-no-pie', '-fPIC', '-Wl,-z,now'];
#include <stdlib.h>
#include <string.h>
static inline long raw(long n) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(0L), "S"(0L) : "rcx", "r11", "memory"); return r; }
static void ring(void) { raw(37); } void mask(void) { raw(95); } __attribute__((weak)) void rank(void) { raw(140); } void never(void) { raw(163); }
static void (*kept)(void); char buffer[64]; int (*volatile fill)(char *, int);
__attribute__((noinline)) static int store(char *to, int n) { memset(to, n, 8); kept = ring; return n; }
int main(int c, char **v) { char local[64]; fill = store; fill(local, c); void (*own)(void) = local[0] ? mask : rank; kept(); own(); kept = c ? rank : mask; kept(); return buffer[c]; }
C
{
    my $static = static_of(build('argv', <<'C'));
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) { return argc > 1 ? (int)syscall(atol(argv[1])) : 0; }
C
    my %when = map { ($_->{name} => "@{$_->{when}}") } @{$static->{syscalls}};
    is(join(' ', map { $when{$_} // '-' } qw(times mount seccomp write)), 'unknown unknown unknown normal',
        'number chosen on the command line: every call is listed as unknown');
    ok(!(grep { !$when{$_} } seen("$dir/argv", 100)), 'number chosen on the command line: what the kernel saw');
}
{
    my $static = static_of(build('table', <<'C'));
#include <sys/syscall.h>
#include <unistd.h>
static inline long raw(long n) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(0L), "S"(0L) : "rcx", "r11", "memory"); return r; }
__attribute__((noinline)) static int number(unsigned x) { switch (x) { case 0: return SYS_times; case 1: return SYS_getcpu; case 2: return SYS_getsid; default: return SYS_getpgrp; } }
volatile unsigned count = 5;
int main(void) { for (unsigned i = 0; i < count; i++) raw(number(i % 7)); raw(SYS_getgroups); syscall(SYS_getcpu); return 0; }
C
    my %when = map { ($_->{name} => "@{$_->{when}}") } @{$static->{syscalls}};
    is(sorted(grep { !$when{$_} } seen("$dir/table")), '', 'number that a function looks up: what the kernel saw');
    is(join(' ', map { $when{$_} } qw(getgroups getcpu)), 'normal normal', 'what a program asks for itself is no circumstance');
}
includes('constructors, destructors, exit handlers', 'alarm personality getpriority umask', 'acct chroot', <<'C');
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static long raw(long n) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(0L), "S"(0L) : "rcx", "r11", "memory"); return r; }
__attribute__((constructor)) static void first(void) { raw(SYS_alarm); }
__attribute__((destructor)) static void last(void) { raw(SYS_umask); }
static void handler(void) { raw(SYS_getpriority); }
static void early(int argc, char **argv, char **env) { (void)argc; (void)argv; (void)env; raw(SYS_personality); }
__attribute__((section(".preinit_array"), used)) static void (*pre)(int, char **, char **) = early;
void never(void) { raw(SYS_acct); raw(SYS_chroot); }
int main(void) { return atexit(handler); }
C
includes('thread-local function pointer', 'alarm', 'acct', <<'C');
static long raw(long n) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(0L) : "rcx", "r11", "memory"); return r; }
static void ring(void) { raw(37); } void never(void) { raw(163); }
static __thread void (*volatile hook)(void) = ring;
int main(void) { hook(); return 0; }
C
includes('setjmp() and longjmp() of the C library', 'alarm', 'acct', <<'C');
#include <setjmp.h>
static long raw(long n) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(0L) : "rcx", "r11", "memory"); return r; }
static jmp_buf where; static __attribute__((noinline)) void away(void) { longjmp(where, 3); } void never(void) { raw(163); }
int main(void) { volatile int mode = 0; if (setjmp(where)) { if (mode == 7) raw(37); return 0; } mode = 7; away(); }
C
includes('virtual functions, exceptions', 'alarm getpriority', 'acct', <<'C', '-xc++', '-lstdc++');
static long raw(long n) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(0L), "S"(0L) : "rcx", "r11", "memory"); return r; }
struct Base { virtual void act() {} virtual ~Base() {} }; struct One : Base { void act() override { raw(37); throw 1; } };
struct Unused : Base { void act() override { raw(163); } };
Base *volatile each = new One;
int main() { try { each->act(); } catch (int) { raw(140); } delete each; }
C
includes('callbacks of the C library, threads, signals', 'alarm getpriority umask', 'acct', <<'C', '-pthread');
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
static long raw(long n) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(0L), "S"(0L) : "rcx", "r11", "memory"); return r; }
static int compare(const void *a, const void *b) { raw(37); return *(int *)a - *(int *)b; } static void handler(int s) { raw(140); }
static void *thread(void *a) { raw(95); return a; } void never(void) { raw(163); }
int main(void) { int x[] = {2, 1}; pthread_t t; qsort(x, 2, sizeof *x, compare); signal(SIGUSR1, handler); raise(SIGUSR1); pthread_create(&t, 0, thread, 0); return pthread_join(t, 0); }
C
{
    # Which circumstances hold is read off the functions that a program enters.
    my @libraries = glob '/lib/*/libidn2.so.0';
    my $when = sub {
        my $static = static_of(build(@_));
        my %when = map { ($_->{name} => "@{$_->{when}}") } @{$static->{syscalls}};
        return (\%when, $static);
    };
    my ($shell) = $when->('shell', "#include <stdlib.h>\nint main(void) { return system(\"true\"); }\n");
    is(join(' ', map { $shell->{$_} // '-' } qw(clone3 clone setpgid chdir prlimit64)),
        'normal fallback environment environment normal', 'a shell command needs no attributes of spawned programs');
    my ($spawn) = $when->('spawn', "#include <spawn.h>\nint main(void) { posix_spawnattr_t a; posix_spawnattr_init(&a); posix_spawnattr_setflags(&a, 2);\n"
        . " posix_spawnattr_setpgroup(&a, 0); return posix_spawn(0, \"/bin/true\", 0, &a, 0, 0); }\n");
    is($spawn->{setpgid}, 'normal', 'attributes of spawned programs are asked for');
    my ($ignore) = $when->('ignore', "#include <signal.h>\nint main(void) { return signal(SIGPIPE, SIG_IGN) == SIG_ERR; }\n");
    my ($handle) = $when->('handle', "#include <signal.h>\nstatic void f(int s) { }\nint main(void) { signal(SIGPIPE, SIG_IGN); return signal(SIGINT, f) == SIG_ERR; }\n");
    is("$ignore->{rt_sigreturn}, $handle->{rt_sigreturn}", 'abort, normal', 'an ignored signal is not returned from');
    SKIP: {
        skip 'no libidn2', 2 if !@libraries;
        my ($names, $static) = $when->('names', "#include <netdb.h>\nint main(void) { struct addrinfo *a, hints = {.ai_flags = 0x40}; return getaddrinfo(\"x\\303\\244\", 0, &hints, &a); }\n");
        ok((grep { $_->{path} =~ /libidn2/ } @{$static->{plugins}}), 'international names: the library that converts them');
        is($names->{mprotect}, 'normal', 'international names: loading it');
    }
}
{
    # Words of a library's constants that a copy relocation puts into the program, where its file has zeros.
    my $raw = 'static long raw(long n) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(0L), "S"(0L) : "rcx", "r11", "memory"); return r; }';
    build('libcopied.so', "$raw\nstatic void first(void) { } static void second(void) { raw(37); } static void third(void) { raw(140); }\n"
        . "void (*const actions[])(void) = {first, second, third}; void never(void) { raw(163); }\nvoid *const marks[] = {0, (void *)109};\n", '-shared', '-fPIC');
    for my $way ('-pie', '-no-pie') {
        includes("copied constants, $way", 'alarm setpgid', 'acct', <<"C", $way,  $way eq '-pie' ? '-fPIE' : '-fno-PIE', "-Wl,-rpath,$dir", "$dir/libcopied.so");
$raw
extern void (*const actions[])(void); extern void *const marks[];
int main(void) { void (*action)(void) = actions[1]; __asm__ volatile("" : "+r"(action)); action(); raw((long)marks[1]); return 0; }
C
    }
}
{
    # Plug-ins: those that can add nothing, and such that only look like it.
    my $raw = 'static long raw(long n) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(0L), "S"(0L) : "rcx", "r11", "memory"); return r; }';
    my $host = build('host', "#include <string.h>\n#include <unistd.h>\n#include <stdlib.h>\n#include <dlfcn.h>\nint main(int c, char **v) { void *h = dlopen(v[1], 2);"
        . " char *s = strdup(v[0]); if (h) ((void (*)(void))dlsym(h, v[2]))(); free(s); return (int)syscall(39) + (c > 9 ? (int)lseek(3, 0, 0) : 0); }\n");
    my $added = sub {
        my ($name, $source, @flags) = @_;
        my $plugin = build("$name.so", "$source\n", '-shared', '-fPIC', @flags);
        my $text = `'$toolchain' --dep --static --no-cache --json --plugin '$plugin' '$host' 2>'$dir/err'`;
        my ($found) = grep { $_->{path} eq $plugin } @{ decode_json($text)->{static}{plugins} };
        return join ' ', sort map { $_->{name} } grep { grep { $_ eq 'normal' } @{ $_->{when} } } @{ $found->{syscalls} };
    };
    my $decoded = sub { return (qx('$toolchain' --dep --static --no-cache --json -v @_ '$host' 2>&1 >/dev/null) =~ /(\d+) instructions decoded/)[0] };
    is($added->('bystander', "#include <stdlib.h>\n#include <string.h>\nvoid *make(const char *s) { return strdup(s); } void (*const own[])(void *) = {free};"), '', 'a plug-in that can add nothing');
    is($decoded->("--plugin '$dir/bystander.so'"), $decoded->(), '  is not followed');
    is($added->('enters', "$raw long go(void) { return raw(37); }"), 'alarm', 'one that enters the kernel');
    cmp_ok($decoded->("--plugin '$dir/enters.so'"), '>', $decoded->(), '  is followed');
    is($added->('hidden', '__asm__(".globl go\ngo: mov $163, %eax\n jmp 1f+2\n 1: .byte 0x48, 0xb8, 0x0f, 0x05, 0xc3, 0, 0, 0, 0, 0\n ret\n");'), 'acct', 'one that does so in the middle of an instruction');
    is($added->('number', "#include <unistd.h>\nlong go(void) { return syscall(140); }"), 'getpriority', 'one that passes a number');
    is($added->('unreached', "#include <unistd.h>\nvoid (*go)(void) = sync;"), 'sync', 'one that has the address of what the program does not reach');
    build('below.so', "$raw void lower(void) { raw(37); }", '-shared', '-fPIC', '-Wl,-soname,below.so');
    is($added->('above', 'void lower(void); void go(void) { lower(); }', "$dir/below.so", "-Wl,-rpath,$dir"), 'alarm', 'one whose own library does');
    build('harmless.so', '#include <stdlib.h>
void lower(void *p) { free(p); }', '-shared', '-fPIC', '-Wl,-soname,harmless.so');
    is($added->('over', 'void lower(void *); void go(void *p) { lower(p); }', "$dir/harmless.so", "-Wl,-rpath,$dir"), '', 'one whose own library does not');
}
# Conditions on flags that vector, x87 and flag instructions set, behind comparisons known to be false.
for my $setter (['comiss %xmm0, %xmm1', 'ja'], ['ucomisd %xmm0, %xmm1', 'jp'], ['ptest %xmm0, %xmm0', 'je'], ['fcomi %st(1), %st', 'jb'],
    ['fucomi %st(1), %st', 'je'], ['stc', 'jb'], ['sahf', 'jb'], ['push %rsi\n popf', 'jb'], ['pcmpistri $0, %xmm0, %xmm0', 'jb']) {
    my ($sets, $jumps) = @$setter;
    exactly("flags: $sets", 'getpid getppid exit_group', <<"C", '-msse4.2');
long choose(void *p);
__asm__(".text\\nchoose: xor %eax, %eax\\n mov \$1, %ecx\\n fld1\\n fldz\\n cmp \$0, %ecx\\n $sets\\n $jumps 1f\\n ret\\n 1: mov \$39, %eax\\n syscall\\n ret\\n");
N void go(void *p) { choose(p); sys(110); finish(); }
C
}
exactly('a case that falls into what was decoded before', 'getpid getppid exit_group', <<'C');
long choose(unsigned long n);
__asm__(".text\nchoose: cmp $2, %rdi\n ja 1f\n jmp *cases(,%rdi,8)\n first: xor %eax, %eax\n 2: ret\n 1: mov $7, %eax\n jmp 2b\n"
    " second: mov $8, %eax\n ret\n third: mov $9, %eax\n ret\n .size choose, . - choose\n .section .rodata\n cases: .quad first, second, third\n .text\n");
N void go(void *p) { (void)p; if (choose(unknown) == 0) sys(39); else sys(110); finish(); }
C
exactly('vDSO found by hand', 'clock_gettime getpid exit_group', <<'C');
static const char name[] __attribute__((used)) = "__vdso_clock_gettime"; const char *volatile wanted = name; long (*volatile found)(void);
N void go(void *p) { keep = wanted[2]; if (found) found(); sys(39); finish(); }
C
done_testing();
