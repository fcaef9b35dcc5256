#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# --memanalyser against binutils on ordinary files, and on images built here against the linker's map.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $tool = $ENV{TOOLCHAIN} or die 'TOOLCHAIN is not set';
my $src = $ENV{SRC} or die 'SRC is not set';
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;
$ENV{LC_ALL} = 'C';

sub run {
    my @command = @_;
    my $pid = open(my $out, '-|') // die;
    if (!$pid) {
        open(STDERR, '>', "$dir/.err");
        open(STDIN, '<', '/dev/null');
        exec(@command) or exit 127;
    }
    local $/;
    my $text = <$out>;
    close $out;
    my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    open(my $err, '<', "$dir/.err") or die;
    return ($status, $text // '', scalar <$err> // '');
}
sub mem { return run($tool, '--memanalyser', '-q', @_) }
sub ok_mem { my ($s, $o, $e) = mem(@_); die "@_: $s $e" if $s; return $o }
sub spill { my ($p, $d) = @_; open(my $f, '>:raw', $p) or die "$p: $!"; print $f $d; close $f }
sub slurp { my ($p) = @_; open(my $f, '<:raw', $p) or die "$p: $!"; local $/; return scalar <$f> }
sub sh { my ($s, $o, $e) = run('sh', '-ec', $_[0]); die "$_[0]: $e" if $s; return $o }

# One table of one image as a list of hashes.
sub rows {
    my ($table, @args) = @_;
    my $json = decode_json(ok_mem("--$table", '--no-demangle', '--json', @args));
    return @{ $json->{$table} };
}

# ---- the same facts as binutils --------------------------------------------------------------

sub sections_agree {
    my ($file) = @_;
    my %mine = map { ("$_->{name} " . hex($_->{address}) . " $_->{size}" => 1) } rows('sections', $file);
    my @missing;
    for (split /\n/, (run('size', '-A', '-d', $file))[1]) {
        my ($name, $size, $address) = /^(\S+)\s+(\d+)\s+(\d+)$/ or next;
        push @missing, $_ if !$mine{"$name $address $size"};
    }
    is_deeply(\@missing, [], "$file: sections as size -A says");
    my @sizes = rows('section-sizes', $file);
    is($sizes[-1]{file}, -s $file, "$file: sections, headers and gaps sum up to the file");
    my ($sum, $memory) = (0, 0);
    $sum += $_->{file}, $memory += $_->{memory} for @sizes[0 .. $#sizes - 1];
    is($sum, -s $file, "$file: each counted once");
    is($memory, $sizes[-1]{memory}, "$file: memory adds up");
}

sub symbols_agree {
    my ($file) = @_;
    my (%want, %mine);
    my @all = split /\n/, (run('readelf', '-sW', $file))[1];
    my $table = (grep { /'\.symtab'/ } @all) ? '.symtab' : '.dynsym';
    my $on = 0;
    for (@all) {
        $on = index($_, "'$table'") >= 0 if /^Symbol table/;
        next if !$on || !/^\s*(\d+): ([0-9a-f]+)\s+(\S+)\s+(\S+)\s+(\S+)\s+\S+\s*(?:\[.*?\]\s*)?\s(\S+) ?(.*)$/ || !$1;
        my ($value, $size, $type, $bind, $name) = ($2, $3, $4, $5, $7);
        $size = hex $size if $size =~ /^0x/;
        if ($table eq '.dynsym') { $name =~ s/ \(\d+\)$//; $name =~ s/@.*// }
        $want{ hex($value) . " $size $type $bind $name" }++;
    }
    $mine{ hex($_->{address}) . " $_->{size} $_->{type} $_->{bind} $_->{name}" }++ for rows('symbols', $file);
    is_deeply(\%mine, \%want, "$file: symbols as readelf says");
}

sub disassembly_agrees {
    my ($file) = @_;
    my @lists = map {
        [map { /^\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)/ ? "$1 $2" : () } split /\n/, $_]
    } ok_mem('--disassemble', $file), (run('objdump', '-dwz', $file))[1];
    s/ +$// for map { @$_ } @lists;
    is(scalar @{ $lists[0] }, scalar @{ $lists[1] }, "$file: as many instructions as objdump");
    my ($first) = grep { $lists[0][$_] ne ($lists[1][$_] // '') } 0 .. $#{ $lists[0] };
    is($first, undef, "$file: each the same");
}

spill('hello.c', <<'C');
#include <stdio.h>
#include <string.h>
static int counter = 3;
int big[1000];
const char message[] = "a message of some length";
int compute(int x, const char *s) { char buffer[200]; strncpy(buffer, s, sizeof buffer); return x * counter + buffer[0]; }
int main(int argc, char **argv) { big[argc] = compute(argc, argv[0]); printf("%d %s\n", big[argc], message); return 0; }
C
spill('names.cpp', "namespace shop { struct basket { int put(int x); }; int basket::put(int x) { return x + 1; } }\n");
sh('gcc -O1 -g -o hello hello.c; cp hello stripped; strip stripped; gcc -O2 -c -o hello.o hello.c; g++ -g -c -o names.o names.cpp; ar rcs libx.a hello.o names.o; mkdir sub; cp libx.a sub; cd sub; cp ../hello.o ../names.o .; ar rcsT thin.a hello.o names.o');
my @files = ('hello', 'stripped', 'hello.o', 'names.o', grep { -f } '/bin/true', '/usr/bin/make',
    glob('/usr/lib/x86_64-linux-gnu/libm.so.6 /usr/lib/x86_64-linux-gnu/crt1.o /usr/lib/x86_64-linux-gnu/libz.so.1 /lib64/ld-linux-x86-64.so.2'));
for my $file (map { abs_path($_) } @files) {
    sections_agree($file);
    symbols_agree($file);
    disassembly_agrees($file);
}

my %notes = map { ($_->{type} == 3 ? 'GNU' : $_->{section} => $_->{data}) } rows('notes', 'hello');
like((run('readelf', '-n', 'hello'))[1], qr/Build ID: \Q$notes{GNU}\E/, 'build id') if $notes{GNU};
is_deeply([sort grep { defined } map { $_->{tag} eq 'NEEDED' ? $_->{text} : undef } rows('dynamic', 'hello')],
    [sort((run('readelf', '-dW', 'hello'))[1] =~ /NEEDED.*\[(.*?)\]/g)], 'needed libraries');
my @relocations = (run('readelf', '-rW', 'hello.o'))[1] =~ /^([0-9a-f]{12,})\s/mg;
is(scalar rows('relocations', 'hello.o'), scalar @relocations, 'relocations');

# ---- functions, addresses, code --------------------------------------------------------------

my %function = map { ($_->{name} => $_) } rows('functions', 'hello');
my ($address, $size) = (run('nm', '-S', 'hello'))[1] =~ /^(\S+) (\S+) T compute$/m;
is(hex $function{compute}{address}, hex $address, 'function address');
is($function{compute}{size}, hex $size, 'function size');
my ($bare) = grep { hex($_->{address}) == hex $address } rows('functions', 'stripped');
is($bare->{size}, hex $size, 'the same bounds from unwind tables');
my $middle = sprintf '0x%x', hex($address) + 4;
my ($line) = (run('addr2line', '-e', 'hello', $middle))[1] =~ /:(\d+)/;
my $answer = decode_json(ok_mem('--json', '--address', $middle, 'hello'))->{addresses}[0];
is($answer->{symbol}, 'compute+0x4', 'address to symbol');
like($answer->{source}, qr/hello\.c:$line$/, 'address to line as addr2line says');
is($answer->{section}, '.text', 'address to section');
is(sh("echo 'RIP: 0010:$middle RSP: 0x1' | $tool --memanalyser -q --csv --address - hello | cut -d, -f2 | tail -1"),
    "compute+0x4\n", 'addresses out of a crash dump');
like(ok_mem('--disassemble=main', 'hello'), qr/call.*<compute>/, 'calls are named');
like(ok_mem('--disassemble=main', 'hello'), qr/<printf\@plt>|<__printf_chk\@plt>/, 'imports are named');
like(ok_mem('--disassemble=main', 'hello'), qr/<big>|<big\+/, 'data is named');
like(ok_mem('--disassemble', 'hello.o'), qr/; (?:printf|__printf_chk)$/m, 'relocations name calls of an object');
like(ok_mem('--functions', 'names.o'), qr/shop::basket::put\(int\)/, 'C++ names');
my ($metrics) = grep { $_->{function} eq 'compute' } rows('metrics', 'hello');
my ($sub) = ok_mem('--disassemble=compute', 'hello') =~ /sub +\$0x([0-9a-f]+),%rsp/;
cmp_ok($metrics->{stack}, '>=', hex($sub // 0), 'stack use');
is($metrics->{instructions}, () = (ok_mem('--disassemble=compute', 'hello') =~ /^ +[0-9a-f]+:\t/mg), 'instruction count');
my %called = map { (($_->{to} // '') => 1) } rows('calls', 'hello');
ok($called{compute}, 'call sites');
spill('exit.s', ".globl _start\n_start: mov \$60,%eax\nxor %edi,%edi\nsyscall\nmov %ebx,%eax\nsyscall\n");
sh('gcc -nostdlib -static -o exit exit.s');
is_deeply([map { $_->{name} } rows('syscalls', 'exit')], ['exit', undef], 'system calls by number, unknown where it varies');
# arm64 through capstone; clang compiles for it without further packages.
spill('a64.c', <<'C');
int g, h(int);
int f(int a) { for (int i = 0; i < a; i++) g += h(i); return g; }
long leave(void) { register long n asm("x8") = 93; register long x asm("x0") = 1; asm volatile("svc #0" : "+r"(x) : "r"(n)); return x; }
C
sh('clang -target aarch64-linux-gnu -O1 -c a64.c -o a64.o');
is_deeply([map { "$_->{number} $_->{name} $_->{function}" } rows('syscalls', 'a64.o')], ['93 exit leave'], 'arm64 system calls');
is_deeply([map { $_->{to} } rows('calls', 'a64.o')], ['h'], 'arm64 calls');
like(ok_mem('--disassemble=f', 'a64.o'), qr/^ +[0-9a-f]+:\t(?:[0-9a-f]{2} ){4} +bl .*; h$/m, 'arm64 disassembly');
ok_mem('--cfg', 'compute', '--callgraph', '-o', 'graphs', 'hello');
like(slurp('graphs/cfg-compute.svg'), qr{<svg.*</svg>}s, 'control-flow graph');
like(slurp('graphs/callgraph.dot'), qr/"main" -> "compute"/, 'call graph');

# ---- archives ---------------------------------------------------------------------------------

for my $archive ('libx.a', 'sub/thin.a') {
    my $json = decode_json(ok_mem('--json', '--sections', $archive));
    is(scalar @$json, 2, "$archive: both members");
}
is_deeply([sort { $a cmp $b } map { $_->{section} } grep { $_->{memory} } rows('section-sizes', 'hello.o')],
    [sort { $a cmp $b } '[total]', map { $_->{name} } grep { $_->{flags} =~ /A/ && $_->{size} } rows('sections', 'hello.o')], 'sizes of an object');

# ---- an image of the bench core ---------------------------------------------------------------

sub build_image {
    my ($name, $source, @options) = @_;
    mkdir $name;
    my $upper = uc "app$name";
    spill("$name/Makefile.uk", "\$(eval \$(call addlib_s,app$name,y))\n${upper}_SRCS-y += \$(${upper}_BASE)/main.c\n");
    spill("$name/main.c", $source);
    spill("$name/defconfig", join '', map { "$_\n" } 'CONFIG_PLAT_LINUXU=y', @options);
    # Paths without dots or spaces end up in make variables.
    sh("make -s -C $src/tests/core A=$dir/$name O=$dir/$name/build defconfig >/dev/null 2>&1");
    sh("make -s -C $src/tests/core A=$dir/$name O=$dir/$name/build LDFLAGS-y=-Wl,-Map=$dir/$name.map >/dev/null 2>&1");
    my ($image) = grep { !/\.(dbg|o)$/ && -f "$_.dbg" } glob("$name/build/*");
    return $image;
}
my $one = build_image('one', "#include <stdio.h>\nint main(void) { printf(\"one\\n\"); return 0; }\n");

# Owner of each address by the linker's own map.
sub map_owners {
    my ($path) = @_;
    my (%owner, $section);
    for (split /\n/, (split /Linker script and memory map/, slurp($path))[1]) {
        my ($at, $size, $file);
        if (/^ (\.\S+|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+\.o)$/) { ($at, $size, $file) = (hex $2, hex $3, $4) }
        elsif (/^ (\.\S+)$/) { $section = $1; next }
        elsif (defined $section && /^ {16}0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+\.o)$/) { ($at, $size, $file) = (hex $1, hex $2, $3) }
        next if !$at || !$size;
        my ($library) = $file =~ m{([^/]+)\.o$};
        $owner{$_} //= $library for $at .. $at + $size - 1;
    }
    return \%owner;
}
my $owners = map_owners('one.map');
my ($same, $differ, $attributed, $total) = (0) x 4;
for my $p (rows('mapping', 'one/build')) {
    next if !defined $p->{address};
    $total += $p->{size};
    $attributed += $p->{size} if defined $p->{library};
    next if $p->{kind} eq 'padding' || $p->{section} =~ /^\.eh_frame/;
    my $at = hex $p->{address};
    for ($at .. $at + $p->{size} - 1) {
        next if !defined $owners->{$_};
        ($p->{library} // '') eq $owners->{$_} ? $same++ : $differ++;
    }
}
cmp_ok($attributed, '>=', 0.99 * $total, 'at least 99 % of the memory has a library');
cmp_ok($same, '>', 10_000, 'enough to compare with the map');
cmp_ok($differ, '<=', 0.01 * ($same + $differ), 'the linker map agrees') or diag("$same same, $differ differ");
my %by_map = map { ($_->{library} => $_) } rows('libraries', '--map', 'one.map', "$one.dbg");
my %by_objects = map { ($_->{library} => $_) } rows('libraries', 'one/build');
for my $library ('libnolibc', 'libukalloc') {
    cmp_ok(abs($by_map{$library}{text} - $by_objects{$library}{text}), '<=', 16, "$library: text by map and by objects");
}
my $layout = decode_json(ok_mem('--json', 'one/build'));
is($layout->{schema}, 'layout/1', 'layout document');
is($layout->{file_size}, -s $one, 'of that file');
my $counted = $layout->{unattributed};
$counted += $_->{text} + $_->{rodata} + $_->{data} + $_->{bss} + $_->{padding} // 0 for @{ $layout->{libraries} };
is($counted, $layout->{memory_size}, 'the layout adds up to the memory');
is(ok_mem('--json', 'one/build'), ok_mem('--json', 'one/build'), 'the same bytes every time');
my ($main) = grep { $_->{name} eq 'main' } @{ $layout->{symbols} };
is($main->{library}, 'appone', 'a symbol has its library');
ok_mem('--html', '--treemap', '--page-map', '-o', 'pictures', 'one/build');
like(slurp('pictures/treemap.svg'), qr{<svg.*libnolibc.*</svg>}s, 'treemap');
like(slurp('pictures/pagemap.svg'), qr{<svg.*libnolibc.*</svg>}s, 'page map');
my $page = slurp('pictures/report.html');
my ($data) = $page =~ /^const data = (\{.*\});$/m;
is(decode_json($data)->{file}, -s $one, 'the page holds the data');
unlike($page, qr{(?:src|href)=|https?://(?!www\.w3\.org)}, 'and needs nothing else');

# ---- supplement ---------------------------------------------------------------------------------

my $supplement = decode_json(ok_mem('--supplement', '--json', 'one/build'));
my ($alloc) = grep { $_->{name} eq 'libukalloc' } @{ $supplement->{libraries} };
my $nm = (run('nm', 'one/build/libukalloc.o'))[1];
is_deeply($alloc->{symbols}, [sort { $a cmp $b } $nm =~ /^\S+ [A-TV-Z] (\S+)$/mg, $nm =~ /^\S+ [Vu] (\S+)$/mg], 'exported symbols as nm says');
is_deeply($alloc->{undefined}, [sort { $a cmp $b } $nm =~ /^ +[Uw] (\S+)$/mg], 'undefined symbols as nm says');

# ---- difference, sharing, alignment --------------------------------------------------------------

my $two = build_image('two', <<'C', 'CONFIG_LIBPOSIX_TIME=y');
#include <stdio.h>
#include <stdlib.h>
static volatile char area[20000];
int main(void) { area[3] = (char)getenv("X")[0]; printf("two %d\n", area[3]); return 0; }
C
my ($status, $out) = mem('--json', '--diff', 'one/build', 'two/build');
is($status, 0, 'difference');
my ($sum, @change) = @{ decode_json($out)->{diff} };
is($sum->{old_file}, -s $one, 'old total');
is($sum->{new_file}, -s $two, 'new total');
my ($memory, $file) = (0, 0);
$memory += $_->{memory}, $file += $_->{file} for @change;
is($memory, $sum->{memory}, 'changes of memory add up');
is($file, $sum->{file}, 'changes of the file add up');
my ($area) = grep { $_->{name} eq 'area' } @change;
is("$area->{change} $area->{memory}", 'new 20000', 'a new array');
is((mem('--diff', 'one/build', 'two/build', '--budget', '1000'))[0], 1, 'over budget');
is((mem('--diff', 'one/build', 'two/build', '--budget', '1000000'))[0], 0, 'within budget');

# Two programs from the same three libraries: nothing in common until they are aligned.
mkdir 'al';
for my $n (1 .. 3) {
    my $body = join '', map { "int f${n}_$_(int x) { table${n}[x & 7] += $_; return x * $_ + f${n}_" . ($_ - 1) . "(x); }\n" } 1 .. 200;
    spill("al/lib$n.c", "static int table${n}[2000] = {1};\nint f${n}_0(int x) { return x + table${n}[x & 7]; }\n$body");
}
spill('al/a.c', 'int f1_9(int), f2_9(int), f3_9(int); void _start(void) { f1_9(f2_9(f3_9(1))); for (;;) ; }');
spill('al/b.c', 'int pad[300] = {5}; int big(int x) { for (int i = 0; i < 9; i++) x += pad[x & 7]; return x; } int f1_9(int), f3_9(int); void _start(void) { f3_9(big(f1_9(2))); for (;;) ; }');
sh('cd al; for f in lib1 lib2 lib3 a b; do gcc -O1 -fno-pic -fno-inline -fcf-protection=none -fno-asynchronous-unwind-tables -mcmodel=small -c $f.c; done');
my $link = 'gcc -nostdlib -static -no-pie -Wl,-z,noexecstack -Wl,--build-id=none';
sh("cd al; $link -o A a.o lib1.o lib2.o lib3.o; $link -o B b.o lib3.o lib1.o; mkdir oA oB; cp a.o lib1.o lib2.o lib3.o oA; cp b.o lib1.o lib3.o oB");
sub shared {
    my ($a, $b) = @_;
    my $json = decode_json(ok_mem('--sharing', '--json', '--objects', 'al/oA', '--objects', 'al/oB', $a, $b));
    $json = $json->[0] if ref $json eq 'ARRAY';
    my ($all) = grep { $_->{page_size} == 4096 && $_->{image} eq '[all]' } @{ $json->{sharing} };
    return $all;
}
my $before = shared('al/A', 'al/B');
for my $image (qw(A B)) { sh("mkdir al/d$image; cp al/$image al/o$image/$image; cp al/o$image/* al/d$image") }
ok_mem('--align', '-o', 'al/script', 'al/dA', 'al/dB');
sh("cd al; $link -Wl,-T,script/align.lds -o A2 a.o lib1.o lib2.o lib3.o; $link -Wl,-T,script/align.lds -o B2 b.o lib3.o lib1.o");
my $after = shared('al/A2', 'al/B2');
my ($text) = (run('size', '-A', '-d', 'al/lib1.o'))[1] =~ /^\.text\s+(\d+)/m;
cmp_ok($after->{same_address}, '>=', $before->{same_address} + 4 * int($text / 4096), 'aligned libraries share their pages')
    or diag("$before->{same_address} before, $after->{same_address} after");
cmp_ok($after->{saved}, '>', $before->{saved}, 'and save memory');
is($after->{saved}, ($after->{pages} - $after->{zero} - $after->{frames}) * 4096, 'saved bytes are pages less frames');

# ---- batch files -----------------------------------------------------------------------------------

spill('batch.json', encode_json({ unikernels => [
    { buildPath => "$dir/one/build", kernel => '', splitSections => ['.text*'], ignoredPlats => ['xen'], displayMapping => JSON::PP::true,
      displayStatSize => JSON::PP::true, displayElfFile => ['sections', 'segments'], displaySectionInfo => ['.text'], findSectionByAddress => [$main->{address}], compareGroup => 1 },
    { buildPath => "$dir/two/build", displayMapping => JSON::PP::false, compareGroup => 1 } ] }));
my $batch = decode_json(ok_mem('--json', 'batch.json'));
my %shown = map { %$_ } ref $batch eq 'ARRAY' ? @$batch : $batch;
is_deeply([grep { !$shown{$_} } qw(sections segments libraries section-sizes section-info section-pages addresses sharing)], [], 'a batch file shows all it asks for');
is($shown{addresses}[0]{symbol}, 'main', 'address of a batch file');
spill('bad.json', '{"unikernels":[{"buildPath":5}]}');
($status, $out, my $err) = mem('bad.json');
is($status, 2, 'a wrong type in a batch file');
like($err, qr/bad\.json: \.unikernels\[0\]\.buildPath: a string was expected/, 'is named');

done_testing();
