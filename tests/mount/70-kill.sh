#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cloudfs is killed at each failpoint of each operation and mounted again: the object is as it was
# or as was asked, never twice, never half; nothing is reserved, defined or stored for nobody.
#
# KILL_OPERATIONS=all walks all and insists that no failpoint but those of moving is left out; KILL_NTH=N
# kills at the first N passes of each point of each operation.
. "$(dirname "$0")/lib.sh"
faulty

# The test driver in a daemon: what it holds lives as long as somebody is connected.
daemon one
URI="test+unix:///default?socket=$T/one/run/libvirt/libvirt-sock"
exec 7> >(exec virsh -q -c "$URI" >/dev/null 2>&1 7>&-)
host() { virsh -q -c "$URI" "$@" 7>&-; }
# Its own domain takes all the room. Until virsh holds the connection, each call is a new world.
emptied() {
    host destroy test >/dev/null
    host undefine test >/dev/null
    [ -z "$(host list --all --name | xargs)" ]
}
wait_for 5 emptied
export CLOUDFS_FAILPOINTS=$T/rules CLOUDFS_FAILPOINTS_LOG=$T/passed
: >rules

arm() { echo "$1" >rules.new && mv rules.new rules; }

OLD=$'cpus = 1\nmemory = 64MiB\ndisk = 1MiB\nuser_data = {"a": 1}\nnetwork = none\n'
NEW=$'cpus = 2\nmemory = 48MiB\ndisk = 2MiB\nuser_data = {"a": 2}\nnetwork = none\n'
OFF=$'cpus = 1\nmemory = 64MiB\npower = off\nnetwork = none\n'
service() { printf 'replicas = %s\nspread = none\n[vm]\nmemory = 32MiB\nnetwork = none\n' "$1"; }
write() { "$TOOLS/op" write "$M/$1" "$2" >/dev/null || true; }
make() { mkdir "$M/vms/$1" && gives ok write "$M/vms/$1/spec" "$2"; }

# Each operation: what is there before, what is done, and what may be there afterwards.
before_create() { mkdir "$M/vms/a"; }
do_create() { write vms/a/spec "$OLD"; }
after_create() { one_of 'a draft' 'a running old'; }

before_change() { make a "$OLD"; }
do_change() { write vms/a/spec "$NEW"; }
after_change() { one_of 'a running old' 'a running new'; }

before_destroy() { make a "$OLD"; }
do_destroy() { op rmdir "$M/vms/a" >/dev/null; }
after_destroy() { one_of 'a running old' ''; }

before_rename() { make a "$OFF"; }
do_rename() { mv "$M/vms/a" "$M/vms/b" 2>/dev/null || true; }
# One that was begun is finished a moment after the host is up again.
after_rename() { sleep 1; one_of 'a shutoff off' 'b shutoff off'; }

before_power() { make a "$OFF"; }
do_power() { write vms/a/ctl $'start\n'; }
after_power() { one_of 'a shutoff off' 'a running off'; }

before_plan() { mkdir "$M/plan/a" && gives ok write "$M/plan/a/spec" "$OLD"; }
do_plan() { mv "$M/plan/a" "$M/vms/a" 2>/dev/null || true; }
after_plan() { one_of '' 'a running old'; rm -rf "$M/plan/a"; }

before_grow() { mkdir "$M/services/s" && gives ok write "$M/services/s/spec" "$(service 1)"$'\n'; }
do_grow() { write services/s/ctl $'scale 3\n'; }
after_grow() { members 1 3; }

before_shrink() { mkdir "$M/services/s" && gives ok write "$M/services/s/spec" "$(service 3)"$'\n'; }
do_shrink() { write services/s/ctl $'scale 1\n'; }
after_shrink() { members 1 3; }

before_mount() { make a "$OLD"; unmount_cloud; }
do_mount() { "$CLOUDFS" -c "$T/cloudfs.conf" -f "$M" >>"$T/cloudfs.log" 2>&1 7>&- & CLOUD=$!
    wait_for 10 eval '! running $CLOUD || { mounted $M && [ "$(cat $M/hosts/one/state)" = up ] && sleep 1.2; }'; }
after_mount() { one_of 'a running old'; }

# ---- what must be true

# NAME STATE SPEC of the VMs, with what the host says of each: "running", "old".
picture() {
    local vm name state text
    for vm in "$M"/vms/*/; do
        [ -d "$vm" ] || continue
        name=$(basename "$vm") state=$(cat "$vm/state") text=$(cat "$vm/spec"; echo .)
        [ "$state" = draft ] && [ "$text" = . ] && { echo "$name draft"; continue; }
        case ${text%.} in
        "$OLD") text=old ;; "$NEW") text=new ;; "$OFF") text=off ;; *) text="'$text'" ;;
        esac
        echo "$name $state $text"
    done
}

one_of() { # PICTURE...
    local got want
    got=$(picture)
    for want; do
        [ "$got" != "$want" ] || return 0
    done
    die "killed at $POINT: '$got' is none of '$(printf '%s|' "$@")'"
}

members() { # NUMBER...: one of them
    local replicas
    replicas=$(awk '$1 == "replicas" { print $3 }' "$M/services/s/spec")
    [[ " $* " == *" $replicas "* ]] || die "killed at $POINT: $replicas replicas"
    wait_for 10 reads "$M/services/s/state" ready
    same "$(cd "$M/vms" && ls | xargs)" "$(seq -f 's-%g' -s ' ' 0 $((replicas - 1)))"
    same "$(cat "$M"/vms/*/state | sort -u)" running
}

# The host has a domain for each VM that is no draft, and nothing else; sizes agree. (What is
# reserved is read from a file that keeps its text while it is looked at: once a mount.)
sound() { # [again]
    local vm uuid cpus=0 domains='' volumes='' memory=0
    for vm in "$M"/vms/*/; do
        [ -d "$vm" ] && [ "$(cat "$vm/state")" != draft ] || continue
        uuid=$(sed -n 's/.*<uuid>\(.*\)<.*/\1/p' "$vm/domain.xml")
        domains+="$(basename "$vm") $uuid"$'\n'
        same "$(host dominfo "$uuid" | awk '/^CPU\(s\)/ { print $2 }')" "$(size "$vm" cpus 1)"
        same "$(host dominfo "$uuid" | awk '/^Max memory/ { print $3 / 1024 }')" "$(size "$vm" memory 512)"
        cpus=$((cpus + $(size "$vm" cpus 1))) memory=$((memory + $(size "$vm" memory 512)))
        ! grep -q ^disk "$vm/spec" || volumes+="cloudfs-$uuid.qcow2"$'\n'"cloudfs-$uuid-seed.iso"$'\n'
    done
    same "$(host list --all --name --uuid | awk 'NF { print $2, $1 }' | sort)" "$(sort <<<"${domains%?}")"
    same "$(host vol-list default-pool | awk '/cloudfs/ { print $1 }' | sort)" "$(sort <<<"${volumes%?}")"
    [ $# = 0 ] || return 0
    same "$(value "$M/hosts/one/resources" cpus_allocated)" $cpus
    same "$(value "$M/hosts/one/resources" memory_allocated)" $((memory << 20))
}
size() { # VM KEY DEFAULT
    awk -v key="$2" -v size="$3" '$1 == key { size = $3 + 0 } END { print size }' "$1/spec"
}

all_still() {
    [ "$(cat "$M/hosts/one/state")" = up ] &&
        ! cat "$M"/vms/*/state "$M"/services/*/state 2>/dev/null |
        grep -Eqx 'pending|creating|destroying|degraded|unknown'
}

mount_up() {
    mounted "$M" || mount_again 7>&-
    wait_for 10 reads "$M/hosts/one/state" up
    wait_for 10 all_still
}

clear_all() {
    rm -rf "$M"/services/s "$M"/vms/* "$M"/plan/*
    POINT="$POINT, cleared"
    same "$(picture)" ''
    sound again
}

# ---- the walk

passes() { # OPERATION: the points that it passes, with their numbers
    POINT='nothing'
    mount_up
    "before_$1"
    sleep 0.2
    : >passed
    arm '*:trace'
    "do_$1"
    wait_for 10 all_still
    sleep 0.3 # events and looks that follow
    arm ''
    awk '$2 == "trace" { n[$1]++ } END { for (name in n) print name, n[name] }' passed | sort >"points.$1"
    clear_all
}

# A thread of the dead may be in the kernel, about to forget a name in a directory that a request
# of which it owes the answer has locked. Neither ends by a signal; ending the connection does it.
bury() { # ASKING
    umount -f "$M" 2>/dev/null || true
    wait $1 $CLOUD 2>/dev/null || true
    CLOUD=
    ! mounted "$M" || fusermount3 -u "$M"
}

kill_at() { # OPERATION POINT NTH
    POINT="$2 ($3) of $1"
    mount_up
    "before_$1"
    : >passed
    arm "$2:kill:nth=$3"
    local asking=
    if [ "$1" = mount ]; then do_mount; else "do_$1" & asking=$!; fi
    local end=$((SECONDS + 3 * SLOW))
    while running $CLOUD && [ $SECONDS -lt $end ]; do sleep 0.02; done
    arm ''
    if running $CLOUD; then
        wait_for 10 all_still
        clear_all # a look that an event had led to, and now did not
        return
    else
        bury "$asking"
        killed=$((killed + 1))
        echo "$2" >>done
        mount_up
    fi
    "after_$1"
    sound
    clear_all
}

killed=0 operations=${KILL_OPERATIONS:-create rename}
[ "$operations" != all ] || operations='create change destroy rename power plan grow shrink mount'
configure '[host one]' "uri = $URI"
mount_again 7>&-
for operation in $operations; do
    passes $operation
done
: >done
for operation in $operations; do
    while read -r point number <&8; do
        # Those that belong to an operation are walked in it; those of the store and of calls once
        # for each operation too, unless time is short.
        [ "${KILL_NTH:-}" ] || ! grep -qx "$point" done || continue
        for ((nth = 1; nth <= number && nth <= ${KILL_NTH:-1}; nth++)); do
            kill_at $operation "$point" $nth
        done
    done 8<"points.$operation"
done
mount_up
echo "count: killed $killed times at $(sort -u done | wc -l) points"
[ "${KILL_OPERATIONS:-}" != all ] ||
    # The test driver moves no VMs.
    same "$("$CLOUDFS" --list-failpoints | grep -Ev '^virt[.](can_move|migrate|settle|abort)' | grep -vxFf <(sort -u done) | xargs)" ''
unmount_cloud
exec 7>&-
