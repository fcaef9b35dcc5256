#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Filters: what is emitted, and that a program runs under its own filter and dies outside it.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} // die "TOOLCHAIN names the binary";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return scalar <$file>;
}

sub run {
    my $out = qx(@_ 2>&1 </dev/null);
    return ($? >> 8, $out);
}

# A program whose second run makes a call that its first did not.
open my $source, '>', 'later.c' or die;
print $source <<'END';
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void)
{
    if (access("marker", F_OK) == 0)
        return mkdir("folder", 0777) != 0;
    close(open("marker", O_CREAT | O_WRONLY, 0666));
    return 0;
}
END
close $source;
is(system('cc', '-O1', '-o', 'later', 'later.c'), 0, 'the test program compiles');

my ($status, $out) = run($toolchain, qw(--dep --static --emit seccomp-json -o o ./later));
is($status, 0, 'emits seccomp-json') or diag $out;
my $oci = decode_json(slurp('o/seccomp.json'));
my %allowed = map { $_ => 1 } @{$oci->{syscalls}[0]{names}};
ok($allowed{$_}, "the static filter allows $_") for qw(mkdir openat access close exit_group execve);
ok(!$allowed{$_}, "the static filter does not allow $_") for qw(socket ptrace kexec_load);
is($oci->{defaultAction}, 'SCMP_ACT_ERRNO', 'other calls are refused, not fatal');

($status, $out) = run($toolchain, qw(--dep --static --emit systemd -o o ./later));
is($status, 0, 'emits systemd');
my @systemd = sort map { split ' ' } slurp('o/seccomp.conf') =~ /^SystemCallFilter=(.*)$/mg;
is("@systemd", join(' ', sort keys %allowed), 'both formats hold the same calls');

($status, $out) = run($toolchain, qw(--dep --static --emit bpf -o o ./later));
is($status, 0, 'emits bpf');
my $bpf = slurp('o/seccomp.bpf');
ok(length $bpf && length($bpf) % 8 == 0, 'a BPF program is a whole number of instructions');

($status, $out) = run($toolchain, qw(--dep --static --enforce -o o ./later));
is($status, 0, 'runs under its static filter') or diag $out;
like($out, qr/under the filter, exit status 0/, 'and says so');
unlink 'marker';
rmdir 'folder';

($status, $out) = run($toolchain, qw(--dep --dynamic --from dynamic --enforce -o o ./later));
is($status, 1, 'a call outside the dynamic filter is an outcome of 1');
like($out, qr/SIGSYS/, 'and is named');
ok(!-e 'folder', 'the call did not happen');

($status, $out) = run($toolchain, qw(--dep --static --from dynamic --emit bpf -o o ./later));
is($status, 2, '--from dynamic without a run is wrong usage');

done_testing;
