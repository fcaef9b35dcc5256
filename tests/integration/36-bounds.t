#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Code beyond the bound is taken whole: a superset, which says so. And what a comparison said of a
# register does not outlive a call.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $tool = $ENV{TOOLCHAIN} or die "TOOLCHAIN not set";
my $dir = tempdir(CLEANUP => 1);

sub analysis {
    my @command = @_;
    open my $out, '-|', $tool, qw(--dep --static --no-cache --json -q), @command or die;
    my $json = do { local $/; <$out> };
    close $out;
    is($? >> 8, 0, "@command: analysed");
    return decode_json($json)->{static};
}

sub calls {
    my ($static) = @_;
    my %calls = map { $_->{name} => 1 } @{$static->{syscalls}};
    for my $plugin (@{$static->{plugins}}) {
        $calls{$_->{name}} = 1 for @{$plugin->{syscalls}};
    }
    return \%calls;
}

for my $program (grep { -x } qw(/bin/ls /usr/bin/perl /usr/bin/env)) {
    my $followed = calls(analysis($program));
    my $static = analysis('--bound', 1, $program);
    my $whole = calls($static);
    is_deeply([grep { !$whole->{$_} } sort keys %$followed], [], "$program, taken whole: nothing is missing");
    ok((grep { $_->{reason} =~ /more code than the bound/ } @{$static->{unresolved}}), "$program: the bound is reported");
}

open my $source, '>', "$dir/end.c" or die;
print $source <<'C';
#include <stdio.h>
#include <sys/stat.h>
int main(int argc, char **argv)
{
    FILE *f = argc > 1 ? fopen(argv[1], "r") : stdin;
    if (fseek(f, 0, 0) != 0)
        return 1;
    while (getc(f) != EOF)
        ;
    return mkdir("ended", 0700); /* behind a comparison of eax with what fseek() did not return */
}
C
close $source;
is(system('cc', '-O2', '-o', "$dir/end", "$dir/end.c"), 0, 'compiled');
ok(calls(analysis("$dir/end"))->{mkdir}, 'the end of a file is reached');

# Code that no table bounds and that jumps to itself through memory, with a frame still there.
my $labels = join ', ', map { "l$_" } 0 .. 3999;
my $code = join '', map {
    my $call = $_ == 3900 ? 'mov $111, %eax; syscall;' : $_ == 3950 ? 'call getppid@plt;' : '';
    "l$_: $call mov state(%rip), %rcx; inc %rcx; mov %rcx, state(%rip); lea table(%rip), %rdx; mov (%rdx,%rcx,8), %rax; jmp *%rax\n"
} 0 .. 3998;
open $source, '>', "$dir/jumpy.s" or die;
print $source ".text\n.globl run\nrun: sub \$24, %rsp\njmp l0\n${code}l3999: add \$24, %rsp\nret\n.data\ntable: .quad $labels\nstate: .quad 0\n",
    ".section .note.GNU-stack,\"\"\n";
close $source;
open $source, '>', "$dir/jumper.c" or die;
print $source "void run(void);\nint main(void) { run(); return 0; }\n";
close $source;
for my $flags (['-pie', '-fPIE'], ['-no-pie', '-s']) {
    is(system('cc', '-O1', @$flags, '-o', "$dir/jumper", "$dir/jumper.c", "$dir/jumpy.s"), 0, "compiled @$flags");
    my $began = time;
    my $static = analysis("$dir/jumper");
    cmp_ok(time - $began, '<', 30, 'much code without ranges: ends soon');
    my $set = calls($static);
    ok($set->{getpgrp} && $set->{getppid}, 'much code without ranges: what it calls is there');
    ok((grep { $_->{reason} =~ /more code without ranges/ } @{$static->{unresolved}}), 'much code without ranges: it is said');
}

my $status = system("$tool --dep --static --bound many /bin/true >/dev/null 2>$dir/error");
is($status >> 8, 2, 'a bound that is no number is refused');
done_testing;
