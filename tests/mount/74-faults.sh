#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each call of the hypervisor and of the store fails, waits or loses its answer, while VMs and
# services are made, changed, renamed, scaled and removed: what is asked for is done or refused
# with the errno and a sentence, what is refused is as it was, and when the fault is over all goes on.
#
# FAULT_RULES=all goes through all points and kinds of fault, else it is a choice of few.
. "$(dirname "$0")/lib.sh"
faulty
export CLOUDFS_FAILPOINTS=$T/rules CLOUDFS_FAILPOINTS_LOG=$T/passed
: >rules
: >passed
arm() { echo "$1" >"$T/rules.new" && mv "$T/rules.new" "$T/rules"; } # RULES

OLD=$'cpus = 1\nmemory = 64MiB\nnetwork = none\n'
NEW=$'cpus = 2\nmemory = 64MiB\nnetwork = none\n'
OFF=$'cpus = 1\nmemory = 64MiB\npower = off\nnetwork = none\n'
service() { printf 'replicas = %s\nspread = none\n[vm]\nmemory = 32MiB\nnetwork = none\n' "$1"; }

# The errno of an operation, without the step; "ok".
errno_of() {
    local got
    got=$(op "$@")
    echo "${got##* }"
}

# What an operation that got ANSWER has left: GOOD if it succeeded, BEFORE or GOOD if it was lost
# with the host, else BEFORE and a sentence in `error`.
left() { # ANSWER OBJECT NOW BEFORE GOOD
    case $1 in
    ok) [ "$3" = "$5" ] || die "$RULE: $2 answers ok and is '$3' instead of '$5'" ;;
    EHOSTDOWN | ETIMEDOUT) [ "$3" = "$4" ] || [ "$3" = "$5" ] || die "$RULE: $2 answers $1 and is '$3'" ;;
    *) [ "$3" = "$4" ] || die "$RULE: $2 answers $1 and is '$3' instead of '$4'" ;;
    esac
    # What is not the fault's errno is of what came of it: a job under way, a host that is down.
    case $1 in
    ok | EBUSY | EHOSTDOWN | "$WANT") ;;
    *) die "$RULE: $2 answers $1" ;;
    esac
    # What was lost with the host may have been finished meanwhile.
    case $1 in
    ok | EHOSTDOWN | ETIMEDOUT) ;;
    *) ! [ -d "$M/$2" ] || [ -s "$M/$2/error" ] || die "$RULE: $2 answers $1 without a sentence" ;;
    esac
}
# Hosts too small for what is made here: one with a domain that nobody manages, and two more.
tiny_host() { # NAME [DOMAIN]
    test_host "$1" 1 16 >/dev/null
    [ $# = 1 ] || sed -i "/^<.node>/i <domain type='test'><name>$2</name><uuid>$(cat /proc/sys/kernel/random/uuid)</uuid><memory unit='MiB'>8</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>" "$T/$1.xml"
}
host() { printf 'uri = test://%s/%s.xml\ncost = %s\n' "$T" "$1" "$2"; } # NAME COST
tiny_host tiny alien
tiny_host other
tiny_host third

spec_of() { cat "$M/$1/spec" 2>/dev/null && echo . || echo gone; }
there() { [ -d "$M/$1" ] && echo there || echo gone; }

# Objects that are there before, and what is done to them under the fault.
prepare() {
    mkdir "$M"/vms/{new,change,go,off} "$M/services/s" "$M/plan/p" "$M"/plan/both{,/x,/y} "$M"/hosts/{tiny,new,third}
    gives ok write "$M/vms/change/spec" "$OLD"
    gives ok write "$M/vms/go/spec" "$OLD"
    gives ok write "$M/vms/off/spec" "$OFF"
    gives ok write "$M/services/s/spec" "$(service 1)"$'\n'
    gives ok write "$M/plan/p/spec" "$OLD"
    gives ok write "$M/plan/both/x/spec" "$OLD"
    gives ok write "$M/plan/both/y/spec" "$OLD"
    gives ok write "$M/hosts/third/spec" "$(host third 1)"$'\n'
    gives ok write "$M/hosts/tiny/spec" "$(host tiny 1)"$'\n'
    wait_for 5 reads "$M/vms/alien/state" running
    alien=$(inode "$M/vms/alien")
    allocated=$(allocated)
}
allocated() { cat "$M"/hosts/h1/resources | awk '/_allocated/'; }
as_allocated() { [ "$(allocated)" = "$allocated" ]; }

# What is asked of hosts and of plans that go together.
work_on_hosts() {
    local answer
    answer=$(errno_of write "$M/hosts/new/spec" "$(host other 1)"$'\n')
    left "$answer" hosts/new "$(spec_of hosts/new)" . "$(host other 1)"$'\n.'
    answer=$(errno_of write "$M/hosts/tiny/spec" "$(host tiny 2)"$'\n')
    left "$answer" hosts/tiny "$(spec_of hosts/tiny)" "$(host tiny 1)"$'\n.' "$(host tiny 2)"$'\n.'
    # It has not even been left for a moment.
    case $RULE in store*) is "$M/vms/alien/state" running ;; esac
    answer=$(errno_of write "$M/hosts/third/spec" "$(host other 1)"$'\n')
    left "$answer" hosts/third "$(spec_of hosts/third)" "$(host third 1)"$'\n.' "$(host other 1)"$'\n.'
    answer=$(errno_of rmdir "$M/hosts/tiny")
    left "$answer" hosts/tiny "$(there hosts/tiny)" there gone
    case $answer in
    ok) ;;
    *)
        wait_for 10 test -d "$M/vms/alien"
        same "$(inode "$M/vms/alien")" "$alien"
        is "$M/vms/alien/error" ''
        ;;
    esac
}
work_on_plans() {
    local answer now
    answer=$(errno_of rename "$M/plan/both" "$M/vms/both")
    now="$(there plan/both/x) $(there plan/both/y) $(there vms/x) $(there vms/y)"
    case $RULE$answer in
    virt*E*) same "$now" 'gone gone there there' ;;
    *) left "$answer" plan/both "$now" 'there there gone gone' 'gone gone there there' ;;
    esac
}

work() {
    local answer
    work_on_hosts
    work_on_plans
    answer=$(errno_of mkdir "$M/vms/draft")
    left "$answer" vms/draft "$(there vms/draft)" gone there
    answer=$(errno_of write "$M/vms/new/spec" "$OLD")
    # A spec that could be kept and not carried out stays where there was none.
    case $RULE$answer in
    *ok | virt*EIO) same "$(spec_of vms/new)" "$OLD." ;;
    *) left "$answer" vms/new "$(spec_of vms/new)" . "$OLD." ;;
    esac
    answer=$(errno_of write "$M/vms/change/spec" "$NEW")
    left "$answer" vms/change "$(spec_of vms/change)" "$OLD." "$NEW."
    answer=$(errno_of rename "$M/vms/off" "$M/vms/renamed")
    left "$answer" vms/off "$(there vms/renamed)" gone there
    answer=$(errno_of write "$M/services/s/spec" "$(service 2)"$'\n')
    case $answer in ENOSPC) left "$answer" services/s "$(spec_of services/s)" "$(service 1)"$'\n.' '' ;; esac
    answer=$(errno_of write "$M/plan/p/spec" "$NEW")
    left "$answer" plan/p "$(spec_of plan/p)" "$OLD." "$NEW."
    answer=$(errno_of chmod "$M/plan/p" 700)
    case $answer in
    ok) same "$(stat -c %a "$M/plan/p")" 700 ;;
    *) same "$(stat -c %a "$M/plan/p")" 755 ;;
    esac
    answer=$(errno_of rmdir "$M/vms/go")
    left "$answer" vms/go "$(there vms/go)" there gone
    answer=$(errno_of rmdir "$M/plan/p")
    left "$answer" plan/p "$(there plan/p)" there gone
}

# The fault is over: what was begun ends, and what was refused can be done.
quiet() {
    reads "$M/hosts/h1/state" up && ! cat "$M"/vms/*/state "$M"/services/*/state |
        grep -Eqx 'pending|creating|destroying|degraded|unknown'
}
recover() {
    wait_for 20 quiet
    retried() { [ "$(errno_of write "$M/$1/spec" "$2")" = ok ] && quiet; }
    wait_for 20 retried vms/new "$OLD"
    wait_for 20 retried vms/change "$NEW"
    is "$M/vms/change/spec" "${NEW%?}"
    is "$M/vms/change/error" ''
    wait_for 20 retried services/s "$(service 2)"$'\n'
    wait_for 10 reads "$M/services/s/state" ready
    wait_for 20 retried hosts/new "$(host other 1)"$'\n'
    same "$(cat "$M"/vms/{new,change}/state | xargs)" 'running running'
    # Both have the new number: what the hypervisor has is what the spec says.
    has "$M/vms/change/domain.xml" "<vcpu[^>]*>2<|current=.2."
    # Everything can go, and nothing is reserved then.
    emptied() { rm -r "$M"/services/s "$M"/vms/* "$M"/plan/* "$M"/hosts/{tiny,new,third} 2>/dev/null || true; [ -z "$(ls "$M/vms" "$M/services/" "$M/plan" | grep -v :)" ]; }
    wait_for 20 emptied
    nothing() { [ "$(value "$M/hosts/h1/resources" memory_allocated)" = 0 ]; }
    wait_for 10 nothing
}

under() { # POINT FAULT ERRNO
    RULE="$1:$2" WANT=$3
    prepare
    arm "$RULE"
    work
    case $RULE in # nothing can be saved at all
    store.[bpc]*=ENOSPC) wait_for 5 as_allocated ;;
    esac
    arm ''
    recover
    running $CLOUD || die "$RULE: cloudfs is no more"
    faults=$((faults + 1))
}

faults=0
mount_cloud "$(test_section h1 64 65536)"
wait_for 10 reads "$M/hosts/h1/state" up
if [ "${FAULT_RULES:-}" = all ]; then
    for point in $("$CLOUDFS" --list-failpoints | grep -E '^store[.](begin|put|delete|event|commit)$'); do
        under $point error=ENOSPC ENOSPC
        under $point error=EIO EIO
        under $point error=EIO:rate=0.5 EIO
        under $point wait=100 none
    done
    for call in domain list info open sample create change destroy rename power; do
        under virt.$call error=EIO EIO
        under virt.$call error=EHOSTDOWN EHOSTDOWN
        under virt.$call error=ETIMEDOUT ETIMEDOUT
        under virt.$call.done error=EHOSTDOWN:max=1 EHOSTDOWN
        under virt.$call.done error=ETIMEDOUT:max=1 ETIMEDOUT
        under virt.$call wait=200 none
        under virt.$call.done wait=200 none
        under virt.$call error=EIO:rate=0.5 EIO
    done
else
    under store.commit error=ENOSPC ENOSPC
    under virt.create error=EIO EIO
    under virt.change.done error=EHOSTDOWN:max=1 EHOSTDOWN
    under 'virt.*' wait=20 none
fi
[ -s passed ]
echo "count: $faults kinds of fault, $(grep -c -v ' trace$' passed) faults survived"
unmount_cloud
