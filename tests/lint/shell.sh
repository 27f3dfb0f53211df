#!/bin/sh
# Every script passes shellcheck: one test for each file.
set -u
cd "${abs_top_srcdir:?is set by make check}" || exit 1
command -v shellcheck >/dev/null || {
    echo '1..0 # SKIP shellcheck is not installed'
    exit 0
}

# A script says what it is by its name or by its first line.
files=$({
    find tests completions -name '*.bats' -o -name '*.bash' -o -name '*.sh'
    find bootstrap .ci tests -type f ! -name '*.*' -exec sh -c '
        for f; do
            head -n 1 "$f" | LC_ALL=C tr -d "\000" | grep -Eq "^#!.*[/ ](ba)?sh" && echo "$f"
        done' sh {} +
} | LC_ALL=C sort -u)

n=0
for file in $files; do
    n=$((n + 1))
    # In bats each @test is a function of its own that ends with its variables: SC2030, SC2031.
    case $file in
    *.bats) set -- -s bats -S warning -e SC2030,SC2031 ;;
    *.bash) set -- -s bash -S warning ;;
    *) set -- -S style ;;
    esac
    if out=$(shellcheck "$@" "$file" 2>&1); then
        echo "ok $n - $file"
    else
        echo "not ok $n - $file"
        echo "$out" | sed 's/^/# /'
    fi
done
echo "1..$n"
