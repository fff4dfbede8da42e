#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hosts: from the configuration and by mkdir and a spec.
. "$(dirname "$0")/lib.sh"

mount_cloud "$(test_section fixed 8 16384 'zone = a')"
cd "$M/hosts"
wait_for 10 reads fixed/state up

# Names.
gives EINVAL mkdir -x
gives EINVAL mkdir 'a b'
gives EINVAL mkdir "$(printf '\303\274')"
gives EEXIST mkdir fixed

# A draft has no URI yet, and its spec is checked line by line.
gives ok mkdir h1
is h1/state draft
gives 'write EINVAL' write h1/spec $'url = test:///default\n'
has h1/error 'line 1.*url'
gives 'write EINVAL' write h1/spec $'cost = 0\n'
has h1/error cost
gives 'write EINVAL' write h1/spec $'uri = test:///default\nuri = test:///default\n'
has h1/error 'line 2'
case $(op write h1/spec $'uri = not a uri\n') in *EINVAL) ;; *) die 'a bad URI is accepted' ;; esac
gives 'write EINVAL' write h1/spec $'uri = test:///default\nmigrate_uri = bogus://x\n'
gives 'close EINVAL' write h1/spec $'zone = b\n'
has h1/error uri
is h1/state draft

# One that connects, and one that cannot.
put hosts/h1 "uri = $(test_host h1 16 32768)" 'zone = b' 'labels = ssd fast' 'reserved_cpus = 2'
wait_for 10 reads h1/state up
is h1/error ''
same "$(value h1/resources cpus)" 16
same "$(value h1/resources memory)" $((32768 * 1024 * 1024))
has h1/spec '^labels = ssd fast$'
gives ok mkdir lost
op write lost/spec "uri = test://$T/missing.xml"$'\n' >"$T/answer"
wait_for 10 reads lost/state down
has lost/error missing
gives ok rmdir lost

# A host of the configuration is the configuration's.
gives EPERM rmdir fixed
gives 'close EPERM' write fixed/spec "uri = $(test_host fixed 8 16384)"$'\nzone = c\n'
cp fixed/spec "$T/fixed.spec"
cp "$T/fixed.spec" fixed/spec

# Not while VMs run there.
new_vm one 'host = h1'
is ../vms/one/state running
links ../vms/one/host ../../hosts/h1
links h1/vms/one ../../../vms/one
gives EBUSY rmdir h1
has h1/error '1 VM'
gives ok rmdir ../vms/one
gives ok rmdir h1
gone h1
gives ENOENT rmdir h1

# The name is free again, and what comes is another object.
gives ok mkdir h1
is h1/spec ''
gives ok rmdir h1
cd "$T"
unmount_cloud
