#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# --verif on images that are right, and on images broken on purpose: each is caught, and the report
# says what broke. The images here are wrappers of the program itself, so that what is wrong with
# each is known by construction.
use strict;
use warnings;
use Cwd qw(getcwd);
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $tool = $ENV{TOOLCHAIN} or die "TOOLCHAIN is not set";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;

sub spew { my ($name, $text, $mode) = @_; open my $f, '>', $name or die "$name: $!"; print $f $text; close $f; chmod $mode || 0644, $name }
sub slurp { my ($name) = @_; open my $f, '<', $name or return ''; local $/; return scalar <$f> }

spew('prog.c', <<'C');
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    const char *bug = getenv("BUG") ? getenv("BUG") : "";
    char line[100];
    int n = 0;
    struct stat st;
    printf("ready pid %d stack %p\n", getpid(), (void *)line);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (!strcmp(line, "quit"))
            break;
        if (!strcmp(line, "time")) {
            printf("now %ld\n", (long)time(NULL));
        } else if (!strcmp(line, "file")) {
            int fd = open("out.txt", O_CREAT | O_TRUNC | O_WRONLY, 0644);
            if (write(fd, "0123456789abc", strcmp(bug, "truncated") ? 13 : 10) < 0)
                return 9;
            close(fd);
        } else if (!strcmp(line, "stat")) {
            printf("stat %d\n", stat(strcmp(bug, "failed") ? "/" : "/nothing", &st));
        } else {
            n++;
            if (n == 2 && !strcmp(bug, "lost"))
                continue;
            if (n == 2 && !strcmp(bug, "hang"))
                pause();
            if (n == 2 && !strcmp(bug, "crash"))
                abort();
            if (n == 2 && !strcmp(bug, "noise"))
                printf("noise\n");
            printf("got %s\n", line);
        }
    }
    fflush(stdout);
    if (!strcmp(bug, "exit-crash"))
        *(volatile int *)16 = 1;
    return strcmp(bug, "status") ? 3 : 4;
}
C
is(system(qw(cc -O1 -w -o prog prog.c)), 0, 'the program compiles');
spew('t.json', encode_json({typeTest => 'stdin', timeMsCommand => 30, timeOutMsTest => 2000,
    workFolder => JSON::PP::true, listCommands => [qw(one time two file stat three quit)]}));

my $runs = 0;
# Runs --verif; returns exit status and document.
sub verif {
    my (@arguments) = @_;
    my $out = "out-" . ++$runs;
    system("'$tool' --verif ./prog -t t.json -o $out @arguments > $out.txt 2> $out.err");
    my $status = $? >> 8;
    my $text = slurp("$out/verif.json");
    return ($status, $text ? decode_json($text) : {}, slurp("$out.txt"), slurp("$out.err"));
}

sub image {
    my ($bug) = @_;
    my $here = getcwd();
    spew("image-$bug", "#!/bin/sh\necho 'SeaBIOS (version 1)'\nBUG=$bug exec $here/prog \"\$@\"\n", 0755);
    return "--image image-$bug";
}

my ($status, $v, $text) = verif(image('none'));
is($status, 0, 'a right image verifies');
is($v->{verdict}, 'same', '... says so');
is(scalar(grep { $_->{aspect} eq 'output' } @{$v->{runs}[0]{checks}}), 7, '... every command was compared');
ok((grep { $_->{name} eq 'console' && $_->{image_count} == 1 } @{$v->{normalisers}}), '... the cut boot text is listed');
ok((grep { $_->{name} eq 'varies' && $_->{native_count} > 0 } @{$v->{normalisers}}), '... so is what varies by itself');
like($text, qr/same: out.txt|same\s+file: out.txt/, '... the file was compared');
ok($v->{runs}[0]{native_peak_kb} > 100, '... memory high-water mark is told');

# bug => [kind, aspect of the first difference, what a reason must say]
my %broken = (
    lost       => ['lost output',  'output', qr/1 line of Linux missing/],
    noise      => ['unexplained',  'output', qr/1 line only in the image/],
    hang       => ['hang',         'output', qr/missing/],
    crash      => ['crash',        'output', qr/missing/],
    status     => ['wrong result', 'exit',   qr/another way/],
    truncated  => ['file',         'file',   qr/ends 3 bytes early/],
    'exit-crash' => ['crash',      'exit',   qr/another way/],
);
for my $bug (sort keys %broken) {
    my ($kind, $aspect, $reason) = @{$broken{$bug}};
    my ($status, $v) = verif(image($bug), '--no-calls');
    is($status, 1, "$bug: caught");
    is($v->{divergence}{kind}, $kind, "$bug: what kind of thing it is");
    my ($first) = grep { $_->{verdict} eq 'different' } @{$v->{runs}[0]{checks}};
    is($first->{aspect}, $aspect, "$bug: where it shows");
    like($first->{reason} || '', $reason, "$bug: what is wrong");
}
{
    my ($status, $v) = verif(image('crash'));
    my ($exit) = grep { $_->{aspect} eq 'exit' } @{$v->{runs}[0]{checks}};
    like($exit->{image}, qr/signal 6/, 'crash: the signal is named');
    my ($second) = grep { ($_->{subject} || '') eq 'two' } @{$v->{runs}[0]{checks}};
    like($second->{diff}, qr/^-got two$/m, 'crash: a readable difference');
}

# A core that traces its calls: the call that parted is named. The trace of the broken program is
# strace's.
{
    spew('tracing', "#!/bin/sh\nBUG=truncated exec strace -o /dev/stdout $dir/prog \"\$@\"\n", 0755);
    my ($status, $v) = verif(image('truncated'), '--trace-image tracing');
    is($v->{divergence}{call}, 'write', 'truncated: the call is named');
    is($v->{divergence}{native_result}, '13', '... with its result on Linux');
    is($v->{divergence}{image_result}, '10', '... and in the image');
}
{
    spew('lacking', "#!/bin/sh\necho '[shim] syscall getpid is not available'\nexec $dir/prog\n", 0755);
    spew('lacking-bad', "#!/bin/sh\necho '[shim] syscall newfstatat is not available'\nBUG=failed exec $dir/prog\n", 0755);
    my ($status, $v) = verif('--image lacking');
    is($status, 0, 'a refused call that changes nothing is no difference');
    ($status, $v) = verif('--image lacking-bad');
    is($status, 1, 'a refused call that changes an answer is one');
    is($v->{divergence}{kind}, 'missing call', '... blamed on the call');
    is($v->{divergence}{call}, 'newfstatat', '... by name');
    is($v->{divergence}{candidates}[0]{option}, 'LIBVFSCORE', '... and on the option that would give it');
}

# The machine runs on after the program's end: the console's last call is its end and its status.
{
    spew('endless', "#!/bin/sh\n$dir/prog\necho 'exit_group(0x3)'\nexec sleep 60\n", 0755);
    my $began = time;
    my ($status, $v) = verif('--image endless');
    is($status, 0, 'an image that never ends is recognised by its last call');
    my ($exit) = grep { $_->{aspect} eq 'exit' } @{$v->{runs}[0]{checks}};
    is($exit->{image}, 'exit 3', '... which tells its status');
    cmp_ok(time - $began, '<', 20, '... without waiting for the machine');
}

# Reports.
{
    my ($status, $v, $text) = verif(image('lost'), '--tap v.tap --junit v.xml --no-calls');
    like(slurp('v.tap'), qr/^1\.\.\d+\nok 1/m, 'TAP: plan');
    like(slurp('v.tap'), qr/^not ok \d+ - output two$/m, 'TAP: the failure');
    is(system('xmllint --noout v.xml 2>/dev/null || perl -MXML::Parser -e1 2>/dev/null; test -s v.xml'), 0, 'JUnit: written');
    like(slurp('v.xml'), qr/failures="1"/, 'JUnit: the failure is counted');
    like($text, qr/-got two/, 'readable difference on standard output');
    my $json = `'$tool' --verif ./prog -t t.json -o j --json --image image-none`;
    is(decode_json($json)->{verdict}, 'same', '--json: the document alone');
}

# Masks.
{
    spew('masked', "#!/bin/sh\n$dir/prog | sed 's/got two/got 2wo at 12:00:01/'\nexit 3\n", 0755);
    is((verif('--image masked'))[0], 1, 'another word differs');
    is((verif('--image masked', q(--ignore 'got [t2]wo( at 12:00:01)?')))[0], 0, '... unless it is ignored on request');
    spew('extra', "#!/bin/sh\necho 'hello from the core'\nexec $dir/prog\n", 0755);
    is((verif('--image extra', '--no-calls'))[0], 1, 'a line more differs');
    is((verif('--image extra', q(--ignore '^hello from the core$')))[0], 0, '... unless it is ignored as a whole');
    # A terminal: what is typed is echoed, and the program sees that it is one.
    spew('tty.c', <<'C');
#include <stdio.h>
#include <unistd.h>
int main(void)
{
    char l[99];
    setvbuf(stdout, NULL, _IONBF, 0);
    for (;;) {
        if (isatty(0))
            printf("> ");
        if (!fgets(l, sizeof l, stdin))
            return 0;
        printf("got %s", l);
    }
}
C
    is(system(qw(cc -w -o tty tty.c)), 0, 'a program that prompts on a terminal');
    spew('console', <<'PERL', 0755);
#!/usr/bin/perl
$| = 1;
print '> ';
while (my $line = <STDIN>) {
    print $line, "got $line> ";
}
PERL
    spew('tty.json', encode_json({typeTest => 'stdin', timeMsCommand => 30, timeOutMsTest => 2000, listCommands => [qw(a b)]}));
    is(system("'$tool' --verif ./tty -t tty.json -o tty-out --image console > tty.txt 2>&1"), 0, 'an image whose console is a terminal') or diag slurp('tty.txt');
    like(slurp('tty.txt'), qr/terminal: /, '... said in the report');
    is((verif('--image masked', '--normalise nothing'))[0], 2, 'an unknown normaliser is refused');
}

# A server, over a connection and by commands beside it.
{
    spew('mc', "#!/bin/sh\nexec memcached \"\$@\"\n", 0755);
    spew('mc-bad', "#!/bin/sh\nexec memcached \"\$@\" -M -m 1 -I 1k\n", 0755);
    spew('s.json', encode_json({typeTest => 'telnet', timeMsCommand => 50, portTelnet => 0,
        arguments => ['-u', 'nobody', '-l', '127.0.0.1', '-p', '${PORT}'],
        listCommands => ["set a 0 0 3\r\nabc", 'get a', 'incr a 1', 'version']}));
    system("'$tool' --verif memcached -t s.json -o s --image mc > s.txt 2>&1");
    is($? >> 8, 0, 'a server verifies over a connection') or diag slurp('s.txt');
    my $v = decode_json(slurp('s/verif.json'));
    is(scalar(grep { $_->{aspect} eq 'output' && $_->{verdict} eq 'same' } @{$v->{runs}[0]{checks}}), 4, '... each response compared');
    system("'$tool' --verif memcached -t s.json -o s --image mc-bad > s.txt 2>&1");
    is($? >> 8, 1, 'a server that answers otherwise, or not at all, differs');
}

# Where nothing can be compared, that is no success.
{
    spew('e.json', encode_json({typeTest => 'exec', timeMsCommand => 0, timeOutMsTest => 500, listCommands => ['$PROGRAM && echo done']}));
    spew('sleeps', "#!/bin/sh\nexec sleep 1000\n", 0755);
    system("'$tool' --verif true -t e.json -o e --image sleeps > e.txt 2>&1");
    is($? >> 8, 1, 'a test that only runs the program of this host fails');
    is(decode_json(slurp('e/verif.json'))->{verdict}, 'not comparable', '... as not comparable');
}

# Variables for the image's program stand in its configuration; the core's own conf keeps them.
{
    system("'$tool' --build ./prog -o env --catalogue unikraft-0.16.2 --env HOME=/home/x --env TZ=UTC > env.txt 2>&1");
    my $config = slurp('env/app/.config');
    like($config, qr/^CONFIG_LIBPOSIX_ENVIRON=y$/m, '--env turns the library on');
    like($config, qr/^CONFIG_LIBPOSIX_ENVIRON_ENVP0="HOME=\/home\/x"$/m, '... with the first variable');
    like($config, qr/^CONFIG_LIBPOSIX_ENVIRON_ENVP1="TZ=UTC"$/m, '... and the second');
    is(system("'$tool' --build ./prog -o env --env 'A=\"b' > env.txt 2>&1") >> 8, 2, 'a value that Kconfig cannot hold is refused');
}

# What cannot run is said.
{
    my ($status, undef, undef, $err) = verif('');
    is($status, 3, 'no image: cannot run here');
    like($err, qr/--build|--image/, '... and what to do');
    ($status, undef, undef, $err) = verif('--image /nonexistent');
    is($status, 2, 'an image that is not there');
    spew('text', "just text\n" x 100);
    ($status, undef, undef, $err) = verif('--image text');
    is($status, 3, 'no image at all');
    like($err, qr/--runner/, '... and how to name a runner');
    ($status) = verif('--image image-none', q(--runner '{image}'));
    is($status, 0, "a runner of the user's");
}

done_testing();
