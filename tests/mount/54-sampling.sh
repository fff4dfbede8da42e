#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hosts are sampled often while somebody looks at them, and ever more rarely while nobody does; who
# looks never waits for it, and the next look shows it.
. "$(dirname "$0")/lib.sh"

samples() { sed -n 's/^cloudfs_host_samples_total{.*} //p' "$M/hosts/$1/metrics"; }
more_samples() { [ "$(samples "$1")" -gt "$2" ]; }

configure 'sample_idle = 3600' 'forecast = 86400' \
    "$(test_section seen 16 16384)" "$(test_section unseen 16 16384)"
sed -i 's/^sample = 1$/sample = 0.5/' "$T/cloudfs.conf"
mount_again
wait_for 10 reads "$M/hosts/seen/state" up
wait_for 10 reads "$M/hosts/unseen/state" up
new_vm web1 'virtualization = test' 'host = seen'

# A VM is looked at, that is its host, and so does who counts. Nine samples that nobody looks at take
# minutes, as each pause is twice the one before.
looked_often() {
    cat "$M/vms/web1/score" >"$T/score"
    more_samples seen 8
}
wait_for 30 looked_often

# Whoever comes back sees how old it is, and the next look is fresh, without a wait of its own.
before=$(samples unseen)
[ "$before" -lt "$(samples seen)" ] || die "unseen: $before samples, seen: $(samples seen)"
has "$M/hosts/unseen/resources" '^age [0-9]+$'
wait_for 10 more_samples unseen "$before"
is_fresh() { [ "$(value "$M/hosts/unseen/resources" age)" -le 2 ]; }
wait_for 20 is_fresh
unmount_cloud
