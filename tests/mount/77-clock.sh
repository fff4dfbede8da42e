#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The clock jumps a year ahead and two back: T counts seconds that went by, times of files only go
# on, and everything works. What cloudfs takes for the time of day is libfaketime's.
. "$(dirname "$0")/lib.sh"

library=$(ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null | head -1)
[ "$library" ] || die 'no libfaketime on this machine: make deps'
! ldd "$CLOUDFS" | grep -Eq 'lib(asan|tsan)' || { echo 'not tried: a sanitizer wants to be loaded first'; exit 0; }
jump() { echo "$1" >clock.new && mv clock.new clock; } # OFFSET
jump +0
cat >cloudfs <<RUN
#!/bin/sh
export FAKETIME_TIMESTAMP_FILE=$T/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1
LD_PRELOAD=$library exec "$CLOUDFS" "\$@"
RUN
chmod +x cloudfs
CLOUDFS=$T/cloudfs
configure 'grace = 1' "$(test_section h1 64 65536)"
begun=$SECONDS
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
cd "$M"

# T: R and C are 1. It has moved on, and by no more than what went by.
T_is_sane() {
    local available
    available=$(value vms/web1/score management | cut -d . -f 1)
    [ "$available" -ge "$1" ] && [ "$available" -le $((SECONDS - begun + 1)) ]
}
new_vm web1 'memory = 64MiB'
year=$(date +%Y) last=0
for offset in +365d -730d +0; do
    (cd "$T" && jump $offset)
    put vms/web1 'memory = 64MiB' "# at $offset"
    time=$(stat -c %Y vms/web1/spec)
    [ "$time" -ge "$last" ] || die "at $offset, the time of a spec goes back"
    last=$time
    before=$(value vms/web1/score management | cut -d . -f 1)
    later() { T_is_sane $((before + 1)); }
    wait_for 10 later
    new_vm web2 'memory = 64MiB'
    is vms/web2/state running
    rm specs/vms/web2.ini # and its grace is a second of any clock
    wait_for 10 gone vms/web2
    is hosts/h1/state up
done
grep -q " $((year + 1))-" events || die 'the jump was not seen at all'
cd "$T"
unmount_cloud
jump +3650d
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
cd "$M"
T_is_sane 0 || die "T is $(value vms/web1/score management)"
has vms/web1/spec '^# at \+0$'
cd "$T"
unmount_cloud
