#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Creating VMs through a mount, each durable before its job starts, against the same libvirt
# calls made directly. VMS=1000, PROCS="1 4 8".
. "$(dirname "$0")/mount.sh"
VMS=${VMS:-1000} PROCS=${PROCS:-1 4 8}

host_file "$T/h.xml" 0 0
direct=$("$LOAD" direct "test://$T/h.xml" "$VMS")
echo "$VMS VMs on test:///, a second"
echo "virDomainDefineXML() and virDomainCreate(): $direct"
for procs in $PROCS; do
    printf '[cloud]\nstate = %s\n[host h]\nuri = test://%s\n' "$T/state$procs" "$T/h.xml" \
        >"$T/cloudfs.conf"
    start_cloud
    until [ "$(up)" = 1 ]; do sleep 0.1; done
    rate=$("$LOAD" create "$M/vms" "$VMS" "$procs")
    echo "through the mount, $procs processes: $rate, ratio $(calc "$rate / $direct") (aim: 0.5)"
    stop_cloud
done
