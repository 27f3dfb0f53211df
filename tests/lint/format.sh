#!/bin/sh
# Every C file is formatted as .clang-format says (make format).
set -u
cd "${abs_top_srcdir:?is set by make check}" || exit 1
command -v clang-format >/dev/null || {
    echo '1..0 # SKIP clang-format is not installed'
    exit 0
}
files=$(find src include tests -name '*.[ch]' | LC_ALL=C sort)
echo 1..1
# No file name in the tree has a space in it.
# shellcheck disable=SC2086
if out=$(clang-format --dry-run -Werror $files 2>&1); then
    echo 'ok 1 - C files are formatted'
else
    echo 'not ok 1 - C files are formatted (make format)'
    echo "$out" | grep -E ': error' | sed 's/^/# /'
fi
