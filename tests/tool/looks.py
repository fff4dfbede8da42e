#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""looks.py FILE SECONDS: looks at FILE as tar, borg and git do, without a pause: lstat, open, fstat,
read, fstat. Says how often, and fails if two of these told of different versions, though they came
within what a version is held for (PUBLISH_HOLD)."""
import os
import sys
import time

HOLD = 0.3
path, end = sys.argv[1], time.monotonic() + float(sys.argv[2])
looks, versions, torn = 0, set(), 0
while (begun := time.monotonic()) < end:
    told = [os.lstat(path)]
    fd = os.open(path, os.O_RDONLY)
    told.append(os.fstat(fd))
    text = os.read(fd, 1 << 20)
    time.sleep(0.002)
    told.append(os.fstat(fd))
    os.close(fd)
    if time.monotonic() - begun >= HOLD:
        continue
    looks += 1
    versions.add(told[0].st_mtime_ns)
    shown = {(stat.st_size, stat.st_ctime_ns) for stat in told}
    torn += len(shown) > 1 or told[0].st_size != len(text)
print(f"{looks} looks, {len(versions)} versions, {torn} looks at two of them")
sys.exit(torn > 0 or len(versions) < 2)
