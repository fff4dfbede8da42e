#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cloudfs is killed at each failpoint of each operation and mounted again: the object is as it was
# or as was asked, never twice, never half; nothing is reserved, defined or stored for nobody. Every
# failpoint is passed. Over libvirt's test driver; walk.bash says what KILL_* choose.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/walk.bash"
. "$(dirname "$0")/worlds.bash"
KILL_POINTS=${KILL_POINTS:-create.placed|change.defined|destroy.undefined|rename.domain|migrate.defined|scale.added}

OLD=$'cpus = 1\nmemory = 64MiB\ndisk = 1MiB\nuser_data = {"a": 1}\nnetwork = none\nhost = one\n'
NEW=$'cpus = 2\nmemory = 48MiB\ndisk = 1MiB\nuser_data = {"a": 2}\nnetwork = none\nhost = one\n'
OFF=$'cpus = 1\nmemory = 64MiB\npower = off\nnetwork = none\n'
ON=$'cpus = 1\nmemory = 64MiB\npower = on\nnetwork = none\n'
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

# Its spec does that: it is followed, however late.
before_switch() { make a "$ON"; }
do_switch() {
    write vms/a/spec "$OFF"
    sleep 0.5 # its writer does not wait for that
}
after_switch() { one_of 'a running on one' 'a shutoff off one'; }

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
        "$OLD") text=old ;; "$NEW") text=new ;; "$OFF") text=off ;; "$ON") text=on ;; *) text="'$text'" ;;
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

sound() {
    sound_host one
    sound_host two
}

clear_all() {
    rm -rf "$M"/services/s "$M"/vms/* "$M"/plan/*
    same "$(picture)" ''
}

begin_worlds
operations=(create change destroy rename migrate settle power plan grow shrink mount)
[ "$KILL_POINTS" != '.*' ] || operations+=(switch) # tests/unit/reconcile_away_test.c has it each day
walk "${operations[@]}"
# Moves are aborted when they take too long, and guests are asked by tests of their own.
all_passed 'virt[.](abort|probe)([.]done)?'
unmount_cloud
end_worlds
