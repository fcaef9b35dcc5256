#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# What tracing must not change, and what it must not cost: programs unwound through a call, libraries
# that come and go, users without privileges, folders of killed runs; stops where nothing is new.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;
use Time::HiRes qw(sleep time);

my ($tool, $src) = @ENV{qw(TOOLCHAIN SRC)};
my $dir = tempdir(CLEANUP => 1);
$ENV{XDG_CACHE_HOME} = "$dir/cache";
$ENV{TMPDIR} = $dir;
chmod 0755, $dir;
chdir $dir or die;

sub build {
    my ($name, $compiler, $source, @flags) = @_;
    system("$compiler -O1 -w -o $name $source @flags") == 0 or BAIL_OUT("cannot build $name");
    return "$dir/$name";
}
sub traced {
    my ($command) = @_;
    my $text = qx(timeout 60 $tool --dep --dynamic --json -v $command 2>stderr </dev/null);
    my $profile = eval { decode_json($text) } // return { tests => [{ status => 'no profile' }] };
    open my $in, '<', 'stderr';
    ($profile->{dynamic}{stops}) = join('', <$in>) =~ /(\d+) stops/;
    return $profile->{dynamic};
}
sub output_of { return $_[0]{tests}[-1]{output} // $_[0]{tests}[-1]{status} }

my $programs = "$src/tests/programs/tracing";
is(output_of(traced(build('cancel', 'c++', "$programs/cancel.cpp", '-lpthread'))), "5 destroyed\n",
    'a stack is unwound through the instruction of a call');
like(output_of(traced(build('dl_loop', 'cc', "$programs/dl_loop.c", '-ldl'))), qr/^(looped|no libraries)$/,
    'libraries come and go at the same addresses');

# A million calls from a place whose number is constant, and from one where it varies.
open my $c, '>', 'calls.c' or die;
print $c "#define _GNU_SOURCE\n#include <sys/syscall.h>\n#include <unistd.h>\nint main(void)\n{\n"
    . "    for (int i = 0; i < 200000; i++) {\n        getppid();\n        syscall(i % 2 ? SYS_getuid : SYS_getgid);\n    }\n"
    . "    syscall(SYS_getpgrp);\n    return 0;\n}\n";
close $c;
my $calls = traced(build('calls', 'cc', 'calls.c'));
cmp_ok($calls->{stops}, '<', 2000, "400000 calls stop $calls->{stops} times");
ok((grep { $_->{name} eq 'getpgrp' } @{ $calls->{syscalls} }), 'and the last one, unlike the others, is seen');

# A program that is executed over and over need not stop at what it did before.
my $storm = traced("/bin/sh -- -c 'i=0; while [ \$i -lt 200 ]; do /bin/true; i=\$((i+1)); done'");
cmp_ok($storm->{stops}, '<', 200 * 25, "200 processes stop $storm->{stops} times");

# Somebody else than root.
SKIP: {
    skip 'needs root to become somebody else', 2 if $> != 0;
    my $cache = "$dir/nobody";
    mkdir $cache;
    chmod 0777, $cache;
    for my $program ('/bin/bash -- -c "id -u; (true)"', '/usr/bin/su') {
        my $text = qx(cd / && XDG_CACHE_HOME=$cache setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs $tool --dep --dynamic --json -q $program 2>&1 </dev/null);
        if ($program =~ /bash/) {
            is(output_of(eval { decode_json($text)->{dynamic} } // {}), "65534\n", 'an unprivileged user traces');
        } else {
            like($text, qr/set-user-ID/, 'and is told why a set-user-ID program cannot be');
        }
    }
}

# The folder of a run that was killed goes with the next run.
open my $spec, '>', 'folder.json' or die;
print $spec encode_json({ typeTest => 'exec', timeOutMsTest => 20000, workFolder => JSON::PP::true,
    arguments => ['30'], listCommands => ['sleep 20'] });
close $spec;
my $pid = fork // die;
if (!$pid) {
    open STDOUT, '>', '/dev/null';
    open STDERR, '>', '/dev/null';
    exec $tool, '--dep', '--dynamic', '--json', '-q', '-t', 'folder.json', '/bin/sleep';
}
my $until = time + 10;
sleep 0.05 until glob("$dir/toolchain-??????") || time > $until;
my ($left) = glob "$dir/toolchain-??????";
kill 'KILL', $pid;
waitpid $pid, 0;
ok($left && -d $left, 'a killed run leaves its folder');
sleep 3.2; # a folder just made is left alone
open $spec, '>', 'short.json' or die;
print $spec encode_json({ typeTest => 'exec', timeOutMsTest => 5000, workFolder => JSON::PP::true, arguments => ['0.1'],
    listCommands => ['true'] });
close $spec;
traced('-t short.json /bin/sleep');
ok(!-e $left, 'and the next one removes it');
is(join(' ', glob "$dir/toolchain-??????"), '', 'with its own');

done_testing();
