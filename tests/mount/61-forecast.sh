#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The load of a host is forecast, and placement heeds it where the configuration says so.
. "$(dirname "$0")/lib.sh"

configure 'forecast = 2' 'forecast_limit = 0.5' "$(test_section h1 4 4096)" \
    "$(test_section h2 4 4096 'cost = 2')"
sed -i 's/^sample = 1$/sample = 0.2/' "$T/cloudfs.conf"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
wait_for 10 reads "$M/hosts/h2/state" up
cd "$M"
for key in forecast_cpu forecast_cpu_error forecast_memory forecast_memory_error; do
    has hosts/h1/resources "^$key "
done

# Half of 4 CPUs may be in use: what has just begun counts with what it is expected to use.
new_vm a 'cpus = 2' 'memory = 64MiB' 'host = h1'
wait_for 5 grep -q '^forecast_' hosts/h1/resources
sleep 0.5
mkdir vms/b plan/c
put vms/b 'cpus = 1' 'memory = 64MiB'
wait_for 5 reads vms/b/state running
same "$(readlink vms/b/host)" ../../hosts/h2
has vms/b/placement '^h1 +load +expects 2\.00 CPUs, error 0\.00, of 2\.00; wants 1\.00 more'
put plan/c 'cpus = 2' 'memory = 64MiB' 'usage = 0.75'
has plan/c/placement '^h2 +load +expects 1\.00 CPUs'
# As long as it uses nothing, that is over after the time that forecasts look ahead.
rm -r vms/b
put plan/c 'cpus = 2' 'memory = 64MiB'
wait_for 10 shows plan/c/placement '^h1 +chosen'
cd "$T"
unmount_cloud

# A real machine has a load.
configure 'forecast = 1' "[host real]
uri = qemu:///embed?root=$T/state/embed"
sed -i 's/^sample = 1$/sample = 0.2/' "$T/cloudfs.conf"
mount_again
wait_for 20 reads "$M/hosts/real/state" up
wait_for 20 shows "$M/hosts/real/resources" '^forecast_cpu [0-9]'
wait_for 20 shows "$M/hosts/real/resources" '^forecast_cpu_error [0-9]'
wait_for 20 shows "$M/hosts/real/resources" '^forecast_memory [1-9]'
wait_for 20 shows "$M/hosts/real/resources" '^forecast_memory_error [0-9]'
unmount_cloud
