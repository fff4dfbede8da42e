#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Tools that write a spec, at vms/NAME/spec and at specs/vms/NAME.ini. Each takes effect once;
# with a bad spec its user sees an error as the manual's table says, and nothing changes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tools.bash"

need bash dash cat tee dd cp install mv sed perl awk vim nano expect rsync /usr/bin/python3 git truncate
configure 'grace = 2' "$(test_section h1 64 16384)"
mount_again
wait_for 10 reads "$M/hosts/h1/state" up
new_vm web1 'cpus = 1' 'memory = 32MiB'
identity=$(uuid web1)
listing=$(cd "$M" && ls -A vms/web1 specs/vms plan)
number=0

export new=$T/new F
# A shell command for each tool that brings the text of $new to $F; $old is in it until then.
declare -A tools=(
    [echo.bash]='echo "$(cat "$new")" >"$F"'
    [echo.dash]='dash -c "echo \"\$(cat \"\$new\")\" >\"\$F\""'
    [printf.bash]='mapfile -t lines <"$new"; printf "%s\n" "${lines[@]}" >"$F"'
    [printf.dash]='dash -c "IFS=\"
\"; set -f; printf \"%s\n\" \$(cat \"\$new\") >\"\$F\""'
    [echo.busybox]='busybox sh -c "echo \"\$(cat \"\$new\")\" >\"\$F\""'
    [here]='eval "cat >\"\$F\" <<END
$(cat "$new")
END"'
    [cat]='cat "$new" >"$F"'
    [cat.dash]='dash -c "cat \"\$new\" >\"\$F\""'
    [group]='{ head -n 1 "$new"; /bin/cat /dev/null; tail -n +2 "$new"; } >"$F"'
    [tee]='tee "$F" <"$new" >/dev/null'
    [dd]='dd if="$new" of="$F" status=none'
    [dd.bytes]='dd if="$new" of="$F" bs=7 status=none'
    [dd.fsync]='dd if="$new" of="$F" conv=fsync status=none'
    [cp]='cp "$new" "$F"'
    [cp.a]='cp -a "$new" "$F"'
    [cp.remove]='cp --remove-destination "$new" "$F"'
    [install]='install -m 644 "$new" "$F"'
    [mv]='cp "$new" "$T/moved"; mv "$T/moved" "$F"'
    [sed.i]='sed -i -n -e "1r $new" "$F"'
    [sed.write]='sed "" "$new" >"$F"'
    [perl.i]='perl -0777 -i -pe "BEGIN { open G, \"<\", \$ENV{new}; local \$/; \$g = <G> } \$_ = \$g" "$F"'
    [perl]='perl -e "open my \$g, q(<), \$ENV{new} or die; open my \$f, q(>), \$ENV{F} or die; print \$f join(q(), <\$g>) or die; close \$f or die"'
    [awk]='awk "{ print >ENVIRON[\"F\"] }" "$new"'
    [rsync]='rsync "$new" "$F"'
    [rsync.a]='rsync -a "$new" "$F"'
    [rsync.inplace]='rsync --inplace "$new" "$F"'
    [python]='/usr/bin/python3 -c "import os
with open(os.environ[\"F\"], \"w\") as f: f.write(open(os.environ[\"new\"]).read())"'
    [python.replace]='/usr/bin/python3 -c "import os, shutil
shutil.copy(os.environ[\"new\"], os.environ[\"F\"] + \".tmp\"); os.replace(os.environ[\"F\"] + \".tmp\", os.environ[\"F\"])"'
    [vim]='edit "set backupcopy=yes"'
    [vim.rename]='edit "set backupcopy=no"'
    [vim.backup]='edit "set backup backupcopy=no"; rm -f "$F~"'
    [vim.nowritebackup]='edit "set nobackup nowritebackup"'
    [ln]='cp "$new" "$F.new" && mv -f "$F.new" "$F"'
)
[ "$(command -v emacs)" ] &&
    tools[emacs]='emacs -Q --batch --eval "(progn (find-file (getenv \"F\")) (erase-buffer) (insert-file-contents (getenv \"new\")) (save-buffer))"; rm -f "$F~"'

edit() { # SETTINGS
    vim -Nu NONE -i NONE -es -c 'set directory=. fsync' -c "$1" -c '%delete _' -c "0read $new" \
        -c 'silent! global/^$/delete _' -c 'write' -c 'quit' "$F" </dev/null
}
export -f edit

# What a user does not see: errors that only close(2) tells (see the table in cloudfs-tree(5)).
unseen_at_close=' group echo.bash echo.dash printf.bash printf.dash echo.busybox awk cat.dash '

try() { # TOOL
    timeout $((20 * SLOW)) bash -c "set -e; ${tools[$1]}" 2>"$T/said"
}

works() { # TOOL
    local before
    number=$((number + 1))
    before=$(events_of vms/web1 'spec written')
    printf '# %s %s\n# second line\ncpus = %s\nmemory = 32MiB\n' "$1" $number $((number % 4 + 2)) >"$new"
    try "$1" || die "$1 failed on $F: $(cat "$T/said") $(cat "$M/vms/web1/error")"
    cmp "$F" "$new" || die "$1: $F is: $(cat "$F")"
    cmp "$M/vms/web1/spec" "$M/specs/vms/web1.ini"
    same "$1: $(($(events_of vms/web1 'spec written') - before))" "$1: 1"
    is "$M/vms/web1/error" ''
    same "$1 $(cpus web1)" "$1 $((number % 4 + 2))"
    same "$1 $(uuid web1)" "$1 $identity"
}

unchanged() { # TOOL: still as works() left it
    cmp "$T/last" "$M/vms/web1/spec" || die "$1: vms/web1/spec is: $(cat "$M/vms/web1/spec")"
    cmp "$T/last" "$M/specs/vms/web1.ini" || die "$1: specs/vms/web1.ini changed"
    [ -s "$M/vms/web1/error" ] || die "$1: error is empty"
    is "$M/vms/web1/state" running
    same "$1 $(uuid web1)" "$1 $identity"
}

refused() { # TOOL
    cp "$M/vms/web1/spec" "$T/last"
    printf '# bad\ncpus = none\nmemory = 32MiB\n' >"$new"
    ! try "$1" || die "$1 says nothing of a bad line in $F"
    unchanged "$1"
    # Sound lines without an end: only the close can tell.
    case $1 in sed.i | perl.i | vim* | mv | echo.* | printf.* | here) return ;; esac
    printf '# bad\ncpus = none' >"$new"
    if try "$1"; then
        case $unseen_at_close in *" $1 "*) ;; *) [ -s "$M/vms/web1/error" ] && die "$1 says nothing of a bad end" ;; esac
    fi
    cmp "$T/last" "$M/vms/web1/spec" || die "$1: a bad end changed the spec: $(cat "$M/vms/web1/spec")"
}

for F in "$M/vms/web1/spec" "$M/specs/vms/web1.ini"; do
    for tool in $(printf '%s\n' "${!tools[@]}" | sort); do
        # The bad one first, so that a good one follows whatever the tool left behind.
        refused "$tool"
        rm -f "$T/moved" "$F.new" "$F.tmp" "$F~" "${F%/*}"/.*.sw? 2>/dev/null
        works "$tool"
    done

    # Many lines, several writes: one commit, of the whole.
    for shell in bash dash; do
        before=$(events_of vms/web1 'spec written')
        $shell -c "{ printf '# a comment by $shell, of some length, line %s\n' \$(seq 900); printf 'cpus = 2\nmemory = 32MiB\n'; } >\"$F\""
        same "$(wc -l <"$F")" 902
        same "$(($(events_of vms/web1 'spec written') - before))" 1
    done
    before=$(events_of vms/web1 'spec written')
    { /bin/echo 'cpus = 3'; /bin/echo 'memory = 32MiB'; } >"$F"
    is "$F" $'cpus = 3\nmemory = 32MiB'
    same "$(($(events_of vms/web1 'spec written') - before))" 1

    # At its end.
    echo '# more' >>"$F"
    is "$F" $'cpus = 3\nmemory = 32MiB\n# more'
    same "$(($(events_of vms/web1 'spec written') - before))" 2
    fails bash -c 'echo "cpus = 4" >>"$F"' # a second time
    is "$F" $'cpus = 3\nmemory = 32MiB\n# more'

    # Emptying it is no spec.
    : >"$F"
    truncate -s 0 "$F"
    same "$(($(events_of vms/web1 'spec written') - before))" 2
    is "$M/vms/web1/state" running
    is "$F" $'cpus = 3\nmemory = 32MiB\n# more'

    # Interactive.
    before=$(events_of vms/web1 'spec written')
    TERM=xterm expect -c "
        set timeout $((10 * SLOW))
        spawn -noecho nano -I {$F}
        expect -re {Exit}
        send \"# by nano\r\"
        send \"\x0f\"
        expect -re {Write}
        send \"\r\"
        expect -re {Wrote}
        send \"\x18\"
        expect eof" >"$T/said" || die "nano: $(cat "$T/said")"
    is "$F" $'# by nano\ncpus = 3\nmemory = 32MiB\n# more'
    same "$(($(events_of vms/web1 'spec written') - before))" 1
    put vms/web1 'cpus = 1' 'memory = 32MiB'
done

# git brings an older one back.
export GIT_DIR=$T/git GIT_WORK_TREE=$M/specs
quiet git init -q
quiet git add -A
quiet git commit -qm one
echo '# changed' >>"$M/vms/web1/spec"
quiet git commit -qam two
before=$(events_of vms/web1 'spec written')
quiet git checkout -q HEAD~1 -- vms/web1.ini
same "$(tail -n 1 "$M/vms/web1/spec")" 'memory = 32MiB'
same "$(($(events_of vms/web1 'spec written') - before))" 1
cp "$M/vms/web1/spec" "$T/last"
blob=$(printf 'cpus = none\n' | git hash-object -w --stdin)
git update-index --cacheinfo "100644,$blob,vms/web1.ini"
fails git checkout-index -f vms/web1.ini
unchanged git
put vms/web1 'cpus = 2' 'memory = 32MiB'
unset GIT_DIR GIT_WORK_TREE

# No tool left anything, and whatever unlinked before it wrote destroyed nothing.
same "$(cd "$M" && ls -A vms/web1 specs/vms plan)" "$listing"
sleep 2.5
is "$M/vms/web1/state" running
same "$(uuid web1)" "$identity"
unmount_cloud
