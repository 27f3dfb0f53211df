# README keeps its word: its commands run as they stand there, and its picture is what one sees.
load common

# A shell in A where the README's commands find what they name: segcat, 192.0.2.20, a file.
readme_world() {
    one_namespace
    at A ip address add 192.0.2.20/32 dev lo
    mkdir "$T/bin"
    ln -s "$SEGCAT" "$T/bin/segcat"
    echo 'some bytes' >"$T/file"
}

readme_commands() {
    sed -n '/^## Use/,/^## /p' "$TOP/README.md" | sed -n 's/^    \(segcat .*\)/\1/p' | sed 's/ *#.*//'
}

# in_readme_world COMMAND: as somebody types it, with a short TIME-WAIT
in_readme_world() {
    printf 'cd %q; PATH=%q:$PATH; segcat() { command segcat --msl=0.05 "$@"; }; %s' "$T" "$T/bin" "$1"
}

listens_as_told() {
    local port
    start server A bash -c "$(in_readme_world "$1")"
    feed server 'from the server\n'
    if [[ $1 == *' 0' ]]; then
        wait_for_err server '^Listening on '
        port=$(awk '{ print $4; exit }' "$T/server.err")
    else
        port=$PORT
        wait_until guarded
    fi
    start client A nc -N 127.0.0.1 "$port"
    wait_for_out client '^from the server$'
    end_input server
    end_input client
    expect_status server 0
    rm "$T"/server.* "$T"/client.*
}

# A listener without -v says nothing when it is ready; its table is there by then.
guarded() {
    [[ -n $(tables A) ]]
}

connects_as_told() {
    start server A nc -N -l $PORT
    wait_listening A $PORT
    end_input server
    start client A bash -c "$(in_readme_world "$1")"
    end_input client
    expect_status client 0
    expect_status server 0
    rm "$T"/server.* "$T"/client.*
}

@test "the commands of README run as they stand" {
    local command n=0
    readme_world
    while read -r command; do
        case $command in
        'segcat -l '*) listens_as_told "$command" ;;
        *) connects_as_told "$command" ;;
        esac
        n=$((n + 1))
        wait_no_tables A
    done < <(readme_commands)
    [[ $n -ge 6 ]]
}

# What differs from run to run or machine to machine: times, windows (the buffers decide), names of services.
steady() {
    sed -E 's/^ *[0-9]+\.[0-9]{6}/TIME/; s/rtt [0-9.]+ [mu]?s/rtt/; s/wscale [0-9]+ \(x[0-9]+\)/wscale/
            s/mss [0-9]+/mss/; s|\[tcp/.*\]|[tcp/NAME]|; s/^(TIME (-->|<--) +[^ ]+ +[^ ]+ +[^ ]+ +[0-9]+) +[0-9]+/\1 WIN/; s/ +/ /g'
}

@test "the picture in README is what one sees" {
    readme_world
    # The peer of the picture: takes the line, and closes when we have.
    start server A socat -u TCP-LISTEN:$PORT,bind=192.0.2.20 -
    wait_listening A $PORT
    echo hello >"$T/hello"
    INPUT=$T/hello start client A "${SC[@]}" -vv 192.0.2.20 $PORT
    expect_status client 0
    sed -n '/^    \$ echo hello/,/^$/p' "$TOP/README.md" | sed '1d; /^$/d; s/^    //' | steady >"$T/picture"
    sed '/^segcat: sent/,$d' "$T/client.err" | steady >"$T/seen"
    # Whether the peer's FIN carries the ACK of ours is the peer's choice: up to our FIN all is fixed.
    sed -i '/FIN-WAIT-1$/q' "$T/picture"
    sed -i '/FIN-WAIT-1$/q' "$T/seen"
    grep -q 'FIN-WAIT-1$' "$T/picture"
    diff -u "$T/picture" "$T/seen"
}
