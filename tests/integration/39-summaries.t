#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Summaries of library functions: a program that shares libraries with others gives what it gives without a
# cache, in any order, however each program and library takes part in what the others do, and whatever is done
# to the files; and only what is new is analysed.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $tool = $ENV{TOOLCHAIN} or die "TOOLCHAIN not set";
my $dir = tempdir(CLEANUP => 1);
my $cache = "$dir/cache/toolchain";
$ENV{XDG_CACHE_HOME} = "$dir/cache";
delete $ENV{TOOLCHAIN_CACHE_MIB};
chdir $dir or die;

sub spill { my ($file, $bytes) = @_; open my $out, '>:raw', $file or die; print $out $bytes; close $out }
sub slurp { my ($file) = @_; open my $in, '<:raw', $file or return ''; local $/; return scalar <$in> }
sub kept { return sort glob "$cache/*.summary" }
sub forget_results { unlink glob "$cache/*.static" }
sub forget { forget_results(); unlink kept() }
sub analysis { return scalar qx('$tool' --dep --static --json -q @_ 2>'$dir/error') }
sub calls { return { map { ($_->{name} => 1) } @{ decode_json($_[0])->{static}{syscalls} } } }

my $raw = "static long raw(long n) { long r; __asm__ volatile(\"syscall\" : \"=a\"(r) : \"a\"(n), \"D\"(0L), \"S\"(0L) : \"rcx\", \"r11\", \"memory\"); return r; }\n";
sub build {
    my ($name, $source, @flags) = @_;
    spill("$name.c", $raw . $source);
    system('gcc', '-O1', '-Wno-unused-function', '-o', $name, "$name.c", "-Wl,-rpath,$dir", "-L$dir", @flags) == 0 or BAIL_OUT("cannot build $name");
    return;
}

# The truth of each program, and that any order on one cache gives it.
my %truth;
sub learn { $truth{$_} = analysis('--no-cache', $_) for @_ }
sub orders {
    my ($what, @programs) = @_;
    learn(@programs);
    my @wrong;
    for my $order ([@programs], [reverse @programs], [@programs[1 .. $#programs], $programs[0]]) {
        forget();
        for my $program (@$order, @$order) {
            forget_results();
            push @wrong, $program if analysis($program) ne $truth{$program};
        }
    }
    is("@wrong", '', $what);
    return;
}

# ---- of this machine ----
orders('programs of this machine', '/bin/true', '/bin/ls', '/bin/bash');
forget();
my %decoded;
for my $way (['cold', '/bin/ls', '--no-cache'], ['first', '/bin/cat'], ['shared', '/bin/ls'], ['again', '/bin/ls']) {
    my ($name, @command) = @$way;
    forget_results();
    ($decoded{$name}) = qx('$tool' --dep --static --json -v @command 2>&1 >/dev/null) =~ /(\d+) instructions decoded/;
}
cmp_ok($decoded{shared}, '<', 0.75 * $decoded{cold}, 'what another program has in common is not analysed again');
cmp_ok($decoded{again}, '<', 0.5 * $decoded{cold}, 'of a program known, only its own code is');
{
    my @files = kept();
    is_deeply([grep { !-s $_ } @files], [], 'files hold something');
}
{
    my @before = map { $_ . slurp($_) } kept();
    forget_results();
    analysis('--no-cache', '/bin/cat');
    is_deeply([map { $_ . slurp($_) } kept()], \@before, '--no-cache neither adds');
    forget_results();
    my ($nothing) = qx('$tool' --dep --static --no-cache --json -v /bin/cat 2>&1 >/dev/null) =~ /(\d+) of them from summaries/;
    is($nothing, 0, '  nor takes');
}

# ---- who takes part in what a library does ----
build('libworker.so', <<'C', '-shared', '-fPIC');
#include <stdlib.h>
#include <unistd.h>
void hook(void) { raw(110); } /* its own, unless another comes first */
void work(void) { hook(); }
void each(void (*f)(void)) { f(); raw(102); } /* what the program passes */
long call(long n) { return raw(n); } /* the number it passes */
static void quiet(void) { raw(104); }
void (*handler)(void) = quiet; /* a variable that programs may hold a copy of */
void handle(void) { if (handler) handler(); }
void *take(void) { return malloc(100); } /* the C library's, or the program's */
int run(void) { return execl("/bin/worker", "worker", (char *)0); }
int mode(int m) { if (m == 3) raw(111); if (m == 4) raw(121); return m; }
C
my $use = "#include <stddef.h>\nvoid hook(void); void work(void); void each(void (*)(void)); long call(long); extern void (*handler)(void); void handle(void); void *take(void); int run(void); int mode(int);\n";
build('plain', "$use int main(void) { work(); handle(); take(); return mode(3); }", '-l:libworker.so');
build('hooked', "$use void hook(void) { raw(37); } int main(void) { work(); take(); return mode(4); }", '-l:libworker.so', '-rdynamic');
build('passing', "$use static void f(void) { raw(140); } int main(int c, char **v) { (void)v; each(f); call(95); return mode(c); }", '-l:libworker.so');
build('other', "$use static void f(void) { raw(163); } int main(void) { each(f); return (int)call(24); }", '-l:libworker.so');
build('copying', "$use static void f(void) { raw(161); } int main(void) { handler = f; handle(); return 0; }", '-l:libworker.so');
build('fixed', "$use static void f(void) { raw(161); } int main(void) { handler = f; handle(); work(); return mode(3); }", '-l:libworker.so', '-no-pie');
build('allocating', "$use char space[4096]; size_t used; void *malloc(size_t n) { raw(105); used += n; return space + used - n; } void free(void *p) { (void)p; }\n"
    . "int main(void) { return take() != NULL; }", '-l:libworker.so', '-rdynamic');
build('running', "$use int main(void) { return run(); }", '-l:libworker.so');
my @all = qw(plain hooked passing other copying fixed allocating running);
orders('hooks, callbacks, numbers, copied variables, an own malloc, programs executed', map { "./$_" } @all);
my %made = map { ($_ => calls($truth{"./$_"})) } @all;
# The names that the numbers above have: what each must have, and what only others do.
my %number = (110 => 'getppid', 37 => 'alarm', 140 => 'getpriority', 95 => 'umask', 163 => 'acct', 24 => 'sched_yield', 161 => 'chroot', 105 => 'setuid', 102 => 'getuid', 104 => 'getgid', 111 => 'getpgrp', 121 => 'getpgid');
my %has = (plain => [110, 104, 111], hooked => [37, 121], passing => [140, 95, 102], other => [163, 24, 102], copying => [161], fixed => [161, 110], allocating => [105], running => []);
my %lacks = (plain => [37, 140, 163, 95], hooked => [140, 163], passing => [163, 161], other => [140, 161, 95], copying => [163, 37], fixed => [37], allocating => [37, 163], running => [37, 140]);
for my $program (@all) {
    my @missing = grep { !$made{$program}{$number{$_}} } @{ $has{$program} };
    my @extra = grep { $made{$program}{$number{$_}} } @{ $lacks{$program} };
    is("@missing/@extra", '/', "$program: what it makes, and none of the others' calls");
}

# ---- what a library calls changes, the library itself does not ----
sub lower { build('liblower.so', $_[0], '-shared', '-fPIC') }
lower('void lower_step(void) { raw(37); }');
build('libupper.so', 'void lower_step(void); void up(void) { lower_step(); raw(140); }', '-shared', '-fPIC', '-l:liblower.so');
build('stacked', 'void up(void); int main(void) { up(); return 0; }', '-l:libupper.so');
build('stacked2', 'void up(void); int main(void) { up(); raw(39); return 0; }', '-l:libupper.so');
forget();
analysis('./stacked');
my $old = calls(analysis('./stacked2'));
ok($old->{alarm} && $old->{getpriority}, 'a library under a library');
lower('#include <unistd.h>
void lower_step(void) { raw(163); _exit(0); }');
my $new = calls(analysis('./stacked2'));
ok($new->{acct} && !$new->{alarm}, 'it is replaced: what it calls now');
ok(!$new->{getpriority}, '  and that it does not come back');
learn('./stacked', './stacked2');
is(analysis('./stacked'), $truth{'./stacked'}, '  for every program');
lower('void lower_step(void) { raw(37); }');
forget_results();
learn('./stacked');
is(analysis('./stacked'), $truth{'./stacked'}, 'and back');

# ---- what is bound otherwise two calls below ----
build('libtop.so', 'void work(void); void top(void) { work(); raw(140); }', '-shared', '-fPIC', '-l:libworker.so');
build('libends.so', 'void hook(void) { for (;;) raw(231); }', '-shared', '-fPIC');
build('ends', 'void top(void); int main(void) { top(); return 0; }', '-Wl,--no-as-needed', '-l:libends.so', '-l:libtop.so', '-l:libworker.so');
build('returns', 'void top(void); int main(void) { top(); return 0; }', '-l:libtop.so', '-l:libworker.so');
orders('a hook two calls below that returns or not', './ends', './returns');
ok(!calls($truth{'./ends'})->{getpriority}, 'it does not return');
ok(calls($truth{'./returns'})->{getpriority}, 'it returns');

# ---- what is no fact of the library alone ----
build('libfacts.so', <<'C', '-shared', '-fPIC');
#define N __attribute__((noinline))
static N void number(long x) { if (x == 0x401010) raw(111); else raw(102); } /* an address in some program */
void pass(void) { number(0x401010); }
N long choose(int c) { return c > 3 ? 0x401010 : 110; }
static void h1(void) { raw(104); }
static void h2(void) { raw(37); }
struct pair { void (*a[2])(void), (*b[2])(void); };
struct pair shared __attribute__((aligned(16))) = {{h1, h1}, {h2, h2}}; /* in two pieces here, in one where it is copied */
extern char half[] __attribute__((visibility("hidden")));
__asm__(".set half, shared+16");
static N void sink(void *p) { void (*volatile *f)(void) = p; f[0](); }
void second(void) { sink(&shared.b); }
N void cut(void) { sink(half); }
static N int odd(int n);
N int even(int n) { if (n == 0) return 1; __asm__ volatile(""); return odd(n - 1) + 3; }
static N int odd(int n) { if (n == 0) return 0; __asm__ volatile(""); return even(n - 1) + 2; }
N long apply(long (*f)(long), long n) { if (!f) return 0; if (n > 10) raw(140); return f(n) + 1; }
C
build('passes', 'void pass(void); int main(void) { pass(); return 0; }', '-l:libfacts.so');
build('passes_fixed', 'void pass(void); int main(void) { pass(); return 0; }', '-l:libfacts.so', '-no-pie');
orders('a number that is an address in another program', './passes', './passes_fixed');
ok(calls($truth{'./passes_fixed'})->{getpgrp}, 'it is a number there as well');
my $choice = 'long choose(int); int main(int c, char **v) { long x = 39; if (v[1]) x = choose(c); raw(x); return 0; }';
build('chooses', $choice, '-l:libfacts.so');
build('chooses_fixed', $choice, '-l:libfacts.so', '-no-pie');
orders('a result that is one', './chooses', './chooses_fixed');
my $copying = 'struct pair { void (*a[2])(void), (*b[2])(void); }; extern struct pair shared; void second(void); int main(int c, char **v) { (void)v; if (c == 99) raw((long)shared.a[0]); second(); return 0; }';
build('pieces', 'void second(void); int main(void) { second(); return 0; }', '-l:libfacts.so');
build('copied', $copying, '-l:libfacts.so');
build('copied_fixed', $copying, '-l:libfacts.so', '-no-pie');
orders('a variable in pieces, and in one', './copied', './pieces', './copied_fixed');
ok(calls($truth{'./pieces'})->{alarm}, 'its second piece');
build('recursive', 'int even(int); int main(int c, char **v) { (void)v; return even(c); }', '-l:libfacts.so');
build('around', 'int even(int); static __attribute__((noinline)) int h(int n) { even(n); return 39; } int main(int c, char **v) { (void)v; raw(h(c)); return 0; }', '-l:libfacts.so');
orders('functions that call each other', './recursive', './around');
my $apply = 'long apply(long (*)(long), long); static __attribute__((noinline)) long f(long n) ';
build('numbers', "$apply { return raw(n); } int main(void) { return (int)apply(f, 39); }", '-l:libfacts.so');
build('plainly', "$apply { return n; } int main(void) { return (int)apply(f, 3); }", '-l:libfacts.so');
orders('an input that matters for what one program passes', './numbers', './plainly');

# ---- damage ----
forget();
learn('/bin/cat', '/bin/true');
analysis('/bin/true');
my %whole = map { ($_ => slurp($_)) } kept();
my ($largest) = sort { length $whole{$b} <=> length $whole{$a} } keys %whole;
my $size = length $whole{$largest};
my @cases = (['empty', sub { '' }], ['cut in the middle', sub { substr $_[0], 0, length($_[0]) / 2 }], ['cut by a byte', sub { substr $_[0], 0, -1 }],
    ['longer', sub { "$_[0]x" }], ['zeros', sub { "\0" x length $_[0] }], ['twice', sub { $_[0] x 2 }], ['huge counts', sub { substr($_[0], 0, 24) . "\xff" x (length($_[0]) - 24) }]);
for my $case (@cases) {
    forget_results();
    spill($_, $case->[1]->($whole{$_})) for keys %whole;
    is(analysis('/bin/cat'), $truth{'/bin/cat'}, "damaged files: $case->[0]");
}
my $wrong = 0;
for my $i (0 .. 23) {
    my $bytes = $whole{$largest};
    substr($bytes, int($i * ($size - 1) / 23), 1) ^= chr(1 << $i % 8);
    forget_results();
    spill($_, $_ eq $largest ? $bytes : $whole{$_}) for keys %whole;
    $wrong++ if analysis('/bin/cat') ne $truth{'/bin/cat'};
}
is($wrong, 0, 'flipped bits all over');
spill($_, $whole{$_}) for keys %whole;
my @names = sort keys %whole;
spill($names[$_], $whole{ $names[$_ - 1] }) for 0 .. $#names;
forget_results();
is(analysis('/bin/cat'), $truth{'/bin/cat'}, 'the file of one object in the place of another');

# ---- many at once, some killed ----
forget();
my @programs = qw(/bin/true /bin/cat /bin/ls /bin/bash);
learn(@programs);
my @running;
for my $i (0 .. 11) {
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', "$dir/out.$i";
        open STDERR, '>', '/dev/null';
        exec $tool, qw(--dep --static --json -q), $programs[$i % 4];
    }
    push @running, $pid;
}
select undef, undef, undef, 0.3;
kill 'KILL', @running[8 .. 11];
waitpid $_, 0 for @running;
is_deeply([grep { slurp("out.$_") ne $truth{ $programs[$_ % 4] } } 0 .. 7], [], 'eight at once agree');
forget_results();
is_deeply([grep { analysis($_) ne $truth{$_} } @programs], [], 'and leave good files');

# ---- bounded ----
$ENV{TOOLCHAIN_CACHE_MIB} = 1;
forget_results();
analysis('/bin/ls');
my $bytes = 0;
$bytes += -s for kept(), glob "$cache/*.static";
cmp_ok($bytes, '<=', 1 << 20, 'the folder stays small enough');
done_testing;
