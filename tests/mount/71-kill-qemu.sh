#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cloudfs is killed at the failpoints of operations on real VMs with disks, in the embedded QEMU
# driver, and mounted again: a VM is as it was or as was asked; no process, disk, seed, definition
# or reservation is anybody else's. walk.bash says what KILL_* choose.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/walk.bash"
KILL_POINTS=${KILL_POINTS:-create.seed|destroy.undefined}

mkdir "$T/images"
qemu-img create -q -f raw "$T/images/base.img" 1M
chmod -R a+rX "$T/images"
BASE=$'virtualization = qemu\nmemory = 32MiB\nnetwork = none\nuser_data = #cloud-config\n'"image = $T/images/base.img"$'\n'
OLD=$BASE$'disk = 2MiB\n' NEW=$BASE$'disk = 3MiB\n'
write() { "$TOOLS/op" write "$M/$1" "$2" >/dev/null || true; }
make() { mkdir "$M/vms/a" && gives ok write "$M/vms/a/spec" "$1"; }

before_create() { mkdir "$M/vms/a"; }
do_create() { write vms/a/spec "$OLD"; }
after_create() { one_of draft '2097152 running'; }

before_change() { make "$OLD"; }
do_change() { write vms/a/spec "$NEW"; }
after_change() { one_of '2097152 running' '3145728 running'; }

before_destroy() { make "$OLD"; }
do_destroy() { op rmdir "$M/vms/a" >/dev/null; }
after_destroy() { one_of '' '2097152 running'; }

# The size of the VM's disk, as its spec has it, and its state.
picture() {
    [ -d "$M/vms/a" ] || return 0
    case $(cat "$M/vms/a/spec"; echo .) in
    "$OLD".) echo "2097152 $(cat "$M/vms/a/state")" ;;
    "$NEW".) echo "3145728 $(cat "$M/vms/a/state")" ;;
    *) cat "$M/vms/a/state" ;;
    esac
}

paths() { find "$T/state" "$T/embed" -name '*.qcow2' -o -name '*.iso'; }
files() { paths | xargs -rn 1 basename | sort | xargs; }
definitions() { find "$T/embed" -path '*/qemu/a.xml' ! -path '*/run/*' | wc -l; }

sound() {
    local uuid size is
    is=$(picture)
    if [ -z "$is" ] || [ "$is" = draft ]; then
        same "$(files)" ''
        same "$(definitions)" 0
        same "$(pids_with "$T/embed/")" ''
        [[ $POINT = *cleared ]] || same "$(value "$M/hosts/local/resources" memory_allocated)" 0
        return
    fi
    uuid=$(sed -n 's/.*<uuid>\(.*\)<.*/\1/p' "$M/vms/a/domain.xml")
    same "$(files)" "$uuid-seed.iso $uuid.qcow2"
    same "$(paths | xargs stat -c %a | sort -u)" 600
    same "$(definitions)" 1
    same "$(pids_with "$T/embed/" | wc -l)" 1
    size=$(qemu-img info -U "$(find "$T/state" "$T/embed" -name "$uuid.qcow2")" |
        sed -n 's/^virtual size:.*(\([0-9]*\) bytes)/\1/p')
    same "$size" "${is% *}"
    same "$(value "$M/hosts/local/resources" memory_allocated)" $((32 << 20))
}

clear_all() { rm -rf "$M"/vms/*; }

configure '[host local]' "uri = qemu:///embed?root=$T/embed"
walk create change destroy
unmount_cloud
