# Windows and buffers that grow with the path, and --buffer, their bound. The peer is the kernel's nc, far away.
load common

# A path that wants 1.25 MB in flight.
FAR=(--delay 50ms --rate 100m)

# largest_window NAME: of those that it has announced.
largest_window() {
    segments "$1" | awk '$1 == "-->" && $6 > max { max = $6 } END { print max + 0 }'
}

# largest_flight NAME: the most data that it had sent and that was not acknowledged.
largest_flight() {
    segments "$1" | awk '
        $1 == "<--" && $4 ~ /^[0-9]+$/ && $4 > una { una = $4 }
        $1 == "-->" && split($3, seq, ":") == 2 && seq[2] - una > max { max = seq[2] - una }
        END { print max + 0 }'
}

# from_nc [OPTION]...: 16 MiB from nc to a segcat that listens.
from_nc() {
    two_over_linkem "${FAR[@]}"
    random_file "$T/up" 16
    INPUT=/dev/null listener server B -vv "$@" $B4 $PORT
    INPUT=$T/up start client A nc -N $B4 $PORT
    expect_status server 0
    same_bytes "$T/up" "$T/server.out"
}

# to_nc MIB [OPTION]...: from segcat to nc.
to_nc() {
    two_over_linkem "${FAR[@]}"
    random_file "$T/up" "$1"
    INPUT=/dev/null start server B nc -l $B4 $PORT
    wait_listening B $PORT
    INPUT=$T/up start client A "${SC[@]}" -vv "${@:2}" $B4 $PORT
    expect_status client 0
    expect_status server 0
    same_bytes "$T/up" "$T/server.out"
}

@test "RFC9293-AUTOTUNE: the window begins small and grows to what a long path wants" {
    from_nc
    run segments server
    assert_line --index 1 --regexp '^--> SYN,ACK 0:1 1 0 65535'
    (($(largest_window server) > 1000000))
    run tail -n 20 "$T/server.err"
    assert_output --regexp 'buffers grew to .* largest window announced [1-9][0-9.]* MiB'
}

@test "--buffer bounds the window" {
    from_nc --buffer=64K
    (($(largest_window server) <= 65536))
    refute grep 'buffers grew' "$T/server.err"
}

@test "what is in flight grows with the path" {
    to_nc 16
    (($(largest_flight client) > 500000))
    run tail -n 20 "$T/client.err"
    assert_output --regexp 'buffers grew to [1-9][0-9.]* MiB out'
}

@test "--buffer bounds what is in flight" {
    to_nc 1 --buffer=64K
    (($(largest_flight client) > 30000))
    (($(largest_flight client) <= 65536))
}

@test "the smallest buffer carries all the same" {
    one_namespace
    random_file "$T/up" 1
    INPUT=/dev/null listener server A -v --buffer=4K 127.0.0.1 $PORT
    INPUT=$T/up start client A "${SC[@]}" --buffer=4K 127.0.0.1 $PORT
    expect_status client 0
    expect_status server 0
    same_bytes "$T/up" "$T/server.out"
}

@test "a buffer that the socket cannot match is told" {
    one_namespace
    INPUT=/dev/null listener server A -v --buffer=1G 127.0.0.1 $PORT
    run cat "$T/server.err"
    assert_line --regexp '^segcat: the receive window will be [0-9]+ KiB at most: .*net.core.rmem_max'
}

@test "a wrong size is refused with what to do" {
    run -2 "$SEGCAT" --buffer=lots localhost $PORT
    assert_output 'segcat: --buffer lots: give a size from 4K to 1G, as in 512K or 64M'
}
