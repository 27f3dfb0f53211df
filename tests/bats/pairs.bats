# The article's experiment: nc -l 8088, nc localhost 8088, a line each way, and tcpdump beside it; with segcat in
# the place of one of them, or of both. What tcpdump saw must be what our -vv has printed.
load common

# talk LISTENER CLIENT HOST: one of segcat and nc each. Who closes first: where nc listens, it does (it would end
# at the client's FIN); else the client.
talk() {
    local host=$3
    tcpdump_at A -i lo -vv -nnn tcp port $PORT
    if [[ $1 == segcat ]]; then
        listener server A -vv -n "$host" $PORT
    else
        start server A nc -n -N -l "$host" $PORT
        wait_listening A $PORT
    fi
    if [[ $2 == segcat ]]; then
        start client A "${SC[@]}" -vv -n "$host" $PORT
    else
        start client A nc -n -N "$host" $PORT
    fi
    feed client 'hello, this is the client\n'
    wait_for_out server '^hello, this is the client$'
    feed server 'and this is the listener\n'
    wait_for_out client '^and this is the listener$'
    if [[ $1 == segcat ]]; then
        end_input client
        if [[ $2 == segcat ]]; then
            wait_for_err client 'FIN-WAIT-2'
        fi
        wait_for_err server 'CLOSE-WAIT'
        end_input server
    else
        end_input server
        if [[ $2 == segcat ]]; then
            wait_for_err client 'CLOSE-WAIT'
        fi
        end_input client
    fi
    expect_status client 0
    expect_status server 0
    wait_until all_seen
    end_tcpdump
}

# Both FINs and the last ACK.
all_seen() {
    local fins
    fins=$(grep -c 'Flags \[F' "$T/tcpdump.out") || true
    ((fins >= 2)) && tail -n 1 "$T/tcpdump.out" | grep -q 'Flags \[\.\]'
}

flag_names() {
    case $1 in
    S) echo SYN ;;
    S.) echo SYN,ACK ;;
    .) echo ACK ;;
    P.) echo PSH,ACK ;;
    F.) echo FIN,ACK ;;
    FP.) echo FIN,PSH,ACK ;;
    *) echo "$1" ;;
    esac
}

# What tcpdump saw: "SPORT FLAGS SEQ ACK LEN WIN SUM" a line, numbers relative, windows scaled.
tcpdump_fields() {
    local line sport flags seq ack len win sum
    local -A scale=()
    while read -r line; do
        [[ $line =~ (^|\ )[0-9a-f.:]+\.([0-9]+)\ \>\ .*Flags\ \[([^]]*)\],\ cksum\ [^\ ]+\ \(([a-z]+) ]] || continue
        sport=${BASH_REMATCH[2]} flags=$(flag_names "${BASH_REMATCH[3]}") sum=${BASH_REMATCH[4]}
        seq=- ack=-
        if [[ $line =~ \ seq\ ([0-9:]+), ]]; then seq=${BASH_REMATCH[1]}; fi
        if [[ $line =~ \ ack\ ([0-9]+), ]]; then ack=${BASH_REMATCH[1]}; fi
        [[ $line =~ \ win\ ([0-9]+), ]] && win=${BASH_REMATCH[1]}
        [[ $line =~ \ length\ ([0-9]+) ]] && len=${BASH_REMATCH[1]}
        if [[ $flags == SYN* ]]; then
            seq=0
            if [[ $flags == SYN,ACK ]]; then ack=1; fi
            if [[ $line =~ wscale\ ([0-9]+) ]]; then scale[$sport]=${BASH_REMATCH[1]}; fi
        else
            win=$((win << ${scale[$sport]:-0}))
        fi
        echo "$sport $flags $seq $ack $len $win $sum"
    done <"$T/tcpdump.out"
}

# What -vv of NAME printed, in the same form, without the sum. For SYN and FIN tcpdump says where they begin only.
trace_fields() {
    segments "$1" | awk '{
        seq = $3
        if ($2 ~ /SYN|FIN/) sub(/:.*/, "", seq)
        print $1, $2, seq, $4, $5, $6
    }'
}

# agree NAME PORT: the trace of NAME, whose port it is, and tcpdump say the same.
agree() {
    local sent received
    sent=$(tcpdump_fields | awk -v p="$2" '$1 == p { $1 = "-->"; NF = 6; print }')
    received=$(tcpdump_fields | awk -v p="$2" '$1 != p { $1 = "<--"; NF = 6; print }')
    [[ -n $sent && -n $received ]]
    assert_equal "$(trace_fields "$1" | grep -e '^-->')" "$sent"
    assert_equal "$(trace_fields "$1" | grep -e '^<--')" "$received"
}

# Every segment from this port has a real checksum.
all_correct() {
    local wrong
    wrong=$(tcpdump_fields | awk -v p="$1" '$1 == p && $7 != "correct"')
    assert_equal "$wrong" ''
}

client_port() {
    tcpdump_fields | awk -v p=$PORT '$1 != p { print $1; exit }'
}

@test "segcat listens, segcat connects" {
    one_namespace
    talk segcat segcat 127.0.0.1
    all_correct $PORT
    all_correct "$(client_port)"
    agree server $PORT
    agree client "$(client_port)"
}

@test "segcat listens, nc connects" {
    one_namespace
    talk segcat nc 127.0.0.1
    all_correct $PORT
    agree server $PORT
}

@test "nc listens, segcat connects" {
    one_namespace
    talk nc segcat 127.0.0.1
    all_correct "$(client_port)"
    agree client "$(client_port)"
}

@test "nc listens, nc connects" {
    # Nothing of ours: it shows that the experiment itself is sound.
    one_namespace
    start server A nc -n -N -l 127.0.0.1 $PORT
    wait_listening A $PORT
    start client A nc -n -N 127.0.0.1 $PORT
    feed client 'hello, this is the client\n'
    wait_for_out server '^hello, this is the client$'
    feed server 'and this is the listener\n'
    wait_for_out client '^and this is the listener$'
    end_input server
    end_input client
    expect_status client 0
    expect_status server 0
}

@test "segcat listens, segcat connects, over IPv6" {
    needs_ipv6
    one_namespace
    talk segcat segcat ::1
    all_correct $PORT
    all_correct "$(client_port)"
    agree server $PORT
    agree client "$(client_port)"
}

@test "segcat listens, nc connects, over IPv6" {
    needs_ipv6
    one_namespace
    talk segcat nc ::1
    all_correct $PORT
    agree server $PORT
}

@test "nc listens, segcat connects, over IPv6" {
    needs_ipv6
    one_namespace
    talk nc segcat ::1
    all_correct "$(client_port)"
    agree client "$(client_port)"
}

@test "MUST-2: IP headers of ours are whole: tcpdump finds no bad checksum, no bad length" {
    one_namespace
    talk segcat segcat 127.0.0.1
    run grep -iE 'bad|wrong|truncated|invalid|\[\|' "$T/tcpdump.out"
    assert_output ''
}

@test "--isn fixes the first sequence number" {
    one_namespace
    tcpdump_at A -i lo -S -nnn tcp port $PORT
    listener server A -v 127.0.0.1 $PORT --isn 4294967295
    start client A "${SC[@]}" --isn 1000 127.0.0.1 $PORT
    feed client 'over the edge\n'
    wait_for_out server '^over the edge$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
    wait_until grep -q 'Flags \[S\.\]' "$T/tcpdump.out"
    end_tcpdump
    run cat "$T/tcpdump.out"
    assert_line --regexp 'Flags \[S\], seq 1000,'
    assert_line --regexp 'Flags \[S\.\], seq 4294967295, ack 1001,'
}

@test "ncat connects to segcat" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    start client A ncat 127.0.0.1 $PORT
    feed client 'from ncat\n'
    wait_for_out server '^from ncat$'
    feed server 'to ncat\n'
    wait_for_out client '^to ncat$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "segcat connects to ncat" {
    one_namespace
    start server A ncat -l 127.0.0.1 $PORT
    wait_listening A $PORT
    start client A "${SC[@]}" 127.0.0.1 $PORT
    feed client 'to ncat\n'
    wait_for_out server '^to ncat$'
    feed server 'from ncat\n'
    wait_for_out client '^from ncat$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "socat connects to segcat" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    start client A socat -t 30 - "TCP4:127.0.0.1:$PORT"
    feed client 'from socat\n'
    wait_for_out server '^from socat$'
    feed server 'to socat\n'
    wait_for_out client '^to socat$'
    end_input client
    end_input server
    expect_status client 0
    expect_status server 0
}

@test "segcat connects to socat" {
    one_namespace
    start server A socat -t 30 - "TCP4-LISTEN:$PORT,bind=127.0.0.1"
    wait_listening A $PORT
    start client A "${SC[@]}" 127.0.0.1 $PORT
    feed client 'to socat\n'
    wait_for_out server '^to socat$'
    feed server 'from socat\n'
    wait_for_out client '^from socat$'
    end_input server
    end_input client
    expect_status client 0
    expect_status server 0
}

@test "curl gets a page from a segcat that serves HTTP by hand" {
    one_namespace
    listener server A -v 127.0.0.1 $PORT
    start client A curl --silent --show-error --noproxy '*' "http://127.0.0.1:$PORT/page"
    wait_for_out server '^GET /page HTTP/1\.1'
    feed server 'HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\na whole page'
    end_input server
    expect_status client 0
    expect_status server 0
    run cat "$T/client.out"
    assert_output 'a whole page'
}

@test "segcat gets a page from a web server" {
    one_namespace
    mkdir "$T/www"
    echo 'a page of the web' >"$T/www/page"
    start server A python3 -m http.server --bind 127.0.0.1 --directory "$T/www" $PORT
    wait_listening A $PORT
    printf 'GET /page HTTP/1.0\r\n\r\n' >"$T/request"
    run at A "${SC[@]}" 127.0.0.1 $PORT <"$T/request"
    assert_success
    assert_line --regexp '^HTTP/1\.0 200 OK'
    assert_line 'a page of the web'
}
