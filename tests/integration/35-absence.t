#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Why a call is not there (--why-not), known by construction, and the evidence as a picture (--graph).
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} or die "TOOLCHAIN is not set\n";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;
$ENV{XDG_CACHE_HOME} = $dir;

sub run { my $out = `'$toolchain' --dep --static -q -o o @_ 2>&1`; return ($? >> 8, $out) }
sub why_not { my ($call, $program) = @_; return `'$toolchain' --dep --static -q -o o --why-not $call '$program' 2>&1 >/dev/null` }

open my $source, '>', 'p.c' or die;
print $source <<'C';
#include <unistd.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#define CALL __attribute__((noinline, noclone)) int
CALL decided(int mode) { if (mode == 7) return chroot("/"); return getppid(); }
CALL in_table(void) { return umount("x"); }
CALL lonely(void) { return swapoff("x"); }
int swapoff(const char *);
int (*const table[])(void) = {in_table, in_table};
CALL reads_table(int i) { return table[i](); }
CALL inner(void) { return sync_file_range(0, 0, 0, 0); }
CALL outer(void) { return inner() + 1; }
int main(void) { return decided(3) + (int)syscall(SYS_getuid); }
C
close $source;
is(system('cc', '-O1', '-D_GNU_SOURCE', '-Wno-implicit-function-declaration', '-fno-inline', '-fno-ipa-cp', '-rdynamic', '-o', 'p', 'p.c'),
    0, 'the program compiles');
my $p = "$dir/p";
my $text = why_not('chroot', $p);
like($text, qr/nearest reached: p: decided; .*calls, through its relocated slot, libc\.so\.6: chroot/s, 'a branch that known arguments decide');
$text = why_not('umount2', $p);
like($text, qr/p: in_table, not reached either/, 'a function that only a table names: its caller');
like($text, qr/its address stands in data \(p: table\), to which no reached code refers/, 'and the table');
$text = why_not('swapoff', $p);
like($text, qr/p: lonely, not reached either\s+nothing in the link map refers to it/, 'code that nothing refers to');
$text = why_not('sync_file_range', $p);
like($text, qr/p: inner, not reached either.*p: outer, not reached either/s, 'a chain of callers');
like(why_not('sethostname', $p), qr/libc\.so\.6: sethostname, at 0x[0-9a-f]+\n\s+nothing in the link map refers to it/, 'a library function nobody calls');
like(why_not('bpf', $p), qr/No code of the link map has its number as a constant/, 'a number that no code holds');
like(why_not('bpf', $p), qr/by a number that callers give: reached, but never with this one/, 'and none is passed to syscall()');
like(why_not('getppid', $p), qr/is in the set; --why getppid tells/, 'a call that is there');
like(why_not('set_tid_address', $p), qr/for the dynamic linker's own code only/, 'one that only the dynamic linker makes');
is((run('--why-not', 'frobnicate', $p))[0], 2, 'no such call: wrong usage');
is((run('--why-not', 'chroot', $p))[0], 0, 'an explanation is success');

# Each place it names must be a system-call instruction after a load of that number.
my ($site) = why_not('swapoff', $p) =~ /libc\.so\.6: swapoff, at (0x[0-9a-f]+)/;
my ($libc) = `ldd '$p'` =~ /libc\.so\.6 => (\S+)/;
my $code = `objdump -d --no-show-raw-insn --start-address=@{[hex($site) - 5]} --stop-address=@{[hex($site) + 2]} '$libc'`;
like($code, qr/mov\s+\$0xa8,%eax.*syscall/s, 'objdump agrees on the place');

# Pictures.
my ($status, $out) = run('--graph', 'g.dot', $p);
is($status, 0, 'a graph as DOT') or diag $out;
my $dot = do { local (@ARGV, $/) = 'g.dot'; <> };
my $profile = decode_json(do { local (@ARGV, $/) = 'o/profile.json'; <> });
my @lacking = grep { $dot !~ /\[label="\Q$_->{name}\E", tooltip="\Q$_->{name}\E", shape=ellipse/ } @{$profile->{static}{syscalls}};
is(scalar @lacking, 0, 'every call of the set is in it');
like($dot, qr/label="libc\.so\.6"/, 'libraries are frames');
my ($getppid) = grep { $_->{name} eq 'getppid' } @{$profile->{static}{syscalls}};
is($getppid->{root}, "the program's start", 'the evidence tells its root');
is(join(' ', map { $_->{bound} // 'kernel' } @{$getppid->{evidence}}), 'address call slot kernel', 'and how each step is bound');
($status, $out) = run('--graph', 'g.svg', '--why', 'getppid', $p);
is($status, 0, 'one call as SVG');
my $svg = do { local (@ARGV, $/) = 'g.svg'; <> };
like($svg, qr/<svg.*decided.*PLT/s, 'with its path and how it is bound');
unlike($svg, qr/>mmap</, 'and no other call');
run('--graph', 'g.png', '--why', 'getppid', $p);
is(do { open my $f, '<', 'g.png'; read $f, my $head, 4; $head }, "\x89PNG", 'as PNG');
is((run('--graph', 'g.txt', $p))[0], 2, 'another ending: wrong usage');
is((run('--graph', 'g.svg', '--why', 'chroot', $p))[0], 1, 'nothing to draw is an outcome of 1');
done_testing;
