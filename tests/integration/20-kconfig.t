#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Kconfig and Makefile.uk: what the crawler reads, and how configurations are computed, against
# kconfiglib and kconfig's own conf; input that is wrong.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my ($tool, $src) = @ENV{qw(TOOLCHAIN SRC)};
my $dir = tempdir(CLEANUP => 1);
my $fixture = "$src/tests/fixtures/kconfig";
my $reference = "/usr/bin/python3 $src/tests/integration/kconfig_reference.py";

sub run {
    my ($command) = @_;
    my $output = `$command 2>&1`;
    return ($? >> 8, $output);
}

sub agrees {
    my ($command, $name) = @_;
    my ($status, $output) = run("$reference $command");
    is($status, 0, $name) or diag($output);
}

sub spew {
    my ($path, $text) = @_;
    open my $f, '>', $path or die "$path: $!";
    print $f $text;
    close $f;
}

sub slurp {
    my ($path) = @_;
    open my $f, '<', $path or die "$path: $!";
    local $/;
    return <$f>;
}

# ---- the fixture: every construct of the language ----

my $external = "$fixture/external/lib-delta";
my ($status, $output) = run("$tool --crawler -r $fixture/tree --name fixture --uk-libs $fixture/external -o $dir/fixture");
is($status, 0, 'the fixture is read') or diag($output);
agrees("structure $fixture/tree $dir/fixture/catalogue.json $external ''", 'fixture: options as kconfiglib reads them');
agrees("random $fixture/tree $dir/fixture/catalogue.json $external '' 80", 'fixture: values as kconfiglib computes them');
agrees("flat $dir/fixture/catalogue.json 80", 'fixture, written flat: values as kconfig-conf computes them');

my $catalogue = decode_json(slurp("$dir/fixture/catalogue.json"));
my %calls = map { $_->{name} => join ' && ', grep { defined } @$_{qw(option condition)} } @{$catalogue->{syscalls}};
is_deeply(\%calls, {
    read => 'LIBALPHA', write => 'LIBALPHA', writev => 'LIBALPHA',
    clone => 'LIBALPHA && LIBALPHA_FAST',
    fork => 'LIBALPHA && !LIBALPHA_FAST && (PLAIN || SELECTOR)',
    vfork => 'LIBALPHA && !LIBALPHA_FAST && !(PLAIN || SELECTOR)',
    getpid => 'LIBALPHA_NAME = "alpha"',
    getppid => 'PLAIN && !LIBBETA',
}, 'system calls under the conditions of make');
my %libraries = map { $_->{name} => $_ } @{$catalogue->{libraries}};
is_deeply([sort keys %libraries], [qw(emu libalpha libbeta libbeta-glue libdelta libemuplat libgamma)], 'micro-libraries');
is_deeply($libraries{libalpha}{symbols}, [qw(alpha_init alpha_run not)], 'exported symbols, each once');
ok($libraries{libgamma}{exports_all} && !$libraries{libbeta}{exports_all}, 'no export list: all is exported; "none": nothing');
is($libraries{libemuplat}{option}, 'PLAT_EMU', "a platform's library goes with the platform");
is_deeply([map { [$_->{file}, $_->{condition}] } @{$libraries{libbeta}{sources}}], [['beta.c', undef], ['more.c', 'PLAIN']],
    'sources, those of an included file too');
is($libraries{libbeta}{origin_files}, 1, 'a source out of an archive is counted');
ok((grep { /LIBMISSING is used but nobody defines it/ } @{$catalogue->{problems}}), 'an undefined name is reported');
is((grep { /\Q$src\E/ } slurp("$dir/fixture/catalogue.json")), 0, 'no path of this machine gets into the catalogue');

# ---- the core of our own, and the embedded catalogues ----

($status, $output) = run("$tool --crawler -r $src/tests/core --uk-libs $src/tests/corelibs/lib-slab --app $src/tests/corelibs/app-elfloader -o $dir/core");
is($status, 0, 'the test core is read') or diag($output);
my @core = ("$src/tests/core $dir/core/catalogue.json $src/tests/corelibs/lib-slab $src/tests/corelibs/app-elfloader");
agrees("structure @core", 'test core: options as kconfiglib reads them');
agrees("random @core 60", 'test core: values as kconfiglib computes them');
for my $release ('0.17.0', '0.16.2') {
    agrees("flat $src/catalogue/unikraft-$release.json 25", "unikraft $release: values as kconfiglib and kconfig-conf compute them");
    my $c = decode_json(scalar(`$tool --crawler --catalogue unikraft-$release --json`));
    is("$c->{name} $c->{version}", "unikraft $release", "unikraft $release is embedded");
}

# ---- .config files ----

spew("$dir/wrong.config", "CONFIG_PLAIN=y\nCONFIG_GONE=y\nCONFIG_NUMBER=abc\nCONFIG_UNMET=y\n");
($status, $output) = run("$tool --crawler -v --catalogue $dir/fixture/catalogue.json --complete $dir/wrong.config");
is($status, 0, 'a .config with odd lines is completed');
like($output, qr/GONE: no such option/, 'an option that does not exist is named');
like($output, qr/NUMBER: abc is no value of its type/, 'a value that does not fit is named');
like($output, qr/UNMET: its dependencies are not met: NEVER && PLAIN \(NEVER is n, PLAIN is y\)/, 'a dropped option, with the reason');

# ---- input that is wrong: file, line, what was expected ----

my %wrong = (
    'an open quote' => ["config A\n\tbool\n\tdefault \"x\n", qr/Config\.uk:3: a closing " was expected/],
    'an open block' => ["menu \"m\"\nconfig A\n\tbool\n", qr/Config\.uk:1: endmenu was expected/],
    'a wrong end' => ["if A\nendmenu\n", qr/Config\.uk:2: endif was expected .* line 1/],
    'an end too many' => ["endif\n", qr/Config\.uk:1: endif without a beginning/],
    'no name' => ["config\n\tbool\n", qr/Config\.uk:1: an option's name was expected/],
    'an unknown statement' => ["config A\n\tboolish \"a\"\n", qr/Config\.uk:2: a statement was expected, "boolish/],
    'a stray attribute' => ["bool \"a\"\n", qr/Config\.uk:1: bool belongs to/],
    'half an expression' => ["config A\n\tbool\n\tdepends on B &&\n", qr/Config\.uk:3: .*ends where an option's name/],
    'an open parenthesis' => ["config A\n\tbool\n\tdepends on (B || C\n", qr/Config\.uk:3: .*"\)" was expected/],
    'a missing file' => ["source \"nowhere.uk\"\n", qr/Config\.uk:1: source: .*nowhere\.uk/],
    'a cycle' => ["source \"Config.uk\"\n", qr/Config\.uk:1: .*Config\.uk includes itself/],
    'a device' => ["source \"/dev/zero\"\n", qr/Config\.uk:1: source: .*\/dev\/zero/],
    'an open macro' => ["config A\n\tdef_bool \$(shell,echo y\n", qr/Config\.uk:2: "\)" was expected/],
    'a variable of itself' => ["A = \$(A)\nconfig X\n\tdef_bool \$(A)\n", qr/Config\.uk:3: variable A refers to itself/],
    'macros without end' => ["a = \$(b)\$(b)\n" . join('', map { "$_ = \$(" . chr(ord($_) + 1) . ")\$(" . chr(ord($_) + 1) . ")\n" } 'b' .. 'y') . "z =\nconfig X\n\tdef_bool \$(a)\n",
        qr/Config\.uk:28: fewer macro calls/],
    'a NUL byte' => ["config A\0\n", qr/Config\.uk: a text file was expected, a NUL byte found/],
    'nesting' => [("config A\n\tbool\n\tdepends on " . '(' x 5000 . "\n"), qr/Config\.uk:3: .*less nesting was expected/],
    'nested menus' => ["menu \"m\"\n" x 5000, qr/blocks that are nested less deeply were expected/],
);
for my $name (sort keys %wrong) {
    my ($text, $expected) = @{$wrong{$name}};
    mkdir "$dir/wrong";
    spew("$dir/wrong/Config.uk", $text);
    ($status, $output) = run("timeout 20 $tool --crawler -r $dir/wrong -o $dir/none");
    is($status, 2, "$name: status") or diag($output);
    like($output, $expected, "$name: message");
}
ok(!-e "$dir/none/catalogue.json", 'nothing is written then');

mkdir "$dir/make";
spew("$dir/make/Config.uk", "config A\n\tbool\n");
spew("$dir/make/Makefile.uk", "ifeq (\$(CONFIG_A),y)\n\$(eval \$(call addlib,liba))\n");
($status, $output) = run("$tool --crawler -r $dir/make -o $dir/none");
is($status, 2, 'an open ifeq: status');
like($output, qr/Makefile\.uk:1: endif was expected/, 'an open ifeq: message');

spew("$dir/make/Config.uk", "config A\n\tstring\n\tdefault \"\$(shell,touch $dir/ran; echo y)\"\n");
spew("$dir/make/Makefile.uk", "");
($status, $output) = run("$tool --crawler -r $dir/make -o $dir/shell");
ok(!-e "$dir/ran", 'no command of a tree is run');
like($output, qr/Config\.uk:3: command not evaluated \(--trust-tree runs it\)/, 'which is said');
run("$tool --crawler --trust-tree -r $dir/make -o $dir/shell");
ok(-e "$dir/ran", 'unless the tree is trusted');

spew("$dir/make/Config.uk", "config A\n\tdef_bool \$(shell,uname)\n");
($status, $output) = run("$tool --crawler -r $dir/make -o $dir/none");
is($status, 2, 'a statement that needs a command: status');
like($output, qr/Config\.uk:2: this needs a command that is not run unless --trust-tree is given: uname/, 'its message');

($status, $output) = run("$tool --crawler -r $dir -o $dir/none");
is($status, 2, 'a folder that is no tree: status');
like($output, qr/a core's tree, with a Config\.uk, was expected/, 'a folder that is no tree: message');

done_testing();
