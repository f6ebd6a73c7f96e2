/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/show.h"

#include <time.h>

#include <strowger/printable.h>

/* Enough for the arguments of one printf. */
#define RING	 16
#define RING_LEN 64

static char *next_buffer(void)
{
	static char ring[RING][RING_LEN];
	static size_t at;
	return ring[at++ % RING];
}

#define SAFE_LEN 1024

static bool is_safe(const char *text)
{
	for (; *text; text++)
		if (stw_unprintable(text))
			return false;
	return true;
}

const char *stw_safe(const char *text)
{
	static char ring[RING][SAFE_LEN];
	static size_t at;
	if (!text)
		return "-";
	if (is_safe(text))
		return text;
	char *out = ring[at++ % RING];
	size_t n = 0;
	while (*text && n + 13 < SAFE_LEN) {
		size_t bad = stw_unprintable(text);
		if (!bad)
			out[n++] = *text++;
		for (; bad > 0; bad--)
			n += (size_t)snprintf(out + n, SAFE_LEN - n, "\\x%02x",
					      (unsigned char)*text++);
	}
	out[n] = '\0';
	return out;
}

const char *stw_text(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	if (json_is_string(v))
		return stw_safe(json_string_value(v));
	if (json_is_boolean(v))
		return json_is_true(v) ? "yes" : "no";
	char *text = next_buffer();
	if (json_is_integer(v))
		snprintf(text, RING_LEN, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_real(v))
		snprintf(text, RING_LEN, "%g", json_real_value(v));
	else
		return "-";
	return text;
}

const char *stw_rate_text(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);
	if (!json_is_number(v))
		return "-";
	double rate = json_number_value(v);
	char *text = next_buffer();
	if (rate >= 999999.5) /* seven digits would make tables wider than 80 columns */
		snprintf(text, RING_LEN, "%.2fM", rate / 1e6);
	else
		snprintf(text, RING_LEN, rate < 100 ? "%.1f" : "%.0f", rate);
	return text;
}

const char *stw_age_text(json_int_t unix_s)
{
	json_int_t age = (json_int_t)time(NULL) - unix_s;
	if (age < 0)
		age = 0;
	char *text = next_buffer();
	if (age < 120)
		snprintf(text, RING_LEN, "%" JSON_INTEGER_FORMAT " s", age);
	else if (age < 7200)
		snprintf(text, RING_LEN, "%" JSON_INTEGER_FORMAT " min", age / 60);
	else if (age < 172800)
		snprintf(text, RING_LEN, "%" JSON_INTEGER_FORMAT " h", age / 3600);
	else
		snprintf(text, RING_LEN, "%" JSON_INTEGER_FORMAT " d", age / 86400);
	return text;
}
