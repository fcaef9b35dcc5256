# SPDX-License-Identifier: BSD-3-Clause
# Renders a tree of Config.uk files as the one file that kconfig-conf reads: sources are inlined,
# $(NAME) is taken from the environment, and $(shell,COMMAND) is run. Use: awk -f flatten.awk Config.uk
function expand(line, open, close_, name, command, value, depth, i, c)
{
    while ((open = index(line, "$(")) > 0) {
        depth = 0
        for (i = open + 1; i <= length(line); i++) {
            c = substr(line, i, 1)
            if (c == "(")
                depth++
            else if (c == ")" && --depth == 0)
                break
        }
        close_ = i
        name = substr(line, open + 2, close_ - open - 2)
        if (name ~ /^shell,/) {
            command = expand(substr(name, 7))
            value = ""
            command | getline value
            close(command)
        } else {
            value = ENVIRON[name]
        }
        line = substr(line, 1, open - 1) value substr(line, close_ + 1)
    }
    return line
}
function render(file, line, name)
{
    while ((getline line < file) > 0) {
        line = expand(line)
        if (line ~ /^[ \t]*source[ \t]+"/) {
            name = line
            sub(/^[^"]*"/, "", name)
            sub(/".*$/, "", name)
            render(name)
        } else {
            print line
        }
    }
    close(file)
}
BEGIN {
    render(ARGV[1])
    exit
}
