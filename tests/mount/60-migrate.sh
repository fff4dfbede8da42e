#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# VMs that move between hosts: real QEMU guests between real daemons, and what cannot move.
. "$(dirname "$0")/lib.sh"

"$(dirname "$0")/../demo/guest.sh" "$GUEST"
cp "$GUEST/vmlinuz" "$GUEST/initrd" "$T/"
chmod a+r "$T/vmlinuz" "$T/initrd"
daemon one
daemon two
for host in one two; do # disks of its own for each
    as_user mkdir "$T/$host/images"
    virsh_on "$host" pool-create-as default dir --target "$T/$host/images" >/dev/null
done
# A move of an emulated guest may take long: who asked for it is answered when it is over.
mount_cloud 'wait = 90' '[host one]' "uri = $(uri one)" 'zone = a' '[host two]' "uri = $(uri two)" \
    "$(test_section t1 4 4096)" "$(test_section t2 4 2048)"
cd "$M/vms"
for host in one two t1 t2; do wait_for 20 reads "$M/hosts/$host/state" up; done
on() { same "$(readlink "$1/host")" "../../hosts/$2"; } # VM HOST
# The domain is on the first of the hosts, and on it only.
lives() { # VM HOST OTHER
    [ "$(virsh_on "$2" list --all --name | grep -cx "$1")" = 1 ] &&
        [ "$(virsh_on "$3" list --all --name | grep -cx "$1")" = 0 ]
}

# What cannot: the errno says why, and nothing has changed.
new_vm paper 'virtualization = test' 'memory = 1GiB' 'host = t1'
gives 'write EINVAL' write paper/ctl 'migrate'
gives 'write EINVAL' write paper/ctl 'migrate nowhere'
has paper/error nowhere
gives 'write EPERM' write paper/ctl 'migrate t2'
has paper/error 'pin|host'
put vms/paper 'virtualization = test' 'memory = 3GiB'
gives 'write ENOSPC' write paper/ctl 'migrate t2'
has paper/error 'memory'
put vms/paper 'virtualization = test' 'memory = 1GiB'
gives 'write EOPNOTSUPP' write paper/ctl 'migrate two'
gives 'write EOPNOTSUPP' write paper/ctl 'migrate t2'
has paper/error 'while it runs'
echo drain >../hosts/t2/ctl
gives 'write EBUSY' write paper/ctl 'migrate t2'
echo activate >../hosts/t2/ctl
gives ok write paper/ctl 'migrate t1'
on paper t1
is paper/state running
# One that is off and has no disk can, with any driver.
echo destroy >paper/ctl
gives ok write paper/ctl 'migrate t2'
on paper t2
is paper/error ''
gone ../hosts/t1/vms/paper
links ../hosts/t2/vms/paper ../../../vms/paper
echo start >paper/ctl
is paper/state running
# What is no host's link, or would be another name, says so.
for target in nowhere hosts/t1 ../../hosts/ "$M/hosts/t1" ../../vms/t1; do
    fails ln -sfn ../../hosts/nowhere paper/host
    has paper/error 'nowhere'
    [[ $(ln -sfn "$target" paper/host 2>&1 || true) == *'Invalid argument'* ]] || die "a link to $target"
    is paper/error 'the link to a host is ../../hosts/NAME'
done
gives EINVAL rename ../hosts/t2/vms/paper ../hosts/t1/vms/other
has paper/error 'keeps its name'
on paper t2

# A guest that runs goes on running.
new_vm web1 'virtualization = qemu' 'memory = 128MiB' "kernel = $T/vmlinuz" "initrd = $T/initrd" \
    'cmdline = console=ttyS0 quiet name=web1' 'network = none' 'disk = 8MiB'
first=$(basename "$(readlink web1/host)") second=two
[ "$first" = one ] || second=one
sleep $((2 * SLOW)) # until its kernel runs
uuid=$(grep '<uuid>' web1/domain.xml)
ino=$(inode web1/spec)
fails ln -sfn ../../hosts/nowhere web1/host
fails ln -sfn nowhere web1/host
on web1 "$first"
ln -sfn "../../hosts/$second" web1/host
on web1 "$second"
is web1/state running
is web1/error ''
lives web1 "$second" "$first"
same "$(grep '<uuid>' web1/domain.xml)" "$uuid"
same "$(inode web1/spec)" "$ino"
same "$(ls web1 | grep -v -x -e spec -e state -e ctl -e score -e metrics -e placement -e error -e domain.xml -e host)" ''
has ../events "vms/web1 moved to $second"
# Its disk came along, and is not left behind.
has web1/domain.xml "$T/$second/images/"
same "$(ls "$T/$first/images")" ''

# By moving its link, and only with its name and to a host.
fails mv "../hosts/$second/vms/web1" "../hosts/$first/vms/other"
mv "../hosts/$second/vms/web1" "../hosts/$first/vms/"
on web1 "$first"
gone "../hosts/$second/vms/web1"
links "../hosts/$first/vms/web1" ../../../vms/web1
lives web1 "$first" "$second"

# A tree that is put back moves nothing, though its links differ.
mkdir "$T/old" "$T/old/web1"
ln -s "../../hosts/$second" "$T/old/web1/host"
rsync -a "$T/old/web1/" web1/ || true
sleep 0.5
on web1 "$first"

# cloudfs is killed in the middle: afterwards the VM is found once, and not moved again.
cd "$T"
op write "$M/vms/web1/ctl" "migrate $second" >late &
sleep 0.7
writer=$!
kill -KILL "$CLOUD"
wait "$CLOUD" 2>/dev/null || true
wait "$writer" || true # its file is closed then
unmounted
mount_again
settled() { lives web1 "$1" "$2" && [ "$(readlink "$M/vms/web1/host")" = "../../hosts/$1" ]; }
anywhere() { settled "$first" "$second" || settled "$second" "$first"; }
wait_for 20 anywhere
cd "$M/vms"
wait_for 10 reads web1/state running
control() { [ "$(op write web1/ctl 'resume')" = ok ]; }
wait_for 20 control
anywhere

# Off, its disk is in the way.
now=$(basename "$(readlink web1/host)") other=$first
[ "$now" != "$first" ] || other=$second
echo destroy >web1/ctl
gives 'write EOPNOTSUPP' write web1/ctl "migrate $other"
has web1/error 'disk'
on web1 "$now"
rm -r web1

# A host is drained: its moves can be read before, and who stays, with why.
on paper t2
wait_for 5 shows ../hosts/t2/moves '^paper t2 - stays: .*while it runs'
sleep 2.5 # no other change has it told anew
echo destroy >paper/ctl
wait_for 5 shows ../hosts/t2/moves '^paper t2 t1 '
new_vm fixed 'virtualization = test' 'host = t2' 'power = off'
echo drain >../hosts/t2/ctl
wait_for 10 links paper/host ../../hosts/t1
is ../hosts/t2/state maintenance
has ../hosts/t2/error 'fixed'
wait_for 5 shows ../hosts/t2/moves '^fixed t2 - stays: '
on fixed t2
echo activate >../hosts/t2/ctl
rm -r fixed paper

# The cloud is rebalanced: two that are alone on their hosts pay to be together.
new_vm left 'virtualization = test' 'memory = 512MiB' 'host = t1' 'power = off'
new_vm right 'virtualization = test' 'memory = 512MiB' 'host = t2' 'power = off'
put vms/left 'virtualization = test' 'memory = 512MiB' 'power = off'
put vms/right 'virtualization = test' 'memory = 512MiB' 'power = off'
wait_for 5 shows ../rebalance '^(left t1 t2|right t2 t1) \+'
same "$(readlink left/host)$(readlink right/host)" ../../hosts/t1../../hosts/t2
fails sh -c 'echo now >../rebalance'
echo apply >../rebalance
together() { [ "$(readlink left/host)" = "$(readlink right/host)" ]; }
wait_for 10 together
wait_for 5 shows ../rebalance '^# 0 moves'
hasnt ../rebalance stopped
rm -r left right
same "$(virsh_on one list --all --name | xargs)$(virsh_on two list --all --name | xargs)" ''
same "$(ls "$T/one/images" "$T/two/images" | grep -v -e : -e '^$' || true)" ''
cd "$T"
unmount_cloud
