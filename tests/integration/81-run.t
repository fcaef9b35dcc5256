#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# --build --run: the image is booted under the test file, each test's result is said, the exit status
# follows, and no machine is left behind.
use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} // die "TOOLCHAIN names the binary";
my $src = $ENV{SRC} // die "SRC names the source tree";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;

sub slurp { my ($path) = @_; open my $file, '<', $path or return ''; local $/; return scalar <$file> }
sub spill { my ($path, $text) = @_; open my $file, '>', $path or die; print $file $text; close $file }

sub run {
    my $out = qx(timeout 100 @_ 2>$dir/.err </dev/null);
    return ($? >> 8, $out, slurp("$dir/.err"));
}

mkdir 'src';
spill('src/main.c', <<'END');
#include <stdio.h>
int main(int argc, char **argv)
{
    char line[64];
    printf("ready %s\n", argc > 1 ? argv[1] : "-");
    while (fgets(line, sizeof line, stdin)) {
        if (line[0] == 'c') *(volatile int *)8 = 1;
        if (line[0] == 'h') for (;;) ;
        if (line[0] == '3') return 3;
        printf("got %s", line);
    }
    return 0;
}
END
is(system('cc -w -o prog src/main.c'), 0, 'the program compiles');

sub tests {
    my (%keys) = @_;
    spill('t.json', encode_json({typeTest => 'stdin', timeMsCommand => 50, timeOutMsTest => 8000, %keys}));
    return '-t t.json';
}
my $build = "$toolchain --build --run ./prog -s src --uk-root $src/tests/core";
my $count = 0;

# Builds and runs; exit status, what was printed, run.json.
sub boot {
    my ($platform, @rest) = @_;
    my ($status, $out, $err) = run($build, '--platform', $platform, '-o', $platform, @rest);
    my $json = slurp("$platform/run.json");
    return ($status, $out, $json ? decode_json($json) : {}, $err);
}

for my $platform (qw(linuxu kvm)) {
    my ($status, $out, $json, $err) =
        boot($platform, tests(listCommands => ['one', 'two'], expectedOutput => ['^got one$', '^got t']));
    is($status, 0, "$platform: all is well") or diag "$out\n$err";
    like($out, qr/^  ok +one: sent.*\n(?: +ready.*\n)? +got one\n  ok +two: sent.*\n +got two\n/m, "$platform: each test's result");
    like($out, qr/^  ended +with status 0\nTests +2 run on the image, 0 failed: passed/m, "$platform: and the end");
    is($json->{schema}, 'run/1', "$platform: run.json");
    is_deeply([map { $_->{command} } @{$json->{runs}[0]{tests}}], [qw(one two)], "$platform: holds the tests");
    is($json->{runs}[0]{exit_status}, 0, "$platform: and the exit status");
}

my ($status, $out, $json) = boot('linuxu', tests(listCommands => ['one', 'two'], expectedOutput => ['', 'three']));
is($status, 1, 'unexpected output: exit status 1');
like($out, qr/^  FAILED +two: sent.*does not match "three"/m, 'is said');
ok(!$json->{passed}, 'and written');

($status, $out, $json) = boot('linuxu', tests(listCommands => ['one', '3', 'more']));
is($status, 1, 'a program that fails: exit status 1');
is($json->{runs}[0]{exit_status}, 3, 'its own status is kept');
like($out, qr/^  FAILED +more: not sent, .*the program had ended/m, 'a command after its end failed');

($status, $out, $json) = boot('kvm', tests(listCommands => ['one', 'hang'], timeOutMsTest => 2000));
is($status, 1, 'a program that hangs: exit status 1');
like($out, qr/^  FAILED +still running \d/m, 'is said');
my ($image) = grep { m{/app/build/} } @{$json->{runs}[0]{command}};
ok(-e $image, 'the command line names the image');
my @left = grep { slurp($_) =~ /\Q$image\E/ } glob '/proc/[0-9]*/cmdline';
is("@left", '', 'and its machine is stopped');

($status, $out, $json) = boot('linuxu', tests(listCommands => ['crash']));
is($status, 1, 'a program that crashes: exit status 1');
isnt(scalar @{$json->{runs}[0]{faults}}, 0, 'with what happened');

# What no option gives, a rule's source does: built along, it takes over calls of another library.
($status, $out) = boot('linuxu', qw(--fact loud=yes), tests(listCommands => ['one']));
is($status, 0, "with a rule's source: without fault") or diag $out;
like($out, qr/^ +GOT ONE$/m, 'it is in the image');
like(slurp('linuxu/app/Makefile.uk'), qr/^# the console whispers$/m, 'the app folder says why');
is(decode_json(slurp('linuxu/selection.json'))->{sources}[0]{rule}, 'loud-console', 'the selection by which rule');

# Command lines, each a run; without tests, until the program ends.
spill('lines.txt', "first\nsecond\n'say \"hi\" twice'\n");
($status, $out, $json) = boot('kvm', '-c', 'lines.txt');
is($status, 0, 'command lines: without fault') or diag $out;
is(scalar @{$json->{runs}}, 3, 'each is a run');
is($json->{runs}[1]{start}, 'ready second', 'with its arguments');
is($json->{runs}[2]{start}, 'ready say "hi" twice', 'quotes and blanks come through');

# A server in the machine, as seen from this host: the ports the tests name are led into it. The
# machine is played by a script that prints what it was given and serves there.
my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
my $port = $socket->sockport;
close $socket;
spill('machine.pl', <<'END');
use IO::Socket::INET;
$| = 1;
my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => $ARGV[0], ReuseAddr => 1) or die;
print "serving $ARGV[1]\n";
while (my $client = $server->accept) { while (<$client>) { s/\r?\n//; print $client "you said $_\r\n" } }
END
my @machine = ('--runner', qq('perl $dir/machine.pl $port forwards{forwards} {image}'));
($status, $out, $json) =
    boot('linuxu', @machine, tests(typeTest => 'telnet', portTelnet => $port, listCommands => ['hello', 'you'], expectedOutput => ['said hello']));
is($status, 0, 'telnet: without fault') or diag $out;
like($out, qr/^  ok +hello: reply.*\n +you said hello$/m, 'the reply is shown');
like(join(' ', @{$json->{runs}[0]{command}}), qr/forwards,hostfwd=tcp:127.0.0.1:$port-:$port/, 'the port is led into the machine');

spill('ask.pl', 'use IO::Socket::INET; my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or exit 1; print $s "x\n"; print scalar <$s>');
my $ask = "perl $dir/ask.pl $port";
($status, $out, $json) =
    boot('linuxu', @machine, '--forward', $port, tests(typeTest => 'exec', listCommands => [$ask, 'exit 4'], expectedOutput => ['said x']));
is($status, 1, 'exec: a command that fails');
is($json->{runs}[0]{tests}[0]{status}, 'exit 0', 'the first one succeeded') or diag $out;
is($json->{runs}[0]{tests}[1]{fault}, 'the command failed', 'the second is blamed');

# A load of one's own instead of the tests: what it tells counts.
spill('load.pl', 'use IO::Socket::INET; my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or exit 1; print $s "x\n"; print <$s> =~ /x/ ? "1234.5 requests per second\n" : "none\n"');
my $perf = "$toolchain --perf ./prog -o linuxu --image linuxu/app/build/prog_linuxu-x86_64 @machine --load 'perl $dir/load.pl $port'";
($status, $out, my $said) = run($perf, tests(typeTest => 'telnet', portTelnet => $port, listCommands => ['hello']));
is($status, 0, '--perf --load') or diag "$out\n$said";
like($out, qr/^throughput +1234\.5$/m, 'the figure that the load tells') or diag $out;
($status, $out, $said) = run($perf);
is($status, 2, 'without a test file nobody knows the port');
like($said, qr/--load: a test file is needed/, 'which is said');

# What cannot be run.
($status, $out, my $err) = run("$toolchain --build --run ./prog -s src -o none");
is($status, 3, 'no core, no image: an error');
like($err, qr/--run: there is no image/, 'that says so');
($status, $out, undef, $err) = boot('linuxu', '--runner', 'nonsense');
is($status, 2, 'an unknown runner is wrong usage');
($status, $out, undef, $err) = boot('linuxu', '--forward', '99999');
is($status, 2, 'so is a port that is none');

done_testing;
