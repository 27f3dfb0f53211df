# Signals: an orderly end first, at once when repeated; whatever happens, nothing stays behind.
load common

# A connection to a peer of the kernel's that never closes by itself. Sets up "server" (python) and "client" (segcat).
stubborn_peer() {
    start server A python3 -c '
import socket, sys
s = socket.create_server(("127.0.0.1", '$PORT'))
c, _ = s.accept()
print("accepted", flush=True)
while c.recv(65536):
    pass
print("end", flush=True)
sys.stdin.read()
'
    wait_listening A $PORT
    start client A "${SC[@]}" -vv 127.0.0.1 $PORT
    wait_for_out server accepted
    wait_for_err client 'SYN-SENT -> ESTABLISHED'
}

# A peer that closes when we do.
polite_peer() {
    start server A nc -N -l 127.0.0.1 $PORT
    wait_listening A $PORT
    start client A "${SC[@]}" -vv 127.0.0.1 $PORT
    wait_for_err client 'SYN-SENT -> ESTABLISHED'
}

@test "SIGINT once closes in order, with status 130" {
    one_namespace
    polite_peer
    feed client 'last words\n'
    wait_for_out server 'last words'
    kill -INT "${PID[client]}"
    expect_status client 130
    run segments client
    assert_line --regexp '^--> FIN,ACK'
    assert_line --regexp '^<-- FIN,ACK'
    refute_line --regexp 'RST'
    expect_status server 0
}

@test "SIGINT once: what comes after our FIN is still received" {
    one_namespace
    listener server A -vv 127.0.0.1 $PORT
    start client A nc -N 127.0.0.1 $PORT
    wait_for_err server 'ESTABLISHED'
    kill -INT "${PID[server]}"
    wait_for_err server 'FIN-WAIT-2'
    feed client 'answer\n'
    wait_for_out server '^answer$'
    end_input client
    expect_status server 130
    expect_status client 0
}

@test "SIGINT once, and the peer does not close: RST after some seconds" {
    one_namespace
    stubborn_peer
    local begin=$SECONDS
    kill -INT "${PID[client]}"
    wait_for_out server end
    expect_status client 130
    ((SECONDS - begin >= 2))
    run segments client
    assert_line --regexp '^--> FIN,ACK'
    assert_line --regexp '^--> RST'
}

@test "SIGINT twice: RST at once" {
    one_namespace
    stubborn_peer
    kill -INT "${PID[client]}"
    wait_for_err client '--> FIN,ACK'
    kill -INT "${PID[client]}"
    expect_status client 130
    run segments client
    assert_line --regexp '^--> RST'
}

@test "SIGTERM closes in order, with status 143" {
    one_namespace
    polite_peer
    kill -TERM "${PID[client]}"
    expect_status client 143
    run segments client
    assert_line --regexp '^--> FIN,ACK'
    refute_line --regexp 'RST'
}

@test "SIGTERM, and the peer does not close: RST soon" {
    one_namespace
    stubborn_peer
    kill -TERM "${PID[client]}"
    expect_status client 143
    run segments client
    assert_line --regexp '^--> FIN,ACK'
    assert_line --regexp '^--> RST'
}

@test "SIGHUP closes in order, with status 129" {
    one_namespace
    polite_peer
    kill -HUP "${PID[client]}"
    expect_status client 129
    run segments client
    assert_line --regexp '^--> FIN,ACK'
}

@test "a listener without client ends at once by SIGINT and SIGTERM" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    kill -INT "${PID[server]}"
    expect_status server 130
    listener server2 A -v 127.0.0.1 $PORT
    kill -TERM "${PID[server2]}"
    expect_status server2 143
    wait_no_tables A
}

@test "SIGINT while the SYN has no answer ends at once" {
    two_over_linkem --loss 100%
    start client A "${SC[@]}" -vv $B4 $PORT
    wait_for_err client 'SYN-SENT'
    kill -INT "${PID[client]}"
    expect_status client 130
    wait_no_tables A
}

@test "after an orderly end no table is left" {
    one_namespace
    polite_peer
    [[ -n $(tables A) ]]
    end_input server
    end_input client
    expect_status client 0
    wait_until no_segcats A
    wait_no_tables A
}

# ---- kill -9

killed() {
    kill -KILL "${PID[$1]}"
    expect_status "$1" 137
    wait_no_tables A
}

@test "kill -9 of a listener leaves no table" {
    one_namespace
    listener server A -v $PORT
    [[ -n $(tables A) ]]
    killed server
}

@test "kill -9 while the SYN has no answer leaves no table" {
    two_over_linkem --loss 100%
    start client A "${SC[@]}" -vv $B4 $PORT
    wait_for_err client 'SYN-SENT'
    [[ -n $(tables A) ]]
    killed client
}

@test "kill -9 in the middle of a connection leaves no table, and the kernel resets the peer" {
    one_namespace
    stubborn_peer
    [[ -n $(tables A) ]]
    killed client
    # Whatever the peer sends now gets a RST: the kernel is itself again.
    run at A nft list ruleset
    assert_output ''
}

@test "kill -9 of a listener that serves leaves no table" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    start client A nc -N 127.0.0.1 $PORT
    wait_for_err server 'Connection received'
    killed server
}

@test "kill -9 during a transfer leaves no table" {
    one_namespace
    INPUT=/dev/zero listener server A -v 127.0.0.1 $PORT
    OUTPUT=/dev/null start client A nc -N 127.0.0.1 $PORT
    wait_for_err server 'Connection received'
    killed server
}

@test "kill -9 in FIN-WAIT-2 leaves no table" {
    one_namespace
    stubborn_peer
    end_input client
    wait_for_err client 'FIN-WAIT-2'
    killed client
}

@test "kill -9 in TIME-WAIT leaves no table" {
    one_namespace
    SC=("$SEGCAT" --time-wait=wait --msl=30)
    polite_peer
    end_input client
    wait_for_err client 'TIME-WAIT'
    killed client
}

@test "kill -9 of the child that holds TIME-WAIT leaves no table" {
    one_namespace
    SC=("$SEGCAT" --msl=30)
    polite_peer
    end_input client
    expect_status client 0
    local holder
    holder=$(segcats A)
    [[ -n $holder && -n $(tables A) ]]
    kill -KILL "$holder"
    wait_no_tables A
}

@test "kill -9 at any moment of the start leaves no table" {
    one_namespace
    local i moment
    for i in {1..25}; do
        INPUT=/dev/null start "client$i" A "${SC[@]}" -l 127.0.0.1 $((PORT + i))
        # Not an event but a moment, each time a little later: 0 to 24 ms.
        printf -v moment '0.%03d' "$i"
        read -r -t "$moment" -u "$SNOOZE" || true
        kill -KILL "${PID[client$i]}"
        finish "client$i"
    done
    wait_until no_segcats A
    wait_no_tables A
}
