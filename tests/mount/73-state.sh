#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The state directory is full, read-only, damaged or in use: what is refused says so, loses
# nothing, and works again when the reason is gone.
. "$(dirname "$0")/lib.sh"

refuses() { # SENTENCE...: cloudfs does not mount, and says that
    local status=0 want
    "$CLOUDFS" -c "$T/cloudfs.conf" -f "$M" >"$T/said" 2>&1 || status=$?
    same $status 1
    for want; do has "$T/said" "$want"; done
    fails mounted "$M"
}

mkdir state
full=
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=2m,mode=0700 tmpfs "$T/state"; then full=1; fi
configure "$(test_section h1 64 65536)"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
cd "$M"
new_vm web1 'cpus = 2' 'memory = 64MiB' '# the first'
mkdir services/s vms/draft plan/p
put services/s 'replicas = 2' 'spread = none' '[vm]' 'memory = 32MiB'
put plan/p 'cpus = 1'
wait_for 10 reads services/s/state ready

# A second one is refused with a sentence, and the first goes on.
mkdir "$T/other"
status=0
"$CLOUDFS" -c "$T/cloudfs.conf" -f "$T/other" >"$T/said" 2>&1 || status=$?
same $status 1
has "$T/said" "in use by another cloudfs \(pid $CLOUD\)"
is vms/web1/state running

if [ "$full" ]; then
    # Full: whoever writes hears ENOSPC, and the spec in force stays.
    spec=$(cat vms/web1/spec)
    big=$(head -c 50000 /dev/zero | tr '\0' '#')
    head -c 4M /dev/zero >"$T/state/ballast" 2>/dev/null || true
    refused() {
        case $(op write vms/web1/spec "cpus = 3"$'\n'"memory = 64MiB"$'\n'"#$big$((i++))"$'\n') in
        'close ENOSPC') return 0 ;;
        ok) spec=$(cat vms/web1/spec) ;; # there was room in the log yet
        esac
        return 1
    }
    i=0
    wait_for 10 refused
    is vms/web1/spec "$spec"
    has vms/web1/error 'full|space|room'
    is vms/web1/state running
    # All else goes on.
    tar cf "$T/tree.tar" --exclude=events . # everything can be read
    before=$(value vms/web1/score management)
    moved() { [ "$(value vms/web1/score management)" != "$before" ]; }
    wait_for 10 moved
    is hosts/h1/state up
    # When there is room again, it works again by itself.
    rm "$T/state/ballast"
    accepted() { [ "$(op write vms/web1/spec $'cpus = 4\nmemory = 64MiB\n')" = ok ]; }
    wait_for 10 accepted
    has vms/web1/spec 'cpus = 4'
    is vms/web1/error ''
    wait_for 5 grep -q 'saving works again' "$T/cloudfs.log"
    new_vm web2 'memory = 64MiB'
    cd "$T"
    kill_cloud
    mount_again
    wait_for 10 reads "$M/hosts/h1/state" up
    has "$M/vms/web1/spec" '^cpus = 4$'
    has "$M/vms/web2/spec" '^memory = 64MiB$'
    cd "$M"
fi
has services/s/spec '^replicas = 2$'

# A limit to the size of files is an error like others, and ends nothing.
prlimit --pid "$CLOUD" --fsize=1000:
gives 'close EIO' write services/s/spec $'replicas = 1\n[vm]\nmemory = 32MiB\n'
has services/s/error 'cannot write .*/state/cloudfs.db'
has services/s/spec '^replicas = 2$'
prlimit --pid "$CLOUD" --fsize=unlimited:
wait_for 10 test "$(op write plan/p/spec $'cpus = 1\n')" = ok
cd "$T"
unmount_cloud

if [ "$full" ]; then
    # No room even to begin, or no right to write: it does not mount and says why.
    mount -o remount,ro "$T/state"
    refuses 'Read-only|read-only'
    mount -o remount,rw "$T/state"
fi

# Damaged: it refuses, leaves the file alone, and says how to recover. That works, word by word.
cp -a state keep
size=$(stat -c %s state/cloudfs.db)
dd if=/dev/urandom of=state/cloudfs.db bs=1024 seek=$((size / 1024 - 9)) count=5 conv=notrunc status=none
cp state/cloudfs.db damaged
refuses 'damaged' 'sqlite3 .*\.dump' "$T/state"
cmp state/cloudfs.db damaged
fails "$CLOUDFS" -c "$T/cloudfs.conf" -f "$M"
rm -rf state/*
: >state/cloudfs.db
refuses 'empty'
cp -a keep/. state/
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
has "$M/services/s/spec" '^replicas = 2$'
has "$M/plan/p/spec" '^cpus = 1$'
unmount_cloud
page=$(sqlite3 state/cloudfs.db "SELECT rootpage FROM sqlite_schema WHERE name = 'event'")
bytes=$(sqlite3 state/cloudfs.db 'PRAGMA page_size')
dd if=/dev/urandom of=state/cloudfs.db bs=$bytes seek=$((page - 1)) count=1 conv=notrunc status=none
refuses 'damaged'
command=$(sed -n "s/.*can be read of it with '\([^']*\)'.*/\1/p" said)
[ "$command" ] || die "no command in: $(cat said)"
eval "$command" >recovered 2>&1 || true
mv state/cloudfs.db.new state/cloudfs.db
rm -f state/cloudfs.db-wal state/cloudfs.db-shm
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
has "$M/services/s/spec" '^replicas = 2$'
has "$M/plan/p/spec" '^cpus = 1$'
unmount_cloud
[ -z "$full" ] || umount "$T/state"
