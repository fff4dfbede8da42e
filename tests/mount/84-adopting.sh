#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A domain that is being adopted is cloudfs's already: it counts in its owner's quota, and its host
# can neither be removed nor be sent elsewhere. It needs no room, as it has what it has.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/users.bash"

with_domains() { # HOST DOMAIN[:KIB]...
    local each kib
    test_host "$1" 64 65536 >"$1.uri"
    sed -i '/<\/node>/d' "$1.xml"
    for each in "${@:2}"; do
        kib=${each#*:}
        [ "$kib" != "$each" ] || kib=131072
        printf '<domain type="test"><name>%s</name><memory>%s</memory><vcpu>2</vcpu>' \
            "${each%:*}" "$kib"
        printf '<os><type>hvm</type></os></domain>\n'
    done >>"$1.xml"
    echo '</node>' >>"$1.xml"
}
with_domains h1 d1 d2 d3
with_domains h2 d4 large:134217728
mine=$'cpus = 2\nmemory = 128MiB\n# mine\n'

OPTIONS=allow_other
configure '[host h1]' "uri = $(cat h1.uri)" '[quota 61001]' 'vms = 1'
faulty
export CLOUDFS_FAILPOINTS=virt.change:wait=1500
mount_again
mkdir "$M/hosts/h2"
put hosts/h2 "uri = $(cat h2.uri)"
wait_for 10 test -d "$M/vms/d3"
wait_for 10 test -d "$M/vms/d4"

# ---- three at a time, of which one fits
pids=
for name in d1 d2 d3; do
    gives ok chown "$M/vms/$name" $ALICE
    { alice "$T/op" write "$M/vms/$name/spec" "$mine" || true; } >"said.$name" &
    pids="$pids $!"
done
# shellcheck disable=SC2086 # words
wait $pids
same "$(sed 's|write|close|' said.d? | sort | xargs)" 'close EDQUOT close EDQUOT ok'
same "$(ls "$M/specs/vms" | wc -l)" 1

# ---- its host, and its owner
op write "$M/vms/d4/spec" "$mine" >said.d4 &
adopter=$!
wait_for 10 shows "$M/events" 'vms/d4 spec written: adopted'
gives EBUSY rmdir "$M/hosts/h2"
has "$M/hosts/h2/error" 'h2 has 1 VMs of cloudfs'
gives 'close EBUSY' write "$M/hosts/h2/spec" 'uri = test:///default'
gives EDQUOT chown "$M/vms/d4" $ALICE
! [ -s said.d4 ] || die 'the adoption was over too soon'
wait $adopter
is said.d4 ok
is "$M/vms/d4/spec" "$(printf '%s' "$mine")"
is "$M/hosts/h2/spec" "uri = $(cat h2.uri)"

# ---- one that is larger than any host, which is full with it
gives 'write ENOSPC' write "$M/vms/large/spec" $'memory = 129GiB\n'
has "$M/vms/large/error" '^large cannot stay on host h2: memory: wants 129.0 GiB'
gives ok write "$M/vms/large/spec" "$(cat "$M/vms/large/spec")"$'\n'
is "$M/vms/large/error" ''
test -e "$M/specs/vms/large.ini"
unmount_cloud
