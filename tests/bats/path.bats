# The path between: its MTU, with and without a word from the router, and what else ICMP says about it.
load common

# send_over LINKEM-OPTION...: segcat at A sends 300 kB to the kernel at B, over a path with these faults.
send_over() {
    two_over_linkem "$@"
    head -c 300000 /dev/urandom >"$T/file"
    send_to $B4
}

send_to() {
    start server B nc -N -l "$1" $PORT
    end_input server
    wait_listening B $PORT
    INPUT=$T/file start client A "${SC[@]}" "-${LEVEL:-vv}" "$1" $PORT
    expect_status client 0
    finish server
    same_bytes "$T/file" "$T/server.out"
}

@test "RFC1191-MTU: a router says how much it takes: smaller segments, at once" {
    send_over --mtu 1200
    run cat "$T/client.err"
    assert_line --regexp 'ICMP from 192\.0\.2\.1: fragmentation needed, mtu 1200, smaller segments from now on'
    assert_line --regexp 'RETRANSMIT not taken before'
}

@test "RFC8201-MTU: the same over IPv6" {
    needs_ipv6
    two_over_linkem --mtu 1300
    head -c 300000 /dev/urandom >"$T/file"
    send_to $B6
    run cat "$T/client.err"
    assert_line --regexp 'ICMPv6 from 2001:db8::1: packet too big, mtu 1300, smaller segments from now on'
    assert_line --regexp 'RETRANSMIT not taken before'
}

# over_router MTU: A - M - B; M is a router whose link to B, 198.51.100.20, has this MTU.
over_router() {
    one_namespace
    more_namespace B
    more_namespace M
    at M ip link add to-A type veth peer name eth0 netns "${NS[A]}"
    at M ip link add to-B mtu "$1" type veth peer name eth0 netns "${NS[B]}"
    at M ip address add 192.0.2.1/24 dev to-A
    at M ip address add 198.51.100.1/24 dev to-B
    at M ip link set to-A up
    at M ip link set to-B up
    at M bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    at A ip address add 192.0.2.10/24 dev eth0
    at B ip address add 198.51.100.20/24 dev eth0
    at A ip link set eth0 up
    at B ip link set eth0 up
    wait_until running A eth0
    wait_until running B eth0
    at A ip route add default via 192.0.2.1
    at B ip route add default via 198.51.100.1
}

@test "RFC1191-MIN: a router that takes 300 bytes cuts what we then send without DF" {
    over_router 300
    head -c 300000 /dev/urandom >"$T/file"
    send_to 198.51.100.20
    run cat "$T/client.err"
    assert_line --regexp 'ICMP from 192\.0\.2\.1: fragmentation needed, mtu 300, smaller segments from now on'
    # fragments, one segment each
    run at B awk '/^Ip:/ && !seen++ { for (i = 1; i <= NF; i++) if ($i == "ReasmOKs") at = i; next }
        /^Ip:/ { print $at }' /proc/net/snmp
    ((output >= 500)) || fail "only $output packets came in fragments"
}

@test "RFC4821-PLPMTUD: a black hole: smaller packets get through, and -v says so" {
    LEVEL=v
    send_over --mtu 1400 --black-hole
    run cat "$T/client.err"
    assert_line 'segcat: packets of 1500 bytes do not get through, going on with 1064'
    # and the search goes up again, to within 16 bytes of what the path takes
    assert_line --regexp '^segcat: packets of 1(39[0-9]|38[5-9]|400) bytes get through, going on with them$'
}

@test "RFC4821-PLPMTUD: a black hole over IPv6: 1280 gets through" {
    needs_ipv6
    LEVEL=v
    two_over_linkem --mtu 1300 --black-hole
    head -c 300000 /dev/urandom >"$T/file"
    send_to $B6
    run cat "$T/client.err"
    assert_line 'segcat: packets of 1500 bytes do not get through, going on with 1280'
}

# unreachable CODE: B's firewall throws away what comes for $PORT, and says why.
unreachable() {
    at B nft "add table inet wall; add chain inet wall in { type filter hook input priority -300; };
        add rule inet wall in tcp dport $PORT counter reject with icmp type $1"
}

@test "MUST-56 SHLD-25 RFC5461-SOFT: host unreachable is told, and ends no open connection" {
    two_namespaces
    start server B nc -l $B4 $PORT
    wait_listening B $PORT
    start client A "${SC[@]}" -v $B4 $PORT
    wait_for_err client succeeded
    unreachable host-unreachable
    feed client 'late\n'
    wait_for_err client 'ICMP from 192\.0\.2\.20: host unreachable, noted'
    at B nft 'delete table inet wall'
    wait_for_out server late
    end_input client
    end_input server
    expect_status client 0
}

@test "RFC5461-SOFT RFC5927-VALIDATE: port unreachable ends no open connection either" {
    two_namespaces
    start server B nc -l $B4 $PORT
    wait_listening B $PORT
    start client A "${SC[@]}" -v $B4 $PORT
    wait_for_err client succeeded
    unreachable port-unreachable
    feed client 'late\n'
    wait_for_err client 'ICMP from 192\.0\.2\.20: port unreachable, noted'
    at B nft 'delete table inet wall'
    wait_for_out server late
    end_input client
    end_input server
    expect_status client 0
}

@test "SHLD-25 MUST-47: a connection that times out says what ICMP had said" {
    two_namespaces
    start server B nc -l $B4 $PORT
    wait_listening B $PORT
    start client A "${SC[@]}" -v --user-timeout=1 $B4 $PORT
    wait_for_err client succeeded
    unreachable host-unreachable
    feed client 'lost\n'
    expect_status client 1
    run cat "$T/client.err"
    assert_line --regexp '^segcat: connection timed out: no acknowledgement for 1\.[0-9]+ s, ICMP from 192\.0\.2\.20: host unreachable, peer '
}
