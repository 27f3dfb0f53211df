# Closing a connection: FIN, ACK, FIN, ACK; one half at a time; both at once.
load common

# The last segments of a trace, direction and flags.
last_segments() {
    segments "$1" | tail -n "$2" | awk '{ printf "%s%s %s", sep, $1, $2; sep = " / " }'
}

# pair: segcat and segcat over loopback, with a line each way.
pair() {
    listener server A -vv 127.0.0.1 $PORT
    start client A "${SC[@]}" -vv 127.0.0.1 $PORT
    feed client 'ping\n'
    wait_for_out server '^ping$'
    feed server 'pong\n'
    wait_for_out client '^pong$'
}

@test "Figures 6 and 12: the whole life of a connection: three segments to open, four to close" {
    one_namespace
    pair
    end_input client
    wait_for_err client 'FIN-WAIT-1 -> FIN-WAIT-2'
    end_input server
    expect_status client 0
    expect_status server 0
    assert_equal "$(last_segments client 4)" '--> FIN,ACK / <-- ACK / <-- FIN,ACK / --> ACK'
    assert_equal "$(last_segments server 4)" '<-- FIN,ACK / --> ACK / --> FIN,ACK / <-- ACK'
    run cat "$T/client.err"
    assert_line --regexp -- '--> SYN +0:1 .*CLOSED -> SYN-SENT'
    assert_line --regexp -- '<-- SYN,ACK +0:1 +1 .*SYN-SENT -> ESTABLISHED'
    assert_line --regexp -- '--> FIN,ACK .*ESTABLISHED -> FIN-WAIT-1'
    assert_line --regexp -- '<-- ACK .*FIN-WAIT-1 -> FIN-WAIT-2'
    assert_line --regexp -- '<-- FIN,ACK .*FIN-WAIT-2 -> TIME-WAIT'
    run cat "$T/server.err"
    assert_line --regexp -- '<-- SYN +0:1 .*LISTEN -> SYN-RECEIVED'
    assert_line --regexp -- '<-- ACK .*SYN-RECEIVED -> ESTABLISHED'
    assert_line --regexp -- '<-- FIN,ACK .*ESTABLISHED -> CLOSE-WAIT'
    assert_line --regexp -- '--> FIN,ACK .*CLOSE-WAIT -> LAST-ACK'
    assert_line --regexp -- '<-- ACK .*LAST-ACK -> CLOSED'
}

@test "the listener may close first" {
    one_namespace
    pair
    end_input server
    wait_for_err server 'FIN-WAIT-1 -> FIN-WAIT-2'
    end_input client
    expect_status client 0
    expect_status server 0
    assert_equal "$(last_segments server 4)" '--> FIN,ACK / <-- ACK / <-- FIN,ACK / --> ACK'
    assert_equal "$(last_segments client 4)" '<-- FIN,ACK / --> ACK / --> FIN,ACK / <-- ACK'
}

@test "we close first, a kernel peer later: four segments" {
    one_namespace
    listener server A -vv 127.0.0.1 $PORT
    start client A nc -N 127.0.0.1 $PORT
    wait_for_err server 'SYN-RECEIVED -> ESTABLISHED'
    end_input server
    wait_for_err server 'FIN-WAIT-1 -> FIN-WAIT-2'
    end_input client
    expect_status client 0
    expect_status server 0
    assert_equal "$(last_segments server 4)" '--> FIN,ACK / <-- ACK / <-- FIN,ACK / --> ACK'
}

@test "a kernel peer closes first, we later: four segments" {
    one_namespace
    listener server A -vv 127.0.0.1 $PORT
    start client A nc -N 127.0.0.1 $PORT
    end_input client
    wait_for_err server 'ESTABLISHED -> CLOSE-WAIT'
    end_input server
    expect_status client 0
    expect_status server 0
    assert_equal "$(last_segments server 4)" '<-- FIN,ACK / --> ACK / --> FIN,ACK / <-- ACK'
}

@test "the peer's FIN is acknowledged by a segment of its own, our input being at its end too" {
    one_namespace
    # Nothing to say on either side: both FINs come as soon as the connection is there.
    INPUT=/dev/null listener server A -vv 127.0.0.1 $PORT
    at A nc -N 127.0.0.1 $PORT </dev/null
    expect_status server 0
    run awk '/^<-- FIN/ { fin = 1; next } fin && /^-->/ { print $2; exit }' <(segments server)
    assert_output 'ACK'
}

@test "RFC1122-HALF-CLOSE: the passive side goes on sending after our FIN (segcat and nc)" {
    one_namespace
    listener server A -vv 127.0.0.1 $PORT
    start client A nc -N 127.0.0.1 $PORT
    wait_for_err server 'ESTABLISHED'
    end_input server
    wait_for_err server 'FIN-WAIT-1 -> FIN-WAIT-2'
    feed client 'one more thing\n'
    wait_for_out server '^one more thing$'
    wait_for_err server '<-- PSH,ACK .*half-closed'
    feed client 'and another\n'
    wait_for_out server '^and another$'
    end_input client
    expect_status client 0
    expect_status server 0
}

@test "the passive side goes on sending after our FIN (segcat and segcat)" {
    one_namespace
    pair
    end_input client
    wait_for_err client 'FIN-WAIT-1 -> FIN-WAIT-2'
    random_file "$T/more" 1
    cat "$T/more" >&"${FEED[server]}"
    end_input server
    expect_status server 0
    expect_status client 0
    tail -c +6 "$T/client.out" >"$T/got" # behind the pong
    same_bytes "$T/more" "$T/got"
}

@test "RFC1122-HALF-CLOSE: we go on sending after the peer's FIN" {
    one_namespace
    listener server A -vv 127.0.0.1 $PORT
    start client A nc -N 127.0.0.1 $PORT
    end_input client
    wait_for_err server 'ESTABLISHED -> CLOSE-WAIT'
    feed server 'I am not done\n'
    wait_for_out client '^I am not done$'
    alive server
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "Figure 13: both close at the same time (segcat and segcat)" {
    two_over_linkem --delay 250ms
    listener server B -vv $PORT
    start client A "${SC[@]}" -vv $B4 $PORT
    feed client 'ping\n'
    wait_for_out server '^ping$'
    feed server 'pong\n'
    wait_for_out client '^pong$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
    local side
    for side in client server; do
        run cat "$T/$side.err"
        assert_line --regexp 'ESTABLISHED -> FIN-WAIT-1'
        assert_line --regexp -- '<-- FIN,ACK .*FIN-WAIT-1 -> CLOSING'
        assert_line --regexp -- '<-- ACK .*CLOSING -> TIME-WAIT'
    done
}

@test "both close at the same time (segcat and nc)" {
    two_over_linkem --delay 250ms
    listener server B -vv $PORT
    start client A nc -N $B4 $PORT
    feed client 'ping\n'
    wait_for_out server '^ping$'
    feed server 'pong\n'
    wait_for_out client '^pong$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
    run cat "$T/server.err"
    assert_line --regexp -- '<-- FIN,ACK .*FIN-WAIT-1 -> CLOSING'
}

@test "a lost FIN, or its ACK, is sent again" {
    # One in six segments is lost each way: of six connections one loses something at its end, but none so often that
    # the backoff of its timer takes minutes. TIME-WAIT has to last for it.
    SC=("$SEGCAT" --msl=30)
    two_over_linkem --delay 1ms --loss 16%
    local i
    for i in 1 2 3 4 5 6; do
        listener "server$i" B -vv $((PORT + i))
        start "client$i" A "${SC[@]}" -vv $B4 $((PORT + i))
        feed "client$i" 'ping\n'
        feed "server$i" 'pong\n'
        end_input "client$i"
        end_input "server$i"
    done
    for i in 1 2 3 4 5 6; do
        expect_status "client$i" 0
        expect_status "server$i" 0
        assert_equal "$(cat "$T/server$i.out")" ping
        assert_equal "$(cat "$T/client$i.out")" pong
    done
}

@test "with -v the end is told: our FIN, the peer's, and how much was carried" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    start client A nc -N 127.0.0.1 $PORT
    feed client '12345'
    wait_for_out server 12345
    feed server '123'
    wait_for_out client 123
    end_input server
    wait_for_err server 'end of input, sent FIN, still receiving'
    end_input client
    expect_status client 0
    expect_status server 0
    run cat "$T/server.err"
    assert_line --regexp '^segcat: peer sent FIN, closed in order'
    assert_line --regexp '^segcat: sent 3, received 5 bytes in '
}
