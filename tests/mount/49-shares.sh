#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Other ways in: a Samba share and an NFS export of the mount, by servers on loopback that run in
# user space, read and write specs, and their clients see what is refused.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tools.bash"

[ "$(id -u)" = 0 ] || { echo 'skipped: the servers want root'; exit 0; }
need smbclient nfs-ls nfs-cat nfs-cp ganesha.nfsd
[ -x /usr/sbin/smbd ] || die 'no smbd on this machine: make deps'
OPTIONS=allow_other
SERVER=
finish() {
    local status=$?
    [ "$SERVER" ] && kill "$SERVER" 2>/dev/null
    (exit $status)
    cleanup
}
trap 'at_end finish' EXIT
stop_server() {
    kill "$SERVER"
    wait "$SERVER" || true
    SERVER=
}

configure "$(test_section h1 16 8192)"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
mkdir "$M/vms/far" "$M/vms/near"
printf 'memory = 32MiB\n' >good
printf 'memory = none\n' >bad
port=$((20000 + $$ % 20000))

# ---- Samba
mkdir -p smb/{private,lock,state,cache,pid,ncalrpc}
cat >smb.conf <<CONF
[global]
server role = standalone server
map to guest = Bad User
guest account = root
interfaces = lo
bind interfaces only = yes
smb ports = $port
disable netbios = yes
private dir = $T/smb/private
lock directory = $T/smb/lock
state directory = $T/smb/state
cache directory = $T/smb/cache
pid directory = $T/smb/pid
ncalrpc dir = $T/smb/ncalrpc
log file = $T/smbd.log
load printers = no
printcap name = /dev/null
[cloud]
path = $M
read only = no
guest ok = yes
force user = root
CONF
smb() { smbclient -N -s smb.conf -p $port //127.0.0.1/cloud -c "$1" >"$T/said" 2>&1; }
/usr/sbin/smbd -F -s smb.conf >smbd.out 2>&1 &
SERVER=$!
wait_for 20 smb ls
has said ' vms .* D '

smb 'put bad vms\far\spec' || true
has said INVALID_PARAMETER
has "$M/vms/far/error" 'not a size'
is "$M/vms/far/state" draft
smb 'put good vms\far\spec' || die "$(cat said)"
is "$M/vms/far/state" running
smb 'get vms\far\state got' || die "$(cat said)"
is got running
smb 'put bad specs\vms\far.ini' || true
has said INVALID_PARAMETER
is "$M/vms/far/spec" 'memory = 32MiB'
smb 'del specs\vms\far.ini' || die "$(cat said)"
wait_for 10 gone "$M/vms/far"
stop_server

# ---- NFS
cat >ganesha.conf <<CONF
NFS_CORE_PARAM {
    Protocols = 4; NFS_Port = $port; Bind_addr = 127.0.0.1;
    Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false;
}
NFSV4 {
    Graceless = true; RecoveryBackend = fs; RecoveryRoot = $T/nfs; Only_Numeric_Owners = true;
}
EXPORT {
    Export_Id = 1; Path = $M; Pseudo = /cloud; Filesystem_id = 7.7; Protocols = 4;
    Access_Type = RW; Squash = No_Root_Squash; SecType = sys;
    FSAL { Name = VFS; }
}
CONF
mkdir nfs
mkdir -p /run/ganesha
on() { echo "nfs://127.0.0.1/cloud/$1?version=4&nfsport=$port"; }
ganesha.nfsd -F -f ganesha.conf -L "$T/ganesha.out" -p "$T/ganesha.pid" &
SERVER=$!
wait_for 20 nfs-ls "$(on vms)"
nfs-ls "$(on vms)" >said
has said ' near$'
is <(nfs-cat "$(on vms/near/state)") draft

nfs-cp good "$(on specs/vms/web1.ini)" >said 2>&1 || die "$(cat said)"
is "$M/vms/web1/state" running
is <(nfs-cat "$(on vms/web1/spec)") 'memory = 32MiB'
nfs-cat "$(on vms/web1/score)" >said
has said '^performance '
fails nfs-cp bad "$(on specs/vms/web2.ini)"
has "$M/vms/web2/error" 'not a size'
# What changes is seen through it: it keeps nothing for longer than the server does.
printf 'memory = 48MiB\n' >"$M/vms/web1/spec"
seen() { [ "$(nfs-cat "$(on vms/web1/spec)")" = 'memory = 48MiB' ]; }
wait_for 90 seen
same "$(nfs-ls -R "$(on '')" | wc -l)" "$(find "$M" -mindepth 1 | wc -l)"
stop_server
unmount_cloud
