#!/usr/bin/perl
# AArch64 programs, analysed here: sets known by construction, and sets against what qemu's user mode
# saw the same programs do.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} or die "TOOLCHAIN is not set\n";
my $dir = tempdir(CLEANUP => 1);
my $cross = 'aarch64-linux-gnu-gcc';
my $root = '/usr/aarch64-linux-gnu';
chdir $dir or die;
$ENV{XDG_CACHE_HOME} = "$dir/cache";

for my $need ($cross, 'qemu-aarch64') {
    system("command -v $need >/dev/null 2>&1") == 0
        or BAIL_OUT("$need is missing: ./quickstart --packages installs it");
}

sub build {
    my ($name, $source, @flags) = @_;
    open my $out, '>', "$dir/$name.c" or die;
    print $out $source;
    close $out;
    my @command = ($cross, @flags, '-o', "$dir/$name", "$dir/$name.c");
    system(@command) == 0 or die "@command failed\n";
    return "$dir/$name";
}

sub analyse {
    my ($program, @options) = @_;
    my $text = `'$toolchain' --dep --static --no-cache --json -q --root $root @options '$program' 2>'$dir/err'`;
    if ($?) { diag(`cat '$dir/err'`); return }
    return decode_json($text);
}

sub names { return join ' ', sort map { $_->{name} } @{$_[0]{static}{syscalls}} }

# Without a C library every call in the program is written below. The number goes through a wrapper,
# a table of pointers, a jump table, a pair on the stack, and a page whose register is spilled.
my $bare = <<'C';
#define N __attribute__((noinline, noclone, used))
static inline long sys(long n) { register long x8 __asm__("x8") = n, x0 __asm__("x0") = 0;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8) : "memory"); return x0; }
static N long wrapper(long n) { return sys(n); }
static N long a(void) { return wrapper(172); }                /* getpid */
static N long b(void) { return sys(173); }                    /* getppid */
static N long never(void) { return sys(29); }                 /* ioctl: its address is taken nowhere reached */
static N long compared(void) { return sys(176); }             /* getgid */
static N long spilled(void) { return sys(177); }              /* getegid */
long (*const unused[])(void) = {never, never};
long (*volatile table[])(void) = {a, b};
volatile int unknown;
static N long choose(int n) {
    switch (n) {
    case 0: return sys(174);                                  /* getuid */
    case 1: return sys(175) + 1;                              /* geteuid */
    case 2: return sys(178) + 2;                              /* gettid */
    case 3: return sys(81) + 3;                               /* sync */
    case 4: return sys(124) + 4;                              /* sched_yield */
    case 5: return sys(154) * 3;                              /* setpgid */
    case 6: return sys(155) * 5;                              /* getpgid */
    default: return 0;
    }
}
static N long only_if(int mode) { return mode == 3 ? sys(57) : compared(); } /* close: never with 3 */
static N void finish(void) { for (;;) sys(94); }              /* exit_group */
static N long part(void) {
    long (*f)(void);
    __asm__ volatile("adrp x9, spilled\n str x9, [sp, #-16]!\n ldr x10, [sp], #16\n"
                     " add %0, x10, :lo12:spilled" : "=r"(f) : : "x9", "x10", "memory");
    return f();
}
void go(void) {
    table[unknown & 1]();
    choose(unknown);
    only_if(1);
    part();
    finish();
    sys(1);                                                   /* never reached */
}
__asm__(".globl _start\n_start: mov x29, #0\n mov x30, #0\n bl go\n brk #0\n");
C
my $expected = join ' ', sort qw(getpid getppid getgid getegid getuid geteuid gettid sync sched_yield setpgid
    getpgid exit_group);
for my $flags ('-O1', '-O2', '-Os', '-O2 -mbranch-protection=standard', '-O1 -static-pie -fPIE') {
    my @all = ('-nostdlib', '-fno-stack-protector', '-fno-toplevel-reorder', '-fno-optimize-sibling-calls',
        ($flags =~ /pie/ ? () : '-static'), split ' ', $flags);
    my $profile = analyse(build('bare', $bare, @all));
    is(names($profile), $expected, "exactly the calls written: $flags");
    is($profile->{program}{arch}, 'aarch64', 'the architecture') if $flags eq '-O1';
}

# With the GNU C library: everything that qemu shows the program asking the kernel for is in the set.
my $whole = <<'C';
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
static jmp_buf again;
static int order(const void *a, const void *b) { getsid(0); return *(const int *)a - *(const int *)b; }
static void handler(int s) { (void)s; longjmp(again, 1); }
static void *thread(void *p) { struct timespec t = {0, 1000000}; nanosleep(&t, 0); return p; }
int main(int argc, char **argv)
{
    pthread_t t[3];
    int numbers[] = {3, 1, 2};
    for (int i = 0; i < 3; i++) pthread_create(&t[i], 0, thread, argv);
    for (int i = 0; i < 3; i++) pthread_join(t[i], 0);
    qsort(numbers, 3, sizeof *numbers, order);
    signal(SIGUSR1, handler);
    if (setjmp(again)) getpgid(0); else raise(SIGUSR1);
    switch (numbers[0] + argc) { case 2: getppid(); break; case 3: sync(); break; case 4: getuid(); break;
        case 5: getgid(); break; case 6: alarm(0); break; }
    if (fork() == 0) { execl("/nonexistent", "x", NULL); _exit(1); }
    wait(NULL);
    char *p = realloc(malloc(1 << 20), 1 << 24);
    memset(p, 1, 1 << 24);
    free(p);
    FILE *f = fopen("/proc/self/maps", "r");
    if (f) fclose(f);
    return printf("%d\n", numbers[0]) < 0;
}
C
# qemu's names of calls that the kernel's headers call otherwise.
my %kernel = (prlimit => 'prlimit64', fstatat64 => 'newfstatat', sendfile64 => 'sendfile');

sub seen {
    my ($program) = @_;
    my %seen;
    open my $trace, '-|', "qemu-aarch64 -L $root -strace '$program' 2>&1 >/dev/null" or die;
    while (<$trace>) { $seen{$kernel{$_} // $_} = 1 for /(?:^|[^0-9])\d+ ([a-z_0-9]+)\(/g }
    close $trace;
    return sort keys %seen;
}

for my $flags ('-O2', '-O0 -no-pie', '-O2 -static', '-Os -static-pie') {
    my $program = build('whole', $whole, split(' ', $flags), '-pthread');
    my $profile = analyse($program);
    my %static = map { $_->{name} => 1 } @{$profile->{static}{syscalls}};
    my @seen = seen($program);
    cmp_ok(scalar @seen, '>', 20, 'qemu shows what the program does');
    is_deeply([grep { !$static{$_} } @seen], [], "all that qemu saw is in the set: $flags");
}

# Filters are for the program's own machine.
my $hello = build('hello', "#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n", '-O2');
my $emit = "'$toolchain' --dep --static -q --root $root '$hello' -o '$dir/out' >/dev/null 2>&1 --emit";
is(system("$emit seccomp-json"), 0, 'an OCI filter is written');
open my $json, '<', "$dir/out/seccomp.json" or die;
my $filter = decode_json(do { local $/; <$json> });
is_deeply($filter->{architectures}, ['SCMP_ARCH_AARCH64'], 'for AArch64');
is(system("$emit bpf"), 0, 'a compiled filter is written');
open my $bpf, '<:raw', "$dir/out/seccomp.bpf" or die;
read $bpf, my $code, 16;
# Loads the architecture, then compares it with AUDIT_ARCH_AARCH64.
is(unpack('V', substr $code, 12), 0xc00000b7, 'its first comparison is with AArch64');

my $why = `'$toolchain' --dep --static -q --root $root --why write '$hello' 2>&1`;
like($why, qr/^write:\n  .*enters\n.*__write, at 0x[0-9a-f]+, enters the kernel/s, '--why ends at the instruction');

# Damaged programs are refused, or analysed to an end.
my $image = do { local $/; open my $in, '<:raw', $hello or die; <$in> };
srand 7;
my $bad = 0;
for my $round (1 .. 25) {
    my $copy = $image;
    substr($copy, 64 + int rand(length($copy) - 64), 1) = chr int rand 256 for 1 .. 40;
    open my $out, '>:raw', "$dir/damaged" or die;
    print $out $copy;
    close $out;
    system("timeout 60 '$toolchain' --dep --static --no-cache -q --json --root $root '$dir/damaged' >/dev/null 2>&1");
    $bad++ if $? & 127 || $? >> 8 > 2;
}
is($bad, 0, 'no damaged program brings it down');
done_testing();
