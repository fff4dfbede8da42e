#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Tree operations over a real mount of DIRS virtual machines (10000), against tmpfs with the same
# files and against libfuse's own passthrough_ll (cache=always) over that tmpfs.
#
# Program and daemon share one CPU: between two, a wake-up costs several times the request, and
# the scheduler would be measured. Cold is after the kernel dropped all names and inodes (so root
# is needed). Warm is the third time in a row: in the second, the kernel still asks for the times of
# access that the first has moved. Medians of ROUNDS (3); in each round all take turns.
# CPU=1 measures, in place of time that passes, what program and daemon use of the CPU that they
# share: the same on a machine that does nothing else, and of use on one that does.
# passthrough_ll holds a descriptor for every inode, so that a limit on open files may allow it a
# part of the tree only: it is compared to tmpfs with that part.
#
#     fs.sh CLOUDFS TOOLS
set -eu
cloudfs=$1 tools=$2
DIRS=${DIRS:-10000} ROUNDS=${ROUNDS:-3}
cpu=$(($(nproc) - 1))
source=/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c
work=$(mktemp -d /dev/shm/cloudfs-bench.XXXXXX)
mount=$work/mount through=$work/through tree=$work/tree part=$work/part
export LC_ALL=C.UTF-8
pids=
cloud_pid=
through_pid=

cleanup() {
    local dir
    cd /
    for dir in "$mount" "$through"; do
        umount "$dir" 2>/dev/null || true
    done
    # shellcheck disable=SC2086 # pids
    [ -z "$pids" ] || kill $pids 2>/dev/null || true
    wait
    rm -rf --one-file-system "$work" # whatever is still mounted
}
trap cleanup EXIT

die() { echo "bench-fs: $*" >&2; exit 1; }
pinned() { exec taskset -c "$cpu" "$@"; } # in the background: its pid is the program's
mounted() { awk -v dir="$1" '$5 == dir { found = 1 } END { exit !found }' /proc/self/mountinfo; }
drop() { echo 2 >/proc/sys/vm/drop_caches; }
drop 2>/dev/null || die 'needs to be root, to drop the caches of the kernel'

wait_for() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || die "not in time: $*"
        sleep 0.2
    done
}

# ---- the cloud: a host of libvirt's test driver, on which the VMs are already

host_xml() {
    echo '<node><cpu><mhz>2600</mhz><model>EPYC</model><active>128</active><nodes>1</nodes>'
    echo '<sockets>1</sockets><cores>128</cores><threads>1</threads></cpu>'
    echo '<memory>4294967296</memory>'
    seq "$DIRS" | awk '{ printf "<domain type=\"test\"><name>vm%05d</name>" \
        "<uuid>00000000-0000-4000-8000-%012d</uuid><memory unit=\"MiB\">64</memory>" \
        "<vcpu>1</vcpu><os><type>hvm</type></os></domain>\n", $1, $1 }'
    echo '</node>'
}
complete() { [ "$(find "$mount/vms" -mindepth 1 -maxdepth 1 | wc -l)" = "$DIRS" ]; }

mkdir "$mount" "$through" "$tree" "$part" "$work/empty"
host_xml >"$work/host.xml"
printf '[cloud]\nstate = %s\n[host h1]\nuri = test://%s\n' "$work/state" "$work/host.xml" \
    >"$work/cloudfs.conf"
pinned "$cloudfs" -c "$work/cloudfs.conf" -f "$mount" &
cloud_pid=$!
pids="$pids $!"
wait_for 60 mounted "$mount"
wait_for 120 complete

# ---- the same on tmpfs, and passthrough_ll over as much of it as it can hold

tar -C "$mount" -cf - . 2>/dev/null | tar -C "$tree" -xf -
each_dir=$(find "$tree/vms/vm00001" | wc -l)
limit=$(ulimit -Hn)
[ "$limit" != unlimited ] || limit=1000000000
ulimit -Sn "$(ulimit -Hn)"
parts=$(((limit - 500) / each_dir))
[ "$parts" -lt "$DIRS" ] || parts=$DIRS
mkdir "$part/vms"
find "$tree/vms" -mindepth 1 -maxdepth 1 | sort | head -n "$parts" | xargs cp -a -t "$part/vms"
cp -a "$tree/README" "$tree/hosts" "$part/"
rm -rf "$part/hosts/h1/vms"
[ -e "$source" ] || die "no $source: reinstall libfuse3-dev, without a filter for documentation"
# shellcheck disable=SC2046 # flags
${CC:-gcc} -O2 -w -o "$work/passthrough_ll" $(pkg-config --cflags fuse3) "$source" \
    $(pkg-config --libs fuse3)
pinned "$work/passthrough_ll" -f -o "source=$part,cache=always" "$through" 2>/dev/null &
through_pid=$!
pids="$pids $!"
wait_for 20 mounted "$through"

# ---- the operations, in the directory at hand

do_find() { find . >/dev/null; }
do_ls() { ls -lR . >/dev/null; }
do_stat() { "$tools/each" stat "$work/all$list"; }
do_tar() { tar cf /dev/null . 2>/dev/null; }
do_rsync() { rsync -an . "$work/empty/"; }
do_cat() { bash -c 'cat vms/*/score' >/dev/null; }
do_read() { "$tools/each" read "$work/files$list"; }
do_grep() { grep -r 'is in no file at all' . >/dev/null || true; }
(cd "$tree" && find . >"$work/all.tree" && find . -type f ! -name events >"$work/files.tree")
(cd "$part" && find . >"$work/all.part" && find . -type f >"$work/files.part")

again() { (cd "$1" && list=$2 && "do_$3"); } # DIRECTORY LIST OPERATION
# Microseconds into $at: the shell counts those of its children, the kernel those of the daemon, in
# ticks.
now() { # DAEMON, or nothing
    at=${EPOCHREALTIME/./}
    [ "${CPU:-}" ] || return 0
    times >"$work/times"
    at=$({ cat "$work/times"; [ -z "$1" ] || cat "/proc/$1/stat"; } | awk -v hz="$(getconf CLK_TCK)" '
        NR == 2 { gsub(/s/, ""); split($1, u, "m"); split($2, s, "m")
                  us = (60 * (u[1] + s[1]) + u[2] + s[2]) * 1e6 }
        NR == 3 { sub(/.*\) /, ""); us += ($12 + $13) / hz * 1e6 }
        END { printf "%d", us }')
}
seconds() { # DIRECTORY LIST OPERATION FILE [DAEMON]: a line more in FILE
    local begun
    now "${5:-}"
    begun=$at
    again "$1" "$2" "$3"
    now "${5:-}"
    echo $((at - begun)) >>"$work/$4.$3"
}
median() { sort -n "$work/$1.$2" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] / 1e6 }'; }

round() { # OPERATION
    seconds "$tree" .tree "$1" tmpfs
    drop
    seconds "$mount" .tree "$1" cold "$cloud_pid"
    again "$mount" .tree "$1"
    seconds "$mount" .tree "$1" warm "$cloud_pid"
    seconds "$part" .part "$1" tmpfs_part
    drop
    seconds "$through" .part "$1" through_cold "$through_pid"
    again "$through" .part "$1"
    seconds "$through" .part "$1" through_warm "$through_pid"
}

taskset -cp "$cpu" $$ >/dev/null
objects=$(wc -l <"$work/all.tree")
echo "$DIRS VMs, $objects files and directories; passthrough_ll: $parts VMs. Medians of $ROUNDS${CPU:+, CPU time}."
echo
echo '| | tmpfs | cloudfs cold | cloudfs warm | passthrough_ll cold | warm | ahead cold | warm |'
echo '|---|---|---|---|---|---|---|---|'
for operation in ${OPERATIONS:-find ls stat tar rsync cat read grep}; do
    again "$tree" .tree "$operation" # the program itself is warm
    for ((i = 0; i < ROUNDS; i++)); do
        round "$operation"
    done
    awk -v name="$operation" -v t="$(median tmpfs "$operation")" -v c="$(median cold "$operation")" \
        -v w="$(median warm "$operation")" -v p="$(median tmpfs_part "$operation")" \
        -v pc="$(median through_cold "$operation")" -v pw="$(median through_warm "$operation")" \
        'BEGIN { printf "| %s | %.3f s | %.3f s, %.1f | %.3f s, %.1f | %.1f | %.1f | %.1f | %.1f |\n",
            name, t, c, c / t, w, w / t, pc / p, pw / p, (pc / p) / (c / t), (pw / p) / (w / t) }'
done
