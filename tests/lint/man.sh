#!/bin/sh
# The man page is correct mdoc(7), and it and the completions know every option.
set -u
cd "${abs_top_srcdir:?is set by make check}" || exit 1

echo 1..5
if ! command -v mandoc >/dev/null; then
    echo 'ok 1 - doc/segcat.1 is correct mdoc # SKIP mandoc is not installed'
elif out=$(mandoc -T lint -W warning doc/segcat.1 2>&1); then
    echo 'ok 1 - doc/segcat.1 is correct mdoc'
else
    echo 'not ok 1 - doc/segcat.1 is correct mdoc'
    echo "$out" | sed 's/^/# /'
fi

# One line an option: letter, long name, argument; '-' where there is none.
options=$("$SEGCAT" --list-options 2>/dev/null | awk '$2 != "-" { print $2 }')

# knows NUMBER FILE PATTERN: FILE has each option, written as PATTERN with @ for its name.
knows() {
    if [ -z "$options" ]; then
        echo "not ok $1 - $2 knows every option"
        echo "# $SEGCAT --list-options printed nothing"
        return
    fi
    missing=
    for option in $options; do
        pattern=$(echo "$3" | sed "s/@/$option/g")
        grep -Eq -e "$pattern" "$2" || missing="$missing $option"
    done
    if [ -z "$missing" ]; then
        echo "ok $1 - $2 knows every option"
    else
        echo "not ok $1 - $2 knows every option"
        echo "# missing:$missing"
    fi
}

knows 2 completions/segcat.bash '--@([^-a-z]|$)'
knows 3 completions/_segcat '--@([^-a-z]|$)'
knows 4 completions/segcat.fish '-l @([^-a-z]|$)'
knows 5 doc/segcat.1 '^[.]It (.* )?(Fl|,) -@( |$)'
