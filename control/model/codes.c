/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/model/codes.h"

#include <stddef.h>

#define FIRST 200u
#define LAST  699u

static const char *skip_blanks(const char *p)
{
	while (*p == ' ')
		p++;
	return p;
}

/* @return behind the number, NULL: there is none from FIRST to LAST */
static const char *read_code(const char *p, unsigned *out)
{
	unsigned n = 0;

	p = skip_blanks(p);
	for (int digits = 0; digits < 3; digits++, p++) {
		if (*p < '0' || *p > '9')
			return NULL;
		n = n * 10 + (unsigned)(*p - '0');
	}
	*out = n;
	return n >= FIRST && n <= LAST ? skip_blanks(p) : NULL;
}

/* One code or range and the comma behind it. @return NULL: it is none */
static const char *read_range(const char *p, unsigned *from, unsigned *to)
{
	p = read_code(p, from);
	*to = *from;
	if (p && *p == '-')
		p = read_code(p + 1, to);
	if (!p || *to < *from || (*p != '\0' && *p != ','))
		return NULL;
	return *p == ',' ? p + 1 : p;
}

bool stw_codes_valid(const char *text)
{
	unsigned from, to;
	const char *p = text;
	bool comma = true;

	while (*p) {
		p = read_range(p, &from, &to);
		if (!p)
			return false;
		comma = p[-1] == ',';
	}
	return !comma;
}

bool stw_codes_has(const char *text, uint16_t code)
{
	unsigned from, to;
	const char *p = text;

	while (p && *p) {
		p = read_range(p, &from, &to);
		if (p && code >= from && code <= to)
			return true;
	}
	return false;
}
