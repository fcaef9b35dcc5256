# SPDX-License-Identifier: BSD-3-Clause
# A fresh folder of small files of many kinds, and commands run in one: what bench/truth works in.
package Files;
use strict;
use warnings;
use File::Temp qw(tempdir);

sub spill { open my $f, '>', $_[0] or die "$_[0]: $!"; print $f $_[1] }

sub fresh_folder {
    my $dir = tempdir(CLEANUP => 1);
    chmod 0777, $dir;
    mkdir "$dir/$_" for qw(d d/sub e);
    spill("$dir/in.txt", "b 2\na 1\nc 3\nhello world\n");
    spill("$dir/d/sub/two.txt", "hello\n");
    spill("$dir/big.txt", join '', map { ($_ * 7919 % 100003) . " line $_\n" } 1 .. 30000);
    spill("$dir/c.c", "#include <stdio.h>\nint main(void){puts(\"x\");return 0;}\n");
    spill("$dir/Makefile", "all: one two\none:\n\ttouch one\ntwo:\n\tcp in.txt two\n");
    spill("$dir/g.dot", "digraph { a -> b }\n");
    spill("$dir/p.diff", "--- in.txt\n+++ in.txt\n\@\@ -1 +1 \@\@\n-b 2\n+b 3\n");
    spill("$dir/j.json", "{\"a\": [1, 2.5, null], \"b\": {\"c\": \"x\"}}\n");
    system "tar -C $dir -cf $dir/in.tar d in.txt; gzip -k $dir/in.tar; cp /usr/bin/env $dir/elf";
    return $dir;
}

# Runs a command in a fresh folder, without a terminal, for at most some seconds; everything it
# started in its process group ends with it. prepare, if given, is called with the folder.
sub run_in {
    my ($seconds, $env, @command) = @_;
    my $prepare = ref $command[0] eq 'CODE' ? shift @command : undef;
    my $dir = fresh_folder();
    $prepare->($dir) if $prepare;
    my $pid = fork // die;
    if (!$pid) {
        chdir $dir or die;
        setpgrp;
        %ENV = (PATH => '/usr/bin:/bin:/usr/sbin:/sbin', HOME => $dir, TERM => 'dumb', LANG => 'C.UTF-8', %$env);
        open STDIN, '<', "$dir/in.txt" or die;
        open STDOUT, '>', '/dev/null' or die;
        open STDERR, '>', '/dev/null' or die;
        exec 'timeout', '-k', '1', $seconds, @command or exit 127;
    }
    waitpid $pid, 0;
    kill 'KILL', -$pid;
    system 'rm', '-rf', $dir;
    return;
}

1;
