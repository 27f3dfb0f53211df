#!/bin/sh
# Tests and requirements know each other: tests/conformance/conformance.py says how.
set -u
cd "${abs_top_srcdir:?is set by make check}" || exit 1
command -v python3 >/dev/null || {
    echo '1..0 # SKIP python3 is not installed'
    exit 0
}
exec python3 tests/conformance/conformance.py check .
