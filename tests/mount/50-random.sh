#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Random operations of several processes for FUZZ_SECONDS (10), repeatable with FUZZ_SEED; then
# the tree is what tests/tool/random.c's model says: no lost spec, no VM twice, none without one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tools.bash"

seed=${FUZZ_SEED:-$RANDOM} seconds=${FUZZ_SECONDS:-10}
echo "FUZZ_SEED=$seed"
configure 'grace = 0.3' "$(two_hosts)"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
wait_for 10 reads "$M/hosts/h2/state" up
workers='1 2 3 4'

pids=
for worker in $workers; do
    "$TOOLS/random" "$M" "$worker" "$seconds" "$seed" "trace.$worker" >"model.$worker" 2>"said.$worker" &
    pids="$pids $!"
done
# Others look on, as monitoring and backups do.
(
    end=$((SECONDS + seconds))
    while [ $SECONDS -lt $end ]; do
        tar -C "$M" -cf - . 2>/dev/null | wc -c
        grep -rs . "$M" | wc -l
        ls -lR "$M" 2>/dev/null | wc -l
    done >/dev/null
) &
onlooker=$!
bad=0
for pid in $pids; do
    wait "$pid" || bad=$((bad + 1))
done
wait $onlooker || true
cat said.*
# What led to what is wrong: the calls on the VM that it is about.
grep -ho 'w[0-9]*-[0-9]*' said.* | sort -u | while read -r name; do
    grep -h -- "$name" trace.* | tail -n 25
done
[ $bad = 0 ] || die "$bad workers saw what must not be"
running "$CLOUD" || die 'cloudfs is gone'
sleep 1 # the grace of what was dropped last
settled

text_of() { # WORKER NUMBER, as spec_text() in random.c
    printf '# spec %d of worker %d\ncpus = %d\nmemory = %dMiB\n' "$2" "$1" $(($2 % 3 + 1)) $((16 + $2 % 16))
}

compare() { # live|restarted
    local worker name number
    for worker in $workers; do
        same "$(cd "$M/vms" && ls | grep "^w$worker-" | xargs)" "$(cut -d ' ' -f 1 "model.$worker" | sort | xargs)"
        while read -r name number; do
            if [ "$number" = -1 ]; then
                is "$M/vms/$name/state" draft
                continue
            fi
            is "$M/specs/vms/$name.ini" "$(text_of "$worker" "$number")"
            # A file that was unlinked is hidden until it is written, or until the next mount.
            [ "$1" = live ] && ! [ -e "$M/vms/$name/spec" ] ||
                is "$M/vms/$name/spec" "$(text_of "$worker" "$number")"
            # The world of a test driver ends with cloudfs.
            [ "$1" = restarted ] ||
                same "$name $(cpus "$name")" "$name $((number % 3 + 1))"
        done <"model.$worker"
    done
}

# No VM twice, none without a spec, no spec without a VM, and no one else's.
sound() {
    local vm state
    same "$(all_uuids | uniq -d)" ''
    same "$(ls "$M/vms" | grep -Ev '^(w[0-9]+|shared)-[0-9]+$' || true)" ''
    for vm in "$M"/vms/*; do
        [ -d "$vm" ] || continue
        state=$(cat "$vm/state")
        [ "$state" != draft ] || continue
        is "$vm/state" running
        [ -s "$M/specs/vms/${vm##*/}.ini" ] || die "$vm has no spec"
        [ "$(find "$M"/hosts/*/vms -lname "*/${vm##*/}" | wc -l)" = 1 ] || die "$vm is on no host, or on two"
    done
    same "$(ls "$M"/hosts/*/vms | grep -c -- -)" "$(grep -lx running "$M"/vms/*/state | wc -l)"
    find "$M"/plan -name '*.tmp' -o -path "$M/specs/*" -name '*.tmp' | grep . && die 'a scratch file is left' || true
}
compare live
sound
unmount_cloud
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
wait_for 10 reads "$M/hosts/h2/state" up
compare restarted
same "$(find "$M/specs" -name "*.ini" -size +0 | wc -l)" "$(find "$M/vms" "$M/hosts" -name spec -size +0 | wc -l)"
# What was gone with the test driver's world is being made again, and busy meanwhile.
cleared() { rm -rf "$M"/vms/* 2>/dev/null; }
wait_for 20 cleared
unmount_cloud
