#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names that a hypervisor accepts and a filesystem must not take as they are.
. "$(dirname "$0")/lib.sh"

daemon one
make() { # NAME COMMAND
    virsh_on one "$2" /dev/stdin >/dev/null <<XML
<domain type='qemu'>
  <name>$1</name>
  <memory unit='MiB'>32</memory>
  <os><type arch='x86_64'>hvm</type></os>
</domain>
XML
}
# Each name as XML has it, and as the tree shows it.
names=('-x|%2Dx' 'a b|a%20b' 'ü|%C3%BC' '%41|%2541' "it's|it%27s" 'a&amp;b|a%26b'
    'a&lt;b&gt;|a%3Cb%3E' '.hidden|%2Ehidden' '$(id)|%24%28id%29' 'a*|a%2A')
for pair in "${names[@]}"; do
    make "${pair%|*}" define
done
long=$(printf 'x%.0s' {1..100})
make "$long" define
# libvirt cannot keep a definition of these, but run them.
make . create
make .. create

mount_cloud '[host one]' "uri = $(uri one)"
cd "$M/vms"
wait_for 20 reads "$M/hosts/one/state" up
for pair in "${names[@]}"; do
    shown=${pair#*|}
    [ -d "$shown" ] || die "no $shown in: $(ls | xargs)"
    is "$shown/state" shutoff
    [ "$shown/host/vms/$shown" -ef "$shown" ]
done
is %2E/state running
is %2E./state running
same "$(ls | wc -l)" $((${#names[@]} + 3))
[ "$(ls | grep -c "^xxxx.*%[0-9A-Fa-f]\{8\}$")" = 1 ]
for name in *; do
    [ ${#name} -le 255 ]
done
tar cf "$T/tree.tar" . 
grep -r shutoff . >/dev/null

# Values that try to get out of their place in the XML.
mkdir web1
gives 'write EINVAL' write web1/spec $'network = none\nhost = <x>\n'
gives 'write EINVAL' write web1/spec $'kernel = ../etc/passwd\n'
gives 'write EINVAL' write web1/spec $'cmdline = a\001b\n'
gives 'write EINVAL' write web1/spec $'cmdline = a\377b\n'
put vms/web1 'virtualization = qemu' 'memory = 32MiB' 'network = none' \
    "kernel = $T/kernel" "cmdline = </cmdline><x a='1'>&amp;]]>" 2>/dev/null || true
hasnt web1/domain.xml "<x a="
cd "$T"
virsh_on one list --inactive --uuid | while read -r domain; do
    [ -z "$domain" ] || virsh_on one undefine "$domain" >/dev/null
done
unmount_cloud
