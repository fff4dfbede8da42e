# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh: what the mount tests share. Read by each of them first:
#
#     . "$(dirname "$0")/lib.sh"
#
# tests/run has made the directory $T; M is the mount. A command that fails ends the test, and
# says where; what it has started is ended by cleanup().
set -Eeu
M=$T/m
SLOW=${SLOW:-1}
trap 'echo "failed: ${BASH_SOURCE[0]##*/}:$LINENO (test line ${BASH_LINENO[*]}): $BASH_COMMAND" >&2' ERR
trap 'at_end cleanup' EXIT
# A child that a signal ends before it has become another program has this trap too.
at_end() { # COMMAND
    local status=$?
    [ "$BASHPID" = $$ ] || exit $status
    trap - ERR
    set +e
    (exit $status)
    "$@"
}
mkdir -p "$M"
cd "$T"
op() { "$TOOLS/op" "$@" || true; } # its answer is what counts

# ---- saying what is expected

die() {
    echo "failed at line ${BASH_LINENO[1]}: $*" >&2
    trap - ERR
    exit 1
}

same() { # GOT WANT
    [ "$1" = "$2" ] || die "got '$1' instead of '$2'"
}

# The text of FILE is exactly this.
is() { # FILE TEXT
    local got
    got=$(cat "$1") || die "cannot read $1"
    [ "$got" = "$2" ] || die "$1 is '$got' instead of '$2'$(explain "$1")"
}

has() { # FILE EXTENDED-REGEX
    local text
    text=$(cat "$1") || die "cannot read $1"
    grep -Eq -- "$2" <<<"$text" || die "$1 has no '$2': $text"
}

hasnt() { # FILE EXTENDED-REGEX
    local text
    text=$(cat "$1") || die "cannot read $1"
    ! grep -Eq -- "$2" <<<"$text" || die "$1 has '$2': $text"
}

# A command that must fail.
fails() {
    ! "$@" 2>/dev/null || die "succeeded: $*"
}

# What op says: "ok", an errno, or for writing the step and its errno. Example:
#     gives 'write EINVAL' write "$M/vms/web1/spec" $'cpus = none\n'
gives() { # ANSWER OPERATION ARGUMENT...
    local want=$1 got
    shift
    got=$(op "$@")
    [ "$got" = "$want" ] || die "$*: $got instead of $want$(explain "$2")"
}

# What the object that a file belongs to has to say for itself.
explain() { # FILE
    local dir=${1%/*}
    [ -f "$dir/state" ] && printf '; state %s; error: %s' "$(cat "$dir/state")" "$(cat "$dir/error")"
    return 0
}

wait_for() { # SECONDS COMMAND...
    local end=$((SECONDS + $1 * SLOW + 1)) limit=$1
    shift
    until "$@" 2>/dev/null; do
        [ $SECONDS -lt $end ] || die "not within $limit s: $*$(explain_any "$@")"
        sleep 0.1
    done
}
explain_any() {
    local word
    for word; do
        case $word in */state) explain "$word" ;; esac
    done
}

reads() { [ "$(cat "$1")" = "$2" ]; }        # FILE TEXT, for wait_for
shows() { grep -Eq -- "$2" "$1"; }           # FILE REGEX
gone() { ! [ -e "$1" ] && ! [ -L "$1" ]; }   # PATH
links() { [ "$(readlink "$1")" = "$2" ]; }   # LINK TARGET
inode() { stat -c %i "$1"; }
mtime() { stat -c %.9Y "$1"; }
value() { awk -v key="$2" '$1 == key { print $2 }' "$1"; } # FILE KEY, of "key value" lines

# ---- cloudfs

# Processes of this test that have WORD in their command line. (The word goes through standard
# input, or grep would find itself; its exit status tells of processes that vanished meanwhile.)
pids_with() { # WORD
    local pid
    for pid in $(grep -lsaF -f - /proc/[0-9]*/cmdline <<<"$1" | cut -d / -f 3); do
        ! tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$T/" || echo "$pid"
    done
}
process_with() { [ "$(pids_with "$1")" ]; }
no_process_with() { ! process_with "$1"; }

mounted() { awk -v dir="$1" '$5 == dir { found = 1 } END { exit !found }' /proc/self/mountinfo; }
running() { [ -d "/proc/$1" ] && ! grep -q '^State:.[ZX]' "/proc/$1/status" 2>/dev/null; }
ended() { ! running "$1"; }

# Writes a configuration from its arguments, a line each, and mounts in the foreground with the
# output in a file, so that what it says can be looked at.
configure() {
    printf '[cloud]\nstate = %s\nsample = 1\n' "$T/state" >"$T/cloudfs.conf"
    [ $# = 0 ] || printf '%s\n' "$@" >>"$T/cloudfs.conf"
}

mount_cloud() {
    configure "$@"
    mount_again
}

mount_again() {
    "$CLOUDFS" -c "$T/cloudfs.conf" ${OPTIONS:+-o "$OPTIONS"} -f "$M" >>"$T/cloudfs.log" 2>&1 &
    CLOUD=$!
    local end=$((SECONDS + 20 * SLOW))
    until mounted "$M"; do
        running $CLOUD || die "cloudfs did not mount: $(cat "$T/cloudfs.log")"
        [ $SECONDS -lt $end ] || die 'cloudfs does not mount'
        sleep 0.05
    done
}

# Who was killed a moment ago may still have a file open.
unmounted() { wait_for 10 fusermount3 -u "$M"; }

unmount_cloud() {
    local status=0
    unmounted
    wait "$CLOUD" || status=$?
    CLOUD=
    same $status 0
}

# As a power cut does it.
kill_cloud() {
    kill -KILL "$CLOUD"
    wait "$CLOUD" 2>/dev/null || true
    CLOUD=
    unmounted
}

# From here on cloudfs is a build with failpoints: see core/failpoint.h.
faulty() {
    [ "$("$CLOUDFS" --list-failpoints 2>/dev/null)" ] || CLOUDFS=$FAULTY
    [ "$("$CLOUDFS" --list-failpoints 2>/dev/null)" ] || die "no failpoints in $CLOUDFS: make FAILPOINTS=1 BUILD=build/fail"
}

# A host of libvirt's test driver with so many CPUs and MiB; prints its URI. Each is a world of
# its own that ends with the connection.
test_host() { # NAME CPUS MIB
    cat >"$T/$1.xml" <<XML
<node>
  <cpu>
    <mhz>2600</mhz><model>EPYC</model><active>$2</active><nodes>1</nodes>
    <sockets>1</sockets><cores>$2</cores><threads>1</threads>
  </cpu>
  <memory>$(($3 * 1024))</memory>
</node>
XML
    echo "test://$T/$1.xml"
}

# The configuration's lines for such a host, and more lines for it.
test_section() { # NAME CPUS MIB [LINE...]
    printf '[host %s]\nuri = %s\n' "$1" "$(test_host "$1" "$2" "$3")"
    shift 3
    [ $# = 0 ] || printf '%s\n' "$@"
}

new_vm() { # NAME LINE...
    mkdir "$M/vms/$1"
    put "vms/$1" "${@:2}"
}

put() { # OBJECT LINE...: writes its spec, which must succeed
    gives ok write "$M/$1/spec" "$(printf '%s\n' "${@:2}")"$'\n'
}

# ---- hosts that are real daemons

# A libvirtd of its own, told apart by its directories and the UUID of the host. libvirtd serves
# sessions for ordinary users only, so root becomes nobody for it.
daemon() { # NAME
    local dir=$T/$1
    if ! [ -d "$dir" ]; then
        mkdir -p "$dir/run" "$dir/conf/libvirt/qemu" "$dir/cache/libvirt/qemu/cache" "$dir/data"
        printf 'host_uuid = "%s"\nlog_outputs = "3:file:%s/libvirtd.out"\n' \
            "$(cat /proc/sys/kernel/random/uuid)" "$dir" >"$dir/conf/libvirt/libvirtd.conf"
        printf 'stdio_handler = "file"\n' >"$dir/conf/libvirt/qemu.conf"
        # What a former test found out about QEMU saves this one some seconds.
        cp -r "$GUEST/capabilities" "$dir/cache/libvirt/qemu/cache/" 2>/dev/null || true
        chmod 700 "$dir/run"
        [ "$(id -u)" != 0 ] || chown -R nobody "$dir"
    fi
    rm -f "$dir/run/libvirt/libvirt-sock"
    as_user env XDG_RUNTIME_DIR="$dir/run" XDG_CONFIG_HOME="$dir/conf" XDG_CACHE_HOME="$dir/cache" \
        XDG_DATA_HOME="$dir/data" HOME="$dir" libvirtd -d -t 0 -p "$dir/run/libvirtd.pid"
    wait_for 20 test -S "$dir/run/libvirt/libvirt-sock"
}

as_user() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
    else
        "$@"
    fi
}

uri() { echo "qemu+unix:///session?socket=$T/$1/run/libvirt/libvirt-sock"; }
daemon_pid() { cat "$T/$1/run/libvirtd.pid"; }
kill_daemon() { kill -KILL "$(daemon_pid "$1")"; } # NAME; its VMs go on
# What was stopped goes on. libvirtd can die of what its clients did meanwhile: then it is started
# again, as systemd does.
resume_daemon() { # NAME
    local pid
    pid=$(daemon_pid "$1")
    kill -CONT "$pid"
    sleep 0.5
    running "$pid" || daemon "$1"
}

virsh_on() { virsh -q -c "$(uri "$1")" "${@:2}"; }

# A domain that some other tool made.
foreign() { # DAEMON NAME
    virsh_on "$1" create /dev/stdin >/dev/null <<XML
<domain type='qemu'>
  <name>$2</name>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
</domain>
XML
}

stop_daemon() { # NAME: with everything that runs on it
    local dir=$T/$1 pid domain
    pid=$(daemon_pid "$1" 2>/dev/null) && running "$pid" || daemon "$1" || return 0
    pid=$(daemon_pid "$1")
    for domain in $(virsh_on "$1" list --uuid); do
        virsh_on "$1" destroy "$domain" >/dev/null || true
    done
    if ! [ -d "$GUEST/capabilities" ] && [ -d "$GUEST" ]; then
        cp -r "$dir/cache/libvirt/qemu/cache/capabilities" "$GUEST/" 2>/dev/null || true
    fi
    kill "$pid"
    wait_for 10 ended "$pid"
}

# ---- the end of a test, good or bad

dead_daemons() {
    local dir
    for dir in "$T"/*/run/libvirtd.pid; do
        [ ! -e "$dir" ] || running "$(cat "$dir")" || echo "the daemon of ${dir#"$T/"} has ended"
    done
}

cleanup() {
    local status=$? dir
    if [ $status != 0 ] && [ -d "$M/vms" ]; then
        for dir in "$M"/hosts/* "$M"/vms/* "$M"/services/*; do
            [ -d "$dir" ] && echo "${dir#"$M/"}: $(cat "$dir/state" "$dir/error" | tr '\n' ' ')"
        done >&2
        tail -n 15 "$M/events" >&2
    fi
    [ $status = 0 ] || dead_daemons >&2
    if [ "${CLOUD:-}" ] && running "$CLOUD"; then
        kill "$CLOUD"
        wait "$CLOUD"
        # A sanitizer speaks up at the end, in the exit status too.
        [ $? = 0 ] || [ $status != 0 ] || { echo 'cloudfs failed on SIGTERM' >&2; status=1; }
    fi
    for dir in "$T"/*/run/libvirtd.pid; do
        [ -e "$dir" ] || continue
        dir=${dir%/run/libvirtd.pid}
        stop_daemon "${dir##*/}"
    done
    exit $status
}
