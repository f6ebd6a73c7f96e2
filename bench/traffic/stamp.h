/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The mark that tells messages of the generator apart: a header line "X-Stamp: `" and sixteen
 * letters, which are a run's number and the message's. A balancer takes an unknown header along as
 * it is (RFC 3261 s16.3), wherever its own lines move it to; the backquote is nowhere else in the
 * corpus, so finding it is one memchr().
 *
 * Not cryptographic, not for the wire of others. Threads: any.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define STW_STAMP_HEADER  "X-Stamp"
#define STW_STAMP_MARK	  '`'
#define STW_STAMP_LETTERS 16u
/** A value to start with: of run 0, message 0. */
#define STW_STAMP_EMPTY "`aaaaaaaaaaaaaaaa"

struct stw_stamp {
	uint32_t run;
	uint32_t seq;
};

/* The four bits of each hexadecimal digit into a byte of its own, the lowest digit first. */
static inline uint64_t stw_stamp_spread(uint32_t v)
{
	uint64_t x = v;

	x = (x | x << 16) & 0x0000ffff0000ffffu;
	x = (x | x << 8) & 0x00ff00ff00ff00ffu;
	return (x | x << 4) & 0x0f0f0f0f0f0f0f0fu;
}

static inline uint32_t stw_stamp_gather(uint64_t x)
{
	x = (x | x >> 4) & 0x00ff00ff00ff00ffu;
	x = (x | x >> 8) & 0x0000ffff0000ffffu;
	return (uint32_t)(x | x >> 16);
}

/** Write the letters of @s at @at, [STW_STAMP_LETTERS]. */
static inline void stw_stamp_write(uint8_t *at, struct stw_stamp s)
{
	const uint64_t letter_a = 0x6161616161616161u;
	uint64_t words[2] = {stw_stamp_spread(s.run) + letter_a,
			     stw_stamp_spread(s.seq) + letter_a};

	memcpy(at, words, sizeof(words));
}

/** @return false when @at, [STW_STAMP_LETTERS], holds anything but 'a' to 'p' */
static inline bool stw_stamp_read(const uint8_t *at, struct stw_stamp *out)
{
	const uint64_t letter_a = 0x6161616161616161u, high = 0xf0f0f0f0f0f0f0f0u;
	uint64_t words[2];

	memcpy(words, at, sizeof(words));
	words[0] -= letter_a;
	words[1] -= letter_a;
	if (((words[0] | words[1]) & high) != 0)
		return false;
	*out = (struct stw_stamp){stw_stamp_gather(words[0]), stw_stamp_gather(words[1])};
	return true;
}

/** The letters behind the mark in @text; NULL without a whole stamp. */
static inline const uint8_t *stw_stamp_find(const uint8_t *text, size_t len)
{
	const uint8_t *mark = memchr(text, STW_STAMP_MARK, len);

	return mark != NULL && (size_t)(text + len - mark) > STW_STAMP_LETTERS ? mark + 1 : NULL;
}

/**
 * What the letters add to an Internet checksum (RFC 1071) of words loaded as they lie in memory.
 *
 * @param odd  the letters begin at an odd byte of the summed range
 */
static inline uint32_t stw_stamp_sum(const uint8_t *at, bool odd)
{
	uint16_t words[STW_STAMP_LETTERS / 2];
	uint32_t sum = 0;

	memcpy(words, at, sizeof(words));
	for (unsigned i = 0; i < STW_STAMP_LETTERS / 2; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return odd ? (sum >> 8 | sum << 8) & 0xffff : sum;
}
