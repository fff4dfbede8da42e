#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may do what: owners and modes, sticky folders, files and URIs that only root may name, and
# quotas, as users without root see them; and that events say who it was.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/users.bash"

images=$T/images
mkdir "$images"
printf secret >"$T/secret"
chmod 600 "$T/secret"
printf '#cloud-config\n' >"$images/user"
ln -s "$T/secret" "$images/link"
config() {
    configure "paths = $images" "$(test_section h1 64 65536)" '[quota 61001]' 'vms = 4' 'cpus = 8' \
        'memory = 1GiB' '[quota @61100]' 'cpus = 12' '[quota *]' 'vms = 1' "$@"
}
printf '[quota nobody-of-this-name]\nvms = 1\n' >bad.conf
fails "$CLOUDFS" -c bad.conf "$M"
printf '[quota 1]\nvms = many\n' >bad.conf
fails "$CLOUDFS" -c bad.conf "$M"
printf '[cloud]\npaths = images\n' >bad.conf
fails "$CLOUDFS" -c bad.conf "$M"
OPTIONS=allow_other
config
mount_again
wait_for 10 reads "$M/hosts/h1/state" up

# ---- closed at first, then open as /tmp is
gives_to alice EACCES mkdir "$M/vms/a"
gives_to alice EACCES mkdir "$M/hosts/a"
gives_to alice EPERM chmod "$M/vms" 1777
chmod 1777 "$M/vms" "$M/services" "$M/plan" "$M/hosts" "$M/specs/vms"
same "$(stat -c '%a %u' "$M/vms")" '1777 0'
gives_to alice ok mkdir "$M/vms/a"
same "$(stat -c '%u %g %a' "$M/vms/a")" "$ALICE $ALICE 755"
gives_to bob 'open EACCES' write "$M/vms/a/spec" $'memory = 32MiB\n'
gives_to alice ok write "$M/vms/a/spec" $'memory = 32MiB\n'
same "$(stat -c '%u %a' "$M/vms/a/spec" "$M/vms/a/ctl" "$M/vms/a/state" "$M/vms/a/domain.xml")" \
    "$ALICE 644
$ALICE 644
$ALICE 444
$ALICE 400"
gives_to bob 'open EACCES' write "$M/vms/a/ctl" $'destroy\n'
gives_to bob 'open EACCES' read "$M/vms/a/domain.xml"
gives_to bob EPERM rmdir "$M/vms/a"
gives_to bob EPERM rename "$M/vms/a" "$M/vms/b"
gives_to bob EPERM unlink "$M/specs/vms/a.ini"
gives_to bob EPERM chmod "$M/vms/a" 777
gives_to alice EPERM chown "$M/vms/a" $BOB
gives_to alice ok chmod "$M/vms/a" 700
gives_to bob EACCES list "$M/vms/a"
gives_to bob 'open EACCES' read "$M/specs/vms/a.ini"
is "$M/vms/a/state" running
hasnt "$M/vms/a/domain.xml" '<graphics'
alice sh -c "umask 077; echo 'memory = 32MiB' >'$M/specs/vms/a2.ini'"
same "$(stat -c '%u %a' "$M/vms/a2" "$M/specs/vms/a2.ini")" "$ALICE 700
$ALICE 600"

# A folder without the sticky bit: the object must be theirs to write all the same.
chmod 2777 "$M/vms"
chgrp $OPS "$M/vms"
gives_to bob EACCES rmdir "$M/vms/a2"
gives_to bob EACCES rename "$M/vms/a2" "$M/vms/b2"
is "$M/vms/a2/state" running
gives_to bob ok mkdir "$M/vms/b"
same "$(stat -c '%u %g' "$M/vms/b")" "$BOB $OPS"
gives_to alice EACCES rmdir "$M/vms/b"
chmod 775 "$M/vms/b" # alice is in that group
gives_to alice ok rmdir "$M/vms/b"
chmod u-s,g-s,o+t "$M/vms"
chgrp 0 "$M/vms"

# ---- a service takes VMs of its owner only, as its names are anybody's to give
gives_to alice ok mkdir "$M/vms/t-0"
gives_to alice ok write "$M/vms/t-0/spec" $'memory = 32MiB\n'
printf 'replicas = 1\n[vm]\nmemory = 32MiB\n' >template
mkdir "$M/services/t"
gives 'close EEXIST' write "$M/services/t/spec" "$(cat template)"
has "$M/services/t/error" "^vms/t-0 of user $ALICE exists and is no member"
gives ok chown "$M/services/t" $BOB
gives_to bob 'close EEXIST' write "$M/services/t/spec" "# bob's"$'\n'"$(cat template)"
same "$(ls "$M/services/t/vms")" ''
same "$(stat -c %u "$M/vms/t-0")" $ALICE
gives_to bob ok rmdir "$M/services/t"
is "$M/vms/t-0/state" running
gives_to alice ok mkdir "$M/services/t"
gives_to alice ok chmod "$M/services/t" 700
gives_to alice ok write "$M/services/t/spec" "$(cat template)"$'\n'
same "$(ls "$M/services/t/vms")" t-0
same "$(stat -c '%u %a' "$M/vms/t-0")" "$ALICE 700"
gives_to alice ok rmdir "$M/services/t"

# ---- files of the machine, and URIs
gives_to alice ok mkdir "$M/vms/p"
gives_to alice 'write EPERM' write "$M/vms/p/spec" "image = $T/secret"$'\n'
has "$M/vms/p/error" "image = $T/secret.*only root"
gives_to alice 'write EPERM' write "$M/vms/p/spec" $'kernel = /boot/vmlinuz\n'
gives_to alice 'write EPERM' write "$M/vms/p/spec" "initrd = $images-too/x"$'\n'
gives_to alice 'write EPERM' write "$M/vms/p/spec" $'root = /\n'
gives_to alice 'close EPERM' write "$M/vms/p/spec" "user_data = $T/secret"
gives_to alice 'close EINVAL' write "$M/vms/p/spec" "user_data = $images/../secret"$'\n'
gives_to alice 'close EPERM' write "$M/vms/p/spec" "user_data = $images/link"$'\n' # by its target
has "$M/vms/p/error" 'user_data.*only root'
gives_to alice ok mkdir "$M/plan/p"
gives_to alice 'write EPERM' write "$M/plan/p/spec" "image = $T/secret"$'\n'
gives_to alice ok mkdir "$M/services/p"
gives_to alice 'write EPERM' write "$M/services/p/spec" $'replicas = 1\n[vm]\nimage = /etc/passwd\n'
gives_to alice ok rmdir "$M/services/p"
gives_to alice ok mkdir "$M/hosts/p"
gives_to alice 'write EPERM' write "$M/hosts/p/spec" $'uri = qemu+ext:///system?command=/bin/false\n'
gives_to alice ok rmdir "$M/hosts/p"
# An owner of a host changes all but its URIs, and takes none away.
where="uri = $(test_host h2 8 8192)"
peer=$'peer_uri = test:///default\nmigrate_uri = tcp://10.0.0.2'
mkdir "$M/hosts/h2"
put hosts/h2 "$where" "$peer"
chown $ALICE "$M/hosts/h2"
evil='qemu+ext:///system?command=/bin/false'
gives_to alice 'write EPERM' write "$M/hosts/h2/spec" "uri = $evil"$'\n'
gives_to alice 'write EPERM' write "$M/hosts/h2/spec" "peer_uri = $evil"$'\n'
has "$M/hosts/h2/error" '^peer_uri: only root'
gives_to alice 'write EPERM' write "$M/hosts/h2/spec" $'migrate_uri = tcp://10.0.0.3\n'
gives_to alice 'close EPERM' write "$M/hosts/h2/spec" "$where"$'\n'
is "$M/hosts/h2/spec" "$where"$'\n'"$peer"
gives_to alice ok write "$M/hosts/h2/spec" "$where"$'\n'"$peer"$'\nzone = z\n'
gives_to alice ok rmdir "$M/hosts/h2"
gives_to alice ok rmdir "$M/vms/p"
# What root grants stays granted, for these files.
mkdir "$M/vms/p"
put vms/p "kernel = $T/secret" 'memory = 32MiB'
chown $ALICE "$M/vms/p"
gives_to alice ok write "$M/vms/p/spec" "kernel = $T/secret"$'\nmemory = 48MiB\n'
gives_to alice 'write EPERM' write "$M/vms/p/spec" "kernel = $T/other"$'\nmemory = 48MiB\n'
alice cp -r "$M/vms/p/spec" "$T/m/plan/p/spec" 2>/dev/null && die 'a granted file was copied'
gives_to alice ok rmdir "$M/vms/p"

# ---- quotas: alice has two VMs of 32 MiB
gives_to alice ok mkdir "$M/vms/q"
gives_to alice 'write EDQUOT' write "$M/vms/q/spec" $'cpus = 7\n'
has "$M/vms/q/error" 'quota of 61001: 2 of 8 vCPUs are taken, this needs 7 more'
gives_to alice 'close EDQUOT' write "$M/vms/q/spec" 'memory = 992MiB'
has "$M/vms/q/error" '64MiB of 1GiB memory are taken, this needs 992MiB more'
gives_to alice ok write "$M/vms/q/spec" $'cpus = 6\nmemory = 32MiB\n'
gives_to alice 'write EDQUOT' write "$M/vms/q/spec" $'cpus = 7\n'
is "$M/vms/q/spec" $'cpus = 6\nmemory = 32MiB'
gives_to alice ok mkdir "$M/services/q"
gives_to alice ok write "$M/vms/q/spec" $'cpus = 1\nmemory = 32MiB\n'
gives_to alice 'close EDQUOT' write "$M/services/q/spec" \
    $'[vm]\nmemory = 32MiB\n[service]\nreplicas = 2'
has "$M/services/q/error" 'quota of 61001: 3 of 4 VMs are taken, this needs 2 more'
gives_to alice ok write "$M/services/q/spec" $'replicas = 1\nspread = none\n[vm]\nmemory = 32MiB\n'
gives_to alice 'write EDQUOT' write "$M/services/q/ctl" $'scale 2\n'
same "$(stat -c %u "$M/vms/q-0")" $ALICE
gives_to alice EDQUOT mkdir "$M/vms/r"
has "$M/events" 'refused vms/r: quota of 61001: 4 of 4 VMs are taken, this needs 1 more uid='
gives_to alice ok write "$M/plan/p/spec" $'memory = 32MiB\n'
gives_to alice EDQUOT rename "$M/plan/p" "$M/vms/fromplan"
new_vm gift 'memory = 32MiB' # root has no quota
gives EDQUOT chown "$M/vms/gift" $ALICE
gives ok chown "$M/vms/gift" $BOB
new_vm gift2 'memory = 32MiB'
gives EDQUOT chown "$M/vms/gift2" $BOB
has "$M/vms/gift2/error" 'quota of each user: 1 of 1 VMs are taken, this needs 1 more'
# Two at a time: one of them gets what is left.
gives_to alice ok write "$M/services/q/ctl" $'scale 0\n'
pids=
for each in r s; do
    alice "$T/op" mkdir "$M/vms/$each" >"$each" &
    pids="$pids $!"
done
# shellcheck disable=SC2086 # words
wait $pids || true # the last one may be the loser
same "$(sort r s | tr '\n' ' ')" 'EDQUOT ok '

# ---- who it was, and after a restart the same
for what in 'vms/a draft' 'vms/a spec written' 'vms/a owner 61001, group 61001, mode 0700' \
    'plan/p spec written' 'services/q ctl scale 0'; do
    has "$M/events" "$what.* uid=$ALICE pid=[0-9]+$"
done
has "$M/events" 'vms/gift owner 61002.* uid=0 pid='
gives_to alice ok unlink "$M/specs/vms/a.ini"
has "$M/events" "vms/a leaves.* uid=$ALICE pid="
unmount_cloud
mount_again
same "$(stat -c '%a %u' "$M/vms" "$M/vms/gift" "$M/hosts")" '1777 0
755 61002
1777 0'
unmount_cloud
