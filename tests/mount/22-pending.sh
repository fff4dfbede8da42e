#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A VM that fits nowhere now waits, and is placed when room appears.
. "$(dirname "$0")/lib.sh"

mount_cloud "$(test_section h1 4 4096 'cpu_overcommit = 1')"
wait_for 10 reads "$M/hosts/h1/state" up
cd "$M/vms"
mkdir a b c
gives 'write ENOSPC' write a/spec $'cpus = 5\n'
gives ok write a/spec $'cpus = 3\nmemory = 64MiB\n'
is a/state running
gives ok write b/spec $'cpus = 3\nmemory = 64MiB\n'
is b/state pending
has b/error cpus
has b/placement '^h1 +cpus'
gone b/host
gives ok write c/spec $'cpus = 1\nmemory = 64MiB\n'
is c/state running

# A pin to what is not there is refused, not kept waiting.
mkdir d
case $(op write d/spec $'host = nowhere\n') in *ENOSPC) ;; *) die 'a pin to no host is accepted' ;; esac
has d/error nowhere
case $(op write d/spec $'labels = gpu\n') in *ENOSPC) ;; *) die 'a label of no host is accepted' ;; esac
rmdir d

# A waiting VM can be changed and removed, and is placed when there is room.
gives ok write b/spec $'cpus = 2\nmemory = 64MiB\n'
is b/state pending
gives ok rmdir a
wait_for 5 reads b/state running
is b/error ''
same "$(readlink b/host)" ../../hosts/h1
has b/placement '^h1 +chosen'

# Room can also come with a host.
mkdir e
gives ok write e/spec $'cpus = 4\nmemory = 64MiB\n'
is e/state pending
mkdir ../hosts/h2
put hosts/h2 "uri = $(test_host h2 4 4096)" 'cpu_overcommit = 1'
wait_for 10 reads e/state running
same "$(readlink e/host)" ../../hosts/h2

# A change must not break anti-affinity either, nor move a VM out of the zone that it asks for.
rm -r b c
gives ok write e/spec $'cpus = 1\nmemory = 64MiB\nhost = h2\navoid = g\n'
mkdir f
gives ok write f/spec $'cpus = 1\nmemory = 64MiB\nhost = h2\n'
is f/state running
gives 'close ENOSPC' write f/spec $'cpus = 1\nmemory = 64MiB\navoid = g\n'
has f/error 'cannot stay on host h2: avoid: group g is here'
gives 'close ENOSPC' write f/spec $'cpus = 4\nmemory = 64MiB\n'
has f/error 'cpus: wants 4, 3 free of 4'
is f/spec $'cpus = 1\nmemory = 64MiB\nhost = h2'
gives ok write f/spec $'cpus = 1\nmemory = 64MiB\navoid = other\n'
cd "$T"
unmount_cloud
