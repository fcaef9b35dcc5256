#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# --verif on images that are really broken: the bench core's own sources are changed so that one
# call misbehaves in one way, and the report must name the call and the library that provides it.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $tool = $ENV{TOOLCHAIN} or die "TOOLCHAIN is not set";
my $src = $ENV{SRC} or die "SRC is not set";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;

sub spew { my ($name, $text) = @_; open my $f, '>', $name or die "$name: $!"; print $f $text; close $f }
sub slurp { my ($name) = @_; open my $f, '<', $name or return ''; local $/; return scalar <$f> }

# Straight system calls, so that each command is one or two of them.
spew('prog.c', <<'C');
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
    char line[100], data[9] = "";
    int fd = -1;
    setvbuf(stdout, NULL, _IOLBF, 1000);
    printf("ready\n");
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (!strcmp(line, "quit"))
            break;
        if (!strcmp(line, "store")) {
            fd = open("data.tmp", O_CREAT | O_TRUNC | O_RDWR, 0644);
            printf("stored %d\n", (int)write(fd, "abcdef", 6));
        } else if (!strcmp(line, "back")) {
            printf("back at %d\n", (int)lseek(fd, 0, SEEK_SET));
        } else if (!strcmp(line, "load")) {
            printf("loaded %d: %s\n", (int)read(fd, data, 8), data);
        } else {
            printf("got %s\n", line);
        }
    }
    unlink("data.tmp");
    return 3;
}
C
is(system(qw(cc -O1 -w -static-pie -o prog prog.c)), 0, 'the program compiles');
spew('t.json', encode_json({typeTest => 'stdin', timeMsCommand => 30, timeOutMsTest => 2000,
    workFolder => JSON::PP::true, listCommands => [qw(one store back load two quit)]}));

# Each: what is inserted where into the core; what the report must say.
my @cases = (
    {name => 'lost output', call => 'write', insert => 'static int lines; if (fd == 1 && size > 4 && ++lines == 2) return (ssize_t)size;',
        kind => 'lost output', where => qr/one/},
    {name => 'a truncated file', call => 'write', insert => 'if (fd > 2) { struct uk_file *g = uk_fd_get(fd); if (g) { write_at(g, data, size / 2, g->at); return (ssize_t)size; } }',
        kind => 'wrong result', blamed => 'read', where => qr/load/},
    {name => 'a hang', call => 'lseek', insert => 'for (volatile int on = 1; on;) continue;',
        kind => 'hang', where => qr/back/},
    {name => 'a wrong return value', call => 'lseek', insert => 'if (fd > 2) return 7;',
        kind => 'wrong result', where => qr/back/},
    {name => 'a crash at exit', call => 'unlink', file => 'names.c', insert => '*(volatile int *)16 = 0;', kind => 'crash', where => qr/exit/},
);
for my $case (@cases) {
    my ($name, $call) = @{$case}{qw(name call)};
    my $core = ($name =~ tr/ /-/r);
    system('cp', '-r', "$src/tests/core", $core);
    my ($file) = grep { slurp($_) =~ /CORE_SYSCALL\d\([a-z_ ]+, $call,/ } glob("$core/lib/*/*.c");
    my $text = slurp($file);
    $text =~ s/(CORE_SYSCALL\d\([a-z_ ]+, $call,[^{]*\{)/$1 $case->{insert}/ or die;
    spew($file, $text);
    my ($provider) = $file =~ m{lib/([^/]+)/};
    system("'$tool' --verif ./prog -t t.json -o $core.out --uk-root $core --uk-libs $src/tests/corelibs --platform linuxu > $core.txt 2> $core.err");
    is($? >> 8, 1, "$name is caught") or diag slurp("$core.txt"), slurp("$core.err");
    my $v = decode_json(slurp("$core.out/verif.json") || '{}');
    my $part = $v->{divergence};
    is($part->{kind}, $case->{kind}, '... as what it is') or diag encode_json($part);
    is($part->{call}, $case->{blamed} || $call, '... the call is named') or diag encode_json($part);
    is($part->{library}, 'lib' . ($provider =~ tr/-/_/r), '... and blamed on the library that provides it');
    like($part->{where}, $case->{where}, '... where it shows');
    ok((grep { $_->{native_calls} && $_->{image_calls} } @{$v->{runs}}), '... with the calls of either side counted');
}

done_testing();
