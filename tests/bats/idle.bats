# The CPU is used when there is something to do, and memory does not grow with what passes through.
load common

# Seconds in which nothing happens. The only sleep of all tests: it is what is measured.
QUIET=1.5

switches() {
    echo $(($(field_of "$1" voluntary_ctxt_switches) + $(field_of "$1" nonvoluntary_ctxt_switches)))
}

# expect_idle NAME...: they use no CPU and are hardly woken. Quick ACKs, probes and the like may be due once.
expect_idle() {
    local name
    local -A ticks=() woken=()
    for name in "$@"; do
        ticks[$name]=$(cpu_ticks "${PID[$name]}")
        woken[$name]=$(switches "${PID[$name]}")
    done
    sleep $QUIET
    for name in "$@"; do
        ticks[$name]=$(($(cpu_ticks "${PID[$name]}") - ${ticks[$name]}))
        woken[$name]=$(($(switches "${PID[$name]}") - ${woken[$name]}))
        echo "$name: ${ticks[$name]} ticks, ${woken[$name]} times woken"
        ((ticks[$name] <= 2 && woken[$name] <= 10)) || fail "$name is busy with nothing"
    done
}

@test "a listener that waits is idle" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    expect_idle server
}

@test "a connection that waits is idle on both sides" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    start client A "${SC[@]}" 127.0.0.1 $PORT
    feed client 'hello\n'
    wait_for_out server hello
    expect_idle server client
}

@test "half closed, either way, both are idle" {
    one_namespace
    listener server A -vv 127.0.0.1 $PORT
    start client A "${SC[@]}" -vv 127.0.0.1 $PORT
    wait_for_err server 'Connection received'
    end_input client
    wait_for_err client 'FIN-WAIT-2'
    expect_idle server client
}

@test "input at its end from the start: the listener that waits is idle" {
    one_namespace
    INPUT=/dev/null listener server A -v 127.0.0.1 $PORT
    expect_idle server
}

@test "the peer's window is zero and input waits: idle but for probes" {
    one_namespace
    stuck_pipe pipe
    OUTPUT=$T/pipe start server A nc -N -l 127.0.0.1 $PORT
    wait_listening A $PORT
    INPUT=/dev/zero start client A "${SC[@]}" -vv 127.0.0.1 $PORT
    wait_for_err client 'ZERO-WINDOW-PROBE #2'
    expect_idle client
}

@test "stdout is full and data waits: idle but for answers to probes" {
    one_namespace
    stuck_pipe pipe
    OUTPUT=$T/pipe listener server A -vv 127.0.0.1 $PORT
    INPUT=/dev/zero start client A nc -N 127.0.0.1 $PORT
    wait_for_err server '--> .* 0 +ZERO-WINDOW|ZERO-WINDOW-PROBE'
    wait_for_err server '<-- .*ZERO-WINDOW-PROBE'
    expect_idle server
}

@test "the reader of stdout has gone and nothing comes: idle" {
    one_namespace
    stuck_pipe pipe
    OUTPUT=$T/pipe listener server A -v 127.0.0.1 $PORT
    start client A nc -N 127.0.0.1 $PORT
    wait_for_err server 'Connection received'
    end_input pipe
    expect_idle server
    end_input client
    end_input server
    expect_status server 0
}

@test "a SYN without answer: idle but for its repetition" {
    two_over_linkem --loss 100%
    start client A "${SC[@]}" -vv $B4 $PORT
    wait_for_err client 'SYN-SENT'
    expect_idle client
}

@test "TIME-WAIT in front is idle" {
    one_namespace
    start server A nc -N -l 127.0.0.1 $PORT
    wait_listening A $PORT
    INPUT=/dev/null start client A "$SEGCAT" -vv --time-wait=wait --msl=30 127.0.0.1 $PORT
    wait_for_err client '-> TIME-WAIT'
    expect_idle client
}

@test "memory stays flat over a long transfer" {
    one_namespace
    # Small, so that the buffers soon have all they may.
    OUTPUT=/dev/null listener server A --buffer=1M -v 127.0.0.1 $PORT
    OUTPUT=/dev/null start client A "${SC[@]}" --buffer=1M -v 127.0.0.1 $PORT
    wait_for_err server 'Connection received'
    local name mib=${TRANSFER_MIB:-32}
    local -A early=()
    # The rings are touched from end to end once.
    head -c "${mib}M" /dev/zero >&"${FEED[client]}"
    head -c "${mib}M" /dev/zero >&"${FEED[server]}"
    for name in server client; do
        early[$name]=$(field_of "${PID[$name]}" VmHWM)
    done
    head -c "$((4 * mib))M" /dev/zero >&"${FEED[client]}"
    head -c "$((4 * mib))M" /dev/zero >&"${FEED[server]}"
    for name in server client; do
        echo "$name: VmHWM ${early[$name]} kB, then $(field_of "${PID[$name]}" VmHWM) kB"
        # 2 MiB of buffers and what goes with them may be touched for the first time this late.
        (($(field_of "${PID[$name]}" VmHWM) - early[$name] <= 6144)) || fail "$name grows"
        is_sanitized || ((early[$name] < 65536)) || fail "$name is fat"
    done
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}
