#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A service's template changes: members follow it one at a time, and a bad one stops there.
. "$(dirname "$0")/lib.sh"

qemu-img create -q -f qcow2 "$T/one.qcow2" 8M
qemu-img create -q -f qcow2 "$T/two.qcow2" 8M
chmod a+rx "$T"
mount_cloud '[host local]' "uri = qemu:///embed?root=$T/embed"
wait_for 30 reads "$M/hosts/local/state" up
cd "$M/services"
template() { # FURTHER-LINES...
    printf '%s\n' 'replicas = 2' 'spread = none' '[vm]' 'virtualization = qemu' 'network = none' "$@"
}
uuid() { sed -n 's/.*<uuid>\(.*\)<.uuid>.*/\1/p' "../vms/$1/domain.xml"; }
start_of() { sed -n "1s/.*id='\([0-9]*\)'.*/\1/p" "../vms/$1/domain.xml"; }
settled() { reads web/state ready && [ "$(value web/score updated)" = 2 ]; }

mkdir web
gives 'write EINVAL' write web/spec $'max_unavailable = 0\n'
has web/error 'line 1: max_unavailable.*count.*percentage'
template 'memory = 32MiB' "image = $T/one.qcow2" >"$T/one"
gives ok write web/spec "$(cat "$T/one")"$'\n'
wait_for 30 settled
same "$(value web/score ready)" 2
first=$(uuid web-0) second=$(uuid web-1)

# What needs another image is replaced, one after the other.
sed "s/one.qcow2/two.qcow2/" "$T/one" >"$T/two"
gives ok write web/spec "$(cat "$T/two")"$'\n'
wait_for 60 settled
[ "$(uuid web-0)" != "$first" ] || die 'web-0 is what it was'
[ "$(uuid web-1)" != "$second" ] || die 'web-1 is what it was'
has ../vms/web-1/domain.xml 'qcow2'
# The second was not begun before the first was done.
grep -nE 'web-0 running|web-1 to be replaced' ../events | tail -n 2 >"$T/order"
has "$T/order" 'web-0 running'
same "$(sed -n 's/.*vms.\(web-[01]\).*/\1/p' "$T/order" | xargs)" 'web-0 web-1'
has ../events 'services/web rollout: 2 of 2 members to update'
has ../events 'services/web rollout done'

# What needs a restart keeps its disk, and its UUID.
first=$(uuid web-0)
started=$(start_of web-0)
sed 's/32MiB/48MiB/' "$T/two" >"$T/more"
gives ok write web/spec "$(cat "$T/more")"$'\n'
wait_for 60 settled
same "$(uuid web-0)" "$first"
[ "$started" ] && [ "$(start_of web-0)" != "$started" ] || die 'web-0 was not restarted'
has ../vms/web-1/domain.xml '>49152<'

# A template that cannot be made stops at the first; the other runs on as it was.
second=$(uuid web-1)
sed 's/two.qcow2/none.qcow2/' "$T/more" >"$T/bad"
op write web/spec "$(cat "$T/bad")"$'\n' >"$T/answer"
has "$T/answer" '^close E'
wait_for 20 shows web/error 'web-0: .*none.qcow2.*; the rollout stopped with 1 of 2 members to update'
reads web/state degraded
is ../vms/web-1/state running
same "$(uuid web-1)" "$second"
same "$(value web/score updated)" 1
same "$(value web/score ready)" 1

# Also after a crash of cloudfs; and the template as it was brings all back.
cd "$T"
kill_cloud
mount_again
cd "$M/services"
wait_for 20 reads web/state degraded
gives ok write web/spec "$(cat "$T/more")"$'\n'
wait_for 60 settled
is web/error ''
same "$(uuid web-1)" "$second"

# Scaled away to nothing.
gives ok write web/ctl $'scale 0\n'
wait_for 20 reads web/state ready
same "$(ls ../vms)" ''
rm -r web
wait_for 5 no_process_with "$T/embed/"
cd "$T"
unmount_cloud
