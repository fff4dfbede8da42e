#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Quotas of what was there before: a domain counts when it is adopted, and a backup that is put
# back over a quota says EDQUOT with the numbers, brings back what fits, and loses nothing.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/users.bash"

config() { # VMS
    configure '[host h1]' 'uri = test:///default' 'memory_overcommit = 16' 'cpu_overcommit = 16' '[quota 61001]' "vms = $1" 'memory = 9GiB'
}
OPTIONS=allow_other
chmod 777 "$M"
config 2
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
chmod 1777 "$M/vms" "$M/specs/vms"

# ---- adoption: the test driver has a domain "test" of 2 CPUs and 8 GiB
is "$M/vms/test/state" running
for name in a b; do
    gives_to alice ok mkdir "$M/vms/$name"
    gives_to alice ok write "$M/vms/$name/spec" $'memory = 32MiB\n'
done
cat "$M/vms/test/spec" >derived
# It takes nothing while it is nobody's to change; its owner, who has no VM left, cannot adopt it.
gives ok chown "$M/vms/test" $ALICE
gives_to alice 'write EDQUOT' write "$M/vms/test/spec" "$(printf '# mine\n%s' "$(cat derived)")"$'\n'
has "$M/vms/test/error" 'quota of 61001: 2 of 2 VMs are taken, this needs 1 more'
is "$M/vms/test/state" running
is "$M/vms/test/spec" "$(cat derived)"
gives_to alice EPERM rmdir "$M/vms/test" # never adopted
# From its adoption on it counts.
gives_to alice ok rmdir "$M/vms/b"
gives_to alice ok write "$M/vms/test/spec" "$(printf '# mine\n%s' "$(cat derived)")"$'\n'
gives_to alice EDQUOT mkdir "$M/vms/b"
has "$M/events" 'refused vms/b: quota of 61001: 2 of 2 VMs are taken, this needs 1 more uid='
is "$M/vms/test/state" running
gives_to alice ok rmdir "$M/vms/test"
gives_to alice ok mkdir "$M/vms/b"
gives_to alice ok write "$M/vms/b/spec" $'memory = 32MiB\n'

# ---- restore: a backup of four, where two fit
mkdir -p backup/vms
for name in a b c d; do
    printf '# %s from the backup\nmemory = 48MiB\n' $name >"backup/vms/$name.ini"
done
chmod -R a+rX backup
status=0
alice tar -C "$M/specs" -xf - >said 2>&1 < <(tar -C backup -cf - vms/a.ini vms/b.ini vms/c.ini vms/d.ini) || status=$?
[ $status != 0 ] || die 'tar says nothing of a quota'
has said 'quota'
for name in a b; do
    is "$M/vms/$name/spec" "$(cat "backup/vms/$name.ini")"
    is "$M/vms/$name/state" running
done
for name in c d; do
    gone "$M/vms/$name"
    has "$M/events" "refused vms/$name: quota of 61001: 2 of 2 VMs are taken, this needs 1 more uid="
done
same "$(grep -lx running "$M"/vms/*/state | wc -l)" 2
# With more room, the same backup brings back the rest, and changes nothing of what is there.
before=$(inode "$M/vms/a/spec")
unmount_cloud
config 4
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
is "$M/vms/a/spec" "$(cat backup/vms/a.ini)"
# Their domains went with the connection: while one is made again, its file cannot be removed.
for name in a b; do wait_for 10 reads "$M/vms/$name/state" running; done
alice tar -C "$M/specs" -xf - < <(tar -C backup -cf - vms/a.ini vms/b.ini vms/c.ini vms/d.ini)
for name in a b c d; do
    is "$M/vms/$name/spec" "$(cat "backup/vms/$name.ini")"
    wait_for 10 reads "$M/vms/$name/state" running
done
same "$(inode "$M/vms/a/spec")" "$before"

# ---- VMs that become members of a service count once
chmod 1777 "$M/services"
for name in c d; do gives_to alice ok rmdir "$M/vms/$name"; done
for name in w-0 w-1; do
    gives_to alice ok mkdir "$M/vms/$name"
    gives_to alice ok write "$M/vms/$name/spec" $'memory = 32MiB\n'
done
gives_to alice ok mkdir "$M/services/w"
gives_to alice 'write EDQUOT' write "$M/services/w/spec" $'replicas = 3\nspread = none\n[vm]\nmemory = 32MiB\n'
has "$M/services/w/error" 'quota of 61001: 4 of 4 VMs are taken, this needs 1 more'
gives_to alice 'close EDQUOT' write "$M/services/w/spec" $'replicas = 2\nspread = none\n[vm]\nmemory = 48MiB\n'
gives_to alice ok write "$M/services/w/spec" $'replicas = 2\nspread = none\n[vm]\nmemory = 32MiB\n'
wait_for 10 reads "$M/services/w/state" ready
same "$(ls "$M/services/w/vms" | xargs)" 'w-0 w-1'
gives_to alice 'write EDQUOT' write "$M/services/w/ctl" $'scale 3\n'
unmount_cloud
