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

/** Bytes from its start on that reading a Via line may touch, whatever they are. */
#define STW_NEXT_VIA_WINDOW 152u

/** What the router reads of each response, in the same manner. */
struct stw_next_hop {
	/**
	 * The Via line at @off as most are written: "Via: SIP/2.0/UDP " or "v: SIP/2.0/UDP ", the
	 * name in any case, one element, no fold.
	 *
	 * @param out  all, host, branch, received, port and rport_value; what else there may be is
	 *             left zero
	 */
	bool (*via_line)(const char *buf, uint32_t off, struct stw_sip_via *out);
	/** An IPv4 address of exactly @len bytes. False: none. */
	bool (*ipv4)(const char *p, size_t len, struct stw_ip *out);
};

/* Of the kernel in use; without one for this CPU they always give up. Not RCU: immutable after
 * init. */
extern struct stw_plain stw_plain;
extern struct stw_next_hop stw_next_hop;

/** Those that always give up. */
extern const struct stw_plain stw_plain_none;
extern const struct stw_next_hop stw_next_hop_none;

#if defined(__x86_64__)
extern const struct stw_plain stw_plain_avx512;
extern const struct stw_next_hop stw_next_hop_avx512;
/* How the parameters it knows begin: branch, rport, received, maddr. Of another file, so that they
 * are compared from memory. */
extern const uint32_t stw_next_hop_names[4];
#endif
