#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Watching: tail -F, poll(2), watch; readers that are killed; nothing blocks.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tools.bash"

need watch tail
configure "$(test_section h1 16 8192)"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
new_vm web1 'memory = 32MiB'
cd "$M"

# Nothing happens, nobody is woken.
gives timeout poll events 1
gives timeout poll vms/web1/state 1
gives timeout poll vms/web1/error 1
gives timeout poll vms/web1/score 1 # a sample is no event
gives timeout poll hosts/h1/resources 1

# A change wakes everyone who waits for it, at once, and no one else.
pids=
for i in 1 2 3 4 5; do
    op poll vms/web1/state 20 >"$T/state.$i" &
    pids="$pids $!"
done
op poll events 20 >"$T/events" &
pids="$pids $!"
sleep 0.7
begun=$(date +%s%N)
echo suspend >vms/web1/ctl
mkdir vms/other
# shellcheck disable=SC2086 # pids
wait $pids
[ $((($(date +%s%N) - begun) / 1000000)) -lt $((2000 * SLOW)) ] || die 'poll woke late'
for file in events state.1 state.2 state.3 state.4 state.5; do
    is "$T/$file" changed
done
is vms/web1/state paused
op poll vms/web1/error 20 >"$T/error" &
sleep 0.5
fails sh -c 'echo "cpus = none" >vms/web1/spec'
wait $!
is "$T/error" changed

# A VM that goes wakes its watchers too.
op poll vms/web1/state 20 >"$T/last" &
sleep 0.5
rm -r vms/web1
wait $!
is "$T/last" changed

# tail, by name: each line once, in order.
tail -n 0 -F events >"$T/tail" 2>"$T/said" &
tail=$!
sleep 0.5
for i in 1 2 3 4 5; do
    new_vm "w$i" 'memory = 32MiB'
done
rm -r vms/w2
wait_for 5 shows "$T/tail" 'vms/w2 destroyed'
kill $tail
wait $tail 2>/dev/null || true
for i in 1 2 3 4 5; do
    same "$(grep -c "vms/w$i spec written" "$T/tail")" 1
done
awk 'last && $1 != last + 1 { exit 1 } { last = $1 }' "$T/tail"
tail -n "$(wc -l <"$T/tail")" events >"$T/end"
cmp "$T/end" "$T/tail"

# watch(1) shows a file that changes by itself.
TERM=xterm timeout 4 script -qfc 'watch -n 1 -t cat score' "$T/watched" >/dev/null </dev/null || true
has "$T/watched" performance

# Readers that are killed leave at once, whatever they wait for.
killed() { # COMMAND...
    "$@" >/dev/null 2>&1 &
    local pid=$! end=$((SECONDS + 3 * SLOW))
    sleep 0.3
    kill -KILL $pid
    while [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do
        [ $SECONDS -lt $end ] || die "cannot be killed: $*"
        sleep 0.05
    done
    wait $pid 2>/dev/null || true
}
killed "$TOOLS/op" poll events 60
killed "$TOOLS/op" poll vms/w1/state 60
killed tail -f events
killed cat /dev/zero
killed sh -c 'exec 3>vms/w1/spec; exec sleep 60'
killed sh -c 'exec 3>vms/w1/ctl; exec sleep 60'
has vms/w1/spec memory
is vms/w1/state running

# A hundred at once leave the mount as quick as it was.
pids=
for i in $(seq 100); do
    "$TOOLS/op" poll events 60 >/dev/null &
    pids="$pids $!"
done
quiet timeout $((5 * SLOW)) ls -lR .
quiet timeout $((5 * SLOW)) grep -rs . .
# shellcheck disable=SC2086 # pids
kill $pids
# shellcheck disable=SC2086
wait $pids 2>/dev/null || true
new_vm after 'memory = 32MiB'
cd "$T"
unmount_cloud
