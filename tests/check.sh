#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check.sh check|long|asan|tsan|valgrind|fuzz|units BUILD: builds and tests, for the Makefile's
# targets of these names. Prints what it does as it goes and in the last line the sum of all.
set -u
what=${1:?usage: check.sh check|long|asan|tsan|valgrind|fuzz|units BUILD}
BUILD=${2:-build}
cd "$(dirname "$0")/.." || exit 1
MAKE=${MAKE:-make}
passed=0 failed=0 failures=()

title() { printf '\n== %s\n' "$*"; }

# Said once more at the end: of a long check often no more than that is seen.
not_ok() { # SENTENCE
    echo "not ok $1"
    failures+=("not ok $1")
}

tally() { # PASSED FAILED
    passed=$((passed + $1))
    failed=$((failed + $2))
}

# Counts the lines "ok …" and "not ok …" of a command that prints them.
counted() { # COMMAND...
    local line good=0 bad=0 status
    while IFS= read -r line; do
        case $line in
        'ok '*) good=$((good + 1)) ;;
        'not ok '*) bad=$((bad + 1)); failures+=("$line") ;;
        'status '*) status=${line#status }; continue ;;
        [0-9]*' passed, '*) continue ;;
        esac
        printf '%s\n' "$line"
    done < <("$@" 2>&1; echo "status $?")
    # A command that failed without saying why has failed all the same.
    [ "$status" = 0 ] || [ $bad -gt 0 ] || { not_ok "$* (exit $status)"; bad=1; }
    tally $good $bad
}

step() { # NAME COMMAND...
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "ok $name"
        tally 1 0
    else
        printf '%s\n' "$output" | tail -n 60 | sed 's/^/    /'
        not_ok "$name"
        tally 0 1
        return 1
    fi
}

# MAKEFLAGS says whether make was told how many jobs to run; if not, one for each processor.
jobs() { case ${MAKEFLAGS:-} in *jobserver*) ;; *) echo "-j$(nproc)" ;; esac; }

build() { # NAME DIRECTORY VARIABLE...
    local name=$1 dir=$2
    shift 2
    # shellcheck disable=SC2046 # no word where there is none
    step "build: $name" "$MAKE" --no-print-directory --silent $(jobs) BUILD="$dir" "$@" all units
}

# One program of cmocka tests; each test of it counts.
unit() { # PROGRAM [WRAPPER...]
    local program=$1 name output status good bad
    shift
    name=$(basename "$program")
    output=$(timeout -k 5 $((120 * ${SLOW:-1})) "$@" "$program" 2>&1)
    status=$?
    good=$(grep -c '^\[       OK \]' <<<"$output")
    if [ $status = 0 ] && [ "$good" -gt 0 ]; then
        echo "ok unit $name ($good tests)"
        tally "$good" 0
    else
        bad=$(grep -c '^\[  FAILED  \] [^0-9]' <<<"$output")
        tail -n 60 <<<"$output" | sed 's/^/    /'
        not_ok "unit $name (exit $status): $(grep -m 1 'error:\|Sanitizer' <<<"$output" | cut -c 1-300)"
        tally "$good" $((bad > 0 ? bad : 1))
    fi
}

units() { # DIRECTORY [WRAPPER...]
    local source dir=$1
    shift
    export LSAN_OPTIONS=suppressions=tests/lsan.supp:print_suppressions=0
    export TSAN_OPTIONS=suppressions=tests/tsan.supp
    for source in tests/unit/*_test.c; do
        unit "$dir/unit/$(basename "$source" _test.c)" "$@"
    done
}

mounts() { # CLOUDFS [NAME...]
    local cloudfs=$1
    shift
    counted env CLOUDFS="$cloudfs" TOOLS="$BUILD/tests/tool" GUEST="$BUILD/guest" tests/run "$@"
}

# A program that runs another one, as tests/run wants one.
wrapper() { # FILE COMMAND...
    printf '#!/bin/sh\nexec %s "$@"\n' "${*:2}" >"$1"
    chmod +x "$1"
}

# The helpers of the mount tests, without a sanitizer: they run beside it, not under it.
tools() { step 'tools of the tests' "$MAKE" --no-print-directory BUILD="$BUILD" CC=gcc tools; }

# The build that can be made to die, to fail and to wait; no unit tests of it.
faulty() {
    # shellcheck disable=SC2046 # no word where there is none
    step 'build: failpoints' "$MAKE" --no-print-directory $(jobs) BUILD="$BUILD/fail" CC=gcc \
        FAILPOINTS=1 all
}

guest() { step 'guest of the real VMs' tests/demo/guest.sh "$BUILD/guest"; }

static() {
    title 'rooms, manual, defences'
    counted tests/rooms.sh
    counted tests/manual.sh "$BUILD/cloudfs"
    counted "$MAKE" --no-print-directory --silent BUILD="$BUILD" CC=gcc hardening
    counted tests/units.sh
}

# A number of libFuzzer's at its end.
final() { sed -n "s/^stat::$1: *//p" <<<"$output"; }

# One fuzzer over its corpus, and then what it makes of it; what it finds is kept for looking at.
# A short script of what processes do costs a third of a long one, and most of what there is to find
# takes few steps.
fuzzer() { # PROGRAM SOURCE
    local name status output found runs=${RUNS:-0} bound=() longest=512
    name=$(basename "$1")
    found=$(dirname "$1")/found-$name
    case $name in domain) longest=4096 ;; tree) longest=64 ;; esac
    mkdir -p "$found" "$1.corpus"
    [ "$runs" -gt 0 ] && bound=(-runs="$runs") || bound=(-max_total_time="${FUZZ_SECONDS:-3}")
    output=$("$1" -timeout=10 "$2"/* 2>&1 &&
        "$1" "${bound[@]}" -max_len=$longest -timeout=10 -rss_limit_mb=4096 -entropic=0 \
        -print_final_stats=1 -dict=tests/fuzz/words.dict -artifact_prefix="$found/" \
        "$1.corpus" "$2" 2>&1)
    status=$?
    if [ $status = 0 ]; then
        echo "ok fuzz $name ($(final number_of_executed_units) inputs, $(final average_exec_per_sec) a second)"
        tally 1 0
    else
        tail -n 40 <<<"$output" | sed 's/^/    /'
        not_ok "fuzz $name (exit $status); what it found is in $found"
        tally 0 1
    fi
}

# Of the sanitizer only what finds something: what is freed need not be kept for as long as a server
# would want it, nor allocations be filled, nor their callers be remembered from far up, nor memory
# be given back in between. Without it (FUZZ_SAN=undefined) it is three times as fast, and what the
# targets themselves look at is all that is found. FUZZ chooses from them.
run_fuzz() {
    local name dir=$BUILD/fuzz all
    title 'fuzzers'
    step 'build: fuzzers' "$MAKE" --no-print-directory $(jobs) BUILD="$dir" CC="${FUZZ_CC:-clang}" \
        SAN="fuzzer-no-link,${FUZZ_SAN:-address,undefined}" fuzzers || return
    export LSAN_OPTIONS=suppressions=tests/lsan.supp:print_suppressions=0
    local -x ASAN_OPTIONS=max_malloc_fill_size=0:quarantine_size_mb=1
    ASAN_OPTIONS+=:thread_local_quarantine_size_kb=16:malloc_context_size=4
    ASAN_OPTIONS+=:detect_stack_use_after_return=0:allocator_release_to_os_interval_ms=-1
    all=$(cd tests/fuzz && echo *_fuzz.c)
    for name in ${FUZZ:-${all//_fuzz.c/}}; do
        fuzzer "$dir/fuzz/$name" "tests/fuzz/corpus/$name"
    done
}

run_check() {
    title "gcc"
    build gcc "$BUILD" CC=gcc || return
    static
    title 'unit tests'
    units "$BUILD"
    title 'clang, with the lock annotations checked'
    build clang "$BUILD/clang" CC=clang
    tools && guest && faulty || return
    title 'mount tests'
    mounts "$BUILD/cloudfs"
    run_fuzz
    run_asan
    TINY_TESTS='21 24 44 46 73 74' run_tiny
}

run_asan() {
    title 'AddressSanitizer and UndefinedBehaviorSanitizer'
    build asan "$BUILD/asan" CC=gcc SAN=address,undefined FAILPOINTS=1 || return
    units "$BUILD/asan"
    tools && guest || return
    SLOW=2 mounts "$BUILD/asan/cloudfs"
}

# All but the one in which a guest must not wait for a stuck one beside it: with the least of every
# limit, a host has one place for calls.
roomy() { (cd tests/mount && ls [0-9]*.sh) | sed 's|\.sh$||' | grep -v '^52-'; }

# The least of every limit of core/limit.h. The unit tests, and mount tests: `make check` names those
# that it has the time for.
run_tiny() {
    title 'tiny limits, with AddressSanitizer'
    build tiny "$BUILD/tiny" CC=gcc SAN=address,undefined TINY=1 FAILPOINTS=1 || return
    units "$BUILD/tiny"
    tools && guest || return
    # shellcheck disable=SC2046,SC2086 # they are words
    SLOW=4 mounts "$BUILD/tiny/cloudfs" ${TINY_TESTS-$(roomy)}
}

# Mount tests for what looks at each access to memory: all but those of the embedded driver, where
# libvirt's own QEMU driver is in our process (ThreadSanitizer cannot follow its locks; valgrind takes
# what it forks for ours, and with it starting a VM takes longer than close(2) waits), and those that
# kill cloudfs dozens of times: they choose their own binary, and who was killed tells nothing.
outside() {
    grep -L 'qemu:///embed\|walk\.bash' tests/mount/[0-9]*.sh | sed 's|.*/||; s|\.sh$||'
}

# ThreadSanitizer of clang 14 does not know the address layout of newer kernels: hence setarch.
run_tsan() {
    title 'ThreadSanitizer'
    build tsan "$BUILD/tsan" CC=clang SAN=thread || return
    SLOW=4 units "$BUILD/tsan" setarch -R
    tools && guest && faulty || return
    wrapper "$BUILD/tsan/run" setarch -R "$PWD/$BUILD/tsan/cloudfs"
    # shellcheck disable=SC2046 # one word each
    SLOW=5 mounts "$BUILD/tsan/run" $(outside)
}

# What a daemon is found to do wrong goes to a file that tests/run looks at. fair-sched: threads that
# spin for a moment would keep the others from running at all. Two tests measure what valgrind
# changes: how much is written until the power fails, and memory, in which it keeps what was freed.
run_valgrind() {
    local valgrind=(valgrind --fair-sched=yes --leak-check=full --show-leak-kinds=definite
        --errors-for-leak-kinds=definite --num-callers=30
        --suppressions="$PWD/tests/valgrind.supp")
    title 'valgrind'
    build gcc "$BUILD" CC=gcc || return
    SLOW=10 units "$BUILD" "${valgrind[@]}" -q --error-exitcode=99
    tools && guest && faulty || return
    # shellcheck disable=SC2016 # the test's directory, when it runs
    wrapper "$BUILD/valgrind" "${valgrind[@]}" '--log-file="$T/sanitizer.%p"' "$PWD/$BUILD/fail/cloudfs"
    # shellcheck disable=SC2046 # one word each
    SLOW=10 mounts "$BUILD/valgrind" $(outside | grep -v '^75-\|^81-')
}

# Mount tests whose hosts wait, and answer late: nothing of what they assert may change.
under() { # RULES TEST...
    local log=$BUILD/faults.log
    rm -f "$log"
    title "mount tests under $1"
    CLOUDFS_FAILPOINTS=$1 CLOUDFS_FAILPOINTS_LOG=$PWD/$log SLOW=4 mounts "$BUILD/fail/cloudfs" "${@:2}"
    if [ -s "$log" ]; then
        echo "ok $(wc -l <"$log") faults were survived"
        tally 1 0
    else
        not_ok 'no fault happened'
        tally 0 1
    fi
}

# What takes too long for every day, in parts that PARTS may choose from.
long_kill() {
    local at=$PWD/$BUILD/killed_at left
    title 'killed at every step'
    rm -f "$at"
    KILL_POINTS='.*' KILL_NTH=${KILL_NTH:-2} KILLED_AT=$at LIMIT=1800 \
        mounts "$BUILD/fail/cloudfs" 70 71 72 78
    # Moves are aborted when they take too long, and guests are asked by tests of their own.
    left=$("$BUILD/fail/cloudfs" --list-failpoints | grep -Ev '^virt[.](abort|probe)' |
        comm -23 - <(sort -u "$at") | xargs)
    if [ -z "$left" ]; then
        echo "ok killed $(wc -l <"$at") times, at each of $(sort -u "$at" | wc -l) failpoints"
        tally 1 0
    else
        not_ok "never killed at $left"
        tally 0 1
    fi
}

long_faults() {
    title 'every call of the hypervisor and of the store fails, waits or loses its answer'
    FAULT_RULES=all LIMIT=900 mounts "$BUILD/fail/cloudfs" 74
    under 'virt.*:wait=50' 21 23 24 31 43
    under 'virt.create.done:wait=300,virt.change.done:wait=300,virt.destroy.done:wait=300' 21 23 31 43
    under 'store.commit:wait=50,store.commit.done:wait=50' 21 23 31 43
}

long_power() {
    title 'the power fails while specs are written'
    CUTS=${CUTS:-50} LIMIT=900 mounts "$BUILD/fail/cloudfs" 75
}

long_hung() {
    title 'hosts that hang until the deadlines have passed'
    LONG=1 LIMIT=400 mounts "$BUILD/cloudfs" 52
}

long_random() {
    title 'random operations'
    FUZZ_SECONDS=${FUZZ_SECONDS:-300} LIMIT=900 mounts "$BUILD/fail/cloudfs" 50
}

long_churn() {
    title 'operations by the million'
    OPS=${OPS:-1000000} MOST=8192 LIMIT=7200 mounts "$BUILD/cloudfs" 81
}

long_tiny() { run_tiny; }

long_sanitizers() {
    run_tsan
    run_valgrind
}

long_fuzz() { RUNS=${RUNS:-10000000} run_fuzz; }

run_long() {
    local part
    build gcc "$BUILD" CC=gcc && tools && guest && faulty || return
    for part in ${PARTS:-kill faults power hung random churn tiny sanitizers fuzz}; do
        "long_$part"
    done
}

case $what in
check | long | tiny | asan | tsan | valgrind | fuzz) "run_$what" ;;
units) units "$BUILD" ;;
*) echo "check.sh: no '$what'" >&2; exit 2 ;;
esac
printf '\n'
[ $failed = 0 ] || printf '%s\n' "${failures[@]}" ''
printf '%s passed, %s failed\n' $passed $failed
[ $failed = 0 ]
