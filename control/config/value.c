/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/value.h"

#include <ctype.h>
#include <string.h>

#include <strowger/endpoint.h>
#include <strowger/errors.h>

#include "control/config/conf.h"
#include "control/config/message.h"

#define SIP_PORT 5060

/* A reader returns NULL on success, else what is wrong beyond "must be ...". */
static const char not_that[] = "";

static bool read_digits(const char *text, unsigned base, uint64_t *out)
{
	uint64_t v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned digit = (unsigned)*text - '0';

		if (digit >= base || v > (UINT64_MAX - digit) / base)
			return false;
		v = v * base + digit;
	}
	*out = v;
	return true;
}

static void store_uint(void *at, size_t size, uint64_t v)
{
	uint8_t u8 = (uint8_t)v;
	uint16_t u16 = (uint16_t)v;
	uint32_t u32 = (uint32_t)v;

	memcpy(at, size == 1 ? (void *)&u8 : size == 2 ? (void *)&u16 : (void *)&u32, size);
}

static uint64_t load_uint(const void *at, size_t size)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;

	if (size == 1)
		return memcpy(&u8, at, 1), u8;
	if (size == 2)
		return memcpy(&u16, at, 2), u16;
	return memcpy(&u32, at, 4), u32;
}

static const char *read_uint(const struct stw_opt *row, const char *text, void *at)
{
	uint64_t v;

	if (!read_digits(text, 10, &v) || v < row->min || v > row->max)
		return not_that;
	store_uint(at, row->size, v);
	return NULL;
}

static const char *read_octal(const struct stw_opt *row, const char *text, void *at)
{
	uint64_t v;

	if (strncmp(text, "0o", 2) == 0)
		text += 2;
	if (!read_digits(text, 8, &v) || v & ~row->max)
		return not_that;
	store_uint(at, row->size, v);
	return NULL;
}

static const char *read_bool(const char *text, bool *at)
{
	static const char *const words[2][3] = {{"false", "no", "off"}, {"true", "yes", "on"}};

	for (size_t v = 0; v < 2; v++) {
		for (size_t i = 0; i < 3; i++) {
			if (strcasecmp(text, words[v][i]) == 0) {
				*at = v == 1;
				return NULL;
			}
		}
	}
	return not_that;
}

/* Word @i of "a|b|c" in @out. */
static const char *choice(const char *choices, size_t i, char *out, size_t len)
{
	for (; i > 0; i--) {
		choices = strchr(choices, '|');
		if (!choices)
			return NULL;
		choices++;
	}
	size_t n = strcspn(choices, "|");

	snprintf(out, len, "%.*s", (int)n, choices);
	return out;
}

static const char *read_choice(const struct stw_opt *row, const char *text, void *at)
{
	char word[32];
	uint64_t v;

	for (size_t i = 0; choice(row->choices, i, word, sizeof(word)); i++) {
		if (strcmp(text, word) != 0)
			continue;
		if (row->type == STW_OPT_ENUM)
			store_uint(at, row->size, i);
		else if (read_digits(word, 10, &v))
			store_uint(at, row->size, v);
		return NULL;
	}
	return not_that;
}

static const char *read_name(const struct stw_opt *row, const char *text, char *at)
{
	size_t n = strlen(text);

	if (n == 0 || n >= row->size)
		return not_that;
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
			return not_that;
	}
	memcpy(at, text, n + 1);
	return NULL;
}

static const char *read_text(const struct stw_opt *row, const char *text, char *at)
{
	size_t n = strlen(text);

	if (n < row->min || n > row->max || n >= row->size)
		return not_that;
	if (row->type == STW_OPT_PATH && *text != '/')
		return not_that;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return "control characters have no place in it";
	}
	memcpy(at, text, n + 1);
	return NULL;
}

static const char *read_endpoint(const struct stw_opt *row, const char *text,
				 struct stw_endpoint *at)
{
	struct stw_endpoint ep;
	uint16_t port = row->max ? (uint16_t)row->max : SIP_PORT;
	int err = stw_endpoint_parse(text, strlen(text), port, &ep);

	if (err == STW_ERANGE)
		return "the port must be 1..65535";
	if (err != STW_OK)
		return "host names are not resolved here, and IPv6 with a port stands in brackets";
	*at = ep;
	return NULL;
}

static const char *read_prefix(const char *text, struct stw_model_prefix *at)
{
	const char *slash = strchr(text, '/');
	struct stw_model_prefix p;
	uint64_t bits;

	if (!slash)
		return "the prefix length is missing";
	if (stw_ip_parse(text, (size_t)(slash - text), &p.ip) != STW_OK)
		return not_that;
	unsigned most = stw_ip_is_v4(&p.ip) ? 32 : 128;

	if (!read_digits(slash + 1, 10, &bits) || bits > most)
		return most == 32 ? "the prefix length must be 0..32"
				  : "the prefix length must be 0..128";
	p.bits = (uint8_t)bits;
	*at = p;
	return NULL;
}

static const char *read_target(const char *text, struct stw_conf_target *at)
{
	struct stw_conf_target t = {.is_default = strcmp(text, "default") == 0};
	const char *why = t.is_default ? NULL : read_prefix(text, &t.prefix);

	if (!why)
		*at = t;
	return why;
}

static bool has_host_bits(const struct stw_model_prefix *p)
{
	unsigned first = p->bits + (stw_ip_is_v4(&p->ip) ? 96u : 0u);

	for (unsigned i = first; i < 128; i++)
		if (p->ip.b[i / 8] >> (7 - i % 8) & 1)
			return true;
	return false;
}

static const char *read_network(const char *text, struct stw_model_prefix *at)
{
	struct stw_model_prefix p;

	if (stw_ip_parse(text, strlen(text), &p.ip) == STW_OK) {
		p.bits = stw_ip_is_v4(&p.ip) ? 32 : 128;
	} else {
		const char *why = strchr(text, '/') ? read_prefix(text, &p) : not_that;

		if (why)
			return why;
	}
	if (has_host_bits(&p))
		return "bits are set behind the prefix length";
	*at = p;
	return NULL;
}

static const char *read_ports(const char *text, struct stw_model_port_range *at)
{
	const char *dash = strchr(text, '-');
	char first[8] = "";
	uint64_t from, to;

	if (dash && (size_t)(dash - text) < sizeof(first))
		memcpy(first, text, (size_t)(dash - text));
	if (!read_digits(dash ? first : text, 10, &from) ||
	    !read_digits(dash ? dash + 1 : text, 10, &to) || from == 0 || to > UINT16_MAX)
		return not_that;
	if (from > to)
		return "the first is above the last";
	*at = (struct stw_model_port_range){(uint16_t)from, (uint16_t)to};
	return NULL;
}

static const char *read_token(const struct stw_opt *row, const char *text, char *at)
{
	size_t n = strlen(text);

	if (n == 0 || n >= row->size)
		return not_that;
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)text[i]) && !strchr("-.!%*_+`'~", text[i]))
			return not_that;
	}
	memcpy(at, text, n + 1);
	return NULL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* @n pairs of hex digits, with @sep between them unless it is NUL. */
static const char *read_hex(const char *text, size_t n, char sep, uint8_t *at)
{
	uint8_t bytes[32];

	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit(text[0]);
		int lo = hi < 0 ? -1 : hex_digit(text[1]);

		if (lo < 0)
			return not_that;
		bytes[i] = (uint8_t)(hi << 4 | lo);
		text += 2;
		if (sep && i + 1 < n && *text++ != sep)
			return not_that;
	}
	if (*text)
		return not_that;
	memcpy(at, bytes, n);
	return NULL;
}

static const char *read_key(const char *text, uint8_t *at)
{
	uint8_t key[STW_SECRET_BYTES];
	const char *why = read_hex(text, sizeof(key), '\0', key);

	if (why)
		return why;
	if (memcmp(key, key + 1, sizeof(key) - 1) == 0)
		return "one byte repeated can be guessed: take what openssl rand -hex 16 prints";
	memcpy(at, key, sizeof(key));
	return NULL;
}

static const char *read_any(const struct stw_opt *row, const char *text, void *at)
{
	switch (row->type) {
	case STW_OPT_UINT: return read_uint(row, text, at);
	case STW_OPT_OCTAL: return read_octal(row, text, at);
	case STW_OPT_BOOL: return read_bool(text, at);
	case STW_OPT_ENUM:
	case STW_OPT_CHOICE: return read_choice(row, text, at);
	case STW_OPT_NAME: return read_name(row, text, at);
	case STW_OPT_TEXT:
	case STW_OPT_PATH: return read_text(row, text, at);
	case STW_OPT_ENDPOINT: return read_endpoint(row, text, at);
	case STW_OPT_ADDRESS:
		return stw_ip_parse(text, strlen(text), at) == STW_OK ? NULL : not_that;
	case STW_OPT_PREFIX: return read_prefix(text, at);
	case STW_OPT_TARGET: return read_target(text, at);
	case STW_OPT_NETWORK: return read_network(text, at);
	case STW_OPT_PORTS: return read_ports(text, at);
	case STW_OPT_TOKEN: return read_token(row, text, at);
	case STW_OPT_MAC: return read_hex(text, row->size, ':', at);
	case STW_OPT_KEY: return read_key(text, at);
	case STW_OPT_SECTION:
	case STW_OPT_LIST:
	case STW_OPT_ADVICE: break;
	}
	return not_that;
}

bool stw_value_read(const struct stw_opt *row, const char *text, void *at, char *why,
		    size_t why_len)
{
	char may[160], quoted[64];
	const char *wrong = read_any(row, text, at);

	if (!wrong)
		return true;
	stw_schema_describe(row, may, sizeof(may));
	/* A key that is nearly right does not belong into a log. */
	snprintf(why, why_len, "%s must be %s%s%s%s%s%s", stw_schema_key(row), may,
		 *wrong ? " (" : "", wrong, *wrong ? ")" : "",
		 row->type == STW_OPT_KEY ? "" : ", got ",
		 row->type == STW_OPT_KEY ? ""
		 : *text		  ? stw_report_quote(text, quoted)
					  : "nothing");
	return false;
}

static void write_prefix(const struct stw_model_prefix *p, char *out)
{
	size_t n = stw_ip_format(&p->ip, out);

	snprintf(out + n, STW_VALUE_TEXT - n, "/%u", p->bits);
}

static void write_hex(const uint8_t *bytes, size_t n, const char *sep, char *out)
{
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, STW_VALUE_TEXT - at, "%s%02x", i ? sep : "",
				       bytes[i]);
}

void stw_value_write(const struct stw_opt *row, const void *at, char out[STW_VALUE_TEXT])
{
	const struct stw_model_port_range *range = at;
	const struct stw_conf_target *target = at;

	out[0] = '\0';
	switch (row->type) {
	case STW_OPT_UINT:
	case STW_OPT_CHOICE:
		snprintf(out, STW_VALUE_TEXT, "%u", (unsigned)load_uint(at, row->size));
		break;
	case STW_OPT_OCTAL:
		snprintf(out, STW_VALUE_TEXT, "%04o", (unsigned)load_uint(at, row->size));
		break;
	case STW_OPT_BOOL:
		snprintf(out, STW_VALUE_TEXT, "%s", *(const bool *)at ? "true" : "false");
		break;
	case STW_OPT_ENUM:
		if (!choice(row->choices, load_uint(at, row->size), out, STW_VALUE_TEXT))
			out[0] = '\0';
		break;
	case STW_OPT_NAME:
	case STW_OPT_TEXT:
	case STW_OPT_TOKEN:
	case STW_OPT_PATH: snprintf(out, STW_VALUE_TEXT, "%s", (const char *)at); break;
	case STW_OPT_ENDPOINT: stw_endpoint_format(at, out); break;
	case STW_OPT_ADDRESS: out[stw_ip_format(at, out)] = '\0'; break;
	case STW_OPT_NETWORK:
	case STW_OPT_PREFIX: write_prefix(at, out); break;
	case STW_OPT_PORTS:
		snprintf(out, STW_VALUE_TEXT, range->first == range->last ? "%u" : "%u-%u",
			 range->first, range->last);
		break;
	case STW_OPT_TARGET:
		if (target->is_default)
			snprintf(out, STW_VALUE_TEXT, "default");
		else
			write_prefix(&target->prefix, out);
		break;
	case STW_OPT_MAC: write_hex(at, row->size, ":", out); break;
	case STW_OPT_KEY: write_hex(at, row->size, "", out); break;
	case STW_OPT_SECTION:
	case STW_OPT_LIST:
	case STW_OPT_ADVICE: break;
	}
}
