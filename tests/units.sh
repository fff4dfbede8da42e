#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# units.sh [FILE...]: the units for systemd are right, and confine what they start: the score of
# `systemd-analyze security` (0: nothing can be done to the machine, 10: everything) stays where
# it is. Needs no running systemd. mount/80-sandbox.sh shows that cloudfs works confined so.
#
# Much of what is left is what cloudfs is for: it is root's, mounts where all can see it (so
# all that is done by a mount namespace is out), talks to the network and starts QEMU.
set -u
cd "$(dirname "$0")/.." || exit 1
limit=60 # tenths
failed=0
dir=$(mktemp -d "${TMPDIR:-/tmp}/cfu.XXXXXX") && trap 'rm -rf "$dir"' EXIT

say() { # TRUE? NAME
    [ "$1" = 0 ] && echo "ok unit $2" || { echo "not ok unit $2"; failed=1; }
}

# Whether cloudfs and its manual are installed on this machine is not what is asked.
verify() { # UNIT
    ! systemd-analyze verify --man=no "$1" 2>&1 | grep -F "${1##*/}" |
        grep -vF 'cloudfs is not executable: No such file'
}

exposure() { # UNIT: in tenths
    systemd-analyze security --offline=yes --no-pager "$1" |
        sed -n 's/.*Overall exposure level.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p'
}

confined() { # NAME UNIT
    local score
    score=$(exposure "$2")
    [ "$score" ] && [ "$score" -le $limit ]
    say $? "$1 is exposed by ${score:-unknown} tenths of 10, $limit at most"
}

[ $# -gt 0 ] || set -- conf/*.service
for unit; do
    name=$(basename "$unit")
    made=$dir/$name
    case $name in *@.service) made=$dir/${name%.service}srv-cloud.service ;; esac
    sed 's|@BINDIR@|/usr/bin|' "$unit" >"$made"
    why=$(verify "$made")
    status=$?
    [ $status = 0 ] || printf '    %s\n' "$why"
    say $status "$name is right"
    confined "$name" "$made"
done

# The two can fail.
sed 's/^NoNewPrivileges=.*/NoNewPrivileges=perhaps/' "$made" >"$dir/wrong.service"
! verify "$dir/wrong.service" >/dev/null
say $? 'seen: a value that is none'
grep -v '^CapabilityBoundingSet=\|^    CAP_' "$made" >"$dir/open.service"
[ "$(exposure "$dir/open.service")" -gt $limit ]
say $? 'seen: all capabilities'
exit $failed
