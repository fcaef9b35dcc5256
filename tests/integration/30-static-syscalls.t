#!/usr/bin/perl
# System calls of programs whose sets are known by construction: built here without a C library, so
# that every call in them is written below.
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
static N long wrapper(long n) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n) : "rcx", "r11", "memory"); return r; }
static N __attribute__((noreturn)) void finish(void) { sys(231); __builtin_unreachable(); }
volatile int unknown;
long keep;
C
my $start = '__asm__(".text\n.globl _start\n_start: xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call go\n hlt\n");' . "\n";

sub build {
    my ($name, $source, @flags) = @_;
    open my $out, '>', "$dir/$name.c" or die;
    print $out $common, $start, $source;
    close $out;
    my @command = ('gcc', '-O1', '-nostdlib', '-static', '-fno-stack-protector', '-fcf-protection=none',
        '-fno-optimize-sibling-calls', '-fno-toplevel-reorder', @flags, '-o', "$dir/$name", "$dir/$name.c");
    system(@command) == 0 or die "@command failed\n";
    return "$dir/$name";
}

sub analyse {
    my ($program) = @_;
    my $text = `'$toolchain' --dep --static --no-cache --json '$program' 2>'$dir/err'`;
    if ($?) { diag(`cat '$dir/err'`); return }
    return decode_json($text)->{static};
}

sub names { return join ' ', sort { $a cmp $b } map { $_->{name} } @{$_[0]{syscalls}} }

sub check {
    my ($what, $expected, $source, @flags) = @_;
    (my $name = $what) =~ s/\W+/-/g;
    for my $strip ([], ['-s']) {
        my $result = analyse(build($name . @$strip, $source, @flags, @$strip));
        my %found = map { $_ => 1 } split ' ', names($result);
        if (@$strip && $what =~ /function pointers/) {
            # Without symbols, data objects next to each other may not be told apart.
            is(join(' ', grep { !$found{$_} } split ' ', $expected), '', "$what, stripped: nothing missing");
            next;
        }
        is(names($result), join(' ', sort { $a cmp $b } split ' ', $expected), $what . (@$strip ? ', stripped' : ''));
    }
}

check('constant', 'getpid exit_group', 'N void go(void *p) { keep = sys(39); finish(); }');
check('wrapper', 'getpid getppid exit_group', 'N void go(void *p) { keep = wrapper(39) + wrapper(110); finish(); }');
check('through three functions', 'gettid getuid exit_group', <<'C');
static N long a(long n, long x) { return wrapper(n) + x; }
static N long b(long x, long n) { return a(n, x) + 1; }
static N long c(long n) { return b(7, n) + 2; }
N void go(void *p) { keep = c(186) + b(1, 102); finish(); }
C
check('number on the stack', 'getpgrp exit_group', <<'C');
N void go(void *p) { volatile long n = 111; long m = n; __asm__ volatile("push $111\n pop %%rax\n syscall" ::: "rax", "rcx", "r11", "memory"); (void)m; finish(); }
C
check('set of numbers', 'sync getpid exit_group', 'N void go(void *p) { keep = sys(unknown ? 162 : 39); finish(); }');
check('jump table', 'getpid getppid getuid getgid gettid times exit_group', <<'C');
static N void act(int k) {
    switch (k) { case 0: sys(39); break; case 1: sys(110); keep++; break; case 2: keep = 3; sys(102); break;
    case 3: sys(104); keep -= 2; break; case 4: keep = 9; sys(186); break; case 5: sys(100); keep *= 2; break; }
}
N void go(void *p) { act(unknown); finish(); }
C
check('position-independent jump table', 'getpid getppid getuid getgid gettid times exit_group', <<'C', '-fPIE', '-static-pie');
static N void act(int k) {
    switch (k) { case 0: sys(39); break; case 1: sys(110); keep++; break; case 2: keep = 3; sys(102); break;
    case 3: sys(104); keep -= 2; break; case 4: keep = 9; sys(186); break; case 5: sys(100); keep *= 2; break; }
}
N void go(void *p) { act(unknown); finish(); }
C
check('code behind a call that does not return', 'exit_group', <<'C');
static N void die(void) { finish(); }
N void go(void *p) { die(); sys(39); }
C
check('mutual recursion that returns', 'getpid exit_group', <<'C');
static N long odd(long n); static N long even(long n) { return n ? odd(n - 1) : 1; }
static N long odd(long n) { return n ? even(n - 1) : 0; }
N void go(void *p) { if (odd(unknown)) sys(39); finish(); }
C
check('branch decided by an argument', 'getpid exit_group', <<'C');
static N void act(int mode) { if (mode == 3) sys(39); else sys(110); }
N void go(void *p) { act(3); finish(); }
C
check('function pointers in a table', 'getpid getppid exit_group', <<'C');
static N void f(void) { sys(39); } static N void g(void) { sys(110); } static N void h(void) { sys(102); }
static void (*const table[])(void) = {f, g}; static void (*const unused[])(void) = {h};
N void go(void *p) { table[unknown & 1](); finish(); }
C
check('function pointers in a structure, position-independent', 'getpid getppid exit_group', <<'C', '-fPIE', '-static-pie');
static N void f(void) { sys(39); } static N void g(void) { sys(110); } static N void h(void) { sys(102); }
struct ops { long id; void (*run)(void); void (*stop)(void); long pad; };
static struct ops ops = {1, f, g, 2}; static struct ops dead __attribute__((used)) = {1, h, h, 2};
static N void use(struct ops *o) { if (o->id == unknown) o->run(); else o->stop(); }
N void go(void *p) { use(&ops); finish(); }
C
check('callback', 'getpid exit_group', <<'C');
static N void each(void (*f)(int)) { for (int i = 0; i < unknown; i++) f(i); }
static N void visit(int i) { keep += i; sys(39); } N void nobody(int i) { sys(102); }
N void go(void *p) { each(visit); finish(); }
C
check('tail call', 'getpid exit_group', <<'C', '-foptimize-sibling-calls');
static N long last(long n) { return wrapper(39) + n; }
static N long first(long n) { return last(n + 1); }
N void go(void *p) { keep = first(unknown); finish(); }
C
check('weak function that nothing defines', 'getpid exit_group', <<'C');
void absent(void) __attribute__((weak)); 
N void go(void *p) { if (absent) { absent(); sys(102); } sys(39); finish(); }
C
check('signal handler', 'rt_sigaction rt_sigreturn getpid exit_group', <<'C');
__asm__(".text\nnop\nrestore: mov $15,%rax\n syscall\n"); extern char restore[];
static N void handler(int s) { sys(39); }
N void go(void *p) { void *act[4] = {handler, (void *)0x4000000, restore, 0};
  long r; register long r10 __asm__("r10") = 8;
  __asm__ volatile("syscall" : "=a"(r) : "a"(13), "D"(10), "S"(act), "d"(0), "r"(r10) : "rcx", "r11", "memory"); finish(); }
C
check('overlapping instructions', 'getpid exit_group', <<'C');
__asm__(".text\n.globl over\n.type over,@function\nover: xor %eax,%eax\n cmpl $0,unknown(%rip)\n je 1f\n .byte 0x3e\n1: mov $39,%al\n syscall\n ret\n.size over,.-over");
void over(void); N void go(void *p) { over(); finish(); }
C
check('32-bit entry', 'mkdir exit_group', <<'C');
N void go(void *p) { long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(39L), "b"(0L), "c"(0L) : "memory"); keep = r; finish(); }
C
check('32-bit entry whose call has another name here', 'mmap getuid exit_group', <<'C');
N void go(void *p) { long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(192L), "b"(0L), "c"(0L) : "memory"); keep = r;
  __asm__ volatile("int $0x80" : "=a"(r) : "a"(199L) : "memory"); keep += r; finish(); }
C
check('x32 number', 'getpid ioctl exit_group', 'N void go(void *p) { keep = sys(0x40000000 + 39) + sys(0x40000000 + 514); finish(); }');
my $foreign = analyse("$dir/32-bit-entry-whose-call-has-another-name-here0");
like(join("\n", map { $_->{reason} } @{$foreign->{unresolved}}), qr/int 0x80: the 32-bit system call mmap2, listed as mmap/, 'int 0x80 is named as such');

# What cannot be decided is said.
my $result = analyse(build('unknown', 'N void go(void *p) { keep = sys(unknown); finish(); }'));
my @normal = grep { grep { $_ eq 'normal' } @{$_->{when}} } @{$result->{syscalls}};
is(join(' ', map { $_->{name} } @normal), 'exit_group', 'a number that is not known is not made up');
like($result->{unresolved}[0]{reason}, qr/number/, 'but stands in unresolved');
my %unknown = map { ($_->{name} => 1) } grep { "@{$_->{when}}" eq 'unknown' } @{$result->{syscalls}};
ok($unknown{getpid} && $unknown{mount} && !$unknown{exit_group}, 'and every call is listed as one it may be');
my ($call) = grep { $_->{name} eq 'exit_group' } @{$result->{syscalls}};
is($call->{evidence}[-1]{function}, 'finish', 'the evidence ends where the instruction is');
is($call->{evidence}[0]{function}, '_start', 'and begins at the start');

# Twice the same.
my $program = build('again', 'N void go(void *p) { keep = wrapper(39); finish(); }');
is(`'$toolchain' --dep --static --json '$program'`, `'$toolchain' --dep --static --json '$program'`, 'the same twice');
my $why = `'$toolchain' --dep --static --json --why getpid '$program' 2>&1 >/dev/null`;
like($why, qr/_start.*go.*wrapper/s, '--why prints the path');
done_testing();
