#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Scratch files take memory, 64 MiB at most in all: they go with their objects, however those go.
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
