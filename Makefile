# SPDX-License-Identifier: GPL-2.0-or-later
# cloudfs: `make demo` shows it at work, `make check` tests it, `make install` installs it.
# Everything that is built goes to BUILD. Variants: CC=clang, SAN=address,undefined.

VERSION = 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
ifeq ($(origin CC),default)
CC = gcc
endif

BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/cloudfs
UNITDIR = $(PREFIX)/lib/systemd/system

PKGS = fuse3 libvirt libvirt-qemu inih glib-2.0 libxml-2.0 sqlite3 zlib libsystemd libisofs-1
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

# Debian's packages: to build, to run the demo besides, to run the tests and the linters besides.
DEPS_BUILD = gcc libc6-dev make pkg-config libfuse3-dev libvirt-dev libinih-dev libglib2.0-dev \
	libxml2-dev libsqlite3-dev zlib1g-dev libsystemd-dev libisofs-dev
DEPS_DEMO = fuse3 libvirt-daemon-system libvirt-daemon-driver-qemu qemu-system-x86 qemu-utils \
	busybox-static cpio
DEPS_CHECK = libcmocka-dev libvirt-clients clang libclang-rt-dev clang-format clang-tidy mandoc \
	valgrind git rsync restic borgbackup zip unzip vim nano expect python3 acl attr binutils iproute2 systemd \
	sshfs openssh-server openssh-client samba smbclient nfs-ganesha nfs-ganesha-vfs libnfs-utils \
	dash busybox-static xz-utils qemu-guest-agent sqlite3 e2fsprogs libfaketime

# For a packager's compiler, which may warn of more: WERROR=
WERROR = -Werror
WARN = -Wall -Wextra $(WERROR) -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wformat=2 -Wundef -Wpointer-arith -Wwrite-strings
ifneq ($(findstring clang,$(CC)),)
WARN += -Wthread-safety
endif
CFLAGS ?= -O2 -g
# Not every processor's compiler has them.
has = $(shell $(CC) -Werror $(1) -x c -c -o /dev/null /dev/null 2>/dev/null && echo $(1))
HAS := $(call has,-fcf-protection) $(call has,-fstack-clash-protection)
# The C library refuses to fortify what is not optimized.
FORTIFY = $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),,\
	$(if $(filter-out -O0,$(filter -O%,$(CFLAGS))),-D_FORTIFY_SOURCE=2))
HARDEN = -fstack-protector-strong -fPIE $(FORTIFY) $(HAS)
LDHARDEN = -pie -Wl,-z,relro,-z,now,-z,noexecstack
ifdef SAN
HARDEN = -fPIE
LDHARDEN = -pie
CFLAGS = -O1 -g
SANFLAGS = -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
# A build that can be made to die, to fail and to wait: see core/failpoint.h.
ifdef FAILPOINTS
TEST_CFLAGS += -DCLOUDFS_FAILPOINTS
endif
# A build with the least of each limit of core/limit.h.
ifdef TINY
TEST_CFLAGS += -DCLOUDFS_TINY
endif
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -DCLOUDFS_VERSION='"$(VERSION)"' -DFUSE_USE_VERSION=314 \
	-I. $(PKG_CFLAGS) $(WARN) $(HARDEN) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS) $(TEST_CFLAGS) -MMD -MP
ALL_LDFLAGS = $(LDHARDEN) $(SANFLAGS) $(LDFLAGS)
LIBS = $(PKG_LIBS) -lm -pthread

# A room is a folder under core/, or fs (without main); its objects are all the C files in it.
room = $(patsubst %.c,$(BUILD)/%.o,$(if $(filter fs,$(1)),\
	$(filter-out fs/main.c,$(wildcard fs/*.c)),$(wildcard core/$(1)/*.c)))
ROOMS = spec score place cloud job reconcile store virt
COMMON = $(patsubst core/%.c,$(BUILD)/core/%.o,$(wildcard core/*.c))
CORE = $(COMMON) $(foreach r,$(ROOMS),$(call room,$(r)))
FS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard fs/*.c))

all: $(BUILD)/cloudfs

$(BUILD)/cloudfs: $(FS) $(CORE)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# Says what is missing in words, rather than with a compiler's error about a header.
$(BUILD)/.packages:
	@pkg-config --print-errors --exists $(PKGS) && command -v $(firstword $(CC)) >/dev/null || { \
		echo "cloudfs needs packages to build: run 'make deps', or install" >&2; \
		echo "    $(DEPS_BUILD)" >&2; exit 1; }
	@mkdir -p $(@D) && touch $@

# Other flags than last time: everything anew.
$(BUILD)/.flags: FORCE
	@mkdir -p $(@D)
	@echo $(ALL_CFLAGS) | cmp -s - $@ || echo $(ALL_CFLAGS) >$@

$(BUILD)/%.o: %.c $(BUILD)/.flags | $(BUILD)/.packages
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# Unit tests: tests/unit/NAME_test.c links only the rooms that UNIT_NAME lists, so that a room
# that reaches into another one does not link. What several tests of a room share is in
# tests/unit/ROOM_*.c without _test.
UNIT_spec = spec
UNIT_score = score
UNIT_place = place spec score
UNIT_store = store
UNIT_job = job
UNIT_virt = virt spec
UNIT_cloud = cloud place spec score
UNIT_reconcile = reconcile cloud place spec score store job virt
UNIT_fs = fs $(UNIT_reconcile)
UNITS = $(patsubst tests/unit/%_test.c,$(BUILD)/unit/%,$(wildcard tests/unit/*_test.c))

unit_room = $(word 1,$(subst _, ,$(1)))
unit_shared = $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_test.c,$(wildcard tests/unit/$(1)_*.c)))

.SECONDEXPANSION:
$(UNITS): $(BUILD)/unit/%: $(BUILD)/tests/unit/%_test.o $(COMMON) \
		$$(call unit_shared,$$(call unit_room,$$*)) \
		$$(foreach r,$$(UNIT_$$(call unit_room,$$*)),$$(call room,$$(r)))
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

# Fuzzers: tests/fuzz/NAME_fuzz.c, with the other files of that NAME, against the rooms that
# FUZZ_NAME lists; clang's libFuzzer. `tree` has no threads: stand-ins for what has them.
FUZZ_spec = spec
FUZZ_conf = spec
FUZZ_name = spec
FUZZ_domain = virt spec
FUZZ_control = $(UNIT_reconcile)
FUZZ_tree = fs reconcile cloud place spec score virt
FUZZ_NOT_tree = $(addprefix $(BUILD)/fs/,notify.o dentry.o proc.o)
FUZZERS = $(patsubst tests/fuzz/%_fuzz.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
fuzz_parts = $(patsubst %.c,$(BUILD)/%.o,\
	$(filter-out tests/fuzz/$(1)_fuzz.c,$(wildcard tests/fuzz/$(1)_*.c)) \
	$(if $(filter tree,$(1)),$(wildcard tests/unit/reconcile_fake*.c)))
$(FUZZERS): $(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%_fuzz.o $(COMMON) \
		$$(call fuzz_parts,$$*) \
		$$(filter-out $$(FUZZ_NOT_$$*),$$(foreach r,$$(FUZZ_$$*),$$(call room,$$(r))))
	@mkdir -p $(@D)
	$(CC) $(LDHARDEN) $(subst fuzzer-no-link,fuzzer,$(SANFLAGS)) $(LDFLAGS) -o $@ $^ $(LIBS)
fuzzers: $(FUZZERS)

units: $(UNITS)
unit: $(UNITS)
	@tests/check.sh units $(BUILD)

# Small programs that the mount tests use, for what a shell cannot see.
TOOLS = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/tool/*.c))
tools: $(TOOLS)
$(TOOLS): %: %.o
	$(CC) $(ALL_LDFLAGS) -o $@ $^

# Benchmarks see the placement core only, as a mount does: neither libvirt nor FUSE nor the model.
TRACES ?= ../shared/traces/azure-packing
BENCHES = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*_bench.c))
benches: $(BENCHES)
$(BENCHES): %: %.o $(COMMON) \
		$(call room,place) $(call room,score) $(call room,spec)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# ---- packages: looked at once for each version of this file
deps: $(BUILD)/deps/all
$(BUILD)/deps/demo: Makefile tests/deps.sh
	@mkdir -p $(@D)
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_DEMO) && touch $@
$(BUILD)/deps/all: Makefile tests/deps.sh
	@mkdir -p $(@D)
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_DEMO) $(DEPS_CHECK) && touch $@

# ---- what is run. A make of its own, because packages that were just installed change what the
# lines above found out.
demo: $(BUILD)/deps/demo
	+@$(MAKE) --no-print-directory --silent BUILD=$(BUILD) all
	@CLOUDFS=$(BUILD)/cloudfs GUEST=$(BUILD)/guest tests/demo/demo.sh

check: $(BUILD)/deps/all
	+@MAKE="$(MAKE)" tests/check.sh check $(BUILD)
# Everything that takes too long for every day, with counts.
check-long: $(BUILD)/deps/all
	+@MAKE="$(MAKE)" tests/check.sh long $(BUILD)
asan tiny tsan valgrind: $(BUILD)/deps/all
	+@MAKE="$(MAKE)" tests/check.sh $@ $(BUILD)

# RUNS inputs for each target (10 million): minutes for names, hours for the tree. `make check` tries
# a few seconds' worth.
RUNS ?= 10000000
fuzz: $(BUILD)/deps/all
	+@RUNS=$(RUNS) MAKE="$(MAKE)" tests/check.sh fuzz $(BUILD)

# Takes half a minute; a quiet machine gives better figures.
bench-place: $(BUILD)/deps/all
	+@$(MAKE) --no-print-directory --silent BUILD=$(BUILD) benches
	@$(BUILD)/tests/bench/place_bench
	@echo
	@$(BUILD)/tests/bench/memory_bench
	@echo
	@$(BUILD)/tests/bench/pack_bench "$(TRACES)"

# Needs root, tmpfs with half a GiB, and some minutes. DIRS= and ROUNDS= make it shorter.
bench-fs: $(BUILD)/deps/all
	+@$(MAKE) --no-print-directory --silent BUILD=$(BUILD) all tools
	@CC=$(CC) tests/bench/fs.sh $(abspath $(BUILD))/cloudfs $(abspath $(BUILD))/tests/tool

# Minutes each; VMS=, PROCS=, SIZES= and others are at the top of the scripts.
bench-create bench-scale bench-isolation: $(BUILD)/deps/all
	+@$(MAKE) --no-print-directory --silent BUILD=$(BUILD) all benches tools
	@CLOUDFS=$(abspath $(BUILD))/cloudfs TOOLS=$(abspath $(BUILD))/tests/tool LOAD=$(abspath $(BUILD))/tests/bench/load_bench \
		tests/bench/$(@:bench-%=%).sh

# Are the defences that HARDEN and LDHARDEN ask for in the binary?
hardening: all
	@CC="$(CC)" HARDEN="$(HARDEN)" LDHARDEN="$(LDHARDEN)" tests/hardening.sh $(BUILD)/cloudfs

C_FILES = $(shell find core fs tests -name '*.[ch]')
format:
	clang-format -i $(C_FILES)
lint: $(BUILD)/deps/all
	clang-format --dry-run -Werror $(C_FILES)
	clang-tidy --quiet $(filter core/%.c fs/%.c,$(C_FILES)) -- -std=c17 -D_GNU_SOURCE \
		-DCLOUDFS_VERSION='"$(VERSION)"' -DFUSE_USE_VERSION=314 -I. $(PKG_CFLAGS)

# ---- installing
MAN1 = man/cloudfs.1
MAN5 = man/cloudfs.conf.5 man/cloudfs-spec.5 man/cloudfs-tree.5
SERVICES = conf/cloudfs.service conf/cloudfs@.service

install: all
	install -D -m 755 $(BUILD)/cloudfs $(DESTDIR)$(BINDIR)/cloudfs
	install -d $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(DOCDIR) \
		$(DESTDIR)$(UNITDIR)
	install -m 644 $(MAN1) $(DESTDIR)$(MANDIR)/man1
	install -m 644 $(MAN5) $(DESTDIR)$(MANDIR)/man5
	install -m 644 README.md LICENSE conf/cloudfs.conf $(DESTDIR)$(DOCDIR)
	for unit in $(SERVICES); do \
		sed 's|@BINDIR@|$(BINDIR)|' $$unit >$(DESTDIR)$(UNITDIR)/$${unit#conf/} && \
		chmod 644 $(DESTDIR)$(UNITDIR)/$${unit#conf/} || exit 1; \
	done

uninstall:
	rm -f $(DESTDIR)$(BINDIR)/cloudfs
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man1/,$(notdir $(MAN1)))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man5/,$(notdir $(MAN5)))
	rm -f $(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(SERVICES)))
	rm -rf $(DESTDIR)$(DOCDIR)

clean:
	rm -rf $(BUILD)

.PHONY: all unit units tools fuzzers fuzz hardening benches bench-place bench-fs bench-create \
	bench-scale bench-isolation deps demo check check-long asan tiny tsan valgrind format lint \
	install uninstall clean FORCE
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
