#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Writes the file that sources the Config.uk of each folder given, and prints that file's name.
#   -o FILE  where to write      -t TEXT  enclose in a menu    -q  say nothing
#   -r DIR   every folder in DIR -l DIR   DIR itself           -c A:B  folders A and B
#   -e A:B   not these
folders='' output='' title='' excluded=''
while getopts qo:t:r:l:c:e: option; do
    case $option in
    o) output=$OPTARG ;;
    t) title=$OPTARG ;;
    r) for d in "$OPTARG"/*/; do folders="$folders:${d%/}"; done ;;
    l | c) folders="$folders:$OPTARG" ;;
    e) excluded=$OPTARG ;;
    *) ;;
    esac
done
IFS=:
{
    [ -z "$title" ] || printf 'menu "%s"\n' "$title"
    for d in $folders; do
        case ":$excluded:" in *":$d:"*) continue ;; esac
        [ -z "$d" ] || [ ! -f "$d/Config.uk" ] || printf 'source "%s/Config.uk"\n' "$d"
    done
    [ -z "$title" ] || echo endmenu
} >"$output"
echo "$output"
