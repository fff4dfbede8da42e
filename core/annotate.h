/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lock annotations that clang checks with -Wthread-safety; nothing under gcc.
 *
 * C has no way to name "the lock of the struct that holds this field" in an attribute, so a
 * lock's annotations go through a token: an extern object that stands for the role.
 */
#pragma once

#if defined(__clang__)
#define ANNOTATE(x) __attribute__((x))
#else
#define ANNOTATE(x)
#endif

#define CAPABILITY(name)     ANNOTATE(capability(name))
#define GUARDED_BY(token)    ANNOTATE(guarded_by(token))
#define REQUIRES(...)        ANNOTATE(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) ANNOTATE(requires_shared_capability(__VA_ARGS__))
#define ACQUIRES(...)        ANNOTATE(acquire_capability(__VA_ARGS__))
#define ACQUIRES_SHARED(...) ANNOTATE(acquire_shared_capability(__VA_ARGS__))
#define RELEASES(...)        ANNOTATE(release_capability(__VA_ARGS__))
#define RELEASES_SHARED(...) ANNOTATE(release_shared_capability(__VA_ARGS__))
#define EXCLUDES(...)        ANNOTATE(locks_excluded(__VA_ARGS__))
#define UNCHECKED_LOCKING    ANNOTATE(no_thread_safety_analysis)
