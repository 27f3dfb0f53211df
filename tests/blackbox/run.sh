#!/bin/sh
# Runs every script of tests/blackbox against the real segcat, several at once; TAP. The test's name
# is the script's first line. One with `option both` runs twice, over IPv4 and over IPv6.
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
# NAME or NAME:6, the slow ones (`# slow`) first.
jobs=$(
    for script in $(grep -l '^# slow' "$here"/*.script) $(grep -L '^# slow' "$here"/*.script); do
        name=$(basename "$script" .script)
        echo "$name"
        ! grep -q '^option both' "$script" || echo "$name:6"
    done
)
# shellcheck disable=SC2086 # words
set -- $jobs
echo "1..$#"
# Whoever kills this script, by -9 too, ends what it has begun.
die=
! setpriv --pdeathsig KILL true 2>/dev/null || die='setpriv --pdeathsig KILL'
export die
# shellcheck disable=SC2016,SC2086 # the inner shell's; words
printf '%s\n' "$@" | $die xargs -P "${BLACKBOX_JOBS:-16}" -n 1 $die sh -c '
    script=$here/${0%:6}.script
    case $0 in *:6) version=6 ;; *) version= ;; esac
    $die timeout --foreground -k 5 "${BLACKBOX_TIMEOUT:-120}" "$here/one" "$build/peer" "$segcat" "$script" $version \
        >"$work/$0.out" 2>&1 </dev/null
    echo $? >"$work/$0.status"
'
number=0
for job; do
    number=$((number + 1))
    title=$(sed -n '1s/^# *//p' "$here/${job%:6}.script")
    case $job in *:6) title="$title (IPv6)" ;; esac
    if [ "$(cat "$work/$job.status" 2>/dev/null)" = 0 ]; then
        echo "ok $number - ${job%:6}: $title"
    else
        echo "not ok $number - ${job%:6}: $title"
        sed 's/^\([^#]\)/# \1/' "$work/$job.out"
    fi
done
