#!/bin/sh
# The core and the codec call nothing and keep nothing: libpure.a may only need what a compiler
# itself calls, and has no variable.
set -u
cd "${abs_top_builddir:?is set by make check}" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

echo 1..2
if ! "${LD:-ld}" -r -o "$work/pure.o" --whole-archive libpure.a 2>"$work/err"; then
    sed 's/^/# /' "$work/err"
    echo 'Bail out! libpure.a could not be linked into one object'
    exit 0
fi

# memcpy and its three relatives, fortified or not; stack protector; sanitizers.
allowed='^(__)?mem(cpy|move|set|cmp)(_chk)?$|^__stack_chk_fail(_local)?$|^_GLOBAL_OFFSET_TABLE_$'
allowed="$allowed|^__(asan|ubsan|sanitizer)_|^_dl_relocate_static_pie$"
"${NM:-nm}" -u "$work/pure.o" | awk '{ print $NF }' | grep -Ev "$allowed" >"$work/found"
if [ -s "$work/found" ]; then
    echo 'not ok 1 - src/tcp and src/wire call nothing but memcpy memmove memset memcmp'
    sed 's/^/# needs /' "$work/found"
else
    echo 'ok 1 - src/tcp and src/wire call nothing but memcpy memmove memset memcmp'
fi

if "${NM:-nm}" -u "$work/pure.o" | grep -q __asan_; then
    echo 'ok 2 - src/tcp and src/wire have no variables # SKIP AddressSanitizer adds its own'
    exit 0
fi
# .data.rel.ro is constant: tables of functions. Everything else that is writable is a variable.
"${SIZE:-size}" -A "$work/pure.o" |
    awk '$1 ~ /^\.(data|bss|tdata|tbss)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0' >"$work/found"
if [ -s "$work/found" ]; then
    echo 'not ok 2 - src/tcp and src/wire have no variables'
    sed 's/^/# /' "$work/found"
    "${NM:-nm}" "$work/pure.o" | awk '$2 ~ /^[bBdDC]$/ { print "# variable " $3 }'
else
    echo 'ok 2 - src/tcp and src/wire have no variables'
fi
