# What fails is said in one line, without -v too, and by the exit status: 1 the network, 2 what the user can mend.
load common

# one_line: $output is one line of segcat's.
one_line() {
    assert_output --regexp '^segcat: .+$'
    assert_equal "${#lines[@]}" 1
}

# ---- nobody there

@test "nothing listens: Connection refused, status 1" {
    one_namespace
    run at A "${SC[@]}" 127.0.0.1 9999 </dev/null
    assert_failure 1
    one_line
    assert_output 'segcat: connect to 127.0.0.1 port 9999 (tcp) failed: Connection refused'
}

@test "nothing listens, over IPv6" {
    needs_ipv6
    one_namespace
    run at A "${SC[@]}" ::1 9999 </dev/null
    assert_failure 1
    assert_output 'segcat: connect to ::1 port 9999 (tcp) failed: Connection refused'
}

@test "the trace of a refused connection shows the RST" {
    one_namespace
    run at A "${SC[@]}" -vv 127.0.0.1 9999 </dev/null
    assert_failure 1
    assert_line --regexp -- '<-- RST,ACK .*SYN-SENT -> CLOSED .*RESET'
}

@test "no host answers at that address: unreachable, status 1" {
    two_namespaces
    run at A "${SC[@]}" 192.0.2.99 $PORT </dev/null
    assert_failure 1
    one_line
    assert_output --regexp '^segcat: connect to 192\.0\.2\.99 port 8088 \(tcp\) failed: .*([Uu]nreachable|No route to host)'
}

@test "no host answers at that address, over IPv6" {
    needs_ipv6
    two_namespaces
    run at A "${SC[@]}" 2001:db8::99 $PORT </dev/null
    assert_failure 1
    one_line
    assert_output --regexp '([Uu]nreachable|No route to host)'
}

@test "no route to that network: unreachable at once, status 1" {
    one_namespace
    run at A "${SC[@]}" 198.51.100.1 $PORT </dev/null
    assert_failure 1
    one_line
    assert_output --regexp '^segcat: connect to 198\.51\.100\.1 port 8088 \(tcp\) failed: .*unreachable'
}

@test "SHLD-25 MUST-47: a router says unreachable: status 1, and who said so" {
    two_namespaces
    at A ip route add 198.51.100.0/24 via $B4
    at B bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    run at A "${SC[@]}" 198.51.100.1 $PORT </dev/null
    assert_failure 1
    one_line
    assert_output --regexp '[Uu]nreachable|No route'
    assert_output --partial $B4
}

# refuse_with HOOK WHAT: this machine's firewall does WHAT with segments to $PORT.
refuse_with() {
    at A nft "add table inet firewall; add chain inet firewall one { type filter hook $1 priority 0; };
        add rule inet firewall one tcp dport $PORT $2"
}

@test "this machine's own firewall is named as what blocks" {
    one_namespace
    refuse_with output drop
    run at A "${SC[@]}" 127.0.0.1 $PORT </dev/null
    assert_failure 1
    one_line
    assert_output --partial "failed: blocked by this machine's own firewall (EPERM)"
}

@test "SHLD-26: ICMP port unreachable is a refusal, and told as what it is" {
    one_namespace
    refuse_with input 'reject with icmp type port-unreachable'
    run at A "${SC[@]}" 127.0.0.1 $PORT </dev/null
    assert_failure 1
    one_line
    assert_output --partial 'failed: Connection refused (ICMP from this machine: port unreachable)'
}

@test "administratively prohibited by another host: who, and what" {
    two_namespaces
    at B nft "add table inet firewall; add chain inet firewall one { type filter hook input priority 0; };
        add rule inet firewall one tcp dport $PORT reject with icmp type admin-prohibited"
    run at A "${SC[@]}" $B4 $PORT </dev/null
    assert_failure 1
    one_line
    assert_output --partial "failed: Connection refused (ICMP from $B4: communication administratively prohibited)"
}

# ---- wrong usage

@test "a name that does not resolve: status 2" {
    one_namespace
    run at A "${SC[@]}" no-such-host.invalid $PORT </dev/null
    assert_failure 2
    one_line
    assert_output --partial no-such-host.invalid
}

@test "a listener's name that does not resolve: status 2" {
    one_namespace
    run at A "${SC[@]}" -l no-such-host.invalid $PORT </dev/null
    assert_failure 2
    one_line
    assert_output --partial no-such-host.invalid
}

@test "a bad port: status 2" {
    one_namespace
    local port
    for port in 0 65536 99999999999999999999 -1 1x no-such-service ''; do
        run at A "${SC[@]}" -- 127.0.0.1 "$port" </dev/null
        assert_failure 2
        one_line
        assert_output --partial port
    done
}

@test "a bad port to listen on: status 2" {
    one_namespace
    local port
    for port in 65536 no-such-service; do
        run at A "${SC[@]}" -l "$port" </dev/null
        assert_failure 2
        one_line
        assert_output --partial port
    done
}

@test "an unknown option: status 2 and where to look" {
    one_namespace
    run at A "$SEGCAT" --no-such-option 127.0.0.1 $PORT
    assert_failure 2
    one_line
    assert_output --partial -- --help
}

@test "no arguments: status 2 and what is missing" {
    one_namespace
    run at A "$SEGCAT"
    assert_failure 2
    one_line
}

@test "MUST-46: a multicast or broadcast address is no host: status 2" {
    two_namespaces
    local address
    for address in 224.0.0.1 239.255.255.255 255.255.255.255 192.0.2.255; do
        run at A "${SC[@]}" $address $PORT </dev/null
        assert_failure 2
        one_line
    done
    needs_ipv6
    run at A "${SC[@]}" ff02::1%eth0 $PORT </dev/null
    assert_failure 2
    one_line
}

# ---- what is taken, or not allowed

@test "the port is in use by the kernel's nc: status 2" {
    one_namespace
    start other A nc -l 127.0.0.1 $PORT
    wait_listening A $PORT
    run at A "${SC[@]}" -l 127.0.0.1 $PORT </dev/null
    assert_failure 2
    one_line
    assert_output --regexp "$PORT.* in use"
}

@test "the port is in use by another segcat: status 2" {
    one_namespace
    listener other A -v 127.0.0.1 $PORT
    run at A "${SC[@]}" -l $PORT </dev/null
    assert_failure 2
    one_line
    assert_output --regexp "$PORT.* in use"
    # And that one is not disturbed.
    INPUT=/dev/null start client A nc -N 127.0.0.1 $PORT
    end_input other
    expect_status client 0
    expect_status other 0
}

@test "an address that is not of this machine cannot be listened on: status 2" {
    one_namespace
    run at A "${SC[@]}" -l 192.0.2.1 $PORT </dev/null
    assert_failure 2
    one_line
    assert_output --partial 192.0.2.1
}

@test "no privilege: status 2, and two ways to get it" {
    one_namespace
    run at A setpriv --bounding-set=-net_raw,-net_admin "${SC[@]}" 127.0.0.1 $PORT </dev/null
    assert_failure 2
    one_line
    assert_output --partial 'setcap cap_net_raw,cap_net_admin'
    assert_output --partial 'unshare -Urn'
    run at A setpriv --bounding-set=-net_raw,-net_admin "${SC[@]}" -l $PORT </dev/null
    assert_failure 2
    assert_output --partial 'setcap'
}

@test "one privilege of two: status 2 and which is missing" {
    one_namespace
    run at A setpriv --bounding-set=-net_admin "${SC[@]}" -l $PORT </dev/null
    assert_failure 2
    assert_output --partial CAP_NET_ADMIN
    refute_output --partial CAP_NET_RAW,
    run at A setpriv --bounding-set=-net_raw "${SC[@]}" -l $PORT </dev/null
    assert_failure 2
    assert_output --partial CAP_NET_RAW
}

# ---- standard output

@test "SHLD-3: stdout is closed while data comes: RST, status 1" {
    one_namespace
    stuck_pipe narrow
    OUTPUT=$T/narrow listener server A -vv 127.0.0.1 $PORT
    start client A nc -N -v 127.0.0.1 $PORT
    feed client 'first\n'
    wait_for_err server '<-- PSH,ACK'
    # The only reader goes without having read.
    end_input narrow
    feed client 'second\n'
    expect_status server 1
    run cat "$T/server.err"
    assert_line --regexp -- '--> RST'
    assert_line --regexp '^segcat: .*(output|stdout|[Bb]roken pipe)'
}

@test "stdout is closed from the start, and data comes: status 1" {
    one_namespace
    # shellcheck disable=SC2016 # for the inner shell
    start server A bash -c 'exec "$@" >&-' bash "${SC[@]}" -vv -l 127.0.0.1 $PORT
    wait_for_err server 'Listening on'
    start client A nc -N 127.0.0.1 $PORT
    feed client 'is anybody there?\n'
    expect_status server 1
    run cat "$T/server.err"
    assert_line --regexp -- '--> RST'
    assert_line --regexp '^segcat: .*(output|stdout|[Bb]ad file)'
}

@test "stdout is closed, but no data comes: status 0" {
    one_namespace
    # shellcheck disable=SC2016
    start server A bash -c 'exec "$@" >&-' bash "${SC[@]}" -v -l 127.0.0.1 $PORT
    wait_for_err server 'Listening on'
    start client A nc -N 127.0.0.1 $PORT
    feed server 'one way only\n'
    wait_for_out client 'one way only'
    end_input server
    end_input client
    expect_status client 0
    expect_status server 0
}

@test "stdin, stdout and stderr are closed: nothing goes where it should not" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    # shellcheck disable=SC2016
    INPUT=/dev/null start client A bash -c 'exec "$@" <&- >&- 2>&-' bash "${SC[@]}" -vv 127.0.0.1 $PORT
    wait_for_err server 'Connection received'
    end_input server
    expect_status client 0
    expect_status server 0
    assert_equal "$(cat "$T/server.out")" ''
}

@test "stdout is a full device: status 1 and why" {
    [[ -w /dev/full ]] || skip 'no /dev/full'
    one_namespace
    OUTPUT=/dev/full listener server A -v 127.0.0.1 $PORT
    start client A nc -N 127.0.0.1 $PORT
    feed client 'too much\n'
    expect_status server 1
    run cat "$T/server.err"
    assert_line --regexp '^segcat: .*No space left'
}

@test "MAY-8: stdout is full and nobody reads: our window is zero; when read again all arrives" {
    one_namespace
    random_file "$T/up" 12
    stuck_pipe pipe
    OUTPUT=$T/pipe listener server A -vv 127.0.0.1 $PORT
    INPUT=$T/up start client A nc -N 127.0.0.1 $PORT
    wait_for_err server '--> .* 0 +ZERO-WINDOW|our window is zero'
    # The column too: an ACK of ours with window 0.
    wait_until window_closed server '-->'
    alive server
    alive client
    read_pipe pipe "$T/got"
    end_input server
    expect_status client 0
    expect_status server 0
    expect_status pipe 0
    same_bytes "$T/up" "$T/got"
}

# window_closed NAME ARROW: its trace has a segment of that direction with window 0.
window_closed() {
    segments "$1" | awk -v arrow="$2" '$1 == arrow && $2 !~ /RST/ && $6 == 0 { found = 1 } END { exit !found }'
}

@test "MUST-36: the peer does not read: its zero window is shown and probed; when it reads again all arrives" {
    one_namespace
    random_file "$T/up" 12
    stuck_pipe pipe
    OUTPUT=$T/pipe start server A nc -N -l 127.0.0.1 $PORT
    wait_listening A $PORT
    INPUT=$T/up start client A "${SC[@]}" -vv 127.0.0.1 $PORT
    wait_for_err client 'ZERO-WINDOW'
    wait_until window_closed client '<--'
    wait_for_err client '--> .*ZERO-WINDOW-PROBE'
    read_pipe pipe "$T/got"
    wait_for_err client 'WINDOW-UPDATE'
    end_input server
    expect_status client 0
    expect_status server 0
    expect_status pipe 0
    same_bytes "$T/up" "$T/got"
}

@test "the peer is stopped: nothing is lost, and it goes on when it is continued" {
    one_namespace
    random_file "$T/up" 12
    start server A nc -N -l 127.0.0.1 $PORT
    wait_listening A $PORT
    kill -STOP "${PID[server]}"
    INPUT=$T/up start client A "${SC[@]}" -v 127.0.0.1 $PORT
    wait_for_err client 'peer window is zero'
    kill -CONT "${PID[server]}"
    end_input server
    expect_status client 0
    expect_status server 0
    same_bytes "$T/up" "$T/server.out"
}

# ---- broken off

@test "MUST-12: the peer resets in the middle: status 1, and how many bytes are in doubt" {
    one_namespace
    random_file "$T/up" 12
    start server A nc -N -l 127.0.0.1 $PORT
    wait_listening A $PORT
    kill -STOP "${PID[server]}"
    INPUT=$T/up start client A "${SC[@]}" -v 127.0.0.1 $PORT
    wait_for_err client 'peer window is zero'
    # Killed with bytes unread, its kernel sends a RST.
    kill -KILL "${PID[server]}"
    expect_status client 1
    run cat "$T/client.err"
    assert_line --regexp '^segcat: connection reset by peer.*[0-9]+ (of [0-9]+ )?bytes not acknowledged'
}

@test "-w ends an idle connection: status 1" {
    one_namespace
    start server A nc -N -l 127.0.0.1 $PORT
    wait_listening A $PORT
    start client A "${SC[@]}" -w 1 127.0.0.1 $PORT
    expect_status client 1
    run cat "$T/client.err"
    assert_output --regexp '^segcat: .*timed out'
}
