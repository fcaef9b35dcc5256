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

my $status = system("$tool --dep --static --bound many /bin/true >/dev/null 2>$dir/error");
is($status >> 8, 2, 'a bound that is no number is refused');
done_testing;
