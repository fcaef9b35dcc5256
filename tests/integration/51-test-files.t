#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Every test file that ships runs against its program, and each command does what it should.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;

my ($tool, $src) = @ENV{qw(TOOLCHAIN SRC)};
my $dir = tempdir(CLEANUP => 1);
$ENV{XDG_CACHE_HOME} = "$dir/cache";
chdir $dir or die;

my %programs = (
    'sqlite3' => '/usr/bin/sqlite3', 'redis-server' => '/usr/bin/redis-server',
    'nginx' => '/usr/sbin/nginx', 'memcached' => '/usr/bin/memcached',
    'lighttpd' => '/usr/sbin/lighttpd', 'haproxy' => '/usr/sbin/haproxy', 'curl' => '/usr/bin/curl',
    'python3' => '/usr/bin/python3', 'lua5.4' => '/usr/bin/lua5.4', 'ruby' => '/usr/bin/ruby',
    'duk' => '/usr/bin/duk', 'http_reply' => "$dir/http_reply",
);
my $path = "$ENV{PATH}:$ENV{HOME}/.cargo/bin";
my $built = qx(PATH=$path make -s -C $src/tests/programs OUT=$dir 2>&1);
is($?, 0, 'the small programs build') or diag($built);

sub run_tests {
    my ($file, $program, @options) = @_;
    my $text = qx(timeout 100 $tool --dep --dynamic --json -q @options -t $src/testFiles/$file.json $program);
    is($?, 0, "$file: done");
    my $profile = eval { decode_json($text) } or return fail("$file: a profile");
    my $spec = decode_json(do { local (@ARGV, $/) = "$src/testFiles/$file.json"; <> });
    my @tests = @{ $profile->{dynamic}{tests} };
    is(scalar @tests, @{ $spec->{listCommands} } + 1, "$file: a result per command, and the program's");
    my @odd = grep { $_->{status} !~ /^(exit 0|sent|reply|no reply|ended by the tool)$/ } @tests;
    is(join("\n", map { "$_->{command}: $_->{status}: " . ($_->{output} // '') } @odd), '',
        "$file: every command did what it should");
    cmp_ok(scalar @{ $profile->{dynamic}{syscalls} }, '>', 8, "$file: system calls");
    my ($name) = $text =~ m{(.*toolchain-[A-Za-z0-9]{6}.*)};
    is($name, undef, "$file: no temporary names in the profile");
    return $profile;
}

for my $file (sort keys %programs) {
    run_tests($file, $programs{$file});
}
run_tests('hello', "$dir/hello-$_") for qw(c cpp go rust);

# Command lines: each is a run.
my $runs = decode_json(scalar qx($tool --dep --dynamic --json -q -c $src/configFiles/sqlite3.txt /usr/bin/sqlite3));
is(scalar @{ $runs->{dynamic}{tests} }, 5, 'a run per command line');
is((grep { $_->{status} eq 'exit 0' } @{ $runs->{dynamic}{tests} }), 5, 'all fine');
is(join(' ', glob("$dir/toolchain-* $dir/*_output")), '', 'nothing left behind');

# Repeated runs: the union, and what only some of them did. The shell takes turns.
my @turns = ('--', '-c', 'if [ -e turn ]; then rm turn; umask 022; else : >turn; fi');
my $often = decode_json(scalar qx($tool --dep --dynamic --json -q --repeat 4 /bin/dash -- -c '$turns[2]'))->{dynamic};
my %runs = map { $_->{name} => $_->{runs} } @{ $often->{syscalls} };
is($often->{runs}, 4, 'the number of runs is kept');
is($runs{umask}, 2, 'a call that half of them made');
is($runs{mmap}, undef, 'one that all made');
like(scalar qx($tool --dep --dynamic -q --repeat 4 -o $dir/turns /bin/dash -- -c '$turns[2]'),
    qr/sometimes\s+.*umask \(2 of 4 runs\)/s, 'and in the text');

# A port that somebody else has: not their answers.
my $mine = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die;
my $port = $mine->sockport;
open my $taken, '>', 'taken.json' or die;
print $taken encode_json({ typeTest => 'telnet', timeMsCommand => 10, portTelnet => $port, timeOutMsTest => 5000,
    arguments => ["$port"], listCommands => ['GET /quit HTTP/1.0', ''], expectedOutput => ['', 'bye'] });
close $taken;
my $both = qx($tool --dep --dynamic --json -t taken.json $dir/http_reply 2>&1 >taken.out);
if ($? == 0) {
    my $result = decode_json(do { local (@ARGV, $/) = 'taken.out'; <> });
    is($result->{dynamic}{tests}[1]{status}, 'reply', 'a taken port is free in a network of its own');
    like($both, qr/port $port is taken: the test runs in a network of its own/, 'which is said');
} else { # network namespaces are not allowed here
    is($? >> 8, 2, 'a taken port is an error');
    like($both, qr/port $port, on which the test talks to the program, is taken/, 'which is said');
}

done_testing();
