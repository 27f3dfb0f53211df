#!/bin/sh
# Nothing is forgotten: each file of the tree that a build or a test needs is named in Makefile.am.
set -u
cd "${abs_top_srcdir:?is set by make check}" || exit 1

# A program of one file may be listed without its .c.
listed() {
    awk -v name="$1" '{ for (i = 1; i <= NF; i++) if ($i == name) found = 1 }
        END { exit !found }' Makefile.am
}
missing=$(find src include tests completions doc .ci -type f ! -name '.*' | LC_ALL=C sort |
    while read -r file; do
        case $file in
        *.o | *.a | *.log | *.trs | */.deps/* | */__pycache__/*) continue ;;
        tests/fuzz/corpus/*) file=tests/fuzz/corpus ;; # packed as a directory
        esac
        # Built here, in the tree.
        [ -f "$file.c" ] && [ -x "$file" ] && continue
        listed "$file" || listed "${file%.c}" || echo "$file"
    done)

echo 1..1
if [ -z "$missing" ]; then
    echo 'ok 1 - Makefile.am names every file'
else
    echo 'not ok 1 - Makefile.am names every file'
    echo "$missing" | sed 's/^/# not in Makefile.am: /'
fi
