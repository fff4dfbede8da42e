#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Confined as its unit for systemd confines it, cloudfs mounts, makes VMs, sees what a writer has
# open, and boots a real guest in a QEMU of its own; and it gives up by itself what it can.
. "$(dirname "$0")/lib.sh"

here=$(cd "$(dirname "$0")" && pwd)
status_of() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"; } # PID KEY

# By itself: nobody gets more rights through it, and no core file has the secrets.
mount_cloud "$(test_section h1 4 4096)"
[ "$(id -u)" != 0 ] || same "$(status_of "$CLOUD" NoNewPrivs)" 1
same "$(awk '/^Max core file size/ { print $5, $6 }' "/proc/$CLOUD/limits")" '1 1'
unmount_cloud

[ "$(id -u)" = 0 ] || { echo 'the unit was not tried: needs root'; exit 0; }
confined() { "$here/../tool/confined.py" "$here/../../conf/cloudfs.service" "$@"; }

# The confinement is one.
fails confined unshare -m true
fails confined python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)'
fails confined python3 -c 'import time; time.clock_settime(time.CLOCK_REALTIME, time.time())'
same "$(confined sh -c 'umask; grep ^NoNewPrivs: /proc/self/status' | tr -d ' \t\n')" 0077NoNewPrivs:1

# A mount point that is made is where others can get to it.
made=$(sed -n 's/^ExecStartPre=\(.*mkdir.*\)/\1/p' "$here/../../conf/cloudfs@.service")
made=${made//%f/\'$T/above/it\'}
confined sh -c "${made//\$\$/$}"
same "$(stat -c %a above above/it | tr '\n' ' ')" '755 755 '

"$here/../demo/guest.sh" "$GUEST"
mkdir "$T/images"
cp "$GUEST/vmlinuz" "$GUEST/initrd" "$T/images/"
printf '#!/bin/sh\nexec "%s" "%s" "%s" "$@"\n' "$here/../tool/confined.py" \
    "$here/../../conf/cloudfs.service" "$CLOUDFS" >"$T/service"
chmod +x "$T/service"
CLOUDFS=$T/service
# Who looks for leaks at the end needs ptrace(2), which the unit forbids.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
OPTIONS=allow_other
mount_cloud "$(test_section h1 4 4096)" '[host local]' "uri = qemu:///embed?root=$T/embed"
same "$(status_of "$CLOUD" Seccomp)" 2
wait_for 30 reads "$M/hosts/local/state" up
new_vm small 'cpus = 1' 'virtualization = test'
is "$M/vms/small/state" running
# As an editor does it: a new file is renamed onto the spec.
sed -i 's/cpus = 1/cpus = 2/' "$M/vms/small/spec"
has "$M/vms/small/domain.xml" "current='2'"

new_vm real 'cpus = 1' 'memory = 128MiB' 'virtualization = qemu' "kernel = $T/images/vmlinuz" \
    "initrd = $T/images/initrd" 'cmdline = console=ttyS0 quiet name=real' 'disk = 96MiB' \
    'network = none' 'user_data = #cloud-config'
is "$M/vms/real/state" running
console=$(sed -n 's/.*<log file=["'\'']\([^"'\'']*\).*/\1/p' "$M/vms/real/domain.xml" | head -1)
wait_for 60 shows "$console" 'guest: real is up'
rmdir "$M/vms/real" "$M/vms/small"
unmount_cloud
