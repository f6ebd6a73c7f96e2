/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses in text, both ways; never a NUL needed, never a byte beyond the length read. */
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include <strowger/endpoint.h>
#include <strowger/errors.h>

#include "dataplane/sip/chars.h"

/* One decimal octet without leading zeros; @return its value or -1. */
static int octet(const char **p, const char *end)
{
	const char *s = *p;
	int value = 0;
	while (*p < end && stw_is(**p, STW_C_DIGIT) && *p - s < 3)
		value = value * 10 + (*(*p)++ - '0');
	if (*p == s || value > 255 || (*p - s > 1 && *s == '0'))
		return -1;
	return value;
}

static bool parse_v4(const char *p, const char *end, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		if (i > 0 && (p == end || *p++ != '.'))
			return false;
		int value = octet(&p, end);
		if (value < 0)
			return false;
		out[i] = (uint8_t)value;
	}
	return p == end;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = stw_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One group of 1..4 hex digits; @return its value or -1. */
static int hex_group(const char **p, const char *end)
{
	int value = 0, n = 0;
	for (; *p < end && n < 4; n++, (*p)++) {
		int digit = hex_value(**p);
		if (digit < 0)
			break;
		value = value << 4 | digit;
	}
	return n > 0 ? value : -1;
}

/* The groups before and after "::" are collected in order; @gap is where it stood, -1 for none. */
static bool parse_v6(const char *p, const char *end, uint8_t out[16])
{
	uint8_t b[16] = {0};
	int n = 0, gap = -1;

	if (end - p >= 2 && p[0] == ':' && p[1] == ':') {
		gap = 0;
		p += 2;
	}
	while (p < end) {
		const char *start = p;
		int value = hex_group(&p, end);
		if (value < 0)
			return false;
		if (p < end && *p == '.') { /* the last 32 bits may be dotted */
			if (n > 12 || !parse_v4(start, end, b + n))
				return false;
			n += 4;
			p = end;
			break;
		}
		if (n > 14)
			return false;
		b[n++] = (uint8_t)(value >> 8);
		b[n++] = (uint8_t)value;
		if (p == end)
			break;
		if (*p++ != ':' || p == end)
			return false;
		if (*p == ':') {
			if (gap >= 0)
				return false;
			gap = n;
			p++;
		}
	}
	if (gap < 0 ? n != 16 : n > 14)
		return false;
	memset(out, 0, 16);
	size_t head = gap < 0 ? 16 : (size_t)gap, tail = (size_t)n - (gap < 0 ? 16 : (size_t)gap);
	memcpy(out, b, head);
	memcpy(out + 16 - tail, b + head, tail);
	return true;
}

#if defined(__x86_64__)
/* 7..15 bytes, zero behind; nothing beyond them is read. */
static __m128i load_short(const char *p, size_t n)
{
	uint64_t low, high = 0;
	uint32_t a, b;

	if (n == 7) {
		memcpy(&a, p, 4);
		memcpy(&b, p + 3, 4);
		low = a | (uint64_t)b << 24;
	} else {
		memcpy(&low, p, 8);
		memcpy(&high, p + n - 8, 8);
		high = high >> 1 >> (8 * (16 - n) - 1);
	}
	return _mm_set_epi64x((long long)high, (long long)low);
}

/* An octet of @n bytes at @p, digits all; @p[3] may be read. @return over 255 when it is none */
static uint32_t quick_octet(const char *p, unsigned n)
{
	uint32_t d;

	memcpy(&d, p, 4);
	if (n - 1 >= 3)
		return 256;
	d = (d ^ 0x30303030u) << (32 - 8 * n); /* the last digit on top, nothing below the first */
	uint32_t first = d >> (32 - 8 * n) & 0xff;
	uint32_t value = (d >> 24) + 10 * (d >> 16 & 0xff) + 100 * (d >> 8 & 0xff);
	return n > 1 && first == 0 ? 256 : value;
}

/* Without a loop over the bytes: each would end where a predictor cannot know. */
static bool quick_v4(const char *p, size_t n, uint8_t out[4])
{
	char text[20] = {0};
	__m128i v = load_short(p, n), digit = _mm_xor_si128(v, _mm_set1_epi8('0'));
	unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('.')));
	unsigned digits = (unsigned)_mm_movemask_epi8(
		_mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit));
	unsigned b = dots & (dots - 1), c = b & (b - 1);

	if ((dots | digits) != (1u << n) - 1 || c == 0 || (c & (c - 1)) != 0)
		return false;
	_mm_storeu_si128((__m128i *)text, v);
	unsigned at[5] = {0, (unsigned)__builtin_ctz(dots) + 1, (unsigned)__builtin_ctz(b) + 1,
			  (unsigned)__builtin_ctz(c) + 1, (unsigned)n + 1};
	uint32_t all = 0;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t value = quick_octet(text + at[i], at[i + 1] - at[i] - 1);
		all |= value;
		out[i] = (uint8_t)value;
	}
	return all < 256;
}
#endif

int stw_ip_parse(const char *text, size_t len, struct stw_ip *out)
{
	uint8_t b[16];

#if defined(__x86_64__)
	if (len - 7 <= 8 && quick_v4(text, len, b)) {
		*out = stw_ip_from_v4(b);
		return STW_OK;
	}
#endif
	if (len >= 2 && len <= 45 && memchr(text, ':', len)) {
		if (!parse_v6(text, text + len, b))
			return STW_EMALFORMED;
		memcpy(out->b, b, 16);
		return STW_OK;
	}
	if (len < 7 || len > 15 || !parse_v4(text, text + len, b))
		return STW_EMALFORMED;
	*out = stw_ip_from_v4(b);
	return STW_OK;
}

static int parse_port(const char *p, const char *end, uint16_t *out)
{
	uint32_t value = 0;
	if (p == end)
		return STW_EMALFORMED;
	for (; p < end; p++) {
		if (!stw_is(*p, STW_C_DIGIT))
			return STW_EMALFORMED;
		value = value * 10 + (uint32_t)(*p - '0');
		if (value > 65535)
			return STW_ERANGE;
	}
	if (value == 0)
		return STW_ERANGE;
	*out = (uint16_t)value;
	return STW_OK;
}

int stw_endpoint_parse(const char *text, size_t len, uint16_t default_port,
		       struct stw_endpoint *out)
{
	const char *p = text, *end = text + len, *host_end;
	struct stw_endpoint ep = {.port = default_port, .transport = STW_TRANSPORT_UDP};
	size_t closing = 0;

	if (len == 0)
		return STW_EMALFORMED;
	if (*p == '[') {
		host_end = memchr(p, ']', len);
		if (!host_end)
			return STW_EMALFORMED;
		p++;
		closing = 1;
		if (!memchr(p, ':', (size_t)(host_end - p)))
			return STW_EMALFORMED;
	} else {
		host_end = memchr(p, ':', len);
		/* More than one colon: an IPv6 address without brackets and without port. */
		if (!host_end || memchr(host_end + 1, ':', (size_t)(end - host_end) - 1))
			host_end = end;
	}
	if (stw_ip_parse(p, (size_t)(host_end - p), &ep.ip) != STW_OK)
		return STW_EMALFORMED;
	p = host_end + closing;
	if (p < end) {
		if (*p != ':')
			return STW_EMALFORMED;
		int err = parse_port(p + 1, end, &ep.port);
		if (err)
			return err;
	}
	*out = ep;
	return STW_OK;
}

static char *put_decimal(char *p, unsigned value) /* 0..65535 */
{
	char digits[5];
	int n = 0;
	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (n > 0)
		*p++ = digits[--n];
	return p;
}

static char *put_v4(char *p, const uint8_t *b)
{
	for (int i = 0; i < 4; i++) {
		if (i > 0)
			*p++ = '.';
		p = put_decimal(p, b[i]);
	}
	return p;
}

static char *put_hex(char *p, unsigned value) /* no leading zeros, lower case: RFC 5952 s4.1, 4.3 */
{
	static const char digits[] = "0123456789abcdef";
	bool started = false;
	for (int shift = 12; shift >= 0; shift -= 4) {
		unsigned digit = value >> shift & 15;
		if (digit || started || shift == 0) {
			*p++ = digits[digit];
			started = true;
		}
	}
	return p;
}

/* RFC 5952 s4.2: the longest run of two or more zero groups, the first of equals. */
static int longest_zero_run(const unsigned group[8], int *n_out)
{
	int best = -1, best_n = 1;
	for (int i = 0; i < 8;) {
		int n = 0;
		while (i + n < 8 && group[i + n] == 0)
			n++;
		if (n > best_n) {
			best = i;
			best_n = n;
		}
		i += n > 0 ? n : 1;
	}
	*n_out = best_n;
	return best;
}

size_t stw_ip_format(const struct stw_ip *ip, char *out)
{
	if (stw_ip_is_v4(ip))
		return (size_t)(put_v4(out, ip->b + 12) - out);

	unsigned group[8];
	for (int i = 0; i < 8; i++)
		group[i] = (unsigned)ip->b[2 * i] << 8 | ip->b[2 * i + 1];
	int n_run, run = longest_zero_run(group, &n_run);
	char *p = out;
	for (int i = 0; i < 8; i++) {
		if (i == run) {
			*p++ = ':';
			*p++ = ':';
			i += n_run - 1;
			continue;
		}
		if (i > 0 && i != run + n_run) /* the run has written its own colons */
			*p++ = ':';
		p = put_hex(p, group[i]);
	}
	return (size_t)(p - out);
}

size_t stw_endpoint_format(const struct stw_endpoint *ep, char *out)
{
	char *p = out;
	bool v6 = !stw_ip_is_v4(&ep->ip);
	if (v6)
		*p++ = '[';
	p += stw_ip_format(&ep->ip, p);
	if (v6)
		*p++ = ']';
	*p++ = ':';
	p = put_decimal(p, ep->port);
	*p = '\0';
	return (size_t)(p - out);
}
