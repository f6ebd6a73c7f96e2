/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/lines.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "dataplane/sip/chars.h"
#include "dataplane/sip/hdr_name.h"

static void note(enum stw_sip_reject *error, uint32_t *error_off, enum stw_sip_reject what,
		 uint32_t off)
{
	if (*error == STW_SIP_ACCEPTED) {
		*error = what;
		*error_off = off;
	}
}

/* NUL may stand in a quoted-pair only: behind an odd number of backslashes. */
static bool is_escaped(const char *buf, uint32_t from, uint32_t i)
{
	uint32_t n = 0;
	while (i - n > from && buf[i - n - 1] == '\\')
		n++;
	return n & 1;
}

/* The byte after the LF that ends the line at @from, folds taken along; @len + 1 when none does. */
static size_t end_of_line(const char *buf, size_t len, uint32_t from)
{
	for (size_t i = from; i < len; i++) {
		if (buf[i] != '\n')
			continue;
		if (i + 1 < len && (buf[i + 1] == ' ' || buf[i + 1] == '\t'))
			continue;
		return i + 1;
	}
	return len + 1;
}

static void check_bytes(const char *buf, uint32_t from, uint32_t end, enum stw_sip_reject *error,
			uint32_t *error_off)
{
	for (uint32_t i = from;; i++) {
		i = (uint32_t)(stw_span_over(buf + i, buf + end, STW_C_TEXT) - buf);
		if (i == end)
			return;
		if (buf[i] == '\r' && i + 1 < end && buf[i + 1] == '\n') {
			i++;
		} else if (buf[i] == '\r' || buf[i] == '\n' ||
			   (buf[i] == '\0' && !is_escaped(buf, from, i))) {
			note(error, error_off, STW_REJECT_STRAY_BYTE, i);
			return;
		}
	}
}

/* Without white space around; nothing but white space is an empty span where it began. */
static struct stw_span trim(const char *buf, uint32_t from, uint32_t end)
{
	const uint32_t start = from;

	while (from < end && stw_is(buf[from], STW_C_LWS))
		from++;
	if (from == end)
		return (struct stw_span){(uint16_t)start, 0};
	while (stw_is(buf[end - 1], STW_C_LWS))
		end--;
	return (struct stw_span){(uint16_t)from, (uint16_t)(end - from)};
}

/* header-name HCOLON: token, SP or HTAB, colon. @return offset after the colon, 0 when bad */
static uint32_t take_name(const char *buf, struct stw_sip_line *line, enum stw_sip_reject *error,
			  uint32_t *error_off)
{
	const char *from = buf + line->off, *end = buf + line->end;
	const char *p = stw_span_over(from, end, STW_C_TOKEN);

	line->name = (struct stw_span){line->off, (uint16_t)(p - from)};
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (line->name.len == 0 || p == end || *p != ':') {
		const char *bad = line->name.len == 0 ? from : p;
		note(error, error_off, STW_REJECT_HEADER_NAME, (uint32_t)(bad - buf));
		line->name.len = 0;
		return 0;
	}
	return (uint32_t)(p - buf) + 1;
}

enum stw_line_kind stw_line_take(const char *buf, size_t len, uint32_t off,
				 struct stw_sip_line *out, enum stw_sip_reject *error,
				 uint32_t *error_off)
{
	out->off = (uint16_t)off;
	if (off < len && buf[off] == '\n') {
		note(error, error_off, STW_REJECT_STRAY_BYTE, off);
		out->end = (uint16_t)(off + 1);
		return STW_LINE_BLANK;
	}
	if (len - off >= 2 && buf[off] == '\r' && buf[off + 1] == '\n') {
		out->end = (uint16_t)(off + 2);
		return STW_LINE_BLANK;
	}
	size_t end = end_of_line(buf, len, off);
	if (end > len) {
		out->end = (uint16_t)len;
		return STW_LINE_UNFINISHED;
	}
	out->end = (uint16_t)end;
	uint32_t value = take_name(buf, out, error, error_off);
	check_bytes(buf, off, (uint32_t)end, error, error_off);
	out->header = STW_HDR_OTHER;
	if (value != 0)
		out->header = stw_hdr_of(buf + out->name.off, out->name.len);
	out->value = trim(buf, value != 0 ? value : off, (uint32_t)end);
	return STW_LINE_HEADER;
}

/* The LF that ends the line at @from of the headers that end at @end, the parser having accepted
 * them: the blank line is behind, so there is a byte. */
static const char *end_of_accepted(const char *from, const char *end)
{
	const char *lf = from - 1;

	do {
		lf = memchr(lf + 1, '\n', (size_t)(end - lf - 1));
	} while (lf[1] == ' ' || lf[1] == '\t');
	return lf;
}

/* The same of a message the parser accepted: nothing is left to be judged. */
static bool take_accepted(const char *buf, const struct stw_sip_msg *m, uint32_t off,
			  struct stw_sip_line *line)
{
	const char *from = buf + off, *lf;

	if (*from == '\r')
		return false;
	lf = end_of_accepted(from, buf + m->body_off);
	const char *p = stw_span_over(from, lf, STW_C_TOKEN);
	line->off = (uint16_t)off;
	line->end = (uint16_t)(lf + 1 - buf);
	line->name = (struct stw_span){(uint16_t)off, (uint16_t)(p - from)};
	line->header = stw_hdr_of(from, line->name.len);
	while (*p != ':')
		p++;
	line->value = trim(buf, (uint32_t)(p + 1 - buf), line->end);
	return true;
}

static bool take(const char *buf, const struct stw_sip_msg *m, uint32_t off,
		 struct stw_sip_line *line)
{
	enum stw_sip_reject ignored = STW_SIP_ACCEPTED;
	uint32_t ignored_off;
	struct stw_sip_line next;

	if (off < m->body_off && m->reject == STW_SIP_ACCEPTED && m->kind >= STW_SIP_REQUEST)
		return take_accepted(buf, m, off, line);
	if (off >= m->body_off ||
	    stw_line_take(buf, m->body_off, off, &next, &ignored, &ignored_off) != STW_LINE_HEADER)
		return false;
	*line = next;
	return true;
}

bool stw_sip_line_first(const char *buf, const struct stw_sip_msg *m, struct stw_sip_line *out)
{
	return take(buf, m, m->headers_off, out);
}

bool stw_sip_line_next(const char *buf, const struct stw_sip_msg *m, struct stw_sip_line *line)
{
	return take(buf, m, line->end, line);
}

#define AS_LETTER(i) ((char)(0x60 | (i))) /* in lower case: what STW_SIP_LETTER() makes of it */

#if defined(__SSE2__)

#define PLACES 16

/* What bytes in lower case are compared with. */
struct letters {
	__m128i each[32];
	unsigned n;
};

static void spread(uint32_t letters, struct letters *out)
{
	for (out->n = 0; letters != 0; letters &= letters - 1)
		out->each[out->n++] = _mm_set1_epi8(AS_LETTER(__builtin_ctz(letters)));
}

/* Of the places from @p on, a bit each, those where a line begins with one of @letters. */
static unsigned lines_at(const char *p, const struct letters *letters)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i before = _mm_loadu_si128((const __m128i *)(const void *)(p - 1));
	__m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
	__m128i among = _mm_setzero_si128();

	for (unsigned i = 0; i < letters->n; i++)
		among = _mm_or_si128(among, _mm_cmpeq_epi8(lower, letters->each[i]));
	among = _mm_and_si128(among, _mm_cmpeq_epi8(before, _mm_set1_epi8('\n')));
	return (unsigned)_mm_movemask_epi8(among);
}

/*
 * Where the first line of [from, end) begins that does so with one of @letters; @end without one.
 * The lines are not walked: how long each is nobody foresees. Before @end there are more than
 * PLACES bytes, as a message that was accepted has the lines it must.
 */
static const char *line_of(const char *from, const char *end, uint32_t letters)
{
	struct letters wanted;
	unsigned found;

	spread(letters, &wanted);
	for (; end - from >= PLACES; from += PLACES)
		if ((found = lines_at(from, &wanted)) != 0)
			return from + __builtin_ctz(found);
	found = lines_at(end - PLACES, &wanted) >> (PLACES - (end - from));
	return found != 0 ? from + __builtin_ctz(found) : end;
}

#else

static bool begins(char c, uint32_t letters)
{
	return (c | 0x20) == AS_LETTER(c & 31) && (letters >> (c & 31) & 1u);
}

static const char *line_of(const char *from, const char *end, uint32_t letters)
{
	while (from < end && !begins(*from, letters))
		from = end_of_accepted(from, end) + 1;
	return from;
}

#endif

bool stw_sip_line_among(const char *buf, const struct stw_sip_msg *m, uint32_t letters,
			struct stw_sip_line *line)
{
	if (m->reject != STW_SIP_ACCEPTED || m->kind < STW_SIP_REQUEST ||
	    line->end + 2u > m->body_off)
		return stw_sip_line_next(buf, m, line);
	const char *blank = buf + m->body_off - 2;

	return take(buf, m, (uint32_t)(line_of(buf + line->end, blank, letters) - buf), line);
}
