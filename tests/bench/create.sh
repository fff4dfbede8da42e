#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Creating VMs through a mount, each durable before its job starts, against the same libvirt
# calls made directly just before; then real QEMU VMs against virsh. VMS=1000, PROCS="1 4 8", QEMU=5.
. "$(dirname "$0")/mount.sh"
VMS=${VMS:-1000} PROCS=${PROCS:-1 4 8}

host_file "$T/h.xml" 0 0
cloud() { # NAME: of its own, with one host that is up
    printf '[cloud]\nstate = %s\nwait = 600\n[host h]\nuri = test://%s\n' "$T/state-$1" \
        "$T/h.xml" >"$T/cloudfs.conf"
    start_cloud
    until [ "$(up)" = 1 ]; do sleep 0.1; done
}

# What the mount gives to libvirt is given to it directly, too.
cloud sample
"$LOAD" create "$M/vms" 1 1 >>"$T/log"
cat "$M/vms/bench0/domain.xml" >"$T/sample.xml"
stop_cloud
sync=$("$LOAD" sync "$T/sync" 200)
echo "one fdatasync(2) here takes $sync us, and a process that makes VMs one after the other waits" \
    "for two a VM"

# How fast CREATE, which prints that, is against the calls alone; the machine is not as fast at all
# times.
measure() { # WHAT CREATE...
    local direct cpu_direct before rate
    read -r direct cpu_direct < <("$LOAD" direct "test://$T/h.xml" "$VMS" "$T/sample.xml")
    cloud "${1// /-}"
    before=$(cpu)
    rate=$("${@:2}")
    echo "$1: $rate a second, $(calc "($(cpu) - $before) * 1000 / $VMS") ms of CPU each;" \
        "virDomainDefineXML() and virDomainCreate(): $direct, $cpu_direct ms;" \
        "ratio $(calc "$rate / $direct") (aim: 0.5)"
    stop_cloud
}

# One file asks for them all, and its close(2) waits for them.
as_service() {
    local begin
    mkdir "$M/services/bench"
    begin=$(now)
    printf '%s\n' "replicas = $VMS" 'spread = none' '[vm]' 'cpus = 1' 'memory = 64MiB' \
        'network = none' >"$M/services/bench/spec"
    calc "$VMS / ($(now) - $begin)" 0
    [ "$(cat "$M/services/bench/state")" = ready ]
}

echo "$VMS VMs on test:///"
for procs in $PROCS; do
    measure "through the mount, $procs processes" "$LOAD" create "$M/vms" "$VMS" "$procs"
done
measure 'as one service' as_service

# Real VMs: one at a time and ATONCE of them from as many processes, through the mount and by virsh
# with the XML that the mount gave them, over the same daemon, in turns; medians of QEMU of each,
# after one of each that does not count.
QEMU=${QEMU:-5} ATONCE=${ATONCE:-8} GUEST=${GUEST:-build/guest}
[ "$QEMU" -gt 0 ] || exit 0
"$(dirname "$0")/../demo/guest.sh" "$GUEST"
mkdir "$T/images"
cp "$GUEST/vmlinuz" "$GUEST/initrd" "$T/images/"
chmod -R a+rX "$T/images"
session_daemon
# What fails half-way leaves guests, which would outlive the daemon.
end_guests() {
    local domain
    for domain in $(virsh -q -c "$uri" list --uuid); do
        virsh -q -c "$uri" destroy "$domain" >>"$T/log" 2>&1 || true
    done
}
trap 'stop_cloud; end_guests; finish' EXIT
uri="qemu+unix:///session?socket=$T/run/libvirt/libvirt-sock"
printf '[cloud]\nstate = %s\nwait = 600\n[host h]\nuri = %s\ncpu_overcommit = 16\n' \
    "$T/state-qemu" "$uri" >"$T/cloudfs.conf"
start_cloud
until [ "$(up)" = 1 ]; do sleep 0.1; done
printf '%s\n' 'virtualization = qemu' 'memory = 128MiB' 'network = none' \
    "kernel = $T/images/vmlinuz" "initrd = $T/images/initrd" >"$T/spec"

each() { # COUNT COMMAND...: with each number, all at once
    local i pids=()
    for ((i = 0; i < $1; i++)); do
        "${@:2}" "$i" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do wait "$i"; done
}
seconds() { # COMMAND...: that it takes
    local begin
    begin=$(now)
    "$@" >>"$T/log"
    echo "$(calc "$(now) - $begin" 4)"
}

made() {
    mkdir "$M/vms/bench$1"
    cp "$T/spec" "$M/vms/bench$1/spec"
}
kept() {
    [ "$(cat "$M/vms/bench$1/state")" = running ]
    virsh -q -c "$uri" dumpxml --inactive "bench$1" >"$T/bench$1.xml"
}
removed() { rmdir "$M/vms/bench$1"; }
through_mount() { # COUNT
    seconds each "$1" made
    each "$1" kept
    each "$1" removed
}

defined() { virsh -q -c "$uri" "define $T/bench$1.xml; start bench$1"; }
undefined() { virsh -q -c "$uri" "destroy bench$1; undefine bench$1" >>"$T/log"; }
unseen() { ! compgen -G "$M/vms/bench*" >/dev/null; } # names and UUIDs are free again
by_virsh() { # COUNT
    seconds each "$1" defined
    each "$1" undefined
    until unseen; do sleep 0.1; done
}

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
for count in 1 "$ATONCE"; do
    { through_mount "$count"; by_virsh "$count"; } >"$T/first"
    for ((i = 0; i < QEMU; i++)); do
        through_mount "$count" >>"$T/mount.$count"
        by_virsh "$count" >>"$T/virsh.$count"
    done
    mount=$(median "$T/mount.$count") virsh=$(median "$T/virsh.$count")
    echo "$count QEMU VM(s) at once, seconds: through the mount $mount, by virsh define and start" \
        "$virsh, ratio $(calc "$mount / $virsh") (aim: 1.05)"
done
