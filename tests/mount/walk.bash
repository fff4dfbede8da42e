# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# walk.bash: cloudfs is killed at each failpoint of an operation and mounted again.
#
# A test says, in functions of these names, of each operation: before_OPERATION makes what is there
# before, do_OPERATION does it, and after_OPERATION succeeds when what is there now is as before or
# as asked. Besides: `sound` succeeds when hosts and directories agree and nothing is left over,
# `clear_all` removes everything. Where there is a function `meanwhile`, it is called after the kill
# and mounts again in its own way. Then `walk OPERATION...`.
#
#     KILL_POINTS   a regular expression: at which points to kill (the test's own choice of few)
#     KILL_NTH      at the first so many passes of each (1)
#     KILLED_AT     a file that takes the name of each point at which cloudfs was killed

faulty
export CLOUDFS_FAILPOINTS=$T/rules CLOUDFS_FAILPOINTS_LOG=$T/passed
: >"$T/rules"
killed=0

arm() { echo "$1" >"$T/rules.new" && mv "$T/rules.new" "$T/rules"; } # RULES

# Another rule that an operation needs to pass all of its points.
declare -A ALSO

hosts_up() {
    local state
    for state in "$M"/hosts/*/state; do reads "$state" up || return; done
}

all_still() {
    hosts_up && ! cat "$M"/vms/*/state "$M"/services/*/state 2>/dev/null |
        grep -Eqx 'pending|creating|destroying|degraded|unknown'
}

mount_up() {
    mounted "$M" || mount_again 7>&-
    wait_for 20 hosts_up
    wait_for 20 all_still
}

# What is there now, in the words of the test's own picture(), is one of these.
one_of() { # PICTURE...
    local got want
    got=$(picture)
    for want; do
        [ "$got" != "$want" ] || return 0
    done
    die "killed at $POINT: '$got' is none of '$(printf '%s|' "$@")'"
}

# What a test asserts, without an end to the test if it is not so yet.
holds() { (trap - ERR EXIT; "$@") 2>/dev/null; } # COMMAND...
finally() { # COMMAND...: is true before long
    local end=$((SECONDS + 15 * SLOW))
    until holds "$@"; do
        [ $SECONDS -lt $end ] || { "$@"; return; }
        sleep 0.1
    done
}

# A job that the kill had cut off may be under way again: then the VM is busy.
clean() {
    finally clear_all
    POINT="$POINT, cleared"
    finally sound
}

# The points that an operation passes, with how often, in the file points.OPERATION.
passes() { # OPERATION
    POINT=nothing
    mount_up
    "before_$1"
    sleep 0.2
    : >"$T/passed"
    arm "*:trace,${ALSO[$1]:-}"
    "do_$1"
    wait_for 20 all_still
    sleep 0.3 # events and looks that follow
    arm ''
    awk '$2 == "trace" { n[$1]++ } END { for (name in n) print name, n[name] }' "$T/passed" |
        sort >"$T/points.$1"
    finally sound
    clean
}

# A thread of the dead may be in the kernel, about to forget a name in a directory that a request
# of which it owes the answer has locked. Neither ends by a signal; ending the connection does it.
bury() { # ASKING
    umount -f "$M" 2>/dev/null || true
    wait $1 $CLOUD 2>/dev/null || true
    CLOUD=
    ! mounted "$M" || unmounted
}

kill_at() { # OPERATION POINT NTH
    local asking= end=$((SECONDS + 5 * SLOW))
    POINT="$2 ($3) of $1"
    mount_up
    "before_$1"
    arm "$2:kill:nth=$3,${ALSO[$1]:-}"
    if [ "$1" = mount ]; then do_mount; else "do_$1" & asking=$!; fi
    while running $CLOUD && [ $SECONDS -lt $end ]; do sleep 0.02; done
    arm ''
    sleep 0.2 # for one that is at the point just now
    if running $CLOUD; then # a look that an event had led to, and now did not
        wait $asking || true
        wait_for 20 all_still
        clean
        return
    fi
    bury "$asking"
    killed=$((killed + 1))
    echo "$2" >>"$T/killed_at"
    ! declare -F meanwhile >/dev/null || meanwhile "$1"
    mount_up
    finally "after_$1"
    finally sound
    clean
}

walk() { # OPERATION...
    local operation point number nth
    : >"$T/killed_at"
    for operation; do passes "$operation"; done
    for operation; do
        while read -r point number <&8; do
            [[ $point =~ ^($KILL_POINTS)$ ]] || continue
            for ((nth = 1; nth <= number && nth <= ${KILL_NTH:-1}; nth++)); do
                kill_at "$operation" "$point" $nth
            done
        done 8<"$T/points.$operation"
    done
    mount_up
    [ -z "${KILLED_AT:-}" ] || cat "$T/killed_at" >>"$KILLED_AT"
    echo "count: killed $killed times at $(sort -u "$T/killed_at" | wc -l) of $(passed | wc -l) points passed"
}

# The points that the operations passed.
passed() { cut -d ' ' -f 1 "$T"/points.* | sort -u; }

# No point but those that PATTERN names was left out.
all_passed() { # PATTERN
    same "$("$CLOUDFS" --list-failpoints | grep -Evx "$1" | comm -23 - <(passed) | xargs)" ''
}
