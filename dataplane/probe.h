/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * USDT probes at the edges of the stages, in builds with -Dtracing=true (Debian's
 * systemtap-sdt-dev): one nop each until somebody listens, nothing at all in other builds.
 *
 *     bpftrace -e 'usdt:/usr/sbin/strowger-dataplane:strowger:routed { @live = hist(arg1); }'
 *
 * Arguments: the worker's index, and how many messages go on from there.
 */

#ifdef STW_TRACING
#include <sys/sdt.h>
#define STW_PROBE(edge, w, n) DTRACE_PROBE2(strowger, edge, (w)->index, n)
#else
#define STW_PROBE(edge, w, n) ((void)0)
#endif
