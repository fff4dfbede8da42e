#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which files get into the VM of a user who is not root: those that the user could read without it,
# where only administrators put files; never the disk of a VM.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/users.bash"

writes() { # ANSWER LINE...
    local got
    got=$(alice "$T/op" write "$M/vms/a/spec" "$(printf '%s\n' "${@:2}")"$'\n' || true)
    [ "$got" = "$1" ] || die "${*:2}: $got instead of $1$(explain "$M/vms/a/spec")"
}
refused() { # ERROR-REGEX LINE...
    writes 'close EACCES' "${small[@]}" "${@:2}"
    has "$M/vms/a/error" "$1"
}

images=$T/images
disk=cloudfs-6f1a2b3c-4d5e-4f60-8123-456789abcdef.qcow2
small=('memory = 32MiB' 'network = none' 'power = off')
mkdir "$images" "$images/sub" "$images/closed" "$images/open" "$images/alices"
qemu-img create -q -f qcow2 "$images/base.qcow2" 8M
for each in other.qcow2 "$disk" sub/base.qcow2 closed/base.qcow2 open/base.qcow2 alices/base.qcow2 \
    loose.qcow2; do
    cp "$images/base.qcow2" "$images/$each"
done
printf '#cloud-config\n' >"$images/user"
printf 'secret\n' >"$images/secret"
ln -s other.qcow2 "$images/link.qcow2"
ln -s "$disk" "$images/disk.qcow2"
ln -s "$images/base.qcow2" "$images/alices/link.qcow2"
chmod 644 "$images"/*.qcow2 "$images"/*/*.qcow2 "$images/user"
chmod 600 "$images/other.qcow2" "$images/secret"
chmod 666 "$images/loose.qcow2"
chmod 755 "$images" "$images/sub" "$images/alices"
chmod 700 "$images/closed"
chmod 1777 "$images/open"
chown $ALICE "$images/alices"

OPTIONS=allow_other
mount_cloud "paths = $images" '[host e]' "uri = qemu:///embed?root=$T/embed"
wait_for 30 reads "$M/hosts/e/state" up
chmod 1777 "$M/vms"
alice mkdir "$M/vms/a"

unread='not everybody may read: .*mode 0600'
refused "^image = .*$unread" "image = $images/other.qcow2"
refused "^kernel = .*$unread" "kernel = $images/other.qcow2"
refused "^initrd = .*$unread" "kernel = $images/user" "initrd = $images/other.qcow2"
refused 'image = .*not everybody may read' "image = $images/link.qcow2"
refused 'image = .*the disk of a VM' "image = $images/$disk"
refused 'image = .*the disk of a VM' "image = $images/disk.qcow2"
refused 'image = .*not everybody may reach: .*/closed has owner' "image = $images/closed/base.qcow2"
refused 'image = .*others may replace: .*/open has owner' "image = $images/open/base.qcow2"
refused 'image = .*others may replace: .*owner 61001' "image = $images/alices/base.qcow2"
refused 'image = .*others may replace: .*owner 61001' "image = $images/alices/link.qcow2"
refused 'image = .*everybody may change' "image = $images/loose.qcow2"
refused 'user_data = .*not everybody may read' "user_data = $images/secret"
refused 'user_data = .*the disk of a VM' "user_data = $images/$disk"
writes 'close ENOENT' "${small[@]}" "image = $images/none.qcow2"
chmod 777 "$images"
refused 'image = .*others may replace' "image = $images/base.qcow2"
chmod 755 "$images"
same "$(find "$T/state/disks" -type f)" ''

writes ok "${small[@]}" "image = $images/sub/base.qcow2" "user_data = $images/user"
is "$M/vms/a/state" shutoff
same "$(qemu-img info -U "$T"/state/disks/*.qcow2 | grep -c "backing file: $images/sub/base.qcow2")" 1
# What was granted stays, also when its mode does not.
chmod 600 "$images/sub/base.qcow2"
writes ok 'memory = 48MiB' 'network = none' 'power = off' "image = $images/sub/base.qcow2" \
    "user_data = $images/user"
alice rmdir "$M/vms/a"
alice mkdir "$M/vms/a"
refused 'image = .*not everybody may read' "image = $images/sub/base.qcow2"

# All of it is root's to name.
new_vm r "${small[@]}" "image = $images/other.qcow2"
is "$M/vms/r/state" shutoff
unmount_cloud
