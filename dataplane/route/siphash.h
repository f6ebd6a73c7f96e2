/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * SipHash (Aumasson, Bernstein 2012) as a keyed hash and a short MAC: 1-3 where a worker hashes
 * each message, 2-4 where time does not count. Inline: a call would cost as much as the hash.
 *
 * A hash over several fields starts with a word that holds a domain number and the fields' lengths
 * (stw_siphash_word()), so that no two different lists of fields are the same input.
 *
 * Threads: any; no state but the caller's.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct stw_sipkey {
	uint64_t k0, k1;
};

struct stw_siphash {
	uint64_t v0, v1, v2, v3;
};

/** The key in 16 bytes, little-endian as in the reference. */
static inline struct stw_sipkey stw_sipkey_from(const uint8_t bytes[16])
{
	struct stw_sipkey key;
	memcpy(&key, bytes, sizeof(key));
	return key;
}

static inline uint64_t stw_siphash_rotl(uint64_t x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void stw_siphash_round(struct stw_siphash *s)
{
	s->v0 += s->v1;
	s->v1 = stw_siphash_rotl(s->v1, 13) ^ s->v0;
	s->v0 = stw_siphash_rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = stw_siphash_rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = stw_siphash_rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = stw_siphash_rotl(s->v1, 17) ^ s->v2;
	s->v2 = stw_siphash_rotl(s->v2, 32);
}

static inline struct stw_siphash stw_siphash_start(struct stw_sipkey key)
{
	struct stw_siphash s = {key.k0 ^ 0x736f6d6570736575u, key.k1 ^ 0x646f72616e646f6du,
				key.k0 ^ 0x6c7967656e657261u, key.k1 ^ 0x7465646279746573u};
	return s;
}

/** Absorb one word with @c rounds (a constant at each call). */
static inline void stw_siphash_word(struct stw_siphash *s, uint64_t word, int c)
{
	s->v3 ^= word;
	for (int i = 0; i < c; i++)
		stw_siphash_round(s);
	s->v0 ^= word;
}

/* The last 0..7 of @n bytes, the length in the top byte, as the reference ends its input. */
static inline uint64_t stw_siphash_tail(const uint8_t *data, size_t n)
{
	size_t rest = n & 7u;
	uint64_t word = 0;

	if (n >= 8 && rest != 0) {
		/* one load that ends with the input, instead of a byte loop */
		memcpy(&word, data + n - 8, 8);
		word >>= 8 * (8 - rest);
	} else {
		for (size_t i = 0; i < rest; i++)
			word |= (uint64_t)data[i] << 8 * i;
	}
	return word | (uint64_t)n << 56;
}

/** Absorb @n bytes, ended as the reference ends its input. */
static inline void stw_siphash_bytes(struct stw_siphash *s, const void *data, size_t n, int c)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 8 <= n; i += 8) {
		uint64_t word;
		memcpy(&word, p + i, 8);
		stw_siphash_word(s, word, c);
	}
	stw_siphash_word(s, stw_siphash_tail(p, n), c);
}

static inline uint64_t stw_siphash_end(struct stw_siphash *s, int d)
{
	s->v2 ^= 0xff;
	for (int i = 0; i < d; i++)
		stw_siphash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/** SipHash-1-3 of @n bytes. Fast path: yes. */
static inline uint64_t stw_siphash13(struct stw_sipkey key, const void *data, size_t n)
{
	struct stw_siphash s = stw_siphash_start(key);
	stw_siphash_bytes(&s, data, n, 1);
	return stw_siphash_end(&s, 3);
}

/** SipHash-2-4 of @n bytes. */
static inline uint64_t stw_siphash24(struct stw_sipkey key, const void *data, size_t n)
{
	struct stw_siphash s = stw_siphash_start(key);
	stw_siphash_bytes(&s, data, n, 2);
	return stw_siphash_end(&s, 4);
}
