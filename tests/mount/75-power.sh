#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The power fails while specs are written: each whose close(2) returned 0 is there afterwards, whole,
# or a later one of the same writer. The state directory is on an ext4 that stops at once, and loses
# what was not synced; every second time only cloudfs is killed. CUTS=N (2) for more.
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || { echo 'not tried: needs root to mount the disk'; exit 0; }
WRITERS='1 2 3'
promised=() begun=()
truncate -s 64M disk
mkfs.ext4 -q disk
mkdir state
mount -o loop disk state || { echo 'not tried: no loop devices on this machine'; exit 0; }
configure "$(test_section h1 64 65536)"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
filler=$(head -c 1500 /dev/zero | tr '\0' '#')
text() { printf 'memory = %sMiB\npower = off\n#%s\n# end of %s\n' $((64 + $1 % 64)) "$filler" "$1"; } # NUMBER

# Writes numbered specs until one is refused; what was answered with 0 is written down.
writer() { # WRITER FROM
    local n=$2
    while [ "$("$TOOLS/op" write "$M/vms/w$1/spec" "$(text $n)"$'\n')" = ok ] &&
        [ "$("$TOOLS/op" mkdir "$M/plan/w$1-$n")" = ok ]; do
        echo $n >>"acked.$1"
        n=$((n + 1))
    done
}

# The number of the spec that is in force, which is whole.
number() { # WRITER
    local n
    n=$(sed -n 's/^# end of //p' "$M/vms/w$1/spec")
    [ "$n" ] && cmp -s "$M/vms/w$1/spec" <(text "$n") || die "half a spec: $(cut -c 1-60 "$M/vms/w$1/spec")"
    echo "$n"
}

for w in $WRITERS; do
    new_vm w$w "$(text 0)"
    echo 0 >acked.$w
done
for ((cut = 1; cut <= ${CUTS:-2}; cut++)); do
    pids=
    for w in $WRITERS; do
        begun[w]=$(($(tail -n 1 acked.$w) + 2))
        writer $w ${begun[w]} &
        pids+=" $!"
    done
    sleep 0.$((RANDOM % 8 + 2))
    # What is answered while the disk stops is not counted: ext4 lets some of the fdatasync(2) calls
    # return 0 that are under way then, and loses what they wrote (6 of 400, with no cloudfs there).
    for w in $WRITERS; do promised[w]=$(tail -n 1 acked.$w); done
    if [ $((cut % 2)) = 1 ]; then
        gives ok powercut "$T/state"
    fi
    kill -KILL $CLOUD
    umount -f "$M" 2>/dev/null || true
    wait $pids $CLOUD 2>/dev/null || true
    ! mounted "$M" || unmounted
    umount "$T/state"
    mount -o loop disk state
    mount_again
    for w in $WRITERS; do
        [ $((cut % 2)) = 1 ] && n=${promised[w]} || n=$(tail -n 1 acked.$w)
        [ "$(number $w)" -ge "$n" ] || die "cut $cut: w$w was promised $n and has $(number $w)"
        # On a busy machine none may have been answered this time.
        [ "$n" -lt ${begun[w]} ] || [ -d "$M/plan/w$w-$n" ] || die "cut $cut: plan/w$w-$n was promised"
    done
    wait_for 10 reads "$M/hosts/h1/state" up
    quiet() { ! cat "$M"/vms/*/state | grep -Eqx 'pending|creating|unknown'; }
    wait_for 10 quiet
    rm -rf "$M"/plan/*
done
specs=$(cat acked.* | wc -l)
[ "$specs" -gt 10 ]
echo "count: $((cut - 1)) power cuts and kills, $specs specs that were promised are there"
unmount_cloud
umount state
