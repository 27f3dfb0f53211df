# The link emulator does to what it carries what it is told to, and counts it: the other files rely on it. The kernel's
# own TCP is at both ends, so that nothing of segcat's can hide a mistake.
load common

# carry_over MIB LINKEM-OPTION...: nc at A sends to nc at B; $COUNTS is linkem's line about A to B.
carry_over() {
    local mib=$1
    shift
    two_over_linkem "$@"
    between "$mib" B $B4
    counts_of_A
}

# between MIB B ADDRESS
between() {
    random_file "$T/up" "$1"
    INPUT=/dev/null start server "$2" nc -l "$3" $PORT
    wait_listening "$2" $PORT
    INPUT=$T/up start client A nc -N "$3" $PORT
    expect_status client 0
    expect_status server 0
    same_bytes "$T/up" "$T/server.out"
    rm "$T/up" "$T/server.out"
}

counts_of_A() {
    run end_linkem
    assert_success
    COUNTS=$(grep '^A to B' "$T/linkem.out")
    COUNTS_BACK=$(grep '^B to A' "$T/linkem.out")
    assert_regex "$COUNTS$COUNTS_BACK" '; 0 missed.*; 0 missed'
}

# count TEXT [LINE]: the number before it.
count() {
    sed -En "s/.*[ ;]([0-9]+) $1.*/\1/p" <<<"${2:-$COUNTS}"
}

ecn() {
    local side
    for side in A B; do
        at "$side" sh -c "echo $1 >/proc/sys/net/ipv4/tcp_ecn"
    done
}

# counter NS GROUP NAME: from /proc/net/netstat and snmp, as "IpExt InCEPkts" or "Tcp InCsumErrors".
counter() {
    at "$1" awk -v group="$2:" -v name="$3" '
        $1 == group && !seen++ { for (i = 1; i <= NF; i++) if ($i == name) at = i; next }
        $1 == group { print $at }' /proc/net/netstat /proc/net/snmp
}

# frames_in NS INTERFACE: that it has received.
frames_in() {
    at "$1" awk -v name="$2:" '$1 == name { print $3 }' /proc/self/net/dev
}

frames_are_in() {
    (($(frames_in "$1" "$2") >= $3))
}

# The namespaces are not needed any more: others can be made.
forget() {
    kill_all 2>/dev/null
    # shellcheck disable=SC2034 # common.bash's
    NS=() PID=() FEED=()
    rm "$T"/*.in
}

# ---- congestion marks

@test "with --ce every ECT segment of that side arrives marked, and no other" {
    two_over_linkem --a-ce 100%
    ecn 1
    between 1 B $B4
    local marked
    marked=$(counter B IpExt InCEPkts)
    counts_of_A
    ((marked > 0))
    [[ $(count marked) == "$marked" ]]
    # SYN and the last ACK are not ECT.
    ((marked < $(count 'frames forwarded')))
    [[ $(count marked "$COUNTS_BACK") == 0 ]]
    [[ $(count dropped) == 0 ]]
}

@test "a mark is seen by tcpdump as CE, with a right checksum" {
    two_over_linkem --a-ce 100%
    ecn 1
    tcpdump_at B -vvn 'tcp dst port 8088 and tcp[12] & 0xf0 > 0 and ip[1] & 3 == 3'
    between 1 B $B4
    wait_for_out tcpdump 'tos 0x3,CE'
    end_tcpdump
    run cat "$T/tcpdump.out"
    refute_output --partial 'bad cksum'
}

@test "a mark is seen in IPv6 too" {
    needs_ipv6
    two_over_linkem --a-ce 100%
    ecn 1
    tcpdump_at B -vvn 'ip6 and tcp dst port 8088 and ip6[1] & 0x30 == 0x30'
    between 1 B $B6
    wait_for_out tcpdump 'class 0x03'
    end_tcpdump
    counts_of_A
    (($(count marked) > 0))
}

@test "without ECN nothing is marked" {
    two_over_linkem --ce 100% --rate 20m --mark-at 5k
    ecn 0
    between 1 B $B4
    counts_of_A
    [[ $(count marked) == 0 ]]
}

@test "a queue marks above its threshold, long before it is full" {
    two_over_linkem --a-rate 20m --a-mark-at 15k --a-queue 1m
    ecn 1
    between 1 B $B4
    counts_of_A
    (($(count marked) > 0))
    (($(count marked) < $(count 'frames forwarded')))
    [[ $(count 'over the queue') == 0 ]]
}

# ---- the path's MTU

@test "ICMP tells of a smaller MTU, and the kernel's TCP obeys" {
    two_over_linkem --a-mtu 1000
    tcpdump_at A -n icmp
    between 1 B $B4
    wait_for_out tcpdump 'IP 192.0.2.1 > 192.0.2.10: ICMP 192.0.2.20 unreachable - need to frag \(mtu 1000\)'
    counts_of_A
    (($(count 'told by ICMP') > 0))
    [[ $(count 'told by ICMP') == $(count 'over the MTU') ]]
}

@test "ICMPv6 tells of a smaller MTU, and the kernel's TCP obeys" {
    needs_ipv6
    two_over_linkem --a-mtu 1300
    tcpdump_at A -n icmp6
    between 1 B $B6
    wait_for_out tcpdump 'IP6 2001:db8::1 > 2001:db8::10: ICMP6, packet too big, mtu 1300'
    counts_of_A
    (($(count 'told by ICMP') > 0))
}

# datagrams NS ADDRESS SIZE...: one UDP datagram of each size, zeros.
datagrams() {
    local ns=$1 address=$2 size
    shift 2
    for size; do
        at "$ns" bash -c "head -c $size /dev/zero >/dev/udp/$address/$PORT"
    done
}

@test "in a black hole large packets vanish and small ones pass" {
    two_over_linkem --a-mtu 1000 --black-hole
    tcpdump_at B -n udp
    # 28 bytes of headers: the largest that passes, one more, and one to know that the other is gone.
    datagrams A $B4 972 973 3
    wait_for_out tcpdump 'UDP, length 3$'
    end_tcpdump
    run grep -o 'length .*' "$T/tcpdump.out"
    assert_output $'length 972\nlength 3'
    counts_of_A
    [[ $(count 'over the MTU') == 1 ]]
    [[ $(count 'told by ICMP') == 0 ]]
}

# ---- loss

@test "a list drops the segments on it and no other" {
    two_over_linkem --a-drop 1,3-4
    tcpdump_at B -n 'tcp[tcpflags] & tcp-syn != 0 and dst port 8088'
    between 1 B $B4
    wait_for_out tcpdump 'Flags \[S\]'
    end_tcpdump
    # The first SYN never came: its timestamp is not the one that did.
    [[ $(grep -c 'Flags \[S\]' "$T/tcpdump.out") == 1 ]]
    (($(counter A Tcp RetransSegs) >= 2))
    counts_of_A
    [[ $(count dropped) == 3 ]]
}

# fate SEED OPTION...: which of 200 segments arrive, by their sequence numbers.
fate() {
    local seed=$1
    shift
    two_over_linkem --seed "$seed" "$@"
    tcpdump_at B -Sn "tcp dst port $PORT"
    at A bash -c 'for ((n = 1; n <= 200; n++)); do "$0" --flags A --seq $n --data x "$@"; done' "$TOOLS/inject" \
        $A4 4000 $B4 $PORT
    wait_until frames_are_in M to-A 200
    counts_of_A
    end_tcpdump
    grep -o 'seq [0-9]*' "$T/tcpdump.out" >"$T/fate"
    forget
}

@test "a seed decides which segments are lost, and another fault does not change it" {
    fate 7 --a-loss 30%
    [[ $(wc -l <"$T/fate") == $((200 - $(count dropped))) ]]
    mv "$T/fate" "$T/seven"
    fate 7 --a-loss 30% --a-drop 50-54 --a-ce 50%
    grep -vE 'seq 5[0-4]$' "$T/seven" | cmp - "$T/fate"
    fate 8 --a-loss 30%
    refute cmp -s "$T/fate" "$T/seven"
}

# ---- delay, rate, queue

# seconds_apart: between the first and the last line of tcpdump -tt.
seconds_apart() {
    awk 'NR == 1 { first = $1 } NF { last = $1 } END { printf "%.6f\n", last - first }' "$T/tcpdump.out"
}

# at_least A B: as numbers.
at_least() {
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b) }' || fail "$1 is less than $2"
}

@test "the answer to a SYN comes after both delays, and not before" {
    two_over_linkem --a-delay 150ms --b-delay 100ms
    tcpdump_at A -ttn 'tcp[tcpflags] & tcp-syn != 0'
    between 1 B $B4
    wait_for_out tcpdump 'Flags \[S\.\]'
    end_tcpdump
    at_least "$(seconds_apart)" 0.25
}

@test "nothing goes faster than the rate" {
    two_over_linkem --a-rate 20m
    tcpdump_at B -ttn 'tcp dst port 8088 and greater 1000'
    between 1 B $B4
    end_tcpdump
    # 1 MiB less the first segment and what else may be in the last.
    at_least "$(seconds_apart)" 0.415
}

@test "a full queue drops the rest" {
    two_over_linkem --a-rate 10k --a-queue 5000
    # A datagram takes 0.8 s: the queue is full long before the second has left.
    at A bash -c 'for ((n = 0; n < 30; n++)); do printf %01000d $n >/dev/udp/'$B4/$PORT'; done'
    wait_until frames_are_in M to-A 30
    counts_of_A
    (($(count 'over the queue') >= 15))
}

# ---- offloads

@test "a GSO frame is lost by segments, not as a whole" {
    OFFLOADS=1 two_over_linkem --a-drop 100
    between 4 B $B4
    frames=$(frames_in M to-A)
    counts_of_A
    [[ $(count dropped) == 1 ]]
    (($(count 'TCP segments') >= 4 * 1048576 / 1448))
    ((frames < $(count 'TCP segments') / 2))
}

@test "a damaged segment has a wrong checksum, though it be cut and might be joined" {
    local offloads
    for offloads in 1 ''; do
        OFFLOADS=$offloads two_over_linkem --a-corrupt 2% --coalesce 1ms
        between 4 B $B4
        (($(counter B Tcp InCsumErrors) > 0))
        counts_of_A
        (($(count corrupted) > 0))
        forget
    done
}

@test "segcat finds right what was cut and joined" {
    OFFLOADS=1 two_over_linkem --coalesce 2ms
    random_file "$T/up" 4
    INPUT=/dev/null listener server B -v $B4 $PORT
    INPUT=$T/up start client A nc -N $B4 $PORT
    expect_status client 0
    expect_status server 0
    same_bytes "$T/up" "$T/server.out"
    (($(counter A Tcp RetransSegs) == 0))
}

@test "segments that leave together are joined, their checksums finished or not" {
    local offloads
    for offloads in 1 ''; do
        OFFLOADS=$offloads two_over_linkem --coalesce 2ms
        between 4 B $B4
        frames=$(frames_in B eth0)
        counts_of_A
        (($(count 'frames forwarded') >= 4 * 1048576 / 1448))
        ((frames < $(count 'frames forwarded') / 2))
        forget
    done
}

@test "IPv6: GSO frames are cut and joined too" {
    needs_ipv6
    OFFLOADS=1 two_over_linkem --coalesce 2ms --a-loss 1%
    between 4 B $B6
    frames=$(frames_in B eth0)
    counts_of_A
    (($(count 'TCP segments') >= 4 * 1048576 / 1428))
    ((frames < $(count 'frames forwarded') / 2))
}
