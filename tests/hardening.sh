#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hardening.sh BINARY: looks into the binary for each defence that the Makefile asks compiler and
# linker for. `make hardening` runs it, with CC and those flags in HARDEN and LDHARDEN.
#
# That a check can fail is shown each time: a small program is built with one defence taken out
# after the other, and must lack that one only.
set -u
binary=${1:?usage: hardening.sh BINARY}
failed=0

say() { # TRUE? NAME
    if [ "$1" = 0 ]; then
        echo "ok hardening: $2"
    else
        echo "not ok hardening: $2"
        failed=1
    fi
}

# ---- what can be seen; each prints why not, if not

pie() {
    readelf -hW "$1" | grep -q 'Type:.*DYN' && readelf -dW "$1" | grep -q 'FLAGS_1.*PIE'
}
stack() { # not executable
    readelf -lW "$1" | awk '$1 == "GNU_STACK" { seen = 1; bad = $7 ~ /E/ } END { exit !seen || bad }'
}
relro() { # all of it: nothing is left to be bound later into what can be written
    readelf -lW "$1" | grep -q GNU_RELRO && readelf -dW "$1" | grep -q BIND_NOW
}
imports() { readelf -W --dyn-syms "$1" | awk '$7 == "UND" { sub(/@.*/, "", $8); print $8 }'; }
protector() { imports "$1" | grep -qx __stack_chk_fail; }
# What prints is checked always, so no unchecked one may be left.
fortify() {
    imports "$1" | grep -q '^__.*_chk$' && ! imports "$1" | grep -xE 'v?f?printf'
}
# No step over the guard page below the stack: more than 0x1000. (0xffff... is a step back.)
clash() {
    ! disassemble "$1" | grep -E 'sub +\$0x[0-9a-f]{4,15},%rsp' | grep -vF '$0x1000,'
}
# Whatever could be called through a pointer starts with the landing mark.
cet() {
    local functions
    case $(uname -m) in x86_64) ;; *) return 0 ;; esac
    functions=$(nm "$1" | awk '$2 == "T" && $3 !~ /^_(start|init|fini|dl_relocate_static_pie)$/ { print $3 }')
    [ "$functions" ] || { echo "$1 has no symbols"; return 1; }
    ! disassemble "$1" | awk -v functions="$functions" '
        BEGIN { n = split(functions, name, "\n"); for (i = 1; i <= n; i++) want["<" name[i] ">:"] }
        open { if ($0 !~ /endbr/) print open; open = "" }
        $2 in want { open = $2 }' | grep .
}
disassemble() { objdump -d --no-show-raw-insn "$1"; }

checks=(pie stack relro protector fortify clash cet)
lacking() { # BINARY: the checks that it does not pass
    local check
    for check in "${checks[@]}"; do
        "$check" "$1" >/dev/null || echo "$check"
    done | paste -sd ' '
}

# ---- the binary, then the small program

for check in "${checks[@]}"; do
    why=$("$check" "$binary")
    status=$?
    [ $status = 0 ] || printf '%s\n' "$why" | head -5 | sed 's/^/    /'
    say $status "$check"
done

dir=$(mktemp -d "${TMPDIR:-/tmp}/cfh.XXXXXX") && trap 'rm -rf "$dir"' EXIT
cat >"$dir/small.c" <<'C'
#include <stdio.h>
#include <string.h>
char *volatile words = "some words";
int sum(const char *text) { char copy[3 * 4096]; strcpy(copy, text); return copy[0] + copy[5000]; }
int main(int argc, char **argv) { return printf("%d %s\n", sum(words), argv[argc - 1]) < 0; }
C

# What a small program lacks that is built with these flags besides.
small() { # COMPILER-FLAGS LINKER-FLAGS
    # shellcheck disable=SC2086 # they are words
    ${CC:-gcc} -O2 $HARDEN $1 -o "$dir/small" "$dir/small.c" $LDHARDEN $2 2>"$dir/said" ||
        cat "$dir/said"
    lacking "$dir/small"
}

without() { # CHECK COMPILER-FLAGS LINKER-FLAGS
    local got
    got=$(small "$2" "$3")
    [ "$got" = "$1" ] || echo "    without $1 it lacks '$got'"
    [ "$got" = "$1" ]
    say $? "${1:-nothing} taken out"
}

without '' '' ''
without pie '-fno-PIE' '-no-pie'
without stack '' '-Wl,-z,execstack'
without relro '' '-Wl,-z,lazy'
without relro '' '-Wl,-z,norelro'
without protector '-fno-stack-protector' ''
without fortify '-U_FORTIFY_SOURCE' ''
without clash '-fno-stack-clash-protection' ''
case $(uname -m) in x86_64) without cet '-fcf-protection=none' '' ;; esac
exit $failed
