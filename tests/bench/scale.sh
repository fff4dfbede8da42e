#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What size costs: one operation an object at several sizes, memory a VM beyond libvirt's own before
# and after states and scores were read, CPU at rest with every host sampled each 5 s, and once
# nobody has looked for a while; how fast a mount over a full database answers, at first and while
# its hosts connect; then the questions that virsh would be asked. SIZES="1000 10000", VMs in all,
# PER=100 of them on each host; REST=15 seconds to measure rest in; IDLE=60 until nobody has looked
# for long, 0 leaves that out; ASK=1000 VMs to ask about. LIMIT=300 seconds for hosts to connect, in
# which 100,000 VMs take 75 s of CPU; what takes longer is measured as it is then.
. "$(dirname "$0")/mount.sh"
SIZES=${SIZES-1000 10000} PER=${PER:-100} REST=${REST:-15} ASK=${ASK:-1000}
IDLE=${IDLE:-60} LIMIT=${LIMIT:-300}

timed() { # COMMAND...: microseconds an object
    local begin
    begin=$(now)
    "$@" >/dev/null
    calc "($(now) - $begin) * 1e6 / $vms" 1
}
cat_all() { find "$M/vms" -mindepth 2 -maxdepth 2 -name "$1" -print0 | xargs -0 cat; }

configure() { # HOSTS SAMPLE_IDLE
    local h
    printf '[cloud]\nstate = %s\nsample = 5\nsample_idle = %s\n' "$T/state$vms" "$2" \
        >"$T/cloudfs.conf"
    for ((h = 0; h < $1; h++)); do
        printf '[host h%d]\nuri = test://%s/h%d.xml\n' $h "$T" $h >>"$T/cloudfs.conf"
    done
}

rest() { # percent of a core
    local before
    before=$(cpu)
    sleep "$REST"
    calc "($(cpu) - $before) * 100 / $REST" 1
}

# Seconds from the start of cloudfs until COMMAND has answered.
since() { # COMMAND...
    "$@" >/dev/null
    calc "$(now) - $begin"
}

in_time() { # COMMAND...: until it succeeds, or LIMIT
    local end=$((SECONDS + LIMIT))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 0
        sleep 0.2
    done
}
all_vms() { [ "$(find "$M/vms" -mindepth 1 -maxdepth 1 | wc -l)" = "$vms" ]; }
all_up() { [ "$(up)" = "$hosts" ]; }
beyond() { calc "($(rss) - $own) / $vms"; } # KiB a VM

again() {
    local begin first loading
    configure $hosts 30
    begin=$(now)
    start_cloud
    first=$(since ls "$M") loading=$(cpu)
    echo "        again, from the database: ls of the root after $first s and $loading s of CPU, of vms after $(since ls "$M/vms") s"
    find "$M/vms" -mindepth 1 -maxdepth 1 >"$T/dirs"
    echo "        while hosts connect, $(up) up, ms: median, 99th percentile, longest"
    "$LOAD" probe 10 <"$T/dirs" | sed 's/^/            /'
    if [ "$IDLE" != 0 ]; then
        in_time all_up
        sleep "$IDLE"
        echo "        nobody has looked for $IDLE s: $(rest) % of a core"
    fi
    stop_cloud
}

measure() { # VMS
    local vms=$1 hosts=$(($1 / PER)) h begin first ready own idle memory files
    for ((h = 0; h < hosts; h++)); do host_file "$T/h$h.xml" $h "$PER"; done
    configure $hosts 5
    begin=$(now)
    start_cloud
    first=$(since ls "$M")
    in_time all_vms
    ready=$(calc "$(now) - $begin" 1)
    sleep 6
    own=$("$LOAD" open "$T" "$hosts")
    memory=$(beyond)
    idle=$(rest)
    files="$(timed ls "$M/vms") $(timed find "$M/vms" -maxdepth 1) $(timed cat_all state)"
    files="$files $(timed cat_all score)"
    # shellcheck disable=SC2086 # words
    printf '%7d %6s %6s %8s %8s %8s %8s %8s %8s %6s\n' "$vms" "$first" "$ready" $files \
        "$memory" "$(beyond)" "$idle"
    stop_cloud
    again
}

# State, vCPUs and memory of ASK VMs, over one connection each: the mount's metrics, a virsh that is
# called for each, and domstats (of which the test driver knows the state alone).
ask() {
    local socket=$T/run/libvirt/libvirt-sock uri vms=$ASK each stats mount all
    session_daemon
    uri="test+unix:///default?socket=$socket"
    printf '[cloud]\nstate = %s\n[host h]\nuri = %s\ncpu_overcommit = 1000\nmemory_overcommit = 1000\n' \
        "$T/state-ask" "$uri" >"$T/cloudfs.conf"
    start_cloud
    until [ "$(up)" = 1 ]; do sleep 0.1; done
    "$LOAD" create "$M/vms" "$vms" 4 >"$T/created"
    sleep 6
    ask_each() {
        local i
        for ((i = 0; i < vms / 10; i++)); do virsh -q -c "$uri" dominfo "bench$i"; done
    }
    each=$(calc "$(timed ask_each) * 10" 1)
    stats=$(timed virsh -q -c "$uri" domstats --state --vcpu --balloon)
    mount=$(timed cat_all metrics)
    all=$(timed cat "$M/metrics")
    stop_cloud
    echo
    echo "state, vCPUs and memory of $vms VMs, us a VM"
    echo "virsh dominfo, one call each: $each"
    echo "virsh domstats, one call: $stats"
    echo "cat vms/*/metrics: $mount, dominfo/it: $(calc "$each / $mount" 1) (aim: 10)"
    echo "cat metrics: $all, dominfo/it: $(calc "$each / $all" 1) (aim: 10), domstats/it: $(calc "$stats / $all" 1) (aim: 1)"
}

echo 'first: seconds until ls of the root answers; ready: until all VMs are there; us an object:'
echo 'ls, find, cat state, cat score; KiB a VM beyond libvirt, before and after that; % of a core'
echo 'with a sample each 5 s'
printf '%7s %6s %6s %8s %8s %8s %8s %8s %8s %6s\n' VMs first ready ls find state score KiB/VM \
    after rest
for size in $SIZES; do measure "$size"; done
[ "$ASK" = 0 ] || ask
