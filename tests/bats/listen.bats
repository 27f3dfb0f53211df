# Listening: segcat -l, with kernel programs as its clients.
load common

# serve_one_line NAME: a client of the kernel's brings a line and takes one away; all ends well.
exchange() {
    local listener=$1 host=$2 port=$3
    start client A nc -N "$host" "$port"
    feed client 'to the listener\n'
    wait_for_out "$listener" '^to the listener$'
    feed "$listener" 'to the client\n'
    wait_for_out client '^to the client$'
    end_input client
    end_input "$listener"
    expect_status client 0
    expect_status "$listener" 0
}

port_of() {
    sed -En 's/^.*Listening on [^ ]+ ([0-9]+)$/\1/p' "$T/$1.err"
}

@test "a listener on an address and port talks with nc" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    run cat "$T/server.err"
    assert_line "Listening on 127.0.0.1 $PORT"
    exchange server 127.0.0.1 $PORT
}

@test "a listener on a port alone is reached over IPv4" {
    one_namespace
    listener server A -v $PORT
    exchange server 127.0.0.1 $PORT
}

@test "a listener on a port alone is reached over IPv6" {
    needs_ipv6
    one_namespace
    listener server A -v $PORT
    exchange server ::1 $PORT
}

@test "with -4 a listener leaves IPv6 alone" {
    needs_ipv6
    one_namespace
    listener server A -v -4 $PORT
    run at A nc -N ::1 $PORT
    assert_failure 1
    exchange server 127.0.0.1 $PORT
}

@test "with -6 a listener leaves IPv4 alone" {
    needs_ipv6
    one_namespace
    listener server A -v -6 $PORT
    run at A nc -N 127.0.0.1 $PORT
    assert_failure 1
    exchange server ::1 $PORT
}

@test "a listener on an IPv6 address talks with nc" {
    needs_ipv6
    one_namespace
    listener server A -v ::1 $PORT
    run cat "$T/server.err"
    assert_line "Listening on ::1 $PORT"
    exchange server ::1 $PORT
}

@test "a listener on localhost is reached as localhost" {
    one_namespace
    listener server A -v localhost $PORT
    exchange server localhost $PORT
}

@test "-p names the port too, as with the old nc" {
    one_namespace
    listener server A -v -p $PORT
    exchange server 127.0.0.1 $PORT
}

@test "port 0 takes a free port and prints it, without -v too" {
    one_namespace
    listener server A 127.0.0.1 0
    run cat "$T/server.err"
    assert_output --regexp '^Listening on 127\.0\.0\.1 [1-9][0-9]*$'
    exchange server 127.0.0.1 "$(port_of server)"
}

@test "two listeners on port 0 get two ports" {
    one_namespace
    listener one A 127.0.0.1 0
    listener two A 127.0.0.1 0
    [[ $(port_of one) != "$(port_of two)" ]]
    exchange two 127.0.0.1 "$(port_of two)"
}

@test "with -v the client's address and port are told, in nc's words" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    start client A nc -N -p 40046 127.0.0.1 $PORT
    wait_for_err server '^Connection received on 127\.0\.0\.1 40046$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "SHLD-20: without -v nothing but the data is seen" {
    one_namespace
    start server A "${SC[@]}" -l 127.0.0.1 $PORT
    # No word tells when it listens. A SYN before that gets a RST, so the client tries again.
    answers() {
        at A bash -c "exec 9<>/dev/tcp/127.0.0.1/$PORT && echo hello >&9" 2>/dev/null
    }
    wait_until answers
    wait_for_out server '^hello$'
    end_input server
    expect_status server 0
    run cat "$T/server.err"
    assert_output ''
}

@test "a second client is refused while one is served, and -v has a word on it" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    start client A nc -N 127.0.0.1 $PORT
    wait_for_err server 'Connection received'
    run at A nc -N -v 127.0.0.1 $PORT </dev/null
    assert_failure 1
    assert_output --partial 'Connection refused'
    wait_for_err server '(refus|second|another|turned away|busy)'
    # The first one does not notice.
    feed client 'still here\n'
    wait_for_out server '^still here$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "clients from another machine are served over IPv4" {
    two_namespaces
    listener server A -v $PORT
    start client B nc -N $A4 $PORT
    wait_for_err server "Connection received on $B4"
    feed client 'from afar\n'
    wait_for_out server '^from afar$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "clients from another machine are served over IPv6" {
    needs_ipv6
    two_namespaces
    listener server A -v $PORT
    start client B nc -N $A6 $PORT
    wait_for_err server "Connection received on $B6"
    feed client 'from afar\n'
    wait_for_out server '^from afar$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "a listener on one address is not there on the others" {
    two_namespaces
    listener server A -v $A4 $PORT
    run at A nc -N 127.0.0.1 $PORT </dev/null
    assert_failure 1
    start client B nc -N $A4 $PORT
    wait_for_err server "Connection received on $B4"
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "while it listens its port is taken" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    run at A nc -l 127.0.0.1 $PORT </dev/null
    assert_failure 1
    assert_output --partial 'in use'
}

@test "connections to other ports are reset by the kernel as ever" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    run at A nc -N -v 127.0.0.1 $((PORT + 1)) </dev/null
    assert_failure 1
    assert_output --partial 'Connection refused'
}

@test "a client that comes and goes without a word is no error" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    INPUT=/dev/null start client A nc -N 127.0.0.1 $PORT
    wait_for_err server 'Connection received'
    end_input server
    expect_status server 0
    expect_status client 0
}

@test "a client that resets the connection is told of, with status 1" {
    one_namespace
    listener server A 127.0.0.1 0
    at A python3 - "$(port_of server)" <<'PY'
import socket, struct, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
PY
    expect_status server 1
    run cat "$T/server.err"
    assert_output --partial 'reset by peer'
}

@test "a listener's data is there before the client has spoken" {
    one_namespace
    echo 'welcome' >"$T/motd"
    INPUT=$T/motd listener server A 127.0.0.1 0
    run at A nc -N 127.0.0.1 "$(port_of server)" </dev/null
    assert_success
    assert_output 'welcome'
    expect_status server 0
}
