#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Tools that read whole trees, on VMs whose scores change each second: each round exits 0,
# warns of nothing and gets everything. ROUNDS rounds (3) of VMS virtual machines (50).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tools.bash"
LOOKS=$(cd "$(dirname "$0")/../tool" && pwd)/looks.py

need tar cp rsync cpio zip unzip grep find du diff git restic borg python3
cloud_of "${VMS:-50}"
mkdir "$M/services/web" "$M/vms/draft"
put services/web 'replicas = 3' 'spread = none' '[vm]' 'memory = 32MiB'
settled
cd "$M"
changes=$(mtime metrics)

# What a copy of the tree must be: every file is there, as long as it says and whole. Only files
# that change by sampling may differ from what is in the mount by now.
complete() { # DIRECTORY
    find . -printf '%P %y %l\n' | sort >"$T/names"
    (cd "$1" && find . -printf '%P %y %l\n' | sort >"$T/names.copy")
    diff "$T/names" "$T/names.copy" || die "$1: not the same names"
    diff -r specs "$1/specs" || die "$1: a spec differs"
    sha256sum vms/*/spec vms/*/state vms/*/ctl services/*/spec hosts/*/spec README >"$T/sums"
    (cd "$1" && sha256sum --quiet -c "$T/sums") || die "$1: a file differs"
    # A tool that got less than the size it was told pads with NUL.
    ! grep -rlPa '\x00' "$1" || die "$1: padded"
    tail -qn 1 "$1"/metrics "$1"/*/*/metrics | sort -u >"$T/ends"
    is "$T/ends" '# EOF'
    find "$1"/score "$1"/*/*/score -size +0 -exec tail -qc 1 {} + | tr -d '\n' >"$T/ends"
    is "$T/ends" ''
}

fresh() { rm -rf "$T/copy" && mkdir "$T/copy"; }

read_tar() {
    fresh
    quiet tar cf "$T/tree.tar" .
    quiet tar xf "$T/tree.tar" -C "$T/copy"
    complete "$T/copy"
}
read_cp() { fresh && quiet cp -a . "$T/copy/" && complete "$T/copy"; }
read_rsync() { fresh && quiet rsync -a ./ "$T/copy/" && complete "$T/copy"; }
read_cpio() {
    fresh
    quiet bash -c "set -o pipefail; find . | cpio --quiet -o -H newc >'$T/tree.cpio'"
    quiet bash -c "cd '$T/copy' && cpio --quiet -idm <'$T/tree.cpio'"
    complete "$T/copy"
}
read_zip() {
    fresh
    rm -f "$T/tree.zip"
    quiet zip -qry "$T/tree.zip" .
    quiet unzip -q "$T/tree.zip" -d "$T/copy"
    complete "$T/copy"
}
read_grep() {
    quiet grep -r --binary-files=without-match 'number' .
    [ "$(wc -l <"$T/out")" -ge "${VMS:-50}" ]
}
read_find() { quiet find . -ls && [ "$(wc -l <"$T/out")" = "$(find . | wc -l)" ]; }
read_du() {
    quiet du -a .
    ! awk '$2 ~ /spec$/ && $1 == 0 && $2 !~ /draft/ { exit 1 }' "$T/out" || return 0
    die 'du shows a spec of no size'
}
read_diff() {
    local status=0
    quiet diff -r specs "$T/copy/specs"
    # Scores differ from an older copy; reading them must not fail.
    diff -r --no-dereference . "$T/copy" >/dev/null 2>"$T/said" || status=$?
    [ $status -le 1 ] || die "diff: exit $status"
    is "$T/said" ''
}
read_git() {
    rm -rf "$T/tree.git"
    quiet git init -q --bare "$T/tree.git"
    quiet git --git-dir="$T/tree.git" --work-tree=. add -A
    same "$(git --git-dir="$T/tree.git" ls-files -s vms/v7/spec | cut -d ' ' -f 2)" \
        "$(git hash-object --stdin <vms/v7/spec)"
    fresh
    quiet git --git-dir="$T/tree.git" --work-tree="$T/copy" checkout-index -a
    diff -r specs "$T/copy/specs" || die 'git has another spec'
    ! grep -rlPa '\x00' "$T/copy" || die 'git has padded files'
}
read_restic() {
    fresh
    quiet restic -r "$T/restic" -q backup .
    quiet restic -r "$T/restic" -q restore latest --target "$T/copy"
    complete "$T/copy"
}
read_borg() {
    fresh
    quiet borg create "$T/borg.repo::whole-$round" .
    (cd "$T/copy" && quiet borg extract "$T/borg.repo::whole-$round")
    complete "$T/copy"
}

quiet restic -r "$T/restic" -q init
quiet borg init -e none "$T/borg.repo"
for ((round = 1; round <= ROUNDS; round++)); do
    for tool in tar cp rsync cpio zip grep find du diff git restic borg; do
        "read_$tool"
    done
done
[ "$(mtime metrics)" != "$changes" ] || die 'nothing changed meanwhile: this tested nothing'

# Nor does a version end in the middle of a look where one follows the other.
"$LOOKS" metrics 5 || die 'one look is told of two versions'

# Each size is what a read returns.
find . -type f ! -path ./events -print0 | python3 -c '
import os, sys
for path in sys.stdin.buffer.read().split(b"\0")[:-1]:
    with open(path, "rb", buffering=0) as file:
        text = file.readall()
    size = os.lstat(path).st_size
    if len(text) != size:
        sys.exit(f"{path}: {len(text)} bytes, of {size}")' || die 'a size is wrong'

# Unchanged specs are not transferred, not read, not changed.
cd "$M/specs"
mkdir "$T/specs"
quiet rsync -a ./ "$T/specs/"
sleep 1.1
quiet rsync -ai ./ "$T/specs/"
is "$T/out" ''
quiet rsync -aic ./ "$T/specs/"
is "$T/out" ''
quiet restic -r "$T/restic" backup .
sleep 1.1
quiet restic -r "$T/restic" backup .
has "$T/out" 'Files: +0 new, +0 changed, +[0-9]+ unmodified'
has "$T/out" 'Added to the repo(sitory)?: 0 B'
export GIT_DIR=$T/specs.git GIT_WORK_TREE=$M/specs
quiet git init -q
quiet git add -A
quiet git commit -qm specs
for _ in 1 2; do
    quiet git status --porcelain
    is "$T/out" ''
    sleep 0.6
done
printf '# other\ncpus = 1\nmemory = 32MiB\n' >"$M/vms/v3/spec"
quiet git status --porcelain
is "$T/out" ' M vms/v3.ini'
quiet restic -r "$T/restic" backup .
has "$T/out" 'Files: +0 new, +1 changed, '
quiet rsync -ai --out-format=%n ./ "$T/specs/"
has "$T/out" '^vms/v3.ini$'
same "$(grep -c ini "$T/out")" 1
cd "$T"
unset GIT_DIR GIT_WORK_TREE

# The same files after a remount: a backup program reads nothing again.
unmount_cloud
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
settled
cd "$M/specs"
quiet restic -r "$T/restic" backup .
has "$T/out" 'Files: +0 new, +0 changed, '
cd "$T"
unmount_cloud
