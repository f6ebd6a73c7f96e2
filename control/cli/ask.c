/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "control/cli/show.h"

char *stw_file_read(const char *path, size_t max, size_t *len)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *f = standard ? stdin : fopen(path, "rb");
	char *text = f ? malloc(max + 1) : NULL;

	if (!text) {
		fprintf(stderr, "strowgerctl: %s: %s\n", path, strerror(errno));
		if (f && !standard)
			fclose(f);
		return NULL;
	}
	*len = fread(text, 1, max + 1, f);
	bool bad = ferror(f) || *len > max;
	int why = errno;
	if (!standard)
		fclose(f);
	if (!bad) {
		text[*len] = '\0';
		return text;
	}
	if (*len > max)
		fprintf(stderr, "strowgerctl: %s: longer than %zu bytes: is it the right file?\n",
			path, max);
	else
		fprintf(stderr, "strowgerctl: %s: %s\n", path, strerror(why));
	free(text);
	return NULL;
}

json_t *stw_ask_message(const void *bytes, size_t len, const char *from, const char *to)
{
	unsigned char *text = malloc(len / 3 * 4 + 8);

	if (!text)
		return NULL;
	int n = EVP_EncodeBlock(text, bytes, (int)len);
	json_t *o = json_pack("{s:s#, s:s?, s:s?}", "base64", (const char *)text, n, "from", from,
			      "to", to);
	free(text);
	return o;
}

void stw_ask_message_text(const json_t *result, char *out, size_t size)
{
	const json_t *m = json_object_get(result, "message");

	if (json_object_get(m, "status"))
		snprintf(out, size, "%s %s (%s)", stw_text(m, "status"), stw_text(m, "reason"),
			 stw_text(m, "method"));
	else
		snprintf(out, size, "%s %s", stw_text(m, "method"), stw_text(m, "uri"));
}

static void forward_text(const json_t *v, char *out, size_t size)
{
	if (json_is_string(json_object_get(v, "member")))
		snprintf(out, size, "forward to %s (%s) by %s", stw_text(v, "member"),
			 stw_text(v, "to"), stw_text(v, "how"));
	else
		snprintf(out, size, "forward to %s by %s", stw_text(v, "to"), stw_text(v, "how"));
}

/* What the workers leave to control, by the kernel. */
static void to_control_text(const json_t *v, char *out, size_t size)
{
	if (json_is_string(json_object_get(v, "name")))
		snprintf(out, size, "resolve %s first", stw_text(v, "name"));
	else
		snprintf(out, size, "leave it to the kernel, for %s", stw_text(v, "for"));
}

void stw_ask_verdict_text(const json_t *result, char *out, size_t size)
{
	const json_t *v = json_object_get(result, "verdict");
	const char *action = stw_text(v, "action");

	if (!json_is_true(json_object_get(result, "decided")))
		snprintf(out, size, "not decided: %s", stw_text(result, "why_not"));
	else if (strcmp(action, "forward") == 0)
		forward_text(v, out, size);
	else if (strcmp(action, "answer") == 0)
		snprintf(out, size, "answer %s %s", stw_text(v, "status"), stw_text(v, "phrase"));
	else if (strcmp(action, "resolve") == 0)
		to_control_text(v, out, size);
	else
		snprintf(out, size, "drop: %s (%s)", stw_text(v, "reason"), stw_text(v, "help"));
}

unsigned char *stw_ask_bytes(const json_t *base64, size_t *len)
{
	const char *text = json_string_value(base64);
	size_t n_text = json_string_length(base64);
	unsigned char *bytes = n_text && n_text % 4 == 0 ? malloc(n_text / 4 * 3 + 1) : NULL;

	if (!bytes)
		return NULL;
	int n = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)n_text);
	for (size_t i = 1; n > 0 && i <= 2 && text[n_text - i] == '='; i++)
		n--; /* the decoder counts the padding */
	if (n >= 0) {
		*len = (size_t)n;
		return bytes;
	}
	free(bytes);
	return NULL;
}

/* @return columns it took */
static size_t put_wire(unsigned char c)
{
	if (c >= 0x20 && c < 0x7f) {
		putchar(c);
		return 1;
	}
	return (size_t)printf("\\x%02x", c);
}

void stw_print_wire(const unsigned char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\r' && i + 1 < len && text[i + 1] == '\n')
			continue;
		if (text[i] == '\n' || text[i] == '\t')
			putchar(text[i]);
		else
			put_wire(text[i]);
	}
}

size_t stw_print_wire_line(const unsigned char *text, size_t len, size_t off)
{
	size_t column = 0, at = 0;

	for (size_t i = 0; i < len; i++) {
		if (i == off)
			at = column;
		if (text[i] == '\r' && i + 1 == len)
			break;
		column += put_wire(text[i]);
	}
	return off < len ? at : column;
}
