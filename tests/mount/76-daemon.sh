#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A daemon hangs and goes on, or dies in the middle of a job; a VM's process hangs or dies: the rest
# goes on, and everything is found again by itself, once.
. "$(dirname "$0")/lib.sh"

daemon one
mount_cloud '[host one]' "uri = $(uri one)" "$(test_section two 4 4096)"
cd "$M"
wait_for 20 reads hosts/one/state up
small=('virtualization = qemu' 'memory = 32MiB' 'network = none')
new_vm web1 "${small[@]}"
new_vm web2 "${small[@]}" 'restart = never'
uuid=$(virsh_on one domuuid web1)
once() { [ "$(virsh_on one list --all --name | grep -cx "$1")" = 1 ]; }

# Hung: nobody else waits, and what is asked of it is refused or goes on when it does.
kill -STOP "$(daemon_pid one)"
begun=$SECONDS
tar cf "$T/tree.tar" --exclude=events .
new_vm other 'virtualization = test'
[ $((SECONDS - begun)) -lt $((5 * SLOW)) ] || die 'a hung daemon held up others'
wait_for 20 reads hosts/one/state down
[ -s hosts/one/error ]
is vms/web1/state unknown
gives 'write EHOSTDOWN' write vms/web1/ctl $'suspend\n'
has vms/web1/error 'one'
gives EHOSTDOWN rmdir vms/web1
gives 'close EHOSTDOWN' write vms/web1/spec $'virtualization = qemu\nmemory = 48MiB\nnetwork = none\n'
has vms/web1/spec '^memory = 32MiB$'
resume_daemon one
wait_for 60 reads hosts/one/state up
wait_for 10 reads vms/web1/state running
same "$(virsh_on one domuuid web1)" "$uuid"
gives ok write vms/web1/ctl $'suspend\n'
wait_for 5 reads vms/web1/state paused
gives ok write vms/web1/ctl $'resume\n'

# Hung, then killed, while a VM is made: it is made when there is a daemon again, and once.
mkdir vms/late
kill -STOP "$(daemon_pid one)"
op write vms/late/spec "$(printf '%s\n' "${small[@]}")"$'\n' >"$T/late" &
wait_for 5 reads vms/late/state creating
kill_daemon one
wait $! || true
case $(cat "$T/late") in ok | 'close EHOSTDOWN') ;; *) die "making it answered $(cat "$T/late")" ;; esac
daemon one
wait_for 60 reads hosts/one/state up
wait_for 20 reads vms/late/state running
once late
gives ok rmdir vms/late
fails once late

# Its process is killed: started again, unless its spec says otherwise.
kill -KILL "$(pids_with guest=web1)"
died() { grep -q 'vms/web1 started again' events; }
wait_for 10 died
wait_for 10 reads vms/web1/state running
same "$(virsh_on one domuuid web1)" "$uuid"
kill -KILL "$(pids_with guest=web2)"
wait_for 10 reads vms/web2/state shutoff
hasnt events 'vms/web2 started again'

# Its process hangs: it can be read, others on its host can be told what to do, and it goes on.
gives ok write vms/web2/ctl $'start\n'
process=$(pids_with guest=web1)
kill -STOP "$process"
begun=$SECONDS
tar cf "$T/tree.tar" --exclude=events .
[ $((SECONDS - begun)) -lt $((5 * SLOW)) ] || die 'a hung VM held up readers'
gives ok write vms/web2/ctl $'suspend\n'
wait_for 10 reads vms/web2/state paused
kill -CONT "$process"
wait_for 60 reads hosts/one/state up
resumed() { [ "$(op write vms/web1/ctl 'suspend')" = ok ] && reads vms/web1/state paused; }
wait_for 30 resumed
rm -r vms/*
same "$(virsh_on one list --all --name | xargs)" ''
cd "$T"
unmount_cloud
