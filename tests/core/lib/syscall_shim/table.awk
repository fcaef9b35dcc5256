# SPDX-License-Identifier: BSD-3-Clause
# From the numbers of the host's header and the list of provided calls: the table of the shim.
$1 == "#define" && $2 ~ /^__NR_/ && $3 ~ /^[0-9]+$/ {
    number[substr($2, 6)] = $3
}
/^[a-z_0-9]+-[0-9]$/ {
    split($0, part, "-")
    provided[part[1]] = part[2]
}
END {
    print "#include \"table.h\""
    for (name in provided)
        if (name in number)
            print "long uk_syscall_r_" name "(long, long, long, long, long, long);"
    print "const shim_function shim_functions[SHIM_CALLS] = {"
    for (name in provided)
        if (name in number)
            print "    [" number[name] "] = uk_syscall_r_" name ","
    print "};"
    print "const unsigned char shim_arguments[SHIM_CALLS] = {"
    for (name in provided)
        if (name in number)
            print "    [" number[name] "] = " provided[name] ","
    print "};"
    print "#ifdef CONFIG_LIBSYSCALL_SHIM_NAMES"
    print "const char *const shim_names[SHIM_CALLS] = {"
    for (name in number)
        if (number[name] < 512)
            print "    [" number[name] "] = \"" name "\","
    print "};"
    print "#endif"
}
