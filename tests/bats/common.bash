# Helpers for the bats files. Everything runs in private user and network namespaces: never on the machine's own
# network, as root or as anyone. What a test starts ends with the test, whatever happens to it.
#
#   one_namespace [MTU]            A: a namespace with loopback
#   two_namespaces [MTU]           A and B, joined by a veth pair: 192.0.2.10 and .20, 2001:db8::10 and ::20
#   two_over_linkem [OPTION]...    the same, with tests/tools/linkem and its faults between them; the kernels do all
#                                  themselves, or with OFFLOADS=1 leave segments and checksums to their cards
#   at A COMMAND...                runs a command there
#   start NAME A COMMAND...        the same in the background; input by feed/end_input, or INPUT=file start ...
#   wait_for_err NAME REGEX        until a line is in its stderr ($T/NAME.err); wait_for_out: its stdout
#   finish NAME                    until it ends; $status. expect_status NAME N: and this is its status
#
# Nothing sleeps for a fixed time to let something happen: it waits for the event, with $PATIENCE as its upper bound.

bats_require_minimum_version 1.5.0
BATS_LIB_PATH="${BATS_LIB_PATH:-}:/usr/lib/bats:/usr/share/bats:/usr/local/lib/bats:/usr/lib"
bats_load_library bats-support
bats_load_library bats-assert

PATH="$PATH:/usr/sbin:/sbin"
TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
SEGCAT=$(realpath -m "${SEGCAT:-$TOP/segcat}")
BUILDDIR=${BUILDDIR:-${abs_top_builddir:-$TOP}}
TOOLS=$BUILDDIR/tests/tools
# Most tests do not want to meet the last one's TIME-WAIT: 2*MSL is a tenth of a second.
SC=("$SEGCAT" --msl=0.05)
PATIENCE=${PATIENCE:-60}
# LeakSanitizer wants ptrace, which segcat gives up at its start.
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=0}"
unset NO_COLOR TERM

# shellcheck disable=SC2034 # for the tests
A4=192.0.2.10 B4=192.0.2.20 A6=2001:db8::10 B6=2001:db8::20
# shellcheck disable=SC2034
PORT=8088

declare -gA NS=() PID=() FEED=()
declare -ga NETNS=() NETNS_FD=()

setup() {
    begin
}

teardown() {
    cleanup
}

begin() {
    T=$BATS_TEST_TMPDIR
    mkfifo "$T/.snooze"
    exec {SNOOZE}<>"$T/.snooze"
    [[ -x $SEGCAT ]] || fail "$SEGCAT is not built"
}

# ---- namespaces

# Runs in the background what is not to outlive the test, without the test's own descriptors. Sets $SPAWNED.
spawn() {
    (
        for fd in "${FEED[@]}" "${NETNS_FD[@]}" "$SNOOZE"; do
            exec {fd}>&-
        done
        exec "$@"
    ) <&0 3>&- 4>&- &
    SPAWNED=$!
}

holds_namespace() {
    local comm
    read -r comm <"/proc/$1/comm" && [[ $comm == sleep ]]
}

# hold NAME COMMAND...: the command makes a namespace; a process stays in it to keep it.
hold() {
    local name=$1
    shift
    spawn "$@" setpriv --pdeathsig KILL sleep infinity >/dev/null 2>"$T/.hold.err"
    NS[$name]=$SPAWNED
    wait_until holds_namespace "$SPAWNED"
    # Held open: no other test's namespace gets this number before kill_all() is done with it.
    local fd
    exec {fd}<"/proc/$SPAWNED/ns/net"
    NETNS_FD+=("$fd")
    NETNS+=("$(readlink "/proc/$SPAWNED/ns/net")")
    at "$name" ip link set lo up
}

# shellcheck disable=SC2120 # for the tests
one_namespace() {
    unshare -Urn true 2>/dev/null || skip 'user namespaces are forbidden here'
    hold A unshare -Urn
    at A ip link set lo mtu "${1:-65536}"
}

# more_namespace NAME: one more, below the same user namespace.
more_namespace() {
    hold "$1" nsenter -t "${NS[A]}" -U --preserve-credentials unshare -n
}

# address NAME HOST OTHER: its interface eth0 gets its addresses, and knows those of its one neighbour: no segment
# waits for ARP.
address() {
    at "$1" ip link set eth0 address "02:00:00:00:00:$2" up
    at "$1" ip address add "192.0.2.$2/24" dev eth0
    at "$1" ip neighbour add "192.0.2.$3" lladdr "02:00:00:00:00:$3" dev eth0
    if has_ipv6; then
        at "$1" ip address add "2001:db8::$2/64" dev eth0 nodad
        at "$1" ip neighbour add "2001:db8::$3" lladdr "02:00:00:00:00:$3" dev eth0
    fi
}

has_ipv6() {
    [[ -e /proc/net/if_inet6 && $(</proc/sys/net/ipv6/conf/default/disable_ipv6) == 0 ]]
}

needs_ipv6() {
    has_ipv6 || skip 'no IPv6 here'
}

# The interface of a veth pair is up when both ends are.
running() {
    [[ $(at "$1" cat "/sys/class/net/$2/operstate" 2>/dev/null) == up ]] ||
        at "$1" ip -o link show dev "$2" | grep -q 'state UP'
}

two_namespaces() {
    one_namespace
    more_namespace B
    at A ip link add eth0 mtu "${1:-1500}" type veth peer name eth0 mtu "${1:-1500}" netns "${NS[B]}"
    address A 10 20
    address B 20 10
    wait_until running A eth0
    wait_until running B eth0
}

two_over_linkem() {
    local side
    [[ -x $TOOLS/linkem ]] || fail "$TOOLS/linkem is not built: make check builds it"
    one_namespace
    more_namespace B
    more_namespace M
    for side in A B; do
        at M ip link add "to-$side" type veth peer name eth0 netns "${NS[$side]}"
        at M ip link set "to-$side" addrgenmode none up
        if [[ -z ${OFFLOADS:-} ]]; then at "$side" "$TOOLS/linkem" --plain eth0; fi
    done
    address A 10 20
    address B 20 10
    start linkem M "$TOOLS/linkem" "$@" to-A to-B
    wait_for_out linkem '^ready'
    for side in A B; do
        wait_until running "$side" eth0
    done
}

# end_linkem: its counts are in $T/linkem.out then.
end_linkem() {
    kill -TERM "${PID[linkem]}"
    expect_status linkem 0
    cat "$T/linkem.out"
}

# ---- commands

enter() {
    local pid=${NS[$1]}
    shift
    ENTER=(nsenter -t "$pid" -U -n --preserve-credentials "$@")
}

at() {
    enter "$@"
    timeout -k 5 "$PATIENCE" "${ENTER[@]}"
}

start() {
    local name=$1 ns=$2
    shift 2
    # A shell ignores SIGINT for what it starts in the background.
    enter "$ns" setpriv --pdeathsig KILL env --default-signal "$@"
    local input=${INPUT:-$T/$name.in}
    if [[ -z ${INPUT:-} ]]; then
        mkfifo "$input"
        local fd
        exec {fd}<>"$input"
        FEED[$name]=$fd
    fi
    spawn "${ENTER[@]}" <"$input" >"${OUTPUT:-$T/$name.out}" 2>"$T/$name.err"
    PID[$name]=$SPAWNED
}

# feed NAME TEXT: to its input; backslash escapes as in printf.
feed() {
    printf '%b' "$2" >&"${FEED[$1]}"
}

end_input() {
    local fd=${FEED[$1]}
    exec {fd}>&-
    unset "FEED[$1]"
}

# stuck_pipe NAME: a pipe, $T/NAME, that nobody reads. read_pipe NAME FILE: now it is read, by process NAME.
stuck_pipe() {
    mkfifo "$T/$1"
    local fd
    exec {fd}<>"$T/$1"
    FEED[$1]=$fd
}

read_pipe() {
    spawn cat <"$T/$1" >"$2"
    PID[$1]=$SPAWNED
    end_input "$1"
}

# ---- waiting

# snooze [TURN]: a moment; a longer one after many turns.
snooze() {
    local moment=0.01
    if ((${1:-0} > 50)); then moment=0.05; fi
    read -r -t "$moment" -u "$SNOOZE" || true
}

# wait_until COMMAND...: until it succeeds.
wait_until() {
    local limit=$((SECONDS + PATIENCE)) turns=0
    until "$@"; do
        if ((SECONDS > limit)); then
            echo "waited $PATIENCE s in vain for: $*"
            return 1
        fi
        snooze $((++turns))
    done
}

# Not by kill -0: the shell does not always notice at once that a child of its has ended.
alive() {
    local stat
    { read -r stat <"/proc/${PID[$1]}/stat"; } 2>/dev/null && [[ ${stat##*) } != [ZX]* ]]
}

dead() {
    ! alive "$1"
}

# wait_for FILE NAME REGEX: not longer than NAME lives.
wait_for() {
    local limit=$((SECONDS + PATIENCE)) turns=0 was_alive
    while :; do
        was_alive=no
        if alive "$2"; then was_alive=yes; fi
        if grep -Eq -e "$3" "$1"; then return 0; fi
        if [[ $was_alive == no ]]; then
            echo "$2 ended without a line that matches: $3"
            return 1
        fi
        if ((SECONDS > limit)); then
            echo "waited $PATIENCE s in vain for a line of $2 that matches: $3"
            return 1
        fi
        snooze $((++turns))
    done
}

wait_for_err() {
    wait_for "$T/$1.err" "$1" "$2"
}

wait_for_out() {
    wait_for "$T/$1.out" "$1" "$2"
}

bytes_are() {
    (($(stat -L -c %s "$1") >= $2))
}

# wait_for_bytes FILE N
wait_for_bytes() {
    wait_until bytes_are "$1" "$2"
}

# A TCP socket of the kernel's: listens NAME PORT
listens() {
    local port
    printf -v port ':%04X' "$2"
    cat "/proc/${NS[$1]}/net/tcp" "/proc/${NS[$1]}/net/tcp6" 2>/dev/null |
        awk -v port="$port" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 }
            END { exit !found }'
}

wait_listening() {
    wait_until listens "$1" "$2"
}

finish() {
    if ! wait_until dead "$1"; then
        echo "$1 does not end: $(grep -E '^(State|Name)' "/proc/${PID[$1]}/status" | tr '\n\t' '  ')"
        kill -KILL "${PID[$1]}"
        return 1
    fi
    status=0
    wait "${PID[$1]}" || status=$?
}

expect_status() {
    finish "$1"
    if [[ $status != "$2" ]]; then
        fail "$1 ended with status $status, not $2"
    fi
}

# ---- segcat

# listener NAME NS [OPTION]... [HOST] PORT: a segcat that listens, when it does.
listener() {
    local name=$1 ns=$2
    shift 2
    start "$name" "$ns" "${SC[@]}" -l "$@"
    wait_for_err "$name" '^(segcat: )?Listening on '
}

# Lines of a -vv trace that are segments, without their time: "--> SYN 0:1 - 0 65535 CLOSED -> SYN-SENT".
segments() {
    sed -En 's/^ *([^ ]+ +)?(-->|<--) +/\2 /p' "$T/$1.err" | tr -s ' '
}

# expect_segments NAME TEXT: direction and flags of each, in order, as in "--> SYN / <-- SYN,ACK / --> ACK".
expect_segments() {
    local got
    got=$(segments "$1" | awk '{ printf "%s%s %s", sep, $1, $2; sep = " / " }')
    if [[ $got != "$2" ]]; then
        fail "segments of $1 are:  $got
not:                  $2"
    fi
}

# The tables of nftables in a namespace.
tables() {
    at "$1" nft list tables
}

no_tables() {
    [[ -z $(tables "$1") ]]
}

# wait_no_tables NS: the kernel takes some milliseconds to remove what a dead process owned.
wait_no_tables() {
    wait_until no_tables "$1" || fail "left behind: $(tables "$1")"
}

# PIDs in a namespace whose program is segcat.
segcats() {
    local net pid
    net=$(readlink "/proc/${NS[$1]}/ns/net")
    for pid in $(in_netns "$net"); do
        if [[ $(readlink "/proc/$pid/exe") == "$SEGCAT" ]]; then echo "$pid"; fi
    done
}

no_segcats() {
    [[ -z $(segcats "$1") ]]
}

is_sanitized() {
    grep -q __asan_init "$SEGCAT"
}

# CPU time of a process in clock ticks (10 ms).
cpu_ticks() {
    local stat
    stat=$(<"/proc/$1/stat")
    # shellcheck disable=SC2086 # fields, after the name in parentheses
    set -- ${stat##*) }
    echo $((${12} + ${13}))
}

# field_of PID NAME: from /proc/PID/status, the first word.
field_of() {
    awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"
}

# random_file FILE MIB
random_file() {
    head -c "$2M" /dev/urandom >"$1"
}

same_bytes() {
    cmp "$1" "$2" || fail "$2 is not what was sent ($(stat -c %s "$1") bytes sent, $(stat -c %s "$2") arrived)"
}

# tcpdump_at NS [ARGUMENT]...: beside the test, as "tcpdump". Being root it wants to become another user; in a
# namespace of one user that fails, so it is told that it has.
tcpdump_at() {
    local ns=$1
    shift
    [[ -x $TOOLS/stayroot ]] || fail "$TOOLS/stayroot is not built: make check builds it"
    INPUT=/dev/null start tcpdump "$ns" "$TOOLS/stayroot" tcpdump -l -U --immediate-mode "$@"
    wait_for_err tcpdump 'listening on '
}

# end_tcpdump: when it has printed all that it has seen.
end_tcpdump() {
    kill -INT "${PID[tcpdump]}"
    expect_status tcpdump 0
}

# ---- the end

in_netns() {
    # The link reads net:[4026531840]: brackets that are no pattern.
    find /proc/[0-9]*/ns/net -maxdepth 0 -lname "${1/\[/\\[}" -printf '%h\n' 2>/dev/null | tr -dc '0-9\n'
}

# What a failed test leaves is shown.
show() {
    local name file
    for name in "${!PID[@]}"; do
        for file in "$T/$name.out" "$T/$name.err"; do
            if [[ -s $file && -f $file ]]; then
                echo "---- ${file##*/} ($(stat -c %s "$file") bytes)"
                if (($(stat -c %s "$file") < 100000)); then
                    tail -n 40 "$file" | LC_ALL=C tr -c '\n\t -~' '.'
                fi
            fi
        done
    done
}

cleanup() {
    if [[ -z ${BATS_TEST_COMPLETED:-} && -z ${BATS_TEST_SKIPPED:-} ]]; then
        show
    fi
    # The shell's words about who was killed are nobody's business.
    kill_all 2>/dev/null
}

kill_all() {
    local net pid left
    for pid in "${PID[@]}" "${NS[@]}"; do
        kill -KILL "$pid" || true
    done
    # Who left for a session of his own is still in the namespace.
    for net in "${NETNS[@]}"; do
        while left=$(in_netns "$net") && [[ -n $left ]]; do
            # shellcheck disable=SC2086 # numbers
            kill -KILL $left || true
            snooze
        done
    done
    for pid in "${PID[@]}" "${NS[@]}"; do
        wait "$pid" || true
    done
}
