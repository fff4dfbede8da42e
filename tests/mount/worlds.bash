# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# worlds.bash: two hosts of libvirt's test driver, one and two, that outlive cloudfs, for tests that
# kill it; and what must be true of them then. After walk.bash.

# In daemons: what the test driver holds lives as long as somebody is connected.
uri_of() { echo "test+unix:///default?socket=$T/$1/run/libvirt/libvirt-sock"; }
on() { virsh -q -c "$(uri_of "$1")" "${@:2}" 7>&-; } # HOST COMMAND...
# Its own domain takes all the room. Until virsh holds the connection, each call is a new world.
emptied() {
    on "$1" destroy test >/dev/null
    on "$1" undefine test >/dev/null
    [ -z "$(on "$1" list --all --name | xargs)" ]
}
begin_worlds() {
    daemon one
    daemon two
    exec 7> >(exec virsh -q -c "$(uri_of one)" >/dev/null 2>&1 7>&-)
    exec 6> >(exec virsh -q -c "$(uri_of two)" >/dev/null 2>&1 7>&-)
    wait_for 5 emptied one
    wait_for 5 emptied two
    configure '[host one]' "uri = $(uri_of one)" '[host two]' "uri = $(uri_of two)"
}
end_worlds() { exec 6>&- 7>&-; }

# HOST has a domain for each VM that is there and no draft, and nothing else; sizes agree.
sound_host() { # HOST
    local vm uuid cpus=0 domains='' volumes='' memory=0
    for vm in "$M"/vms/*/; do
        [ "$(readlink "$vm/host")" = "../../hosts/$1" ] || continue
        uuid=$(sed -n 's/.*<uuid>\(.*\)<.*/\1/p' "$vm/domain.xml")
        domains+="$(basename "$vm") $uuid"$'\n'
        same "$(on "$1" dominfo "$uuid" | awk '/^CPU\(s\)/ { print $2 }')" "$(size "$vm" cpus 1)"
        same "$(on "$1" dominfo "$uuid" | awk '/^Used memory/ { print $3 / 1024 }')" "$(size "$vm" memory 512)"
        cpus=$((cpus + $(size "$vm" cpus 1))) memory=$((memory + $(size "$vm" memory 512)))
        ! grep -q ^disk "$vm/spec" || volumes+="cloudfs-$uuid.qcow2"$'\n'"cloudfs-$uuid-seed.iso"$'\n'
    done
    same "$(on "$1" list --all --name --uuid | awk 'NF { print $2, $1 }' | sort)" "$(sort <<<"${domains%?}")"
    same "$(on "$1" vol-list default-pool | awk '/cloudfs/ { print $1 }' | sort)" "$(sort <<<"${volumes%?}")"
    [[ $POINT != *cleared ]] || return 0 # what is reserved keeps its text while it is looked at
    same "$(value "$M/hosts/$1/resources" cpus_allocated)" $cpus
    same "$(value "$M/hosts/$1/resources" memory_allocated)" $((memory << 20))
}
size() { # VM KEY DEFAULT
    awk -v key="$2" -v size="$3" '$1 == key { size = $3 + 0 } END { print size }' "$1/spec"
}
