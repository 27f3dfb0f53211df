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
    --tos | -T)
        mapfile -t COMPREPLY < <(compgen -W 'ef le lowdelay throughput reliability critical inetcontrol
            netcontrol af11 af12 af13 af21 af22 af23 af31 af32 af33 af41 af42 af43
            cs0 cs1 cs2 cs3 cs4 cs5 cs6 cs7' -- "$cur")
        return
        ;;
    --buffer | --isn | --keepalive | --msl | --source-port | --ttl | --user-timeout | --wait | -M | -p | -w)
        return
        ;;
    esac
    $split && return

    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '-4 -6 -h -l -M -N -n -p -s -T -v -w
            --ipv4 --ipv6 --buffer= --color= --congestion= --demo --ecn= --help --isn= --keepalive --listen --msl= --nodelay --shutdown --nodns
            --source-port= --source= --time-wait= --tos= --ttl= --user-timeout= --verbose --version --wait=' -- "$cur")
        [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
        return
    fi
    _known_hosts_real -- "$cur"
} && complete -F _segcat segcat
