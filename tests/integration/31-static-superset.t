#!/usr/bin/perl
# Whatever the kernel sees a program do must be in its static set: installed programs of many kinds
# and small ones built here (C static and position-independent, C++, musl, Go, Rust), run under
# strace. Programs they execute are not their own.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} or die "TOOLCHAIN is not set\n";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;
$ENV{XDG_CACHE_HOME} = $dir;

sub write_file { open my $out, '>', $_[0] or die; print $out $_[1]; close $out }

sub static_names {
    my ($program) = @_;
    my $text = `'$toolchain' --dep --static --json '$program' 2>/dev/null`;
    my $static = decode_json($text)->{static};
    return map { ($_->{name} => 1) } @{$static->{syscalls}}, map { @{$_->{syscalls}} } @{$static->{plugins}};
}

# The calls of the program's own processes, until one executes something else.
sub traced {
    my ($program, @arguments) = @_;
    my (%own, %names);
    my $pid = fork // die;
    if (!$pid) {
        open STDIN, '<', "$dir/input";
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec 'strace', '-f', '-qq', '-o', "$dir/trace", 'timeout', '-s', 'KILL', '10', $program, @arguments;
    }
    waitpid $pid, 0;
    open my $trace, '<', "$dir/trace" or die;
    while (<$trace>) {
        if (/^(\d+) +<\.\.\. (?:clone3?|v?fork) resumed.*= (\d+)$/) { $own{$2} = 1 if $own{$1} }
        my ($id, $call, $rest) = /^(\d+) +(\w+)\((.*)/ or next;
        if ($call eq 'execve') {
            if ($rest =~ /^"\Q$program\E"/) { $own{$id} = 1 }
            elsif ($rest =~ /= 0$|unfinished/) { delete $own{$id} }
            next;
        }
        next unless $own{$id};
        $names{$call} = 1;
        $own{$1} = 1 if $call =~ /^(?:clone3?|v?fork)$/ && $rest =~ /= (\d+)$/;
    }
    return keys %names;
}

write_file('input', "b\na\nselect 1;\nprint(1)\n");
write_file('c.c', <<'C');
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static void *thread(void *a) { syscall(SYS_gettid); return a; }
static void handler(int s) { (void)s; (void)!write(1, "s\n", 2); }
static int compare(const void *a, const void *b) { getppid(); return *(int *)a - *(int *)b; }
int main(void)
{
    pthread_t p;
    pthread_create(&p, 0, thread, 0);
    pthread_join(p, 0);
    signal(SIGUSR1, handler);
    raise(SIGUSR1);
    int x[] = {3, 1, 2};
    qsort(x, 3, sizeof *x, compare);
    struct passwd *w = getpwuid(0);
    printf("%s %f\n", w ? w->pw_name : "?", 1.5);
    FILE *f = fopen("/etc/passwd", "r");
    char line[100];
    if (f && fgets(line, 100, f))
        puts(line);
    struct timespec t = {0, 1000};
    nanosleep(&t, 0);
    free(realloc(malloc(1 << 20), 1 << 22));
    return 0;
}
C
write_file('x.cc', <<'C');
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>
#include <unistd.h>
struct Base { virtual int act() = 0; virtual ~Base() {} };
struct One : Base { int act() override { return getppid(); } };
struct Two : Base { int act() override { throw std::runtime_error("two"); } };
int main()
{
    std::vector<std::unique_ptr<Base>> all;
    all.emplace_back(new One);
    all.emplace_back(new Two);
    for (auto &each : all)
        try { std::cout << each->act() << std::endl; }
        catch (std::exception &e) { std::cout << e.what() << getsid(0) << "\n"; }
    std::thread([] { std::ifstream in("/etc/passwd"); std::string s; in >> s; std::cout << s; }).join();
}
C
write_file('g.go', <<'GO');
package main

import ("fmt"; "net"; "os"; "sync"; "time")

func main() {
	var w sync.WaitGroup
	for i := 0; i < 4; i++ { w.Add(1); go func() { defer w.Done(); os.ReadFile("/etc/passwd") }() }
	w.Wait()
	l, e := net.Listen("tcp", "127.0.0.1:0")
	if e == nil {
		go func() { c, _ := l.Accept(); c.Write([]byte("x")); c.Close() }()
		c, _ := net.Dial("tcp", l.Addr().String()); b := make([]byte, 1); c.Read(b)
	}
	time.Sleep(time.Millisecond); os.Mkdir("d", 0755); os.Remove("d"); fmt.Println("hi", os.Getpid())
}
GO
write_file('r.rs', <<'RS');
use std::{fs, net::TcpListener, thread};
fn main() {
    let h = thread::spawn(|| fs::read_to_string("/etc/passwd").map(|s| s.len()));
    println!("{:?} {}", h.join().unwrap(), TcpListener::bind("127.0.0.1:0").is_ok());
    println!("{:?}", std::panic::catch_unwind(|| panic!("x")).is_err());
}
RS
my %build = (
    'C' => 'gcc -O2 -o P c.c', 'C, static' => 'gcc -O2 -static -o P c.c', 'C, static-pie' => 'gcc -O2 -static-pie -s -o P c.c',
    'C, musl' => 'musl-gcc -O2 -o P c.c', 'C, musl, static' => 'musl-gcc -O2 -static -s -o P c.c',
    'C++' => 'g++ -O2 -o P x.cc', 'Go' => 'CGO_ENABLED=0 go build -o P g.go', 'Rust' => 'rustc -O -o P r.rs 2>/dev/null',
    'Rust, static' => 'rustc -O -C target-feature=+crt-static -o P r.rs 2>/dev/null',
);
for my $kind (sort keys %build) {
    (my $program = "$dir/p-$kind") =~ s/[^\w\/.-]/-/g;
    (my $command = $build{$kind}) =~ s/\bP\b/$program/;
    is(system("$command 2>'$dir/err'"), 0, "$kind: built") or next;
    my %static = static_names($program);
    is(join(' ', sort { $a cmp $b } grep { !$static{$_} } traced($program)), '', "$kind: nothing missing");
}
my %run = ('/usr/bin/sort' => [[], ['/etc/passwd']], '/usr/bin/id' => [[]], '/usr/bin/sqlite3' => [[]], '/usr/bin/bash' => [['-c', 'echo $((1+1)) | cat; ls /']],
    '/usr/bin/lua5.4' => [['-']], '/usr/bin/tar' => [['cf', 'a.tar', 'input']], '/usr/bin/curl' => [['file:///etc/passwd']]);
for my $program (grep { -x $_ } sort keys %run) {
    my %static = static_names($program);
    my %seen = map { map { ($_ => 1) } traced($program, @$_) } @{$run{$program}};
    is(join(' ', sort { $a cmp $b } grep { !$static{$_} } keys %seen), '', "$program: nothing missing");
}
done_testing();
