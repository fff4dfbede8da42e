#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cloudfs is killed at each failpoint of each operation and mounted again: the object is as it was
# or as was asked, never twice, never half; nothing is reserved, defined or stored for nobody. Every
# failpoint is passed. Over libvirt's test driver; walk.bash says what KILL_* choose.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/walk.bash"
KILL_POINTS=${KILL_POINTS:-create.placed|change.defined|destroy.undefined|rename.domain|migrate.defined|scale.added}

# The test driver in daemons: what it holds lives as long as somebody is connected.
uri_of() { echo "test+unix:///default?socket=$T/$1/run/libvirt/libvirt-sock"; }
on() { virsh -q -c "$(uri_of "$1")" "${@:2}" 7>&-; } # HOST COMMAND...
# Its own domain takes all the room. Until virsh holds the connection, each call is a new world.
emptied() {
    on "$1" destroy test >/dev/null
    on "$1" undefine test >/dev/null
    [ -z "$(on "$1" list --all --name | xargs)" ]
}
daemon one
daemon two
exec 7> >(exec virsh -q -c "$(uri_of one)" >/dev/null 2>&1 7>&-)
exec 6> >(exec virsh -q -c "$(uri_of two)" >/dev/null 2>&1 7>&-)
wait_for 5 emptied one
wait_for 5 emptied two

OLD=$'cpus = 1\nmemory = 64MiB\ndisk = 1MiB\nuser_data = {"a": 1}\nnetwork = none\nhost = one\n'
NEW=$'cpus = 2\nmemory = 48MiB\ndisk = 1MiB\nuser_data = {"a": 2}\nnetwork = none\nhost = one\n'
OFF=$'cpus = 1\nmemory = 64MiB\npower = off\nnetwork = none\n'
service() { printf 'replicas = %s\nspread = none\n[vm]\nmemory = 32MiB\nnetwork = none\nhost = one\n' "$1"; }
write() { "$TOOLS/op" write "$M/$1" "$2" >/dev/null || true; }
make() { mkdir "$M/vms/$1" && gives ok write "$M/vms/$1/spec" "$2"; }

# Each operation: what is there before, what is done, and what may be there afterwards.
before_create() { mkdir "$M/vms/a"; }
do_create() { write vms/a/spec "$OLD"; }
after_create() { one_of 'a draft' 'a running old one'; }

before_change() { make a "$OLD"; }
do_change() { write vms/a/spec "$NEW"; }
after_change() { one_of 'a running old one' 'a running new one'; }

before_destroy() { make a "$OLD"; }
do_destroy() { op rmdir "$M/vms/a" >/dev/null; }
after_destroy() { one_of 'a running old one' ''; }

before_rename() { make a "$OFF"; }
do_rename() { mv "$M/vms/a" "$M/vms/b" 2>/dev/null || true; }
after_rename() { one_of 'a shutoff off one' 'b shutoff off one'; }

before_migrate() { make a "$OFF"; }
do_migrate() { write vms/a/ctl $'migrate two\n'; }
after_migrate() { one_of 'a shutoff off one' 'a shutoff off two'; }

# A move of which the answer is lost.
ALSO[settle]=virt.migrate.done:error=EHOSTDOWN
before_settle() { make a "$OFF"; }
do_settle() {
    do_migrate
    sleep 2.5 # it is asked after 2 s
}
after_settle() { after_migrate; }

before_power() { make a "$OFF"; }
do_power() { write vms/a/ctl $'start\n'; }
after_power() { one_of 'a shutoff off one' 'a running off one'; }

before_plan() { mkdir "$M/plan/a" && gives ok write "$M/plan/a/spec" "$OLD"; }
do_plan() { mv "$M/plan/a" "$M/vms/a" 2>/dev/null || true; }
after_plan() { one_of '' 'a running old one'; }

before_grow() { mkdir "$M/services/s" && gives ok write "$M/services/s/spec" "$(service 1)"$'\n'; }
do_grow() { write services/s/ctl $'scale 3\n'; }
after_grow() { members 1 3; }

before_shrink() { mkdir "$M/services/s" && gives ok write "$M/services/s/spec" "$(service 3)"$'\n'; }
do_shrink() { write services/s/ctl $'scale 1\n'; }
after_shrink() { members 1 3; }

before_mount() { make a "$OLD"; unmount_cloud; }
do_mount() {
    "$CLOUDFS" -c "$T/cloudfs.conf" -f "$M" >>"$T/cloudfs.log" 2>&1 6>&- 7>&- &
    CLOUD=$!
    wait_for 10 over_or_up
}
# What libvirt is asked a moment after it answered belongs to it, and a sample.
over_or_up() { ! running "$CLOUD" || { mounted "$M" && hosts_up && sleep 2.7; }; }
after_mount() { one_of 'a running old one'; }

# NAME STATE SPEC HOST of the VMs.
picture() {
    local vm name state text
    for vm in "$M"/vms/*/; do
        [ -d "$vm" ] || continue
        name=$(basename "$vm") state=$(cat "$vm/state") text=$(cat "$vm/spec"; echo .)
        [ "$state" = draft ] && [ "$text" = . ] && { echo "$name draft"; continue; }
        case ${text%.} in
        "$OLD") text=old ;; "$NEW") text=new ;; "$OFF") text=off ;; *) text="'$text'" ;;
        esac
        echo "$name $state $text $(basename "$(readlink "$vm/host")")"
    done
}

members() { # NUMBER...: one of them
    local replicas
    replicas=$(awk '$1 == "replicas" { print $3 }' "$M/services/s/spec")
    [[ " $* " == *" $replicas "* ]] || die "killed at $POINT: $replicas replicas"
    reads "$M/services/s/state" ready || die "killed at $POINT: the service is not ready"
    same "$(cd "$M/vms" && ls | xargs)" "$(seq -f 's-%g' -s ' ' 0 $((replicas - 1)))"
    same "$(cat "$M"/vms/*/state | sort -u)" running
}

# A host has a domain for each VM that is there and no draft, and nothing else; sizes agree.
sound() {
    local host
    for host in one two; do sound_host $host; done
}
sound_host() { # HOST
    local vm uuid cpus=0 domains='' volumes='' memory=0
    for vm in "$M"/vms/*/; do
        [ "$(readlink "$vm/host")" = "../../hosts/$1" ] || continue
        uuid=$(sed -n 's/.*<uuid>\(.*\)<.*/\1/p' "$vm/domain.xml")
        domains+="$(basename "$vm") $uuid"$'\n'
        same "$(on "$1" dominfo "$uuid" | awk '/^CPU\(s\)/ { print $2 }')" "$(size "$vm" cpus 1)"
        same "$(on "$1" dominfo "$uuid" | awk '/^Used memory/ { print $3 / 1024 }')" "$(size "$vm" memory 512)"
        cpus=$((cpus + $(size "$vm" cpus 1))) memory=$((memory + $(size "$vm" memory 512)))
        ! grep -q ^disk "$vm/spec" || volumes+="cloudfs-$uuid.qcow2"$'\n'"cloudfs-$uuid-seed.iso"$'\n'
    done
    same "$(on "$1" list --all --name --uuid | awk 'NF { print $2, $1 }' | sort)" "$(sort <<<"${domains%?}")"
    same "$(on "$1" vol-list default-pool | awk '/cloudfs/ { print $1 }' | sort)" "$(sort <<<"${volumes%?}")"
    [[ $POINT != *cleared ]] || return 0 # what is reserved keeps its text while it is looked at
    same "$(value "$M/hosts/$1/resources" cpus_allocated)" $cpus
    same "$(value "$M/hosts/$1/resources" memory_allocated)" $((memory << 20))
}
size() { # VM KEY DEFAULT
    awk -v key="$2" -v size="$3" '$1 == key { size = $3 + 0 } END { print size }' "$1/spec"
}

clear_all() {
    rm -rf "$M"/services/s "$M"/vms/* "$M"/plan/*
    same "$(picture)" ''
}

configure '[host one]' "uri = $(uri_of one)" '[host two]' "uri = $(uri_of two)"
walk create change destroy rename migrate settle power plan grow shrink mount
# Moves are aborted when they take too long, and guests are asked by tests of their own.
all_passed 'virt[.](abort|probe)([.]done)?'
unmount_cloud
exec 6>&- 7>&-
