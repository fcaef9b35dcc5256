#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# Link maps and imported symbols from the command line, against ld.so and readelf; bad input.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

my $tool = $ENV{TOOLCHAIN} or die 'TOOLCHAIN is not set';
my $dir = tempdir(CLEANUP => 1);
chdir $dir or die;
delete $ENV{LD_LIBRARY_PATH};
delete $ENV{LD_PRELOAD};

sub run {
    my @command = @_;
    my $pid = open(my $out, '-|') // die;
    if (!$pid) {
        open(STDERR, '>', "$dir/stderr");
        exec(@command) or exit 127;
    }
    local $/;
    my $text = <$out>;
    close $out;
    open(my $err, '<', "$dir/stderr") or die;
    return ($? >> 8, $text, scalar <$err> // '');
}

sub profile {
    my ($status, $text, $err) = run($tool, qw(--dep --static --libraries --json), @_);
    return ($status, $text ? decode_json($text) : undef, $err);
}

sub sh { system('sh', '-ec', $_[0]) == 0 or die "fixture: $_[0]" }

# What ld.so itself lists: files in load order.
sub ldso {
    my ($program) = @_;
    my @files;
    for (`LD_TRACE_LOADED_OBJECTS=1 '$program' 2>&1`) {
        next if /linux-vdso/;
        push @files, $1 if /(?:=> )?(\/\S+) \(0x/;
        push @files, 'missing' if /not found/;
    }
    return \@files;
}

sub is_dynamic {
    my ($file) = @_;
    return `readelf -lW '$file' 2>/dev/null` =~ /interpreter: \/lib64\/ld-linux/;
}

# A sample of the machine's programs: every fourteenth of those in the usual folders.
my (@sample, %seen, $n);
for my $file (sort glob('/usr/bin/* /usr/sbin/*')) {
    next if $n++ % 14 || -l $file || !-r $file || !-f $file || -u $file || -g $file;
    open(my $f, '<', $file) or next;
    read $f, my $magic, 4;
    push @sample, $file if $magic eq "\x7fELF" && is_dynamic($file);
}
cmp_ok(scalar @sample, '>', 5, 'there are programs to compare');
my (@different, @failed);
for my $file (@sample) {
    my ($status, $p, $err) = profile($file);
    push(@failed, "$file: $err"), next if $status != 0;
    my @ours = map { $_->{path} // 'missing' } @{$p->{static}{libraries}};
    push @different, $file if "@ours" ne "@{ldso($file)}";
}
is_deeply(\@failed, [], 'every program of the sample is read');
is_deeply(\@different, [], 'its link map is ld.so\'s, in order');

# Imported symbols and versions as readelf lists them; each bound where ld.so binds it.
for my $file ('/usr/bin/env', '/usr/bin/bash') {
    my ($status, $p) = profile($file);
    my %expected;
    for (`readelf --dyn-syms -W '$file'`) {
        my @f = split;
        next if @f < 8 || $f[6] ne 'UND' || $f[7] eq '';
        $expected{$f[7]} = 1;
    }
    my %ours = map { $_->{version} ? ("$_->{name}\@$_->{version}" => 1) : ($_->{name} => 1) }
        @{$p->{static}{symbols}};
    is_deeply([grep { !$ours{$_} } sort keys %expected], [], "$file: all imports are there");
    my %bound;
    for (`LD_TRACE_LOADED_OBJECTS=1 LD_WARN=yes LD_BIND_NOW=1 LD_DEBUG=bindings '$file' 2>&1`) {
        $bound{$2} = $1 if m{binding file \Q$file\E \[0\] to (\S+) \[0\]: normal symbol `([^']+)'};
    }
    my %path = map { $_->{soname} => $_->{path} } @{$p->{static}{libraries}};
    my @wrong = grep { $_->{library} && $bound{$_->{name}} && $bound{$_->{name}} ne $path{$_->{library}} }
        @{$p->{static}{symbols}};
    is_deeply(\@wrong, [], "$file: providers are ld.so's");
    cmp_ok(scalar(grep { $_->{library} } @{$p->{static}{symbols}}), '>=', scalar keys %bound,
        "$file: nothing that ld.so binds is left unbound");
}

# A library that is missing.
sh('echo "int f(void){return 1;}" | cc -shared -o libgone.so -x c - ' .
   '&& echo "int f(void);int main(void){return f();}" | cc -o lost -x c - -L. -lgone -Wl,-rpath,/no/such ' .
   '&& mkdir away && mv libgone.so away');
my ($status, $p, $err) = profile("$dir/lost");
is($status, 1, 'a missing library: exit status 1');
like($err, qr/libgone\.so, needed by lost, was not found; looked in \/no\/such, \/etc\/ld\.so\.cache/,
    'named, with who needs it and where it was looked for');
my ($gone) = grep { $_->{soname} eq 'libgone.so' } @{($p // {static => {libraries => []}})->{static}{libraries}};
is_deeply([$gone->{path}, $gone->{needed_by}[0], $gone->{searched}[0]], [undef, 'lost', '/no/such'],
    'and listed in the document');
($status, $p) = profile('--library-path', "$dir/away", "$dir/lost");
is($status, 0, 'found with --library-path');

# Bad input: one line, exit status 2.
sh('printf "#!/usr/bin/env perl\n" > script; chmod 755 script; : > empty; head -c 3000 /usr/bin/env > cut; ' .
   'echo text > text; echo "int x;" | cc -c -o object.o -x c -; cp /usr/bin/env arm; ' .
   'printf "\050\000" | dd of=arm bs=1 seek=18 conv=notrunc status=none; chmod 755 *');
for (['script', qr/a script, run by \S+\/perl/], ['empty', qr/empty/], ['cut', qr/truncated/], ['text', qr/text file/],
     ['object.o', qr/relocatable object/], ['arm', qr/another architecture/], ['away', qr/folder/]) {
    my ($file, $expected) = @$_;
    my ($code, $out, $message) = run($tool, qw(--dep --static --libraries --json), "./$file");
    is($code, 2, "$file: exit status 2");
    like($message, $expected, "$file: says what it is");
    is(($message =~ tr/\n//), 1, "$file: in one line");
    is($out, '', "$file: no output");
}

# Machine code of another architecture: said, not passed over.
sh('cp /usr/bin/env riscv; printf "\363\000" | dd of=riscv bs=1 seek=18 conv=notrunc status=none; ' .
   # no interpreter: PT_INTERP (3) becomes PT_NULL
   'perl -e \'open F, "+<", "riscv"; binmode F; for my $i (0..12) { seek F, 64 + 56 * $i, 0; read F, my $t, 4; ' .
   'next if unpack("V", $t) != 3; seek F, 64 + 56 * $i, 0; print F pack("V", 0); last }\'');
my ($code, $out, $message) = run($tool, qw(--dep --static --json), './riscv');
is($code, 2, 'RISC-V code: exit status 2');
like($message, qr/RISC-V/, 'RISC-V code: says so');
done_testing;
