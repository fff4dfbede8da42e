#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Scratch files take memory, 64 MiB at most in all and a quarter of it for a user: they go with their
# objects, however those go.
. "$(dirname "$0")/lib.sh"

mount_cloud 'grace = 0.2' "$(test_section h1 64 65536)"
wait_for 10 reads "$M/hosts/h1/state" up
head -c 1000000 /dev/zero >big
none() { [ -z "$(ls "$M/vms")" ]; }
for _ in 1 2; do
    for i in {1..40}; do
        mkdir "$M/vms/x$i"
        cp big "$M/vms/x$i/big"
    done
    rm "$M"/specs/vms/x*.ini
    wait_for 10 none
done
# What is made real keeps them.
mkdir "$M/plan/p"
cp big "$M/plan/p/big"
mv "$M/plan/p" "$M/vms/p"
cmp big "$M/vms/p/big"
unmount_cloud

# What one user has leaves room for another.
. "$(dirname "$0")/users.bash"
OPTIONS=allow_other
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
chmod 1777 "$M/vms"
chmod 644 big
gives_to alice ok mkdir "$M/vms/a"
gives_to bob ok mkdir "$M/vms/b"
said=$(alice sh -c "for i in \$(seq 20); do cat big >$M/vms/a/\$i || exit; done" 2>&1) && die 'alice has 20 MB'
has /dev/stdin 'Disk quota exceeded' <<<"$said"
same "$(stat -c %s "$M/vms/a/16")" 1000000
fails alice cp big "$M/vms/a/18"
gives_to bob ok write "$M/vms/b/spec~" $'memory = 32MiB\n'
gives_to bob ok rename "$M/vms/b/spec~" "$M/vms/b/spec"
gives_to alice ok unlink "$M/vms/a/1"
alice cp big "$M/vms/a/17"
unmount_cloud
