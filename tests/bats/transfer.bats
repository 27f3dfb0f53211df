# Bytes arrive once, in order, whole: both directions at once, large and small MTU, good links and bad ones.
# TRANSFER_MIB and LOSSY_MIB set how much is carried each way: make soak asks for 1024 and 100.
load common

TRANSFER_MIB=${TRANSFER_MIB:-32}
LOSSY_MIB=${LOSSY_MIB:-8}
# A link with losses may lose the last ACK too: TIME-WAIT has to last until it is repeated.
LASTING=("$SEGCAT" --msl=30)
# shellcheck disable=SC2034 # for common.bash
PATIENCE=${TRANSFER_PATIENCE:-$((60 + TRANSFER_MIB / 4 + LOSSY_MIB))}

# carry LISTENER CLIENT LISTENER-NS CLIENT-NS ADDRESS MIB
carry() {
    random_file "$T/down" "$6"
    random_file "$T/up" "$6"
    if [[ $1 == nc ]]; then
        INPUT=$T/down start server "$3" nc -N -l "$5" $PORT
        wait_listening "$3" $PORT
    else
        INPUT=$T/down listener server "$3" -v "$5" $PORT
    fi
    local command=("${SC[@]}")
    if [[ $2 == nc ]]; then command=(nc -N); fi
    if [[ $1 == nc ]]; then
        # nc -l ends when its client's FIN comes, done or not: the FIN is to come last.
        start client "$4" "${command[@]}" "$5" $PORT
        cat "$T/up" >&"${FEED[client]}"
        wait_for_bytes "$T/client.out" "$(($6 << 20))"
        end_input client
    else
        INPUT=$T/up start client "$4" "${command[@]}" "$5" $PORT
    fi
    expect_status client 0
    expect_status server 0
    same_bytes "$T/up" "$T/server.out"
    same_bytes "$T/down" "$T/client.out"
    # bats keeps a test's files until all tests have run: gigabytes, in a soak.
    rm "$T/up" "$T/down" "$T/server.out" "$T/client.out"
}

# ---- MTU 65536: loopback

@test "both directions at once: segcat and nc, IPv4, MTU 65536" {
    one_namespace
    carry segcat nc A A 127.0.0.1 "$TRANSFER_MIB"
}

@test "both directions at once: nc and segcat, IPv4, MTU 65536" {
    one_namespace
    carry nc segcat A A 127.0.0.1 "$TRANSFER_MIB"
}

@test "both directions at once: segcat and segcat, IPv4, MTU 65536" {
    one_namespace
    carry segcat segcat A A 127.0.0.1 "$TRANSFER_MIB"
}

@test "both directions at once: segcat and nc, IPv6, MTU 65536" {
    needs_ipv6
    one_namespace
    carry segcat nc A A ::1 "$TRANSFER_MIB"
}

@test "both directions at once: nc and segcat, IPv6, MTU 65536" {
    needs_ipv6
    one_namespace
    carry nc segcat A A ::1 "$TRANSFER_MIB"
}

@test "both directions at once: segcat and segcat, IPv6, MTU 65536" {
    needs_ipv6
    one_namespace
    carry segcat segcat A A ::1 "$TRANSFER_MIB"
}

# ---- MTU 1500: veth

@test "both directions at once: segcat and nc, IPv4, MTU 1500" {
    two_namespaces
    carry segcat nc B A $B4 "$TRANSFER_MIB"
}

@test "both directions at once: nc and segcat, IPv4, MTU 1500" {
    two_namespaces
    carry nc segcat B A $B4 "$TRANSFER_MIB"
}

@test "both directions at once: segcat and segcat, IPv4, MTU 1500" {
    two_namespaces
    carry segcat segcat B A $B4 "$TRANSFER_MIB"
}

@test "both directions at once: segcat and nc, IPv6, MTU 1500" {
    needs_ipv6
    two_namespaces
    carry segcat nc B A $B6 "$TRANSFER_MIB"
}

@test "both directions at once: nc and segcat, IPv6, MTU 1500" {
    needs_ipv6
    two_namespaces
    carry nc segcat B A $B6 "$TRANSFER_MIB"
}

@test "both directions at once: segcat and segcat, IPv6, MTU 1500" {
    needs_ipv6
    two_namespaces
    carry segcat segcat B A $B6 "$TRANSFER_MIB"
}

# ---- other roads

@test "through pipes on both sides" {
    two_namespaces
    random_file "$T/up" "$TRANSFER_MIB"
    # shellcheck disable=SC2016 # for the inner shell
    INPUT=/dev/null start server B bash -o pipefail -c '"$@" </dev/null | cat' bash "${SC[@]}" -v -l $B4 $PORT
    wait_for_err server 'Listening on'
    # shellcheck disable=SC2016
    INPUT=/dev/null start client A bash -o pipefail -c 'cat "$0" | "$@" | cat' "$T/up" "${SC[@]}" $B4 $PORT
    expect_status client 0
    expect_status server 0
    same_bytes "$T/up" "$T/server.out"
}

@test "the smallest MTU of IPv6, and of little machines" {
    two_namespaces 1280
    carry segcat nc B A $B4 4
}

@test "MUST-14 MUST-16: one side large, one side small: the smaller MSS holds" {
    two_namespaces
    at A ip link set eth0 mtu 600
    carry segcat segcat B A $B4 4
}

@test "many small writes arrive whole" {
    one_namespace
    seq 1 20000 >"$T/up"
    listener server A -v 127.0.0.1 $PORT
    start client A "${SC[@]}" 127.0.0.1 $PORT
    local n=0
    while ((n < 20000)); do
        sed -n "$((n + 1)),$((n + 500))p" "$T/up" >&"${FEED[client]}"
        n=$((n + 500))
    done
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
    same_bytes "$T/up" "$T/server.out"
}

@test "nothing at all is carried in order too" {
    one_namespace
    INPUT=/dev/null listener server A -v 127.0.0.1 $PORT
    run at A "${SC[@]}" 127.0.0.1 $PORT </dev/null
    assert_success
    assert_output ''
    expect_status server 0
}

# ---- bad links

# lossy LISTENER CLIENT LINKEM-OPTION...
lossy() {
    local listener=$1 client=$2
    shift 2
    SC=("${LASTING[@]}")
    two_over_linkem "$@"
    carry "$listener" "$client" B A $B4 "$LOSSY_MIB"
    run end_linkem
    refute_output --regexp '; [1-9][0-9]* missed'
    [[ $output =~ 'A to B: '[^$'\n']*' segments '([0-9]+)' dropped, '([0-9]+)' duplicated, '([0-9]+)' reordered' ]]
    DROPPED=${BASH_REMATCH[1]} DUPLICATED=${BASH_REMATCH[2]} REORDERED=${BASH_REMATCH[3]}
}

@test "1 % of the segments lost each way: segcat and nc" {
    lossy segcat nc --loss 1%
    ((DROPPED > 0))
}

@test "1 % of the segments lost each way: nc and segcat" {
    lossy nc segcat --loss 1%
    ((DROPPED > 0))
}

@test "1 % of the segments lost each way: segcat and segcat" {
    lossy segcat segcat --loss 1%
    ((DROPPED > 0))
}

@test "5 % of the segments lost each way: segcat and nc" {
    lossy segcat nc --loss 5%
    ((DROPPED > 0))
}

@test "5 % of the segments lost each way: nc and segcat" {
    lossy nc segcat --loss 5%
    ((DROPPED > 0))
}

@test "5 % of the segments lost each way: segcat and segcat" {
    lossy segcat segcat --loss 5%
    ((DROPPED > 0))
}

@test "segments duplicated and reordered: segcat and nc" {
    lossy segcat nc --dup 2% --reorder 2% --delay 1ms
    ((DUPLICATED > 0 && REORDERED > 0))
}

@test "segments duplicated and reordered: nc and segcat" {
    lossy nc segcat --dup 2% --reorder 2% --delay 1ms
    ((DUPLICATED > 0 && REORDERED > 0))
}

@test "segments duplicated and reordered: segcat and segcat" {
    lossy segcat segcat --dup 2% --reorder 2% --delay 1ms
    ((DUPLICATED > 0 && REORDERED > 0))
}

@test "everything that can go wrong at once, damaged segments too" {
    lossy segcat segcat --loss 1% --burst 0.05%:30% --dup 1% --reorder 1% --corrupt 1% \
        --delay 2ms --jitter 1ms --rate 300m --queue 200k
    ((DROPPED > 0))
}

@test "a slow link with a short queue" {
    LOSSY_MIB=1
    lossy segcat nc --rate 20m --queue 30k --delay 10ms
}

@test "a lossy link over IPv6" {
    needs_ipv6
    SC=("${LASTING[@]}")
    two_over_linkem --loss 1% --reorder 1%
    carry segcat segcat B A $B6 "$LOSSY_MIB"
}
