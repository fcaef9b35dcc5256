#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compares the toolchain's reading and evaluation of Kconfig with kconfiglib and kconfig's own conf.

    structure TREE CATALOGUE LIBS APP     options, types, selects, implies, choices, defaults, ranges
    random    TREE CATALOGUE LIBS APP N   N random assignments completed by toolchain and kconfiglib
    flat      CATALOGUE N                 the same from a catalogue alone, written out as one Kconfig
                                          file, completed by toolchain, kconfiglib and kconfig-conf

LIBS: folders of external libraries, joined by colons. TOOLCHAIN: the program. CONF: a tree's own
conf, used too where it is set. Prints what differs; exit status 1 where anything does.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

import kconfiglib as K

TYPES = {K.BOOL: "bool", K.TRISTATE: "tristate", K.STRING: "string", K.INT: "int", K.HEX: "hex",
         K.UNKNOWN: None}
differences = 0


def differ(*what):
    global differences
    differences += 1
    if differences <= 20:
        print(*what)


def tree_environment(tree, catalogue, libs, app, folder):
    """The variables a core's Makefile gives to kconfig."""
    tree = os.path.realpath(tree)
    version = dict(re.findall(r"(\w+)\s*=\s*(\S+)", open(tree + "/version.mk").read()))
    os.environ.update(
        UK_BASE=tree, UK_APP=os.path.realpath(app) if app else "/nowhere", UK_NAME="app",
        UK_FULLVERSION=catalogue["version"], UK_CODENAME=version.get("UK_CODENAME", ""),
        UK_ARCH="x86_64", HOST_ARCH="x86_64", CC="gcc", KCONFIG_DIR=folder,
        KCONFIG_LIB_BASE=tree + "/lib", KCONFIG_PLAT_BASE=tree + "/plat",
        KCONFIG_DRIV_BASE=tree + "/drivers", KCONFIG_ELIB_DIRS=libs, KCONFIG_EPLAT_DIRS="",
        KCONFIG_EAPP_DIR=os.path.realpath(app) if app else "", KCONFIG_EXCLUDEDIRS="", LC_ALL="C",
        CONFIG_="CONFIG_")
    return tree + "/Config.uk"


def structure(kconf, catalogue):
    options = {o["name"]: o for o in catalogue["options"]}
    symbols = kconf.unique_defined_syms
    if [s.name for s in symbols] != [o["name"] for o in catalogue["options"]]:
        differ("options, or their order:", {s.name for s in symbols} ^ set(options))
    for s in symbols:
        o = options.get(s.name)
        if not o:
            continue

        def check(what, theirs, ours):
            if theirs != ours:
                differ(s.name, what, theirs, ours)

        check("type", TYPES[s.orig_type], o["type"])
        for what, theirs in (("selects", s.selects), ("implies", s.implies)):
            check(what, [x[0].name for x in theirs], [x["value"] for x in o.get(what, [])])
        check("defaults", len(s.defaults), len(o.get("defaults", [])))
        check("ranges", [(r[0].name, r[1].name) for r in s.ranges],
              [(r["low"], r["high"]) for r in o.get("ranges", [])])
        check("prompt", any(n.prompt for n in s.nodes), o["visible"] is not None)
    choices = catalogue["choices"]
    if [[s.name for s in c.syms] for c in kconf.unique_choices] != [c["members"] for c in choices]:
        differ("choices", [[s.name for s in c.syms] for c in kconf.unique_choices])
    for c, ours in zip(kconf.unique_choices, choices):
        if [d[0].name for d in c.defaults] != [d["value"] for d in ours.get("defaults", [])]:
            differ("defaults of choice", ours["name"])
        if c.is_optional != ours.get("optional", False):
            differ("optional", ours["name"])
    print(f"{len(symbols)} options, {len(choices)} choices compared")


def flatten(catalogue):
    """A catalogue as one Kconfig file, each option and choice once."""
    out = []
    options = {o["name"]: o for o in catalogue["options"]}
    choices = {c["name"]: c for c in catalogue["choices"]}
    written = set()

    def clauses(word, items):
        for c in items:
            out.append(f"\t{word} {c['value']}" + (f" if {c['condition']}" if c.get("condition") else ""))

    def option(o):
        if o["name"] in written:
            return
        written.add(o["name"])
        if o["type"] is None or not re.fullmatch(r"\w+", o["name"]):
            return
        out.append(f"config {o['name']}")
        out.append(f"\t{o['type']}")
        if o["name"] == "MODULES":
            out.append("\toption modules")  # kconfig-conf 4.11 does not go by the name
        if o["visible"] is not None:
            out.append('\tprompt "x"' + (f" if {o['visible']}" if o["visible"] != "y" else ""))
        if o.get("depends"):
            out.append(f"\tdepends on {o['depends']}")
        clauses("default", o.get("defaults", []))
        clauses("select", o.get("selects", []))
        clauses("imply", o.get("implies", []))
        for r in o.get("ranges", []):
            out.append(f"\trange {r['low']} {r['high']}" + (f" if {r['condition']}" if r.get("condition") else ""))

    for o in catalogue["options"]:
        c = choices.get(o.get("choice"))
        if not c or o["name"] in written:
            option(o)
            continue
        out.append("choice")
        out.append('\tprompt "x"' + (f" if {c['visible']}" if c["visible"] != "y" else ""))
        if c.get("depends"):
            out.append(f"\tdepends on {c['depends']}")
        clauses("default", c.get("defaults", []))
        if c.get("optional"):
            out.append("\toptional")
        for member in c["members"]:
            option(options[member])
        out.append("endchoice")
    return "\n".join(out) + "\n"


def ranged_value(symbol):
    """A value that suits every range, None where that is not simple."""
    base = 10 if symbol.orig_type == K.INT else 16
    try:
        low = max(int(r[0].name, base) for r in symbol.ranges)
        high = min(int(r[1].name, base) for r in symbol.ranges)
    except ValueError:
        return None
    if low > high:
        return None
    return (str if base == 10 else hex)(random.randint(low, high))


def assignment(kconf, in_range):
    """A random .config: sparse or dense, mostly on or mostly off, unordered. in_range: without
    values out of range, of which conf, unlike kconfiglib, lets others see the clamped value in the run
    that drops them."""
    density, on = random.choice([0.02, 0.1, 0.3, 0.6, 0.95]), random.choice([0.1, 0.5, 0.9])
    lines = []
    for s in kconf.unique_defined_syms:
        if random.random() > density:
            continue
        name = "CONFIG_" + s.name
        if s.orig_type in (K.BOOL, K.TRISTATE):
            value = "y" if random.random() < on else "n"
            if s.orig_type == K.TRISTATE and random.random() < 0.4:
                value = "m"
            lines.append(f"# {name} is not set" if value == "n" else f"{name}={value}")
        elif s.ranges and in_range:
            value = ranged_value(s)
            if value is not None:
                lines.append(f"{name}={value}")
        elif s.orig_type == K.INT:
            lines.append(f"{name}={random.choice([0, 1, 3, 7, 15, 20, 64, 4096, 100000])}")
        elif s.orig_type == K.HEX:
            lines.append(f"{name}={random.choice(['0x0', '0x10', '0x20', '0x7f', '0xfff', '1f'])}")
        elif s.orig_type == K.STRING:
            lines.append(f"{name}=" + random.choice(['""', '"a"', '"big"', '"x y"', r'"q\"b"', r'"back\\s"']))
    random.shuffle(lines)
    return "\n".join(lines) + "\n"


def parse(text):
    values = {}
    for line in text.splitlines():
        off = re.match(r"# CONFIG_(\w+) is not set", line)
        on = re.match(r"CONFIG_(\w+)=(.*)", line)
        if off:
            values[off[1]] = "n"
        elif on:
            values[on[1]] = on[2]
    return values


def compare(which, ours, theirs, number, order):
    if ours != theirs or (order and list(ours) != list(theirs)):
        names = [n for n in sorted(set(ours) | set(theirs)) if ours.get(n) != theirs.get(n)]
        differ(f"assignment {number}, {which}:",
               [(n, ours.get(n), theirs.get(n)) for n in names[:6]] or "the order")


def random_assignments(kconf, catalogue_file, count, folder, confs, defines, order):
    """confs: (name, command, kconfig file) of further programs; order: compare that of lines too."""
    for number in range(count):
        text = assignment(kconf, bool(confs))
        source = folder + "/in.config"
        open(source, "w").write(text)
        run = subprocess.run([os.environ["TOOLCHAIN"], "--crawler", "-q", "--catalogue", catalogue_file,
                              "--complete", source] + defines, capture_output=True, text=True)
        if run.returncode:
            differ("toolchain:", run.stderr)
            continue
        ours = parse(run.stdout)
        kconf.load_config(source)
        kconf.write_config(folder + "/kconfiglib.config")
        compare("kconfiglib", ours, parse(open(folder + "/kconfiglib.config").read()), number, order)
        for name, command, top in confs:
            target = folder + "/conf.config"
            open(target, "w").write(text)
            environment = dict(os.environ, KCONFIG_CONFIG=target)
            result = subprocess.run([command, "--olddefconfig", top], capture_output=True, text=True,
                                    env=environment, stdin=subprocess.DEVNULL, cwd=folder)
            if result.returncode:
                differ(name, result.stdout[-500:], result.stderr[-500:])
                continue
            theirs = parse(open(target).read())
            if not order:  # kconfig-conf 4.11 also writes what a default sets to n
                ours = {n: v for n, v in ours.items() if v != "n"}
                theirs = {n: v for n, v in theirs.items() if v != "n"}
            compare(name, ours, theirs, number, order)
    print(f"{count} assignments compared with kconfiglib" + "".join(f" and {c[0]}" for c in confs))


def main():
    mode = sys.argv[1]
    random.seed(int(os.environ.get("SEED", "1")))
    with tempfile.TemporaryDirectory() as folder:
        if mode == "flat":
            catalogue_file, count = sys.argv[2], int(sys.argv[3])
            catalogue = json.load(open(catalogue_file))
            top = folder + "/Kconfig"
            # A macro call in a default is a plain text here: the build replaces it.
            open(top, "w").write(flatten(catalogue).replace("$(", "@("))
            plain = folder + "/catalogue.json"
            open(plain, "w").write(open(catalogue_file).read().replace("$(", "@("))
            os.environ["CONFIG_"] = "CONFIG_"
            conf = shutil.which("kconfig-conf")
            confs = [("kconfig-conf", conf, top)] if conf else differ("kconfig-conf is not installed")
            random_assignments(K.Kconfig(top, warn=False), plain, count, folder, confs or [], [],
                               False)
        else:
            tree, catalogue_file, libs, app = sys.argv[2:6]
            catalogue = json.load(open(catalogue_file))
            top = tree_environment(tree, catalogue, libs, app, folder)
            kconf = K.Kconfig(top, warn=False)
            if mode == "structure":
                structure(kconf, catalogue)
            else:
                defines = sum([["--define", f"{v}={os.environ[v]}"] for v in ("UK_BASE", "UK_APP", "UK_NAME")], [])
                conf = os.environ.get("CONF")
                confs = [("the tree's conf", conf, top)] if conf else []
                random_assignments(kconf, catalogue_file, int(sys.argv[6]), folder, confs, defines,
                                   True)
    print(f"{differences} differences")
    sys.exit(1 if differences else 0)


main()
