#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Match and build, whole, on the bench core: images of C sources and of unmodified programs, run on
# Linux and in QEMU and compared with the program itself; what goes wrong is said.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} // die "TOOLCHAIN names the binary";
my $src       = $ENV{SRC} // die "SRC names the source tree";
my $dir       = tempdir(CLEANUP => 1);
my $core      = "$src/tests/core";
my @core      = ('--uk-root', $core, '--uk-libs', "$src/tests/corelibs");
chdir $dir or die;

# Runs for at most a minute, without input; gives exit status, standard output, standard error.
sub run {
    my @command = @_;
    my $pid = fork // die;
    if (!$pid) {
        alarm 60;
        open STDIN,  '<', '/dev/null' or die;
        open STDOUT, '>', "$dir/.out" or die;
        open STDERR, '>', "$dir/.err" or die;
        exec @command or exit 126;
    }
    waitpid $pid, 0;
    my $status = $? >> 8;
    $status = 128 + ($? & 127) if $? & 127;
    return ($status, slurp("$dir/.out"), slurp("$dir/.err"));
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or die "$path: $!";
    local $/;
    my $text = <$file>;
    return $text // '';
}

sub spill {
    my ($path, $data) = @_;
    open my $file, '>', $path or die "$path: $!";
    print $file $data;
    close $file or die;
}

# Makes a program NAME of one source in src-NAME.
sub program {
    my ($name, $source, @flags) = @_;
    mkdir "src-$name";
    spill("src-$name/main.c", $source);
    is((run('gcc', '-O1', @flags, '-o', $name, "src-$name/main.c"))[0], 0, "$name compiles");
    return;
}

# What the image prints, without the core's own lines.
sub own_lines {
    my ($text) = @_;
    $text =~ s/\A.*?^Bench core [^\n]*\n//ms;
    $text =~ s/^\[(?:shim|trace)\] [^\n]*\n//mg;
    return $text;
}

sub qemu {
    my ($image, @rest) = @_;
    my ($status, $out) =
      run('qemu-system-x86_64', qw(-nographic -vga none -no-reboot -net none -cpu max -m 64M),
        qw(-device isa-debug-exit -kernel), $image, @rest);
    $out =~ s/\r//g;
    return ($status, own_lines($out));
}

sub selection {
    my ($folder) = @_;
    return decode_json(slurp("$folder/selection.json"));
}

my $have_qemu = grep { -x "$_/qemu-system-x86_64" } split /:/, $ENV{PATH};

# ---- source ports ----

program('hello', <<'END');
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int order(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(int argc, char **argv)
{
    int *v = malloc(50 * sizeof *v), sum = 0;
    for (int i = 0; i < 50; i++) v[i] = i * 7919 % 101;
    qsort(v, 50, sizeof *v, order);
    for (int i = 0; i < 50; i++) sum = sum * 31 % 65521 + v[i];
    char text[64];
    snprintf(text, sizeof text, "%d %08x %-6s| %.3f", sum, sum, "ab", sum / 7.0);
    printf("%s %zu %d\n", text, strlen(text), argc);
    free(v);
    return 7;
}
END
my ($native_status, $native) = run('./hello');
my ($status, $out, $err) =
  run($toolchain, '--build', '-s', 'src-hello', '--platform', 'linuxu', @core, '-o', 'h', './hello');
is($status, 0, 'hello is built') or diag $err;
like($out, qr{^Image\s+\S+/h/app/build/hello_linuxu-x86_64}m, 'and the image is named');
my @image = run('h/app/build/hello_linuxu-x86_64');
is($image[0], $native_status, 'its exit status is the program\'s');
is(own_lines($image[1]), $native, 'and so is its output');
ok(!grep({ $_->{name} =~ /vfs|socket|sched|shim/ } @{selection('h')->{libraries}}),
    'nothing unneeded is in it');
for my $file (qw(.config Config.uk Makefile.uk Makefile Kraftfile Kconfig)) {
    ok(-s "h/app/$file", "$file is written");
}

($status, $out, $err) =
  run($toolchain, '--build', '-s', 'src-hello', '--platform', 'kvm', @core, '-o', 'hk', './hello');
is($status, 0, 'hello is built for a virtual machine') or diag $err;
SKIP: {
    skip 'qemu-system-x86_64 is not installed (make deps installs it)', 2 unless $have_qemu;
    @image = qemu('hk/app/build/hello_qemu-x86_64');
    is($image[0], ($native_status << 1 | 1) & 255, 'the machine ends with its exit status');
    is($image[1], $native, 'and prints what the program prints');
}

# ---- the app folder on its own ----

is((run('make', '-s', '-C', 'h/app'))[0], 0, 'its Makefile builds the same image');
@image = run('h/app/build/hello_linuxu-x86_64');
is(own_lines($image[1]), $native, 'which runs');
my $config = slurp('h/app/.config');
my $conf = (run('sh', '-c', 'cd h/app && cp .config kept && KCONFIG_CONFIG=kept kconfig-conf --olddefconfig Kconfig'))[0];
is($conf, 0, 'kconfig-conf reads the Kconfig');
is(join("\n", sort grep { !/^#/ } split /\n/, slurp('h/app/kept')),
    join("\n", sort grep { !/^#/ } split /\n/, $config), 'and leaves the .config as it is');

# A strict reader of the Kraftfile's YAML: two spaces a level, scalars plain or in single quotes.
sub kraftfile {
    my ($path) = @_;
    my %file;
    my @level = (\%file);
    for my $line (split /\n/, slurp($path)) {
        next if $line eq '';
        if ($line =~ /^- (\S+)$/) {
            push @{$file{targets}}, $1;
        } elsif ($line =~ /^( *)([A-Za-z0-9_.-]+):(?: (.*))?$/) {
            my ($depth, $key, $value) = (length($1) / 2, $2, $3);
            die "$path: indentation: $line" if $depth != int $depth || $depth > $#level;
            $#level = $depth;
            die "$path: $key twice" if exists $level[$depth]{$key};
            if (!defined $value) {
                $level[$depth]{$key} = $key eq 'targets' ? [] : {};
                push @level, $level[$depth]{$key} if $key ne 'targets';
            } elsif ($value =~ /^'((?:[^']|'')*)'$/ || $value =~ /^([A-Za-z0-9_.\/:-]+)$/ ||
                $value =~ /^(\[.*\])$/) {
                $level[$depth]{$key} = $1;
            } else {
                die "$path: value: $line";
            }
        } else {
            die "$path: $line";
        }
    }
    return \%file;
}

my $kraft = kraftfile('h/app/Kraftfile');
is($kraft->{spec}, 'v0.6', 'the Kraftfile names its specification');
is($kraft->{name}, 'hello', 'the program');
is($kraft->{unikraft}{version}, '0.1.0', 'the core\'s version');
is($kraft->{unikraft}{kconfig}{CONFIG_PLAT_LINUXU}, 'y', 'its options');
is_deeply($kraft->{targets}, ['linuxu/x86_64'], 'and targets');
is_deeply([sort keys %$kraft], [qw(name spec targets unikraft)], 'and nothing else');

# ---- files, and what happens without them ----

program('files', <<'END');
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void)
{
    char buffer[16] = {0};
    if (mkdir("toolchain-test-folder", 0755)) { perror("mkdir"); return 1; }
    FILE *f = fopen("toolchain-test-folder/a", "w");
    if (!f) { perror("fopen"); return 2; }
    fprintf(f, "%s\n", "twelve bytes");
    fclose(f);
    int fd = open("toolchain-test-folder/a", O_RDONLY);
    long n = read(fd, buffer, sizeof buffer - 1);
    struct stat st;
    stat("toolchain-test-folder/a", &st);
    printf("%ld %ld %s", n, (long)st.st_size, buffer);
    close(fd);
    unlink("toolchain-test-folder/a");
    return rmdir("toolchain-test-folder");
}
END
($native_status, $native) = run('./files');
($status, $out, $err) =
  run($toolchain, '--build', '-s', 'src-files', '--platform', 'linuxu', @core, '-o', 'f', './files');
is($status, 0, 'a program with files is built') or diag $err;
@image = run('f/app/build/files_linuxu-x86_64');
is($image[0], $native_status, 'it ends as on Linux');
is(own_lines($image[1]), $native, 'and prints the same');
ok(grep({ $_->{name} eq 'libramfs' } @{selection('f')->{libraries}}), 'a root file system is in it');

($status, $out, $err) = run($toolchain, '--build', '-s', 'src-files', '--platform', 'linuxu', @core,
    '--forbid', 'LIBVFSCORE', '--keep-going', '-o', 'g', './files');
is($status, 1, 'without its library the build fails');
like($err, qr/undefined reference to .*\b(mkdir|fopen|open|stat|unlink|rmdir)\b/, 'the first symbol is named');
like($err, qr/exported by libvfscore \(LIBVFSCORE\): select it/, 'and the library that has it');

# A profile that does not show what the sources call: the link says it, and the rest follows.
($status, $out, $err) =
  run($toolchain, '--build', '-s', 'src-files', '--platform', 'linuxu', @core, '-o', 'r', './hello');
is($status, 0, 'symbols that the link misses are solved for') or diag $err;
like($err, qr/the link misses .*: solving again/, 'which is said');
is(own_lines((run('r/app/build/hello_linuxu-x86_64'))[1]), $native, 'and the image works');

# ---- unmodified programs ----

my $print = <<'END';
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) printf("<%s>", argv[i]);
    printf("%d\n", getpid() > 0);
    return argc;
}
END
program('static', $print, '-static-pie');
program('dynamic', $print);
for my $name (qw(static dynamic)) {
    for my $platform ('linuxu', $have_qemu ? 'kvm' : ()) {
        my $folder = "$name-$platform";
        ($status, $out, $err) = run($toolchain, '--build', '--platform', $platform, '--need',
            'static', @core, '-o', $folder, "./$name", '--', 'a', 'b c');
        ok($status <= 1, "$folder: the program is built") or diag $err;
        my ($image) = glob "$folder/app/build/*-x86_64";
        my $initrd = $name eq 'static' ? 'initrd.elf' : 'initrd.cpio';
        my @program = $name eq 'static' ? () : ("$dir/$name");
        if ($platform eq 'linuxu') {
            @image = run($image, "--initrd=$folder/app/$initrd", @program, 'a', 'b c');
            is($image[0], 3, "$folder: its exit status is the program's");
        } else {
            @image = qemu($image, '-initrd', "$folder/app/$initrd", '-append', "@program a 'b c'");
            is($image[0], 7, "$folder: the machine ends with its exit status");
        }
        my $printed = $platform eq 'linuxu' ? own_lines($image[1]) : $image[1];
        is($printed, "<a><b c>1\n", "$folder: its output is the program's");
        my %provided = map { s/-\d+$//r => 1 }
          split /\n/, slurp("$folder/app/build/libsyscall_shim/provided_syscalls.in");
        my @missing = grep { !$provided{$_} } keys %{selection($folder)->{provides}};
        is("@missing", '', "$folder: every call counted as provided is");
    }
}
my @names = split /\n/, (run('sh', '-c', 'cpio -t < dynamic-linuxu/app/initrd.cpio'))[1];
ok(grep({ $_ eq substr("$dir/dynamic", 1) } @names), 'the archive holds the program');
ok(grep({ m{^lib64/ld-linux-x86-64\.so\.2$} } @names), 'its dynamic linker');
ok(grep({ m{/libc\.so\.6$} } @names), 'and its library');

# ---- what cannot be ----

program('fixed', $print, '-static', '-no-pie');
($status, $out, $err) = run($toolchain, '--build', @core, '-o', 'fixed_out', './fixed');
is($status, 2, 'a program at fixed addresses is refused');
like($err, qr/position-independent.*-static-pie/, 'with the way out');
ok(!-e 'fixed_out/app/build', 'before anything is built');

program('forks', <<'END');
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
    pid_t pid = fork();
    if (pid == 0) _exit(3);
    int status = 0;
    waitpid(pid, &status, 0);
    printf("%d\n", status);
    return pid < 0;
}
END
($status, $out, $err) = run($toolchain, '--build', '-s', 'src-forks', '--platform', 'linuxu',
    '--no-make', @core, '-o', 'forks_out', './forks');
is($status, 1, 'a program whose needs cannot be met is told apart');
my %missing = map { $_ => 1 } @{selection('forks_out')->{missing}{symbols}};
ok($missing{fork} && $missing{waitpid}, 'what is missing is named');

# ---- a tree that is not the catalogue's ----

is((run($toolchain, '--crawler', '-r', $core, '-o', 'cat'))[0], 0, 'a catalogue of the core');
run('cp', '-r', $core, 'other');
my $config_uk = slurp('other/Config.uk');
$config_uk =~ s/config OPTIMIZE_DEADELIM\n.*?\n\n/\n/s;
spill('other/Config.uk', $config_uk);
($status, $out, $err) = run($toolchain, '--build', '-s', 'src-hello', '--platform', 'linuxu',
    '--catalogue', 'cat/catalogue.json', '--uk-root', 'other', '--pin', 'OPTIMIZE_DEADELIM', '-o',
    'gone', './hello');
is($status, 1, 'an option that the tree has not is an error');
like($err, qr/OPTIMIZE_DEADELIM=y: .*has no such option: it is gone/, 'and the reason is said');
$config_uk = slurp("$core/Config.uk");
$config_uk =~ s/(config OPTIMIZE_DEADELIM\n\tbool [^\n]*\n)/$1\tdepends on OPTIMIZE_NONE\n/;
spill('other/Config.uk', $config_uk);
($status, $out, $err) = run($toolchain, '--build', '-s', 'src-hello', '--platform', 'linuxu',
    '--catalogue', 'cat/catalogue.json', '--uk-root', 'other', '--pin', 'OPTIMIZE_DEADELIM', '-o',
    'unmet', './hello');
is($status, 1, 'so is one whose dependency is not met there');
like($err, qr/OPTIMIZE_DEADELIM=y: unmet dependency/, 'with its reason');

# ---- a core from a repository ----

my @git = ('git', '-c', 'user.name=t', '-c', 'user.email=t@example.org', '-C', 'repo');
run('cp', '-r', $core, 'repo');
run(@git, 'init', '-q', '.');
run(@git, 'add', '-A');
is((run(@git, 'commit', '-qm', 'core'))[0], 0, 'a repository of the core');
run(@git, 'tag', 'v1');
unlink 'repo/Config.uk';
run(@git, 'commit', '-qam', 'broken since');
local $ENV{XDG_CACHE_HOME} = "$dir/cache";
my @fetched = ($toolchain, '--build', '-s', 'src-hello', '--platform', 'linuxu', '--uk-libs', "$src/tests/corelibs");
($status, $out, $err) = run(@fetched, '--core', "git:$dir/repo\@v1", '-o', 'fetched', './hello');
is($status, 0, 'is cloned at a revision and built with') or diag $err;
@image = run('fetched/app/build/hello_linuxu-x86_64');
is(own_lines($image[1]), (run('./hello'))[1], 'and the image runs');
run('rm', '-rf', 'repo');
($status, $out, $err) = run(@fetched, '--no-make', '--core', "git:$dir/repo\@v1", '-o', 'fetched', './hello');
is($status, 0, 'the second time the clone is there') or diag $err;
($status, $out, $err) = run(@fetched, '--core', "git:$dir/repo\@v2", '-o', 'unfetched', './hello');
is($status, 3, 'one that cannot be cloned is an error');
like($err, qr{cannot clone \Q$dir\E/repo: .*git clone .*git -C TREE checkout v2; then --uk-root TREE}, 'with what to do');
is(scalar(() = glob "$dir/cache/toolchain/cores/*v2*"), 0, 'and leaves nothing half-cloned');

# ---- which sources ----

mkdir 'many';
mkdir 'many/lib';
spill('many/hello.c', "#include \"part.h\"\nint four(void), five(void);\nint main(void) { return part() + VALUE + four() + five(); }\n");
spill('many/other.c', "int main(void) { return 99; }\n");
spill('many/lib/part.c', "#include \"part.h\"\nint part(void) { return 20; }\n");
mkdir 'many/sub';
spill('many/sub/part.cpp', "struct twice { int value; twice(int x) : value(2 * x) {} };\nextern \"C\" int four(void) { return twice(2).value; }\n");
spill('many/sub/s.S', ".globl five\nfive: mov \$5, %eax\nret\n");
spill('many/lib/part.h', "int part(void);\n#ifndef VALUE\n#define VALUE 3\n#endif\n");
($status, $out, $err) =
  run($toolchain, '--build', '-s', 'many', '--platform', 'linuxu', @core, '-o', 'm', './hello');
is($status, 0, 'of several programs in a folder the one of the name is taken') or diag $err;
is((run('m/app/build/hello_linuxu-x86_64'))[0], 32, 'with its headers, equal names, C++ and assembly');
spill('many/compile_commands.json', encode_json([
            {directory => "$dir/many", file => 'hello.c',
                command => 'cc -O2 -DVALUE=5 -Ilib -c hello.c -o hello.o'},
            {directory => "$dir/many/lib", file => 'part.c', arguments => [qw(cc -c part.c)]},
            {directory => "$dir/many/sub", file => 's.S',      arguments => [qw(cc -c s.S)]},
            {directory => "$dir/many/sub", file => 'part.cpp', arguments => [qw(c++ -c part.cpp)]}]));
($status, $out, $err) =
  run($toolchain, '--build', '-s', 'many', '--platform', 'linuxu', @core, '-o', 'n', './hello');
is($status, 0, 'with a compilation database its sources are taken') or diag $err;
is((run('n/app/build/hello_linuxu-x86_64'))[0], 34, 'with their flags');
mkdir 'none';
($status, $out, $err) =
  run($toolchain, '--build', '-s', 'none', '--platform', 'linuxu', @core, '-o', 'o', './hello');
is($status, 2, 'a folder without sources is refused');
like($err, qr{none: no C, C\+\+ or assembly source in it}, 'and named');

done_testing;
