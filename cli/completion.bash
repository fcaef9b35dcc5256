# SPDX-License-Identifier: BSD-3-Clause
# bash completion for toolchain(1): the tools, each tool's own options as its --help lists them, files.

_toolchain()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} tool= word
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
            --dep|--build|--verif|--perf|--crawler|--memanalyser|--schema) tool=$word ;;
            --) return ;;
        esac
    done
    case $previous in
        -o|--output|-s|--uk-root|--uk-libs|-r) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
        -t|--test|-c|--config|--profile|--weights|--catalogue) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        --mode) mapfile -t COMPREPLY < <(compgen -W 'source binary' -- "$current"); return ;;
        --need) mapfile -t COMPREPLY < <(compgen -W 'static dynamic required' -- "$current"); return ;;
        --engine) mapfile -t COMPREPLY < <(compgen -W 'auto breakpoint seccomp ptrace' -- "$current"); return ;;
        --emit) mapfile -t COMPREPLY < <(compgen -W 'seccomp-json systemd bpf' -- "$current"); return ;;
        --from) mapfile -t COMPREPLY < <(compgen -W 'static dynamic union' -- "$current"); return ;;
        --objective) mapfile -t COMPREPLY < <(compgen -W 'size boot memory throughput' -- "$current"); return ;;
        --by) mapfile -t COMPREPLY < <(compgen -W 'library section object symbol' -- "$current"); return ;;
        --diff|--map|--debug-file|--objects) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        --schema) mapfile -t COMPREPLY < <(compgen -W 'profile catalogue selection layout supplement test run verif perf knobs graph difference' -- "$current"); return ;;
    esac
    if [[ $current == -* ]]; then
        local options
        options=$("${COMP_WORDS[0]}" $tool --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]+' | sort -u)
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -c -- "$current"; compgen -f -- "$current")
    fi
}
complete -o filenames -F _toolchain toolchain
