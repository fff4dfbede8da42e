#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# rooms.sh [TREE]: each folder is a room that must not know certain others (CONTRIBUTING.md has
# the table). Looks at what every file includes.
set -u
cd "${1:-$(dirname "$0")/..}" || exit 1
failed=0

# What the files of a room (other than a file that matches EXCEPT) must not include.
forbid() { # ROOM PATTERN [EXCEPT]
    found=$(grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" \
        --include='*.c' --include='*.h' "$1" | grep -vE "^${3:-none}")
    if [ "$found" ]; then
        printf '%s\n' "$found" | sed 's/^/    /'
        echo "not ok room $1 includes what it must not"
        failed=1
    else
        echo "ok room $1"
    fi
}

libvirt='libvirt/'
fuse='fuse|fs/'
sqlite='sqlite3'
io='stdio\.h|unistd\.h|fcntl\.h|sys/|gio/|glib/gstdio'
clock='time\.h|sys/time'

forbid core/spec "$libvirt|$fuse|$sqlite|$io|$clock|core/(score|place|cloud|job|reconcile|store|virt)/" \
    'core/spec/conf\.c'
forbid core/score "$libvirt|$fuse|$sqlite|$io|$clock|core/(spec|place|cloud|job|reconcile|store|virt)/"
forbid core/place "$libvirt|$fuse|$sqlite|core/(cloud|job|reconcile|store|virt)/"
forbid core/cloud "$libvirt|$fuse|$sqlite|core/(job|reconcile|store|virt)/"
forbid core/job "$libvirt|$fuse|$sqlite|core/(cloud|place|reconcile|store|spec)/"
forbid core/reconcile "$libvirt|$fuse|$sqlite"
forbid core/store "$libvirt|$fuse|core/(spec|place|cloud|job|reconcile|virt)/"
forbid core/virt "$fuse|$sqlite|core/(place|cloud|job|reconcile|store)/"
forbid fs "$libvirt|$sqlite|core/(virt|store|job)/"
exit $failed
