#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Real guests, while they run, between real daemons: a host is drained, the cloud is rebalanced, and
# a VM that somebody else moved is found where it is.
. "$(dirname "$0")/lib.sh"

"$(dirname "$0")/../demo/guest.sh" "$GUEST"
cp "$GUEST/vmlinuz" "$GUEST/initrd" "$T/"
chmod a+r "$T/vmlinuz" "$T/initrd"
daemon one
daemon two
mount_cloud 'rebalance_gain = 0.01' 'rebalance_hold = 0' '[host one]' "uri = $(uri one)" \
    '[host two]' "uri = $(uri two)"
cd "$M/vms"
for host in one two; do wait_for 20 reads "$M/hosts/$host/state" up; done
guest=('virtualization = qemu' 'cpus = 1' 'memory = 96MiB' "kernel = $T/vmlinuz"
    "initrd = $T/initrd" 'cmdline = console=ttyS0 quiet' 'network = none')
# The domain runs there, and only there, and is the one it was.
runs() { # VM HOST OTHER
    [ "$(readlink "$1/host")" = "../../hosts/$2" ] &&
        [ "$(virsh_on "$2" domstate "$1" 2>&1)" = running ] &&
        [ "$(virsh_on "$3" list --all --name | grep -cx "$1")" = 0 ] &&
        [ "$(cat "$1/state")" = running ]
}
new_vm left "${guest[@]}" 'host = one'
new_vm right "${guest[@]}" 'host = two'
put vms/left "${guest[@]}"
put vms/right "${guest[@]}"
runs left one two
runs right two one
sleep $((2 * SLOW)) # until their kernels run

# Each alone on a host: together is better. Reading moves nothing.
wait_for 10 shows ../rebalance '^(left one two|right two one) \+'
runs left one two
runs right two one
echo apply >../rebalance
together() { runs left one two && runs right one two || { runs left two one && runs right two one; }; }
wait_for 40 together
wait_for 10 shows ../rebalance '^# 0 moves'
hasnt ../rebalance stopped
has ../events 'moved to'

# The host that has them is drained: its moves first, then all go, and go on.
now=$(basename "$(readlink left/host)") other=two
[ "$now" = one ] || other=one
wait_for 10 shows "../hosts/$now/moves" '^# drain: 2 of 2 VMs go, 0 stay'
has "../hosts/$now/moves" "^left $now $other "
echo drain >"../hosts/$now/ctl"
wait_for 60 runs left "$other" "$now"
wait_for 60 runs right "$other" "$now"
is "../hosts/$now/state" maintenance
is "../hosts/$now/error" ''
same "$(virsh_on "$now" list --all --name | xargs)" ''
echo activate >"../hosts/$now/ctl"

# Somebody else moves one back.
virsh_on "$other" migrate --live --persistent --undefinesource --p2p --tunnelled left \
    "$(uri "$now")" >"$T/migrate.out" 2>&1 ||
    virsh_on "$other" migrate --live --persistent --undefinesource left "$(uri "$now")" \
        --migrateuri "unix://$T/$now/moved.sock" >"$T/migrate.out" 2>&1 ||
    die "virsh migrate: $(cat "$T/migrate.out")"
wait_for 20 runs left "$now" "$other"
is left/error ''
has ../events 'vms/left'
same "$(ls "../hosts/$now/vms")" left
# It is still ours: what it is asked is done, where it is.
echo suspend >left/ctl
is left/state paused
same "$(virsh_on "$now" domstate left)" paused
echo resume >left/ctl
rm -r left right
same "$(virsh_on one list --all --name | xargs)$(virsh_on two list --all --name | xargs)" ''
cd "$T"
unmount_cloud
