#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every file: its size is what a read gives, it can be read by every tool, and written back.
. "$(dirname "$0")/lib.sh"

mount_cloud "$(test_section h1 8 16384)"
wait_for 10 reads "$M/hosts/h1/state" up
cd "$M"
new_vm web1 'cpus = 2' '# a comment' 'memory = 64MiB'
mkdir vms/draft services/web
put services/web 'replicas = 2' 'spread = none' '[vm]' 'memory = 64MiB'
wait_for 10 reads services/web/state ready
wait_for 10 shows hosts/h1/moves '^web-1 ' # the last thing to follow

# Sizes; a file that changes by itself keeps one version while it is looked at.
sizes() {
    local file size text
    find . -type f | while read -r file; do
        size=$(stat -c %s "$file")
        text=$(wc -c < <(cat "$file"))
        [ "$size" = "$text" ] || { echo "$file: size $size, text $text"; return 1; }
        [ "$size" = 0 ] || [ "$(stat -c %b "$file")" -gt 0 ] || { echo "$file: no blocks"; return 1; }
    done
}
for _ in 1 2 3; do
    sizes || die 'a size is wrong'
    sleep 0.7
done

# Every row of the tables: there, readable, of the mode it says; what is writable takes what it
# reads and reads the same again.
directory_of() {
    case $1 in
    cloud | root) echo . ;;
    host) echo hosts/h1 ;;
    vm) echo vms/web1 ;;
    service) echo services/web ;;
    plan | specs) ;;
    *) die "--list-files tells of an object '$1'" ;;
    esac
}
"$CLOUDFS" --list-files >"$T/files"
[ "$(wc -l <"$T/files")" -gt 20 ]
while IFS=$'\t' read -r object file access doc; do
    dir=$(directory_of "$object")
    [ "$dir" ] || continue
    path=$dir/$file
    [ "$doc" ] || die "$path has no documentation"
    if [ -L "${path%/}" ]; then
        readlink "$path" >/dev/null
        continue
    fi
    if [ -d "$path" ]; then
        ls "$path" >/dev/null
        continue
    fi
    gives ok read "$path"
    case $access in
    rw)
        cp "$path" "$T/copy"
        [ "$file" = ctl ] || cp "$T/copy" "$path" || die "$path refuses its own text: $(cat "$dir/error")"
        [ "$file" = ctl ] || cmp "$path" "$T/copy"
        ;;
    r) [ "$(stat -c %A "$path" | cut -c 3,6,9)" = --- ] || die "$path is read-only, but its mode is not" ;;
    esac
done <"$T/files"

# Nothing is in the tree that is not in the table.
for dir in . hosts/h1 vms/web1 services/web; do
    for name in $(ls "$dir"); do
        cut -f 2 "$T/files" | sed 's,/.*,,' | grep -qx "$name" || die "$dir/$name is in no table"
    done
done

# Whole trees, with the tools of backups.
tar cf "$T/tree.tar" . 2>"$T/said"
is "$T/said" ''
mkdir "$T/copy.d" "$T/tar.d"
tar xf "$T/tree.tar" -C "$T/tar.d"
cp -a . "$T/copy.d/"
for spec in */*/spec; do
    cmp "$spec" "$T/tar.d/$spec"
    cmp "$spec" "$T/copy.d/$spec"
done
find . -type f | while read -r file; do
    [ "$(wc -c <"$T/tar.d/$file")" -gt 0 ] || [ "$(stat -c %s "$file")" = 0 ] || die "$file is empty in the archive"
done
find . -ls >/dev/null
grep -r cpus . >/dev/null
du -a . >/dev/null
same "$(find . | sort)" "$(find . | sort)"
same "$(ls -U vms)" "$(ls -U vms)"

# What stays the same keeps its time.
before=$(mtime vms/web1/spec) state=$(mtime vms/web1/state)
sleep 1.2
cat vms/web1/* >/dev/null 2>&1 || true
same "$(mtime vms/web1/spec)" "$before"
same "$(mtime vms/web1/state)" "$state"

# Calls that a filesystem like this could refuse with "not implemented", and does not.
chmod 644 vms/web1/spec
touch -d '2021-01-01 UTC' vms/web1/spec
same "$(stat -c %Y vms/web1/spec)" 1609459200
sync -d vms/web1/spec
case $(op link vms/web1/spec vms/web1/other) in ENOSYS) die 'link is not implemented' ;; esac
case $(op symlink x vms/web1/other) in ENOSYS) die 'symlink is not implemented' ;; esac
rm -f vms/web1/other
stat -f . >/dev/null

# events: a line an event, numbered; tail -F and poll see what comes.
awk '$1 != last + 1 && last { exit 1 } { last = $1 }' events
hasnt events '^[^0-9]'
tail -n 0 -F events >"$T/tailed" 2>/dev/null &
tail=$!
op poll events 10 >"$T/polled" &
poll=$!
sleep 0.5
gives ok rmdir vms/draft
wait_for 5 shows "$T/tailed" '^[0-9]+ .* vms/draft removed'
kill $tail
wait $tail || :
wait $poll
is "$T/polled" changed
cd "$T"
unmount_cloud
