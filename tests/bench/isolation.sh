#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What hosts that hang cost everybody else: reads of all files of all VMs (theirs too), and creating
# VMs on another host, while nothing hangs and while a daemon is stopped with calls under way and
# MUTE hosts (32) accept a connection and never answer. They take turns, ROUNDS (5) times READ
# seconds (3) and CREATE VMs (300); medians of the rounds.
export T
T=$(mktemp -d "${TMPDIR:-/tmp}/cloudfs-bench.XXXXXX")
chmod 755 "$T"
export GUEST=${GUEST:-$T/guest}
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/mount/lib.sh"
MUTE=${MUTE:-32} ROUNDS=${ROUNDS:-5} READ=${READ:-3} CREATE=${CREATE:-300}

ending() {
    local status=$?
    set +e
    kill -CONT "$(daemon_pid away)" 2>/dev/null
    [ -z "${MUTES:-}" ] || { kill -KILL "$MUTES" && wait "$MUTES"; } 2>/dev/null
    [ -z "${CLOUD:-}" ] || { kill "$CLOUD" && wait "$CLOUD"; }
    CLOUD=
    (cleanup) # it exits
    rm -rf "$T"
    exit $status
}
trap ending EXIT

hang() {
    local i
    kill -STOP "$(daemon_pid away)"
    for i in 1 2; do op write "$M/vms/away$i/ctl" $'suspend\n' >/dev/null & done
    for ((i = 0; i < MUTE; i++)); do
        mkdir "$M/hosts/mute$i"
        op write "$M/hosts/mute$i/spec" "uri = qemu+unix:///session?socket=$T/mute.sock"$'\n' >/dev/null &
    done
    sleep 0.5
}

go_on() {
    kill -CONT "$(daemon_pid away)"
    rmdir "$M"/hosts/mute*
    wait_for 60 reads "$M/hosts/away/state" up
    for i in 1 2; do op write "$M/vms/away$i/ctl" $'resume\n' >/dev/null; done
}

measure() { # CASE: appends to files, of reads and of creates, "median percentile"
    "$LOAD" read "$READ" <"$T/files" >>"$T/$1.reads"
    "$LOAD" each "$M/vms" "$next" "$CREATE" >>"$T/$1.creates"
    wait_for 60 none_left
    next=$((next + CREATE))
}
none_left() { rmdir "$M"/vms/bench*; } # some may have a job under way
median() { sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
row() { # WHAT COLUMN FILE UNIT
    local calm hung
    calm=$(cut -d ' ' -f "$2" "$T/calm.$3" | median)
    hung=$(cut -d ' ' -f "$2" "$T/hung.$3" | median)
    printf '%-32s %10s %10s %4s %8.2f\n' "$1" "$calm" "$hung" "$4" "$(awk "BEGIN { print $hung / $calm }")"
}

daemon away
python3 "$here/tool/relay.py" mute "$T/mute.sock" >/dev/null &
MUTES=$!
mount_cloud '[host away]' "uri = $(uri away)" 'cost = 1000' "$(test_section work 4096 4194304)"
wait_for 60 reads "$M/hosts/away/state" up
for i in 1 2; do new_vm "away$i" 'host = away' 'virtualization = qemu' 'memory = 32MiB' 'network = none'; done
for ((i = 0; i < 100; i++)); do new_vm "vm$i" 'host = work' 'virtualization = test' 'memory = 64MiB'; done
find "$M"/vms/*/ "$M"/hosts/*/ -maxdepth 1 -type f ! -name ctl >"$T/files"
next=0
for ((round = 0; round < ROUNDS; round++)); do
    measure calm
    hang
    measure hung
    go_on
done
echo "beside a stopped daemon and $MUTE hosts that never answer"
printf '%-32s %10s %10s %4s %8s\n' '' calm hanging '' ratio
row 'read, median' 1 reads us
row 'read, 99th percentile' 2 reads us
row 'create, median' 1 creates ms
row 'create, 99th percentile' 2 creates ms
echo 'aim: 1.2'
