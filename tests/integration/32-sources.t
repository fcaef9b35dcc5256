#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# --dep --sources: what sources need is what the program built of them needs, and nothing is missing
# where the sources are incomplete.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} // die "TOOLCHAIN names the binary";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;
mkdir $_ for qw(files files/inc threads cpp many);

sub spill { my ($path, $text) = @_; open my $file, '>', $path or die; print $file $text; close $file }

sub profile {
    my (@arguments) = @_;
    my $text = qx($toolchain --dep --static --json @arguments 2>$dir/.err);
    return ($? >> 8, $text ? decode_json($text) : {});
}

sub errors { open my $file, '<', "$dir/.err" or die; local $/; return scalar(<$file>) // '' }

sub calls { my ($p) = @_; return map { $_->{name} } @{$p->{static}{syscalls}} }

# The sources' calls hold the program's; at most so many more.
sub compare {
    my ($what, $program, $sources, $most) = @_;
    my ($status, $built) = profile($program);
    is($status, 0, "$what: the program is analysed");
    (my $read_status, my $read) = profile($sources);
    is($read_status, 0, "$what: so are its sources") or diag errors();
    my %read = map { $_ => 1 } calls($read);
    my %built = map { $_ => 1 } calls($built);
    is(join(' ', grep { !$read{$_} } sort keys %built), '', "$what: no call is missing");
    my @more = grep { !$built{$_} } sort keys %read;
    cmp_ok(scalar @more, '<=', $most, "$what: hardly any more") or diag "@more";
    is($read->{program}{type}, 'source', "$what: marked as from sources");
    return $read;
}

spill('files/inc/h.h', "int count(const char *path);\n");
spill('files/main.c', <<'END');
#include "h.h"
#include <stdio.h>
int main(int argc, char **argv)
{
    printf("%d\n", count(argv[argc - 1]));
    return 0;
}
END
spill('files/count.c', <<'END');
#include "h.h"
#include <dirent.h>
static int each(DIR *d, int (*keep)(const struct dirent *))
{
    int n = 0;
    for (const struct dirent *e; (e = readdir(d));)
        n += keep(e);
    return n;
}
static int visible(const struct dirent *e) { return e->d_name[0] != '.'; }
int count(const char *path)
{
    DIR *d = opendir(path);
    int n = d ? each(d, visible) : -1;
    if (d)
        closedir(d);
    return n;
}
END
spill('files/unused.c', "#include <sys/socket.h>\nint unused(void) { return socket(1, 1, 0); }\n");
is(system('cc -Ifiles/inc -o f files/main.c files/count.c'), 0, 'files: compiles');
my $read = compare('files', './f', '--sources files', 0);
is_deeply([map { s{.*/}{}r } @{$read->{static}{sources}}], ['count.c', 'main.c'], 'files: what takes part');
my ($opendir) = grep { $_->{name} eq 'opendir' } @{$read->{static}{symbols}};
like($opendir->{source}, qr{/files/count\.c:13$}, 'files: a symbol has its line');
is($opendir->{library}, 'libc.so.6', 'files: and its library');
my ($call) = grep { $_->{name} eq 'getdents64' } @{$read->{static}{syscalls}};
is_deeply([map { $_->{function} } @{$call->{evidence}}[0 .. 2]], [qw(main count each)], 'files: the way to a call begins in the sources');
like($call->{evidence}[0]{source}, qr{/main\.c:5$}, 'files: with lines');

spill('threads/main.c', <<'END');
#include <no/such/header.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#define REMOVE(path) unlink(path)
static void *work(void *p) { missing_t t = open_thing(p); REMOVE(t); return 0; }
int main(void)
{
    pthread_t t;
    pthread_create(&t, 0, work, 0);
    pthread_join(t, 0);
    return syscall(SYS_getppid) + syscall(SYS_sync);
}
END
spill('threads/built.c', <<'END');
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
static void *work(void *p) { unlink(p); return 0; }
int main(void)
{
    pthread_t t;
    pthread_create(&t, 0, work, 0);
    pthread_join(t, 0);
    return syscall(SYS_getppid) + syscall(SYS_sync);
}
END
is(system('cc -o t threads/built.c'), 0, 'threads: compiles');
$read = compare('threads', './t', '--sources threads/main.c', 4);
like(errors(), qr{no header no/such/header\.h}, 'threads: the missing header is named');
ok(!$read->{statement}{superset}, 'threads: no proof is claimed for a source that was not read whole');
my ($unlink) = grep { $_->{name} eq 'unlink' } @{$read->{static}{symbols}};
ok($unlink, 'threads: what a macro calls counts');
like(join("\n", map { $_->{reason} } @{$read->{static}{unresolved}}), qr{main\.c:6: no library at hand defines open_thing},
    'threads: an unknown function is unresolved, with its place');

spill('cpp/main.cpp', <<'END');
#include <cstdio>
#include <unistd.h>
struct Base { virtual int act() = 0; virtual ~Base() {} };
struct Link : Base { int act() override { return symlink("a", "b"); } };
static Base *make() { return new Link; }
int main() { Base *b = make(); int r = b->act(); delete b; std::printf("%d\n", r); return 0; }
END
is(system('c++ -o c cpp/main.cpp'), 0, 'C++: compiles');
compare('C++', './c', '--sources cpp', 8);

# Several programs in one folder; numbers that are not known.
spill('many/one.c', "#include <unistd.h>\nint main(int c, char **v) { return syscall(c); }\n");
spill('many/two.c', "int main(void) { __asm__(\"syscall\"); return 0; }\n");
my ($status) = profile('--sources many');
is($status, 2, 'several mains: which one is asked');
like(errors(), qr/several sources define main/, 'and said');
($status, $read) = profile('--sources many one');
is($status, 0, 'a name decides');
like(join("\n", map { $_->{reason} } @{$read->{static}{unresolved}}), qr/one\.c:2: syscall\(\) with a number/, 'an unknown number is unresolved');
($status, $read) = profile('--sources many two');
like(join("\n", map { $_->{reason} } @{$read->{static}{unresolved}}), qr/two\.c:1: assembly makes a system call/, 'so is assembly');
($status) = profile('--sources nowhere');
is($status, 2, 'no such folder is wrong usage');

# A source-derived profile can be built from.
is(system("$toolchain --dep --sources files -o p >/dev/null 2>&1"), 0, 'the profile is written');
is(system("$toolchain --build --profile p/profile.json -s files -o b >/dev/null 2>$dir/.err") >> 8, 0, 'and is matched') or diag errors();

done_testing;
