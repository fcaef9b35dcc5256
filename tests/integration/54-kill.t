#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A sample of bench/kill: whatever signal ends the tool at whatever moment, nothing it started is left,
# and a process that was only watched goes on with its code as it was.
echo 1..1
if out=$("$SRC/bench/kill" 25 1 2>&1); then
    echo "ok 1 - $out"
else
    echo "$out" | sed 's/^/# /'
    echo "not ok 1 - nothing is left behind, nothing stays patched"
fi
