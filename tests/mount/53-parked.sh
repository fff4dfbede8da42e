#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cloudfs is killed while somebody waits in rmdir(2) and the kernel has to hear of another name in
# the same directory: who waits gets an answer. (It was a thread of cloudfs in the kernel, waiting
# for the directory's lock, that kept the connection alive: nobody could be killed any more.)
. "$(dirname "$0")/lib.sh"

daemon one
mount_cloud 'grace = 0.2' '[host one]' "uri = $(uri one)" "$(test_section two 4 4096)"
cd "$M"
wait_for 20 reads hosts/one/state up
wait_for 10 reads hosts/two/state up
new_vm web1 'virtualization = qemu' 'host = one' 'memory = 32MiB' 'network = none'
new_vm other 'virtualization = test' 'memory = 32MiB'
wait_for 20 reads vms/web1/state running
is vms/other/state running

kill -STOP "$(daemon_pid one)"
rmdir vms/web1 2>"$T/said" &
waits=$!
wait_for 10 shows events 'vms/web1 removing'
rm specs/vms/other.ini
wait_for 10 shows events 'vms/other destroyed'
running $waits || die "rmdir ended while the daemon is stopped: $(cat "$T/said")"
cd "$T"

kill -KILL "$CLOUD"
wait_for 10 ended $waits
wait_for 10 ended "$CLOUD"
wait $waits && die 'rmdir says that the VM is gone' || true
wait "$CLOUD" 2>/dev/null || true
CLOUD=
unmounted

# What was begun is finished.
resume_daemon one
mount_again
wait_for 20 reads "$M/hosts/one/state" up
wait_for 10 gone "$M/vms/web1"
same "$(virsh_on one list --all --name | xargs)" ''
unmount_cloud
