#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Killed the moment after a change was answered: what was promised is there, also where nothing is
# left that would tell it. libvirt's test driver forgets its domains with the process.
. "$(dirname "$0")/lib.sh"

mount_cloud "$(test_section h1 16 65536)"
mkdir "$M/vms/web"
for round in 1 2 3 4 5 6; do
    wait_for 10 reads "$M/hosts/h1/state" up
    gives ok write "$M/vms/web/spec" $'memory = 32MiB\n'
    is "$M/vms/web/state" running
    gives ok write "$M/vms/web/spec" "memory = $((40 + round))MiB"$'\n'
    kill_cloud
    mount_again
    is "$M/vms/web/spec" "memory = $((40 + round))MiB"
done
wait_for 10 reads "$M/hosts/h1/state" up
gives ok rmdir "$M/vms/web"
kill_cloud
mount_again
fails test -e "$M/vms/web"
unmount_cloud
