#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# OPS operations (2,000; a million in `make check-long`) of PROCS processes (2): the memory of cloudfs after the second
# half is what it was after the first, but for MOST KiB: a log of events that fills, and what is
# remembered of 65,536 files that changed by time. 8 bytes lost by an operation are seen in a
# million.
. "$(dirname "$0")/lib.sh"

ops=${OPS:-2000} most=${MOST:-4096} procs=${PROCS:-2}
mount_cloud "$(test_section h1 64 65536)" "$(test_section h2 64 65536)"
wait_for 10 reads "$M/hosts/h1/state" up
wait_for 10 reads "$M/hosts/h2/state" up
resident() { awk '/^VmRSS:/ { print $2 }' "/proc/$CLOUD/status"; } # KiB
descriptors() { ls "/proc/$CLOUD/fd" | wc -l; }

churn() { # FIRST: half of the operations
    local pids='' pid i
    for ((i = 0; i < procs; i++)); do
        "$TOOLS/churn" "$M" $((ops / 2 / procs)) $(($1 + i * 100000000)) >/dev/null &
        pids+=" $!"
    done
    for pid in $pids; do wait "$pid"; done
}
begin=$(resident) begun=$SECONDS
churn 0
middle=$(resident) open=$(descriptors)
churn 50000000
end=$(resident)
echo "count: $ops operations in $((SECONDS - begun)) s: $begin KiB before, $middle KiB in the middle, $end KiB in the end"
same "$(ls "$M/vms")$(ls "$M/services")" ''
[ "$(descriptors)" -le $((open + 8)) ] || die "$open descriptors, then $(descriptors)"
# A sanitizer keeps what was freed, for a while.
case $(readelf -W --dyn-syms "$(readlink -f "/proc/$CLOUD/exe")") in
*__asan_init* | *__tsan_init*) ;;
*) [ $((end - middle)) -le "$most" ] || die "it grew by $((end - middle)) KiB" ;;
esac
for host in h1 h2; do
    same "$(value "$M/hosts/$host/resources" cpus_allocated)" 0
done
unmount_cloud
