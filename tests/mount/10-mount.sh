#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Mounting and unmounting: by hand, in the background, from fstab, and what refuses to mount.
. "$(dirname "$0")/lib.sh"

# What it says about itself, and what it refuses.
"$CLOUDFS" --help | grep -q MOUNTPOINT
"$CLOUDFS" --version | grep -Eq '^cloudfs [0-9]'
fails "$CLOUDFS"
fails "$CLOUDFS" --no-such-option "$M"
fails "$CLOUDFS" -o no_such_option "$M"
fails "$CLOUDFS" -o config= "$M"
"$CLOUDFS" -o config= "$M" 2>said || true
has said 'configuration is empty'
configure
fails "$CLOUDFS" -c "$T/cloudfs.conf" -o state= "$M"
"$CLOUDFS" -c "$T/cloudfs.conf" -o state= "$M" 2>said || true
has said 'state=: .*no value'
gone cloudfs.db
fails "$CLOUDFS" -c "$T/cloudfs.conf" "$T/nowhere"
fails "$CLOUDFS" -c "$T/no.conf" "$M"
printf '[cloud]\nstate = %s\nsample = often\n' "$T/state" >bad.conf
fails "$CLOUDFS" -c bad.conf "$M"
"$CLOUDFS" -c bad.conf "$M" 2>said || true
has said 'bad\.conf.*3'
fails mounted "$M"
for file in '-c bad.conf' '-o config=bad.conf' --config=bad.conf bad.conf ./bad.conf; do
    # shellcheck disable=SC2086
    fails "$CLOUDFS" --check $file
    # shellcheck disable=SC2086
    "$CLOUDFS" --check $file 2>said || true
    has said 'bad\.conf.*3'
done
fails "$CLOUDFS" --check no.conf
fails "$CLOUDFS" --check -c cloudfs.conf cloudfs.conf
fails "$CLOUDFS" --check cloudfs.conf "$M"
fails "$CLOUDFS" --check --no-such-option

# Options that libfuse has op_init() confirm, those of fstab that are for others to read, and flags
# of mount(2) that libfuse may not know: the mount is there, and works.
configure "$(test_section h1 4 4096)"
all=defaults,noauto,user,users,user=nobody,owner,group,nofail,_netdev,comment=x,x-a.b=c,X-d
all+=,diratime,nodiratime,norelatime,relatime,nostrictatime,strictatime,nolazytime,lazytime
all+=,iversion,noiversion,mand,nomand,silent,loud,sync,dirsync,noatime,nodev,nosuid,noexec,rw
for option in max_read=4096 "$all"; do
    "$CLOUDFS" -c "$T/cloudfs.conf" -o "$option" "$M" </dev/null
    has "$M/README" spec
    gives ok mkdir "$M/vms/a"
    rmdir "$M/vms/a"
    fusermount3 -u "$M"
    wait_for 10 no_process_with "$M"
done
fails "$CLOUDFS" -c "$T/cloudfs.conf" -o max_read=none "$M"
fails "$CLOUDFS" -c "$T/cloudfs.conf" -o nosuchtime "$M"

# In the background: mounted when the command returns, ended by an unmount.
"$CLOUDFS" -c "$T/cloudfs.conf" "$M" </dev/null
mounted "$M"
process_with "$M"
has "$M/README" spec
same "$(ls "$M/hosts")" h1

# A second one on the same state refuses with a sentence, and leaves the first alone.
mkdir other
status=0
"$CLOUDFS" -c "$T/cloudfs.conf" "$T/other" 2>said || status=$?
same $status 1
has said 'in use|another|already'
has "$M/README" spec
fusermount3 -u "$M"
wait_for 10 no_process_with "$M"
fails mounted "$M"

# The same from a caller that has closed the standard files: the state is still locked.
"$CLOUDFS" -c "$T/cloudfs.conf" "$M" <&- >&- 2>&-
status=0
"$CLOUDFS" -c "$T/cloudfs.conf" "$T/other" 2>said || status=$?
same $status 1
has said 'in use'
has "$M/README" spec
fusermount3 -u "$M"
wait_for 10 no_process_with "$M"

# Each host takes some descriptors: it may have as many as the one who started it allows.
(
    ulimit -Sn 64
    ulimit -Hn 1000
    "$CLOUDFS" -c "$T/cloudfs.conf" "$M" </dev/null
)
same "$(awk '/^Max open files/ { print $4 }' "/proc/$(pids_with "$M")/limits")" 1000
fusermount3 -u "$M"
wait_for 10 no_process_with "$M"

# What it is served from may not be behind it, by whatever name, nor be made there.
mkdir -p hidden/deep
ln -s hidden link
for state in "$T/hidden" "$T/hidden/state" "$T/link/deep/a/b"; do
    status=0
    timeout -s KILL 20 "$CLOUDFS" -c "$T/cloudfs.conf" -o state="$state" hidden 2>said || status=$?
    same $status 1
    has said "state directory $state is below the mount point"
done
fails mounted "$T/hidden"
same "$(find hidden)" "$(printf 'hidden\nhidden/deep')"

# SIGTERM and SIGINT end it with exit 0, an open file or not.
for signal in TERM INT; do
    mount_again
    exec 5<"$M/README"
    kill -$signal "$CLOUD"
    status=0
    wait "$CLOUD" || status=$?
    exec 5<&-
    CLOUD=
    same $status 0
    fails mounted "$M"
done

# --check connects to each host and says what is wrong.
"$CLOUDFS" --check -c "$T/cloudfs.conf" >said
has said h1
configure "$(test_section h1 4 4096)" '[host h2]' "uri = test://$T/missing.xml"
status=0
"$CLOUDFS" --check -c "$T/cloudfs.conf" >said 2>&1 || status=$?
same $status 1
has said 'h2.*missing'

"$CLOUDFS" --check "$T/cloudfs.conf" >said 2>&1 || status=$?
has said 'h2.*missing'
# It makes nothing, not even what the embedded driver needs to be asked; the mount does, for nobody
# else to see.
mkdir tmp
printf '[cloud]\nstate = %s\n[host local]\nuri = qemu:///embed?root=%s\n' \
    "$T/fresh" "$T/fresh/embed" >fresh.conf
TMPDIR=$T/tmp "$CLOUDFS" --check fresh.conf >said
has said 'host local: .*embed: [0-9]+ CPUs'
gone fresh
same "$(ls -A tmp)" ''
if [ "$(id -u)" = 0 ]; then
    status=0
    as_user "$CLOUDFS" --check fresh.conf >said 2>&1 || status=$?
    same $status 1
    has said 'host local: .*cannot make .*fresh/embed: Permission denied'
fi
# Nor does one that is told to end, be it that a host does not answer, or amid asking the embedded
# driver: QEMU that this has started is waited for.
cat >silent.py <<'PYTHON'
import socket, time
with socket.socket(socket.AF_UNIX) as s:
    s.bind("silent")
    s.listen()
    time.sleep(600)
PYTHON
python3 silent.py &
silent=$!
wait_for 10 test -S silent
printf '[host h]\nuri = qemu+unix:///system?socket=%s\n' "$T/silent" >silent.conf
made() { [ -e "$(echo tmp/*/"$1")" ]; }
checking() { # CONFIGURATION UNTIL-IT-HAS-MADE
    TMPDIR=$T/tmp env --default-signal "$CLOUDFS" --check "$1" >said 2>&1 &
    check=$!
    wait_for 20 made "$2"
}
ended_by() { # STATUS
    status=0
    wait "$check" || status=$?
    same "$status" "$1"
    same "$(ls -A tmp)" ''
}
checking silent.conf .
kill -INT $check
ended_by 130
checking fresh.conf embed
kill -TERM $check
ended_by 143
gone fresh
kill $silent

"$CLOUDFS" -c fresh.conf "$M"
same "$(stat -c %a fresh)" 700
"$CLOUDFS" --check fresh.conf >said # which does not mind
fusermount3 -u "$M"
wait_for 10 no_process_with fresh.conf

# As mount(8) and fstab do it.
if [ "$(id -u)" = 0 ]; then
    configure "$(test_section h1 4 4096)"
    mkdir bin
    ln -s "$CLOUDFS" bin/cloudfs
    # mount(8) runs its helper with the system's PATH, where cloudfs may not be installed: once
    # with the program spelled out, once as the helper does it for "fuse.cloudfs".
    mount -t "fuse.$CLOUDFS" -o allow_other,_netdev "$T/cloudfs.conf" "$M"
    mounted "$M"
    umount "$M"
    wait_for 10 no_process_with "$M"
    PATH=$T/bin:$PATH mount.fuse3 "$T/cloudfs.conf" "$M" -o rw,relatime,nodiratime,allow_other \
        -t fuse.cloudfs
    mounted "$M"
    wait_for 10 reads "$M/hosts/h1/state" up
    grep " $M " /proc/self/mountinfo | grep -q 'fuse.cloudfs.*allow_other'
    umount "$M"
    wait_for 10 no_process_with "$M"

    # allow_root lets root in besides whoever mounts, and nobody else to what the kernel has kept.
    cp "$TOOLS/op" op
    chmod 755 op
    "$CLOUDFS" -c "$T/cloudfs.conf" -o allow_root "$M"
    has "$M/README" spec
    ls "$M" "$M/vms" "$M/hosts" >seen
    stat "$M" "$M/vms" "$M/hosts" >>seen
    for dir in "$M" "$M/vms" "$M/hosts"; do
        same "$(as_user ./op list "$dir")" EACCES
    done
    same "$(as_user ./op read "$M/README")" 'open EACCES'
    umount "$M"
    wait_for 10 no_process_with "$M"
fi
