#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# What the tests can do without: programs whose needs are known by construction, a server, limits of
# time, and that nothing is left behind when a signal ends it half-way.
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

sub build {
    my ($name, $source) = @_;
    system('cc', '-O1', '-Wall', '-o', "$dir/$name", "$src/tests/programs/$source.c") == 0
        or BAIL_OUT("cannot build $name");
    return "$dir/$name";
}

sub traced {
    my @options = @_;
    open my $out, '-|', $tool, '--dep', '--dynamic', '--json', '-q', @options or die;
    local $/;
    my $text = <$out>;
    close $out;
    return decode_json($text)->{dynamic};
}

sub folders { return scalar(() = glob "$dir/toolchain-*") }

# ---- known by construction ----
my $together = traced('--selectors', build('needs_together', 'tracing/needs_together'));
my %class = map { $_->{name} => $_ } @{ $together->{syscalls} };
my %wanted = (memfd_create => 'stubbable', times => 'required', umask => 'fakeable', fcntl => 'required',
    mmap => 'required', set_robust_list => 'any');
is($class{$_}{class}, $wanted{$_}, "$_: $wanted{$_}") for sort keys %wanted;
my @either = sort map { $class{$_}{class} } qw(getpgid gettid);
is("@either", 'any required', 'of two calls either of which is enough one can go');
is((grep { ($class{$_}{alone} // '') eq 'any' } qw(getpgid gettid)), 1, 'and that the other could too, alone, is said');
my ($instead) = grep { $_->{name} eq 'getppid' } @{ $together->{fallbacks} };
is("$instead->{class} $instead->{instead_of}", 'required memfd_create', 'a call that is made only instead of another is found');
is($class{getppid}, undef, 'and is none that the tests make');
my %use = map { ($_->{name} // '') => $_->{class} } @{ $together->{selectors} };
is("$use{F_DUPFD} $use{F_GETFD} $use{F_SETFD}", 'required any any', 'of a call that is needed, one use is');

# ---- a server, on a port of its own choice too ----
my $reply = build('http_reply', 'http_reply');
my $spec = decode_json(do { local (@ARGV, $/) = "$src/testFiles/http_reply.json"; <> });
my %needed = map { $_ => 'required' } qw(socket bind listen accept recvfrom sendto);
for my $fixed (0, 1) {
    my $file = "$src/testFiles/http_reply.json";
    if ($fixed) { # what another program holds: only in a network of its own is it free
        @$spec{qw(portTelnet arguments)} = (7, ['7']);
        $file = 'fixed.json';
        open my $out, '>', $file or die;
        print $out encode_json($spec);
    }
    my $server = traced('--classify', '-t', $file, $reply);
    my %server = map { $_->{name} => $_->{class} } @{ $server->{syscalls} };
    is_deeply({ map { $_ => $server{$_} } keys %needed }, \%needed,
        'a server needs what it serves with, ' . ($fixed ? 'on a fixed port' : 'on a free port'));
    isnt($server{setsockopt}, 'required', 'but no socket options');
}

# ---- time ----
my $began = time;
my $slow = qx($tool --dep --dynamic --classify --budget 1 --json /bin/sleep -- 0.5 2>&1 >slow.json);
cmp_ok(time - $began, '<', 15, 'the budget bounds the time');
like($slow, qr/not decided within the time \(--budget SECONDS gives more\)/, 'and what was not decided is said');
my $open = decode_json(do { local (@ARGV, $/) = 'slow.json'; <> })->{dynamic}{syscalls};
cmp_ok((grep { !defined $_->{class} } @$open), '>', 0, 'such calls have no class');
is(folders(), 0, 'no folder is left');

# ---- half-way ----
require "$src/tests/integration/survivors.pl";
sub survivors { return survivors_of($marker) }

open my $leave, '>', 'leave.json' or die;
print $leave encode_json({
    typeTest => 'stdin', timeOutMsTest => 60000, workFolder => JSON::PP::true,
    arguments => ['-c', "trap '' TERM INT HUP; (setsid sleep $marker &); touch here; while read x; do echo \$x; done"],
    setup => ["sleep $marker &"], listCommands => ['one', 'two'],
});
close $leave;
my ($left, $folders, $ways) = (0, 0, 0);
my @signals = qw(TERM INT HUP QUIT KILL);
for my $round (0 .. 4) {
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec $tool, '--dep', '--dynamic', '--classify', '--json', '-q', '-t', 'leave.json', '/bin/bash';
    }
    sleep 0.3 + 0.25 * $round; # from untouched runs on
    my $signal = $signals[$round % @signals];
    kill $signal, $pid;
    my $gone = wait_for(sub { waitpid($pid, WNOHANG) == $pid }, 10);
    $ways++ if $gone && $signal ne 'KILL' && WIFSIGNALED($?);
    kill 'KILL', $pid unless $gone;
    $left++ unless $gone && wait_for(sub { !survivors() }, 5);
    $folders += folders() unless $signal eq 'KILL'; # which leaves no time for that
    system 'rm', '-rf', glob "$dir/toolchain-*";
}
is($left, 0, 'no process outlives a classification that a signal ends') or diag(join "\n", survivors());
is($folders, 0, 'nor does a folder');
is($ways, 4, 'and the tool ends by that signal');

done_testing();
