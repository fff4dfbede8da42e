#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# specs/: every spec of what cloudfs manages, flat. Making, changing and removing, with the grace.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tools.bash"

daemon one
foreign one alien
configure 'grace = 2' '[host one]' "uri = $(uri one)" "$(test_section h1 16 8192)"
mount_again
wait_for 20 reads "$M/hosts/one/state" up
wait_for 10 reads "$M/hosts/h1/state" up
cd "$M/specs"

# Its shape.
same "$(ls -A | xargs)" 'hosts services vms'
same "$(ls hosts | xargs)" 'h1.ini one.ini'
same "$(ls vms services)" $'services:\n\nvms:' # alien is not ours
is ../vms/alien/state running
for dir in . hosts vms services; do
    gives EPERM rmdir "$M/specs/$dir/../${dir/./vms}"
    case $(op mkdir $dir/x) in EPERM | EACCES) ;; *) die "mkdir specs/$dir/x" ;; esac
done
same "$(inode hosts/h1.ini)" "$(inode ../hosts/h1/spec)"
cmp hosts/h1.ini ../hosts/h1/spec

# Refused ones make nothing.
gives 'write EINVAL' write vms/bad.ini $'cpus = none\n'
gives 'close EINVAL' write vms/bad.ini 'cpus = none'
gives 'write ENOSPC' write vms/bad.ini $'cpus = 4000\n'
# A name that no VM can have is not taken for a scratch file.
gives 'open EINVAL' write 'vms/-x.ini' $'cpus = 1\n'
gives 'open EINVAL' write 'vms/a b.ini' $'cpus = 1\n'
case $(cat ../vms/bad/state 2>/dev/null || echo none) in none | draft) ;; *) die 'a bad spec made a VM' ;; esac
rm -f vms/bad.ini
rmdir ../vms/bad 2>/dev/null || true

# A host goes though it shows domains that are not of cloudfs.
gives ok write hosts/found.ini $'uri = test:///default\n'
wait_for 10 test -d ../hosts/found/vms/test
gives ok unlink hosts/found.ini
wait_for 6 gone ../hosts/found
gone hosts/found.ini
has ../events 'hosts/found removed'

# Made.
gives ok write vms/web1.ini $'# flat\nhost = h1\nmemory = 32MiB\n'
is ../vms/web1/state running
is ../vms/web1/spec $'# flat\nhost = h1\nmemory = 32MiB'
is vms/web1.ini $'# flat\nhost = h1\nmemory = 32MiB'
same "$(inode vms/web1.ini)" "$(inode ../vms/web1/spec)"
same "$(stat -c '%s %a %U %.9Y' vms/web1.ini)" "$(stat -c '%s %a %U %.9Y' ../vms/web1/spec)"
gives ok write services/web.ini $'replicas = 2\nspread = none\n[vm]\nhost = h1\nmemory = 32MiB\n'
wait_for 10 reads ../services/web/state ready
gives ok write hosts/h2.ini "uri = $(test_host h2 4 4096)"$'\n'
wait_for 10 reads ../hosts/h2/state up
# A change through one is seen in the other.
gives ok write vms/web1.ini $'host = h1\nmemory = 48MiB\n'
is ../vms/web1/spec $'host = h1\nmemory = 48MiB'
gives ok write ../vms/web1/spec $'host = h1\nmemory = 64MiB\n'
is vms/web1.ini $'host = h1\nmemory = 64MiB'
gives 'write EINVAL' write vms/web1.ini $'memory = none\n'
has ../vms/web1/error memory
is vms/web1.ini $'host = h1\nmemory = 64MiB'
# An adopted one appears.
gone vms/alien.ini
cp ../vms/alien/spec ../vms/alien/spec || cp ../vms/alien/spec "$T/alien" && cp "$T/alien" ../vms/alien/spec
wait_for 5 test -f vms/alien.ini
cmp vms/alien.ini ../vms/alien/spec
# Scratch files are nobody's spec.
gives ok write vms/web1.ini.tmp $'cpus = none\n'
gives ok write vms/.web1.ini.XYZ 'anything'
gives ok write vms/notes.txt 'anything'
is vms/notes.txt anything
gives EINVAL rename vms/web1.ini.tmp vms/web1.ini
is vms/web1.ini $'host = h1\nmemory = 64MiB'
rm vms/web1.ini.tmp vms/.web1.ini.XYZ vms/notes.txt
gives ok write vms/new.tmp $'host = h1\nmemory = 32MiB\n'
gives ok rename vms/new.tmp vms/new.ini
is ../vms/new/state running
gone vms/new.tmp

# Removed and written again within the grace: a change of the same VM.
identity=$(uuid web1) number=$(inode vms/web1.ini)
for way in unlink rename; do
    gives ok unlink vms/web1.ini
    gone vms/web1.ini
    is ../vms/web1/state running
    case $way in
    unlink) gives ok exclusive vms/web1.ini $'host = h1\nmemory = 32MiB\n# unlink\n' ;;
    rename)
        gives ok write vms/web1.tmp $'host = h1\nmemory = 32MiB\n# rename\n'
        gives ok rename vms/web1.tmp vms/web1.ini
        ;;
    esac
    has vms/web1.ini "# $way"
    same "$(uuid web1) $(inode vms/web1.ini)" "$identity $number"
done
# Also the very text that was there, and also a bad one.
text=$(cat vms/web1.ini)
gives ok unlink vms/web1.ini
gives ok exclusive vms/web1.ini "$text"$'\n'
gives ok unlink vms/web1.ini
gives 'write EINVAL' exclusive vms/web1.ini $'memory = none\n'
gives ok unlink vms/web1.ini
gives ok write ../vms/web1/spec "$text"$'\n' # its other name
# The same for a service and a host.
services=$(ls ../services/web/vms | while read -r vm; do uuid "$vm"; done)
gives ok unlink services/web.ini
gives ok exclusive services/web.ini $'replicas = 2\nspread = none\n[vm]\nhost = h1\nmemory = 32MiB\n# again\n'
sleep 3
has vms/web1.ini "# rename"
is ../vms/web1/state running
same "$(uuid web1) $(inode vms/web1.ini)" "$identity $number"
same "$(ls ../services/web/vms | while read -r vm; do uuid "$vm"; done)" "$services"

# A bad one in its place has changed nothing either: its writer has seen the error.
gives ok unlink vms/web1.ini
gives 'write EINVAL' exclusive vms/web1.ini $'memory = none\n'
sleep 3
has vms/web1.ini "# rename"
same "$(uuid web1) $(inode vms/web1.ini)" "$identity $number"

# Removed: gone after the grace and not before.
gives ok unlink vms/web1.ini
gives ok unlink services/web.ini
gives ok unlink hosts/h2.ini
is ../vms/web1/state running
wait_for 6 gone ../vms/web1
wait_for 6 gone ../services/web
wait_for 6 gone ../hosts/h2
wait_for 6 gone ../vms/web-0
has ../events 'vms/web1 destroyed'

# What may not go says so at once.
gives ok write vms/new.ini $'host = h1\nmemory = 32MiB\nprotect = yes\n'
gives EPERM unlink vms/new.ini
gives EPERM rename vms/new.ini vms/new.bak
gives EPERM rename hosts/h1.ini hosts/h1.bak
test -f vms/new.ini
test -f hosts/h1.ini
gone vms/new.bak
gone hosts/h1.bak
gives ok unlink hosts/h1.ini # only seems to go
is ../hosts/h1/state up
wait_for 10 test -f hosts/h1.ini
has ../vms/new/error protect
[ -f vms/new.ini ]
gives ok write vms/new.ini $'host = h1\nmemory = 32MiB\n'
# rm -r of the object takes its file along; one that left and came under another mount stays gone.
rm -r ../vms/new
gone vms/new.ini
# cloudfs ends within the grace: the object is removed after the remount, or is whole again.
gives ok write vms/last.ini $'host = h1\nmemory = 32MiB\n'
gives ok unlink vms/last.ini
cd "$T"
unmount_cloud
mount_again
wait_for 20 reads "$M/hosts/one/state" up
sleep 3
case $([ -d "$M/vms/last" ] && echo dir) in
dir) [ -f "$M/specs/vms/last.ini" ] || die 'a VM without its file in specs/' ;;
esac
rm -rf "$M/vms/last"
rm -r "$M/vms/alien"
unmount_cloud
