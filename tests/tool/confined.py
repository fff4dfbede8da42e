#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""confined.py UNIT COMMAND...: runs COMMAND as the [Service] of UNIT confines it, without systemd:
privileges, capabilities, umask, system calls, kinds of sockets and namespaces. With libseccomp, as
systemd does it. A setting that it does not know ends it, so that none is left out unseen."""
import ctypes
import errno
import os
import subprocess
import sys

ALLOW = 0x7FFF0000
MASKED_EQUAL, EQUAL, GREATER = 7, 4, 6
CAPABILITIES = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE
SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE""".split()
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
NAMESPACES = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]
# What says how the service is started and ended, or what the test looks at by other means.
ELSEWHERE = """Type ExecStartPre ExecStart ExecStopPost Restart RestartSec StateDirectory
StateDirectoryMode KillMode OOMPolicy TasksMax LimitNOFILE LockPersonality RestrictRealtime
RestrictSUIDSGID SystemCallArchitectures SystemCallErrorNumber""".split()


class Argument(ctypes.Structure):
    _fields_ = [("number", ctypes.c_uint), ("compare", ctypes.c_int),
                ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


class Filter:
    def __init__(self):
        self.lib = ctypes.CDLL("libseccomp.so.2")
        self.lib.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.lib.seccomp_init(ctypes.c_uint32(ALLOW)))
        # Not libseccomp's own: who loads it may lack the privilege not to need it.
        self.lib.seccomp_attr_set(self.context, 3, ctypes.c_uint32(0))

    def deny(self, name, error, *argument):
        number = self.lib.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # not of this machine
        rule = (Argument * 1)(Argument(*argument)) if argument else None
        action = ctypes.c_uint32(0x00050000 | error)
        if self.lib.seccomp_rule_add_array(self.context, action, number, len(argument) and 1, rule):
            sys.exit(f"confined.py: no rule for {name}")

    def load(self):
        if self.lib.seccomp_load(self.context):
            sys.exit("confined.py: the filter cannot be loaded")


def service(unit):
    """The settings of [Service] in order."""
    text, section = open(unit).read().replace("\\\n", " "), None
    for line in text.splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and line and line[0] not in "#;":
            yield line.split("=", 1)


def calls(group):
    """The system calls of a group like @clock."""
    shown = subprocess.run(["systemd-analyze", "syscall-filter", group], check=True, text=True,
                           capture_output=True).stdout
    for word in (line.strip() for line in shown.splitlines()):
        if word.startswith("@") and word != group:
            yield from calls(word)
        elif word and word[0] not in "@#":
            yield word


def keep_capabilities(libc, value):
    wanted = [name.removeprefix("CAP_") for name in value.split()]
    if unknown := set(wanted) - set(CAPABILITIES):
        sys.exit(f"confined.py: no capability {unknown}")
    for number, name in enumerate(CAPABILITIES):
        if name not in wanted and libc.prctl(24, number, 0, 0, 0) != 0:
            sys.exit(f"confined.py: cannot give up CAP_{name}")


def apply(unit):
    libc, rules = ctypes.CDLL(None, use_errno=True), Filter()
    for key, value in service(unit):
        if key == "NoNewPrivileges":
            libc.prctl(38, int(value == "yes"), 0, 0, 0)
        elif key == "UMask":
            os.umask(int(value, 8))
        elif key == "CapabilityBoundingSet":
            keep_capabilities(libc, value)
        elif key == "SystemCallFilter":
            for group in value.removeprefix("~").split():
                for name in calls(group):
                    rules.deny(name, errno.EPERM)
        elif key == "RestrictAddressFamilies":
            allowed = [FAMILIES[name] for name in value.split()]
            for family in set(range(64)) - set(allowed):
                rules.deny("socket", errno.EAFNOSUPPORT, 0, EQUAL, family)
            rules.deny("socket", errno.EAFNOSUPPORT, 0, GREATER, 63)
        elif key == "RestrictNamespaces" and value == "yes":
            rules.deny("setns", errno.EPERM)
            rules.deny("clone3", errno.ENOSYS)
            for flag in NAMESPACES:
                rules.deny("clone", errno.EPERM, 0, MASKED_EQUAL, flag, flag)
                rules.deny("unshare", errno.EPERM, 0, MASKED_EQUAL, flag, flag)
        elif key not in ELSEWHERE:
            sys.exit(f"confined.py: {unit}: {key} is not known here")
    rules.load()


apply(sys.argv[1])
os.execvp(sys.argv[2], sys.argv[2:])
