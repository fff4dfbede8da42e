#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A host whose daemon dies: everything stays readable, and it is found again by itself.
. "$(dirname "$0")/lib.sh"

daemon one
mount_cloud 'grace = 1' '[host one]' "uri = $(uri one)" "$(test_section two 4 4096)"
cd "$M"
wait_for 20 reads hosts/one/state up
new_vm web1 'virtualization = qemu' 'host = one' 'memory = 32MiB' 'network = none'
wait_for 20 reads vms/web1/state running
spec=$(cat vms/web1/spec)

kill_daemon one
wait_for 5 reads hosts/one/state down
[ -s hosts/one/error ]
wait_for 5 reads vms/web1/state unknown

# Read everything, in less time than any connection would take.
begun=$SECONDS
tar cf "$T/tree.tar" .
[ $((SECONDS - begun)) -lt $((5 * SLOW)) ] || die 'reading took long'
same "$(cat vms/web1/spec)" "$spec"
same "$(readlink vms/web1/host)" ../../hosts/one
case $(op write vms/web1/ctl $'suspend\n') in *EHOSTDOWN) ;; *) die 'a verb reached a host that is down' ;; esac
[ -s vms/web1/error ]

# Others go on as if nothing were.
new_vm other 'virtualization = test'
is vms/other/state running
gives ok rmdir vms/other

# The host is back: so is its VM, which never stopped.
daemon one
wait_for 30 reads hosts/one/state up
wait_for 10 reads vms/web1/state running
is hosts/one/error ''
has events 'hosts/one.*(down|lost)'
gives ok write vms/web1/ctl $'suspend\n'
wait_for 5 reads vms/web1/state paused

# What happened while nobody looked is found out: the VM's process ended.
kill_daemon one
wait_for 5 reads hosts/one/state down
kill -KILL "$(pids_with guest=web1)"
daemon one
wait_for 30 reads hosts/one/state up
wait_for 20 reads vms/web1/state running

# What was removed from specs/ meanwhile goes.
kill_daemon one
wait_for 5 reads hosts/one/state down
gives EHOSTDOWN rmdir vms/web1
gives ok unlink specs/vms/web1.ini
sleep 1.5
is vms/web1/state unknown
fails test -e specs/vms/web1.ini
daemon one
wait_for 30 reads hosts/one/state up
wait_for 10 gone vms/web1
same "$(virsh_on one list --all --name | xargs)" ''
cd "$T"
unmount_cloud
