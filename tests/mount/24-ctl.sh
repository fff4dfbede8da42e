#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ctl: verbs of VMs, hosts and services, and what is no verb.
. "$(dirname "$0")/lib.sh"

mount_cloud "$(test_section h1 8 16384)"
wait_for 10 reads "$M/hosts/h1/state" up
new_vm web1 'cpus = 1'
cd "$M/vms/web1"
verb() { gives ok write ctl "$1"$'\n'; }

for word in start shutdown destroy reboot reset suspend resume; do
    has ctl "^$word"
done
for line in 'stat' 'start now' 'START' '-' 'start; destroy' "$(printf '%0300d' 0)"; do
    gives 'write EINVAL' write ctl "$line"$'\n'
    [ -s error ]
    is state running
done
has ../../events 'vms/web1'

verb suspend
wait_for 5 reads state paused
verb suspend
# It is not tried again, and so nothing says that it is.
gives 'write EBUSY' write ctl $'start\n'
is error 'cannot start a domain that is paused'
verb resume
wait_for 5 reads state running
verb reboot
wait_for 5 reads state running
verb reset
verb shutdown
wait_for 5 reads state shutoff
verb shutdown
case $(op write ctl $'suspend\n') in *EBUSY) ;; *) die 'a VM that is off can be suspended' ;; esac
[ -s error ]
verb start
wait_for 5 reads state running
is error ''
verb destroy
wait_for 5 reads state shutoff
echo start >ctl
wait_for 5 reads state running

# Several lines run one after another.
printf 'suspend\nresume\nsuspend\n' >ctl
wait_for 5 reads state paused
verb resume

cd "$M/hosts/h1"
has ctl '^activate'
has ctl '^reconnect'
gives 'write EINVAL' write ctl $'start\n'
[ -s error ]
gives ok write ctl $'activate\n'
gives ok write ctl $'reconnect\n'
wait_for 10 reads state up

mkdir "$M/services/s"
cd "$M/services/s"
put services/s 'replicas = 1' '[vm]' 'memory = 64MiB'
wait_for 10 reads state ready
has ctl '^scale'
has ctl '^restart'
gives 'write EINVAL' write ctl $'scale lots\n'
gives 'write EINVAL' write ctl $'start\n'
gives ok write ctl $'restart\n'
wait_for 10 reads state ready
wait_for 10 reads "$M/vms/s-0/state" running
cd "$T"
unmount_cloud
