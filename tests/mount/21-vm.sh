#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One VM: made, changed and destroyed through its directory.
. "$(dirname "$0")/lib.sh"

mount_cloud "$(test_section h1 8 16384)"
wait_for 10 reads "$M/hosts/h1/state" up
cd "$M/vms"

# Refused by write(2), so that even a shell's echo sees it.
gives EINVAL mkdir .hidden
mkdir web1
is web1/state draft
gives EEXIST mkdir web1
gives 'write EINVAL' write web1/spec $'cpus = none\n'
has web1/error 'line 1.*cpus'
fails sh -c 'echo "cpu = 1" >web1/spec'
has web1/error 'line 1.*cpu'
gives 'write EINVAL' write web1/spec $'[disk]\nsize = 1\n'
gives 'write ENOSPC' write web1/spec $'cpus = 4000\n'
has web1/error 'cpus'
gives 'write ENOSPC' write web1/spec $'memory = 60T\n'
gives 'write EFBIG' write web1/spec "$(printf '# %065536d' 0)"$'\n'
is web1/state draft

# A line without an end is judged when the file is closed; these tools see that.
printf 'cpus = none' >"$T/bad"
gives 'close EINVAL' write web1/spec 'cpus = none'
fails cp "$T/bad" web1/spec
fails bash -c "cat '$T/bad' >web1/spec"
fails sh -c "tee web1/spec <'$T/bad' >/dev/null"
fails dd if="$T/bad" of=web1/spec status=none
fails bash -c "sed 's/x/x/' '$T/bad' >web1/spec"
has web1/error cpus
is web1/state draft
is web1/spec ''

# Whether a key is there that another one needs is known in the end.
for key in 'initrd = /boot/initrd' 'cmdline = quiet'; do
    gives 'close EINVAL' write web1/spec "$key"$'\nmemory = 64MiB\n'
    has web1/error "${key%% *} .*without kernel"
    is web1/state draft
done
mkdir ../services/kernels ../plan/kernels
gives 'close EINVAL' write ../services/kernels/spec $'replicas = 1\n[vm]\ncmdline = quiet\n'
gives 'close EINVAL' write ../plan/kernels/spec $'cmdline = quiet\n'
rmdir ../services/kernels ../plan/kernels

# Made.
gives ok write web1/spec $'# the first one\ncpus = 2\nmemory = 256MiB\n'
is web1/state running
is web1/error ''
same "$(readlink web1/host)" ../../hosts/h1
same "$(readlink ../hosts/h1/vms/web1)" ../../../vms/web1
[ web1/host/ -ef ../hosts/h1 ]
[ ../hosts/h1/vms/web1/ -ef web1 ]
has web1/domain.xml "<name>web1</name>"
has web1/domain.xml "(current='2'|>2</vcpu>)"
has web1/placement '^h1 +chosen'
has ../events 'vms/web1'
is web1/spec $'# the first one\ncpus = 2\nmemory = 256MiB'

# The same again does nothing; another one changes it, and a refused one does not.
before=$(mtime web1/spec) lines=$(wc -l <../events)
gives ok write web1/spec "$(cat web1/spec)"$'\n'
same "$(mtime web1/spec)" "$before"
same "$(wc -l <../events)" "$lines"
uuid=$(grep '<uuid>' web1/domain.xml)
gives 'write EINVAL' write web1/spec $'cpus = 3\nmemory = lots\n'
has web1/spec '^cpus = 2$'
has web1/domain.xml "(current='2'|>2</vcpu>)"
gives ok write web1/spec $'cpus = 3\nmemory = 128MiB\n'
is web1/spec $'cpus = 3\nmemory = 128MiB'
wait_for 5 shows web1/domain.xml "(current='3'|>3</vcpu>)"
same "$(grep '<uuid>' web1/domain.xml)" "$uuid"
same "$(value web1/score processors)" 3

# What waits for the next start is told until then, whatever is refused meanwhile.
pending='a restart is pending; at the next start: memory'
gives ok write web1/spec $'cpus = 3\nmemory = 512MiB\n'
is web1/error "$pending"
gives 'write EINVAL' write web1/spec $'cpus = none\n'
has web1/error 'line 1.*cpus'
has web1/error "^$pending$"
same "$(stat -c %s web1/error)" "$(wc -c <web1/error)"
gives ok write web1/spec $'cpus = 3\nmemory = 128MiB\n'
is web1/error ''

# The tools of an administrator.
cp "$T/cloudfs.conf" "$T/not-a-spec"
fails cp "$T/not-a-spec" web1/spec
printf 'cpus = 1\n' >"$T/good"
cp "$T/good" web1/spec
sed 's/cpus = 1/cpus = 2/' "$T/good" | cat >web1/spec
is web1/spec 'cpus = 2'
tee web1/spec <"$T/good" >/dev/null
dd if="$T/good" of=web1/spec status=none conv=fsync
is web1/spec 'cpus = 1'
# Other names are scratch files, which nothing comes of.
gives ok write web1/notes text
is web1/notes text
rm web1/notes
gives EPERM mkdir web1/dir
fails sh -c 'echo running >web1/state'
gives 'open EACCES' write web1/state running

# Removing what is in it is not removing it; protect keeps it altogether.
gives ok write web1/spec $'cpus = 1\nprotect = yes\n'
gives EPERM rmdir web1
has web1/error protect
fails rm -r web1
is web1/state running
gives ok write web1/spec $'cpus = 1\nprotect = no\n'
gives ok unlink web1/spec
is web1/state running
rm -r web1
gone web1
gone ../hosts/h1/vms/web1
mkdir web2
gives ok write web2/spec $'cpus = 1\n'
gives ok rmdir web2
gone web2
same "$(ls)" ''
cd "$T"
unmount_cloud
