#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Selecting arguments of system calls: known by construction, and against what the kernel sees; the
# statement at the top of a profile; filters with arguments.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} or die "TOOLCHAIN is not set\n";
my $source = $ENV{SRC} or die "SRC is not set\n";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;
$ENV{XDG_CACHE_HOME} = $dir;

sub write_file { open my $out, '>', $_[0] or die; print $out $_[1]; close $out }

sub profile_of {
    my ($program, @options) = @_;
    return decode_json(scalar `'$toolchain' --dep --static --json @options '$program' 2>/dev/null`);
}

# "call argument" => its values as names or numbers, or "any".
sub selectors_of {
    my ($profile) = @_;
    my %all;
    for my $part ($profile->{static}, @{$profile->{static}{plugins}}) {
        push @{$all{"$_->{syscall} $_->{argument}"}}, $_->{name} // $_->{value} for @{$part->{selectors} // []};
    }
    my %text = map { $_ => join ' ', @{$all{$_}} } keys %all;
    for my $part ($profile->{static}, @{$profile->{static}{plugins}}) {
        $text{"$_->{syscall} $_->{argument}"} = 'any' for @{$part->{unbounded} // []};
    }
    return \%text;
}

# Without a C library nothing but this code makes calls: its sets must come out exactly.
write_file('known.c', <<'C');
#include <stdarg.h>
#define CALL __attribute__((noinline)) static long
CALL call(long n, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}
CALL my_ioctl(int fd, unsigned long request, ...)          /* the argument saved over a call */
{
    va_list list;
    va_start(list, request);
    long third = va_arg(list, long);
    va_end(list);
    call(39, 0, 0, 0, 0);
    return call(16, fd, (long)request, third, 0);
}
CALL through(int fd, unsigned long request) { return my_ioctl(fd, request, 1); }
CALL through2(int fd, unsigned long request) { return through(fd, request); }
CALL my_fcntl(int fd, int command, int flag) { return call(72, fd, command | flag, 0, 0); }
CALL my_prctl(int option) { return call(157, option & 3, 0, 0, 0); }
CALL my_socket(int family, int type) { return call(41, family, type, 0, 0); }
CALL my_madvise(int advice) { return call(28, 0, 0, advice, 0); }
CALL dead(int x) { return call(16, 0, 0x9999, x, 0); }
CALL my_openat(const char *name, int flags) { return call(257, -100, (long)name, flags | 02000000, 0); }
typedef long (*handler)(int);
handler volatile kept;
CALL chosen(int argc, int mode)
{
    if (mode == 7)
        return dead(argc);
    kept = my_madvise;                                      /* may be called with anything */
    my_fcntl(argc, 1, 0);
    my_fcntl(argc, 2, 0x400);
    my_prctl(argc);                                         /* only two bits of it are left */
    my_socket(argc > 1 ? 2 : 10, 1);
    my_socket(16, 3 | 02000000);
    my_openat("x", 0);
    my_openat("x", 0101);
    my_ioctl(0, 0x5401, 0);
    through2(1, 0x5413);
    return through(2, argc > 3 ? 0x541b : 0x5421);
}
void start(long *stack) { chosen((int)stack[0], 3); call(60, 0, 0, 0, 0); }
__asm__(".globl _start\n_start: mov %rsp,%rdi\n and $-16,%rsp\n call start\n");
C
for my $level (qw(-O1 -O2)) {
    is(system('cc', $level, '-fno-stack-protector', '-fno-ipa-cp', '-fno-ipa-sra', '-nostdlib', '-static', '-o', 'known', 'known.c'),
        0, "compiles with $level");
    my $profile = profile_of("$dir/known", '--no-cache');
    my $have = selectors_of($profile);
    is($have->{'ioctl request'}, 'TCGETS TIOCGWINSZ FIONREAD FIONBIO', "$level: ioctl, through up to three functions");
    is($have->{'fcntl command'}, 'any', "$level: fcntl, two arguments or-ed");
    is($have->{'prctl option'}, '0 PR_SET_PDEATHSIG PR_GET_PDEATHSIG PR_GET_DUMPABLE', "$level: prctl, two bits of an input");
    is($have->{'socket family'}, 'AF_INET AF_INET6 AF_NETLINK', "$level: socket family");
    is($have->{'socket type'}, 'SOCK_STREAM SOCK_RAW', "$level: socket type, flags left out");
    is($have->{'openat flags'}, 'O_CLOEXEC O_WRONLY|O_CREAT|O_CLOEXEC', "$level: openat flags, one or-ed to each");
    is($have->{'madvise advice'}, 'any', "$level: a function whose address is kept");
    ok($profile->{statement}{superset}, "$level: proved to be a superset")
        or diag explain $profile->{statement}, $profile->{static}{unresolved};
    ok(@{$profile->{statement}{assumptions}} > 3 && !@{$profile->{statement}{reservations}}, "$level: with what is assumed");
}

# Threads through the C library: the flags stand in memory that clone3's argument points at.
write_file('threads.c', <<'C');
#include <pthread.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
static void *body(void *a) { prctl(PR_SET_NAME, "t"); syscall(SYS_madvise, 0, 0, 4); return a; }
int main(int argc, char **argv)
{
    (void)argv;
    pthread_t t;
    int size, fd = open("/dev/null", O_RDWR | O_NOFOLLOW);
    pthread_create(&t, 0, body, 0);
    pthread_join(t, 0);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETPIPE_SZ, 4096);
    ioctl(fd, FIONREAD, &size);
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0 && argc > 9;
}
C
is(system('cc', '-O1', '-D_GNU_SOURCE', '-pthread', '-o', 'threads', 'threads.c'), 0, 'a program with threads compiles');
my $threads = selectors_of(profile_of("$dir/threads"));
like($threads->{'clone3 flags'}, qr/^\S*CLONE_VM\|\S*CLONE_THREAD\S*$/, 'the flags of clone3, in memory');
like($threads->{'prctl option'}, qr/\bPR_SET_NAME\b/, 'prctl, variadic');
like($threads->{'fcntl command'}, qr/\bF_SETPIPE_SZ\b/, 'fcntl, variadic and a cancellation point');
like($threads->{'ioctl request'}, qr/\bFIONREAD\b/, 'ioctl');
like($threads->{'madvise advice'}, qr/\bMADV_DONTNEED\b/, 'through syscall()');

# What the kernel sees is never outside a bounded set.
my $out = `TOOLCHAIN='$toolchain' '$source/bench/arguments' '$dir/threads' /bin/ls /usr/bin/sort /bin/tar /bin/dash 2>&1`;
is($?, 0, 'no value seen by strace is missing') or diag $out;
like($out, qr/^5 programs, 0 values missing/m, 'all were run');

my $reserved = profile_of('/usr/bin/perl');
ok(!$reserved->{statement}{superset} && @{$reserved->{statement}{reservations}}, 'perl loads what it is told: not proved, and said why');
like(scalar `'$toolchain' --dep --static -o o '$dir/known' 2>&1`, qr/^Proven /m, 'the summary begins with it');

# Filters.
is(system("'$toolchain' --dep --static --emit seccomp-json --filter-args -o o '$dir/known' >/dev/null 2>&1"), 0, 'a filter with arguments');
my $oci = decode_json(do { local (@ARGV, $/) = 'o/seccomp.json'; <> });
my @ioctls = sort map { $_->{args}[0]{valueTwo} } grep { $_->{names}[0] eq 'ioctl' } @{$oci->{syscalls}};
is("@ioctls", join(' ', sort 0x5401, 0x5413, 0x541b, 0x5421), 'allows the requests that can occur');
ok((grep { $_ eq 'madvise' } @{$oci->{syscalls}[0]{names}}), 'a call with an unbounded argument is allowed whole');
system("'$toolchain' --dep --static --emit systemd --filter-args -o o '$dir/known' >/dev/null 2>&1");
is($? >> 8, 2, 'systemd cannot: wrong usage');
write_file('later.c', <<'C');
#include <fcntl.h>
#include <unistd.h>
int main(void)
{
    if (access("marker", F_OK) == 0)
        return fcntl(0, F_GETOWN) < 0;
    close(open("marker", O_CREAT | O_WRONLY, 0666));
    return fcntl(0, F_GETFD) < 0;
}
C
is(system('cc', '-O1', '-o', 'later', 'later.c'), 0, 'a program that later passes another command compiles');
$out = `'$toolchain' --dep --static --enforce --filter-args -o o ./later 2>&1`;
is($?, 0, 'it runs under its static filter') or diag $out;
unlink 'marker';
$out = `'$toolchain' --dep --dynamic --from dynamic --enforce --filter-args -o o ./later 2>&1`;
is($? >> 8, 1, 'under the filter of its first run it does not') or diag $out;
like($out, qr/SIGSYS/, 'and the reason is said');
done_testing;
