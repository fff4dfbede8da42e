#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What changes by sampling is as of the sample: between two of them nothing in it moves, on a host
# that is sampled once an hour nothing at all, but what an event changes, and that at once. Where
# samples come, they are seen, also by who has looked all the time.
. "$(dirname "$0")/lib.sh"

files=(score metrics vms/web/score vms/web/metrics hosts/h1/score hosts/h1/metrics)
look() { # text and attributes of all of them
    stat -c '%n %s %Y %y' "${files[@]}"
    cat "${files[@]}"
    stat -c '%n %s %Y %y' "${files[@]}"
}
moved() { [ "$(look)" != "$1" ]; }

mount_cloud "$(test_section h1 64 65536)"
sed -i 's/^sample = 1$/sample = 3600/' "$T/cloudfs.conf"
unmount_cloud
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
new_vm web 'memory = 32MiB'
is "$M/vms/web/state" running
cd "$M"
steady() { # for longer than any version is held
    look >"$T/first"
    sleep 1.4
    [ "$(look)" = "$(cat "$T/first")" ]
}
wait_for 10 steady # the first look may bring a sample
find . >/dev/null  # a listing has them too
is "$T/first" "$(look)"

# An event: only what it concerns changes, and the time it tells is up to then.
before=$(value vms/web/score available)
echo suspend >vms/web/ctl
awk -v a="$before" -v b="$(value vms/web/score available)" 'BEGIN { exit !(b >= a + 1.4) }' ||
    die 'T is not as of the event'
same "$(value score vms_running)" 0
paused=$(cat vms/web/score)
sleep 0.2
is vms/web/score "$paused"
cd "$T"
unmount_cloud

sed -i 's/^sample = 3600$/sample = 0.2/' "$T/cloudfs.conf"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
put vms/web 'memory = 48MiB' # its host's test driver has forgotten it
cd "$M"
for _ in 1 2 3; do
    now=$(look)
    wait_for 10 moved "$now"
done
cd "$T"
unmount_cloud
