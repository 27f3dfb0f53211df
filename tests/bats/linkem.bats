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

# received NS NAME: from the IpExt lines of /proc/net/netstat.
received() {
    at "$1" awk -v name="$2" '/^IpExt/ && !seen++ { for (i = 1; i <= NF; i++) if ($i == name) at = i; next }
        /^IpExt/ { print $at }' /proc/net/netstat
}

# ---- congestion marks

@test "with --ce every ECT segment of that side arrives marked, and no other" {
    two_over_linkem --a-ce 100%
    ecn 1
    between 1 B $B4
    local marked
    marked=$(received B InCEPkts)
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
