# Explicit congestion notification against the kernel's, with marks that a router sets: SHLD-8, RFC 3168.
load common

# kernel_ecn NS 0|1|2
kernel_ecn() {
    at "$1" bash -c "echo $2 >/proc/sys/net/ipv4/tcp_ecn"
}

# mark_ce: what comes to B with data in it and is ECT is marked, as a congested router between would.
mark_ce() {
    at B nft -f - <<'EOF'
table netdev router {
    chain ingress {
        type filter hook ingress device eth0 priority 0;
        ip ecn ect0 ip length > 100 counter ip ecn set ce
        ip6 ecn ect0 ip6 length > 100 counter ip6 ecn set ce
    }
}
EOF
}

# send_file FROM TO ADDRESS: segcat sends 100 kB there.
send_file() {
    head -c 100000 /dev/urandom >"$T/file"
    start server B nc -N -l "$1" $PORT
    end_input server
    wait_listening B $PORT
    INPUT=$T/file start client A "${SC[@]}" -vv --ecn=on "$1" $PORT
    expect_status client 0
    finish server
    same_bytes "$T/file" "$T/server.out"
}

@test "SHLD-8 RFC3168-ECN: asked for by --ecn=on, agreed to by the kernel" {
    two_namespaces
    kernel_ecn B 1
    tcpdump_at A -n -v -i eth0 tcp
    send_file $B4
    end_tcpdump
    run cat "$T/client.err"
    assert_line --regexp -- '--> SYN,ECE,CWR '
    assert_line --regexp -- '<-- SYN,ACK,ECE '
    # ECT(0) on data (tos 0x2), and on nothing else of ours
    run awk -v from="$A4" '/tos 0x/ { match($0, /tos 0x[0-9a-f]+/); tos = substr($0, RSTART + 4, RLENGTH - 4) }
        index($0, " " from ".") || index($0, "    " from ".") {
            if ($1 ~ from) { n = $NF; print tos, (n > 0 ? "data" : "none") } }' "$T/tcpdump.out"
    assert_line --regexp '^0x2,? data'
    refute_line --regexp '^0x2,? none'
    refute_line --regexp '^0x0,? data'
}

@test "RFC3168-NEGOTIATE: without the option the kernel is not asked, and nothing is ECT" {
    two_namespaces
    kernel_ecn B 1
    start server B nc -N -l $B4 $PORT
    end_input server
    wait_listening B $PORT
    INPUT=/dev/null start client A "${SC[@]}" -vv $B4 $PORT
    expect_status client 0
    run cat "$T/client.err"
    assert_line --regexp -- '--> SYN  '
    refute_line --regexp 'ECE'
}

@test "RFC3168-NEGOTIATE: a kernel that refuses gets no ECT" {
    two_namespaces
    kernel_ecn B 0
    tcpdump_at A -n -v -i eth0 tcp
    send_file $B4
    end_tcpdump
    run cat "$T/client.err"
    assert_line --regexp -- '--> SYN,ECE,CWR '
    assert_line --regexp -- '<-- SYN,ACK  '
    run grep -c 'tos 0x2' "$T/tcpdump.out"
    assert_output 0
}

@test "RFC3168-REACT: a marked path: the kernel echoes, we slow down, say CWR, and send nothing again" {
    two_namespaces
    kernel_ecn B 1
    mark_ce
    send_file $B4
    run cat "$T/client.err"
    assert_line --regexp -- '<-- ACK,ECE .*ECN-ECHO congestion, cwnd [0-9]+->[0-9]+'
    assert_line --regexp -- '--> .*CWR '
    refute_line --regexp 'RETRANSMIT'
}

@test "RFC3168-ECN: a marked path over IPv6" {
    needs_ipv6
    two_namespaces
    kernel_ecn B 1
    mark_ce
    send_file $B6
    run cat "$T/client.err"
    assert_line --regexp -- '<-- ACK,ECE .*ECN-ECHO congestion'
    assert_line --regexp -- '--> .*CWR '
    refute_line --regexp 'RETRANSMIT'
}

# receive_marked ADDRESS: the kernel at A asks and sends, segcat at B receives what is marked.
receive_marked() {
    two_namespaces
    kernel_ecn A 1
    mark_ce
    head -c 200000 /dev/urandom >"$T/file"
    listener server B -vv "$1" $PORT
    end_input server
    INPUT=$T/file start client A nc -N "$1" $PORT
    expect_status server 0
    same_bytes "$T/file" "$T/server.out"
    run cat "$T/server.err"
    assert_line --regexp -- '<-- SYN,ECE,CWR '
    assert_line --regexp -- '--> SYN,ACK,ECE '
    assert_line --regexp -- '<-- .*CE mark, to be echoed'
    assert_line --regexp -- '--> ACK,ECE '
    assert_line --regexp -- '<-- .*CWR '
}

@test "SHLD-8 RFC3168-ECHO: the kernel asks, we agree by default and echo each mark until its CWR" {
    receive_marked $B4
}

@test "SHLD-8 RFC3168-ECHO: the same over IPv6: the traffic class is read" {
    needs_ipv6
    receive_marked $B6
}

@test "RFC3168-NEGOTIATE: --ecn=off refuses" {
    two_namespaces
    kernel_ecn A 1
    listener server B -vv --ecn=off $B4 $PORT
    end_input server
    INPUT=/dev/null start client A nc -N $B4 $PORT
    expect_status server 0
    run cat "$T/server.err"
    assert_line --regexp -- '<-- SYN,ECE,CWR '
    assert_line --regexp -- '--> SYN,ACK  '
}

@test "RFC3168-FALLBACK: a firewall that drops SYNs with ECN bits: the second SYN gets through" {
    two_namespaces
    kernel_ecn B 1
    at B nft 'add table inet old; add chain inet old in { type filter hook input priority 0; };
        add rule inet old in tcp flags & (syn | ecn | cwr) == syn | ecn | cwr drop'
    start server B nc -N -l $B4 $PORT
    end_input server
    wait_listening B $PORT
    INPUT=/dev/null start client A "${SC[@]}" -vv --ecn=on $B4 $PORT
    expect_status client 0
    run segments client
    assert_line --index 0 --regexp '^--> SYN,ECE,CWR '
    assert_line --index 1 --regexp '^--> SYN 0:1'
    assert_line --index 2 --regexp '^<-- SYN,ACK 0:1'
}
