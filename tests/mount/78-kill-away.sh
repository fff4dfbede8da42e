#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cloudfs is killed at each failpoint of adopting a domain and of renaming a VM, and mounted again
# while the host is away; when that is back, the VM is as it was or as was asked: one directory, one
# domain, with one name. Until then one directory shows it, and nothing can be asked of it. walk.bash
# says what KILL_* choose.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/walk.bash"
. "$(dirname "$0")/worlds.bash"
KILL_POINTS=${KILL_POINTS:-change.defined|rename.domain}

NEW=$'cpus = 2\nmemory = 48MiB\n# ours now\n'
OFF=$'cpus = 1\nmemory = 64MiB\npower = off\nnetwork = none\nhost = one\n'

# Nobody finds the daemon any more, whose domains go on.
SOCKET=$T/one/run/libvirt/libvirt-sock
leave() { mv "$SOCKET" "$SOCKET.away"; }
return_again() {
    mv "$SOCKET.away" "$SOCKET"
    gives ok write "$M/hosts/one/ctl" $'reconnect\n'
}

alien() {
    on one create /dev/stdin >/dev/null <<XML
<domain type='test'>
  <name>a</name>
  <memory unit='MiB'>64</memory>
  <vcpu current='1'>4</vcpu>
  <os><type>hvm</type></os>
</domain>
XML
    wait_for 5 reads "$M/vms/a/state" running
}
is_adopted() { [ -e "$M/specs/vms/a.ini" ]; }

before_adopt() { alien; }
do_adopt() { op write "$M/vms/a/spec" "$NEW" >/dev/null; }
after_adopt() { one_of 'a running shown' 'a running ours'; }

# The answer is lost, the host is asked 2 s later.
ALSO[adopt_lost]=virt.change.done:error=EHOSTDOWN:max=1
before_adopt_lost() { alien; }
do_adopt_lost() { do_adopt; sleep 2.5; }
after_adopt_lost() { after_adopt; }

# It was made when close(2) has answered, which is noted a moment later, or with what is asked next.
before_rename() {
    new_vm a "$OFF"
    chmod 700 "$M/vms/a"
}
do_rename() { op rename "$M/vms/a" "$M/vms/b" >/dev/null; }
after_rename() { one_of 'a shutoff off' 'b shutoff off'; }

ALSO[rename_lost]=virt.rename.done:error=EHOSTDOWN:max=1
before_rename_lost() { before_rename; }
do_rename_lost() { do_rename; sleep 2.5; }
after_rename_lost() { after_rename; }

# Somebody takes the new name while the host is away.
before_claim() { before_rename; }
do_claim() { do_rename; }
after_claim() { one_of 'a shutoff off b draft' 'b shutoff off'; }

# NAME STATE SPEC of the VMs.
picture() {
    local vm name state text all=
    for vm in "$M"/vms/*/; do
        [ -d "$vm" ] || continue
        name=$(basename "$vm") state=$(cat "$vm/state") text=$(cat "$vm/spec"; echo .)
        case ${text%.} in
        '') text= ;;
        "$NEW") is_adopted && text=ours || text='no file in specs/' ;;
        "$OFF") text=off ;;
        *) is_adopted && text="'$text'" || text=shown ;;
        esac
        all+=" $name $state${text:+ $text}"
    done
    echo "${all# }"
}

meanwhile() { # OPERATION
    local name
    leave
    mount_again
    wait_for 10 reads "$M/hosts/one/state" down
    case $1 in
    adopt*)
        # The new spec is on its way, or it is not.
        case $(picture) in
        'a unknown shown' | 'a unknown ours' | 'a unknown no file in specs/') ;;
        *) die "killed at $POINT: $(picture)" ;;
        esac
        [[ $(op rmdir "$M/vms/a") =~ EHOSTDOWN|EPERM ]]
        gives 'close EHOSTDOWN' write "$M/vms/a/spec" $'cpus = 3\nmemory = 48MiB\n'
        ;;
    *)
        one_of 'a unknown off' 'b unknown off'
        name=$(ls "$M/vms")
        gives EHOSTDOWN rename "$M/vms/$name" "$M/vms/c"
        gives EHOSTDOWN rmdir "$M/vms/$name"
        gives 'close EHOSTDOWN' write "$M/vms/$name/spec" "#$OFF"
        [ "$1" != claim ] || [ "$name" = b ] || mkdir "$M/vms/b"
        ;;
    esac
    return_again
}

# Besides: what is ours says so, with its name and its spec.
sound() {
    local vm mark
    for vm in "$M"/vms/*/; do
        [ -L "$vm/host" ] || continue
        mark=$(on "$(basename "$(readlink "$vm/host")")" metadata "$(sed -n 's/.*<uuid>\(.*\)<.*/\1/p' "$vm/domain.xml")" urn:cloudfs:1 2>/dev/null || true)
        if [ -e "$M/specs/vms/$(basename "$vm").ini" ]; then
            [[ $mark = *"name=\"$(basename "$vm")\""*"$(tail -n 1 "$vm/spec")"* ]] || die "marked $mark"
        else
            same "$mark" ''
        fi
    done
    sound_host one
    sound_host two
}

clear_all() {
    rm -rf "$M"/vms/b
    if is_adopted; then
        rm -rf "$M/vms/a"
    elif [ -d "$M/vms/a" ]; then
        on one destroy a >/dev/null
        wait_for 5 gone "$M/vms/a"
    fi
    same "$(picture)" ''
}

begin_worlds
walk adopt adopt_lost rename rename_lost claim

# Somebody removes a domain that was being adopted: its spec is kept, and made anew.
POINT='a domain that goes'
alien
arm virt.change:kill
do_adopt
arm ''
bury ''
leave
mount_again
echo 'destroy a' >&7
wait_for 10 reads "$M/vms/a/state" unknown
return_again
wait_for 20 reads "$M/vms/a/state" running
one_of 'a running ours'
has "$M/events" 'vms/a domain is gone from one'
finally sound
clear_all

# A rename that fails half-way is taken back.
POINT='a mark that fails'
before_rename
arm rename.domain:error=EIO
gives EIO rename "$M/vms/a" "$M/vms/b"
arm ''
has "$M/vms/a/error" rename.domain
one_of 'a shutoff off'
finally sound
: >"$T/passed"

# Somebody takes the name under way, on another host or on the same: each has its own.
for host in two one; do
    POINT="a name that is taken on $host"
    arm virt.rename:wait=1000
    op rename "$M/vms/a" "$M/vms/b" >"$T/answer" &
    wait_for 5 grep -q virt.rename "$T/passed"
    : >"$T/passed"
    # On the same host the domain may have the name for a moment.
    written() { [ "$(op write "$M/specs/vms/b.ini" "${OFF/host = one/host = $host}")" = ok ]; }
    written || [ $host = one ]
    wait $!
    arm ''
    wait_for 10 written
    is "$T/answer" EEXIST
    has "$M/vms/a/error" 'b was taken|called b'
    wait_for 10 all_still
    same "$(cat "$M"/vms/{a,b}/state | xargs)" 'shutoff shutoff'
    finally sound
    rm -r "$M/vms/b"
done
clear_all
unmount_cloud
end_worlds
