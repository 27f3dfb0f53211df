#!/bin/sh
# Each fuzz target over its corpus and a few thousand inputs made from it; FUZZ_TRIES says how many.
set -u
here=${abs_top_srcdir:?is set by make check}/tests/fuzz
build=${abs_top_builddir:?is set by make check}/tests/fuzz
tries=${FUZZ_TRIES:-5000}
number=0
work=$abs_top_builddir/build/fuzz-smoke
mkdir -p "$work" || exit 1

echo 1..6
for target in cli codec core; do
    "$build/fuzz_$target" "$here/corpus/$target" "$tries" \
        "$work/$target.last" >"$work/$target.out" 2>&1
    status=$?
    grep '^#' "$work/$target.out"
    for part in 1 2; do
        number=$((number + 1))
        line=$(grep "^ok $part - " "$work/$target.out")
        if [ -n "$line" ] && { [ "$part" = 1 ] || [ "$status" = 0 ]; }; then
            echo "ok $number - fuzz_$target: ${line#ok ? - }"
        else
            echo "not ok $number - fuzz_$target (status $status)"
            sed 's/^/# /' "$work/$target.out"
        fi
    done
    rm -f "$work/$target.out"
done
