# Openings that are never finished: a bounded backlog, SYN cookies beyond it (RFC 4987), and what else a listener
# leaves alone.
load common

# An address that answers nothing, though packets to it have a way: B takes them and knows nobody of that name.
nobody_at() {
    at A ip neighbour replace "$1" lladdr 02:00:00:00:00:20 dev eth0
}

NOBODY4=192.0.2.66 NOBODY6=2001:db8::66

# flood COUNT [FROM-PORT]: SYNs from where nobody is.
flood() {
    at B "$TOOLS/inject" --flags S --seq 1 --count "$1" $NOBODY4 "${2:-1024}" "$A4" "$PORT"
}

full() {
    wait_for_err server '^segcat: backlog full'
}

# All that was sent to the raw sockets in A has been taken.
taken() {
    at A cat /proc/net/raw | awk 'NR > 1 && $5 !~ /:00000000$/ { left = 1 } END { exit left }'
}

# The client that is real: a line each way, and all ends well.
real_client() {
    start client B nc -N "$1" "$PORT"
    feed client 'the real one\n'
    wait_for_out server '^the real one$'
    feed server 'you are welcome\n'
    wait_for_out client '^you are welcome$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "RFC4987-COOKIES: through a flood of thousands a real client connects, with all its options" {
    two_namespaces
    nobody_at $NOBODY4
    listener server A -v $PORT
    flood 5000
    full
    real_client $A4
    run cat "$T/server.err"
    assert_line --regexp "^Connection received on $B4 "
    assert_line --regexp '^segcat: handshake by SYN cookie, mss 1460, window scale [0-9]+/[0-9]+, sack, timestamps$'
    # Said once.
    assert_equal "$(grep -c 'backlog full' "$T/server.err")" 1
}

@test "RFC4987-COOKIES: over IPv6" {
    needs_ipv6
    two_namespaces
    nobody_at $NOBODY6
    listener server A -v $PORT
    at B "$TOOLS/inject" --flags S --count 2000 $NOBODY6 1024 $A6 $PORT
    full
    real_client $A6
    run cat "$T/server.err"
    assert_line --regexp '^segcat: handshake by SYN cookie, mss 1440, window scale [0-9]+/[0-9]+, sack, timestamps$'
}

@test "RFC4987-COOKIES: a client without timestamps gets in with its MSS alone" {
    two_namespaces 1400
    nobody_at $NOBODY4
    at B sh -c 'echo 0 >/proc/sys/net/ipv4/tcp_timestamps'
    listener server A -v $PORT
    flood 100
    full
    real_client $A4
    run cat "$T/server.err"
    assert_line --regexp '^segcat: handshake by SYN cookie, mss 1360, no window scale, no sack, no timestamps$'
}

@test "RFC4987-COOKIES: a megabyte each way over a connection made by a cookie" {
    two_namespaces
    nobody_at $NOBODY4
    random_file "$T/there" 1
    random_file "$T/back" 1
    INPUT=$T/there OUTPUT=$T/server.got start server A "${SC[@]}" -l -v $PORT
    wait_for_err server '^(segcat: )?Listening on '
    flood 100
    full
    INPUT=$T/back OUTPUT=$T/client.got start client B nc -N $A4 $PORT
    expect_status client 0
    expect_status server 0
    grep -q 'by SYN cookie' "$T/server.err"
    same_bytes "$T/there" "$T/client.got"
    same_bytes "$T/back" "$T/server.got"
}

@test "RFC4987-COOKIES: -vv shows the cookie, and LISTEN -> ESTABLISHED" {
    two_namespaces
    nobody_at $NOBODY4
    listener server A -vv $PORT
    flood 20
    full
    real_client $A4
    run cat "$T/server.err"
    assert_line --regexp "<-- SYN +from $B4:[0-9]+ +backlog full"
    assert_line --regexp "--> SYN,ACK +to $B4:[0-9]+ +SYN cookie"
    assert_line --regexp '<-- ACK +1 +1 +0 +[0-9]+ +LISTEN -> ESTABLISHED +by SYN cookie'
    assert_line --regexp 'handshake by SYN cookie'
    # 16 are kept, which is what the backlog has room for.
    assert_equal "$(grep -c 'LISTEN -> SYN-RECEIVED' "$T/server.err")" 16
}

@test "RFC4987-COOKIES: who knows no cookie gets RST, while they are in use" {
    two_namespaces
    nobody_at $NOBODY4
    listener server A -vv $PORT
    flood 20
    full
    at B "$TOOLS/inject" --flags A --seq 5 --ack 7 $NOBODY4 40047 $A4 $PORT
    wait_for_err server "--> RST +to $NOBODY4:40047"
    at B "$TOOLS/inject" --flags PA --seq 5 --ack 7 --timestamps 5:6 --data x $NOBODY4 40048 $A4 $PORT
    wait_for_err server "--> RST +to $NOBODY4:40048"
    real_client $A4
    assert_equal "$(grep -c 'Connection received' "$T/server.err")" 1
    assert_equal "$(cat "$T/server.out")" 'the real one'
}

@test "RFC4987-BACKLOG: a flood costs no memory" {
    if is_sanitized; then skip 'a sanitizer keeps what was freed'; fi
    two_namespaces
    nobody_at $NOBODY4
    listener server A -v $PORT
    flood 100
    full
    local before after
    wait_until taken
    before=$(field_of "${PID[server]}" VmHWM)
    flood 30000 3000
    wait_until taken
    after=$(field_of "${PID[server]}" VmHWM)
    echo "at most $before KiB with 100 SYNs, $after KiB with 30000"
    ((after < before + 512))
    real_client $A4
}

@test "MUST-41 MUST-42 RFC4987-BACKLOG: an opening that hangs does not keep others waiting" {
    two_namespaces
    nobody_at $NOBODY4
    listener server A -vv $PORT
    flood 3
    wait_for_err server 'LISTEN -> SYN-RECEIVED'
    real_client $A4
    run cat "$T/server.err"
    refute_output --partial 'backlog full'
    # The others are told that nobody waits for them any more.
    assert_equal "$(segments server | grep -c -- '--> RST,ACK 1 ')" 3
}

@test "MUST-57: a SYN to the network's broadcast address is left alone" {
    two_namespaces
    listener server A -vv $PORT
    at B "$TOOLS/inject" --flags S --seq 90 $B4 40046 192.0.2.255 $PORT
    at B "$TOOLS/inject" --flags S --seq 90 $B4 40047 255.255.255.255 $PORT || true
    real_client $A4
    run cat "$T/server.err"
    refute_output --partial 40046
    refute_output --partial 40047
    assert_equal "$(segments server | grep -c 'SYN,ACK')" 1
}

@test "MUST-63: a SYN from a broadcast or multicast address is left alone" {
    two_namespaces
    listener server A -vv $PORT
    at B "$TOOLS/inject" --flags S --seq 90 192.0.2.255 40046 $A4 $PORT || true
    at B "$TOOLS/inject" --flags S --seq 90 224.0.0.5 40047 $A4 $PORT || true
    real_client $A4
    assert_equal "$(segments server | grep -c 'SYN,ACK')" 1
}
