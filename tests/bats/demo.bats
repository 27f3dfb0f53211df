# segcat --demo: a whole connection, both sides, in a network of its own.
load common

demo() {
    # A name for this run of the program, by which to find what it might leave.
    ln -s "$SEGCAT" "$T/segcat-demo" 2>/dev/null || true
    run --separate-stderr timeout "$PATIENCE" "$T/segcat-demo" --demo "$@"
    # What it prints may go to stdout or stderr.
    all=$(printf '%s\n%s\n' "$output" "${stderr:-}")
}

# has REGEX: a line of the demo's matches.
has() {
    grep -Eq -e "$1" <<<"$all" || fail "no line matches: $1
$all"
}

needs_namespaces() {
    unshare -Urn true 2>/dev/null || skip 'user namespaces are forbidden here'
}

@test "the demo shows a connection from the first SYN to TIME-WAIT, and ends with status 0" {
    needs_namespaces
    demo
    assert_equal "$status" 0
    has 'SYN .*CLOSED -> SYN-SENT'
    has 'SYN,ACK .*SYN-SENT -> ESTABLISHED'
    has 'SYN-RECEIVED -> ESTABLISHED'
    has 'ESTABLISHED -> FIN-WAIT-1'
    has 'FIN-WAIT-1 -> FIN-WAIT-2'
    has 'ESTABLISHED -> CLOSE-WAIT'
    has 'CLOSE-WAIT -> LAST-ACK'
    has 'FIN-WAIT-2 -> TIME-WAIT'
    has 'LAST-ACK -> CLOSED'
    has 'TIME-WAIT -> CLOSED .*2\*MSL'
}

@test "the demo labels both sides" {
    needs_namespaces
    demo
    has '^ *(\[)?(client|connector)'
    has '^ *(\[)?(server|listener)'
}

@test "the demo sends once more through the half-open side" {
    needs_namespaces
    demo
    has '(<--|-->) PSH,ACK .*half-closed|half-(open|closed)'
}

@test "the demo says that its 2*MSL is shortened" {
    needs_namespaces
    demo
    has '(short|instead of|in place of|rather than|not 60 s)'
}

@test "the demo's teardown has four segments on each side" {
    needs_namespaces
    demo
    local sent received
    sent=$(grep -Ec -e '--> FIN' <<<"$all") || true
    received=$(grep -Ec -e '<-- FIN' <<<"$all") || true
    assert_equal "$sent" 2
    assert_equal "$received" 2
}

@test "the demo leaves no process" {
    needs_namespaces
    cp "$SEGCAT" "$T/segcat-demo"
    demo
    assert_equal "$status" 0
    nothing_runs() {
        [[ -z $(find /proc/[0-9]*/exe -maxdepth 0 -lname "$T/segcat-demo*" 2>/dev/null) ]]
    }
    wait_until nothing_runs
}

@test "the demo can be interrupted, and leaves no process" {
    needs_namespaces
    cp "$SEGCAT" "$T/segcat-demo"
    spawn env --default-signal "$T/segcat-demo" --demo >"$T/demo.out" 2>&1 </dev/null
    PID["demo"]=$SPAWNED
    begun() {
        grep -q 'SYN' "$T/demo.out"
    }
    wait_until begun
    kill -INT "${PID[demo]}"
    finish demo
    nothing_runs() {
        [[ -z $(find /proc/[0-9]*/exe -maxdepth 0 -lname "$T/segcat-demo*" 2>/dev/null) ]]
    }
    wait_until nothing_runs
}

@test "the demo takes no host and no port" {
    demo 127.0.0.1 8088
    assert_equal "$status" 2
}

@test "where user namespaces are forbidden, the demo says how to run it" {
    needs_namespaces
    # A user namespace in which no more can be made.
    run --separate-stderr timeout "$PATIENCE" unshare -U bash -c '
        echo 0 >/proc/sys/user/max_user_namespaces 2>/dev/null
        exec "$0" --demo' "$SEGCAT"
    if ((status == 0)); then skip 'user namespaces cannot be forbidden here'; fi
    assert_equal "$status" 2
    [[ $stderr == *root* || $stderr == *sudo* ]] || fail "$stderr"
}
