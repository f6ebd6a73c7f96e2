/* SPDX-License-Identifier: BSD-3-Clause */
/* What the searches for a Call-ID share: what becomes of a line that is worth a look. */
#include <string.h>

#include <strowger/sip.h>

#define BLOCK 64u

/* As far as the next CR or LF: by whoever includes this, each in its way. */
static inline size_t line_length(const char *p, const char *end);

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool ends_line(char c)
{
	return c == '\r' || c == '\n';
}

static inline uint32_t small4(const char *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word | 0x20202020u;
}

/* Seven bytes, in either case. */
static inline bool is_call_id(const char *p)
{
	return small4(p) == small4("call") && small4(p + 3) == small4("l-id");
}

/* The byte behind "Call-ID" or "i" and its colon; NULL: another header. */
static inline const char *behind_name(const char *p, const char *end)
{
	const size_t len = (*p | 0x20) == 'i' ? 1 : 7;

	if ((size_t)(end - p) <= len || (len == 7 && !is_call_id(p)))
		return NULL;
	for (p += len; p < end && is_blank(*p);)
		p++;
	return p < end && *p == ':' ? p + 1 : NULL;
}

/* The value's, without the blanks around it; @p: behind the colon. It may begin on the next line.
 */
static inline void take_value(const char *buf, const char *p, const char *end, struct stw_span *out)
{
	size_t len;

	while (p < end && (is_blank(*p) || ends_line(*p)))
		p++;
	for (len = line_length(p, end); len > 0 && is_blank(p[len - 1]);)
		len--;
	*out = (struct stw_span){(uint16_t)(p - buf), (uint16_t)len};
}

/* s7.5: the line ends before the start line are not the blank one. */
static inline const char *start_line(const char *p, const char *end)
{
	while (p < end && ends_line(*p))
		p++;
	return p;
}

/* @p: the first byte of a line. @return true when there is no need to look at others */
static inline bool look_at(const char *buf, const char *p, const char *end, struct stw_span *out)
{
	const unsigned c = (unsigned char)*p | 0x20u;
	const char *value;

	if (ends_line(*p))
		return true; /* the body */
	if ((c != 'c' && c != 'i') || (value = behind_name(p, end)) == NULL)
		return false;
	take_value(buf, value, end, out);
	return true;
}
