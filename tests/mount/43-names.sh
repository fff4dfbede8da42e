#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names and links: clones, renames, rm -r, symbolic links, what cannot be made, attributes, df.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tools.bash"

need setfacl getfacl setfattr getfattr
configure "$(test_section h1 64 16384)" "$(test_section h2 64 16384)"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
wait_for 10 reads "$M/hosts/h2/state" up
new_vm a '# mine' 'cpus = 2' 'memory = 32MiB'
cd "$M"

# A clone is a VM of its own.
quiet cp -a vms/a vms/b
is vms/b/spec "$(cat vms/a/spec)"
wait_for 5 reads vms/b/state running
[ "$(uuid a)" != "$(uuid b)" ] || die 'the clone has the same UUID'
[ ! "$(mac a)" ] || [ "$(mac a)" != "$(mac b)" ] || die 'the clone has the same MAC'
quiet cp -r vms/a vms/c
wait_for 5 reads vms/c/state running
same "$(all_uuids | uniq -d)" ''

# Other names.
gives EEXIST noreplace vms/a vms/b
fails mv -T vms/a vms/b
is vms/a/spec $'# mine\ncpus = 2\nmemory = 32MiB'
gives EINVAL rename vms/a 'vms/.hidden'
gives EBUSY rename vms/a vms/d # the test driver renames what is off
[ -s vms/a/error ]
is vms/a/state running
identity=$(uuid a) number=$(inode vms/a) spec=$(inode vms/a/spec)
echo destroy >vms/a/ctl
wait_for 5 reads vms/a/state shutoff
quiet mv vms/a vms/d
gone vms/a
gone specs/vms/a.ini
gone hosts/h1/vms/a
same "$(inode vms/d) $(inode vms/d/spec)" "$number $spec"
same "$(inode specs/vms/d.ini)" "$spec"
is vms/d/spec $'# mine\ncpus = 2\nmemory = 32MiB'
same "$(uuid d)" "$identity"
has vms/d/domain.xml '<name>d</name>'
echo start >vms/d/ctl
wait_for 5 reads vms/d/state running
same "$(readlink -f "$(find hosts -lname '*vms/d')")" "$M/vms/d"
# The file of specs/ is the object's name too.
echo destroy >vms/d/ctl
wait_for 5 reads vms/d/state shutoff
quiet mv specs/vms/d.ini specs/vms/a.ini
wait_for 5 test -d vms/a
gone vms/d
same "$(inode vms/a)" "$number"
gives EINVAL rename specs/vms/a.ini specs/vms/-a.ini
# Drafts and empty services, hosts too.
mkdir vms/draft services/s hosts/h9
quiet mv vms/draft vms/draft2
quiet mv services/s services/s2
quiet mv hosts/h9 hosts/h8
is vms/draft2/state draft
gone vms/draft
case $(op rename vms/draft2 services/x) in EXDEV | EINVAL | EPERM) ;; *) die 'a VM became a service' ;; esac
gives EPERM rename hosts/h1 hosts/h7 # of the configuration
rmdir vms/draft2 services/s2 hosts/h8

# Links.
same "$(readlink vms/b/host)" "../../hosts/$(basename "$(readlink vms/b/host)")"
host=$(basename "$(readlink vms/b/host)")
find . -lname "*hosts/$host" | grep -qx ./vms/b/host
find hosts -lname '*vms/b' | grep -qx "hosts/$host/vms/b"
same "$(find -L vms/b/host -maxdepth 0 -type d)" vms/b/host
same "$(realpath vms/b/host)" "$M/hosts/$host"

# What cannot be made.
for dir in . vms vms/b hosts specs specs/vms plan services; do
    for what in mknod mkfifo; do
        case $(op $what $dir/node) in EPERM | EACCES | EOPNOTSUPP) ;; *) die "$what in $dir" ;; esac
    done
    gone $dir/node
done
for target in vms/b/other specs/vms/e.ini vms/c/spec other; do
    case $(op link vms/b/spec $target) in EPERM | EEXIST | EACCES | EMLINK) ;; *) die "a hard link $target" ;; esac
done
for target in vms/link vms/b/state other specs/vms/e.ini; do
    case $(op symlink x $target) in EPERM | EEXIST | EACCES) ;; *) die "a symbolic link $target" ;; esac
done

# Attributes: no tool is frightened, and what cannot be is said.
for file in vms/b vms/b/spec vms/b/state specs/vms/b.ini specs specs/vms vms events plan; do
    for call in "chmod $file 755" "chown $file $(id -u)" "setxattr $file user.x" "getxattr $file user.x" \
        "setxattr $file security.selinux" "removexattr $file user.x" "setxattr $file system.posix_acl_access"; do
        # shellcheck disable=SC2086 # words
        case $(op $call) in ENOSYS | EIO) die "$call: not implemented" ;; esac
    done
    quiet touch "$file"
    quiet touch -d 2020-01-01 "$file"
    quiet getfacl -p "$file"
    quiet getfattr "$file"
done
chmod 640 vms/b/spec
same "$(stat -c %a specs/vms/b.ini)" 640
chmod 644 specs/vms/b.ini
same "$(stat -c %a vms/b/spec)" 644
touch -d '2021-03-04 UTC' specs/vms/b.ini
same "$(stat -c %Y vms/b/spec)" 1614816000
fails setfacl -m u:nobody:r vms/b/spec
setfacl -m u:nobody:r vms/b/spec 2>"$T/said" || true
has "$T/said" 'not supported'
fails setfattr -n user.x -v 1 vms/b/spec
setfattr -n user.x -v 1 vms/b/spec 2>"$T/said" || true
has "$T/said" 'not supported'
if [ "$(id -u)" = 0 ]; then
    quiet chown nobody vms/c
    same "$(stat -c %U vms/c)" nobody
    chown 0:0 vms/c
fi
sync -d vms/b/spec
sync vms/b
sync -f .

# df: blocks are memory, inodes objects.
quiet df -B1M .
same "$(awk 'NR == 2 { print $2 }' "$T/out")" $((2 * 16384))
[ "$(awk 'NR == 2 { print $3 }' "$T/out")" -ge 96 ]
quiet df -i .
same "$(awk 'NR == 2 { print $3 }' "$T/out")" $((2 + 3)) # two hosts, three VMs
quiet stat -f .
rm -r vms/c
quiet df -i .
same "$(awk 'NR == 2 { print $3 }' "$T/out")" 4

# rm -r, of several, of a glob.
quiet rm -r vms/a vms/b
same "$(ls vms)" ''
same "$(ls specs/vms)" ''
cd "$T"
unmount_cloud

# The README's.
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
new_vm web1 'memory = 32MiB'
quiet cp -a "$M/vms/web1" "$M/vms/other"
rm -r "$M/vms/other"
readme names | sed '/^echo destroy/a until grep -qx shutoff '"$M"'/vms/web2/state; do sleep 0.1; done' >script
quiet bash -eu script
has out chosen
is "$M/vms/web3/state" running
is "$M/vms/db1/state" shutoff
same "$(ls "$M/vms" | xargs)" 'db1 web1 web3'
unmount_cloud
