#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# --verif, --fix and --perf with the bench core: images really built, really broken, really mended.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $tool = $ENV{TOOLCHAIN} or die "TOOLCHAIN is not set";
my $src = $ENV{SRC} or die "SRC is not set";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;
our $core = "--uk-root $src/tests/core --uk-libs $src/tests/corelibs --platform linuxu";

sub spew { my ($name, $text) = @_; open my $f, '>', $name or die "$name: $!"; print $f $text; close $f }
sub slurp { my ($name) = @_; open my $f, '<', $name or return ''; local $/; return scalar <$f> }

spew('prog.c', <<'C');
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char line[100], data[9] = "";
    struct timespec t;
    setvbuf(stdout, NULL, _IONBF, 0);
    printf("ready %d\n", argc);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (!strcmp(line, "quit"))
            break;
        if (!strcmp(line, "time")) {
            printf("clock %d\n", clock_gettime(CLOCK_MONOTONIC, &t));
        } else if (!strcmp(line, "file")) {
            int fd = open("data.tmp", O_CREAT | O_RDWR, 0644);
            printf("write %d\n", (int)write(fd, "abcdef", 6));
            printf("seek %d\n", (int)lseek(fd, 0, SEEK_SET));
            printf("read %d %s\n", (int)read(fd, data, 8), data);
            close(fd);
            unlink("data.tmp");
        } else {
            printf("got %s\n", line);
        }
    }
    return 3;
}
C
is(system(qw(cc -O1 -w -static-pie -o prog prog.c)), 0, 'the program compiles');
spew('t.json', encode_json({typeTest => 'stdin', timeMsCommand => 30, timeOutMsTest => 3000, workFolder => JSON::PP::true, listCommands => [qw(one time file two quit)]}));

sub verif {
    my ($out, $arguments) = @_;
    system("'$tool' --verif ./prog -t t.json -o $out $core $arguments > $out.txt 2> $out.err");
    my $status = $? >> 8;
    my $text = slurp("$out/verif.json");
    return ($status, $text ? decode_json($text) : {});
}

my ($status, $v) = verif('right', '');
is($status, 0, 'the image built for the program verifies') or diag slurp('right.txt'), slurp('right.err');
is($v->{different}, 0, '... nothing differs');
is($v->{runs}[0]{checks}[-1]{image}, 'exit 3', '... with the exit status of the program');
is(system("'$tool' --verif ./prog -t t.json -o right > again.txt 2>&1") >> 8, 0, 'the image that --build left is found again');

# A needed library left out: diagnosed to it, and with --fix mended.
($status, $v) = verif('time', '--forbid LIBPOSIX_TIME --keep-going');
is($status, 1, 'without its clock the image differs');
is($v->{divergence}{kind}, 'missing call', '... a call is missing');
is($v->{divergence}{call}, 'clock_gettime', '... which one');
is($v->{divergence}{candidates}[0]{option}, 'LIBPOSIX_TIME', '... what would give it');
is($v->{divergence}{candidates}[0]{library}, 'libposix_time', '... and where that is');
like($v->{divergence}{where}, qr/time/, '... and at which command it showed');
($status, $v) = verif('fixed', '--forbid libposix_time --keep-going --fix');
is($status, 0, '--fix mends it') or diag slurp('fixed.txt'), slurp('fixed.err');
is($v->{verdict}, 'same', '... verified');
is_deeply($v->{fixes}[0]{pinned}, ['LIBPOSIX_TIME'], '... by what it added');

# A library that is there but wrong: its core is patched, the blame falls on it.
mkdir 'broken';
system("cp -r '$src/tests/core' broken/core");
my $file = (grep { slurp($_) =~ /CORE_SYSCALL3\([a-z_]+, lseek|CORE_RAW3\(lseek/ } glob('broken/core/lib/*/*.c'))[0];
ok($file, 'the call to be broken is found');
my $text = slurp($file);
$text =~ s/(CORE_(?:SYSCALL3\([a-z_]+, |RAW3\()lseek[^{]*\{)/$1\n    if (fd > 2)\n        return -EINVAL;/ or die;
spew($file, $text);
{
    local $core = $core =~ s/\S+tests\/core /broken\/core /r;
    ($status, $v) = verif('wrong', '');
}
is($status, 1, 'a call with a wrong result is caught') or diag slurp('wrong.txt'), slurp('wrong.err');
is($v->{divergence}{call}, 'lseek', '... named');
is($v->{divergence}{native_result}, '0', '... with its result on Linux');
like($v->{divergence}{image_result} || '', qr/-22 \(EINVAL\)/, '... and in the image');
my ($library) = $file =~ m{lib/([^/]+)/};
like($v->{divergence}{library} || '', qr/fdio|vfscore/, '... and blamed on a library that provides it');

# A search over a few of the core's own options: a smaller image, verified.
system("'$tool' --perf ./prog -t t.json -o perf $core --objective size --samples 1 --most 8"
    . " --knob OPTIMIZE_DEADELIM=n,y --knob LIBUKBOOT_BANNER=LIBUKBOOT_BANNER_FULL,LIBUKBOOT_BANNER_NONE"
    . " --knob LIBUKBOOT_MEMTEST=y,n > perf.txt 2> perf.err");
is($? >> 8, 0, 'a search over configurations of the core') or diag slurp('perf.err');
my $p = decode_json(slurp('perf/perf.json') || '{}');
my ($start, $best) = @{$p->{points}}[0, $p->{best}];
cmp_ok($best->{metrics}[0]{median}, '<', $start->{metrics}[0]{median}, '... finds a smaller image');
ok($best->{verified}, '... that passed verification');
is_deeply([map { $best->{values}{$_} || 'n' } qw(OPTIMIZE_DEADELIM)], ['y'], '... for the reason expected');
cmp_ok((sort { $a <=> $b } map { $_->{metrics}[0]{median} } grep { $_->{works} } @{$p->{points}})[0], '==', $best->{metrics}[0]{median}, '... none measured is smaller');

done_testing();
