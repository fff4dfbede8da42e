#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cloudfs in a pid namespace of its own: it cannot see which process calls. Events say which user it
# was, a spec is not taken in half written, and no process is taken for another.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/users.bash"

unshare --pid --fork true 2>/dev/null || { echo 'not tried: no pid namespaces here'; exit 0; }
# A sanitizer that looks for leaks there finds no threads in /proc, which is not of that namespace.
printf '#!/bin/sh\nASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 exec unshare --pid --fork %q "$@"\n' \
    "$CLOUDFS" >apart
chmod 755 apart
CLOUDFS=$T/apart

OPTIONS=allow_other
mount_cloud "$(test_section h1 64 65536)"
wait_for 10 reads "$M/hosts/h1/state" up
chmod 1777 "$M/vms"

# That root has made an object, or tried to remove a folder, says nothing about others.
mkdir "$M/vms/of-root"
gives 'open EACCES' write "$M/vms/of-root/state" 'running'
gives EPERM rmdir "$M/vms"
gives_to alice ok mkdir "$M/vms/of-alice"
gives_to alice ok rmdir "$M/vms/of-alice"

# A child's close is not the writer's.
gives_to alice ok mkdir "$M/vms/ns"
alice bash -c "{ echo 'cpus = 3'; (true); echo 'memory = 48MiB'; } >'$M/vms/ns/spec'"
wait_for 10 reads "$M/vms/ns/state" running
is "$M/vms/ns/spec" $'cpus = 3\nmemory = 48MiB'
same "$(grep -c 'vms/ns spec written' "$M/events")" 1
has "$M/events" "vms/ns draft uid=$ALICE pid=0"
has "$M/events" "vms/ns spec written uid=$ALICE pid=0"
hasnt "$M/events" 'vms/ns running on h1 uid='
unmount_cloud
