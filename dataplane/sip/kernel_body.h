/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The body of a SIMD kernel, included once by each kernel_*.c after its block operations:
 *
 *   struct kb                           64 bytes
 *   kb_load_value(b, buf, off, n, len)  a value of @n bytes; @return how far masks must be shifted
 *   kb_keep(bits, shift, mask)          leaves those that are the value's
 *   kb_eq(b, c)                         bit per byte equal to c
 *   kb_set(b, set)                      bit per byte of a value in @set
 *   kb_lower(b)                         letters in lower case, for what kb_eq() says from then on
 *   kb_control(b)                       bit per byte that is a control, HTAB not among them
 *
 * It works optimistically: whatever is not plainly in order (a fold, a space before a colon, more
 * white space than one blank, a stray byte, any fault at all) makes it give up, and
 * stw_parse_scalar() starts again. So there is one judge of faults, and here only the certainty
 * that there is none. The work does not depend on the order of the headers: names are found by
 * perfect hash, and each step runs for all of them alike, without a branch on which one it is.
 *
 * Nothing is read outside the message: a block that would cross its end is read further back and
 * shifted, or by a mask.
 */

#include <immintrin.h>
#include <string.h>

#include <strowger/likely.h>

#include "dataplane/sip/chars.h"
#include "dataplane/sip/check.h"
#include "dataplane/sip/kernel.h"
#include "dataplane/sip/limits.h"
#include "dataplane/sip/rows.h"
#include "dataplane/sip/sets.h"

#define BLOCK 64u

/* Bits 0..n - 1, n <= 64. */
static inline uint64_t first_bits(unsigned n)
{
#ifdef __BMI2__
	return _bzhi_u64(~0ull, n);
#else
	return n < 64 ? (1ull << n) - 1 : ~0ull;
#endif
}

/* Where the lowest bit is, 64 without one. */
static inline unsigned first_bit(uint64_t bits)
{
#ifdef __BMI__
	return (unsigned)_tzcnt_u64(bits);
#else
	return bits ? (unsigned)__builtin_ctzll(bits) : 64;
#endif
}

#include KERNEL_LINES

/* The message. */
struct source {
	const char *buf;
	uint32_t len;
};

static inline uint64_t load8(const char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof(v));
	return v;
}

#include KERNEL_HEADERS
#include "dataplane/sip/kernel_judge_body.h"

/* What is known of a message between the steps. */
struct work {
	bool sound;
	struct lines lines;
};

/*
 * The first byte of a method in letters: neither STUN nor a line end before the start line, which
 * the lines of a message are found without; nor does a line end follow it.
 */
static inline bool take_lines(const char *buf, uint32_t len, struct lines *lines)
{
	return stw_likely(len >= BLOCK + 2 && len <= UINT16_MAX) &&
	       stw_likely(((uint8_t)buf[0] & 0xc0) != 0 && (uint8_t)buf[1] >= ' ') &&
	       find_lines(buf, len, lines) && lines->n <= stw_limits.max_headers;
}

/* The lines of the message by name. @return false: the scalar kernel must look at it */
static inline bool take_headers(const char *buf, uint32_t len, const struct lines *lines,
				struct stw_sip_msg *m)
{
	memset(m, 0, sizeof(*m));
	m->max_forwards = -1;
	m->content_length = -1;
	m->headers_off = lines->at[0];
	m->body_off = (uint16_t)(lines_blank(lines) + 2);
	m->len = len;
	return set_headers(buf, len, lines, m);
}

/*
 * Each step for all messages: those of one do not wait for each other, while the steps of a message
 * do, and a processor sees less than one message ahead.
 */
static inline void locate(const struct stw_sip_job *jobs, struct work *work, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		work[i].sound = take_lines(jobs[i].buf, jobs[i].len, &work[i].lines);
	for (unsigned i = 0; i < n; i++)
		work[i].sound = work[i].sound &&
				take_headers(jobs[i].buf, jobs[i].len, &work[i].lines, jobs[i].out);
}

/* Content-Length is so long that the byte behind its blank is the seventeenth of the line, and some
 * kernels look at sixteen: judge() sees it. Of an absent one this is the message's first byte. */
static inline bool length_begins(const char *buf, const struct stw_sip_msg *m)
{
	return (uint8_t)buf[m->value[STW_HDR_CONTENT_LENGTH].off] > ' ';
}

void KERNEL_LOCATE(const struct stw_sip_job *jobs, unsigned n)
{
	struct work work[STW_SIP_BURST];

	locate(jobs, work, n);
	for (unsigned i = 0; i < n; i++) {
		if (!work[i].sound || !length_begins(jobs[i].buf, jobs[i].out))
			stw_locate_scalar(jobs[i].buf, jobs[i].len, jobs[i].out);
	}
}

void KERNEL_PARSE(const struct stw_sip_job *jobs, unsigned n)
{
	struct work work[STW_SIP_BURST];

	locate(jobs, work, n);
	for (unsigned i = 0; i < n; i++)
		work[i].sound = work[i].sound && complete(jobs[i].out);
	for (unsigned i = 0; i < n; i++) {
		if (stw_unlikely(!work[i].sound) ||
		    stw_unlikely(!judge(jobs[i].buf, jobs[i].len, jobs[i].out)))
			stw_parse_scalar(jobs[i].buf, jobs[i].len, jobs[i].out);
	}
}
