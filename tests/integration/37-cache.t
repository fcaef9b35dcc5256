#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# The cache of analyses: it gives what was computed, and whatever is done to its files, to the
# programs or to the processes that write it, never anything else.
use strict;
use warnings;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use Test::More;

my $tool = $ENV{TOOLCHAIN} or die "TOOLCHAIN not set";
my $dir = tempdir(CLEANUP => 1);
my $cache = "$dir/cache/toolchain";
$ENV{XDG_CACHE_HOME} = "$dir/cache";
delete $ENV{TOOLCHAIN_CACHE_MIB};

sub analysis { return scalar qx('$tool' --dep --static --json -q @_ 2>'$dir/error') }
sub entries { return sort glob("$cache/*.static*") }
sub content { my ($file) = @_; open my $in, '<:raw', $file or return; local $/; return scalar <$in> }
sub put { my ($file, $bytes) = @_; open my $out, '>:raw', $file or die; print $out $bytes; close $out }

my $truth = analysis('--no-cache', '/bin/true');
like($truth, qr/exit_group/, 'analysed');
is_deeply([entries()], [], '--no-cache leaves nothing');
is(analysis('/bin/true'), $truth, 'a cold cache');
# An entry made while the tool itself was new is not the one that is found later.
is(analysis('/bin/true'), $truth, 'a warm cache');
my @made = entries();
ok(@made, 'an entry was made');

my $whole = content($made[-1]);
my $size = length $whole;
for my $case (
    ['empty', ''],
    ['cut after the first line', ($whole =~ /^(.*\n)/)[0]],
    ['cut in the middle', substr $whole, 0, $size / 2],
    ['cut by a byte', substr $whole, 0, $size - 1],
    ['longer', "$whole "],
    ['zeros', "\0" x $size],
    ['another call', $whole =~ s/exit_group/exit_grouq/gr],
    ['no first line', 'x' x 100],
  ) {
    put($_, $case->[1]) for @made;
    is(analysis('/bin/true'), $truth, "a damaged entry: $case->[0]");
    isnt(content($made[-1]), $case->[1], '  is written anew');
}
my $wrong = 0;
for my $i (0 .. 23) {
    my $bytes = $whole;
    substr($bytes, int($i * ($size - 1) / 23), 1) ^= chr(1 << $i % 8);
    put($_, $bytes) for @made;
    $wrong++ if analysis('/bin/true') ne $truth;
}
is($wrong, 0, 'flipped bits all over');
unlink entries();
mkdir $_ for @made;
is(analysis('/bin/true'), $truth, 'a folder in the place of an entry');
rmdir $_ for @made;

# Another program under the same name, at once and with the same size.
copy('/bin/true', "$dir/program");
chmod 0755, "$dir/program";
my $first = analysis("$dir/program");
copy('/bin/cat', "$dir/program");
isnt(analysis("$dir/program"), $first, 'a program that was replaced is another');
is(analysis("$dir/program"), analysis('--no-cache', "$dir/program"), '  and stays so');

# Many at once on one cold cache, some of them killed.
unlink entries();
my @running;
for my $i (1 .. 12) {
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', "$dir/out.$i";
        open STDERR, '>', '/dev/null';
        exec $tool, qw(--dep --static --json -q), $i % 2 ? '/bin/true' : '/bin/ls';
    }
    push @running, $pid;
}
select undef, undef, undef, 0.1;
kill 'KILL', @running[8 .. 11];
my @status = map { waitpid $_, 0; $? } @running;
my $ls = analysis('--no-cache', '/bin/ls');
is_deeply([grep { $status[$_] || content("$dir/out." . ($_ + 1)) ne ($_ % 2 ? $ls : $truth) } 0 .. 7], [], 'eight at once agree');
is(analysis('/bin/true'), $truth, 'and leave good entries');
is(analysis('/bin/ls'), $ls, 'of both programs');

# Bounded.
put("$cache/0.static", 'x' x (1 << 20));
utime 1, 1, "$cache/0.static";
put("$cache/0.static.abcdef", 'x');
utime 1, 1, "$cache/0.static.abcdef";
put("$cache/note", 'x');
utime 1, 1, "$cache/note";
$ENV{TOOLCHAIN_CACHE_MIB} = 1;
is(analysis('/bin/echo'), analysis('--no-cache', '/bin/echo'), 'a small cache');
ok(!-e "$cache/0.static", 'the oldest entry went');
ok(!-e "$cache/0.static.abcdef", 'and what a killed process left');
ok(-e "$cache/note", 'but nothing else');
my $bytes = 0;
$bytes += -s for entries();
cmp_ok($bytes, '<', 1 << 20, 'the rest is small enough');
is(analysis('/bin/true'), $truth, 'and good');

delete $ENV{TOOLCHAIN_CACHE_MIB};
$ENV{XDG_CACHE_HOME} = '/proc/self/nowhere';
is(analysis('/bin/true'), $truth, 'no place for a cache');
done_testing;
