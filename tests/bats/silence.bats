# A peer that says nothing: keepalive, R1 and R2, the user timeout.
load common

# silence NS, sound NS: from now on nothing of TCP reaches it; and again everything.
silence() {
    at "$1" nft 'add table inet wall; add chain inet wall in { type filter hook input priority -300; };
        add rule inet wall in meta l4proto tcp counter drop'
}

sound() {
    at "$1" nft 'delete table inet wall'
}

# connected [OPTION]...: segcat at A is connected to the kernel at B, and has received something.
connected() {
    two_namespaces
    start server B nc -l $B4 $PORT
    wait_listening B $PORT
    start client A "${SC[@]}" "$@" $B4 $PORT
    feed server 'hello\n'
    wait_for_out client hello
}

@test "MAY-5 MUST-27 SHLD-12: --keepalive asks an idle peer, the kernel answers, the connection stays" {
    connected -vv --keepalive=0.6,0.55,3
    wait_for_err client '--> ACK .*KEEP-ALIVE #1'
    # Answered each time, which Linux does for such segments twice a second at most: never a second one in a row.
    local limit
    limit=$(($(grep -c 'KEEP-ALIVE' "$T/client.err") + 3))
    asked() { (($(grep -c 'KEEP-ALIVE' "$T/client.err") >= limit)); }
    wait_until asked
    run grep 'KEEP-ALIVE #[2-9]' "$T/client.err"
    assert_output ''
    feed client 'still there\n'
    wait_for_out server 'still there'
    end_input client
    end_input server
    expect_status client 0
}

@test "MUST-25: without --keepalive nothing is asked" {
    connected -vv
    end_input server
    end_input client
    expect_status client 0
    run grep -c 'KEEP-ALIVE' "$T/client.err"
    assert_output 0
}

@test "MUST-29: a dead peer: so many keepalive probes unanswered, then the end, and why" {
    connected -v --keepalive=0.2,0.1,3
    silence B
    expect_status client 1
    run cat "$T/client.err"
    assert_line --regexp '^segcat: nothing heard for .*, keepalive probe 2 of 3$'
    assert_line --regexp '^segcat: nothing heard for .*, keepalive probe 3 of 3$'
    assert_line --regexp '^segcat: connection timed out: 3 keepalive probes unanswered, nothing heard for [0-9.]+ m?s, peer '
}

@test "RFC5482-UTO: --user-timeout: data without ACK for that long, then the end, and why" {
    connected -v --user-timeout=1.5
    silence B
    feed client 'lost\n'
    expect_status client 1
    run cat "$T/client.err"
    assert_line --regexp '^segcat: connection timed out: no acknowledgement for 1\.5[0-9]+ s, peer .*5 of 5 bytes not acknowledged'
}

@test "RFC5482-UTO: an idle connection outlives --user-timeout" {
    connected -vv --user-timeout=0.3 --keepalive=1
    wait_for_err client 'KEEP-ALIVE #1'
    feed client 'still there\n'
    wait_for_out server 'still there'
    end_input client
    end_input server
    expect_status client 0
}

@test "RFC5482-UTO MUST-21: --user-timeout is for the SYN too" {
    two_namespaces
    silence B
    run at A "${SC[@]}" --user-timeout=1.5 $B4 $PORT </dev/null
    assert_failure 1
    assert_output --regexp 'failed: Connection timed out \(2 SYNs in 1\.50[0-9]? s, no answer'
}

@test "SHLD-9 MUST-20: R1 is told: how long, and what is tried; the data arrives when the path is back" {
    connected -v
    silence B
    feed client 'late\n'
    wait_for_err client '^segcat: no ACK for [0-9.]+ s: looking at the route again, giving up after 924\.6 s$'
    run grep 'route is gone' "$T/client.err"
    assert_output ''
    sound B
    wait_for_out server late
    end_input client
    end_input server
    expect_status client 0
}

@test "SHLD-9: R1, and there is no route any more" {
    connected -v
    at A ip address del $A4/24 dev eth0
    feed client 'late\n'
    wait_for_err client '^segcat: the route is gone: '
    at A ip address add $A4/24 dev eth0
    at A ip neighbour replace $B4 lladdr 02:00:00:00:00:20 dev eth0
    wait_for_out server late
    end_input client
    end_input server
    expect_status client 0
}

@test "MUST-37: a peer that is full and answers outlives --user-timeout" {
    two_namespaces
    stuck_pipe pipe
    OUTPUT=$T/pipe start server B nc -N -l $B4 $PORT
    wait_listening B $PORT
    random_file "$T/file" 8
    INPUT=$T/file start client A "${SC[@]}" -vv --user-timeout=1.2 $B4 $PORT
    # Linux answers twice a second.
    wait_for_err client 'ZERO-WINDOW-PROBE #5'
    read_pipe pipe "$T/got"
    end_input server
    expect_status client 0
    finish pipe
    same_bytes "$T/file" "$T/got"
}
