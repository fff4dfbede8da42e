#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Which operation is allowed where, and the errno of each that is not; after the manner of
# pjdfstest. A row: the answer (or answers, with | between them), then what op is to do.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tools.bash"

configure "$(test_section h1 16 8192)"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
new_vm web1 'memory = 32MiB'
mkdir "$M/services/s" "$M/plan/p" "$M/vms/draft"
put services/s 'replicas = 1' '[vm]' 'memory = 32MiB'
put plan/p 'memory = 32MiB'
settled
cd "$M"
spec=$'memory = 32MiB\n'
export spec
long=$(printf 'x%.0s' {1..64})
longest=$(printf 'x%.0s' {1..256})
failed=0

table() {
    local want words got
    while read -r want words; do
        case $want in '' | '#'*) continue ;; esac
        eval "set -- $words"
        got=$(op "$@")
        case "|$want|" in
        *"|${got// /:}|"*) ;;
        *) echo "$words: ${got// /:} instead of $want" >&2; failed=$((failed + 1)) ;;
        esac
    done
}

picture() { find . ! -path './events' -printf '%p %i %y %l\n' | sort; }
picture >"$T/before"
table <<'ROWS'
# ---- the root
EPERM|EACCES        mkdir dir
EPERM|EACCES        rmdir vms
EPERM|EACCES        rmdir specs
EPERM|EACCES        rmdir plan
EPERM|EACCES|open:EACCES|open:EPERM  write file text
EISDIR              unlink vms
EPERM|EACCES|EXDEV|EINVAL  rename vms machines
EPERM|EACCES|EXDEV|EINVAL  rename score other
EPERM|EACCES        mknod node
EPERM|EACCES        mkfifo fifo
EPERM|EACCES        symlink x link
EPERM|EACCES|EEXIST link score other
open:EACCES         write score text
open:EACCES         write events text
open:EACCES         append events text
open:EACCES         write README text
EACCES              truncate metrics 0
ENOENT              unlink missing
ENOENT              rmdir missing
open:ENOENT         read missing
ok                  read events
ok                  list .
ok                  statfs .
# ---- the folders
EINVAL              mkdir vms/.hidden
EINVAL              mkdir vms/-x
EINVAL              mkdir 'vms/a b'
EINVAL              mkdir vms/a@b
EINVAL              mkdir "vms/$long"
ENAMETOOLONG|EINVAL mkdir "vms/$longest"
EINVAL              mkdir hosts/.x
EINVAL              mkdir services/.x
EINVAL              mkdir plan/.x
EEXIST              mkdir vms/web1
EEXIST              mkdir vms
open:EACCES|open:EPERM|open:EINVAL  write vms/file text
EPERM|EACCES        symlink web1 vms/link
EPERM|EACCES        mknod vms/node
EPERM|EACCES        mkfifo vms/fifo
ENOENT              rmdir vms/missing
ENOENT              rename vms/missing vms/other
EEXIST              noreplace vms/web1 vms/draft
EISDIR              unlink vms/web1
EPERM               rmdir hosts/h1
EPERM               rename hosts/h1 hosts/h2
EXDEV|EINVAL|EPERM  rename vms/web1 hosts/web1
EXDEV|EINVAL|EPERM  rename vms/web1 services/web1
EXDEV|EINVAL|EPERM  rename vms/web1 plan/web1
EXDEV|EINVAL|EPERM  rename vms/web1 specs/vms/web2.ini
EXDEV|EINVAL|EPERM  rename vms/web1 web1
EINVAL              rename vms/web1 vms/.web1
EINVAL              rename vms/web1 vms/web1/web1
EINVAL|EXDEV|EPERM|EOPNOTSUPP exchange vms/web1 vms/draft
EPERM               rmdir vms/s-0
EPERM               rename vms/s-0 vms/other
# ---- an object's directory
EPERM|EACCES        mkdir vms/web1/dir
EPERM|EACCES        mknod vms/web1/node
EPERM|EACCES        mkfifo vms/web1/fifo
EPERM|EACCES|EEXIST link vms/web1/spec vms/web1/other
EPERM|EACCES|EEXIST link vms/web1/spec specs/vms/other.ini
open:EACCES         write vms/web1/state running
open:EACCES         write vms/web1/placement text
open:EACCES         write vms/web1/error text
open:EACCES         write vms/web1/domain.xml text
open:EACCES         append vms/web1/score text
open:EACCES         write hosts/h1/resources text
EACCES              truncate vms/web1/state 0
open:EISDIR         write vms/web1 text
open:EISDIR         write hosts/h1/vms text
open:EEXIST         exclusive vms/web1/spec "$spec"
write:EINVAL        write vms/web1/spec $'cpus = none\n'
close:EINVAL        write vms/web1/spec 'cpus = none'
write:ENOSPC        write vms/web1/spec $'cpus = 4000\n'
write:EINVAL        append vms/web1/spec $'cpus = none\n'
write:EINVAL        write vms/web1/ctl $'jump\n'
EFBIG               truncate vms/web1/spec 1000000
EINVAL              truncate vms/web1/spec -1
ENOTDIR             rmdir vms/web1/spec
ENOTDIR             rmdir vms/web1/state
EISDIR              unlink hosts/h1/vms
ENOTDIR             list vms/web1/spec
EINVAL|EACCES|EPERM|EBUSY|EXDEV rename vms/web1/spec vms/draft/state
EACCES|EPERM|EINVAL|EXDEV  rename vms/web1/state vms/web1/other
EACCES|EPERM|EINVAL|EXDEV  rename vms/web1/ctl vms/web1/spec
ENOTDIR|EISDIR|EINVAL|EPERM|EACCES|EXDEV|EEXIST|ENOTEMPTY rename vms/web1 vms/draft/spec
ok                  read vms/web1/ctl
ok                  list hosts/h1/vms
# ---- specs/
EPERM|EACCES        mkdir specs/dir
EPERM|EACCES        mkdir specs/vms/dir
EPERM|EACCES        rmdir specs/vms
EPERM|EACCES        mknod specs/vms/node
EPERM|EACCES        symlink x specs/vms/web2.ini
EPERM|EACCES|EEXIST link specs/vms/web1.ini specs/vms/web2.ini
open:EEXIST         exclusive specs/vms/web1.ini "$spec"
write:EINVAL        write specs/vms/web1.ini $'cpus = none\n'
ENOENT              unlink specs/vms/missing.ini
ENOTDIR             rmdir specs/vms/web1.ini
EXDEV|EINVAL|EPERM  rename specs/vms/web1.ini specs/services/web1.ini
EPERM               rename specs/hosts/h1.ini specs/hosts/h2.ini
ok                  list specs/vms
# ---- plan/
open:EACCES         write plan/p/placement text
EPERM|EACCES        mkdir plan/p/dir
write:EINVAL        write plan/p/spec $'cpus = none\n'
EINVAL|EXDEV|EPERM  rename plan/p hosts/p
EINVAL|EXDEV|EPERM  rename plan/p services/p
EINVAL|EXDEV|EPERM  rename plan/p p
EISDIR              unlink plan/p
# ---- attributes: never ENOSYS
ok                  chmod vms/web1/spec 644
ok                  chmod vms/web1 755
ok                  chmod specs/vms/web1.ini 644
ok                  chmod events 644
ok                  chown vms/web1/spec 0
ok                  chown vms/web1/state 0
EOPNOTSUPP          setxattr vms/web1/spec user.x
EOPNOTSUPP          setxattr vms/web1 user.x
EOPNOTSUPP|ENODATA  removexattr vms/web1/spec user.x
EOPNOTSUPP          getxattr vms/web1/spec user.x
ENODATA|EOPNOTSUPP  getxattr vms/web1/spec system.posix_acl_access
ok                  truncate vms/web1/spec 0
ok                  truncate vms/web1/ctl 0
ROWS
[ $failed = 0 ] || die "$failed answers"

# None of that has changed anything.
picture >"$T/after"
diff "$T/before" "$T/after" || die 'refused operations changed the tree'
is vms/web1/spec 'memory = 32MiB'
is vms/web1/state running
is vms/s-0/state running

# What is allowed, in an order in which each makes the next one's ground.
table <<'ROWS'
ok  mkdir vms/a
ok  write vms/a/note 'anything = at all'
ok  read vms/a/note
ok  append vms/a/note more
ok  chmod vms/a/note 600
ok  truncate vms/a/note 3
ok  rename vms/a/note vms/a/note2
open:EEXIST exclusive vms/a/note2 x
ok  unlink vms/a/note2
ok  write vms/a/new "$spec"
ok  rename vms/a/new vms/a/spec
ok  unlink vms/a/spec
ok  exclusive vms/a/spec "$spec"
ok  write specs/vms/b.ini "$spec"
ok  write specs/vms/b.tmp "$spec"
ok  rename specs/vms/b.tmp specs/vms/b.ini
ok  unlink specs/vms/b.ini
ok  exclusive specs/vms/b.ini "$spec"
ok  mkdir vms/c
ok  rename vms/c vms/d
ok  rmdir vms/d
ok  rename vms/draft vms/e
ok  rmdir vms/e
ok  mkdir hosts/x
ok  rename hosts/x hosts/y
ok  rmdir hosts/y
ok  rename plan/p vms/p
ok  rmdir vms/p
ok  rmdir vms/b
ok  rmdir vms/a
ok  rmdir services/s
ROWS
[ $failed = 0 ] || die "$failed answers"
same "$(ls vms | xargs)" web1
cd "$T"
unmount_cloud
