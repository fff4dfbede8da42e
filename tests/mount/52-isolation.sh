#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A host that is stopped, one behind a network that is cut, one that accepts a connection and never
# answers, and a QEMU that is stuck, all at a time: nobody else notices. LONG=1: until the
# deadlines of what hangs on them have passed.
. "$(dirname "$0")/lib.sh"
RELAY=$(cd "$(dirname "$0")/../tool" && pwd)/relay.py
HELPERS=()

# What was stopped goes on, or it could not be ended.
ending() {
    local status=$?
    kill -CONT "$(daemon_pid bad)" "${STUCK:-$$}" 2>/dev/null
    kill -KILL "${HELPERS[@]}" 2>/dev/null
    [ -z "${CABLE:-}" ] || ip link delete "cfs$$" # a socket can hold its namespace for minutes
    [ $status = 0 ] || threads cloudfs-job >&2
    (exit $status)
    cleanup
}
trap 'at_end ending' EXIT

helper() { # OUTPUT COMMAND...: in the background, when it is ready
    "${@:2}" >"$T/$1.out" 2>&1 &
    HELPERS+=($!)
    wait_for 20 grep -qx ready "$T/$1.out"
}

# A network of two: the daemon NAME is at the other end.
cable() { # NAME
    local pid at=198.18.$(($$ % 256)) name=cfs$$
    helper cable unshare -n python3 "$RELAY" relay 0.0.0.0 16509 "$T/$1/run/libvirt/libvirt-sock"
    pid=${HELPERS[-1]}
    ip link add "$name" type veth peer name far netns "$pid"
    ip address add "$at.1/24" dev "$name"
    ip link set "$name" up
    nsenter -t "$pid" -n ip address add "$at.2/24" dev far
    nsenter -t "$pid" -n ip link set far up
    CABLE=$pid
    FAR=qemu+tcp://$at.2:16509/session
}
plug() { nsenter -t "$CABLE" -n ip link set far "$1"; } # up|down

threads() { grep -lx "$1" "/proc/$CLOUD"/task/*/comm 2>/dev/null | wc -l; } # NAME
at_most() { [ "$(threads "$1")" -le "$2" ]; }

daemon good
daemon bad
helper mute python3 "$RELAY" mute "$T/mute.sock"
HOSTS=('[host good]' "uri = $(uri good)" '[host bad]' "uri = $(uri bad)"
    '[host mute]' "uri = qemu+unix:///session?socket=$T/mute.sock" "$(test_section two 64 65536)")
if [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
    daemon far
    cable far
    HOSTS+=('[host far]' "uri = $FAR")
fi
# The first that is asked of the stuck guest must not be answered before the second is, below.
mount_cloud 'wait = 90' "${HOSTS[@]}"
cd "$M"
for host in good bad two ${CABLE:+far}; do wait_for 40 reads "hosts/$host/state" up; done
is hosts/mute/state connecting
for vm in good/web good/stuck bad/lost1 bad/lost2 ${CABLE:+far/away}; do
    new_vm "${vm#*/}" "host = ${vm%/*}" 'virtualization = qemu' 'memory = 32MiB' 'network = none'
done
for vm in web stuck lost1 lost2 ${CABLE:+away}; do wait_for 40 reads "vms/$vm/state" running; done

STUCK=$(pids_with guest=stuck)
kill -STOP "$STUCK" "$(daemon_pid bad)"
[ -z "${CABLE:-}" ] || plug down

# Several calls hang at each: with one, only the first may be told of its end.
for vm in lost1 lost2 stuck ${CABLE:+away}; do
    op write "vms/$vm/ctl" $'suspend\n' >"$T/$vm.answer" &
done
sleep 0.5

# All others, while they hang, and before any of them could have ended. Its own bound: reads and
# writes that waited for one of these would take as long as a deadline.
begun=$SECONDS
tar cf "$T/tree.tar" .
for i in 1 2 3 4 5 6 7 8 9; do
    new_vm "two$i" 'host = two' 'virtualization = test'
    is "vms/two$i/state" running
done
gives ok write vms/web/ctl $'suspend\n'
is vms/web/state paused
gives ok write vms/web/ctl $'resume\n'
new_vm more 'host = good' 'virtualization = qemu' 'memory = 32MiB' 'network = none'
gives ok rmdir vms/more
[ $((SECONDS - begun)) -lt $((9 * SLOW)) ] || die 'others had to wait'

# The hosts are found to be away, and what was asked of them ends with that.
wait_for 15 reads hosts/bad/state down
has hosts/bad/error '^host bad is down: '
has hosts/bad/resources '^cpus [1-9]'
for vm in lost1 lost2 ${CABLE:+away}; do
    wait_for 15 test -s "$T/$vm.answer"
    is "$T/$vm.answer" 'write EHOSTDOWN'
    is "vms/$vm/state" unknown
    gives 'write EHOSTDOWN' write "vms/$vm/ctl" $'resume\n'
done
[ -z "${CABLE:-}" ] || is hosts/far/state down

# A signal ends the wait for a job on the stuck guest at once; the job goes on.
"$TOOLS/op" write vms/stuck/ctl $'resume\n' >/dev/null 2>&1 &
waiter=$!
sleep 0.3
kill -TERM $waiter # SIGINT is ignored by what a script runs in the background
wait_for 3 ended $waiter

# What hangs holds few threads.
at_most cloudfs-job 40 || die "$(threads cloudfs-job) workers"

if [ "${LONG:-}" ]; then
    wait_for 70 shows hosts/mute/error '^host mute is down: no answer within 60 seconds$'
    wait_for 70 shows vms/stuck/error 'no answer within 60 seconds|Timed out|timed out'
    # Connecting was ended, and is tried again by another thread.
    at_most cloudfs-job 40 || die "$(threads cloudfs-job) workers"
fi

# They come back by themselves.
kill -CONT "$STUCK"
resume_daemon bad
[ -z "${CABLE:-}" ] || plug up
wait_for 40 reads hosts/bad/state up
for vm in lost1 lost2; do wait_for 20 shows "vms/$vm/state" '^(running|paused)$'; done
gives ok rmdir vms/lost1
wait_for 20 shows vms/stuck/state '^(running|paused)$'
if [ "${CABLE:-}" ]; then
    gives ok write hosts/far/ctl $'reconnect\n'
    wait_for 40 reads hosts/far/state up
    wait_for 20 shows vms/away/state '^(running|paused)$'
fi

# The end of the mount does not wait for any of them.
kill -STOP "$STUCK" "$(daemon_pid bad)"
[ -z "${CABLE:-}" ] || plug down
op write vms/stuck/ctl $'suspend\n' >/dev/null &
op write vms/lost2/ctl $'suspend\n' >/dev/null &
sleep 0.3
cd "$T"
kill -TERM "$CLOUD"
wait_for 15 ended "$CLOUD"
status=0
wait "$CLOUD" || status=$?
CLOUD=
same $status 0
fails mounted "$M"
