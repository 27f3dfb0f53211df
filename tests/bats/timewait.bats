# TIME-WAIT: owed by who closes first, held without keeping the user.
load common

# Closes a connection between "client" (segcat, closes first) in A and "server" (nc) in A or B.
close_first() {
    local ns=$1 address=$2
    shift 2
    start server "$ns" nc -N -l "$address" $PORT
    wait_listening "$ns" $PORT
    start client A "$SEGCAT" -vv "$@" "$address" $PORT
    feed client 'hello\n'
    wait_for_out server hello
    end_input client
}

@test "hold: the prompt is back at once, a child holds TIME-WAIT" {
    one_namespace
    close_first A 127.0.0.1 --msl=30
    expect_status client 0
    run segcats A
    assert_equal "${#lines[@]}" 1
    run cat "$T/client.err"
    assert_line --regexp 'FIN-WAIT-[12] -> TIME-WAIT'
}

@test "hold is what happens without an option" {
    one_namespace
    close_first A 127.0.0.1
    expect_status client 0
    run segcats A
    assert_equal "${#lines[@]}" 1
}

@test "hold: the child keeps nothing of ours: not the directory, not the terminal, not the pipes" {
    one_namespace
    close_first A 127.0.0.1 --msl=30
    expect_status client 0
    local holder
    holder=$(segcats A)
    assert_equal "$(readlink "/proc/$holder/cwd")" /
    # A pipe to its parent tells it when that is gone; then that is closed as well.
    keeps_no_pipe() {
        [[ -z $(find "/proc/$holder/fd" -lname 'pipe:*') ]]
    }
    wait_until keeps_no_pipe
    run ls -l "/proc/$holder/fd"
    refute_output --partial "$T"
    # A session of its own, of which it is the leader.
    assert_equal "$(ps -o sid= -p "$holder" | tr -d ' ')" "$holder"
}

@test "hold: a pipeline ends with the program, not with TIME-WAIT" {
    one_namespace
    start server A nc -N -l 127.0.0.1 $PORT
    wait_listening A $PORT
    # cat ends when the last writer has gone.
    # shellcheck disable=SC2016 # for the inner shell
    INPUT=/dev/null start pipeline A bash -c '"$@" 2>&1 | cat' bash "$SEGCAT" --msl=30 127.0.0.1 $PORT
    expect_status pipeline 0
    [[ -n $(segcats A) ]]
}

@test "MUST-13: hold: the child ends after 2*MSL, and takes the table with it" {
    one_namespace
    close_first A 127.0.0.1 --msl=0.5
    expect_status client 0
    [[ -n $(segcats A) && -n $(tables A) ]]
    wait_until no_segcats A
    wait_no_tables A
}

@test "TCP.md 35, RFC1337-RST: hold: a repeated FIN is acknowledged, and a RST does not end it" {
    two_namespaces
    tcpdump_at B -i eth0 -S -nnn tcp port $PORT
    close_first B $B4 --msl=30
    expect_status client 0
    expect_status server 0
    # The peer's FIN: its numbers, as they were on the wire.
    local line seq ack port stamps
    fin_seen() {
        line=$(grep "$B4\.$PORT > .*Flags \[F\.\]" "$T/tcpdump.out") &&
            grep -A 9 -F "$line" "$T/tcpdump.out" | grep -q "> $B4\.$PORT: Flags \[\.\]"
    }
    wait_until fin_seen
    [[ $line =~ \>\ $A4\.([0-9]+):.*\ seq\ ([0-9]+),\ ack\ ([0-9]+),.*TS\ val\ ([0-9]+)\ ecr\ ([0-9]+) ]]
    port=${BASH_REMATCH[1]} seq=${BASH_REMATCH[2]} ack=${BASH_REMATCH[3]}
    stamps=${BASH_REMATCH[4]}:${BASH_REMATCH[5]}
    repeat_fin() {
        at B "$TOOLS/inject" --flags FA --seq "$seq" --ack "$ack" --timestamps "$stamps" $B4 $PORT $A4 "$port"
    }
    local answers
    count_answers() {
        answers=$(grep -c "$A4\.$port > .*Flags \[\.\].* ack $((seq + 1))[, ]" "$T/tcpdump.out") || true
        ((answers >= $1))
    }
    wait_until count_answers 1
    local before=$answers
    repeat_fin
    wait_until count_answers $((before + 1))
    # The peer's kernel has answered that ACK by a RST, for it has no connection: RFC 1337.
    wait_until grep -q "$B4\.$PORT > $A4\.$port: Flags \[R" "$T/tcpdump.out"
    [[ -n $(segcats A) ]]
    repeat_fin
    wait_until count_answers $((before + 2))
}

@test "TCP.md 35, RFC1337-RST: the holder begins TIME-WAIT anew with each FIN, and with no RST" {
    two_namespaces
    tcpdump_at B -i eth0 -S -nnn tcp port $PORT
    close_first B $B4 --msl=1
    expect_status client 0
    expect_status server 0
    local holder line port seq ack stamps answers begin
    holder=$(segcats A)
    begin=${EPOCHREALTIME/./}
    wait_until grep -q "$B4\.$PORT > .*Flags \[F\.\]" "$T/tcpdump.out"
    line=$(grep "$B4\.$PORT > .*Flags \[F\.\]" "$T/tcpdump.out")
    [[ $line =~ \>\ $A4\.([0-9]+):.*\ seq\ ([0-9]+),\ ack\ ([0-9]+),.*TS\ val\ ([0-9]+)\ ecr\ ([0-9]+) ]]
    port=${BASH_REMATCH[1]} seq=${BASH_REMATCH[2]} ack=${BASH_REMATCH[3]}
    stamps=${BASH_REMATCH[4]}:${BASH_REMATCH[5]}
    count_answers() {
        answers=$(grep -c "$A4\.$port > .*Flags \[\.\].* ack $((seq + 1 & 0xffffffff))[, ]" "$T/tcpdump.out") || true
        ((answers >= $1))
    }
    wait_until count_answers 1
    # Each answer brings the next FIN, for longer than one TIME-WAIT of 2 s lasts; B's kernel answers ours by RST.
    while ((${EPOCHREALTIME/./} - begin < 3000000)); do
        at B "$TOOLS/inject" --flags FA --seq "$seq" --ack "$ack" --timestamps "$stamps" $B4 $PORT $A4 "$port"
        wait_until count_answers $((answers + 1))
    done
    [[ -d /proc/$holder ]]
    wait_until grep -q "$B4\.$PORT > $A4\.$port: Flags \[R" "$T/tcpdump.out"
    # RSTs do not prolong it.
    at B "$TOOLS/inject" --flags R --seq $((seq + 1 & 0xffffffff)) $B4 $PORT $A4 "$port"
    wait_until no_segcats A
}

@test "hold: the same port can be listened on again at once" {
    one_namespace
    local i
    for i in 1 2 3; do
        start "server$i" A "$SEGCAT" -v --msl=30 -l 127.0.0.1 $PORT
        wait_for_err "server$i" 'Listening on'
        start "client$i" A nc -N 127.0.0.1 $PORT
        feed "client$i" "hello $i\n"
        wait_for_out "server$i" "hello $i"
        end_input "server$i"
        end_input "client$i"
        expect_status "client$i" 0
        expect_status "server$i" 0
    done
}

@test "hold: many connections in a row work while the last ones are in TIME-WAIT" {
    one_namespace
    start server A socat "TCP4-LISTEN:$PORT,bind=127.0.0.1,fork" EXEC:cat
    wait_listening A $PORT
    local i
    for i in {1..20}; do
        run at A "$SEGCAT" --msl=30 127.0.0.1 $PORT <<<"line $i"
        assert_success
        assert_output "line $i"
    done
}

@test "wait: stays in front and shows the end of TIME-WAIT" {
    one_namespace
    close_first A 127.0.0.1 --time-wait=wait --msl=0.2
    expect_status client 0
    run cat "$T/client.err"
    assert_line --regexp 'TIME-WAIT -> CLOSED +2\*MSL timer \((0\.4(00)? s|400(\.0)? ms)\) expired'
    no_segcats A
    wait_no_tables A
}

@test "none: ends at once, says so, and leaves nothing" {
    one_namespace
    close_first A 127.0.0.1 --time-wait=none --msl=30
    expect_status client 0
    run cat "$T/client.err"
    assert_line --regexp 'TIME-WAIT (was )?skipped'
    wait_until no_segcats A
    wait_no_tables A
}

@test "who closes second owes no TIME-WAIT" {
    one_namespace
    start server A nc -N -l 127.0.0.1 $PORT
    wait_listening A $PORT
    start client A "$SEGCAT" -vv 127.0.0.1 $PORT
    wait_for_err client 'ESTABLISHED'
    end_input server
    wait_for_err client 'CLOSE-WAIT'
    end_input client
    expect_status client 0
    wait_until no_segcats A
    wait_no_tables A
}
