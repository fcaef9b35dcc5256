#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Nothing that the tool starts outlives it, whatever ends it and whenever; and it ends what would not
# end by itself, with one clear message.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use POSIX ':sys_wait_h';
use Time::HiRes qw(sleep time);

my ($tool, $src) = @ENV{qw(TOOLCHAIN SRC)};
my $dir = tempdir(CLEANUP => 1);
$ENV{XDG_CACHE_HOME} = "$dir/cache";
$ENV{TMPDIR} = $dir;
chdir $dir or die;
$SIG{$_} = 'DEFAULT' for qw(INT QUIT HUP TERM); # a shell's background job inherits them ignored
my $marker = 1000000 + $$; # seconds that no other process sleeps

require "$src/tests/integration/survivors.pl";
sub survivors { return survivors_of($marker) }

open my $spec, '>', 'leave.json' or die;
print $spec encode_json({
    typeTest => 'exec', timeOutMsTest => 60000, workFolder => JSON::PP::true,
    arguments => ['-c', "trap '' TERM INT HUP; for i in 1 2; do (setsid sh -c 'sleep $marker & sleep $marker' &); done; while :; do sleep $marker; done"],
    setup => ["sleep $marker &"],
    listCommands => ["setsid sleep $marker & sleep $marker"],
});
close $spec;

my $left = 0;
my @signals = ('KILL', 'TERM', 'INT', 'HUP', 'QUIT', 'SEGV');
for my $round (0 .. 17) {
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec $tool, '--dep', '--dynamic', '--json', '-q', '-t', 'leave.json', '/bin/bash';
    }
    sleep 0.02 + 0.04 * $round; # from before the first process to when all are there
    kill $signals[$round % @signals], $pid;
    my $gone = wait_for(sub { waitpid($pid, WNOHANG) == $pid }, 10);
    kill 'KILL', $pid unless $gone;
    $left++ unless $gone && wait_for(sub { !survivors() }, 5);
}
is($left, 0, 'nothing outlives the tool, whichever signal ends it and when') or diag(join "\n", survivors());

sub message {
    my (@command) = @_;
    my $text = qx(timeout 60 @command 2>&1 >/dev/null </dev/null);
    return ($? >> 8, $text);
}

my ($status, $text) = message($tool, '--dep', '--dynamic', '--json', '-w', '1', '/bin/bash', '--',
    '-c', "'trap \"\" TERM; while :; do sleep $marker; done'");
is($status, 0, 'a program that refuses to die is ended');
ok(wait_for(sub { !survivors() }, 2), 'and all of it is gone');
($status, $text) = message($tool, '--dep', '--dynamic', '--json', '-w', '30', '/bin/bash', '--',
    '-c', "'b() { b $marker | b $marker & b; }; b $marker'");
is($status, 1, 'a program that forks without end fails');
like($text, qr/started more than \d+ processes at once and was ended/, 'and the message says so');
ok(wait_for(sub { !survivors() }, 5), 'and all of it is gone');
my $crash = decode_json(scalar qx($tool --dep --dynamic --json -q /bin/sh -- -c 'kill -SEGV \$\$'));
is($crash->{dynamic}{tests}[0]{status}, 'signal 11', 'a crash is a result');

# Bad input about programs and test files.
mkdir 'folder';
open my $script, '>', 'script'; print $script "#!/bin/sh\n"; close $script; chmod 0755, 'script';
open my $empty, '>', 'empty.json'; close $empty;
open my $wrong, '>', 'wrong.json'; print $wrong "{\"typeTest\": \"exec\",\n \"listCommands\": [1]}"; close $wrong;
my @bad = (
    ['folder is no program', qr/folder/, './folder'],
    ['a script names its interpreter', qr{script.*(interpreter|/bin/sh)}s, './script'],
    ['a missing program', qr/nowhere/, './nowhere'],
    ['an empty test file', qr/empty\.json: empty/, '-t', 'empty.json', '/bin/true'],
    ['a wrong key', qr/wrong\.json:2:19: listCommands\[0\]: a string was expected/, '-t', 'wrong.json', '/bin/true'],
    ['a missing test file', qr/none\.json/, '-t', 'none.json', '/bin/true'],
);
for my $case (@bad) {
    my ($name, $expected, @arguments) = @$case;
    ($status, $text) = message($tool, '--dep', '--dynamic', '--json', @arguments);
    is($status, 2, "$name: exit status 2");
    like($text, $expected, "$name: said");
    is(scalar(split /\n/, $text), 1, "$name: in one line") or diag($text);
}
is(join(' ', glob("$dir/*_output")), '', 'nothing half-written');

# A process that runs already goes on afterwards, however the tool ends.
my $other = fork // die;
if (!$other) {
    open STDOUT, '>', '/dev/null';
    exec '/bin/sh', '-c', "while :; do cat /etc/hostname; sleep 0.02; done # $marker";
}
sleep 0.2;
my $attached = decode_json(scalar qx($tool --dep --dynamic --json -q --pid $other -w 0.5 /bin/sh));
ok((grep { $_->{name} eq 'wait4' } @{ $attached->{dynamic}{syscalls} }), 'a running process is watched');
my $watcher = fork // die;
if (!$watcher) {
    open STDOUT, '>', '/dev/null';
    exec $tool, '--dep', '--dynamic', '--json', '-q', '--pid', $other, '-w', '30', '/bin/sh';
}
sleep 0.3;
kill 'KILL', $watcher;
waitpid $watcher, 0;
sleep 0.1;
is(waitpid($other, WNOHANG), 0, 'and goes on when the tool is killed');
kill 'KILL', $other;
waitpid $other, 0;

done_testing();
