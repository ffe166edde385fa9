#!/bin/sh
# Checks what lib/duration.sh says.
. ./lib/duration.sh
failed=0
check() {
    said=$(seconds "$1")
    if [ "$said" = "$2" ]; then echo "ok $1"; else echo "FAILED $1: $said, not $2"; failed=1; fi
}
check 5s 5
check 2m 120
check 2h 7200
exit $failed
