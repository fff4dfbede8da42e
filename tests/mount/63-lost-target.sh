#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The host that a VM moves to dies within the move, and may never be back: a VM that was off is free
# as soon as its own host says that it is there.
. "$(dirname "$0")/lib.sh"

daemon one
daemon two
mount_cloud 'wait = 30' '[host one]' "uri = $(uri one)" '[host two]' "uri = $(uri two)"
cd "$M"
for host in one two; do wait_for 20 reads hosts/$host/state up; done
spec=('virtualization = qemu' 'memory = 32MiB' 'network = none' 'power = off')
for vm in kept left; do
    new_vm $vm "${spec[@]}" 'host = one'
    put vms/$vm "${spec[@]}"
done
free() { [ "$(op write "vms/$1/ctl" start)" = ok ]; } # VM

kill -STOP "$(daemon_pid two)"
gives 'write EHOSTDOWN' write vms/kept/ctl 'migrate two'
gives 'write EHOSTDOWN' write vms/left/ctl 'migrate two'
has vms/left/error two
wait_for 20 free kept
links vms/kept/host ../../hosts/one
is vms/kept/state running
gives ok rmdir vms/left
same "$(virsh_on one list --all --name | xargs)" kept
resume_daemon two
cd "$T"
unmount_cloud
