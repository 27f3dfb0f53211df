# TCP.md 12: an old duplicate SYN, delayed past its connection, makes no connection. It is why the handshake has
# three parts: only the one who is said to have sent it can tell that he did not mean it now.
load common

@test "TCP.md 12, Figure 8: an old duplicate SYN: the peer's RST takes the listener back to LISTEN, and nothing is kept" {
    two_namespaces
    listener server A -vv $PORT
    # B's kernel knows of no such connection: it answers our SYN,ACK with RST.
    at B "$TOOLS/inject" --flags S --seq 90 $B4 40046 $A4 $PORT
    wait_for_err server '<-- SYN +0:1 .*LISTEN -> SYN-RECEIVED'
    wait_for_err server '--> SYN,ACK +0:1 +1 '
    wait_for_err server '<-- RST.*SYN-RECEIVED -> LISTEN'
    # Not a word of a connection, and nothing on stdout.
    run cat "$T/server.err"
    refute_output --partial 'Connection received'
    assert_equal "$(cat "$T/server.out")" ''

    # The real one, from the same port too.
    start client B nc -N -p 40046 $A4 $PORT
    wait_for_err server "^Connection received on $B4 40046$"
    feed client 'this time I mean it\n'
    wait_for_out server '^this time I mean it$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "TCP.md 12: an old duplicate SYN over IPv6" {
    needs_ipv6
    two_namespaces
    listener server A -vv $PORT
    at B "$TOOLS/inject" --flags S --seq 90 $B6 40046 $A6 $PORT
    wait_for_err server '<-- RST.*SYN-RECEIVED -> LISTEN'
    INPUT=/dev/null start client B nc -N $A6 $PORT
    wait_for_err server "^Connection received on $B6"
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "many old SYNs do not keep a real client out" {
    two_namespaces
    listener server A -v $PORT
    local i
    for i in {1..40}; do
        at B "$TOOLS/inject" --flags S --seq "$i" $B4 $((41000 + i)) $A4 $PORT
    done
    start client B nc -N $A4 $PORT
    feed client 'real\n'
    wait_for_out server '^real$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "SYNs from where nobody is do not keep a real client out" {
    two_namespaces
    listener server A -v $PORT
    # 192.0.2.66 answers nothing: these openings stay until they time out.
    at B ip address add 192.0.2.66/24 dev eth0
    local i
    for i in {1..40}; do
        at B "$TOOLS/inject" --flags S --seq "$i" 192.0.2.66 $((41000 + i)) $A4 $PORT
    done
    at B ip address del 192.0.2.66/24 dev eth0
    start client B nc -N $A4 $PORT
    feed client 'real\n'
    wait_for_out server '^real$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "3.10.7.2: a RST for a listener, or an ACK out of nowhere, changes nothing" {
    two_namespaces
    listener server A -vv $PORT
    at B "$TOOLS/inject" --flags R --seq 5 $B4 40046 $A4 $PORT
    at B "$TOOLS/inject" --flags A --seq 5 --ack 7 $B4 40047 $A4 $PORT
    wait_for_err server '--> RST'
    INPUT=/dev/null start client B nc -N $A4 $PORT
    wait_for_err server 'Connection received'
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "TCP.md 21, RFC5961-SYN: a SYN into an open connection is answered by an ACK, and does not disturb it" {
    two_namespaces
    listener server A -vv $PORT
    start client B nc -N -p 40046 $A4 $PORT
    feed client 'before\n'
    wait_for_out server '^before$'
    at B "$TOOLS/inject" --flags S --seq 90 $B4 40046 $A4 $PORT
    wait_for_err server '--> ACK .*(CHALLENGE-ACK|says again)'
    feed client 'after\n'
    wait_for_out server '^after$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}
