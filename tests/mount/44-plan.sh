#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# plan/: what would become of a spec, as the real thing answers, and how a plan becomes real.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tools.bash"

configure "$(test_section h1 4 8192 'cpu_overcommit = 1' 'zone = a')" \
    "$(test_section h2 8 8192 'cpu_overcommit = 1' 'zone = b' 'cost = 2')"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
wait_for 10 reads "$M/hosts/h2/state" up
cd "$M"

# Names and errors are those of the real thing.
gives EINVAL mkdir plan/.hidden
mkdir plan/web1
gives EEXIST mkdir plan/web1
gives 'write EINVAL' write plan/web1/spec $'cpus = none\n'
has plan/web1/error 'line 1.*cpus'
gives 'close EINVAL' write plan/web1/spec 'cpus = none'
gives 'write ENOSPC' write plan/web1/spec $'cpus = 400\n'
gives 'write EFBIG' write plan/web1/spec "$(printf '# %065536d' 0)"$'\n'
fails sh -c 'echo x >plan/web1/placement'
is plan/web1/spec ''

# Nothing is made, and the answer is what the real thing gets.
gives ok write plan/web1/spec $'# on paper\ncpus = 3\nmemory = 64MiB\n'
is plan/web1/spec $'# on paper\ncpus = 3\nmemory = 64MiB'
is plan/web1/error ''
has plan/web1/placement '^h1 +chosen'
has plan/web1/placement '^h2 +passed'
same "$(ls vms)" ''
same "$(ls hosts/h1/vms)" ''
same "$(value hosts/h1/resources cpus_allocated)" 0
gone specs/vms/web1.ini
gives ok write plan/web1/spec $'cpus = 3\nmemory = 64MiB\nzone = b\n'
has plan/web1/placement '^h2 +chosen'
has plan/web1/placement '^h1 +zone'
new_vm real 'cpus = 3' 'memory = 64MiB'
mkdir plan/next
put plan/next 'cpus = 3' 'memory = 64MiB'
has plan/next/placement '^h2 +chosen'
has plan/next/placement '^h1 +cpus'
# ... also when the cloud has changed since.
rm -r vms/real
wait_for 5 shows plan/next/placement '^h1 +chosen'

# A service on paper.
mkdir plan/svc
put plan/svc 'replicas = 2' '[vm]' 'cpus = 1' 'memory = 64MiB'
# Each replica's host, as if all went: two hosts, so that the third of three has none.
same "$(head -n 1 plan/svc/placement)" '2 of 2 replicas have a host'
has plan/svc/placement '^svc-0 h1 1.000000 '
has plan/svc/placement '^svc-1 h2 1.000000 '
has plan/svc/placement '^h2 +chosen'
put plan/svc 'replicas = 3' '[vm]' 'cpus = 1' 'memory = 64MiB'
same "$(head -n 1 plan/svc/placement)" '2 of 3 replicas have a host'
has plan/svc/placement '^svc-2 -$'
has plan/svc/placement '^svc-2: 0 of 2 hosts passed: spread 2$'
put plan/svc 'replicas = 2' '[vm]' 'cpus = 1' 'memory = 64MiB'
same "$(ls vms services)" $'services:\n\nvms:'

# Tools: scratch files, a rename onto spec, cp -a, ls, rm -r.
quiet sed -i 's/zone = b/zone = a/' plan/web1/spec
has plan/web1/placement '^h1 +chosen'
quiet cp -a plan/web1 plan/copy
is plan/copy/spec "$(cat plan/web1/spec)"
same "$(ls -A plan/web1)" "$(ls -A plan/copy)"
quiet rm -r plan/copy
gone plan/copy
quiet rsync -a plan/ "$T/plan/"
cmp plan/web1/spec "$T/plan/web1/spec"
same "$(stat -c %s plan/web1/placement)" "$(cat plan/web1/placement | wc -c)"

# Kept over a restart.
cd "$T"
unmount_cloud
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
wait_for 10 reads "$M/hosts/h2/state" up
cd "$M"
is plan/web1/spec $'cpus = 3\nmemory = 64MiB\nzone = a'
wait_for 5 shows plan/web1/placement '^h1 +chosen'

# Made real: first what cannot be.
new_vm taken 'cpus = 1' 'memory = 64MiB' 'zone = b'
gives EEXIST noreplace plan/web1 vms/taken
fails mv -T plan/web1 vms/taken
is vms/taken/state running
[ -d plan/web1 ]
for to in services/web1 hosts/web1 specs/vms/web1.ini web1 vms/taken/web1; do
    case $(op rename plan/web1 $to) in
    EINVAL | EXDEV | EPERM | ENOTDIR | EISDIR | EACCES | EEXIST) ;;
    *) die "plan/web1 became $to" ;;
    esac
done
case $(op rename plan/svc vms/svc) in EINVAL | EXDEV | EPERM) ;; *) die 'a service became a VM' ;; esac
number=$(inode plan/web1)
quiet mv plan/web1 vms/web1
gone plan/web1
wait_for 5 reads vms/web1/state running
same "$(readlink vms/web1/host)" ../../hosts/h1
is vms/web1/spec $'cpus = 3\nmemory = 64MiB\nzone = a'
is specs/vms/web1.ini "$(cat vms/web1/spec)"
[ "$(inode vms/web1)" = "$number" ]
quiet mv plan/svc services/svc
wait_for 10 reads services/svc/state ready
same "$(ls services/svc/vms | xargs)" 'svc-0 svc-1'
# A draft on paper becomes a draft; what has no room now waits, as if written there.
mkdir plan/empty
quiet mv plan/empty vms/empty
is vms/empty/state draft
quiet mv plan/next vms/next
case $(cat vms/next/state) in pending | running) ;; *) die "next is $(cat vms/next/state)" ;; esac
rm -r vms/* services/* 2>/dev/null || true
rm -rf services/svc vms/web1 vms/taken vms/empty vms/next
wait_for 10 same "$(ls vms)" ''

# Several together are placed in one pass: anti-affinity holds among them.
mkdir plan/{x,y}
put plan/x 'cpus = 1' 'memory = 64MiB' 'avoid = g'
put plan/y 'cpus = 1' 'memory = 64MiB' 'avoid = g'
quiet mv plan/x plan/y vms/
wait_for 10 reads vms/x/state running
wait_for 10 reads vms/y/state running
[ "$(readlink vms/x/host)" != "$(readlink vms/y/host)" ] || die 'avoid is broken'
gives ok rmdir vms/x
gives ok rmdir vms/y

# A batch: plans in a plan.
mkdir plan/b
is plan/b/state draft
mkdir plan/b/{a1,a2,a3}
is plan/b/state batch
same "$(cd plan && find b -type d | sort | xargs)" 'b b/a1 b/a2 b/a3'
gives EEXIST mkdir plan/b/a1
gives EEXIST mkdir plan/b/spec
gives EINVAL mkdir plan/b/.x
gives EPERM mkdir plan/b/a1/deep
gives ENOTEMPTY rmdir plan/b
gives 'close EINVAL' write plan/b/spec $'cpus = 1\n'
has plan/b/error 'holds plans'
mkdir plan/single
put plan/single 'cpus = 1'
gives EPERM mkdir plan/single/x
has plan/single/error 'spec of its own'
gives EPERM rename plan/b plan/single/b
# What each would get if all went together: three of two CPUs on h1 (4), which is cheaper, and h2.
for i in 1 2 3; do
    put plan/b/a$i 'cpus = 2' 'memory = 64MiB'
done
same "$(cat plan/b/placement)" $'a1 h1\na2 h1\na3 h2'
has plan/b/a3/placement '^h2 +chosen'
has plan/b/a3/placement '^h1 +cpus'
same "$(value hosts/h1/resources cpus_allocated)" 0
put plan/b/a2 'cpus = 2' 'memory = 64MiB' 'avoid = g'
put plan/b/a1 'cpus = 1' 'memory = 64MiB' 'avoid = g'
[ "$(value plan/b/placement a1)" != "$(value plan/b/placement a2)" ] || die 'avoid is broken on paper'
put plan/b/a1 'cpus = 2' 'memory = 64MiB' 'avoid = g'
# In and out, another name, copies.
quiet mv plan/single plan/b/a4
gone plan/single
quiet mv plan/b/a4 plan/single
quiet mv plan/b plan/c
gone plan/b
is plan/c/a1/spec "$(cat plan/c/a2/spec)"
quiet cp -a plan/c plan/d
diff -r -x error plan/c plan/d
quiet rm -r plan/d
gone plan/d
quiet rsync -a plan/c/ "$T/c/"
quiet rsync -a "$T/c/" plan/f/
is plan/f/state batch
is plan/f/spec ''
cmp plan/c/a2/spec plan/f/a2/spec
quiet rm -r plan/f
same "$(ls plan | xargs)" 'c single'
# Kept over a restart.
number=$(inode plan/c/a1)
cd "$T"
unmount_cloud
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
wait_for 10 reads "$M/hosts/h2/state" up
cd "$M"
is plan/c/state batch
same "$(inode plan/c/a1)" "$number"
# All or nothing.
gives EINVAL rename plan/c services/c
new_vm a2 'cpus = 1' 'memory = 64MiB'
gives EEXIST rename plan/c vms/c
has plan/c/error 'a2 is taken'
same "$(ls vms)" a2
gives ok rmdir vms/a2
mkdir plan/c/svc
put plan/c/svc 'replicas = 2' '[vm]' 'cpus = 1' 'memory = 64MiB'
gives EINVAL rename plan/c vms/c
has plan/c/error 'c/svc.*services'
same "$(ls vms)" ''
quiet mv plan/c/svc plan/svc
# One call, one pass.
before=$(wc -l <events)
quiet mv plan/c vms/
gone plan/c
gone vms/c
same "$(ls vms | xargs)" 'a1 a2 a3'
for i in 1 2 3; do
    is vms/a$i/state running
done
same "$(inode vms/a1)" "$number"
[ "$(readlink vms/a1/host)" != "$(readlink vms/a2/host)" ] || die 'avoid is broken'
tail -n "+$((before + 1))" events | grep -c 'made real' | grep -qx 4
gone plan/c/a1
quiet rm -r vms/a1 vms/a2 vms/a3 plan/single
mkdir plan/e plan/e/s1 plan/e/s2
put plan/e/s1 'replicas = 1' '[vm]' 'cpus = 1' 'memory = 64MiB'
put plan/e/s2 'replicas = 2' 'spread = none' '[vm]' 'cpus = 1' 'memory = 64MiB'
has plan/e/placement '^s2 h[12] h[12]$'
quiet mv plan/e services/
wait_for 10 reads services/s2/state ready
quiet rm -r services/s1 services/s2
gives ok rmdir plan/svc
mkdir plan/z
gives ok rmdir plan/z
same "$(ls plan)" ''
cd "$T"
unmount_cloud
