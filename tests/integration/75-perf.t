#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# --perf on landscapes whose optimum is known because all of it is computed here: found with a third
# of the measurements, with noise, after being killed, within a budget.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

my $tool = $ENV{TOOLCHAIN} or die "TOOLCHAIN is not set";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;

sub spew { my ($name, $text, $mode) = @_; open my $f, '>', $name or die "$name: $!"; print $f $text; close $f; chmod $mode || 0644, $name }
sub slurp { my ($name) = @_; open my $f, '<', $name or return ''; local $/; return scalar <$f> }
sub lines { my ($name) = @_; return scalar(my @l = split /\n/, slurp($name)) }

my %values = (ALLOC => [qw(buddy list bump slab)], LEVEL => [qw(2 s 0)], LTO => [qw(n y)], DCE => [qw(n y)], HEAP => [qw(64 256 1024 4096)]);
my @names = qw(ALLOC LEVEL LTO DCE HEAP);

# Additive parts and parts that two knobs only have together; slab needs a heap of more than 64.
my $landscape = <<'PERL';
sub cost {
    my (%k) = @_;
    return if $k{ALLOC} eq 'slab' && $k{HEAP} == 64;
    my $c = 1000 + {buddy => 0, list => -90, bump => -120, slab => 60}->{$k{ALLOC}}
        + {2 => 0, s => -150, 0 => 400}->{$k{LEVEL}} - ($k{LTO} eq 'y' ? 60 : 0) - ($k{DCE} eq 'y' ? 200 : 0)
        + {64 => 40, 256 => 0, 1024 => -30, 4096 => 90}->{$k{HEAP}};
    $c += 170 if $k{LTO} eq 'y' && $k{DCE} eq 'y';
    $c -= 140 if $k{ALLOC} eq 'slab' && $k{LEVEL} eq 's';
    $c += 80 if $k{ALLOC} eq 'bump' && $k{HEAP} == 1024;
    return $c;
}
1;
PERL
spew('landscape.pl', $landscape);
spew('measure.pl', <<'PERL');
require './landscape.pl';
my %k = map { $_ => $ENV{"KNOB_$_"} } qw(ALLOC LEVEL LTO DCE HEAP);
open my $log, '>>', 'calls'; print $log join(' ', map { $k{$_} } sort keys %k), "\n"; close $log;
select undef, undef, undef, $ENV{SLOW} if $ENV{SLOW};
my $cost = cost(%k);
exit 3 unless defined $cost;
my $noise = $ENV{NOISE} || 0;
srand($$);
$cost *= 1 + $noise * (2 * rand() - 1);
print "cost $cost\nspeed ", 1e6 / $cost + ($k{HEAP} > 1000 ? 200 : 0), "\n";
PERL
require './landscape.pl';

my (@all, $best);
sub walk { my (%k) = @_; my ($next) = grep { !exists $k{$_} } @names;
    if (!$next) { my $c = cost(%k); push @all, {%k, cost => $c}; $best = $all[-1] if defined $c && (!$best || $c < $best->{cost}); return }
    walk(%k, $next => $_) for @{$values{$next}} }
walk();
is(scalar @all, 192, 'the landscape has 192 points');
spew('knobs.json', encode_json({knobs => [map { {name => $_, values => $values{$_}} } @names], objectives => [{name => 'cost'}, {name => 'speed', maximise => JSON::PP::true}]}));

sub perf {
    my ($out, $arguments, $environment) = @_;
    unlink 'calls';
    system("env @{[$environment || '']} '$tool' --perf x -o $out --knobs knobs.json --measure 'perl measure.pl' $arguments > $out.txt 2> $out.err");
    my $text = slurp("$out/perf.json");
    return ($? >> 8, $text ? decode_json($text) : {});
}
sub point { my ($p, $i) = @_; return {(map { $_ => $values{$_}[0] } @names), %{$p->{points}[$i]{values}}} }

# The optimum with at most a third of the measurements.
my ($status, $p) = perf('a', '--objective cost --samples 1');
is($status, 0, 'a search ends well') or diag slurp('a.err');
cmp_ok($p->{measured}, '<=', @all / 3, 'at most a third of the points measured');
is(lines('calls'), $p->{measured}, '... each once');
is(cost(%{point($p, $p->{best})}), $best->{cost}, 'the optimum is found');
ok(!$p->{points}[$p->{best}]{failure}, '... and it works');
ok(-s 'a/perf.svg' && slurp('a/perf.svg') =~ /<circle/, 'a plot');
my $weights = decode_json(slurp('a/weights.json'));
is_deeply({(map { $_ => $values{$_}[0] } @names), %{$weights->{objectives}{cost}{config}}}, point($p, $p->{best}), 'weights name the best values');
like(slurp('a.txt'), qr/Pareto front/, 'a table');

# The whole front: no point of it is beaten by any point measured.
($status, $p) = perf('f', '--samples 1');
is($status, 0, 'a search for the whole front');
my @works = grep { $_->{works} } @{$p->{points}};
my $metric = sub { $_[0]{metrics}[$_[1]]{median} };
my $wrong = 0;
for my $x (grep { $_->{front} } @works) {
    $wrong++ if grep { $metric->($_, 0) <= $metric->($x, 0) && $metric->($_, 1) >= $metric->($x, 1) && ($metric->($_, 0) < $metric->($x, 0) || $metric->($_, 1) > $metric->($x, 1)) } @works;
}
is($wrong, 0, 'no point of the front is beaten');
cmp_ok(scalar(grep { $_->{front} } @works), '>=', 1, 'the front is not empty');

# Noise of two per cent either way: what is chosen is as good as the optimum within it.
($status, $p) = perf('n', '--objective cost --samples 3', 'NOISE=0.02');
is($status, 0, 'a noisy search ends well');
cmp_ok(cost(%{point($p, $p->{best})}), '<=', $best->{cost} * 1.05, 'the best is within the noise of the optimum');
cmp_ok($p->{points}[0]{metrics}[0]{mad}, '>', 0, 'noise is told');

# Killed at any moment, and started again: the same result, and no measurement twice.
my ($whole) = (perf('w', '--objective cost --samples 1'))[1];
my $calls = lines('calls');
unlink 'calls';
my $kills = 0;
for my $try (1 .. 40) {
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null';
        exec $tool, qw(--perf x -o k --knobs knobs.json --objective cost --samples 1 --measure), 'perl measure.pl' or exit 126;
    }
    my $until = time + 0.05 + rand 0.35;
    my $ended = 0;
    while (time < $until) { if (waitpid($pid, 1) == $pid) { $ended = 1; last } sleep 0.01 }
    last if $ended;
    kill((qw(KILL TERM INT))[$try % 3], $pid);
    waitpid $pid, 0;
    $kills++;
}
cmp_ok($kills, '>', 1, "killed $kills times");
system("'$tool' --perf x -o k --knobs knobs.json --objective cost --samples 1 --measure 'perl measure.pl' > /dev/null");
my $resumed = decode_json(slurp('k/perf.json'));
delete @{$_}{qw(spent_s remembered)} for $whole, $resumed;
delete $_->{cost_s} for @{$whole->{points}}, @{$resumed->{points}};
is_deeply($resumed, $whole, 'a search that was killed ends as if it had not been');
cmp_ok(lines('calls'), '<=', $calls + $kills, '... and repeats no more than what was under way');

# A budget.
my $began = time;
($status, $p) = perf('b', '--objective cost --samples 1 --budget 2s', 'SLOW=0.2');
is($p->{stopped}, 'budget', 'a budget stops the search');
cmp_ok(time - $began, '<', 6, '... in time');
cmp_ok($p->{spent_s}, '<=', 2.5, '... having spent no more');
cmp_ok($p->{measured}, '>=', 3, '... and something was measured');

# One image, measured.
spew('image', "#!/bin/sh\necho hello\n", 0755);
my $json = `'$tool' --perf true --image ./image -o i --json`;
my $figures = decode_json($json);
is($figures->{size}, -s 'image', 'size of an image');
cmp_ok($figures->{boot}, '>', 0, 'boot time');
cmp_ok($figures->{memory}, '>', 0, 'memory');

# Wrong input.
is(system("'$tool' --perf x --measure true 2> err") >> 8, 2, 'no search space');
like(slurp('err'), qr/--knobs/, '... says what to give');
is(system("'$tool' --perf x --measure true --knob A 2> err") >> 8, 2, 'a knob without values');
is(system("'$tool' --perf x --measure false --knob A=1,2 --objective cost -o e 2> err >/dev/null") >> 8, 1, 'a start that does not work');
is(system("'$tool' --perf x --budget soon 2> err") >> 8, 2, 'a budget that is no time');

done_testing();
