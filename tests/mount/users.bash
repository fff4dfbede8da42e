# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# users.bash: two users besides root, for the tests of who may do what; besides lib.sh. Both are in
# the group OPS. Ends the test where there can be no other users.

[ "$(id -u)" = 0 ] || { echo 'not tried: needs root to become other users'; exit 0; }
ALICE=61001 BOB=61002 OPS=61100
cp "$TOOLS/op" op
chmod 755 op "$T"
as() { setpriv --reuid="$1" --regid="$1" --groups="$2" "${@:3}"; }
alice() { as $ALICE $OPS "$@"; }
bob() { as $BOB $OPS "$@"; }
gives_to() { # WHO ANSWER OPERATION...
    local got
    got=$("$1" "$T/op" "${@:3}" || true)
    [ "$got" = "$2" ] || die "$1: ${*:3}: $got instead of $2$(explain "$4")"
}
