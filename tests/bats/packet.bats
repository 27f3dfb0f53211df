# What the user may choose of each packet: hops, type of service; and of what goes into one: Nagle.
load common

# talk ADDRESS OPTION...: a client with these options and nc have a word each way; $T/tcpdump.out has the packets.
talk() {
    local address=$1
    shift
    tcpdump_at A -n -v -i eth0 tcp
    start server B nc -N -l "$address" $PORT
    wait_listening B $PORT
    start client A "${SC[@]}" "$@" "$address" $PORT
    feed client 'to the server\n'
    wait_for_out server '^to the server$'
    feed server 'to the client\n'
    wait_for_out client '^to the client$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
    end_tcpdump
}

# ours_have COUNT-AT-LEAST REGEX: the IP headers of ours, each of them.
ours_have() {
    local ours
    ours=$(awk -v from="$A4." -v from6="$A6." '
        /^[0-9:.]+ IP6 / { if (index($0, ") " from6)) print; next }
        /^[0-9:.]+ IP / { header = $0; next }
        index($1, from) == 1 { print header }' "$T/tcpdump.out")
    (($(wc -l <<<"$ours") >= $1)) || fail "only: $ours"
    run grep -Ev -- "$2" <<<"$ours"
    assert_output ''
}

@test "MUST-49: -M sets the hops of every packet" {
    two_namespaces
    talk $B4 -M 7
    ours_have 5 ' ttl 7,'
}

@test "MUST-49: -M over IPv6" {
    needs_ipv6
    two_namespaces
    talk $B6 --ttl=200
    ours_have 5 '[( ]hlim 200,'
}

@test "MUST-49: without -M they are 64" {
    two_namespaces
    talk $B4
    ours_have 5 ' ttl 64,'
}

@test "MUST-49 MUST-47: too few hops, and the router's word on it reaches the user" {
    two_namespaces
    at A ip route add 198.51.100.0/24 via $B4
    at B bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    at B ip link add behind type veth peer name beyond
    at B ip address add 198.51.100.254/24 dev behind
    at B ip link set behind up
    at B ip link set beyond up
    run at A "${SC[@]}" -v -M 1 -w 3 198.51.100.1 $PORT </dev/null
    assert_failure 1
    assert_output --regexp "ICMP from $B4: time to live exceeded in transit"
}

@test "MUST-48 SHLD-22 SHLD-23: -T sets the DSCP of every packet, and it never changes" {
    two_namespaces
    talk $B4 -T ef
    ours_have 5 '\(tos 0xb8,'
}

@test "MUST-48 SHLD-22: -T over IPv6" {
    needs_ipv6
    two_namespaces
    talk $B6 --tos=af21
    ours_have 5 '\(class 0x48,'
}

@test "MUST-48 SHLD-22: -T leaves the two bits of ECN alone" {
    two_namespaces
    at B bash -c 'echo 1 >/proc/sys/net/ipv4/tcp_ecn'
    talk $B4 -T ef --ecn=on
    ours_have 5 '\(tos 0xb[8a],'
    run grep -c 'tos 0xba' "$T/tcpdump.out"
    refute_output 0
}

@test "MUST-49 MUST-48: a listener's packets too, and its RSTs" {
    two_namespaces
    tcpdump_at A -n -v -i eth0 tcp
    start server A "${SC[@]}" -v -M 9 -T 0x20 -l $A4 $PORT
    wait_for_err server 'Listening on'
    # an ACK out of nowhere gets a RST
    at B "$TOOLS/inject" --flags A --seq 1000 --ack 2000 $B4 40000 $A4 $PORT
    wait_for_out tcpdump 'Flags \[R\]'
    start client B nc -N $A4 $PORT
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
    end_tcpdump
    ours_have 4 'tos 0x20,.* ttl 9,'
}

# second_before_ack OPTION...: two small writes, the second while the first is on its way. Prints what comes first
# then, the second or the ACK of the first.
second_before_ack() {
    # A round trip well below the first timeout of a SYN: no repeated SYN, so the round trip is known.
    two_over_linkem --delay 250ms
    start server B nc -N -l $B4 $PORT
    wait_listening B $PORT
    start client A "${SC[@]}" -vv "$@" $B4 $PORT
    wait_for_err client 'ESTABLISHED'
    feed client 'first\n'
    wait_for_err client '"first'
    feed client 'second\n'
    wait_for_err client '"second'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
    run sed -n '/"first/,$ { s/.*"second.*/second/p; s/.* acks 6 .*/ack/p }' "$T/client.err"
    echo "${lines[0]}"
}

@test "SHLD-7: a small write waits for the ACK of the one before" {
    run second_before_ack
    assert_line --index 0 ack
}

@test "MUST-17: with --nodelay it does not" {
    run second_before_ack --nodelay
    assert_line --index 0 second
}

@test "MUST-32 MUST-33 RFC6093-URGENT: urgent data is delivered in line, and -v says that it comes, and how much" {
    one_namespace
    start server A "${SC[@]}" -v -l 127.0.0.1 $PORT
    wait_for_err server 'Listening on'
    end_input server
    at A python3 - $PORT <<'PYTHON'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"plain ")
s.send(b"urgent!", socket.MSG_OOB)
s.sendall(b" plain")
s.shutdown(socket.SHUT_WR)
while s.recv(100):
    pass
PYTHON
    expect_status server 0
    run cat "$T/server.out"
    assert_output 'plain urgent! plain'
    run cat "$T/server.err"
    assert_output --regexp 'peer sends urgent data, delivered in line: [0-9]+ bytes to its end'
}

@test "MUST-44 MUST-45: the source address is the route's, and stays though the route changes" {
    two_namespaces
    at A ip address add 192.0.2.11/24 dev eth0
    at A ip route replace $B4/32 dev eth0 src 192.0.2.11
    at B ip neighbour add 192.0.2.11 lladdr 02:00:00:00:00:10 dev eth0
    tcpdump_at B -n -i eth0 "tcp and src net 192.0.2.0/24 and dst host $B4"
    start server B nc -v -n -N -l $B4 $PORT
    wait_listening B $PORT
    start client A "${SC[@]}" $B4 $PORT
    wait_for_err server 'Connection received on 192\.0\.2\.11'
    at A ip route replace $B4/32 dev eth0 src $A4
    feed client 'after the change\n'
    wait_for_out server '^after the change$'
    end_input client
    end_input server
    expect_status client 0
    end_tcpdump
    run grep -c 'IP 192\.0\.2\.11\.' "$T/tcpdump.out"
    ((output >= 4))
    run grep -F "IP $A4." "$T/tcpdump.out"
    assert_output ''
}

@test "MUST-45: a listener answers from the address that was asked" {
    two_namespaces
    at A ip address add 192.0.2.11/24 dev eth0
    at B ip neighbour add 192.0.2.11 lladdr 02:00:00:00:00:10 dev eth0
    start server A "${SC[@]}" -v -l $PORT
    wait_for_err server 'Listening on'
    start client B nc -n -N 192.0.2.11 $PORT
    feed client 'asked there\n'
    wait_for_out server '^asked there$'
    end_input server
    end_input client
    expect_status server 0
    expect_status client 0
}
