# bash completion for segcat

_segcat() {
    # shellcheck disable=SC2034 # _init_completion sets them all
    local cur prev words cword split
    _init_completion -s || return

    case $prev in
    --color)
        mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur")
        return
        ;;
    --congestion)
        mapfile -t COMPREPLY < <(compgen -W 'cubic reno' -- "$cur")
        return
        ;;
    --ecn)
        mapfile -t COMPREPLY < <(compgen -W 'accept on off' -- "$cur")
        return
        ;;
    --time-wait)
        mapfile -t COMPREPLY < <(compgen -W 'hold wait none' -- "$cur")
        return
        ;;
    --source | -s)
        _ip_addresses -a
        return
        ;;
    --isn | --msl | --source-port | --wait | -p | -w)
        return
        ;;
    esac
    $split && return

    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '-4 -6 -h -l -N -n -p -s -v -w
            --ipv4 --ipv6 --color= --congestion= --demo --ecn= --help --isn= --listen --msl= --shutdown --nodns
            --source-port= --source= --time-wait= --verbose --version --wait=' -- "$cur")
        [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
        return
    fi
    _known_hosts_real -- "$cur"
} && complete -F _segcat segcat
