#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Matching against the embedded catalogues: what real programs needed when their images were built and
# booted by hand, both modes, what is refused, missing or contradictory. The configurations are judged
# by kconfig-conf, an independent implementation of the language.
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

sub spew {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "$path: $!";
    print $file $text;
    close $file;
}

# Runs --build; exit status, standard output, standard error.
sub build {
    my @arguments = @_;
    my $pid = fork // die;
    if (!$pid) {
        open STDIN,  '<', '/dev/null' or die;
        open STDOUT, '>', "$dir/.out" or die;
        open STDERR, '>', "$dir/.err" or die;
        exec $toolchain, '--build', @arguments or exit 126;
    }
    waitpid $pid, 0;
    return ($? >> 8, slurp("$dir/.out"), slurp("$dir/.err"));
}

# Writes a profile: of a static-PIE program unless told otherwise.
sub profile {
    my ($name, %is) = @_;
    my %none = map { $_ => [] } qw(libraries symbols syscalls execs);
    my @calls = map { { name => $_, number => 0, phases => ['run'] } } @{ $is{calls} // [] };
    my @symbols = map { { name => $_, version => undef, library => 'libc.so.6' } } @{ $is{symbols} // [] };
    my $document = {
        schema  => 'profile/1',
        program => {
            path => "$dir/$name", arch => $is{arch} // 'x86_64', build_id => undef,
            type => $is{type} // 'static-pie', interpreter => $is{interpreter},
            $is{language} ? (language => $is{language}) : ()
        },
        static  => { %none, present => JSON::PP::true, plugins => [], unresolved => [], symbols => \@symbols },
        dynamic => {
            %none, present => JSON::PP::true, tests => [], syscalls => \@calls,
            selectors => $is{selectors} // [], files => $is{files} // []
        },
    };
    spew($name, "\x7fELF: what the initrd holds");
    spew("$name.profile", JSON::PP->new->encode($document));
    return "$name.profile";
}

sub selection {
    my ($status, $out, $error) = build(@_, '--json', '-o', "$dir/out");
    my $document = eval { JSON::PP->new->decode($out) };
    diag("status $status: $error") if !$document;
    return ($status, $document // {}, $error);
}

sub file { my ($path, $access) = @_; return { path => $path, access => $access, found => JSON::PP::true } }
sub family { return { syscall => 'socket', argument => 'family', value => 0, name => $_[0] } }

# Every configuration is what olddefconfig makes of it.
sub kconfig_agrees {
    my ($what) = @_;
    my ($app) = glob "$dir/out/app";
    my %before = config("$app/.config");
    local $ENV{CONFIG_} = 'CONFIG_';
    local $ENV{KCONFIG_CONFIG} = "$dir/judge";
    spew("$dir/judge", slurp("$app/.config"));
    system("cd '$app' && kconfig-conf --olddefconfig Kconfig >'$dir/.judge' 2>&1");
    my %after = config("$dir/judge");
    # An option that is off has a line or has none: both say n.
    my @moved = grep { ($before{$_} // 'n') ne ($after{$_} // 'n') } sort keys %{ { %before, %after } };
    is("@moved", '', "$what: kconfig-conf leaves the configuration as it is");
}

sub config {
    my ($path) = @_;
    my %values;
    for (split /\n/, slurp($path)) {
        $values{$1} = $2 if /^CONFIG_(\w+)=(.*)/;
        $values{$1} = 'n' if /^# CONFIG_(\w+) is not set/;
    }
    return %values;
}

sub has {
    my ($what, $selection, @options) = @_;
    my @lacking = grep { ($selection->{config}{$_} // '') ne 'y' } @options;
    is("@lacking", '', "$what: has @options");
}

sub lacks {
    my ($what, $selection, @options) = @_;
    my @present = grep { ($selection->{config}{$_} // 'n') eq 'y' } @options;
    is("@present", '', "$what: lacks @options");
}

my @hello = qw(arch_prctl brk exit_group mprotect newfstatat prlimit64 readlink rseq set_robust_list set_tid_address write);
my @loader = qw(PLAT_KVM APPELFLOADER_DEPENDENCIES LIBELF LIBUKVMEM PAGING LIBPOSIX_MMAP LIBVFSCORE LIBPOSIX_PROCESS
  LIBPOSIX_PROCESS_PIDS LIBSYSCALL_SHIM_HANDLER);

# ---- source port ----
my @source = ('--mode', 'source', '--need', 'static');
{
    my ($status, $s) = selection('--profile', profile('hello', symbols => [qw(printf __libc_start_main)]), @source);
    is($status, 0, 'hello: nothing is missing');
    is($s->{catalogue}{version}, '0.17.0', 'hello: the newest core');
    ok($s->{optimal}, 'hello: proved optimal');
    has('hello', $s, qw(PLAT_KVM LIBNOLIBC LIBUKBOOT LIBUKBOOT_INITALLOC));
    lacks('hello', $s, qw(LIBVFSCORE LIBPOSIX_TIME LIBUKRANDOM LIBPOSIX_SOCKET LIBSYSCALL_SHIM_HANDLER));
    cmp_ok(scalar @{ $s->{libraries} }, '<=', 22, 'hello: no more libraries than by hand');
    kconfig_agrees('hello');

    (undef, $s) = selection('--profile', profile('clock', symbols => [qw(clock_gettime nanosleep printf)]), @source);
    has('clock', $s, 'LIBPOSIX_TIME');
    lacks('clock', $s, 'LIBVFSCORE');
    cmp_ok(scalar @{ $s->{libraries} }, '<=', 23, 'clock: no more libraries than by hand');

    ($status, $s) = selection('--profile', profile('files', symbols => [qw(mkdir open read write stat)]), @source);
    is($status, 0, 'files: nothing is missing');
    has('files', $s, qw(LIBVFSCORE LIBVFSCORE_AUTOMOUNT_CI LIBVFSCORE_AUTOMOUNT_CI_RAMFS LIBRAMFS));
    cmp_ok(scalar @{ $s->{libraries} }, '<=', 32, 'files: no more libraries than by hand');
    kconfig_agrees('files');

    # Each library is needed: forbidding it costs a need, a rule, or another library in its place.
    my $kept = 0;
    for my $library (grep { $_->{option} } @{ $s->{libraries} }) {
        my ($again, $t) =
          build('--profile', 'files.profile', @source, '--forbid', $library->{option}, '--json', '-o', "$dir/less");
        my $other = eval { JSON::PP->new->decode($t) };
        $kept++ if !$other || $again > 1 || $other->{cost} >= $s->{cost};
    }
    is($kept, scalar(grep { $_->{option} } @{ $s->{libraries} }), 'files: no single library can be dropped');

    ($status, $s) = selection('--profile', profile('odd', symbols => [qw(printf no_such_function)]), @source);
    is($status, 1, 'a function that nothing exports');
    is("@{ $s->{missing}{symbols} }", 'no_such_function', 'is named');
}

# ---- unmodified programs ----
my @dynamic = ('--mode', 'binary', '--need', 'dynamic');
{
    my ($status, $s) = selection('--profile', profile('static-hello', calls => \@hello), @dynamic);
    is($status, 0, 'static-PIE hello: only harmless calls are missing');
    is($s->{catalogue}{version}, '0.16.2', 'the core that the loader compiles with');
    has('static-PIE hello', $s, @loader, 'APPELFLOADER_INITRDEXEC');
    lacks('static-PIE hello', $s, qw(APPELFLOADER_VFSEXEC APPELFLOADER_VDSO LIBLWIP LIBPOSIX_FUTEX));
    my %harmless = map { $_->{name} => $_->{harmless} } @{ $s->{missing}{syscalls} };
    is(join(' ', sort keys %harmless), 'rseq set_robust_list set_tid_address', 'which they are');
    ok(!(grep { !$_ } values %harmless), 'each with its reason');
    kconfig_agrees('static-PIE hello');

    (undef, $s) = selection('--profile', profile('uname', calls => [ @hello, 'uname' ]), @dynamic);
    has('a program that asks for the version', $s, 'LIBPOSIX_SYSINFO');

    (undef, $s) = selection('--profile', profile('rust', calls => [ @hello, 'rt_sigaction', 'sigaltstack' ]), @dynamic);
    has('Rust hello', $s, 'LIBUKSIGNAL');

    (undef, $s) = selection('--profile', profile('go', calls => \@hello, language => 'go'), @dynamic);
    has('Go hello', $s, qw(APPELFLOADER_VDSO LIBPOSIX_PROCESS_CLONE LIBPOSIX_FUTEX LIBUKSIGNAL));

    (undef, $s) = selection(
        '--profile', profile('base', calls => [ @hello, 'openat' ], files => [ file('/tmp/x.db', 'write') ]), @dynamic);
    has('a database file', $s, qw(LIBVFSCORE_AUTOMOUNT_CI LIBRAMFS));

    my @redis = (@hello, qw(socket bind listen accept4 epoll_create epoll_ctl epoll_wait clone3 futex openat rename));
    (undef, $s) = selection(
        '--profile',
        profile('redis', calls => \@redis, selectors => [ family('AF_INET') ], files => [ file('/dump.rdb', 'write') ]),
        @dynamic);
    has('redis', $s, qw(LIBLWIP LWIP_SOCKET LWIP_DHCP LIBUKNETDEV LIBVIRTIO_NET LIBVIRTIO_PCI LIBPOSIX_SOCKET
      LIBPOSIX_PROCESS_CLONE LIBPOSIX_FUTEX LIBVFSCORE_AUTOMOUNT_CI));
    lacks('redis', $s, 'APPELFLOADER_AUTOGEN');
    kconfig_agrees('redis');
    (undef, $s) = selection('--profile', 'redis.profile', @dynamic, '--fact', 'address=static');
    has('redis with an address of its own', $s, 'LIBUKNETDEV_EINFO_LIBPARAM');
    lacks('redis with an address of its own', $s, 'LWIP_DHCP');

    my @dynamically = (type => 'dynamic-pie', interpreter => '/lib64/ld-linux-x86-64.so.2');
    ($status, $s) =
      selection('--profile', profile('cat', calls => [ @hello, qw(openat read close mmap munmap fadvise64) ], @dynamically),
        @dynamic);
    is($status, 0, 'cat: only harmless calls are missing');
    has('cat', $s, @loader, qw(APPELFLOADER_VFSEXEC LIBVFSCORE_AUTOMOUNT_CI LIBVFSCORE_AUTOMOUNT_CI_INITRD LIBUKCPIO));
    kconfig_agrees('cat');
}

# ---- what can never run ----
for my $case ([ 'static', 'x86_64', qr/-static-pie/ ], [ 'dynamic', 'x86_64', qr/-pie/ ],
    [ 'static-pie', 'aarch64', qr/x86-64/ ], [ 'static-pie', 'i386', qr/x86-64/ ])
{
    my ($type, $arch, $pattern) = @$case;
    my @interpreter = $type eq 'dynamic' ? (interpreter => '/lib/ld.so') : ();
    unlink 'out/selection.json';
    my ($status, undef, $error) =
      build('--profile', profile('never', type => $type, arch => $arch, @interpreter), @dynamic, '-o', "$dir/out");
    is($status, 2, "$arch $type: refused");
    like($error, $pattern, "$arch $type: with the way out");
    ok(!-e 'out/selection.json', "$arch $type: nothing is written");
}

# ---- wishes ----
{
    my ($status, undef, $error) = build('--profile', 'files.profile', @source, '--forbid', 'vfscore', '-o', 'x');
    is($status, 2, 'a forbidden need');
    like($error, qr/the function \w+ .*--forbid vfscore|--forbid vfscore.*the function/, 'named with the wish against it');
    my ($again, $s) = selection('--profile', 'files.profile', @source, '--forbid', 'vfscore', '--keep-going');
    is($again, 1, 'going on all the same');
    like("@{ $s->{missing}{symbols} }", qr/mkdir open/, 'foretells what is missing');
    ($status, undef, $error) =
      build('--profile', 'hello.profile', @source, '--pin', 'LIBPOSIX_MMAP,LIBUKMMAP,LIBUKSIGNAL', '-o', 'x');
    is($status, 2, 'pins that exclude each other');
    like($error, qr/--pin LIBPOSIX_MMAP; --pin LIBUKMMAP/, 'are named');
    unlike($error, qr/LIBUKSIGNAL/, 'and only they');
    ($status, undef, $error) = build('--profile', 'hello.profile', @source, '--pin', 'LIBUKRANDOM', '-o', 'x');
    like($error, qr/no-hardware-random.*HWRNG/, 'a pin against a rule: what would be seen');
    (undef, $s) = selection('--profile', 'hello.profile', @source, '--pin', 'LIBUKRANDOM', '--fact', 'rdseed=yes');
    has('with a runner that has RDSEED', $s, 'LIBUKRANDOM');
    ($status, undef, $error) = build('--profile', 'hello.profile', @source, '--pin', 'LIBVFSCOR', '-o', 'x');
    is($status, 2, 'an unknown option');
    like($error, qr/near it: LIBVFSCORE/, 'with its neighbour');
    (undef, $s) = selection('--profile', 'hello.profile', @source, '--objective', 'size');
    has('for size', $s, qw(OPTIMIZE_SIZE OPTIMIZE_DEADELIM LIBUKBOOT_BANNER_NONE));
}

# ---- explanations, plans ----
{
    my ($status, $out) = build('--profile', 'files.profile', @source, '--explain', 'LIBUKLOCK', '-o', 'y');
    is($status, 0, 'an explanation');
    like($out, qr/LIBUKLOCK is in:.*selected by .*LIBVFSCORE/s, 'names the selector');
    like($out, qr/chain: selected by LIBVFSCORE, which exports/, 'and the chain to the need');
    ok(!-e 'y/selection.json', 'writes nothing');
    ($status, $out) = build('--profile', 'hello.profile', @source, '--explain', 'LIBPOSIX_SOCKET', '-o', 'y');
    like($out, qr/is out.*With it, the best would be with [^.]*libposix_socket/s, 'what bringing it in would cost');
    profile('lister', calls => [ @hello, qw(getxattr lgetxattr) ]);
    profile('chatty', calls => [ @hello, 'sendmmsg' ]);
    ($status, $out) = build('--plan', 'lister.profile', 'chatty.profile', 'static-hello.profile', @dynamic, '--json');
    my $plan = JSON::PP->new->decode($out);
    is(join(' ', map { $_->{syscall} } @{ $plan->{steps} }), 'sendmmsg getxattr lgetxattr', 'what to implement first');
    is("@{ $plan->{steps}[2]{unlocks} }", 'lister', 'and what then runs');
}

# ---- what no option of a release gives, and what build files want but Kconfig does not say ----
{
    my @old = ('--catalogue', 'unikraft-0.16.2');
    my ($status, $s) = selection('--profile', profile('reader', calls => [@hello, 'pselect6']), @dynamic);
    is($s->{catalogue}{version}, '0.16.2', 'a loaded program: the release the loader compiles with');
    is_deeply([map { $_->{rule} } @{ $s->{sources} }], ['wait-signal-mask'], 'waiting with a signal mask is taken over');
    like(slurp("$dir/out/app/Makefile.uk"), qr/^LDFLAGS-y \+= -Wl,--wrap=uk_syscall_r_pselect6$/m, '... at the link');
    like(slurp("$dir/out/app/wait-signal-mask.c"), qr/__wrap_uk_syscall_r_ppoll/, '... by a source built along');
    ($status, $s) = selection('--profile', profile('server', calls => [@hello, qw(epoll_create1 epoll_ctl epoll_wait close)]), @dynamic);
    is_deeply([map { $_->{rule} } @{ $s->{sources} }], ['watch-closed'], 'so are closed descriptors that epoll watches');
    ($status, $s) = selection('--profile', 'hello.profile', @source, @old, qw(--machine arm64));
    is_deeply([map { $_->{rule} } @{ $s->{sources} }], ['interrupt-addresses'], "arm64: so is the interrupt controller's gap");
    ($status, $s) = selection('--profile', 'hello.profile', @source, qw(--machine arm64));
    is_deeply($s->{sources} // [], [], '... which the next release has not');

    ($status, $s) = selection('--profile', 'reader.profile', @dynamic, qw(--fact share=yes --fact files=read));
    has('shared folder', $s, qw(LIB9PFS LIBUK9P LIBVIRTIO_9P LIBVFSCORE_AUTOMOUNT_UP LIBVFSCORE_AUTOMOUNT_CI_INITRD APPELFLOADER_VFSEXEC));
    kconfig_agrees('shared folder');

    ($status, $s) = selection('--profile', profile('threads', symbols => [qw(pthread_create pthread_join printf)]), @source);
    has('threads', $s, qw(LIBMUSL LIBPOSIX_PROCESS_CLONE LIBPOSIX_FUTEX LIBUKMMAP));
    my ($refused, undef, $why) = build('--profile', profile('sockets', symbols => [qw(socket bind listen accept printf)]), @source);
    is($refused, 2, 'sockets with a core that the network stack does not compile with');
    like($why, qr/take --catalogue unikraft-0\.16\.2/, '... are sent to the one it does with');
    ($status, $s) = selection('--profile', 'sockets.profile', @source, @old);
    has('sockets', $s, qw(LIBLWIP LWIP_SOCKET LWIP_DHCP LIBVIRTIO_NET));

    ($status, $s) = selection('--profile', profile('cxx', symbols => [qw(_ZNSolsEi _Unwind_Resume __gxx_personality_v0 printf)]), @source);
    is($status, 0, 'C++: nothing is missing');
    has('C++', $s, qw(LIBCXX LIBCXXABI LIBUNWIND LIBMUSL));
    my @order = slurp("$dir/out/app/Makefile") =~ /^L := (.*)$/m ? map { s{.*/}{}r } split(/:/, $1) : ();
    is("@order[0, 1]", 'lib-libcxx lib-musl', 'C++: headers that lead on to others come first');
    kconfig_agrees('C++');
}

# ---- same input, same bytes ----
{
    build('--profile', 'redis.profile', @dynamic, '-o', "$dir/one");
    build('--profile', 'redis.profile', @dynamic, '-o', "$dir/two");
    is(slurp('one/selection.json'), slurp('two/selection.json'), 'deterministic');
    my $start = times;
    build('--profile', 'redis.profile', @dynamic, '-o', "$dir/one");
    cmp_ok((times)[2] + (times)[3], '<', 60, 'well under a second each');
}

done_testing;
