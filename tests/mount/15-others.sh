#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is somebody else's is not opened, replaced or brought back by making its name: while it is
# there, when it was removed a moment ago, and when it comes in that moment.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/users.bash"
vm_of_alice() { # NAME MODE
    gives_to alice ok mkdir "$M/vms/$1"
    gives_to alice ok write "$M/vms/$1/spec" $'memory = 32MiB\n'
    gives_to alice ok chmod "$M/vms/$1" "$2"
}
leaves_vm_of_alice() { # NAME: neither changed nor kept
    is "$M/vms/$1/spec" 'memory = 32MiB'
    hasnt "$M/events" "vms/$1 stays.* uid=$BOB"
    gone "$M/specs/vms/$1.ini"
}

OPTIONS=allow_other
configure 'grace = 60' "$(test_section h1 64 65536)"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
chmod 1777 "$M/vms" "$M/services" "$M/specs/vms"

# ---- one that was removed, within its grace: nothing is read, written or kept
vm_of_alice a 700
gives_to alice ok unlink "$M/specs/vms/a.ini"
gives_to bob 'open EACCES' write "$M/specs/vms/a.ini" $'cpus = 4\n'
gives_to bob 'open EACCES' exclusive "$M/specs/vms/a.ini" $'cpus = 4\n'
gives_to bob 'open EACCES' create "$M/specs/vms/a.ini" r
gives_to bob 'open EACCES' create "$M/specs/vms/a.ini" rw
case $(bob "$T/op" link "$M/vms/a/spec" "$M/specs/vms/a.ini" || true) in
EPERM | EACCES) ;;
*) die 'bob gives a removed spec its name again' ;;
esac
gives_to bob ok write "$M/specs/vms/tmp" $'cpus = 4\n'
case $(bob "$T/op" rename "$M/specs/vms/tmp" "$M/specs/vms/a.ini" || true) in
EPERM | EACCES) ;;
*) die 'a text of bob in place of a spec that alice removed' ;;
esac
leaves_vm_of_alice a
gives_to alice ok exclusive "$M/specs/vms/a.ini" $'memory = 48MiB\n' # hers to make anew
is "$M/vms/a/spec" 'memory = 48MiB'
# Its group may write it, members by supplementary groups too; who may only read it, may not.
vm_of_alice b 750
chgrp $OPS "$M/vms/b"
gives_to alice ok unlink "$M/specs/vms/b.ini"
gives_to bob 'open EACCES' create "$M/specs/vms/b.ini" r
gives_to bob 'open EACCES' write "$M/specs/vms/b.ini" $'cpus = 4\n'
leaves_vm_of_alice b
# A group that is not his does not let him in.
vm_of_alice g 770
gives_to alice ok unlink "$M/specs/vms/g.ini"
gives_to bob 'open EACCES' write "$M/specs/vms/g.ini" $'cpus = 4\n'
leaves_vm_of_alice g
gives_to alice ok chmod "$M/vms/b" 770
gives_to bob ok write "$M/specs/vms/b.ini" $'cpus = 2\n'
is "$M/vms/b/spec" 'cpus = 2'

# ---- a member of a service: its name only seems to go
gives_to alice ok mkdir "$M/services/w"
gives_to alice ok write "$M/services/w/spec" $'replicas = 1\nspread = none\n[vm]\nmemory = 32MiB\n'
gives_to alice ok chmod "$M/vms/w-0" 700
gives_to alice ok unlink "$M/specs/vms/w-0.ini"
gives_to bob 'open EACCES' create "$M/specs/vms/w-0.ini" r
gives_to bob 'open EACCES' write "$M/specs/vms/w-0.ini" $'cpus = 4\n'
gone "$M/specs/vms/w-0.ini"

# ---- a backup is as secret as the spec, also in the place of a file that somebody has open
vm_of_alice s 700
gives_to alice ok write "$M/specs/vms/s.ini.bak" ''
gives_to alice ok chmod "$M/specs/vms/s.ini.bak" 644
exec 7<"$M/specs/vms/s.ini.bak"
alice sed -i.bak 's/32/48/' "$M/specs/vms/s.ini"
gives_to bob 'open EACCES' read "$M/specs/vms/s.ini.bak"
same "$(stat -c '%u %a' "$M/specs/vms/s.ini.bak")" "$ALICE 600"
same "$(cat <&7)" ''
exec 7<&-
is "$M/specs/vms/s.ini.bak" 'memory = 32MiB'
is "$M/vms/s/spec" 'memory = 48MiB'
chmod 770 "$M/vms/s"
chgrp $OPS "$M/vms/s"
gives_to bob ok rename "$M/vms/s/spec" "$M/vms/s/spec.bak" # the owner stays, as with any file
same "$(stat -c '%u %g %a' "$M/vms/s/spec.bak")" "$ALICE $OPS 660"

# ---- one that alice makes in the same moment: open(2) of her file, or bob makes his own
same "$("$TOOLS/race" "$M" $ALICE $BOB 300)" 0

# ---- a folder without the sticky bit: what rmdir and unlink refuse, rename refuses too
vm_of_alice c 700
chmod 2777 "$M/specs/vms"
gives_to bob EACCES unlink "$M/specs/vms/c.ini"
gives_to bob ok write "$M/specs/vms/tmp" $'cpus = 6\n'
gives_to bob EACCES rename "$M/specs/vms/tmp" "$M/specs/vms/c.ini"
is "$M/specs/vms/c.ini" 'memory = 32MiB'
# A text that he may not read does not become a spec of his.
gives_to alice ok write "$M/specs/vms/hers" $'memory = 32MiB\n# secret\n'
gives_to alice ok chmod "$M/specs/vms/hers" 600
gives_to bob EACCES rename "$M/specs/vms/hers" "$M/specs/vms/his.ini"
gone "$M/specs/vms/his.ini"
gives_to alice ok chmod "$M/specs/vms/hers" 644
gives_to bob ok rename "$M/specs/vms/hers" "$M/specs/vms/his.ini"
same "$(stat -c %u "$M/specs/vms/his.ini")" $BOB
gives_to alice ok chmod "$M/vms/c" 707
gives_to bob ok rename "$M/specs/vms/tmp" "$M/specs/vms/c.ini"
is "$M/vms/c/spec" 'cpus = 6'
same "$(stat -c %u "$M/vms/c")" $ALICE

# ---- a batch: who may not make a plan real by its own name does not by that of its batch
chmod 1777 "$M/plan"
gives_to alice ok mkdir "$M/plan/batch"
gives_to alice ok chmod "$M/plan/batch" 777
gives_to bob ok mkdir "$M/plan/batch/bobs"
gives_to bob ok write "$M/plan/batch/bobs/spec" $'memory = 32MiB\n'
gives_to alice EACCES rename "$M/plan/batch/bobs" "$M/vms/bobs"
gives_to alice EACCES rename "$M/plan/batch" "$M/vms/batch"
gone "$M/vms/bobs"
gives_to alice ok rename "$M/plan/batch" "$M/plan/later"
gives_to bob ok chmod "$M/plan/later/bobs" 707
gives_to alice ok rename "$M/plan/later" "$M/vms/batch"
same "$(stat -c %u "$M/vms/bobs")" $BOB
unmount_cloud
