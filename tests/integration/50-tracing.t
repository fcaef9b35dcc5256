#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# The set of system calls of each program must be what strace sees, whatever the program does, with
# every engine; what a program does must not change; what is needed is found out as constructed.
use strict;
use warnings;
use Test::More;
use File::Temp qw(tempdir);
use JSON::PP;

my ($tool, $src) = @ENV{qw(TOOLCHAIN SRC)};
my $dir = tempdir(CLEANUP => 1);
$ENV{XDG_CACHE_HOME} = "$dir/cache";
chdir $dir or die;
$ENV{PWD} = $dir; # a shell that finds it wrong asks the kernel

sub build {
    my ($name, @flags) = @_;
    system('cc', '-O1', '-D_GNU_SOURCE', '-w', '-o', "$dir/$name",
        "$src/tests/programs/tracing/$name.c", @flags, '-lpthread', '-ldl') == 0
        or BAIL_OUT("cannot build $name");
    return "$dir/$name";
}

sub traced {
    my ($options, @command) = @_;
    my $program = shift @command;
    open my $out, '-|', 'timeout', '120', $tool, '--dep', '--dynamic', '--json', '-q', @$options, $program,
        (@command ? ('--', @command) : ()) or die;
    local $/;
    my $text = <$out>;
    close $out;
    my $profile = eval { decode_json($text) } or return undef;
    return $profile->{dynamic};
}

# All calls of a run and of the programs it executed.
sub calls {
    my ($dynamic) = @_;
    my %seen;
    $seen{ $_->{name} } = 1 for map { @{ $_->{syscalls} } } $dynamic, @{ $dynamic->{execs} };
    return %seen;
}

# What strace sees: without the execve that started the program and the kernel's own restarts.
sub strace_calls {
    my (@command) = @_;
    system("strace -f -qq -e signal=none -o $dir/strace.out " . join(' ', map { "'$_'" } @command)
        . ' </dev/null 2>&1 | cat >/dev/null');
    open my $in, '<', "$dir/strace.out" or die;
    my (%seen, $first);
    while (<$in>) {
        next unless $first++;
        $seen{$1} = 1 if /^\d+\s+(?:<\.\.\. )?([a-z0-9_]+)(?:\(| resumed)/;
    }
    delete $seen{restart_syscall};
    return %seen;
}

sub program_output { return $_[0]{tests}[-1]{output} // '' }

sub same_as_strace {
    my ($engine, $output, @command) = @_;
    my $dynamic = traced(["--engine=$engine", '--no-functions', '--no-evidence'], @command);
    my $label = "$engine: @command";
    return fail("$label: no profile") unless $dynamic;
    # A program may take another path now and then (a lock that is contended): the union counts.
    my %theirs;
    my %ours = calls($dynamic);
    my $differ;
    for my $again (1 .. 3) {
        %theirs = (%theirs, strace_calls(@command));
        $differ = join ' ', sort((map { "-$_" } grep { !$ours{$_} } keys %theirs),
            (map { "+$_" } grep { !$theirs{$_} } keys %ours));
        last if $differ eq '';
        %ours = (%ours, calls(traced(["--engine=$engine", '--no-functions', '--no-evidence'], @command)));
    }
    is($differ, '', "$label: same calls");
    like(program_output($dynamic), $output, "$label: same behaviour") if $output;
    is($dynamic->{engine}, $engine, "$label: that engine") if $engine ne 'auto';
    return;
}

# Programs of the system, one of each kind.
{ open my $words, '>', "$dir/words" or die; print $words "one\ntwo\nthree\n" }
for my $engine (qw(breakpoint seccomp ptrace)) {
    same_as_strace($engine, qr/three/, '/bin/grep', '-r', 'three', "$dir/words");
    same_as_strace($engine, qr/^hi$/m, '/bin/bash', '-c', 'for i in 1 2 3; do /bin/true; done; echo hi | cat');
}
same_as_strace('breakpoint', qr/uid=/, '/usr/bin/perl', '-e', 'print `id`; fork && wait; exec "true"');
same_as_strace('breakpoint', qr/42/, '/usr/bin/python3', '-c',
    'import threading, subprocess; subprocess.run(["true"]); t = threading.Thread(target=print, args=(42,)); t.start(); t.join()');
same_as_strace('breakpoint', undef, '/usr/bin/find', '/usr/share/doc', '-maxdepth', '1');
same_as_strace('breakpoint', undef, '/bin/tar', 'cf', '/dev/null', "$src/tests");

# Programs that make it hard.
my %hard = (
    threads_race => qr/^fine$/m,
    vfork_exec   => qr/^sum 90$/m,
    thread_exec  => qr/^executed$/m,
    signal_storm => qr/^stormy 1 x$/m,
    own_int3     => qr/^30 traps$/m,
    jit          => qr/^3 0$/m,
    many_numbers => qr/^20000$/m,
    loads_late   => qr/^fine$/m,
    spawns       => qr/^46 started$/m,
    brief_threads   => qr/^2400 calls$/m,
    shared_memory   => qr/^sum 12000$/m,
    restarts        => qr/^20 begun again, gone on, 80 given up, 2 waited$/m,
    rewrites_itself => qr/^121 the same$/m,
    traces          => qr/^0 stops, exit 7$/m,
);
same_as_strace('breakpoint', $hard{$_}, build($_)) for sort keys %hard;

# Its own filter would end it for calls made for the tracer, and hides those it answers from other filters.
my $locked = build('own_filter');
for my $engine (qw(breakpoint seccomp ptrace)) {
    for my $calls (0, 60, 200) {
        same_as_strace($engine, qr/^300 refused, 3 trapped$/m, $locked, $calls);
    }
}

my $self_read = traced([], build('self_read', '-static'));
is(program_output($self_read), "intact\n", 'a program that checks its own code at once finds it intact');
like(join(' ', map { @{ $_->{phases} } } grep { $_->{name} eq 'exit_group' } @{ $self_read->{syscalls} }), qr/exit/,
    'and its exit phase shows');
$self_read = traced([], "$dir/self_read", '500');
is(program_output($self_read), "intact\n", 'one that does so later is traced without breakpoints');
isnt($self_read->{engine}, 'breakpoint', 'and that is said');
my ($writes) = grep { $_->{name} eq 'write' } @{ $self_read->{syscalls} };
is_deeply($writes->{phases}, ['exit'], 'the exit phase shows with any engine');

my $maps = build('maps_code');
is(program_output(traced(["--engine=$_"], $maps)), "intact\n", "$_: code that a program maps to read it is as in the file")
    for qw(auto seccomp ptrace);
my ($left) = grep { $_->{name} eq 'exit_group' } @{ traced(['--engine=seccomp'], $maps)->{syscalls} };
is_deeply($left->{phases}, ['exit'], 'and the exit phase shows all the same');

my $old = traced([], build('old_calls'));
my %old = calls($old);
ok($old{'int80:getpid'} || program_output($old) =~ /no 32-bit/, 'calls by int 0x80 are named as such');

# Operations that no system call shows: through a ring, and through one that a kernel thread polls.
build('ring');
for my $case ([], ['poll']) {
    my $ring = traced([], "$dir/ring", @$case);
    if (program_output($ring) =~ /no io_uring/) {
        pass('no io_uring here: nothing to name');
        next;
    }
    is(program_output($ring), "6 ringed\n", "ring @$case: same behaviour");
    is(join(' ', sort map { $_->{name} } grep { $_->{syscall} eq 'io_uring_enter' } @{ $ring->{selectors} }),
        'IORING_OP_CLOSE IORING_OP_FSYNC IORING_OP_READ IORING_OP_WRITE', "ring @$case: its operations are named");
}

my %untraced = calls(traced([], build('untraced')));
ok($untraced{getpgid} && $untraced{getsid}, 'children made with CLONE_UNTRACED and daemons are traced');

# Where Linux schedules sessions against each other, tracer and traced must be in one.
sub session_of { open my $stat, '<', "/proc/$_[0]/stat" or return ''; return (split ' ', <$stat> =~ s/.*\) //r)[3] }
is(program_output(traced([], '/bin/sh', '-c', 'cut -d" " -f6 /proc/self/stat')), session_of($$) . "\n",
    'a program stays in the session of the tool');

# A process that makes many others is given a filter, so that each of them stops seldom, also where vfork made it.
SKIP: {
    skip 'filters take privileges', 1 if $> != 0;
    my $loop = 'i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done';
    qx($tool --dep --dynamic --json -v /bin/sh -- -c '$loop' 2>&1 >/dev/null) =~ /: (\d+) stops/;
    cmp_ok($1 // 1e9, '<', 3500, 'short programs that are started often stop seldom');
}

# Call stacks, against those of gdb: of the program's own functions, as names inside libraries differ with
# what debug information either takes.
sub own_functions { return join ' ', grep { /^(main|on_signal|by_value|recursive|large_frame)$/ } @_ }
my @met = qw(getppid getpgrp getsid sync);
for my $flags ('-O2 -fomit-frame-pointer', '-O0 -g', '-O2 -static', '-O1 -fno-asynchronous-unwind-tables -fno-omit-frame-pointer') {
    system("cc $flags -D_GNU_SOURCE -w -o deep $src/tests/programs/tracing/deep.c") == 0 or BAIL_OUT('cannot build');
    my $deep = traced([], "$dir/deep");
    my %stack = map { $_->{name} => $_->{evidence} } @{ $deep->{syscalls} };
    my $catches = join ' ', map { "-ex 'tcatch syscall $_'" } @met;
    my $text = qx(timeout 60 gdb -batch -nx -ex 'set pagination off' -ex 'handle SIGUSR1 nostop noprint' $catches -ex run @{[ '-ex bt -ex c ' x @met ]} ./deep 2>/dev/null </dev/null);
    my @gdb = split /Temporary catchpoint \d+ \(call/, $text =~ s/\n/ /gr;
  SKIP: {
        skip 'no gdb', scalar @met if @gdb != @met + 1;
        for my $i (0 .. $#met) {
            my @theirs = map { /#\d+\s+(?:0x[0-9a-f]+ in )?([\w.]+) \(/g } $gdb[$i + 1];
            is(own_functions(map { $_->{function} } reverse @{ $stack{ $met[$i] } }), own_functions(@theirs),
                "stack of $met[$i], built with '$flags'");
        }
    }
    next if $flags !~ /-g/;
    my %line = map { $_->{function} => $_->{source} // '' } @{ $stack{getppid} };
    like($line{on_signal}, qr/deep\.c:\d+$/, 'source lines where debug information tells them');
}
my ($first) = reverse @{ (grep { $_->{name} eq 'sync' } @{ traced(['--engine=seccomp'], "$dir/deep")->{syscalls} })[0]{evidence} };
my ($again) = reverse @{ (grep { $_->{name} eq 'sync' } @{ traced([], "$dir/deep")->{syscalls} })[0]{evidence} };
is($again->{address}, $first->{address}, 'a stack begins at the instruction, whatever the engine');

# Phases.
my $reply = "$dir/http_reply";
system('cc', '-O1', '-o', $reply, "$src/tests/programs/http_reply.c") == 0 or BAIL_OUT('cannot build');
my $server = traced(['-t', "$src/testFiles/http_reply.json"], $reply);
my %phases = map { $_->{name} => join ' ', @{ $_->{phases} } } @{ $server->{syscalls} };
like($phases{listen}, qr/^init$/, 'a server listens while it starts up');
like($phases{accept}, qr/^run$/, 'and accepts afterwards');
like($phases{pread64} // 'loader', qr/^loader$/, 'the dynamic linker alone uses pread64');
is_deeply([map { $_->{soname} } @{ $server->{libraries} }], ['ld-linux-x86-64.so.2', 'libc.so.6'],
    'libraries are named');
ok((grep { $_->{syscall} eq 'socket' && ($_->{name} // '') eq 'AF_INET' } @{ $server->{selectors} }),
    'arguments that select are recorded');

# Library functions, through stubs and without; one that is not called does not count.
open my $source, '>', 'imports.c' or die;
print $source "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint main(int c, char **v)\n{\n"
    . "    char *p = strdup(v[0]);\n    if (c > 7)\n        abort();\n    printf(\"%d\\n\", atoi(\"7\"));\n    free(p);\n    return 0;\n}\n";
close $source;
for my $flags ('', '-fno-plt', '-fno-plt -no-pie -fcf-protection=none') {
    system("cc -O1 $flags -o imports imports.c") == 0 or BAIL_OUT('cannot build');
    my $functions = traced([], "$dir/imports");
    is(join(' ', grep { !/^__/ } map { $_->{name} } @{ $functions->{symbols} }), 'free printf strdup strtol',
        "functions called by a program built with '$flags'");
}

# What is needed.
my $needs = traced(['--classify'], build('needs'));
my %class = map { $_->{name} => $_->{class} } @{ $needs->{syscalls} };
my %wanted = (getppid => 'required', sync_file_range => 'any', umask => 'fakeable',
    gettid => 'stubbable', sched_yield => 'any', getpgid => 'required', getpgrp => 'flaky',
    mmap => 'required');
is($class{$_}, $wanted{$_}, "without $_: $wanted{$_}") for sort keys %wanted;

done_testing();
