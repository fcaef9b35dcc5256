#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# The whole chain: from unmodified programs to application folders, and on the bench core to images
# that behave the same.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} // die "TOOLCHAIN names the binary";
my $src = $ENV{SRC} // die "SRC names the source tree";
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return scalar <$file>;
}

sub spill {
    my ($path, $text) = @_;
    open my $file, '>', $path or die;
    print $file $text;
    close $file;
}

sub run {
    my $out = qx(@_ 2>$dir/.err </dev/null);
    return ($? >> 8, $out, slurp("$dir/.err"));
}

# Every call seen is among those found in the code or in a plug-in; what is chosen survives kconfig.
sub check_folder {
    my ($name, $folder) = @_;
    my $profile = decode_json(slurp("$folder/profile.json"));
    my %static = map { $_->{number} => 1 } @{$profile->{static}{syscalls}},
        map { @{$_->{syscalls}} } @{$profile->{static}{plugins}};
    my @missed = map { $_->{name} } grep { !$static{$_->{number}} } @{$profile->{dynamic}{syscalls}};
    is("@missed", '', "$name: the static set holds every call that was seen");
    cmp_ok(scalar @{$profile->{dynamic}{syscalls}}, '>', 5, "$name: calls were seen");
    my $selection = decode_json(slurp("$folder/selection.json"));
    ok($selection->{optimal}, "$name: the selection is proved optimal");
    ok(@{$selection->{libraries}} > 5, "$name: micro-libraries are chosen");
    ok(-s "$folder/app/$_", "$name: $_ is written") for qw(.config Config.uk Kconfig Kraftfile Makefile Makefile.uk);
    my $before = slurp("$folder/app/.config");
    system("cd $folder/app && cp .config $dir/.config.kept && kconfig-conf --olddefconfig Kconfig >/dev/null 2>&1");
    is(slurp("$folder/app/.config"), $before, "$name: kconfig-conf --olddefconfig leaves .config as it is");
    like(slurp("$folder/report.html"), qr{<svg.*</svg>.*System calls}s, "$name: the report has its graphs and tables");
    unlike(slurp("$folder/report.html"), qr{(src|href)="?https?:}, "$name: the report needs nothing from elsewhere");
}

for my $program (qw(sqlite3 redis-server)) {
    my ($status, $out, $err) = run($toolchain, $program, '-t', "$src/testFiles/$program.json", '-o', $program);
    ok($status <= 1, "$program: the chain runs") or diag "$out\n$err";
    like($out, qr/^Verification\s+did not run: .*--uk-root/m, "$program: what could not run is said");
    check_folder($program, $program);
}

# On the bench core the same ends in an image that is verified.
spill('hello.c', <<'END');
#include <stdio.h>
int main(int argc, char **argv)
{
    char line[64];
    while (fgets(line, sizeof line, stdin))
        printf("%d: %s", argc, line);
    return argc + 2;
}
END
spill('tests.json', '{"typeTest": "stdin", "timeMsCommand": 50, "listCommands": ["one", "two"], "timeOutMsTest": 20000}');
my %flags = ('static-pie' => '-static-pie', dynamic => '');
for my $kind (sort keys %flags) {
    is(system("cc -O1 -o hello-$kind $flags{$kind} hello.c"), 0, "$kind: compiles");
    my ($status, $out, $err) = run($toolchain, "./hello-$kind", '-t', 'tests.json', '-o', $kind,
        '--need', 'dynamic', '--uk-root', "$src/tests/core", '--uk-libs', "$src/tests/corelibs");
    like($out, qr/^Image\s/m, "$kind: an image is built") or diag "$out\n$err";
    like($out, qr/different, \d+ not comparable: same/, "$kind: the image behaves as the program does") or diag $out;
    check_folder($kind, $kind);
    is(decode_json(slurp("$kind/verif.json"))->{verdict}, 'same', "$kind: verif.json says the same");
}

# A test whose command starts the host's own program says nothing of the image, and must not pass it.
spill('own.json', '{"typeTest": "exec", "listCommands": ["\\"$PROGRAM\\" </dev/null"], "timeOutMsTest": 5000}');
my ($own, $verdicts) = run($toolchain, '--verif', './hello-dynamic', '-t', 'own.json', '-o', 'dynamic');
like($verdicts, qr/not comparable\s+output/, 'a command that runs the host program is not comparable') or diag $verdicts;
unlike($verdicts, qr/^\s+same\s+output: "\$PROGRAM"/m, 'and is not called the same');

# A port from source.
mkdir 'source';
spill('source/main.c', '#include <stdio.h>' . "\nint main(void) { puts(\"from source\"); return 0; }\n");
is(system('cc -o from-source source/main.c'), 0, 'source: compiles on Linux');
my ($status, $out, $err) = run($toolchain, './from-source', '-w', 5, '-o', 'port', '--mode', 'source', '-s', 'source',
    '--uk-root', "$src/tests/core");
is($status, 0, 'source: the chain succeeds') or diag "$out\n$err";
like($out, qr/^Image\s/m, 'source: an image is built');

done_testing;
