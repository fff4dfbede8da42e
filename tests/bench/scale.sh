#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What size costs: one operation an object at several sizes, memory a VM beyond libvirt's own, CPU
# at rest, and the questions that virsh would be asked. SIZES="1000 10000", VMs in all, PER=100 of
# them on each host; REST=15 seconds to measure rest in. SIZES="1000 10000 100000" takes minutes.
. "$(dirname "$0")/mount.sh"
SIZES=${SIZES:-1000 10000} PER=${PER:-100} REST=${REST:-15}

timed() { # COMMAND...: microseconds an object
    local begin
    begin=$(now)
    "$@" >/dev/null
    calc "($(now) - $begin) * 1e6 / $vms" 1
}
cat_all() { find "$M/vms" -mindepth 2 -maxdepth 2 -name "$1" -print0 | xargs -0 cat; }

measure() { # VMS
    local vms=$1 hosts=$(($1 / PER)) h begin ready back own before idle
    printf '[cloud]\nstate = %s\nsample = 5\n' "$T/state$vms" >"$T/cloudfs.conf"
    for ((h = 0; h < hosts; h++)); do
        host_file "$T/h$h.xml" $h "$PER"
        printf '[host h%d]\nuri = test://%s/h%d.xml\n' $h "$T" $h >>"$T/cloudfs.conf"
    done
    start_cloud
    begin=$(now)
    until [ "$(find "$M/vms" -mindepth 1 -maxdepth 1 | wc -l)" = "$vms" ]; do sleep 0.2; done
    ready=$(calc "$(now) - $begin" 1)
    sleep 6
    own=$("$LOAD" open "$T" "$hosts")
    before=$(cpu)
    sleep "$REST"
    idle=$(calc "($(cpu) - $before) * 100 / $REST" 1)
    printf '%7d %6s %8s %8s %8s %8s %8s %8s\n' "$vms" "$ready" \
        "$(timed ls "$M/vms")" "$(timed find "$M/vms" -maxdepth 1)" "$(timed cat_all state)" \
        "$(timed cat_all score)" "$(calc "($(rss) - $own) / $vms")" \
        "$idle"
    stop_cloud
    begin=$(now)
    start_cloud
    back=$(calc "$(now) - $begin")
    stop_cloud
    echo "        mounted again, from the database, after $back s"
}

echo 'us an object: ls, find, cat state, cat score; KiB a VM beyond libvirt; % of a core at rest'
printf '%7s %6s %8s %8s %8s %8s %8s %8s\n' VMs ready ls find state score KiB/VM rest
for size in $SIZES; do measure "$size"; done
