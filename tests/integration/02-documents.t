#!/usr/bin/perl
# SPDX-License-Identifier: BSD-3-Clause
# The schemas and the man page in docs/ are those of this binary, and what the tools write is valid by
# them, as python3-jsonschema sees it.
use strict;
use warnings;
use File::Temp qw(tempdir);
use Test::More;

my $toolchain = $ENV{TOOLCHAIN} // die "TOOLCHAIN names the binary";
my $src = $ENV{SRC} // die "SRC names the source tree";
my $dir = tempdir(CLEANUP => 1);

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return "cannot read $path";
    local $/;
    return scalar <$file>;
}

# Errors of a document against a schema, one per line; empty when valid.
sub errors {
    my ($schema, $document) = @_;
    my $python = <<'END';
import json, sys, jsonschema
schema = json.load(open(sys.argv[1])); document = json.load(open(sys.argv[2]))
jsonschema.Draft202012Validator.check_schema(schema)
for e in list(jsonschema.Draft202012Validator(schema).iter_errors(document))[:5]:
    print(list(e.path), e.message[:200])
END
    open my $pipe, '-|', '/usr/bin/python3', '-c', $python, $schema, $document or die;
    my @lines = <$pipe>;
    close $pipe or push @lines, "the validator failed\n";
    return join '', @lines;
}

for my $name (qw(profile catalogue selection layout supplement test verif perf knobs graph difference)) {
    is(slurp("$src/docs/schema/$name.json"), scalar(`$toolchain --schema $name`),
        "docs/schema/$name.json is current (make docs)");
}
is(slurp("$src/docs/toolchain.1"), scalar(`$src/docs/make-man $toolchain`), 'docs/toolchain.1 is current (make docs)');

is(system($toolchain, '--dep', '-q', '-o', $dir, '/bin/true'), 0, 'a profile is written');
is(errors("$src/docs/schema/profile.json", "$dir/profile.json"), '', 'profile.json is valid by its schema');
is(errors("$src/docs/schema/test.json", $_), '', "$_ is valid by the schema") for glob("$src/testFiles/*.json");
for my $catalogue (glob("$src/catalogue/unikraft-*.json")) {
    is(errors("$src/docs/schema/catalogue.json", $catalogue), '', "$catalogue is valid by the schema");
}

done_testing;
