#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cloudfs is killed at the failpoints of moving a real VM, as it runs and with its disk and seed,
# between two daemons, and mounted again: it runs on one of the two hosts, and nothing of it is left
# on the other. walk.bash says what KILL_* choose.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/walk.bash"
KILL_POINTS=${KILL_POINTS:-migrate.over}

"$(dirname "$0")/../demo/guest.sh" "$GUEST"
cp "$GUEST/vmlinuz" "$GUEST/initrd" "$T/"
chmod a+r "$T/vmlinuz" "$T/initrd"
for host in one two; do
    daemon $host
    as_user mkdir "$T/$host/images"
    virsh_on $host pool-create-as default dir --target "$T/$host/images" >/dev/null
done
SPEC="virtualization = qemu
memory = 96MiB
kernel = $T/vmlinuz
initrd = $T/initrd
cmdline = console=ttyS0 quiet
network = none
disk = 8MiB
user_data = #cloud-config
"

# Of two equal hosts it is the first one's.
before_move() { mkdir "$M/vms/a" && gives ok write "$M/vms/a/spec" "$SPEC"; }
do_move() { "$TOOLS/op" write "$M/vms/a/ctl" $'migrate two\n' >/dev/null || true; }
after_move() { reads "$M/vms/a/state" running || die "killed at $POINT: $(cat "$M/vms/a/state")"; }

# A move of which the answer is lost.
ALSO[settle]=virt.migrate.done:error=EHOSTDOWN
before_settle() { before_move; }
do_settle() {
    do_move
    sleep 2.5 # it is asked after 2 s
}
after_settle() { after_move; }

sound() {
    local host here uuid
    for host in one two; do
        if links "$M/vms/a/host" "../../hosts/$host" 2>/dev/null; then
            uuid=$(sed -n 's/.*<uuid>\(.*\)<.*/\1/p' "$M/vms/a/domain.xml")
            same "$(virsh_on $host list --all --name | xargs)" a
            same "$(virsh_on $host domstate a | xargs)" running
            same "$(cd "$T/$host/images" && ls | xargs)" "cloudfs-$uuid-seed.iso cloudfs-$uuid.qcow2"
            here=$((96 << 20))
        else
            same "$(virsh_on $host list --all --name | xargs)" ''
            same "$(ls "$T/$host/images" | xargs)" ''
            here=0
        fi
        [[ $POINT = *cleared ]] || same "$(value "$M/hosts/$host/resources" memory_allocated)" $here
    done
}

clear_all() { rm -rf "$M"/vms/*; }

configure '[host one]' "uri = $(uri one)" '[host two]' "uri = $(uri two)"
walk move settle
unmount_cloud
