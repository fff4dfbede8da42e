# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tools.bash: what the tests of ordinary tools (4*.sh) share, besides lib.sh.

ROUNDS=${ROUNDS:-3}
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_COUNT=2
export GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=test
export GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=test@localhost
export RESTIC_PASSWORD=test RESTIC_CACHE_DIR=$T/cache.restic
export BORG_BASE_DIR=$T/borg BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes

need() { # COMMAND...
    local command
    for command; do
        command -v "$command" >/dev/null || die "no $command on this machine: make deps"
    done
}

# A command that succeeds and warns of nothing. Its output is left in $T/out.
quiet() { # COMMAND...
    local status=0
    "$@" >"$T/out" 2>"$T/said" || status=$?
    [ $status = 0 ] && ! [ -s "$T/said" ] ||
        die "$(printf '%s ' "$@" | cut -c 1-120): exit $status, $(head -n 5 "$T/said")"
}

# Two hosts with room for many.
two_hosts() {
    test_section h1 256 524288
    test_section h2 256 524288 'zone = b'
}

# A cloud that samples each second, of two hosts and so many VMs, each with a spec of its own.
cloud_of() { # NUMBER [LINE...]: lines for [cloud]
    local i
    configure "${@:2}" "$(two_hosts)"
    mount_again
    wait_for 10 reads "$M/hosts/h1/state" up
    wait_for 10 reads "$M/hosts/h2/state" up
    for ((i = 1; i <= $1; i++)); do
        mkdir "$M/vms/v$i"
        printf '# number %s\ncpus = %s\nmemory = 32MiB\n' $i $((i % 4 + 1)) >"$M/vms/v$i/spec"
    done
    settled
}

# Nothing is under way any more.
settled() {
    wait_for 20 all_at_rest
}
all_at_rest() {
    ! cat "$M"/vms/*/state "$M"/services/*/state 2>/dev/null |
        grep -Eqx 'pending|creating|destroying|degraded|unknown'
}

uuid() { grep -o '<uuid>[^<]*' "$M/vms/$1/domain.xml"; } # VM
mac() { grep -o "<mac address='[^']*" "$M/vms/$1/domain.xml"; }
cpus() { # VM: those that it has now; a score may be a second old
    sed -nE "s/.*<vcpu.*current='([0-9]+)'.*/\1/p; t end; s/.*<vcpu[^>]*>([0-9]+)<.*/\1/p; :end" "$M/vms/$1/domain.xml"
}
events_of() { grep -c " $1 $2" "$M/events" || true; } # OBJECT EXTENDED-REGEX
all_uuids() { grep -ho '<uuid>[^<]*' "$M"/vms/*/domain.xml | sort; }

# A script of the README as a test can run it: what follows "<!-- script NAME -->", indented,
# with this mount and a directory of the test's in place of a reader's.
readme() { # NAME
    local text
    text=$(awk -v mark="<!-- script $1 -->" '
        $0 == mark { on = 1; next }
        on && /^    / { print substr($0, 5); seen = 1; next }
        on && /^$/ { print; next }
        on && seen { exit }' "$(dirname "${BASH_SOURCE[0]}")/../../README.md" |
        sed "s|/srv/cloud|$M|g; s|/var/backups|$T/backups|g")
    [ "$text" ] || die "README.md has no script $1"
    printf '%s\n' "$text"
}
run_readme() { # NAME: as its reader runs it, line by line, and without a warning
    readme "$1" >"$T/script.$1"
    quiet bash -eu "$T/script.$1"
}
