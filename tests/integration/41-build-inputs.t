#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# What a user adds to a build: patches for the sources, lines of a .config, lines for Makefile.uk; and
# which sources take part.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} // die "TOOLCHAIN names the binary";
my $src = $ENV{SRC} // die "SRC names the source tree";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;

sub slurp { my ($path) = @_; open my $file, '<', $path or return ''; local $/; return scalar <$file> }
sub spill { my ($path, $text) = @_; open my $file, '>', $path or die "$path: $!"; print $file $text; close $file }

sub run {
    my $out = qx(timeout 100 @_ 2>$dir/.err </dev/null);
    return ($? >> 8, $out, slurp("$dir/.err"));
}

mkdir $_ for qw(src src/lib db);
spill('src/lib/word.h', "const char *word(void);\n");
spill('src/lib/word.c', "#include \"word.h\"\nconst char *word(void)\n{\n    return \"plain\";\n}\n");
spill('src/app.c', "#include \"word.h\"\n#include <stdio.h>\n#ifndef SUFFIX\n#define SUFFIX \".\"\n#endif\nint main(void)\n{\n    printf(\"%s%s\\n\", word(), SUFFIX);\n    return 0;\n}\n");
spill('src/other.c', "int main(void)\n{\n    return 9;\n}\n");
spill('src/unused.c', "#include <sys/socket.h>\nint unused(void)\n{\n    return socket(1, 1, 0);\n}\n");
spill('word.patch', <<'END');
--- a/lib/word.c
+++ b/lib/word.c
@@ -1,5 +1,5 @@
 #include "word.h"
 const char *word(void)
 {
-    return "plain";
+    return "patched";
 }
END
is(system('cc -Isrc/lib -o app src/app.c src/lib/word.c'), 0, 'the program compiles');
my $build = "$toolchain --build --run ./app --platform linuxu --uk-root $src/tests/core";

my ($status, $out, $err) = run($build, '-s src -o plain');
is($status, 0, 'the sources build') or diag "$out\n$err";
like($out, qr/^ +plain\.$/m, 'and run');
my $makefile = slurp('plain/app/Makefile.uk');
unlike($makefile, qr/unused\.c|other\.c/, 'what main does not reach takes no part');
like($err, qr/2 of 4 sources make up the program/, 'which is said');

($status, $out, $err) = run($build, '-s src -o patched --patch word.patch');
is($status, 0, 'with a patch they build') or diag "$out\n$err";
like($out, qr/^ +patched\.$/m, 'and run as patched');
like(slurp('src/lib/word.c'), qr/"plain"/, 'the sources themselves stay as they are');
($status, $out, $err) = run($build, '-s src -o patched --patch word.patch');
is($status, 0, 'again: the copy is made anew') or diag $err;
spill('wrong.patch', slurp('word.patch') =~ s/plain/something else/r);
($status, $out, $err) = run($build, '-s src -o wrong --patch wrong.patch');
is($status, 2, 'a patch that does not apply');
like($err, qr/wrong\.patch: does not apply to src: .*lib\/word\.c/s, 'is named with what patch says');

# With compile_commands.json, whose paths lead to the copy, and a file's own define.
spill('src/compile_commands.json', encode_json([
    {directory => "$dir/src", file => 'app.c', command => "cc -Ilib -DSUFFIX='\"!\"' -O2 -c app.c"},
    {directory => "$dir/src", file => 'lib/word.c', arguments => ['cc', "-I$dir/src/lib", '-c', 'lib/word.c']},
    {directory => "$dir/src", file => 'other.c', command => 'cc -c other.c'}]));
($status, $out, $err) = run($build, '-s src -o commands --patch word.patch');
is($status, 0, 'with compile_commands.json and a patch') or diag "$out\n$err";
like($out, qr/^ +patched!$/m, 'flags and patch are both there');
unlink 'src/compile_commands.json';

# Lines for Makefile.uk, lines of a .config.
spill('extra.mk', "APPAPP_CFLAGS-y += -DSUFFIX='\"?\"'\n");
($status, $out, $err) = run($build, '-s src -o extra --makefile extra.mk');
like($out, qr/^ +plain\?$/m, 'lines for Makefile.uk have their effect') or diag $err;

spill('lines.config', "# a comment\nCONFIG_KVM_STACK_KB=128\n");
($status, $out, $err) = run($toolchain, '--build ./app -s src -o lines --platform kvm --no-make --kconfig lines.config --uk-root', "$src/tests/core");
is($status, 0, 'lines of a .config are accepted') or diag $err;
like(slurp('lines/app/build/configured'), qr/^CONFIG_KVM_STACK_KB=128$/m, 'and kept by the tree');
($status, $out, $err) = run($toolchain, '--build ./app -s src -o lines2 --platform linuxu --no-make --kconfig lines.config --uk-root', "$src/tests/core");
like($err, qr/KVM_STACK_KB has no effect here/, 'a value of what is out has no effect, which is said');
spill('bad.config', "CONFIG_KVM_STACK_KB=4\n");
($status, $out, $err) = run($toolchain, '--build ./app -s src -o bad --platform kvm --no-make --kconfig bad.config --uk-root', "$src/tests/core");
isnt($status, 0, 'a value outside its range is refused');
like($err, qr/KVM_STACK_KB/, 'by name');
spill('unknown.config', "CONFIG_NO_SUCH_THING=y\n");
($status, $out, $err) = run($toolchain, '--build ./app -s src -o bad --kconfig unknown.config --uk-root', "$src/tests/core");
is($status, 2, 'an unknown option is wrong usage');
like($err, qr/NO_SUCH_THING: no such option/, 'by name');

# A header that only a library left out has: found, and built again with it.
mkdir 'need';
spill('need/need.c', "#include <pthread.h>\n#include <stdio.h>\nint main(void)\n{\n    pthread_t t = 0;\n    return puts(\"listed\") < (int)t;\n}\n");
is(system('cc -o need/need need/need.c'), 0, 'a program that needs a header alone compiles');
($status, $out, $err) = run($toolchain, '--build --run need/need -s need -o n --platform linuxu --uk-root', "$src/tests/core");
is($status, 0, 'and is ported') or diag "$out\n$err";
like($err, qr/the build needs headers of LIBUKSCHEDCOOP: solving again/, 'by solving again with the library that has it');
like($out, qr/^ +listed$/m, 'it runs');

# C++ as the program was compiled, with the core's C headers; a symbol that is missing goes by its catalogue's name.
mkdir 'cxx';
spill('cxx/main.cpp', <<'END');
extern "C" {
#include <stdio.h>
#include <string.h>
}
static int first(const char *restrict s) { return *s; }
struct shape { virtual int area() const { return 0; } };
struct square : shape { int side; square(int s) : side(s) {} int area() const override { return side * side; } };
#ifdef LOST
int nowhere(int);
#else
static int nowhere(int x) { return x; }
#endif
int main(int argc, char **argv)
{
    square s(argc + 4);
    const shape &any = s;
    printf("area %d %d\n", nowhere(any.area()), first("3") - 48);
    return 0;
}
END
is(system('c++ -Drestrict=__restrict__ -fno-rtti -fno-exceptions -o app cxx/main.cpp'), 0, 'a C++ program compiles');
($status, $out, $err) = run($build, '-s cxx -o cxx-out');
is($status, 0, 'its sources build') or diag "$out\n$err";
like($out, qr/^ +area 25 3$/m, 'and run');
like(slurp('cxx-out/app/Makefile.uk'), qr/^APPAPP_CXXFLAGS-y .*-fno-rtti -fno-exceptions$/m, 'without what the program does not import');
spill('cxx/main.cpp', "#define LOST 1\n" . slurp('cxx/main.cpp'));
($status, $out, $err) = run($build, '-s cxx -o cxx-lost');
isnt($status, 0, 'a function that nothing has');
like("$out$err", qr/_Z7nowherei/, 'is named as catalogues would name it');

# Archives for libraries that download their sources lie ready before make asks for them.
mkdir $_ for qw(libs libs/archives);
symlink "$src/tests/corelibs/lib-slab", 'libs/lib-slab' or die;
spill('libs/archives/slab-1.0.tar', 'sources');
($status, $out, $err) = run($build, '-s src -o fetched --uk-libs libs --pin LIBSLAB');
is($status, 0, 'with archives at hand') or diag "$out\n$err";
is(slurp('fetched/app/build/libslab/slab-1.0.tar'), 'sources', "they are in the library's folder");

# An image that another program left in the folder is not taken for this one's.
is(system('cp app second'), 0, 'another program');
($status, $out, $err) = run("$toolchain --build ./second --platform linuxu --uk-root $src/tests/core -s src -o plain");
is($status, 0, 'built into the same folder') or diag "$out\n$err";
like($out, qr{^Image +\S+/second_linuxu-x86_64$}m, 'its own image is the one');

done_testing;
