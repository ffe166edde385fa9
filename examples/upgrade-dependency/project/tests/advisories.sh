#!/bin/sh
# Holds the lock file against advisories.txt: a line is a package, and the first version without the fault.
failed=0
while read -r package fixed; do
    locked=$(sed -n "/\"node_modules\/$package\"/,/}/s/.*\"version\": \"\([^\"]*\)\".*/\1/p" package-lock.json)
    oldest=$(printf '%s\n%s\n' "$locked" "$fixed" | sort -V | head -n 1)
    if [ "$oldest" = "$fixed" ]; then
        echo "ok $package $locked"
    else
        echo "FAILED $package $locked has a fault that $fixed has not"
        failed=1
    fi
done <advisories.txt
exit $failed
