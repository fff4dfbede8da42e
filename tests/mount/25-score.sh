#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The three scores, with the worked examples of cloudfs-tree(5).
. "$(dirname "$0")/lib.sh"

within() { awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(d <= 0.001 + b / 1e6) }'; }
near() { within "$1" "$2" || die "$1 is not $2"; }
calc() { awk "BEGIN { printf \"%.6f\", ($*) }"; }

mount_cloud '[virtualization]' 'test = 1.0' "$(test_section h1 16 16384 'maintenance_cost = 50')"
wait_for 10 reads "$M/hosts/h1/state" up
cd "$M"
new_vm web1 'cpus = 4' 'usage = 0.6' 'virtualization = test' 'memory = 64MiB'
is vms/web1/state running

# P x V / R
same "$(value vms/web1/score performance)" 6.666667
same "$(value vms/web1/score processors)" 4
same "$(value vms/web1/score virtualization)" 1.000000
same "$(value vms/web1/score usage)" 0.600000
same "$(head -1 vms/web1/score)" 'performance 6.666667'
cp vms/web1/score "$T/score"
near "$(value "$T/score" performance)" "$(calc "$(value "$T/score" processors) * $(value "$T/score" virtualization) / $(value "$T/score" usage)")"

# D x R / C: the row of placement and the score agree.
row=$(grep '^h1 ' vms/web1/placement)
read -r _ _ d r c s <<<"$row"
near "$s" "$(calc "$d * $r / $c")"
near "$(value vms/web1/score schedule)" "$s"

# R x T / C, T as of the last sample
available() { [ "$(calc "$(value "$1/score" available) > 1")" = 1.000000 ]; }
for object in vms/web1 hosts/h1; do
    wait_for 10 available $object
    cp "$object/score" "$T/score"
    amount=$(value "$T/score" processors)
    [ "$amount" ] || amount=$(value "$T/score" cpus)
    available=$(value "$T/score" available) cost=$(value "$T/score" maintenance_cost)
    [ "$(calc "$available > 1")" = 1.000000 ]
    near "$(value "$T/score" management)" "$(calc "$amount * $available / $cost")"
done
same "$(value hosts/h1/score maintenance_cost)" 50.000000

# T goes on where it was after a restart.
before=$(value hosts/h1/score available)
cd "$T"
unmount_cloud
mount_again
cd "$M"
wait_for 10 reads hosts/h1/state up
after=$(value "$M/hosts/h1/score" available)
[ "$(calc "$after >= $before")" = 1.000000 ] || die "available went from $before to $after"

# The cloud's own score sums its members'.
put vms/web1 'cpus = 4' 'usage = 0.5' 'virtualization = test' 'memory = 64MiB'
wait_for 10 reads "$M/vms/web1/state" running
new_vm web2 'cpus = 2' 'usage = 0.5' 'virtualization = test' 'memory = 64MiB'
same "$(value "$M/score" performance)" 12.000000
has "$M/metrics" '# EOF'
same "$(tail -n 1 "$M/metrics")" '# EOF'
cd "$T"
unmount_cloud
