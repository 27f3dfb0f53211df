# shellcheck shell=bash disable=SC2034 # results are for the caller
# For tests/bench/loss: a road between two namespaces, A and B, with linkem on it, and transfers over it. To be used in
# a namespace of its own for processes and networks, where all that is left ends with the script.
#
#   road_build                  A and B, and the veth pairs to where we are
#   road_open OPTION...         linkem between them; road_close: COUNTS is what it says of A to B
#   carry WHO FILE              a transfer over the open road. SECONDS_TAKEN, and FATE: same, different, unfinished
#   together WHO WHO SECONDS    two endless ones at once; BYTES of each in the steady part

A4=192.0.2.10 B4=192.0.2.20
declare -gA NS=()
declare -ga PORTS=()
PORT=10000

enter() {
    local name=$1
    shift
    ENTER=(nsenter -t "${NS[$name]}" -n "$@")
}

at() {
    enter "$@"
    "${ENTER[@]}"
}

in_other_network() {
    [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" ]]
}

wait_until() {
    local limit=$((SECONDS + 20))
    until "$@"; do
        ((SECONDS < limit)) || stop "waited in vain for: $*"
        read -r -t 0.01 -u "$SNOOZE" || true
    done
}

running() {
    ip -o link show dev "$1" | grep -q 'state UP'
}

# An end of the road, with buffers that are not what is measured.
road_end() {
    local name=$1 host=$2 other=$3
    at "$name" ip link set lo up
    at "$name" ip link set eth0 address "02:00:00:00:00:$host" up
    at "$name" ip address add "192.0.2.$host/24" dev eth0
    at "$name" ip neighbour add "192.0.2.$other" lladdr "02:00:00:00:00:$other" dev eth0
    at "$name" sysctl -qw net.ipv4.tcp_no_metrics_save=1 net.ipv4.tcp_rmem='4096 131072 67108864' \
        net.ipv4.tcp_wmem='4096 65536 67108864'
}

road_build() {
    local name
    mkfifo "$TMP/snooze"
    exec {SNOOZE}<>"$TMP/snooze"
    for name in A B; do
        unshare -n sleep infinity </dev/null &
        NS[$name]=$!
        wait_until in_other_network "${NS[$name]}"
        ip link add "to-$name" type veth peer name eth0 netns "${NS[$name]}"
        ip link set "to-$name" addrgenmode none up
    done
    road_end A 10 20
    road_end B 20 10
    wait_until running to-A
    wait_until running to-B
}

road_open() {
    local line
    # Like a card's interrupt moderation: a user-space link has no time for each segment of 1 Gbit/s alone.
    exec {ROAD}< <(exec "$LINKEM" --coalesce 50us "$@" to-A to-B)
    ROAD_PID=$!
    read -r line <&"$ROAD"
    [[ $line == ready ]] || stop "linkem did not start: $line"
}

road_close() {
    local line
    kill -TERM "$ROAD_PID"
    COUNTS=
    while read -r line; do
        if [[ $line == 'A to B'* ]]; then COUNTS=$line; fi
    done <&"$ROAD"
    exec {ROAD}<&-
    wait "$ROAD_PID" || true
    [[ $COUNTS ]] || stop 'linkem did not count'
    [[ $COUNTS =~ '; 0 missed' ]] || note "linkem was too slow: $COUNTS"
}

# count TEXT: the number before it.
count() {
    sed -En "s/.*[ ;]([0-9]+) $1.*/\1/p" <<<"$COUNTS"
}

# ---- transfers: WHO is segcat, receive (kernel to segcat), cubic, bbr, ...

listens() {
    grep -qi "$(printf ':%04X 00000000:0000 0A' "$PORT")" "/proc/${NS[B]}/net/tcp"
}

says_listening() {
    grep -q 'Listening on' "$TMP/receiver.err.$1"
}

# receiver ID WHO [FILE]: what arrives goes to meter; RECEIVER is its pid.
receiver() {
    local id=$1 who=$2
    local command=(nc)
    shift 2
    if [[ $who == receive ]]; then command=("$SEGCAT" --msl=1 -v); fi
    : >"$TMP/receiver.err.$id"
    enter B timeout -k 2 $((PATIENCE + 5)) "${command[@]}" -l $B4 "$PORT"
    "${ENTER[@]}" </dev/null 2>"$TMP/receiver.err.$id" | "$METER" "$@" >"$TMP/meter.$id" &
    RECEIVER=$!
    if [[ $who == receive ]]; then
        wait_until says_listening "$id"
    else
        wait_until listens
    fi
}

# sender ID WHO INPUT: SENDER is its pid. The congestion control of a kernel's connection is its route's: sysctl does not
# allow all of them here.
sender() {
    local id=$1 who=$2
    local command=(nc -N)
    case $who in
    segcat) command=("$SEGCAT" --msl=1) ;;
    receive) at A ip route replace 192.0.2.0/24 dev eth0 src $A4 congctl lock cubic ;;
    *) at A ip route replace 192.0.2.0/24 dev eth0 src $A4 congctl lock "$who" ;;
    esac
    enter A timeout -k 2 "$PATIENCE" "${command[@]}" $B4 "$PORT"
    "${ENTER[@]}" <"$3" >/dev/null 2>"$TMP/sender.err.$id" &
    SENDER=$!
}

carry() {
    local who=$1 file=$2 began end bytes
    PORT=$((PORT + 1))
    receiver 1 "$who" "$file"
    began=$EPOCHREALTIME
    sender 1 "$who" "$file"
    wait "$RECEIVER" "$SENDER" || true
    read -r _ end bytes FATE < <(grep ^end "$TMP/meter.1")
    if [[ $FATE == different ]] && ((bytes < $(stat -c %s "$file"))); then FATE=unfinished; fi
    SECONDS_TAKEN=$(awk -v a="$began" -v b="$end" 'BEGIN { printf "%.3f", b - a }')
}

# Bytes between a third of the time and its end.
steady() {
    awk -v from="$2" -v to="$3" '$1 == "end" { exit }
        $1 <= from { a = $2 } $1 <= to { b = $2 } END { printf "%d", b - a }' "$TMP/meter.$1"
}

together() {
    local duration=$3 id began
    local whos=("$1" "$2") receivers=() senders=()
    for id in 0 1; do
        PORT=$((PORT + 1))
        PATIENCE=$((duration + 2)) receiver "$id" "${whos[id]}"
        receivers+=("$RECEIVER")
        PORTS[id]=$PORT
    done
    began=$EPOCHREALTIME
    for id in 0 1; do
        PORT=${PORTS[id]} PATIENCE=$duration sender "$id" "${whos[id]}" /dev/zero
        senders+=("$SENDER")
    done
    wait "${senders[@]}" "${receivers[@]}" || true
    local from to
    from=$(awk -v t="$began" -v d="$duration" 'BEGIN { printf "%.6f", t + d / 3 }')
    to=$(awk -v t="$began" -v d="$duration" 'BEGIN { printf "%.6f", t + d }')
    BYTES=("$(steady 0 "$from" "$to")" "$(steady 1 "$from" "$to")")
}
