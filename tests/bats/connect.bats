# Connecting: segcat as the client of kernel programs.
load common

# The client says a line, hears one, both end. The server is nc -N -l, as "server", and ends first.
exchange() {
    feed client 'to the server\n'
    wait_for_out server '^to the server$'
    feed server 'to the client\n'
    wait_for_out client '^to the client$'
    end_input server
    end_input client
    expect_status client 0
    expect_status server 0
}

serve() {
    start server "$1" nc -v -n -N -l "$2" $PORT
    wait_listening "$1" $PORT
}

@test "a client talks with nc over IPv4" {
    one_namespace
    serve A 127.0.0.1
    start client A "${SC[@]}" 127.0.0.1 $PORT
    exchange
    run cat "$T/client.err"
    assert_output ''
}

@test "a client talks with nc over IPv6" {
    needs_ipv6
    one_namespace
    serve A ::1
    start client A "${SC[@]}" ::1 $PORT
    exchange
}

@test "congestion control is chosen by name, and -v tells which" {
    one_namespace
    serve A 127.0.0.1
    start client A "${SC[@]}" -v --congestion=reno 127.0.0.1 $PORT
    exchange
    run cat "$T/client.err"
    assert_line --regexp '^segcat: handshake .*, reno$'
}

@test "with -v success is told in nc's words" {
    one_namespace
    serve A 127.0.0.1
    start client A "${SC[@]}" -v 127.0.0.1 $PORT
    wait_for_err client "^Connection to 127\.0\.0\.1 $PORT port \[tcp/[^]]*\] succeeded!$"
    exchange
}

@test "-n does not look the service up" {
    one_namespace
    serve A 127.0.0.1
    start client A "${SC[@]}" -n -v 127.0.0.1 $PORT
    wait_for_err client "^Connection to 127\.0\.0\.1 $PORT port \[tcp/\*\] succeeded!$"
    exchange
}

@test "-n refuses a name" {
    one_namespace
    run at A "${SC[@]}" -n localhost $PORT </dev/null
    assert_failure 2
    assert_output --partial localhost
}

@test "another machine is reached over IPv4" {
    two_namespaces
    serve B $B4
    start client A "${SC[@]}" $B4 $PORT
    wait_for_err server "Connection received on $A4"
    exchange
}

@test "another machine is reached over IPv6" {
    needs_ipv6
    two_namespaces
    serve B $B6
    start client A "${SC[@]}" $B6 $PORT
    wait_for_err server "Connection received on $A6"
    exchange
}

@test "a neighbour is reached by its link-local address" {
    needs_ipv6
    two_namespaces
    local address
    link_local() {
        address=$(at B ip -6 -br address show dev eth0 scope link -tentative | grep -o 'fe80::[^/]*')
    }
    wait_until link_local
    start server B nc -v -n -N -l "$address%eth0" $PORT
    wait_listening B $PORT
    link_local_here() {
        at A ip -6 -br address show dev eth0 scope link -tentative | grep -q 'fe80::'
    }
    wait_until link_local_here
    start client A "${SC[@]}" "$address%eth0" $PORT
    wait_for_err server 'Connection received on fe80::'
    exchange
}

@test "MUST-43: -p and -s choose where we come from" {
    two_namespaces
    at A ip address add 192.0.2.11/24 dev eth0
    serve B $B4
    start client A "${SC[@]}" -s 192.0.2.11 -p 40046 $B4 $PORT
    wait_for_err server 'Connection received on 192\.0\.2\.11 40046'
    exchange
}

@test "a source address that is not ours is refused" {
    two_namespaces
    run at A "${SC[@]}" -s 192.0.2.77 $B4 $PORT </dev/null
    assert_failure
    assert_output --regexp '^segcat: .*(assign|192\.0\.2\.77)'
}

@test "a source port that is taken is refused" {
    one_namespace
    serve A 127.0.0.1
    start other A nc -l 127.0.0.1 40046
    wait_listening A 40046
    run at A "${SC[@]}" -s 127.0.0.1 -p 40046 127.0.0.1 $PORT </dev/null
    assert_failure 2
    assert_output --partial 'in use'
}

@test "each address of a name is tried" {
    # localhost is ::1 and 127.0.0.1 here, or only the latter: the server has only one of them.
    one_namespace
    serve A 127.0.0.1
    start client A "${SC[@]}" localhost $PORT
    exchange
}

@test "-4 and -6 choose among a name's addresses" {
    one_namespace
    serve A 127.0.0.1
    start client A "${SC[@]}" -4 localhost $PORT
    exchange
    run at A "${SC[@]}" -6 127.0.0.1 $PORT </dev/null
    assert_failure 2
}

@test "a service name is a port" {
    getent services http/tcp >/dev/null || skip 'no /etc/services'
    one_namespace
    start server A nc -N -l 127.0.0.1 80
    wait_listening A 80
    start client A "${SC[@]}" 127.0.0.1 http
    exchange
}

@test "a silent host is given up after -w" {
    two_over_linkem --loss 100%
    run at A "${SC[@]}" -w 1 $B4 $PORT </dev/null
    assert_failure 1
    assert_line --regexp "^segcat: connect to $B4 port $PORT \(tcp\) failed: .*timed out"
}

@test "MUST-22: a SYN without answer is sent again, and the trace says so" {
    two_over_linkem --a-loss 100%
    run at A "${SC[@]}" -vv -w 2 $B4 $PORT </dev/null
    assert_failure 1
    assert_line --regexp -- '--> SYN +0:1 .*CLOSED -> SYN-SENT'
    assert_line --regexp -- '--> SYN +0:1 .*RETRANSMIT'
}

@test "many clients at once do not disturb each other" {
    one_namespace
    start server A ncat -l -k --exec /bin/cat 127.0.0.1 $PORT
    wait_listening A $PORT
    local i
    for i in 1 2 3 4 5 6 7 8; do
        start "client$i" A "${SC[@]}" 127.0.0.1 $PORT
    done
    for i in 1 2 3 4 5 6 7 8; do
        feed "client$i" "I am $i\n"
    done
    for i in 1 2 3 4 5 6 7 8; do
        wait_for_out "client$i" "^I am $i$"
        end_input "client$i"
        expect_status "client$i" 0
    done
}

@test "a connection of segcat's does not touch one of the kernel's from the same machine" {
    one_namespace
    start server A ncat -l -k --exec /bin/cat 127.0.0.1 $PORT
    wait_listening A $PORT
    start kernel A nc -N 127.0.0.1 $PORT
    feed kernel 'before\n'
    wait_for_out kernel '^before$'
    start client A "${SC[@]}" 127.0.0.1 $PORT
    feed client 'ours\n'
    wait_for_out client '^ours$'
    feed kernel 'during\n'
    wait_for_out kernel '^during$'
    end_input client
    expect_status client 0
    feed kernel 'after\n'
    wait_for_out kernel '^after$'
    end_input kernel
    expect_status kernel 0
}
