#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Graphs, differences and inconsistencies of micro-library trees.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my ($tool, $src) = @ENV{qw(TOOLCHAIN SRC)};
my $dir = tempdir(CLEANUP => 1);
my $fixture = "$src/tests/fixtures/kconfig";
my $tree = "-r $fixture/tree --name fixture --uk-libs $fixture/external";

sub run {
    my ($command) = @_;
    my $output = `$command 2>&1`;
    return ($? >> 8, $output);
}

sub slurp {
    my ($path) = @_;
    open my $f, '<', $path or return "cannot read $path";
    local $/;
    return scalar <$f>;
}

sub spew {
    my ($path, $text) = @_;
    open my $f, '>', $path or die "$path: $!";
    print $f $text;
    close $f;
}

# "from kind to: condition; condition" of every edge
sub edges {
    my ($file) = @_;
    my $graph = decode_json(slurp($file));
    return map { "$graph->{nodes}[$_->{from}]{name} $_->{kind} $graph->{nodes}[$_->{to}]{name}: " . join '; ', @{$_->{conditions}} }
        @{$graph->{edges}};
}

my ($status, $output) = run("$tool --crawler $tree -o $dir/all");
is($status, 0, 'graph of a tree') or diag($output);
is_deeply([sort(edges("$dir/all/libraries.json"))], [sort(
    'libalpha selects libbeta: LIBALPHA_FAST', 'libbeta excludes libgamma: ', 'libbeta implies WISHED: ',
    'libbeta depends UNDEFINED_ANYWHERE: ', 'libbeta depends MENUED: ', 'libgamma selects libalpha: ',
    'libdelta selects libalpha: ', 'libdelta selects LIBMISSING: ',
    grep { /^[A-Z]/ } edges("$dir/all/libraries.json"))], 'edges between micro-libraries, with their conditions');
for my $format (qw(dot svg html json)) {
    my $text = slurp("$dir/all/libraries.$format");
    ok($text =~ /libalpha/ && $text =~ /LIBALPHA_FAST/, "libraries.$format holds names and conditions");
}
like(slurp("$dir/all/libraries.png"), qr/\A\x89PNG/, 'libraries.png is a PNG');
like(slurp("$dir/all/libraries.dot"), qr/"libbeta" -> "libgamma" \[color="#c0392b".*style=dotted/, 'an exclusion looks different');
is(`$tool --crawler $tree -o $dir/again >/dev/null; cmp $dir/all/libraries.html $dir/again/libraries.html && cmp $dir/all/catalogue.json $dir/again/catalogue.json && echo same`,
    "same\n", 'the same bytes each time');
like(slurp("$dir/all/libraries.html"), qr/\A<!DOCTYPE html>(?!.*(?:src|href)="https?:)/s, 'the page loads nothing from elsewhere');

run("$tool --crawler $tree --library libgamma -o $dir/gamma");
ok((grep { $_ eq 'libgamma selects libalpha: ' } edges("$dir/gamma/libraries.json")), '--library: what it asks for');
ok(!(grep { /libdelta/ } edges("$dir/gamma/libraries.json")), '--library: nothing else');
run("$tool --crawler $tree --library libgamma --depth 1 -o $dir/near");
is_deeply([edges("$dir/near/libraries.json")], ['libgamma selects libalpha: '], '--depth');
run("$tool --crawler $tree --library libalpha --reverse --edges selects --depth 1 -o $dir/users");
is_deeply([sort(edges("$dir/users/libraries.json"))], ['libdelta selects libalpha: ', 'libgamma selects libalpha: '], '--reverse, --edges');
spew("$dir/list", "libgamma\n");
run("$tool --crawler $tree -l $dir/list -o $dir/listed");
is_deeply([edges("$dir/listed/libraries.json")], ['libgamma selects libalpha: '], '-l: one step');
run("$tool --crawler $tree -l $dir/list -f -o $dir/listed");
ok(scalar(edges("$dir/listed/libraries.json")) > 1, '-l -f: all steps');
($status, $output) = run("$tool --crawler $tree --library alph -o $dir/none");
is($status, 2, 'an unknown name: status');
like($output, qr/alph: no such micro-library or option in fixture 1\.2\.3; near it: libalpha/, 'an unknown name: near ones');

# ---- cycles ----

mkdir "$dir/cycle";
mkdir "$dir/cycle/$_" for qw(lib lib/a lib/b);
spew("$dir/cycle/Config.uk", "rsource \"lib/a/Config.uk\"\nrsource \"lib/b/Config.uk\"\n");
for my $pair (['a', 'b'], ['b', 'a']) {
    my ($one, $other) = @$pair;
    spew("$dir/cycle/lib/$one/Config.uk", "config LIB\U$one\E\n\tbool \"$one\"\n\tselect LIB\U$other\E\n");
    spew("$dir/cycle/lib/$one/Makefile.uk", "\$(eval \$(call addlib_s,lib$one,\$(CONFIG_LIB\U$one\E)))\n");
    spew("$dir/cycle/lib/$one/exportsyms.uk", "lib${one}_init\nshared_name\n");
}
($status, $output) = run("$tool --crawler -r $dir/cycle -o $dir/cycled");
like($output, qr/cycles:\n  liba, libb\n/, 'a cycle is reported');
($status, $output) = run("$tool --crawler -r $dir/cycle --lint");
is($status, 1, '--lint: something is odd');
like($output, qr/circular dependency: LIBA, LIBB/, '--lint: a circle of options');
like($output, qr/export clash: liba and libb can be on together and both export shared_name/, '--lint: a symbol exported twice');

# ---- lint ----

($status, $output) = run("$tool --crawler $tree --lint");
like($output, qr/unmet dependency: SELECTOR selects UNMET if PLAIN, which depends on NEVER && PLAIN/, '--lint: an overridden dependency');
like($output, qr/dead option: nothing can turn MACRO_ANSWER on/, '--lint: a dead option');
unlike($output, qr/dead option: nothing can turn (?:HIDDEN|WISHED_TOO|TRI_SELECTED) on/, '--lint: selected and implied options are not dead');
like($output, qr/lib-delta\/Config\.uk:4: LIBMISSING is used but nobody defines it/, '--lint: what reading found');
is(scalar(() = $output =~ /export clash: libalpha and libdelta/g), 1, '--lint: clashes once a pair');
mkdir "$dir/clean";
spew("$dir/clean/Config.uk", "config A\n\tbool \"a\"\n");
is((run("$tool --crawler -r $dir/clean --lint"))[0], 0, '--lint: nothing odd');

# ---- differences and order ----

($status, $output) = run("$tool --crawler --diff unikraft-0.16.2 --diff unikraft-0.17.0");
is($status, 0, '--diff of the embedded catalogues');
like($output, qr/^gone\s+library libukswrand$/m, 'a library that is gone');
like($output, qr/^new\s+library libukrandom$/m, 'a library that is new');
like($output, qr/^(?:new|gone|changed)\s+syscall getrandom by /m, 'a system call that moved');
like((run("$tool --crawler --diff unikraft-0.17.0 --diff unikraft-0.17.0"))[1], qr/: 0 differences$/m, 'no difference to itself');
is((run("$tool --crawler --diff unikraft-0.17.0"))[0], 2, '--diff of one');
is((run("$tool --crawler --diff unikraft-0.16.2 --diff unikraft-0.17.0 -o $dir/changes"))[0], 0, '--diff -o: as a page');
my ($changes) = slurp("$dir/changes/libraries.html") =~ m{id="difference">(.*?)</script>}s;
is_deeply(decode_json($changes), decode_json(slurp("$dir/changes/difference.json")), 'which holds what difference.json says');

# The whole catalogue's picture is folded: every library is in a box, and few edges are left.
my $whole = decode_json(slurp("$dir/changes/libraries.html") =~ m{id="data">(.*?)</script>}s ? $1 : '{}');
my $dot = slurp("$dir/changes/libraries.dot");
my %drawn = map { $_ => 1 } map { split /,/ } $dot =~ /^  "([^"]+)" \[label=/mg;
is(join(' ', grep { !$drawn{$_} } map { $_->{name} } @{$whole->{nodes}}), '', 'folded picture: nothing is lost');
my $drawn_edges = () = $dot =~ /^  "[^"]+" -> "[^"]+" \[color/mg;
cmp_ok($drawn_edges, '<', @{$whole->{edges}} / 2, 'folded picture: most edges follow from others');
my (%next, %marked);
while ($dot =~ /^  "([^"]+)" -> "([^"]+)" \[color/mg) {
    my ($tails, $heads) = ($1, $2);
    for my $tail (split /,/, $tails) { push @{$next{$tail}}, split /,/, $heads }
}
while ($dot =~ /^  "([^"]+)" \[label="([^"]*)"/mg) {
    my ($members, $label) = ($1, $2);
    $marked{$_} = $label for split /,/, $members;
}
my @names = map { $_->{name} } @{$whole->{nodes}};
my $lost = 0;
for my $edge (grep { $_->{kind} eq 'selects' || $_->{kind} eq 'depends' } @{$whole->{edges}}) {
    my ($from, $to) = @names[@$edge{qw(from to)}];
    next if $marked{$from} =~ /\b\Q$to\E\b/; # a mark, or in the same box
    my (%seen, @queue) = ($from => 1);
    @queue = ($from);
    while (defined(my $at = shift @queue)) { push @queue, grep { !$seen{$_}++ } @{$next{$at} // []} }
    if (!$seen{$to}) { $lost++; diag "$from $edge->{kind} $to" }
}
is($lost, 0, 'folded picture: every relation is an edge, a way or a mark');
my @order = split /\n/, (run("$tool --crawler --order"))[1];
my %place = map { $order[$_] => $_ } 0 .. $#order;
is(scalar(@order), 66, '--order: every external library');
ok($place{'lib-musl'} < $place{'lib-lwip'} && $place{'lib-lwip'} < $place{'lib-nginx'}, '--order: providers first');

# ---- the list of libraries that is promised ----

my %listed = map { /^\| `(lib-[^`]+)`/ ? ($1 => 1) : () } split /\n/, slurp("$src/docs/CATALOGUE.md");
my $embedded = decode_json(scalar(`$tool --crawler --json`));
is_deeply([sort keys %listed], [sort map { $_->{name} } grep { $_->{kind} eq 'library' } @{$embedded->{repositories}}],
    'docs/CATALOGUE.md lists what is embedded');
is(slurp("$src/docs/CATALOGUE.md"), scalar(`$src/docs/make-catalogue $tool`), 'docs/CATALOGUE.md is current (make docs)');
my %constant = map { ("$_->{name} by " . ($_->{option} // '')) => $_->{constant} } @{$embedded->{syscalls}};
is($constant{'chroot by LIBVFSCORE'}, '-ENOSYS', 'a call that is registered but refused');
ok(!defined $constant{'openat by LIBVFSCORE'}, 'a call that works');

done_testing();
