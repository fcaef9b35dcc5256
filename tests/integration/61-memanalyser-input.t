#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# --memanalyser on bad input: one clear error, status 2, bounded memory and time; then a short fuzz
# run whose seeds are made here.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(time);

my $tool = $ENV{TOOLCHAIN} or die 'TOOLCHAIN is not set';
my $src = $ENV{SRC} or die 'SRC is not set';
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;
$ENV{LC_ALL} = 'C';
my $instrumented = -s $tool && do { open(my $f, '<:raw', $tool) or die; local $/; index(<$f>, '__asan_init') >= 0 };

# Sanitizers reserve terabytes of addresses; other builds must do with 512 MiB.
sub run {
    my ($shell) = @_;
    my $limit = $instrumented ? '' : 'ulimit -v 524288; ';
    my $pid = open(my $out, '-|') // die;
    if (!$pid) {
        open(STDERR, '>', "$dir/.err");
        open(STDIN, '<', '/dev/null');
        exec('sh', '-c', "$limit$shell") or exit 127;
    }
    local $/;
    my $text = <$out>;
    close $out;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    open(my $err, '<', "$dir/.err") or die;
    return ($status, $text // '', scalar <$err> // '');
}
sub spill { my ($p, $d) = @_; open(my $f, '>:raw', $p) or die; print $f $d; close $f }
sub slurp { my ($p) = @_; open(my $f, '<:raw', $p) or die "$p: $!"; local $/; return scalar <$f> }
sub refused {
    my ($file, $pattern, $what, @options) = @_;
    my $began = time;
    my ($status, $out, $err) = run("exec $tool --memanalyser @options $file");
    is($status, 2, "$what: status 2") or diag($err);
    like($err, $pattern, "$what: says what and where");
    is(() = ($err =~ /\n/g), 1, "$what: one line");
    is($out, '', "$what: nothing on standard output");
    cmp_ok(time - $began, '<', 20, "$what: soon");
    ok(!-e "${file}_output", "$what: nothing left behind");
}

spill('s.c', "int x = 1; const char *s = \"text\"; int f(int a) { return a + x; } int main(void) { return f(2); }\n");
system('gcc -g -o s s.c && gcc -g -c -o s.o s.c && gcc -g -c -ffunction-sections -gz -o z.o s.c && ar rcs s.a s.o && cp s.a member.o && ar rcs nested.a member.o && objcopy -O pe-x86-64 s.o pe.o') == 0 or die;
my $elf = slurp('s');
my ($shoff, $shentsize, $shnum, $shstrndx) = (unpack('Q<', substr $elf, 40, 8), unpack('S<3', substr $elf, 58, 6));

# A copy with a number written over the bytes at an offset.
sub patched {
    my ($name, @changes) = @_;
    my $copy = $elf;
    while (my ($at, $bytes) = splice @changes, 0, 2) { substr($copy, $at, length $bytes) = $bytes }
    spill($name, $copy);
    return $name;
}
my %section; # name -> index
{
    my $names = unpack 'Q<', substr $elf, $shoff + $shstrndx * 64 + 24, 8;
    for my $i (0 .. $shnum - 1) {
        my $at = $names + unpack 'L<', substr $elf, $shoff + $i * 64, 4;
        $section{ unpack 'Z*', substr $elf, $at } = $i;
    }
}
sub header { my ($name, $field) = @_; return $shoff + $section{$name} * 64 + $field }

spill('empty', '');
spill('script', "#!/bin/sh\necho\n");
spill('noise', join '', map { chr(($_ * 7919) % 251) } 1 .. 5000);
spill('short', substr $elf, 0, 40);
spill('cut', substr $elf, 0, length($elf) / 2);
refused('empty', qr/empty: empty/, 'an empty file');
refused('script', qr/script: a script/, 'a script');
refused('noise', qr/noise: not an ELF file/, 'noise');
refused('missing', qr/missing: cannot open/, 'a missing file');
refused('/dev/null', qr/not a regular file/, 'a device');
refused('short', qr/short: truncated/, 'half an ELF header');
refused('cut', qr/cut: truncated.*past the file|cut: truncated: .*section headers/, 'half a file');
refused('pe.o', qr/pe\.o: not an ELF file: libbfd sees the format 'pe-x86-64'/, 'a PE object');
refused('nested.a', qr/nested\.a\(member\.o\): an archive within an archive/, 'an archive in an archive');
mkdir 'folder';
refused('folder', qr/folder: no image and no micro-library objects/, 'a folder without a build');
refused(patched('class', 4, "\x07"), qr/unknown ELF class 7/, 'an unknown class');
refused(patched('shoff', 40, pack 'Q<', 1 << 40), qr/truncated: the section headers should be at/, 'section headers far outside');
refused(patched('shnum', 60, pack 'S<', 60000), qr/60000 section headers.*end past/, 'too many sections');
refused(patched('shentsize', 58, pack 'S<', 3), qr/e_shentsize is 3/, 'tiny section headers');
refused(patched('shstrndx', 62, pack 'S<', 500), qr/e_shstrndx 500/, 'names in no section');
refused(patched('past', header('.text', 32), pack 'Q<', 1 << 30), qr/\(\.text\): 0x40000000 bytes at offset .* end past the file/, 'a gigabyte of text in a small file');
refused(patched('overlap', header('.data', 24), pack('Q<', unpack 'Q<', substr $elf, header('.rodata', 24), 8)), qr/overlap in the file/, 'overlapping sections');
refused(patched('cyclic', header('.symtab', 40), pack 'L<', $section{'.symtab'}), qr/\(\.symtab\): sh_link .* is not a string table/, 'a symbol table that is its own string table');
refused(patched('entsize', header('.symtab', 56), pack 'Q<', 5), qr/are not whole symbols/, 'symbols of five bytes');
my $symbols = unpack 'Q<', substr $elf, header('.symtab', 24), 8;
refused(patched('name', $symbols + 24 * 5, pack 'L<', 1 << 30), qr/symbol 5: its name is at/, 'a symbol name far outside');
refused(patched('bss', header('.bss', 32), pack 'Q<', 1 << 60), qr/\(\.bss\):.*impossible/, 'an exabyte of bss');
refused(patched('wrap', header('.text', 16), pack 'Q<', ~0 - 15), qr/wrap/, 'addresses that wrap around');
my $archive = slurp('s.a');
spill('cut.a', substr $archive, 0, 130);
refused('cut.a', qr/cut\.a: truncated/, 'a cut archive');
(my $badsize = $archive) =~ s/^(!<arch>\n.{48})\d+ */$1abc/;
spill('size.a', $badsize);
refused('size.a', qr/size\.a: no archive header/, 'an archive header without a size');
spill('none.a', "!<arch>\n");
refused('none.a', qr/without members/, 'an archive without members');
spill('map.txt', "nothing\n");
refused('s', qr/map\.txt: not a linker map/, 'something else as a linker map', '--map=map.txt');
refused('s', qr/not the unstripped twin of s/, 'another file as the twin', '--debug-file=/bin/ls');
refused('s', qr/the table 'sections' has no column 'weight' \(it has index, name/, 'an unknown column', '--sections --sort=weight');
refused('s', qr/no function or address range 'nothing'/, 'an unknown function', '--disassemble=nothing');
refused('s', qr/compares at least two images/, 'one image to share with itself', '--sharing');

# Pages are of what is loaded: objects have none, whatever their program headers say.
refused('s.o s.o', qr/s\.o: no segments to load/, 'objects to share', '--sharing');
refused(join(' ', (patched('rel', 16, pack 'S<', 1)) x 2), qr/rel: no segments to load/, 'an object with program headers', '--sharing');

# The last page of the address space has no address after it.
system('echo "int x = 1; int _start(void) { return x; }" >p.c; gcc -O2 -c p.c && ld -o top --section-start=.text=0xfffffffffffff800 p.o && cp top top2') == 0 or die;
my ($ended, $shared, $told) = run("exec timeout 20 $tool --memanalyser -q --csv --sharing top top2");
is($ended, 0, 'an image at the end of the address space') or diag($told);
my $pages = () = `readelf -lW top` =~ /^ *LOAD /mg; # each within a page of its own
like($shared, qr/^4096,top,$pages,0,$pages,/m, 'its pages are counted and shared');

# The first section header stands for no section, whatever it says: names that are sought there are none.
patched('nobody', header('.dynamic', 40), pack('L<', 0), $shoff + 24, pack('Q<2', 1 << 60, 1 << 62));
my ($status, $out) = run("exec $tool --memanalyser -q --csv --dynamic nobody");
is($status, 0, 'dynamic entries without a table of names');
like($out, qr/^NEEDED,[^,]+,$/m, 'their names are left out');

# Compressed sections are ordinary.
($status, $out) = run("exec $tool --memanalyser -q --csv --section-sizes z.o | tail -1");
is($out, '[total],' . (-s 'z.o') . ',' . (split /,/, $out)[2] . ",\n", 'compressed sections are counted as they are');

# ---- fuzzing ---------------------------------------------------------------------------------------

my $flags = `pkg-config --cflags libelf libdw capstone jansson libcgraph libgvc libseccomp`;
my $libs = `pkg-config --libs libelf libdw capstone jansson libcgraph libgvc libseccomp`;
chomp($flags, $libs);
my $san = '-g -O1 -fsanitize=address,undefined -fno-sanitize=pointer-overflow -fno-sanitize-recover=undefined';
mkdir 'o';
mkdir 'seeds';
my @sources = grep { !m{/(?:catalogue|profile|selection|syscalls_|subprocess)\.c$} } glob("$src/memanalyser/*.c $src/common/*.c");
my $commands = join '', map { my ($n) = m{([^/]+/[^/]+)\.c$}; (my $o = $n) =~ tr{/}{_}; "clang -std=gnu11 -D_GNU_SOURCE -I. $san -fsanitize=fuzzer-no-link $flags -c $_ -o $dir/o/$o.o\n" } @sources, "$src/tests/fuzz/fuzz_memanalyser.c";
spill('commands', $commands);
my ($built, undef, $why) = (system("cd $src && xargs -P2 -d '\\n' -n1 sh -c <$dir/commands >$dir/.err 2>&1") >> 8, '', '');
is($built, 0, 'the fuzz target compiles') or diag(slurp('.err'));
is(system("mv o/fuzz_fuzz_memanalyser.o . && ar rcs fuzz.a o/*.o && clang -fsanitize=fuzzer,address,undefined -o fuzz fuzz_fuzz_memanalyser.o fuzz.a $libs -lopcodes -lbfd -liberty -lz -lm >$dir/.err 2>&1"), 0, 'and links') or diag(slurp('.err'));
system('gcc -nostdlib -static -Wl,-e,main -o seeds/static s.c; strip -o seeds/stripped s; cp s s.o z.o s.a seeds; printf "%s\n" "void (*t[])(void) = {0}; int g(int a) { switch (a) { case 1: return 5; case 2: return 7; case 3: return 1; default: return a; } }" >t.c; gcc -O2 -shared -fPIC -o seeds/shared t.c; gcc -c -o seeds/t.o t.c');
# A machine that stands still for a while looks like an input that takes long: what was found counts
# when it is found again by itself; when it is not, the ten seconds are repeated.
sub fuzz { return system("ASAN_OPTIONS=detect_leaks=0 ./fuzz -seed=1 -timeout=10 -rss_limit_mb=1500 @_ >$dir/.fuzz 2>&1") }
my @ten_seconds = ('-max_total_time=10', '-max_len=20000', 'seeds');
my $run = fuzz(@ten_seconds);
if ($run != 0) {
    diag("fuzzing ended with $run: ", substr slurp('.fuzz'), -2000);
    my @again = grep { fuzz($_) != 0 } glob('crash-* timeout-* oom-* leak-*');
    $run = @again ? 1 : fuzz(@ten_seconds);
}
is($run, 0, 'ten seconds of fuzzing find nothing') or diag(substr slurp('.fuzz'), -4000);
like(slurp('.fuzz'), qr/Done \d\d+ runs/, 'and did run');

done_testing();
