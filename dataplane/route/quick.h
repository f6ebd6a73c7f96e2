/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The usual spellings, read in a few nanoseconds. Each function either reads what stands there
 * exactly as the careful reader of sip/ would, or says "not usual" and leaves it to that one; the
 * tests hold the two against each other.
 *
 * These do not validate: the first Via and Route were checked by the parser, and a later Via counts
 * only if the MAC over its parts verifies.
 */

#include <string.h>

#include <strowger/likely.h>
#include <strowger/sip.h>

#include "dataplane/sip/plain.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Byte by byte: the shortest ones, and where there is no SIMD. */
static inline bool stw_quick_ipv4_bytes(const char *p, size_t len, struct stw_ip *out)
{
	uint8_t b[4];
	uint32_t value = 0, digits = 0, n = 0;

	if (len < 7 || len > 15)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint32_t c = (uint8_t)p[i] - (uint32_t)'0';

		if (c <= 9) {
			if (digits++ > 0 && value == 0)
				return false; /* a leading zero */
			value = value * 10 + c;
		} else {
			if (p[i] != '.' || digits == 0 || value > 255 || n == 3)
				return false;
			b[n++] = (uint8_t)value;
			value = 0;
			digits = 0;
		}
	}
	if (n != 3 || digits == 0 || value > 255)
		return false;
	b[3] = (uint8_t)value;
	*out = stw_ip_from_v4(b);
	return true;
}

#if defined(__SSE2__)

static inline uint32_t stw_quick_load32(const char *p)
{
	uint32_t word;

	memcpy(&word, p, 4);
	return word;
}

/* Values of four groups of digits, each in the high bytes of its word and zeros below. */
static inline __m128i stw_quick_decimals(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	__m128i w =
		_mm_and_si128(_mm_set_epi32((int)d, (int)c, (int)b, (int)a), _mm_set1_epi8(0x0f));
	__m128i tens = _mm_and_si128(w, _mm_set1_epi16(0xff));
	__m128i others = _mm_srli_epi16(w, 8); /* hundreds, ones */

	return _mm_add_epi32(_mm_madd_epi16(tens, _mm_set1_epi32(10 << 16)),
			     _mm_madd_epi16(others, _mm_set1_epi32(1 << 16 | 100)));
}

/** A dotted IPv4 address of exactly @len bytes. @return false: not usual */
static inline bool stw_quick_ipv4(const char *p, size_t len, struct stw_ip *out)
{
	if (len < 8 || len > 15)
		return stw_quick_ipv4_bytes(p, len, out);
	const int beyond = 8 * (16 - (int)len);
	__m128i front = _mm_loadl_epi64((const __m128i *)(const void *)p);
	__m128i back = _mm_srl_epi64(_mm_loadl_epi64((const __m128i *)(const void *)(p + len - 8)),
				     _mm_cvtsi32_si128(beyond));
	__m128i text = _mm_unpacklo_epi64(front, back);
	__m128i value = _mm_sub_epi8(text, _mm_set1_epi8('0'));
	uint32_t digits = (uint32_t)_mm_movemask_epi8(
		_mm_cmpeq_epi8(_mm_min_epu8(value, _mm_set1_epi8(9)), value));
	uint32_t zeros = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('0')));
	uint32_t dots = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('.')));
	uint32_t pairs = digits & digits >> 1, starts = dots << 1 | 1;
	uint32_t last = dots & (dots - 1), end = 1u << len;

	last &= last - 1; /* the third dot and whatever follows */
	if ((digits | dots) != end - 1 || last == 0 || (last & (last - 1)) != 0 ||
	    (starts & (dots | end)) != 0 ||	 /* an empty group */
	    (pairs & pairs >> 2) != 0 ||	 /* four digits */
	    (starts & zeros & digits >> 1) != 0) /* a leading zero */
		return false;
	uint32_t dot1 = (uint32_t)__builtin_ctz(dots), dot3 = (uint32_t)__builtin_ctz(last);
	uint32_t dot2 = (uint32_t)__builtin_ctz(dots & (dots - 1));
	uint32_t rest = 8 * (4 - ((uint32_t)len - dot3 - 1));
	__m128i octets =
		stw_quick_decimals(stw_quick_load32(p) << 8 * (4 - dot1),
				   stw_quick_load32(p + dot1) >> 8 << 8 * (5 - (dot2 - dot1)),
				   stw_quick_load32(p + dot2) >> 8 << 8 * (5 - (dot3 - dot2)),
				   stw_quick_load32(p + len - 4) >> rest << rest);
	if (_mm_movemask_epi8(_mm_cmpgt_epi32(octets, _mm_set1_epi32(255))) != 0)
		return false;
	octets = _mm_packs_epi32(octets, octets);
	uint32_t bytes = (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(octets, octets));
	*out = stw_ip_from_v4(&bytes);
	return true;
}

#else

/** A dotted IPv4 address of exactly @len bytes. @return false: not usual */
static inline bool stw_quick_ipv4(const char *p, size_t len, struct stw_ip *out)
{
	return stw_quick_ipv4_bytes(p, len, out);
}

#endif

/** Four bytes at @p with letters in lower case. */
static inline uint32_t stw_quick_word(const char *p)
{
	uint32_t word;

	memcpy(&word, p, 4);
	return word | 0x20202020u;
}

#define STW_QUICK_WORD(a, b, c, d) \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

#if defined(__SSE2__)

/* Of the sixteen places from @p on, one where @word stands. Twenty-three bytes are read. */
static inline bool stw_quick_has8_of16(const char *p, const char word[8])
{
	__m128i first = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i last = _mm_loadu_si128((const __m128i *)(const void *)(p + 7));
	uint32_t both = (uint32_t)_mm_movemask_epi8(
		_mm_and_si128(_mm_cmpeq_epi8(first, _mm_set1_epi8(word[0])),
			      _mm_cmpeq_epi8(last, _mm_set1_epi8(word[7]))));

	for (; stw_unlikely(both != 0); both &= both - 1)
		if (memcmp(p + __builtin_ctz(both), word, 8) == 0)
			return true;
	return false;
}

#endif

/** Whether the eight bytes @word stand anywhere in the @len bytes at @p. */
static inline bool stw_quick_has8(const char *p, size_t len, const char word[8])
{
	size_t i = 0;

#if defined(__SSE2__)
	for (; i + 23 <= len; i += 16)
		if (stw_quick_has8_of16(p + i, word))
			return true;
	if (i > 0) /* the last places once more, with those before them */
		return stw_quick_has8_of16(p + len - 23, word);
#endif
	for (; len >= 8 && i <= len - 8; i++)
		if (memcmp(p + i, word, 8) == 0)
			return true;
	return false;
}

#if defined(__SSE2__)

#define STW_QUICK_VIA_MAX 128u
#define STW_QUICK_HOST	  32u /* so long may a host and its colon be */

/* The bytes among 64 that end a part of a usual Via, ';', and those that are in none: blanks,
 * quotes, commas and, which costs nobody anything, exclamation marks. */
static inline uint64_t stw_quick_ends(const char *p)
{
	uint64_t ends = 0;

	for (int i = 0; i < 4; i++) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
		__m128i blank = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8('"')), x);
		__m128i comma = _mm_cmpeq_epi8(x, _mm_set1_epi8(','));
		__m128i semicolon = _mm_cmpeq_epi8(x, _mm_set1_epi8(';'));
		__m128i any = _mm_or_si128(_mm_or_si128(blank, comma), semicolon);

		ends |= (uint64_t)(uint32_t)_mm_movemask_epi8(any) << 16 * i;
	}
	return ends;
}

/* The bits of @map in [from, to), 0 <= from < to <= 128. */
static inline void stw_quick_within(uint64_t map[2], uint32_t from, uint32_t to)
{
	uint64_t last = ~0ull >> (-to & 63); /* the bits of the last word that has some */

	if (from >= 64) {
		map[0] = 0;
		map[1] = map[1] >> (from - 64) << (from - 64);
	} else {
		map[0] = map[0] >> from << from;
	}
	if (to > 64) {
		map[1] &= last;
	} else {
		map[0] &= last;
		map[1] = 0;
	}
}

/* Take the first bit out. @return where it was, @none when there is none */
static inline uint32_t stw_quick_take(uint64_t map[2], uint32_t none)
{
	int word = map[0] == 0;
	uint64_t bits = map[word];

	if (bits == 0)
		return none;
	map[word] = bits & (bits - 1);
	return (uint32_t)word * 64 + (uint32_t)__builtin_ctzll(bits);
}

/* Where the first colon of @len bytes is, at most STW_QUICK_HOST, which may be read; or @len. */
static inline uint32_t stw_quick_colon(const char *p, uint32_t len)
{
	const __m128i colon = _mm_set1_epi8(':');
	__m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + 16));
	uint64_t bits = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(a, colon)) |
			(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(b, colon)) << 16 | 1ull << len;

	return (uint32_t)__builtin_ctzll(bits);
}

/* Four digits. @return false: others among them */
static inline bool stw_quick_four(const char *p, uint32_t *out)
{
	uint32_t x = stw_quick_load32(p) ^ 0x30303030u;

	if (((x + 0x76767676u) | x) & 0x80808080u)
		return false;
	x = (x * 10 + (x >> 8)) & 0x00ff00ffu;
	*out = (x * 100 + (x >> 16)) & 0xffffu;
	return true;
}

static inline bool stw_quick_port(const char *p, size_t len, uint16_t *out)
{
	uint32_t value = 0;

	if (len == 4 && stw_quick_four(p, &value) && value > 0) {
		*out = (uint16_t)value;
		return true;
	}
	value = 0;
	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint32_t c = (uint8_t)p[i] - (uint32_t)'0';

		if (c > 9)
			return false;
		value = value * 10 + c;
	}
	*out = (uint16_t)value;
	return value > 0 && value <= UINT16_MAX;
}

/* One parameter of a Via, from the byte after its semicolon. @return false: not usual */
static inline bool stw_quick_via_param(const char *buf, uint32_t from, uint32_t to,
				       struct stw_sip_via *via)
{
	const char *p = buf + from;
	uint32_t len = to - from;

	if (len < 4)
		return len > 0;
	switch (stw_quick_word(p)) {
	case STW_QUICK_WORD('b', 'r', 'a', 'n'):
		if (len < 8 || (p[4] | 0x20) != 'c' || (p[5] | 0x20) != 'h' || p[6] != '=' ||
		    via->branch.len != 0)
			return false;
		via->branch = (struct stw_span){(uint16_t)(from + 7), (uint16_t)(len - 7)};
		return true;
	case STW_QUICK_WORD('r', 'p', 'o', 'r'):
		if (len < 5 || (p[4] | 0x20) != 't' || (len > 5 && p[5] != '=') || len == 6 ||
		    via->rport_param.len != 0)
			return false;
		via->rport_param = (struct stw_span){(uint16_t)(from - 1), (uint16_t)(len + 1)};
		via->rport = (struct stw_span){(uint16_t)(len > 5 ? from + 6 : to),
					       (uint16_t)(len > 5 ? len - 6 : 0)};
		return len == 5 || stw_quick_port(p + 6, len - 6, &via->rport_value);
	case STW_QUICK_WORD('r', 'e', 'c', 'e'):
		if (len < 10 || stw_quick_word(p + 4) != STW_QUICK_WORD('i', 'v', 'e', 'd') ||
		    p[8] != '=' || p[9] == '[' || via->received_param.len != 0)
			return false;
		via->received_param = (struct stw_span){(uint16_t)(from - 1), (uint16_t)(len + 1)};
		via->received = (struct stw_span){(uint16_t)(from + 9), (uint16_t)(len - 9)};
		return true;
	case STW_QUICK_WORD('m', 'a', 'd', 'd'): return false;
	default: return true;
	}
}

/*
 * From the host on: "host", "host:port", plain parameters, nothing quoted or spaced.
 *
 * @param base   of the window in @buf
 * @param start  of the host in the window
 * @param ends   of the window; used up
 * @param limit  where the window's bits end
 * @return where in the window the parameters end, 0: not usual
 */
static inline uint32_t stw_quick_via_rest(const char *buf, uint32_t base, uint32_t start,
					  uint64_t ends[2], uint32_t limit, struct stw_sip_via *out)
{
	const char *p = buf + base;
	uint32_t at = stw_quick_take(ends, limit);

	if (at - start > STW_QUICK_HOST)
		return 0;
	uint32_t host = start + stw_quick_colon(p + start, at - start);
	out->host = (struct stw_span){(uint16_t)(base + start), (uint16_t)(host - start)};
	if (host == start || p[start] == '[' ||
	    (host < at && !stw_quick_port(p + host + 1, at - host - 1, &out->port)))
		return 0;
	while (at < limit && p[at] == ';') {
		uint32_t next = stw_quick_take(ends, limit);

		if (!stw_quick_via_param(buf, base + at + 1, base + next, out))
			return 0;
		at = next;
	}
	return at;
}

/**
 * A Via of one element, "SIP/2.0/UDP host", "host:port", plain parameters, nothing quoted or
 * spaced.
 *
 * @param readable  bytes of @buf that may be read
 */
static inline bool stw_quick_via(const char *buf, uint32_t readable, struct stw_span value,
				 struct stw_sip_via *out)
{
	static const char protocol[] = "SIP/2.0/UDP ";
	const uint32_t skip = sizeof(protocol) - 1;
	uint32_t from = value.off + skip, len = value.len - skip;
	uint32_t window = len > 64 ? STW_QUICK_VIA_MAX : 64;
	uint64_t ends[2] = {0, 0};

	if (value.len < skip + 1 || len > STW_QUICK_VIA_MAX || readable < window ||
	    readable < from + STW_QUICK_HOST || memcmp(buf + value.off, protocol, skip) != 0)
		return false;
	/* All below are offsets into the window, which ends with what may be read at the latest. */
	uint32_t base = readable - from < window ? readable - window : from;
	uint32_t start = from - base, end = start + len;
	ends[0] = stw_quick_ends(buf + base);
	if (window > 64)
		ends[1] = stw_quick_ends(buf + base + 64);
	stw_quick_within(ends, start, end);
	*out = (struct stw_sip_via){.all = value, .protocol = {value.off, (uint16_t)(skip - 1)}};
	return stw_quick_via_rest(buf, base, start, ends, end, out) == end;
}

/* "Via: " or "v: " in any case. @return its bytes, 0: another name, or not one blank */
static inline uint32_t stw_quick_via_name(const char *p)
{
	bool compact = p[1] == ':';
	bool via = compact ? (p[0] | 0x20) == 'v'
			   : p[3] == ':' && stw_quick_word(p) == STW_QUICK_WORD('v', 'i', 'a', ':');
	uint32_t len = compact ? 3 : 5;

	return via && p[len - 1] == ' ' ? len : 0;
}

/* The same of a line; where the CPU reads it faster this is not called (stw_via_line()). */
__attribute__((noinline, unused)) static bool
stw_quick_via_line(const char *buf, uint32_t readable, uint32_t off, struct stw_sip_via *out)
{
	static const char protocol[] = "SIP/2.0/UDP ";
	uint64_t ends[2];

	if (readable < off + STW_NEXT_VIA_WINDOW)
		return false;
	const uint32_t name = stw_quick_via_name(buf + off);
	const uint32_t from = off + name + (uint32_t)sizeof(protocol) - 1;
	if (name == 0 || memcmp(buf + off + name, protocol, sizeof(protocol) - 1) != 0)
		return false;
	const char *p = buf + from;
	ends[0] = stw_quick_ends(p);
	ends[1] = stw_quick_ends(p + 64);
	*out = (struct stw_sip_via){.protocol = {(uint16_t)(off + name), 11}};
	uint32_t end = stw_quick_via_rest(buf, from, 0, ends, STW_QUICK_VIA_MAX, out);
	if (end == 0 || end == STW_QUICK_VIA_MAX || p[end] != '\r' || p[end + 1] != '\n' ||
	    p[end + 2] == ' ' || p[end + 2] == '\t')
		return false;
	out->all = (struct stw_span){(uint16_t)(off + name), (uint16_t)(from + end - off - name)};
	return true;
}

#else

static inline bool stw_quick_via(const char *buf, uint32_t readable, struct stw_span value,
				 struct stw_sip_via *out)
{
	(void)buf, (void)readable, (void)value, (void)out;
	return false;
}

static inline bool stw_quick_via_line(const char *buf, uint32_t readable, uint32_t off,
				      struct stw_sip_via *out)
{
	(void)buf, (void)readable, (void)off, (void)out;
	return false;
}

#endif

/**
 * The Via line at @off, if it is as most are written: "Via: SIP/2.0/UDP " or "v: SIP/2.0/UDP ", the
 * name in any case, one element, no fold. Its end is found with its parts.
 *
 * @param out  all, host, branch, received, maddr, port and rport_value
 */
static inline bool stw_via_line(const char *buf, uint32_t readable, uint32_t off,
				struct stw_sip_via *out)
{
	return readable >= off + STW_NEXT_VIA_WINDOW &&
	       (stw_next_hop.via_line(buf, off, out) ||
		stw_quick_via_line(buf, readable, off, out));
}

/**
 * The next line of a header that stands on several.
 *
 * @param letter  STW_SIP_LETTER() of its name's first, long and compact
 * @param line    in: line->end; out: the line found
 */
static inline bool stw_line_of(const char *buf, const struct stw_sip_msg *m,
			       enum stw_sip_header header, uint32_t letter,
			       struct stw_sip_line *line)
{
	if (!(m->repeated >> header & 1))
		return false;
	while (stw_sip_line_among(buf, m, letter, line))
		if (line->header == header)
			return true;
	return false;
}

/** A Via element, by whichever way. @param readable bytes of @buf */
static inline int stw_via_read(const char *buf, uint32_t readable, struct stw_span value,
			       struct stw_sip_via *out)
{
	if (stw_quick_via(buf, readable, value, out))
		return STW_OK;
	return stw_sip_via_parse(buf, value, out);
}
