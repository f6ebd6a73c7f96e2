/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * NH, the universal hash of UMAC (Black, Halevi, Krawczyk, Krovetz, Rogaway, CRYPTO 1999; RFC 4418)
 * with words of 64 bits: the sum of (a + key)(b + key') over pairs of words, modulo 2^128. Two
 * different inputs of one shape have the same sum under a random key with probability at most
 * 2^-64. The sum is not a MAC: whoever sees sums learns the key. It goes through a pseudo-random
 * function before anybody sees anything of it (mac.h).
 *
 * Each piece of an input has words of the key of its own, so that sums of pieces add up to the sum
 * of the whole, and what several MACs of a message share is summed once. A short piece is taken as
 * a window of fixed size with zeros behind: no loop and no branch depends on its length, which the
 * caller has to include. A longer one is replaced by two SipHashes of it.
 *
 * Threads: any; no state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <strowger/likely.h>

#include "dataplane/route/siphash.h"

/* 128 bits, as compilers for 64-bit machines have them. */
__extension__ typedef unsigned __int128 stw_nh_sum;

#define STW_NH_WINDOW 64u /* bytes, the widest */

/* Ones, then zeros: from STW_NH_WINDOW - n on, a mask for the first n bytes. */
static const uint8_t stw_nh_ones[2 * STW_NH_WINDOW] = {
#define STW_NH_8 255, 255, 255, 255, 255, 255, 255, 255
	STW_NH_8, STW_NH_8, STW_NH_8, STW_NH_8, STW_NH_8, STW_NH_8, STW_NH_8, STW_NH_8,
#undef STW_NH_8
};

static inline uint64_t stw_nh_load(const void *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/** One pair of words. @param key  [2] */
static inline stw_nh_sum stw_nh_pair(const uint64_t key[2], uint64_t a, uint64_t b)
{
	return (stw_nh_sum)(a + key[0]) * (b + key[1]);
}

/* @window bytes at @p, of which @len count. */
static inline stw_nh_sum stw_nh_window(const uint64_t *key, size_t window, const char *p,
				       size_t len)
{
	const uint8_t *mask = stw_nh_ones + STW_NH_WINDOW - len;
	stw_nh_sum sum = 0;

#pragma GCC unroll 4
	for (size_t i = 0; i < window; i += 16)
		sum += stw_nh_pair(key + i / 8, stw_nh_load(p + i) & stw_nh_load(mask + i),
				   stw_nh_load(p + i + 8) & stw_nh_load(mask + i + 8));
	return sum;
}

/* A piece that is longer than its window, or too near the end of the message: one in ten, and not
 * to be made small by the compiler at the cost of its copies. */
__attribute__((noinline, unused)) static stw_nh_sum stw_nh_seldom(const uint64_t *key,
								  const struct stw_sipkey beyond[2],
								  size_t window, const char *p,
								  size_t len)
{
	char copy[STW_NH_WINDOW] = {0};

	if (len > window)
		return (stw_nh_sum)stw_siphash13(beyond[0], p, len) << 64 |
		       stw_siphash13(beyond[1], p, len);
	memcpy(copy, p, len);
	return stw_nh_window(key, window, copy, len);
}

/**
 * A piece of text.
 *
 * @param key       [window / 8]
 * @param beyond    keys for a piece longer than @window
 * @param window    a multiple of 16, at most STW_NH_WINDOW, constant at each call
 * @param readable  whether @window bytes may be read at @p
 */
static inline stw_nh_sum stw_nh_text(const uint64_t *key, const struct stw_sipkey beyond[2],
				     size_t window, const char *p, size_t len, bool readable)
{
	if (stw_unlikely(len > window || !readable))
		return stw_nh_seldom(key, beyond, window, p, len);
	return stw_nh_window(key, window, p, len);
}

/** Words of key that stw_nh_whole() takes for inputs of up to @p max bytes. */
#define STW_NH_WHOLE_KEY(max) (4 + (max) / 16 * 2)

/**
 * An input by itself, of any length. Its last 16 bytes are read as they lie, whatever of them was
 * read before: nothing beyond it is, and of one length no two inputs are the same.
 *
 * @param key  [STW_NH_WHOLE_KEY(len) at least]
 */
static inline stw_nh_sum stw_nh_whole(const uint64_t *key, const char *p, size_t len)
{
	stw_nh_sum sum = stw_nh_pair(key, len, 0);
	char copy[16] = {0};
	const char *last = len < 16 ? memcpy(copy, p, len) : p + len - 16;

	for (size_t i = 0; i + 16 <= len; i += 16)
		sum += stw_nh_pair(key + 4 + i / 8, stw_nh_load(p + i), stw_nh_load(p + i + 8));
	return sum + stw_nh_pair(key + 2, stw_nh_load(last), stw_nh_load(last + 8));
}

/**
 * 64 bits of a sum to spread things by: for tables, not for proofs.
 */
static inline uint64_t stw_nh_spread(stw_nh_sum sum)
{
	uint64_t h = ((uint64_t)sum ^ (uint64_t)(sum >> 64)) * 0x9e3779b97f4a7c15u;

	h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
	return h ^ h >> 32;
}
