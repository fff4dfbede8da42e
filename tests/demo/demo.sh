#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# demo.sh: a real virtual machine because a file was written. Mounts a cloud of this one machine
# (libvirt's embedded QEMU driver, so no daemon is needed), writes a spec, waits until the guest
# itself speaks on its console, shows what there is to read, and removes everything.
#
#     CLOUDFS  the binary (build/cloudfs)     GUEST  where the guest is or goes (build/guest)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
CLOUDFS=$(realpath "${CLOUDFS:-$here/../../build/cloudfs}")
GUEST=$(realpath -m "${GUEST:-$here/../../build/guest}")
PATH=$(dirname "$CLOUDFS"):$PATH
BOOT_SECONDS=90

# Prints a command as a person would type it, then runs it.
run() {
    printf '\n$ %s\n' "$1"
    eval "$1"
}

mounted() { grep -q " $T/cloud fuse" /proc/self/mounts; }

# Processes with a path of the demo's directory in their command line.
processes() { grep -lsaF -f - /proc/[0-9]*/cmdline <<<"$1" | cut -d / -f 3 || true; }

cleanup() {
    status=$?
    trap - EXIT INT TERM
    set +e
    cd /
    if mounted; then
        rmdir "$T"/cloud/vms/* 2>/dev/null
        fusermount3 -u "$T/cloud" || fusermount3 -uz "$T/cloud"
    fi
    for pid in $(processes "$T/embed"); do
        kill -KILL "$pid" 2>/dev/null
    done
    # The daemon ends by itself after the unmount; its directory goes when it has.
    for _ in $(seq 50); do
        [ "$(processes "$T/cloud")" ] || break
        sleep 0.1
    done
    rm -rf "$T"
    exit $status
}

failed() {
    echo "demo: $*" >&2
    [ -f "${console:-}" ] && tail -n 20 "$console" >&2
    cat cloud/vms/web1/state cloud/vms/web1/error cloud/events >&2
    exit 1
}

begun=$SECONDS
T=$(mktemp -d /tmp/cloudfs-demo.XXXX)
trap cleanup EXIT
trap 'exit 130' INT TERM
chmod 755 "$T"
"$here/guest.sh" "$GUEST"
cd "$T"
ln -s "$GUEST/vmlinuz" "$GUEST/initrd" .
cat >cloudfs.conf <<CONF
[cloud]
state = $T/state
sample = 1
[host local]
uri = qemu:///embed?root=$T/embed
CONF
cat >web1.ini <<SPEC
# a small machine that boots this kernel
cpus = 1
memory = 128MiB
virtualization = qemu
kernel = $T/vmlinuz
initrd = $T/initrd
cmdline = console=ttyS0 quiet name=web1
network = none
SPEC

run 'cat cloudfs.conf'
run 'mkdir cloud'
run 'cloudfs -c cloudfs.conf cloud'
run 'ls cloud'
# The first look of a new QEMU directory at what QEMU can do takes some seconds.
for _ in $(seq 300); do
    [ "$(cat cloud/hosts/local/state)" != connecting ] && break
    sleep 0.1
done
run 'cat cloud/hosts/local/state'
[ "$(cat cloud/hosts/local/state)" = up ] || { cat cloud/hosts/local/error >&2; exit 1; }

run 'mkdir cloud/vms/web1'
run 'cat web1.ini'
run 'cp web1.ini cloud/vms/web1/spec'
for _ in $(seq 300); do
    [ "$(cat cloud/vms/web1/state)" != creating ] && break
    sleep 0.1
done
run 'cat cloud/vms/web1/state'
run 'readlink cloud/vms/web1/host'

console=$(sed -n "s/.*<log file=[\"']\([^\"']*\)[\"'].*/\1/p" cloud/vms/web1/domain.xml | head -n 1)
printf '\n(waiting for the guest to boot, in software if need be …)\n'
until grep -aq '^guest: web1 is up' "$console" 2>/dev/null; do
    [ $((SECONDS - begun)) -lt $BOOT_SECONDS ] || failed "the guest did not boot in $BOOT_SECONDS s"
    [ "$(cat cloud/vms/web1/state)" = running ] || failed 'the VM does not run'
    sleep 0.5
done
run "grep -a guest: ${console#"$T/"}"

# Until two samples were taken, the score goes by the spec's usage.
sleep 3
run 'cat cloud/vms/web1/score'
run 'cat cloud/vms/web1/placement'
run 'cat cloud/events'
run 'rm -r cloud/vms/web1'
run 'ls cloud/vms'
[ -z "$(processes "$T/embed")" ] || failed 'QEMU is still there'
run 'fusermount3 -u cloud'
printf '\nThe guest booted, and everything is removed again: %s s.\n' $((SECONDS - begun))
