# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the benchmarks of whole mounts share. CLOUDFS and LOAD say where the programs are.
set -eu
CLOUDFS=${CLOUDFS:-build/cloudfs} LOAD=${LOAD:-build/tests/bench/load_bench}
T=$(mktemp -d "${TMPDIR:-/tmp}/cloudfs-bench.XXXXXX")
M=$T/m
mkdir "$M"
PID=

now() { date +%s.%N; }
calc() { awk "BEGIN { printf \"%.${2:-2}f\", $1 }"; }

# A host of libvirt's test driver with so many running domains, in a file.
host_file() { # FILE HOST-NUMBER VMS
    {
        echo '<node><cpu><mhz>2600</mhz><model>EPYC</model><active>4096</active><nodes>1</nodes>'
        echo '<sockets>1</sockets><cores>4096</cores><threads>1</threads></cpu>'
        echo '<memory>4294967296</memory>'
        for ((i = 0; i < $3; i++)); do
            printf "<domain type='test'><name>vm%d-%d</name><uuid>00000000-0000-4000-8000-%06x%06x</uuid>" \
                "$2" $i "$2" $i
            echo "<memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>"
        done
        echo '</node>'
    } >"$1"
}

start_cloud() { # what is in $T/cloudfs.conf
    "$CLOUDFS" -c "$T/cloudfs.conf" -f "$M" >>"$T/log" 2>&1 &
    PID=$!
    until mountpoint -q "$M"; do
        kill -0 $PID || { cat "$T/log" >&2; exit 1; }
        sleep 0.02
    done
}

stop_cloud() {
    [ "$PID" ] || return 0
    kill "$PID"
    wait "$PID" || true
    PID=
}

rss() { awk '/^VmRSS/ { print $2 }' "/proc/${1:-$PID}/status"; }
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$PID/stat"; }
up() { cat "$M"/hosts/*/state | grep -c '^up' || true; }

# A libvirtd of an ordinary user's, as nobody where that is not who runs this; in $DAEMON.
session_daemon() {
    local as=
    mkdir -p "$T/run" "$T/conf/libvirt" "$T/cache" "$T/data"
    chmod 711 "$T"
    chmod 700 "$T/run"
    if [ "$(id -u)" = 0 ]; then
        chown -R nobody "$T/run" "$T/conf" "$T/cache" "$T/data"
        as='setpriv --reuid=nobody --regid=nogroup --clear-groups'
    fi
    # shellcheck disable=SC2086 # words
    $as env XDG_RUNTIME_DIR="$T/run" XDG_CONFIG_HOME="$T/conf" XDG_CACHE_HOME="$T/cache" \
        XDG_DATA_HOME="$T/data" HOME="$T/run" libvirtd -d -t 0 -p "$T/run/libvirtd.pid"
    until [ -S "$T/run/libvirt/libvirt-sock" ]; do sleep 0.1; done
    DAEMON=$(cat "$T/run/libvirtd.pid")
}

finish() {
    stop_cloud
    [ -z "${DAEMON:-}" ] || kill "$DAEMON" 2>/dev/null || true
    rm -rf "$T"
}
trap finish EXIT
