#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# The command line itself: help, versions, wrong usage, and input that is no program.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} // die "TOOLCHAIN names the binary";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;

# Runs and gives exit status, standard output, standard error.
sub run {
    my @command = @_;
    my $pid = fork // die;
    if (!$pid) {
        open STDIN,  '<', '/dev/null' or die;
        open STDOUT, '>', "$dir/.out" or die;
        open STDERR, '>', "$dir/.err" or die;
        exec @command or exit 126;
    }
    waitpid $pid, 0;
    my $status = $? >> 8;
    $status = 128 + ($? & 127) if $? & 127;
    return ($status, slurp("$dir/.out"), slurp("$dir/.err"));
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    local $/;
    my $text = <$file>;
    return $text // '';
}

sub spill {
    my ($path, $data) = @_;
    open my $file, '>', $path or die;
    print $file $data;
    close $file;
    return $path;
}

# One clear message on standard error, nothing on standard output, the status, no output folder.
sub refuses {
    my ($name, $expected, $pattern, @arguments) = @_;
    my ($status, $out, $err) = run($toolchain, @arguments);
    is($status, $expected, "$name: exit status $expected") or diag $err;
    like($err, $pattern, "$name: says why");
    is($out, '', "$name: standard output stays empty");
    my @left = glob("$dir/*_output/*");
    is("@left", '', "$name: nothing half-written");
}

my ($status, $out, $err) = run($toolchain, '--version');
is($status, 0, '--version succeeds');
like($out, qr/^toolchain \d+\.\d+/, '--version prints the version');

for my $tool (qw(dep build verif perf crawler memanalyser)) {
    ($status, $out, $err) = run($toolchain, "--$tool", '--help');
    is($status, 0, "--$tool --help succeeds");
    like($out, qr/Usage: toolchain --\Q$tool\E/, "--$tool --help names the tool");
}
($status, $out, $err) = run($toolchain, '--help');
is($status, 0, '--help succeeds');
like($out, qr/--\Q$_\E\b/, "--help mentions --$_") for qw(dep build verif perf crawler memanalyser);

refuses('no program', 2, qr/no program given/, '--dep', '--static');
refuses('unknown option', 2, qr/--no-such-option/, '--dep', '--no-such-option', '/bin/true');
refuses('unknown tool', 2, qr/--no-such-tool/, '--no-such-tool', '/bin/true');
refuses('two tools', 2, qr/two tools/, '--dep', '--build', '/bin/true');
refuses('both halves alone', 2, qr/exclude/, '--dep', '--static', '--dynamic', '/bin/true');
refuses('not in PATH', 2, qr/not found in PATH/, '--dep', '--static', 'no-such-program-anywhere');
refuses('no such file', 2, qr/No such file/, '--dep', '--static', './no-such-program');
refuses('wrong call name', 2, qr/is not a system call/, '--dep', '--why', 'frobnicate', '/bin/true');
refuses('wrong wait', 2, qr/not a number of seconds/, '--dep', '-w', 'soon', '/bin/true');

mkdir "$dir/folder";
refuses('a directory', 2, qr/directory|folder/, '--dep', '--static', "$dir/folder");
refuses('an empty file', 2, qr/empty|ELF program was expected/, '--dep', '--static', spill("$dir/empty", ''));
refuses('not an ELF', 2, qr/ELF program was expected/, '--dep', '--static', spill("$dir/text", "hello, world\n" x 100));
refuses('a script', 2, qr{script.*/bin/sh}s, '--dep', '--static', spill("$dir/script", "#!/bin/sh -e\nexit 0\n"));
my $true = slurp('/bin/true');
refuses('a truncated ELF', 2, qr/\Q$dir\E\/cut/, '--dep', '--static', spill("$dir/cut", substr($true, 0, 900)));
my $arm = $true;
substr($arm, 18, 2) = pack('v', 40);
refuses('another architecture', 2, qr/ARM|arm|machine|architecture/, '--dep', '--static', spill("$dir/arm", $arm));
my $small = $true;
substr($small, 4, 1) = chr(1);
refuses('32-bit', 2, qr/32-bit/, '--dep', '--static', spill("$dir/small", $small));

refuses('no test file', 2, qr/nothing.json/, '--dep', '-t', "$dir/nothing.json", '/bin/true');
refuses('empty test file', 2, qr/empty/, '--dep', '-t', spill("$dir/e.json", ''), '/bin/true');
refuses('malformed test file', 2, qr/m\.json:2:\d+/, '--dep', '-t', spill("$dir/m.json", "{\n \"typeTest\" \"exec\" }"), '/bin/true');
refuses('wrongly typed test file', 2, qr/listCommands/, '--dep', '-t',
    spill("$dir/t.json", '{"typeTest":"exec","listCommands":"ls"}'), '/bin/true');

# An output folder that cannot be written.
spill("$dir/taken", '');
($status, $out, $err) = run($toolchain, '--dep', '--static', '-o', "$dir/taken/x", '/bin/true');
is($status, 3, 'output folder below a file: exit status 3');
like($err, qr/taken/, 'output folder below a file: named');

# --json: the document and nothing else; quiet on standard error with -q.
($status, $out, $err) = run($toolchain, '--dep', '--static', '--json', '-q', '/bin/true');
is($status, 0, '--json succeeds');
like($out, qr/\A\{\n  "schema": "profile/, '--json prints the document');
is($err, '', '-q: nothing on standard error');
ok(!-e "$dir/true_output", '--json writes no folder');

# The written document is the same, and the same again.
($status) = run($toolchain, '--dep', '--static', '-o', "$dir/first", '/bin/true');
is($status, 0, 'writes into -o');
my ($again, $document) = run($toolchain, '--dep', '--static', '--json', '-q', '/bin/true');
is(slurp("$dir/first/profile.json"), $document, 'profile.json holds what --json prints');

done_testing;
