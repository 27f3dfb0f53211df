#!/bin/sh
# Runs every script of tests/blackbox against the real segcat, several at once; TAP. The test's name
# is the script's first line.
set -u
here=${abs_top_srcdir:?is set by make check}/tests/blackbox
build=${abs_top_builddir:?is set by make check}/tests/blackbox
segcat=${SEGCAT:?is set by make check}
work=$abs_top_builddir/build/blackbox
: "${ASAN_OPTIONS:=detect_leaks=0}"
export ASAN_OPTIONS here build segcat work

if ! unshare -Urn true 2>/dev/null; then
    echo '1..0 # SKIP no private network namespace can be made here'
    exit 0
fi
rm -rf "$work" && mkdir -p "$work" || exit 1
set -- "$here"/*.script
echo "1..$#"
# shellcheck disable=SC2016 # the inner shell's
printf '%s\n' "$@" | xargs -P "${BLACKBOX_JOBS:-8}" -n 1 sh -c '
    name=$(basename "$0" .script)
    timeout -k 5 "${BLACKBOX_TIMEOUT:-120}" "$here/one" "$build/peer" "$segcat" "$0" \
        >"$work/$name.out" 2>&1 </dev/null
    echo $? >"$work/$name.status"
'
number=0
for script; do
    number=$((number + 1))
    name=$(basename "$script" .script)
    title=$(sed -n '1s/^# *//p' "$script")
    if [ "$(cat "$work/$name.status" 2>/dev/null)" = 0 ]; then
        echo "ok $number - $name: $title"
    else
        echo "not ok $number - $name: $title"
        sed 's/^\([^#]\)/# \1/' "$work/$name.out"
    fi
done
