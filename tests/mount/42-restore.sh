#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Backups put back: a whole tree and specs/ alone, by each tool into an empty cloud and over one
# that lives. The scripts for specs/ are the README's.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tools.bash"

need tar cp rsync restic borg git
mkdir "$T/backups" "$T/whole" "$T/whole/cp" "$T/whole/rsync"
configure 'grace = 4' "$(two_hosts)"
conf=$(cat "$T/cloudfs.conf")
test_host h3 16 16384 >"$T/h3.uri"

# A state directory of its own each time, and the same mount point: restic keeps absolute paths.
begin() { # NAME
    sed "s|^state = .*|state = $T/state.$1|" <<<"$conf" >"$T/cloudfs.conf"
    mount_again
    wait_for 10 reads "$M/hosts/h1/state" up
    wait_for 10 reads "$M/hosts/h2/state" up
}

# ---- the cloud that is backed up
begin origin
mkdir "$M/hosts/h3" "$M/services/web"
put hosts/h3 "uri = $(cat "$T/h3.uri")" 'zone = c' '# by hand'
wait_for 10 reads "$M/hosts/h3/state" up
for i in 1 2 3 4 5 6; do
    new_vm "v$i" "# VM $i, with \"quotes\", ü and tabs	" "cpus = $i" 'memory = 32MiB'
done
new_vm pinned 'host = h3' 'memory = 32MiB'
printf 'memory = 48MiB' >"$T/no-newline"
mkdir "$M/vms/bare" && cp "$T/no-newline" "$M/vms/bare/spec"
put services/web 'replicas = 3' 'spread = none' '# template' '[vm]' 'memory = 32MiB'
owner=$(id -u)
if [ "$owner" = 0 ]; then # what is somebody else's comes back as his
    owner=61001
    chown -R $owner:$owner "$M/services/web"
    chown $owner "$M/vms/v1"
fi
settled
mkdir "$T/want"
cp -a "$M/specs/." "$T/want/"
names=$(cd "$M" && ls vms hosts services)

quiet tar -C "$M" -cf "$T/whole.tar" .
quiet cp -a "$M/." "$T/whole/cp/"
quiet rsync -a "$M/" "$T/whole/rsync/"
quiet restic -q -r "$T/backups/restic" init
quiet borg init -e none "$T/backups/borg"
quiet borg init -e none "$T/whole.borg"
quiet restic -q -r "$T/backups/restic" backup "$M"
(cd "$M" && quiet borg create "$T/whole.borg::whole" .)
for tool in tar rsync restic borg; do
    run_readme $tool-backup
done
run_readme git-init
run_readme git-commit
unmount_cloud

# ---- what a restored cloud must be
specs_back() {
    local spec
    diff -r "$T/want" "$M/specs" || die "$1: a spec differs"
    for spec in "$M"/vms/*/spec "$M"/hosts/*/spec "$M"/services/*/spec; do
        object=${spec%/spec}
        cmp "$spec" "$T/want/${object#"$M/"}.ini"
    done
}
restored() { # TOOL
    wait_for 20 reads "$M/hosts/h3/state" up
    settled
    same "$(cd "$M" && ls vms hosts services)" "$names"
    specs_back "$1"
    wait_for 15 reads "$M/services/web/state" ready
    for state in "$M"/vms/*/state; do
        is "$state" running
    done
    same "$(readlink "$M/vms/pinned/host")" ../../hosts/h3
    same "$(ls "$M/services/web/vms" | xargs)" 'web-0 web-1 web-2'
    same "$(all_uuids | uniq -d)" ''
    same "$(all_uuids | wc -l)" 11
    has "$M/score" .
    has "$M/vms/v1/ctl" '^start'
}

whole_tar() { tar -C "$M" -xf "$T/whole.tar"; }
whole_cp() { cp -a "$T/whole/cp/." "$M/"; }
whole_remove() { cp -a --remove-destination "$T/whole/cp/." "$M/"; }
whole_rsync() { rsync -a "$T/whole/rsync/" "$M/"; }
whole_restic() { restic -q -r "$T/backups/restic" restore latest --path "$M" --target /; }
whole_borg() { (cd "$M" && borg extract "$T/whole.borg::whole"); }

for tool in tar cp remove rsync restic borg; do
    begin "whole-$tool"
    quiet whole_$tool
    restored "whole tree by $tool"
    same "$tool: $(stat -c %u "$M"/services/web "$M"/vms/v1 "$M"/vms/web-? | sort -u)" "$tool: $owner"
    unmount_cloud
done

# ---- specs/ alone, by the README's scripts
for tool in tar rsync restic borg; do
    begin "specs-$tool"
    run_readme $tool-restore
    restored "specs by $tool"
    unmount_cloud
done
begin specs-git
run_readme git-back
restored 'specs by git'

# ---- over a live cloud: what differs changes, the rest stays as it is, nothing goes
over() { # TOOL COMMAND...
    local identity before
    printf '# not in the backup\nmemory = 32MiB\n' >"$M/vms/v2/spec"
    [ -d "$M/vms/extra" ] || new_vm extra 'memory = 32MiB'
    identity=$(all_uuids)
    before=$(wc -l <"$M/events")
    "${@:2}"
    settled
    same "$1: $(all_uuids | md5sum)" "$1: $(md5sum <<<"$identity")"
    same "$(tail -n "+$((before + 1))" "$M/events" | grep -c 'spec written')" 1
    has "$M/vms/v2/spec" 'VM 2'
    has "$M/vms/extra/spec" '^memory'
    same "$1: $(diff -r "$T/want" "$M/specs" || true)" "$1: Only in $M/specs/vms: extra.ini"
    is "$M/vms/extra/state" running
}
# Debian 12's restic cannot put a symbolic link where one is, on any filesystem; all else must be
# without a word.
live_restic() {
    whole_restic 2>"$T/said" || true
    ! grep -v 'Symlink: symlink .*: file exists$\|There were [0-9]* errors$\|^$' "$T/said" ||
        die 'restic complains'
}
for tool in tar cp remove rsync borg; do
    over "$tool" quiet whole_$tool
done
over restic live_restic
for tool in tar rsync restic borg; do
    over "specs $tool" run_readme $tool-restore
done
over git run_readme git-back
same "$(ls "$M/services/web/vms" | xargs)" 'web-0 web-1 web-2'

# A part of a tree is put back too; what only looks like it is refused.
quiet cp -a "$T/whole/cp/vms/v1/." "$M/vms/v1/"
sleep 4.2 # longer than the grace
quiet cp -a "$T/whole/cp/vms/v1/." "$M/vms/v1/"
fails cp "$T/whole/cp/vms/v1/score" "$M/vms/v2/score"
fails cp "$M/vms/v1/score" "$M/vms/v2/score"
for shell in bash dash 'busybox sh'; do
    fails $shell -c "echo x >'$M/vms/v1/score'"
    fails $shell -c "umask 077; echo x >'$M/score'"
    fails $shell -c "cat <'$M/vms/v1/score' >'$M/vms/v1/score'"
done
fails /usr/bin/python3 -c "open('$M/vms/v1/state', 'w')"

# A part, by who first tries to remove each directory that he is about to make: no VM goes by it.
identity=$(all_uuids)
tar -C "$M" -cf "$T/part.tar" vms/v1
fails tar -C "$M" -xUf "$T/part.tar" # as on a disk
same "$(all_uuids)" "$identity"
(cd "$M" && quiet borg extract "$T/whole.borg::whole" vms/v1)
same "$(all_uuids)" "$identity"
# Nor by git, which tries the directory of a file that it removed.
(
    export GIT_DIR=$T/tree.git GIT_WORK_TREE=$M
    quiet git init -q
    git -C "$M" add vms/v1/spec vms/v1/error
    quiet git commit -qm one
    cd "$M"
    quiet git rm -q vms/v1/error
    gives ENOTEMPTY rmdir "$M/vms/v1"
)
same "$(all_uuids)" "$identity"
is "$M/vms/v1/state" running

# The whole of what the README's --delete does: what the copy has not goes, after the grace.
quiet rsync -a --delete "$T/want/" "$M/specs/"
wait_for 15 gone "$M/vms/extra"
specs_back delete
unmount_cloud
