#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# manual.sh CLOUDFS: the manual tells of every file and key that the tables have, with the access
# and the default that they have, and of no others; its pages have no mistakes that mandoc sees.
set -u
cloudfs=${1:?usage: manual.sh CLOUDFS}
cloudfs=$(realpath "$cloudfs")
cd "$(dirname "$0")/.." || exit 1
failed=0

compare() { # NAME WANT GOT
    local difference
    if difference=$(diff <(printf '%s\n' "$2" | LC_ALL=C sort) <(printf '%s\n' "$3" | LC_ALL=C sort)); then
        echo "ok manual: $1"
    else
        echo "    < in the tables, > in the manual"
        printf '%s\n' "$difference" | grep '^[<>]' | sed 's/^/    /'
        echo "not ok manual: $1"
        failed=1
    fi
}

# The entries ".It Ic KEY Pq default: VALUE" and ".It Pa FILE Pq ACCESS" of the sections whose
# name starts with WORD, as "SECTION KEY VALUE"; sections are named by the kind, in the plural.
entries() { # WORD PAGE...
    awk -v word="$1" '
        $1 == ".Sh" { kind = $2 == word ? tolower($NF) : ""; if (kind != "specs") sub(/s$/, "", kind); next }
        kind && $1 == ".It" && ($2 == "Ic" || $2 == "Pa") {
            value = ""
            for (i = 4; i <= NF; i++)
                if ($i == "default:") value = $(i + 1)
                else if ($i != "Pq" && $i != "required" && $(i - 1) != "default:") value = $i
            print kind, $3, value
        }' "${@:2}"
}

# What is wider than a terminal is torn apart by groff, which Debian's man uses.
narrow() { # PAGE
    ! command -v groff >/dev/null || groff -mandoc -Tutf8 -rLL=78n -z -w break "$1" 2>&1
}

for page in man/*.[1-8]; do
    if text=$(narrow "$page") && [ -z "$text" ]; then
        echo "ok groff $page"
    else
        printf '%s\n' "$text" | head -n 3 | sed 's/^/    /'
        echo "not ok groff $page"
        failed=1
    fi
    if text=$(mandoc -T lint -W warning "$page" 2>&1); then
        echo "ok mandoc $page"
    else
        printf '%s\n' "$text" | sed 's/^/    /'
        echo "not ok mandoc $page"
        failed=1
    fi
done

compare 'files of the tree' \
    "$("$cloudfs" --list-files | cut -f 1-3 | tr '\t' ' ')" \
    "$(entries FILES man/cloudfs-tree.5)"
compare 'keys of specs and the configuration' \
    "$("$cloudfs" --list-keys | awk -F '\t' '{ print $1, $2, $5 }')" \
    "$(entries KEYS man/cloudfs-spec.5 man/cloudfs.conf.5)"

# Each option that the usage names is in the manual, and the other way round (but for what only
# tests want).
options() {
    grep -v fusermount3 | grep -oE '(^|[[:space:][,(])--?[a-zA-Z][a-z-]*' | tr -d ' \t[,(' |
        grep -v '^--list-' | sort -u
}
compare 'options' "$("$cloudfs" --help | options)" \
    "$(mandoc -T ascii man/cloudfs.1 | sed 's/.\x08//g' | sed -n '/^OPTIONS/,/^[A-Z]/p' | options)"
exit $failed
