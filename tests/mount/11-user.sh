#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounted by a user without root: the cloud is his, and nobody else's.
. "$(dirname "$0")/lib.sh"

as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
if [ "$(id -u)" != 0 ] || ! as_user test -w /dev/fuse; then
    echo "not tried: needs root to become another user, and /dev/fuse for that user"
    exit 0
fi

configure "$(test_section h1 4 4096)"
cp "$CLOUDFS" cloudfs
mkdir state
chmod -R go+rX "$T"
chown 65534:65534 "$M" state
as_user ./cloudfs --version >/dev/null || {
    echo "not tried: the program is a wrapper for one that this user cannot reach"
    exit 0
}
as_user ./cloudfs -c "$T/cloudfs.conf" "$M" </dev/null
wait_for 10 as_user grep -q up "$M/hosts/h1/state"
fails ls "$M" # root too: FUSE keeps a user's mount to himself
as_user mkdir "$M/vms/web1"
same "$(as_user stat -c '%u %g' "$M/vms/web1" "$M/vms")" $'65534 65534\n65534 65534'
as_user sh -c "echo 'cpus = 1' > '$M/vms/web1/spec'"
same "$(as_user cat "$M/vms/web1/state")" running
as_user rm -r "$M/vms/web1"
as_user fusermount3 -u "$M"
wait_for 10 no_process_with "$M"
