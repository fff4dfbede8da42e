#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Services: replicas of a template, spread over hosts, scaled, and started again.
. "$(dirname "$0")/lib.sh"

mount_cloud "$(test_section h1 8 16384)" "$(test_section h2 8 16384)" "$(test_section h3 8 16384)"
for host in h1 h2 h3; do
    wait_for 10 reads "$M/hosts/$host/state" up
done
cd "$M/services"
hosts_of() { for vm in "$@"; do readlink "../vms/$vm/host"; done | sort -u | wc -l; }

mkdir web
is web/state draft
gives 'write EINVAL' write web/spec $'replicas = many\n'
has web/error 'line 1.*replicas'
gives 'write EINVAL' write web/spec $'replicas = 2\n[vm]\ncpu = 1\n'
has web/error 'line 3.*cpu'
gives 'write EINVAL' write web/spec $'replicas = 2\ncpus = 1\n'
gives ok write web/spec $'replicas = 2\n[vm]\ncpus = 1\nmemory = 64MiB\n'
wait_for 10 reads web/state ready
same "$(ls ../vms | xargs)" 'web-0 web-1'
same "$(ls web/vms | xargs)" 'web-0 web-1'
same "$(readlink web/vms/web-1)" ../../../vms/web-1
same "$(hosts_of web-0 web-1)" 2
is ../vms/web-0/state running
has web/placement h1
gives EPERM rmdir ../vms/web-0
gives EEXIST mkdir ../vms/web-0

# Scaled by its spec and by its ctl, which the spec then tells.
gives ok write web/spec $'replicas = 3\n[vm]\ncpus = 1\nmemory = 64MiB\n'
wait_for 10 reads web/state ready
same "$(hosts_of web-0 web-1 web-2)" 3
gives ok write web/ctl $'scale 1\n'
wait_for 10 reads web/state ready
same "$(ls web/vms)" web-0
has web/spec '^replicas = 1$'
gives 'write EINVAL' write web/ctl $'scale\n'
gives 'write EINVAL' write web/ctl $'scale -1\n'

# A fourth of a spread that is hard finds no host of its own, and waits.
gives ok write web/ctl $'scale 4\n'
wait_for 10 test -e web/vms/web-2
is ../vms/web-2/state running
fails reads web/state ready
gives ok write web/spec $'replicas = 4\nspread = none\n[vm]\ncpus = 1\nmemory = 64MiB\n'
wait_for 10 reads web/state ready
is ../vms/web-3/state running

# The template reaches its members.
gives ok write web/spec $'replicas = 2\n[vm]\ncpus = 2\nmemory = 64MiB\n'
wait_for 10 shows ../vms/web-0/domain.xml '(current=.2.|>2<)'

# S = D x R / C.
mkdir batch
gives ok write batch/spec $'replicas = 5\ndemand = 10\ncost = 100\nspread = none\n[vm]\nmemory = 64MiB\n'
wait_for 10 reads batch/state ready
has batch/score '^schedule 0\.500000$'
rm -r batch
gone batch
same "$(ls ../vms | xargs)" 'web-0 web-1'
gives ok rmdir web
same "$(ls ../vms)" ''
cd "$T"
unmount_cloud

# A member that something else destroyed is started again; one of restart = never is not.
daemon real
rm -rf "$T/state"
mount_cloud '[host real]' "uri = $(uri real)"
wait_for 20 reads "$M/hosts/real/state" up
cd "$M/services"
mkdir web
put services/web 'replicas = 2' 'spread = none' '[vm]' 'virtualization = qemu' 'memory = 32MiB' 'network = none'
wait_for 30 reads web/state ready

# Scaled down while its host is down: the surplus goes when that is back.
kill_daemon real
wait_for 20 reads ../hosts/real/state down
gives ok write web/ctl $'scale 1\n'
test -d ../vms/web-1
daemon real
wait_for 60 reads ../hosts/real/state up
wait_for 10 gone ../vms/web-1
same "$(virsh_on real list --all --name | xargs)" web-0
gives ok write web/ctl $'scale 2\n'

# Its host died of it: a member that is wanted again when that is back is kept, and never stopped.
process=$(pids_with guest=web-1)
kill -STOP "$(daemon_pid real)"
op write web/ctl $'scale 1\n' >"$T/scaled" &
wait_for 5 reads ../vms/web-1/state destroying
kill_daemon real
wait $!
is "$T/scaled" 'write EHOSTDOWN'
wait_for 20 reads ../hosts/real/state down
gives ok write web/ctl $'scale 2\n'
daemon real
wait_for 60 reads ../hosts/real/state up
wait_for 10 reads web/state ready
is ../vms/web-1/error ''
has ../events 'vms/web-1 kept'
same "$(pids_with guest=web-1)" "$process"

virsh_on real destroy web-1 >/dev/null
running_again() { virsh_on real list --name | grep -qx web-1; }
wait_for 15 running_again
wait_for 10 reads web/state ready
has ../events 'vms/web-1.*(start|again)'
rm -r web
same "$(virsh_on real list --all --name | xargs)" ''
cd "$T"
unmount_cloud
