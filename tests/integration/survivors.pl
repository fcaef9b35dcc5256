# SPDX-License-Identifier: BSD-3-Clause
# For tests of what outlives the tool.
use strict;
use warnings;
use Time::HiRes qw(sleep time);

# Processes whose command line holds the marker, but for the tool and the test.
sub survivors_of {
    my ($marker) = @_;
    my @found;
    for my $file (glob '/proc/[0-9]*/cmdline') {
        open my $in, '<', $file or next;
        local $/;
        my $line = <$in> // '';
        push @found, $line if $line =~ /\b$marker\b/ && $line !~ /toolchain|perl/;
    }
    return @found;
}

# Whether the condition came true within the seconds.
sub wait_for {
    my ($condition, $seconds) = @_;
    my $until = time + $seconds;
    my $met;
    sleep 0.01 until ($met = $condition->()) || time > $until;
    return $met;
}

1;
