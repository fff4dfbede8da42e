#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# guest.sh DIR: makes the guest of the demo and the tests in DIR: `vmlinuz` (Debian's cloud
# kernel, downloaded and unpacked, never installed) and `initrd` (a busybox that says on the
# console what it sees). What is there already is kept.
set -eu
dir=${1:?usage: guest.sh DIR}
here=$(cd "$(dirname "$0")" && pwd)
init=$here/guest-init
meta=linux-image-cloud-amd64
# Load order does not matter: the guest tries them until no more can be loaded.
modules='virtio virtio_ring virtio_pci virtio_pci_modern_dev virtio_pci_legacy_dev virtio_blk
virtio_balloon virtio_net failover net_failover scsi_mod scsi_common sr_mod cdrom isofs libata
ata_piix ahci libahci button evdev'

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

refresh_lists() {
    if [ "$(id -u)" = 0 ]; then
        apt-get update
    elif command -v sudo >/dev/null; then
        sudo apt-get update
    fi
}

kernel_package() {
    apt-cache depends --important "$meta" 2>/dev/null | awk '/Depends: linux-image/ { print $2; exit }'
}

# Only in a directory of its own, so that a half download is never taken for a whole one.
fetch_kernel() {
    rm -rf "$dir/kernel.new" && mkdir "$dir/kernel.new" && cd "$dir/kernel.new"
    package=$(kernel_package)
    if [ -z "$package" ] || ! apt-get -q download "$package"; then
        refresh_lists
        package=$(kernel_package)
        [ -n "$package" ] || { echo "guest.sh: apt knows no $meta" >&2; exit 1; }
        apt-get -q download "$package"
    fi
    dpkg -x ./*.deb .
    rm -rf ./*.deb "$dir/kernel"
    cd "$dir" && mv kernel.new kernel
    cp kernel/boot/vmlinuz-* vmlinuz
}

pack_initrd() {
    root=$dir/root
    rm -rf "$root" && mkdir -p "$root/bin" "$root/modules"
    cp "$(command -v busybox)" "$root/bin/busybox"
    for module in $modules; do
        find "$dir/kernel/lib/modules" -name "$module.ko" -exec cp {} "$root/modules/" \;
    done
    cp "$init" "$root/init" && chmod 755 "$root/init"
    (cd "$root" && find . | cpio -o -H newc --owner=0:0 --quiet | gzip -1) >"$dir/initrd.new"
    mv "$dir/initrd.new" "$dir/initrd"
    rm -rf "$root"
}

# Others look at the guest too (QEMU may run as a user of its own).
umask 022
# Two that come at once: the second waits and finds it made.
exec 9>"$dir/.lock" && flock 9
[ -s "$dir/vmlinuz" ] || fetch_kernel >&2
[ -s "$dir/initrd" ] && [ ! "$init" -nt "$dir/initrd" ] || pack_initrd
