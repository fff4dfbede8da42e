#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Other ways in: sshfs over loopback, with a server of its own, and a user who is not root.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tools.bash"

SSHD=
finish() {
    local status=$?
    mounted "$T/remote" && fusermount3 -u "$T/remote"
    [ "$SSHD" ] && kill "$SSHD" 2>/dev/null
    (exit $status)
    cleanup
}
trap 'at_end finish' EXIT

if [ "$(id -u)" = 0 ]; then
    OPTIONS=allow_other
fi
configure "$(test_section h1 16 8192)"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up

# ---- a user without root: reads all but what is private, writes what is theirs
if [ "$(id -u)" = 0 ]; then
    new_vm roots 'memory = 32MiB'
    cp "$TOOLS/op" "$T/op" && chmod 755 "$T/op"
    nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
    denied() { # ANSWER OPERATION...
        local got
        got=$(nobody "$T/op" "${@:2}" || true)
        same "${*:2}: $got" "${*:2}: $1"
    }
    denied 'open EACCES' write "$M/vms/roots/spec" $'memory = 64MiB\n'
    denied 'open EACCES' write "$M/vms/roots/ctl" $'destroy\n'
    denied 'open EACCES' write "$M/specs/vms/roots.ini" $'memory = 64MiB\n'
    denied 'open EACCES' write "$M/vms/roots/scratch" x
    denied EACCES rmdir "$M/vms/roots"
    denied EACCES unlink "$M/specs/vms/roots.ini"
    denied EACCES mkdir "$M/vms/theirs"
    denied EACCES rename "$M/vms/roots" "$M/vms/theirs"
    denied EPERM chmod "$M/vms/roots/spec" 666
    nobody cat "$M/vms/roots/spec" "$M/vms/roots/state" "$M/score" "$M/events" >/dev/null
    nobody grep -rs memory "$M/specs" >"$T/said"
    has "$T/said" roots.ini
    is "$M/vms/roots/state" running
    # What root gives away is theirs.
    mkdir "$M/vms/theirs"
    chown nobody "$M/vms/theirs"
    denied ok write "$M/vms/theirs/spec" $'memory = 32MiB\n'
    is "$M/vms/theirs/state" running
    has "$M/events" "vms/theirs spec written.*$(id -u nobody)"
    denied ok write "$M/vms/theirs/scratch" x
    denied ok rename "$M/vms/theirs/scratch" "$M/vms/theirs/scratch2"
    denied ok unlink "$M/vms/theirs/scratch2"
fi

# ---- sshfs
skip() {
    echo "skipped sshfs: $*"
    unmount_cloud
    exit 0
}
[ "$(id -u)" = 0 ] || skip 'its server wants root'
need sshfs ssh-keygen
[ -x /usr/sbin/sshd ] || die 'no sshd on this machine: make deps'
mkdir -p /run/sshd ssh remote
chmod 700 ssh
ssh-keygen -q -t ed25519 -N '' -f ssh/host
ssh-keygen -q -t ed25519 -N '' -f ssh/user
cp ssh/user.pub ssh/authorized
port=$((20000 + $$ % 20000))
cat >ssh/config <<CONF
Port $port
ListenAddress 127.0.0.1
HostKey $T/ssh/host
AuthorizedKeysFile $T/ssh/authorized
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
Subsystem sftp internal-sftp
CONF
/usr/sbin/sshd -D -e -f ssh/config >"$T/sshd.log" 2>&1 &
SSHD=$!
login="-p $port -i $T/ssh/user -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
# shellcheck disable=SC2086 # words
for _ in 1 2 3 4 5 6 7 8 9 10; do
    ssh $login root@127.0.0.1 true 2>"$T/said" && break
    running $SSHD || skip "sshd does not run here: $(tail -n 1 "$T/sshd.log")"
    sleep 0.3
done
# shellcheck disable=SC2086
ssh $login root@127.0.0.1 true || skip "no login: $(cat "$T/said")"
sshfs -o "port=$port,IdentityFile=$T/ssh/user,BatchMode=yes,StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null,dir_cache=no" \
    "root@127.0.0.1:$M" "$T/remote"
R=$T/remote

fails sh -c "mkdir '$R/vms/.hidden'"
mkdir "$R/vms/far"
cp "$R/vms/roots/spec" "$R/vms/far/spec"
# sshfs closes without waiting for the server: what only close(2) tells is in state and error.
wait_for 5 reads "$R/vms/far/state" running
is "$M/vms/far/state" running
is "$R/vms/far/spec" 'memory = 32MiB'
printf 'memory = none\n' >bad
fails cp bad "$R/vms/far/spec"
is "$R/vms/far/spec" 'memory = 32MiB'
is "$M/vms/far/state" running
printf 'memory = 48MiB\n' >good
cp good "$R/specs/vms/far.ini"
wait_for 5 reads "$M/vms/far/spec" 'memory = 48MiB'
sed -i 's/48/64/' "$R/vms/far/spec"
wait_for 5 reads "$M/vms/far/spec" 'memory = 64MiB'
quiet rsync -a "$R/specs/" "$T/specs/"
diff -r "$M/specs" "$T/specs"
# Debian 12's sshfs cannot read a symbolic link of any server's: not those, then.
quiet tar -C "$R" --exclude=host -cf "$T/far.tar" vms
rm -r "$R/vms/far"
gone "$M/vms/far"
fusermount3 -u "$R"
kill $SSHD
wait $SSHD 2>/dev/null || true
SSHD=
unmount_cloud
