#!/bin/sh
# Stands in the place of the unit tests where configure did not find cmocka.
echo '1..0 # SKIP cmocka is not installed (Debian: libcmocka-dev), so no unit test was built'
