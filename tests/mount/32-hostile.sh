#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Domains with names, descriptions and metadata that were made to do harm: each is a directory of
# its own that can be listed, read and archived, and nothing leaves the tree.
. "$(dirname "$0")/lib.sh"

# A host whose domains have these names, which XML can hold and a file's name or a shell cannot.
names=(. .. ... -rf 'a b' 'ü' '$(touch pwned)' 'a&apos;b&quot;c' 'new&#10;line' 'tab&#9;ulator' '%2e%2e' '*'
    "$(printf 'x%.0s' {1..300})" 'web1' 'web1 ' '&lt;domain&gt;' 'a\b' 'README' '.f.swp'
    'next&#x85;line' 'line&#x2028;end' 'txt.&#x202e;exe')
mebibyte=$((1024 * 1024))
secret=$(head -c $mebibyte /dev/zero | tr '\0' '#')
{
    echo '<node>'
    for name in "${names[@]}"; do
        cat <<XML
<domain type='test'>
  <name>$name</name>
  <title>../../etc/passwd</title>
  <description>one&#10;[vm]&#10;protect = no&#10;; $name</description>
  <metadata><x:x xmlns:x='urn:x'>$name</x:x>
    <cloudfs:object xmlns:cloudfs='urn:cloudfs:1' cloud='no such' id='18446744073709551615'
      name='../../$name'><cloudfs:spec>cpus = 0</cloudfs:spec></cloudfs:object></metadata>
  <memory unit='KiB'>8192</memory>
  <vcpu>1</vcpu>
  <os><type>hvm</type><cmdline>a=1&#10;cpus = 99</cmdline></os>
</domain>
XML
    done
    cat <<XML
<domain type='test'>
  <name>large</name><memory unit='KiB'>8192</memory><vcpu>1</vcpu><os><type>hvm</type></os>
  <metadata><x:x xmlns:x='urn:x'>$secret</x:x></metadata>
</domain>
</node>
XML
} >"$T/h1.xml"
# What is not even UTF-8 is no XML: its host says so.
printf '<node><domain type="test"><name>a\377\376b</name></domain></node>\n' >"$T/h2.xml"
# What is there besides the tree, the state and what this test writes.
outside() {
    find "$T" -path "$M" -prune -o -path "$T/state" -prune -o -print |
        grep -Ev "^$T/(cloudfs|sanitizer|found|all|tar|tree)" | sort
}
before=$(outside)
mount_cloud '[host h1]' "uri = test://$T/h1.xml" '[host h2]' "uri = test://$T/h2.xml"
cd "$M"
wait_for 20 reads hosts/h1/state up
gone 'vms/$(touch pwned)'
gone vms/-rf

# All are there, each under a name that is only a name.
want=$((${#names[@]} + 1))
wait_for 10 eval '[ "$(ls vms | wc -l)" = '"$want"' ]'
[ "$(find vms -mindepth 1 -maxdepth 1 -name '*[!A-Za-z0-9._%@-]*' | wc -l)" = 0 ] || die "$(ls vms)"
[ "$(find vms -mindepth 1 -maxdepth 1 -name '[.-]*' | wc -l)" = 0 ] || die "$(ls -a vms)"
[ "$(ls vms | awk 'length > 63' | wc -l)" = 0 ] || die "a name is too long: $(ls vms)"
[ -d vms/web1 ] && [ -d vms/web1%20 ] && [ -d vms/%252e%252e ] || die "$(ls vms)"
[ "$(ls hosts/h1/vms | sort)" = "$(ls vms | sort)" ] || die "hosts/h1/vms: $(ls hosts/h1/vms)"

# What was derived of them is a spec that says no more than the XML did, and none is ours.
for vm in vms/*; do
    has "$vm/spec" '^cpus = 1$'
    hasnt "$vm/spec" '99|protect|cpus = 0'
    is "$vm/state" running
    gives EPERM rmdir "$vm"
    test -s "$vm/domain.xml"
    [ "$(readlink -f "$vm/host")" = "$(readlink -f hosts/h1)" ] || die "$vm/host leaves the tree"
done
[ "$(ls specs/vms | wc -l)" = 0 ] || die "specs/vms: $(ls specs/vms)"

# Description and metadata are in the XML, whole, and nowhere else.
has vms/web1/domain.xml '^ *<description>one$'
has vms/web1/domain.xml '^protect = no$'
[ "$(tr -cd '#' <vms/large/domain.xml | wc -c)" = $mebibyte ] || die 'metadata is cut'
for vm in vms/*; do
    for file in "$vm"/*; do
        [ ! -f "$file" ] || [ "$(stat -c %s "$file")" = "$(wc -c <"$file")" ] || die "size of $file"
    done
done
wait_for 10 reads hosts/h2/state down
has hosts/h2/error '.'
iconv -f UTF-8 -t UTF-8 hosts/h2/error >/dev/null || die 'hosts/h2/error is no text'
[ "$(ls hosts/h2/vms | wc -l)" = 0 ] || die "hosts/h2/vms: $(ls hosts/h2/vms)"

# Who lists, reads and archives everything meets nothing strange; `events` has a line an event.
find . -ls >"$T/found"
find . -type f -exec cat {} + >"$T/all"
tar cf "$T/tree.tar" . 2>"$T/tar.err"
[ ! -s "$T/tar.err" ] || die "$(cat "$T/tar.err")"
tar tf "$T/tree.tar" | grep -qE '(^|/)\.\.(/|$)' && die 'a name climbs'
awk '$1 + 0 != $1 { exit 1 }' events || die "events: $(grep -av '^[0-9]' events)"
[ "$(tail -n 1 metrics)" = '# EOF' ] || die 'metrics is cut'
awk '!/^#/ && NF != 2 && !/^[a-z_]+[{].*[}] [-+.0-9e]+( |$)/ { print; exit 1 }' metrics ||
    die 'metrics has a line that is none'

# A user's own names are stricter yet.
for name in '-x' '.x' 'a b' "$(printf 'x%.0s' {1..64})"; do
    gives EINVAL mkdir "vms/$name"
done
cd "$T"
same "$(outside)" "$before"
unmount_cloud
