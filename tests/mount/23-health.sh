#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest that is asked whether it works: its agent answers, is stopped, and the guest is restarted.
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
"$here/../demo/guest.sh" "$GUEST"

# The guest of the demo with an agent besides, that hangs when the guest finds a second processor.
root=$T/root
mkdir -p "$root/modules" "$root/bin"
agent=$(PATH=$PATH:/usr/sbin command -v qemu-ga)
cp "$agent" "$root/bin/qemu-ga"
ldd "$agent" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$root/${library%/*}"
    cp -L "$library" "$root/$library"
done
find "$GUEST/kernel/lib/modules" -name virtio_console.ko -exec cp {} "$root/modules/" \;
cp "$here/../demo/guest-init" "$root/init.guest"
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox mkdir -p /bin /sys /proc /dev /var/run /run
/bin/busybox mount -t devtmpfs dev /dev # a shell gives its jobs /dev/null to read
(
    until /bin/busybox grep -q . /sys/class/virtio-ports/*/name 2>/dev/null; do /bin/busybox sleep 0.2; done
    for port in /sys/class/virtio-ports/*; do
        [ "$(/bin/busybox cat "$port/name")" = org.qemu.guest_agent.0 ] || continue
        /bin/qemu-ga -m virtio-serial -p "/dev/${port##*/}" -t /run >/dev/null 2>&1 &
    done
    until [ "$(/bin/busybox nproc)" = 2 ]; do /bin/busybox sleep 0.2; done
    /bin/busybox killall -STOP qemu-ga
) &
exec /bin/busybox sh /init.guest
INIT
chmod 755 "$root/init" "$root/init.guest"
(cd "$root" && find . | cpio -o -H newc --owner=0:0 --quiet | gzip -1) >"$T/more"
cat "$GUEST/initrd" "$T/more" >"$T/initrd"
cp "$GUEST/vmlinuz" "$T/vmlinuz"
chmod a+rx "$T"

# The agent's socket has a name that must not be longer: one letter does for the state.
configure '[host local]' "uri = qemu:///embed?root=$T/embed"
sed -i "s|^state = .*|state = $T/s|" "$T/cloudfs.conf"
mount_again
wait_for 30 reads "$M/hosts/local/state" up
cd "$M/services"
mkdir web
gives 'write EINVAL' write web/spec $'[vm]\nhealth = tcp 0\n'
has web/error 'line 2: health.*port'
# Nothing answers yet: it runs, and is not ready.
put services/web '[vm]' 'virtualization = qemu' "kernel = $T/vmlinuz" "initrd = $T/initrd" \
    'cmdline = console=ttyS0 quiet' 'memory = 192MiB' 'network = none' \
    'health = agent' 'health_interval = 1' 'health_failures = 2' 'health_start = 120'
is ../vms/web-0/state running
same "$(value web/score ready)" 0
wait_for 90 reads web/state ready
same "$(value web/score ready)" 1
is web/error ''

# The agent stops answering: the guest is told unhealthy, and is started anew.
sed 's/^memory/cpus = 2\n&/' web/spec >"$T/spec"
cp "$T/spec" web/spec
wait_for 60 shows ../vms/web-0/error 'unhealthy: its agent does not answer'
wait_for 20 shows ../events 'vms/web-0 restarted, being unhealthy'
rm -r web
wait_for 5 no_process_with "$T/embed/"
cd "$T"
unmount_cloud
