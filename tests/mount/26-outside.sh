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
