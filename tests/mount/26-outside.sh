#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What other tools do on a host shows here, and can be taken over.
. "$(dirname "$0")/lib.sh"

daemon one
daemon two
foreign one web1
mount_cloud '[host one]' "uri = $(uri one)" '[host two]' "uri = $(uri two)"
cd "$M/vms"
wait_for 20 reads "$M/hosts/one/state" up
wait_for 20 reads "$M/hosts/two/state" up

# It is there, with a spec that tells what it is, and left alone.
wait_for 5 reads web1/state running
same "$(readlink web1/host)" ../../hosts/one
has web1/spec '^cpus = 1$'
has web1/spec '^memory = 32MiB$'
gives EPERM rmdir web1
has web1/error adopt
is web1/state running
same "$(stat -c %a web1 web1/spec | xargs)" '755 644'

# A spec that another cloud left in a domain may hold passwords: it is for the owner.
virsh_on one create /dev/stdin >/dev/null <<XML
<domain type='qemu'>
  <name>theirs</name>
  <metadata><cloudfs:object xmlns:cloudfs='urn:cloudfs:1'
    cloud='11111111-1111-1111-1111-111111111111' id='77' name='theirs'
    ><cloudfs:spec># hunter2
memory = 32MiB
</cloudfs:spec></cloudfs:object></metadata>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
</domain>
XML
wait_for 2 reads theirs/state running
has theirs/spec hunter2
same "$(stat -c %a theirs theirs/spec | xargs)" '700 600'
virsh_on one destroy theirs >/dev/null
wait_for 2 gone theirs

# Nor is a copy of a VM its own, as virt-clone makes one, or a domain with a spec that is none: the
# mark alone does not make them cloudfs's to remove or to start again.
new_vm mine 'memory = 32MiB' 'host = one' '# copied'
copy() { # NAME [SED-COMMAND]: of the domain that runs
    virsh_on one dumpxml mine | sed -E "s|<uuid>.*|<uuid>$(cat /proc/sys/kernel/random/uuid)</uuid>|
        s|<name>.*|<name>$1</name>|; /<(mac|seclabel|label|imagelabel|alias) /d; ${2:-}" >"$T/copy.xml"
    virsh_on one create "$T/copy.xml" >/dev/null
    wait_for 5 reads "$1/state" running
}
copy mine-clone
copy odd 's|id="[0-9]+"|id="999999"|; s|# copied|no key|'
for vm in mine-clone odd; do
    gives EPERM rmdir $vm
    has $vm/error adopt
    gone "$M/specs/vms/$vm.ini"
    virsh_on one destroy $vm >/dev/null
    wait_for 5 gone $vm
done
is mine/state running
rmdir mine

# Made, paused, stopped and removed behind our back: within a second or so.
foreign one web2
wait_for 2 reads web2/state running
virsh_on one suspend web2 >/dev/null
wait_for 2 reads web2/state paused
virsh_on one resume web2 >/dev/null
wait_for 2 reads web2/state running
virsh_on one destroy web2 >/dev/null
wait_for 2 gone web2

# The same name on two hosts.
foreign two web1
wait_for 2 test -e web1@two/state
same "$(readlink web1@two/host)" ../../hosts/two
same "$(readlink web1/host)" ../../hosts/one
virsh_on two destroy web1 >/dev/null
wait_for 2 gone web1@two
is web1/state running

# Writing the spec adopts it: the domain stays, and rmdir is allowed from then on.
id=$(virsh_on one domuuid web1 | xargs)
{ cat web1/spec; echo '# mine now'; } >"$T/spec"
cp "$T/spec" web1/spec
has web1/spec 'mine now'
is web1/state running
same "$(virsh_on one domuuid web1 | xargs)" "$id"
virsh_on one dumpxml web1 | grep -q urn:cloudfs:1
gives ok rmdir web1
fails virsh_on one domuuid web1
gone web1
cd "$T"
unmount_cloud
