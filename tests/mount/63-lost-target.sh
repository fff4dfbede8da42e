#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The host that a VM moves to dies within the move, and may never be back: a VM that was off is free
# as soon as its own host says that it is there; what was left on the target goes when that is back.
. "$(dirname "$0")/lib.sh"

for host in one two; do
    daemon $host
    as_user mkdir "$T/$host/images"
    virsh_on $host pool-create-as default dir --target "$T/$host/images" >/dev/null
done
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
asking=
for vm in kept left; do
    op write vms/$vm/ctl 'migrate two' >"$T/$vm.said" &
    asking+=" $!"
done
wait $asking
same "$(cat "$T/kept.said" "$T/left.said" | xargs)" 'write EHOSTDOWN write EHOSTDOWN'
[ -s vms/left/error ]
wait_for 20 free kept
wait_for 20 free left
links vms/kept/host ../../hosts/one
is vms/kept/state running
for vm in kept left; do virsh_on one dumpxml --inactive $vm >"$T/$vm.xml"; done
gives ok rmdir vms/left
same "$(virsh_on one list --all --name | xargs)" kept

# Meanwhile cloudfs ends, too. Whatever the move has done there, this is the most of it.
cd "$T"
unmount_cloud
kill_daemon two
daemon two
for vm in kept left; do virsh_on two define $vm.xml >/dev/null; done
uuid=$(sed -n 's/.*<uuid>\(.*\)<.*/\1/p' left.xml)
virsh_on two vol-create-as default "cloudfs-$uuid.qcow2" 1M --format qcow2 >/dev/null
mount_again
cd "$M"
tidy() { [ "$(virsh_on two list --all --name | xargs)$(ls "$T/two/images")" = '' ]; }
wait_for 20 reads hosts/two/state up
gone vms/left
wait_for 20 tidy
gone vms/left
is vms/kept/state running
same "$(virsh_on one list --all --name | xargs)" kept
cd "$T"
unmount_cloud
