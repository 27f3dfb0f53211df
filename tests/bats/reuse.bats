# The next connection of a pair that is in TIME-WAIT: RFC 6191, RFC 1122 4.2.2.13.
load common

CLIENT=40046

# One connection between a listener in A, which closes first and so owes TIME-WAIT, and nc in B from a port of
# its own. It leaves a holder.
first_connection() {
    listener first A -v --msl=30 $PORT
    start nc1 B nc -N -p $CLIENT $A4 $PORT
    wait_for_err first 'Connection received'
    end_input first
    expect_first_fin
    end_input nc1
    expect_status nc1 0
    expect_status first 0
    [[ -n $(segcats A) ]]
}

# Ours must have gone out before nc's, or both sides close at once.
expect_first_fin() {
    wait_for_err first 'end of input, sent FIN'
}

# The line of the trace in $T/tcpdump.out that matches, waited for.
seen() {
    wait_until grep -E -q -e "$1" "$T/tcpdump.out"
}

# number FIELD REGEX: the number behind FIELD in the last line that matches.
number() {
    grep -E -e "$2" "$T/tcpdump.out" | tail -n 1 | sed -En "s/.*[ ,]$1 ([0-9]+).*/\1/p"
}

capture() {
    tcpdump_at B -i eth0 -S -nnn tcp port $PORT
}

# First sequence number ahead of the second, modulo 2^32.
after() {
    local ahead=$((($1 - $2) & 0xffffffff))
    echo "$1 after $2?"
    ((ahead > 0 && ahead < 1 << 31))
}

@test "RFC6191-REUSE MAY-2: a newer SYN is answered by the listener, this SYN and not its repetition" {
    two_namespaces
    capture
    first_connection
    local holder old_seq old_ts new_seq new_ts
    holder=$(segcats A)
    seen "$A4\.$PORT > .*Flags \[F\.\]"
    # Our FIN took one number more.
    old_seq=$(($(number seq "$A4\.$PORT > .*Flags \[F\.\]") + 1))
    old_ts=$(number 'TS val' "$A4\.$PORT > .*Flags \[\.\]")

    listener second A -vv --msl=30 $PORT
    start nc2 B nc -N -p $CLIENT $A4 $PORT
    wait_for_err second "Connection received on $B4 $CLIENT"
    # The first holder has gone.
    wait_until dead_pid "$holder"
    feed nc2 'again\n'
    wait_for_out second '^again$'
    feed second 'well\n'
    wait_for_out nc2 '^well$'
    end_input nc2
    end_input second
    expect_status nc2 0
    expect_status second 0
    run cat "$T/second.err"
    assert_line --regexp "^segcat: $B4:$CLIENT comes again out of TIME-WAIT"
    # One SYN was enough, and nothing else was said to it.
    seen "$B4\.$CLIENT > .*Flags \[S\].*"
    end_tcpdump
    run grep -c "$B4\.$CLIENT > .*Flags \[S\]" "$T/tcpdump.out"
    assert_output 2
    new_seq=$(number seq "$A4\.$PORT > .*Flags \[S\.\]")
    new_ts=$(number 'TS val' "$A4\.$PORT > .*Flags \[S\.\]")
    after "$new_seq" "$old_seq"
    after "$new_ts" "$old_ts"
}

dead_pid() {
    ! [[ -d /proc/$1 ]]
}

@test "RFC6191-REUSE: over and over, from one port" {
    two_namespaces
    local i
    for i in 1 2 3 4 5; do
        listener "server$i" A -v --msl=30 $PORT
        start "client$i" B nc -N -p $CLIENT $A4 $PORT
        wait_for_err "server$i" 'Connection received'
        end_input "server$i"
        wait_for_err "server$i" 'end of input, sent FIN'
        feed "client$i" "hello $i\n"
        wait_for_out "server$i" "hello $i"
        end_input "client$i"
        expect_status "client$i" 0
        expect_status "server$i" 0
        # Held each time, by one.
        assert_equal "$(grep -c skipped "$T/server$i.err")" 0
    done
    only_one() {
        [[ $(segcats A | wc -l) == 1 ]]
    }
    wait_until only_one
}

@test "RFC6191-REUSE: a listener on one address too, and over IPv6" {
    needs_ipv6
    two_namespaces
    local i
    for i in 1 2; do
        listener "server$i" A -v --msl=30 $A6 $PORT
        start "client$i" B nc -N -p $CLIENT $A6 $PORT
        wait_for_err "server$i" 'Connection received'
        end_input "server$i"
        wait_for_err "server$i" 'end of input, sent FIN'
        end_input "client$i"
        expect_status "client$i" 0
        expect_status "server$i" 0
    done
    grep -q 'comes again out of TIME-WAIT' "$T/server2.err"
}

@test "RFC6191-REUSE: an older SYN is challenged by the holder, and no listener hears of it" {
    two_namespaces
    capture
    first_connection
    listener second A -vv --msl=30 $PORT
    seen "$B4\.$CLIENT > .*Flags \[F\.\]"
    local seq ack
    seq=$(number seq "$B4\.$CLIENT > .*Flags \[F\.\]")
    ack=$(number ack "$B4\.$CLIENT > .*Flags \[F\.\]")
    # No timestamps, and a number below.
    at B "$TOOLS/inject" --flags S --seq $(((seq - 1000) & 0xffffffff)) $B4 $CLIENT $A4 $PORT
    challenged() {
        [[ $(grep -c "$A4\.$PORT > $B4\.$CLIENT: Flags \[\.\], seq $ack, ack $(((seq + 1) & 0xffffffff))\|$A4\.$PORT > $B4\.$CLIENT: Flags \[\.\], ack $(((seq + 1) & 0xffffffff))," "$T/tcpdump.out") -ge 2 ]]
    }
    wait_until challenged
    # B's kernel knows of no connection: its RST is ignored (RFC 1337), the pair stays held.
    seen "$B4\.$CLIENT > $A4\.$PORT: Flags \[R\]"
    start client B nc -N $A4 $PORT
    wait_for_err second 'Connection received'
    end_input client
    # Who closes second has no TIME-WAIT to hold.
    wait_for_err second 'CLOSE-WAIT'
    end_input second
    expect_status client 0
    expect_status second 0
    # Of one SYN, that of the client.
    run grep -c 'LISTEN -> SYN-RECEIVED' "$T/second.err"
    assert_output 1
    assert_equal "$(segcats A | wc -l)" 1
}

@test "RFC6191-REUSE MAY-2: a newer SYN that turns out to be an old duplicate: TIME-WAIT again" {
    two_namespaces
    capture
    first_connection
    local holder seq
    holder=$(segcats A)
    listener second A -vv --msl=30 $PORT
    seen "$B4\.$CLIENT > .*Flags \[F\.\]"
    seq=$(number seq "$B4\.$CLIENT > .*Flags \[F\.\]")
    # B's kernel has sent no such SYN: it answers our SYN,ACK by RST.
    at B "$TOOLS/inject" --flags S --seq $(((seq + 100000) & 0xffffffff)) $B4 $CLIENT $A4 $PORT
    wait_for_err second "$B4:$CLIENT comes again out of TIME-WAIT"
    wait_for_err second '<-- RST.*SYN-RECEIVED -> LISTEN'
    # The holder holds again: it acknowledges a FIN that comes once more.
    [[ -d /proc/$holder ]]
    local ack stamps line
    line=$(grep -E "$B4\.$CLIENT > .*Flags \[F\.\]" "$T/tcpdump.out" | tail -n 1)
    [[ $line =~ \ ack\ ([0-9]+),.*TS\ val\ ([0-9]+)\ ecr\ ([0-9]+) ]]
    ack=${BASH_REMATCH[1]} stamps=${BASH_REMATCH[2]}:${BASH_REMATCH[3]}
    answers() {
        grep -c "$A4\.$PORT > $B4\.$CLIENT: Flags \[\.\].* ack $(((seq + 1) & 0xffffffff))," "$T/tcpdump.out" || true
    }
    local before
    before=$(answers)
    at B "$TOOLS/inject" --flags FA --seq "$seq" --ack "$ack" --timestamps "$stamps" $B4 $CLIENT $A4 $PORT
    more_answers() {
        (($(answers) > before))
    }
    wait_until more_answers
    # And the real next one comes in.
    start nc2 B nc -N -p $CLIENT $A4 $PORT
    wait_for_err second "Connection received on $B4 $CLIENT"
    end_input nc2
    end_input second
    expect_status nc2 0
    expect_status second 0
}

@test "RFC6191-REUSE: where nobody listens a newer SYN is refused at once, and TIME-WAIT stays" {
    two_namespaces
    first_connection
    local holder
    holder=$(segcats A)
    run at B nc -v -N -w 20 -p $CLIENT $A4 $PORT </dev/null
    assert_failure 1
    assert_output --partial 'Connection refused'
    [[ -d /proc/$holder ]]
}

@test "RFC6191-REUSE: a client served in between does not hear of it" {
    two_namespaces
    first_connection
    listener second A -v --msl=30 $PORT
    start other B nc -N $A4 $PORT
    wait_for_err second 'Connection received'
    run at B nc -v -N -w 20 -p $CLIENT $A4 $PORT </dev/null
    assert_failure 1
    assert_output --partial 'Connection refused'
    feed other 'still here\n'
    wait_for_out second '^still here$'
    end_input other
    end_input second
    expect_status other 0
    expect_status second 0
}

# connect_from_our_port NAME: segcat in A from a port of its own to socat in B, closing first.
connect_from_our_port() {
    run at A "$SEGCAT" -v --msl=30 -p $CLIENT $B4 $PORT <<<"$1"
}

@test "RFC6191-REUSE: connecting from the same port again, out of our own TIME-WAIT, with timestamps" {
    two_namespaces
    start server B socat "TCP4-LISTEN:$PORT,reuseaddr,fork" EXEC:cat
    wait_listening B $PORT
    capture
    local i
    for i in 1 2 3; do
        connect_from_our_port "line $i"
        assert_success
        assert_line "line $i"
        if ((i > 1)); then assert_output --partial 'was in TIME-WAIT: used again'; fi
        # Held by one: the one before has given it up.
        assert_equal "$(segcats A | wc -l)" 1
    done
    end_tcpdump
    # Three SYNs; numbers and timestamps rise.
    run grep -c "$A4\.$CLIENT > .*Flags \[S\]" "$T/tcpdump.out"
    assert_output 3
    local seqs stamps
    mapfile -t seqs < <(sed -En "s/.* $A4\.$CLIENT > .*Flags \[S\].* seq ([0-9]+),.*/\1/p" "$T/tcpdump.out")
    mapfile -t stamps < <(sed -En "s/.* $A4\.$CLIENT > .*Flags \[S\].*TS val ([0-9]+) .*/\1/p" "$T/tcpdump.out")
    after "${seqs[1]}" "${seqs[0]}"
    after "${seqs[2]}" "${seqs[1]}"
    after "${stamps[1]}" "${stamps[0]}"
    after "${stamps[2]}" "${stamps[1]}"
}

@test "RFC6191-REUSE: but not without timestamps: what to do is said" {
    two_namespaces
    at B sh -c 'echo 0 >/proc/sys/net/ipv4/tcp_timestamps'
    start server B socat "TCP4-LISTEN:$PORT,reuseaddr,fork" EXEC:cat
    wait_listening B $PORT
    connect_from_our_port one
    assert_success
    connect_from_our_port two
    assert_failure 2
    assert_output --partial 'TIME-WAIT'
    assert_output --partial 'another -p'
    assert_equal "$(segcats A | wc -l)" 1
}
