/* SPDX-License-Identifier: BSD-3-Clause */
/* Telephone numbers, RFC 3966 s3. */
#include <strowger/sip_number.h>

#include "dataplane/sip/chars.h"
#include "dataplane/sip/lex.h"

static int hex_digit(char c)
{
	if (stw_is(c, STW_C_DIGIT))
		return c - '0';
	c = stw_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next character, an escape decoded. */
static char take(const char **p, const char *end)
{
	char c = *(*p)++;

	if (c != '%' || end - *p < 2)
		return c;
	int high = hex_digit((*p)[0]), low = hex_digit((*p)[1]);
	if (high < 0 || low < 0)
		return c;
	*p += 2;
	return (char)(high << 4 | low);
}

static bool is_separator(char c)
{
	return c == '-' || c == '.' || c == '(' || c == ')' || c == ' ';
}

/* A digit, or with @local what else a local number is made of. */
static bool is_digit(char c, bool local)
{
	return (c >= '0' && c <= '9') ||
	       (local && (c == '*' || c == '#' || (c >= 'a' && c <= 'f')));
}

bool stw_number_read(const char *text, size_t len, struct stw_number *out)
{
	const char *p = text, *end = text + len;
	bool local = true, any = false;
	uint8_t n = 0;

	while (p < end && *p != ';') {
		char c = take(&p, end);

		if (is_separator(c))
			continue;
		c = stw_lower(c);
		if (c == '+' && n == 0)
			local = false;
		else if (is_digit(c, local))
			any = true;
		else
			return false;
		if (n < STW_NUMBER_MAX)
			out->text[n++] = c;
	}
	out->len = n;
	return any;
}

static bool is_phone(const char *buf, const struct stw_sip_uri *uri)
{
	struct stw_span value;

	return stw_sip_param_find(buf, uri->params, "user", 4, &value) == STW_OK &&
	       STW_CASE_IS(buf + value.off, value.len, "phone");
}

bool stw_sip_uri_number(const char *buf, const struct stw_sip_uri *uri, struct stw_number *out)
{
	const char *user = buf + uri->user.off;

	if (uri->user.len == 0 || uri->scheme == STW_SCHEME_OTHER || uri->scheme == STW_SCHEME_URN)
		return false;
	if (!stw_number_read(user, uri->user.len, out))
		return false;
	return uri->scheme == STW_SCHEME_TEL || out->text[0] == '+' || is_phone(buf, uri);
}
