# Which privileges are needed, and that they are given up.
load common

# copy_for_others: a copy of the program that every user can run, as $copy, outside of who knows whose home.
copy_for_others() {
    copy=$(mktemp -d /tmp/segcat-test.XXXXXX)
    chmod 755 "$copy"
    cp "$SEGCAT" "$copy/segcat"
    chmod 755 "$copy/segcat"
    copy_dir=$copy
    copy=$copy/segcat
}

teardown() {
    cleanup
    if [[ -n ${copy_dir:-} ]]; then
        rm -rf "$copy_dir"
    fi
}

as_nobody() {
    setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all "$@"
}

needs_root() {
    (($(id -u) == 0)) || skip 'only root can become somebody else'
}

# Both ends in one shell script, for a network that is entered only once.
both_ends='
    "$0" --msl=0.05 -v -l 127.0.0.1 8088 >"$1/server.out" 2>"$1/server.err" </dev/null &
    until grep -qs "Listening on" "$1/server.err"; do
        kill -0 $! || exit 98
        sleep 0.02
    done
    echo "from nobody" | "$0" --msl=0.05 127.0.0.1 8088 || exit 97
    wait $! || exit 96
    grep -x "from nobody" "$1/server.out"
'

@test "an ordinary user runs it in a private network of his own" {
    needs_root # else every other test has shown it
    as_nobody unshare -Urn true 2>/dev/null || skip 'user namespaces are forbidden here'
    copy_for_others
    chmod 777 "$copy_dir"
    run as_nobody timeout "$PATIENCE" unshare -Urn bash -c "ip link set lo up; $both_ends" "$copy" "$copy_dir"
    assert_success
    assert_output 'from nobody'
}

@test "an ordinary user runs it with file capabilities" {
    needs_root
    copy_for_others
    chmod 777 "$copy_dir"
    setcap cap_net_raw,cap_net_admin+ep "$copy" 2>/dev/null || skip 'no file capabilities here'
    # A network made by root: its user is nobody, who has no capability but the file's.
    run timeout "$PATIENCE" unshare -n bash -c '
        ip link set lo up
        setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all -- "$0" --help >/dev/null || exit 77
        exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all -- \
            bash -c "$2" "$0" "$1"' "$copy" "$copy_dir" "$both_ends"
    if ((status == 77)); then skip 'programs with file capabilities do not start here'; fi
    assert_success
    assert_output --partial 'from nobody'
}

@test "without any privilege an ordinary user is told how to get it" {
    needs_root
    copy_for_others
    run as_nobody "$copy" 127.0.0.1 8088 </dev/null
    assert_failure 2
    assert_output --partial "setcap cap_net_raw,cap_net_admin+ep $copy"
    assert_output --partial 'unshare -Urn'
}

# bare PID: no capability, no way to get one, and a filter on its system calls.
bare() {
    assert_equal "$(field_of "$1" CapEff)" 0000000000000000
    assert_equal "$(field_of "$1" CapPrm)" 0000000000000000
    assert_equal "$(field_of "$1" CapInh)" 0000000000000000
    assert_equal "$(field_of "$1" CapAmb)" 0000000000000000
    confined "$1"
}

confined() {
    assert_equal "$(field_of "$1" NoNewPrivs)" 1
    # A sanitizer's run time needs calls that the filter knows nothing of.
    is_sanitized || assert_equal "$(field_of "$1" Seccomp)" 2
}

@test "a client gives up every capability, and system calls with them, before it connects" {
    two_over_linkem --loss 100%
    start client A "${SC[@]}" -vv $B4 $PORT
    wait_for_err client 'SYN-SENT'
    bare "${PID[client]}"
}

@test "a listener keeps CAP_NET_ADMIN at most until it serves" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    run field_of "${PID[server]}" CapEff
    assert_output --regexp '^000000000000[01]000$'
    confined "${PID[server]}"
    start client A nc -N 127.0.0.1 $PORT
    feed client 'hello\n'
    wait_for_out server hello
    bare "${PID[server]}"
}

@test "the holder of TIME-WAIT has no capability" {
    one_namespace
    listener server A --msl=30 -v 127.0.0.1 $PORT
    INPUT=/dev/null start client A nc -N 127.0.0.1 $PORT
    wait_for_err server 'Connection received'
    start server2 A nc -N -l 127.0.0.1 $((PORT + 1))
    wait_listening A $((PORT + 1))
    run at A "$SEGCAT" --msl=30 127.0.0.1 $((PORT + 1)) </dev/null
    assert_success
    local holder
    for holder in $(segcats A); do
        if [[ $holder != "${PID[server]}" ]]; then bare "$holder"; fi
    done
}
