#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cloudfs is killed and mounted again: everything is as it was, and VMs never noticed.
. "$(dirname "$0")/lib.sh"

# Every path with its inode number, kind, link target, owner and mode; mtimes of what neither
# changes by sampling nor by connecting anew, and the contents of specs.
picture() {
    (
        cd "$M"
        find . ! -name events -printf '%i %y %p %l %U %m\n' | sort -k 3
        find . \( -name spec -o -name placement -o -path './vms/*/state' \) -printf '%p %T@\n' | sort
        find . -type d -printf '%p %T@\n' | sort
        find . -name spec | sort | while read -r spec; do echo "$spec: $(cat "$spec")"; done
    )
}

daemon one
mount_cloud '[host one]' "uri = $(uri one)"
cd "$M"
wait_for 20 reads hosts/one/state up
new_vm web1 'virtualization = qemu' 'memory = 32MiB' 'network = none' '# remark'
mkdir vms/draft services/web
put services/web 'replicas = 2' 'spread = none' '[vm]' 'virtualization = qemu' 'memory = 32MiB' 'network = none'
wait_for 30 reads services/web/state ready
mkdir vms/short
put vms/short 'virtualization = qemu' 'memory = 32MiB' 'network = none'
old=$(inode vms/short)
rmdir vms/short
touch -d '2020-02-02 02:02:02.123456789 UTC' vms/web1/spec
chmod 750 vms/web1
cd "$T"
picture >before
pids=$(virsh_on one list --uuid | sort | xargs)
events=$(head -n 3 "$M/events")

stat "$M" >/dev/null # the kernel has it now, and after the end too
kill -KILL "$CLOUD"
wait "$CLOUD" 2>/dev/null || true
CLOUD=
said=$("$CLOUDFS" -c "$T/cloudfs.conf" "$M" 2>&1 || true)
same "$said" "cloudfs: $M is what a dead mount left; try: fusermount3 -u $M"
unmounted
same "$(virsh_on one list --uuid | sort | xargs)" "$pids"
mount_again
wait_for 20 reads "$M/hosts/one/state" up
wait_for 20 reads "$M/services/web/state" ready
picture >after
diff before after || die 'the tree changed'
same "$(virsh_on one list --uuid | sort | xargs)" "$pids"
same "$(head -n 3 "$M/events")" "$events"
same "$(stat -c %.9Y "$M/vms/web1/spec")" 1580608922.123456789

# Numbers are never used twice, of removed ones neither.
mkdir "$M/vms/new"
[ "$(inode "$M/vms/new")" -gt "$old" ]

# Killed in the middle of a creation: afterwards it is there whole, or it can be made.
mkdir "$M/vms/late"
op write "$M/vms/late/spec" $'virtualization = qemu\nmemory = 32MiB\nnetwork = none\n' >late &
sleep 0.1
kill_cloud
wait $! || true
mount_again
wait_for 20 reads "$M/hosts/one/state" up
case $(cat "$M/vms/late/state") in
draft) put vms/late 'virtualization = qemu' 'memory = 32MiB' 'network = none' ;;
esac
wait_for 20 reads "$M/vms/late/state" running
same "$(virsh_on one list --all --name | grep -c late)" 1
rm -r "$M/vms/late" "$M/vms/web1" "$M/vms/new" "$M/vms/draft" "$M/services/web"
same "$(virsh_on one list --all --name | xargs)" ''
unmount_cloud
