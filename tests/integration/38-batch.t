#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# --batch: a JSON line per file of a list, the same as each gives alone; names from PATH; files that are none;
# taken up again where an earlier run was cut off.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $tool = $ENV{TOOLCHAIN} or die 'TOOLCHAIN is not set';
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;
$ENV{XDG_CACHE_HOME} = "$dir/cache";
my $json = JSON::PP->new->canonical;

sub spill { my ($p, $d) = @_; open(my $f, '>:raw', $p) or die; print $f $d; close $f }
sub lines { my ($p) = @_; open(my $f, '<:raw', $p) or die "$p: $!"; return map { chomp; $_ } <$f> }
sub run {
    my ($options) = @_;
    my $out = qx($tool --dep --batch $options 2>$dir/err);
    return ($? >> 8, $out, join "\n", lines("$dir/err"));
}
sub path_of { my ($line) = @_; return $line->{program} ? $line->{program}{path} : $line->{path} }

my @programs = qw(/usr/bin/true /usr/bin/cat /usr/bin/seq);
spill('list', "# programs\n/usr/bin/true\n\ncat\r\n/usr/bin/seq\n");
my ($status, $out, $err) = run('list');
is($status, 0, 'a list on standard output') or diag $err;
my %found = map { (path_of($_) => $_) } map { decode_json $_ } split /\n/, $out;
is_deeply([sort keys %found], [sort @programs], 'one line per file; a bare name is looked up in PATH');
for my $program (@programs) {
    my $alone = decode_json(scalar qx($tool --dep --static --json -q --no-cache $program));
    is($json->encode($found{$program}), $json->encode($alone), "$program: as it is alone");
}

spill('bad', "/usr/bin/true\n/etc/passwd\n/nonexistent/program\nno-such-program\n$dir\n");
($status, $out, $err) = run('bad');
is($status, 1, 'some files are no programs: status 1');
like($err, qr/4 of 5 files/, 'how many');
my %errors = map { ($_->{path} => $_->{error}) } grep { $_->{error} } map { decode_json $_ } split /\n/, $out;
is_deeply([sort keys %errors], [sort '/etc/passwd', '/nonexistent/program', 'no-such-program', $dir], 'a line for each');
like($errors{'/etc/passwd'}, qr/ELF/, 'which says why');

($status, $out, $err) = run('list -o out');
is($status, 0, 'into a folder') or diag $err;
my @all = lines('out/batch.jsonl');
is(scalar @all, 3, 'a line per file');
# As a run that was killed leaves it: one line whole, another cut off.
spill('out/batch.jsonl', "$all[0]\n" . substr($all[1], 0, 100));
($status, $out, $err) = run('list -o out');
is($status, 0, 'taken up again') or diag $err;
my @again = lines('out/batch.jsonl');
is($again[0], $all[0], 'what was written stays');
is_deeply([sort @again], [sort @all], 'the rest is the same as in one go');
($status) = run('list -o out');
is_deeply([lines('out/batch.jsonl')], \@again, 'nothing left to do');

($status, $out, $err) = run('nonexistent-list');
is($status, 2, 'no list: status 2');
like($err, qr/nonexistent-list/, 'says which');

done_testing();
