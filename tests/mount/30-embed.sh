#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real virtual machine in the embedded QEMU driver: booted, seen, measured, changed, removed.
. "$(dirname "$0")/lib.sh"

"$(dirname "$0")/../demo/guest.sh" "$GUEST"
mkdir "$T/images"
cp "$GUEST/vmlinuz" "$GUEST/initrd" "$T/images/"
qemu-img create -q -f raw "$T/images/base.img" 64M
printf 'base-image' | dd of="$T/images/base.img" conv=notrunc status=none
chmod -R a+rX "$T/images"

mount_cloud '[host local]' "uri = qemu:///embed?root=$T/embed"
cd "$M/vms"
wait_for 30 reads "$M/hosts/local/state" up
boot=("virtualization = qemu" "kernel = $T/images/vmlinuz" "initrd = $T/images/initrd")
console() { sed -n 's/.*<log file=["'\'']\([^"'\'']*\).*/\1/p' "$1/domain.xml" | head -1; }
said() { tr -d '\r' <"$(console "$1")" | grep -Eq "$2"; }

# What QEMU refuses comes out of close(2), and leaves nothing.
mkdir bad
gives 'write EINVAL' write bad/spec $'kernel = vmlinuz\n'
case $(op write bad/spec "virtualization = qemu"$'\n'"kernel = $T/images/none"$'\n') in
'close E'*) ;;
*) die 'a kernel that is not there boots' ;;
esac
[ -s bad/error ]
case $(op write bad/spec "virtualization = qemu"$'\n'"image = $T/images/none.img"$'\n') in
'close E'*) ;;
*) die 'an image that is not there boots' ;;
esac
rmdir bad

# It boots: the guest itself says so.
mkdir web1
put vms/web1 'cpus = 1' 'memory = 128MiB' "${boot[@]}" \
    'cmdline = console=ttyS0 quiet name=web1 load' "image = $T/images/base.img" 'disk = 96MiB' \
    'user_data = #cloud-config' 'network = none'
is web1/state running
wait_for 60 said web1 'guest: web1 is up, 1 cpus'
wait_for 10 said web1 "guest: disk vda 96 MiB starts 'base-image'"
wait_for 10 said web1 'guest: seed #cloud-config'

# The disk is a copy on write beside the image, which stays as it was.
disk=$(sed -n 's/.*<source file=["'\'']\([^"'\'']*\.qcow2\).*/\1/p' web1/domain.xml | head -1)
qemu-img info -U "$disk" >"$T/info"
has "$T/info" 'file format: qcow2'
has "$T/info" "backing file: $T/images/base.img"
same "$(stat -c %s "$T/images/base.img")" $((64 * 1024 * 1024))

# Its usage is measured: the guest keeps a processor busy.
measured() { awk '$1 == "usage" { exit !($2 > 0.05 && $2 < 1.0) }' web1/score; }
wait_for 20 measured
awk '{ v[$1] = $2 } END { d = v["processors"] * v["virtualization"] / v["usage"] - v["performance"]; exit !(d < 0.01 && d > -0.01) }' web1/score
same "$(value web1/score virtualization)" 0.100000

# Suspended and resumed.
echo suspend >web1/ctl
wait_for 5 reads web1/state paused
echo resume >web1/ctl
wait_for 5 reads web1/state running

# One more processor, while it runs: the guest sees it.
sed 's/^cpus = 1/cpus = 2/' web1/spec >"$T/spec"
cp "$T/spec" web1/spec
wait_for 20 said web1 'guest: now 2 cpus'
is web1/error ''

# ACPI's power button reaches the guest, and it starts again when told to.
echo shutdown >web1/ctl
wait_for 30 reads web1/state shutoff
echo start >web1/ctl
wait_for 20 reads web1/state running
wait_for 60 said web1 'guest: web1 is up, 2 cpus'

# Killed with its cloudfs: the machine goes on, and is found again.
cd "$T"
kill_cloud
process_with "$T/embed/" || die 'QEMU ended with cloudfs'
mount_again
wait_for 30 reads "$M/hosts/local/state" up
wait_for 10 reads "$M/vms/web1/state" running

# Removed: no process and no file of it is left.
rm -r "$M/vms/web1"
wait_for 5 no_process_with "$T/embed/"
gone "$disk"
same "$(find "$T/state" "$T/embed" -name '*.qcow2' -o -name '*.iso' -o -name 'web1*' ! -path '*/log/*')" ''
cmp -n 10 "$T/images/base.img" <(printf 'base-image')
unmount_cloud
