/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Via elements, URIs and name-addrs in the form nearly everybody writes, by SIMD: one load of up to
 * 128 bytes gives a bit a byte for each class of bytes, and the runs of the grammar are counted in
 * registers, where the lexers of lex.h look at every byte.
 *
 * Optimistic: white space where nobody puts it, escapes, quoted pairs, IPv6 references, long values
 * and all faults make them give up, and the caller takes the careful way. What they accept, that
 * way accepts too, with the same result (test_plain.c compares the two).
 */

#include <strowger/sip.h>

/** Each: true when @out is filled, false when the careful way must decide. Read nothing but @value.
 */
struct stw_plain {
	bool (*via)(const char *buf, struct stw_span value, struct stw_sip_via *out);
	bool (*name_addr)(const char *buf, struct stw_span value, struct stw_sip_name_addr *out);
	bool (*uri)(const char *buf, struct stw_span value, struct stw_sip_uri *out);
};

/* Of the kernel in use; without one for this CPU they always give up. Not RCU: immutable after
 * init. */
extern struct stw_plain stw_plain;

/** Those that always give up. */
extern const struct stw_plain stw_plain_none;

#if defined(__x86_64__)
extern const struct stw_plain stw_plain_avx512;
#endif
