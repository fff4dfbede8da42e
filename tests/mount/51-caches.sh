#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing stale: what the kernel keeps (names, attributes, pages, listings, links) is what is so,
# from the moment that a change returned to who made it. ROUNDS changes (15) of each kind, while
# READERS processes (3) keep everything cached by reading it over and over.
. "$(dirname "$0")/lib.sh"

ROUNDS=${ROUNDS:-15} READERS=${READERS:-3}
mount_cloud "$(test_section h1 64 65536)" "$(test_section h2 64 65536)"
wait_for 10 reads "$M/hosts/h1/state" up
wait_for 10 reads "$M/hosts/h2/state" up
for name in a b c; do
    new_vm $name 'memory = 32MiB' 'host = h1'
done
cd "$M"

warm() { # until the file is there; what vanishes meanwhile does not matter
    set +e; trap - ERR
    until [ -e "$T/enough" ]; do
        find . -ls >/dev/null 2>&1
        cat vms/*/state vms/*/spec vms/*/error vms/*/placement specs/*/* >/dev/null 2>&1
        cat score metrics vms/*/score vms/*/metrics hosts/*/score hosts/*/metrics >/dev/null 2>&1
        ls -l hosts/*/vms/ >/dev/null 2>&1
    done
}
readers=
for ((i = 0; i < READERS; i++)); do
    warm &
    readers="$readers $!"
done

# What every view of a file says, in processes of their own.
agree() { # FILE TEXT
    is "$1" "$2"
    same "$1 $(stat -c %s "$1")" "$1 $((${#2} + 1))"
    same "$(tail -c 100 "$1")" "$2"
}

# The same of a line of a file that changes by sampling, whose other lines may change meanwhile.
line() { # FILE KEY VALUE
    same "$1 $2 $(value "$1" "$2")" "$1 $2 $3"
    [ "$(stat -c %s "$1")" -gt ${#3} ]
}
metric() { # FILE NAME VALUE
    same "$1 $2 $(sed -n "s/^cloudfs_$2{.*} //p" "$1")" "$1 $2 $3"
}

before=
for ((i = 1; i <= ROUNDS; i++)); do
    # A verb: the state's text, size and time.
    echo suspend >vms/a/ctl
    agree vms/a/state paused
    metric vms/a/metrics vm_running 1
    line score vms_running 2
    now=$(mtime vms/a/state)
    [ "$now" != "$before" ] || die 'the time of state did not move'
    echo resume >vms/a/ctl
    agree vms/a/state running
    line score vms_running 3
    before=$(mtime vms/a/state)
    [ "$now" != "$before" ] || die 'the time of state did not move'

    # A spec, through either of its names, seen through the other.
    text="memory = 32MiB
demand = $i
# $(printf '%*s' $((i % 40)) '' | tr ' ' x)"
    printf '%s\n' "$text" >"$T/spec"
    cp "$T/spec" vms/b/spec
    agree specs/vms/b.ini "$text"
    line vms/b/score demand $i.000000
    metric vms/b/metrics vm_demand $i
    printf '%s\n' "$text y" >"$T/spec"
    cp "$T/spec" specs/vms/b.ini
    agree vms/b/spec "$text y"
    printf '%s\n' "$text zz" >vms/b/.new
    mv vms/b/.new vms/b/spec
    agree specs/vms/b.ini "$text zz"

    # A refusal: `error`, and what is in force is what is read.
    gives 'write EINVAL' write vms/b/spec "cpus = none$i"$'\n'
    has vms/b/error "none$i"
    agree vms/b/spec "$text zz"

    # Owner and mode, of all files.
    chmod $((i % 2 ? 700 : 755)) vms/c
    same "$(stat -c %a vms/c/spec)" $((i % 2 ? 600 : 644))
    same "$(stat -c %a specs/vms/c.ini)" $((i % 2 ? 600 : 644))

    # Names that come and go, in all the places that have them.
    mkdir vms/new
    [ -e vms/new/state ] && [ -e specs/vms/new.ini ]
    ls vms | grep -qx new || die 'a new VM is not listed'
    put vms/new 'memory = 32MiB' 'host = h2'
    [ -L hosts/h2/vms/new ]
    ls hosts/h2/vms | grep -qx new || die 'a new link is not listed'
    same "$(readlink vms/new/host)" ../../hosts/h2
    metric hosts/h2/metrics host_vms 1
    line score vms 4
    ls specs/vms | grep -qx new.ini || die 'a new spec is not listed'
    rmdir vms/new
    metric hosts/h2/metrics host_vms 0
    line score vms 3
    fails stat vms/new
    fails stat vms/new/state
    fails stat hosts/h2/vms/new
    fails cat specs/vms/new.ini
    ! ls vms hosts/h2/vms specs/vms | grep -q new || die 'what was removed is listed'
done

# An open file keeps its own version, others see the new one meanwhile.
exec 5<vms/a/state
read -rn 3 part <&5
echo suspend >vms/a/ctl
agree vms/a/state paused
same "$part$(cat <&5)" running
exec 5<&-
agree vms/a/state paused

touch "$T/enough"
# shellcheck disable=SC2086 # pids
wait $readers
cd "$T"
unmount_cloud
