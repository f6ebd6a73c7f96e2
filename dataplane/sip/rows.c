/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/rows.h"

#include <string.h>

#include "dataplane/sip/chars.h"

struct stw_hdr_row stw_hdr_rows[1 << STW_HDR_HASH_BITS];
struct stw_hdr_columns stw_hdr_columns;
_Alignas(64) uint8_t stw_spread[128][64];
struct stw_method_row stw_method_rows[1 << STW_METHOD_HASH_BITS];

static uint64_t first_eight(const void *text)
{
	uint64_t first;
	memcpy(&first, text, sizeof(first));
	return first;
}

/* @lower: at least 16 bytes, the name in lower case, a colon, a blank; @len without the blank. */
static bool add_column(enum stw_sip_header header, const char *lower, size_t len)
{
	struct stw_hdr_columns *t = &stw_hdr_columns;
	uint32_t key = (uint32_t)(uint8_t)lower[0] | (uint32_t)(uint8_t)lower[1] << 8;
	size_t row = key * (uint32_t)STW_HDR_COLUMNS_HASH >> 28;

	if (t->len[row] != 0)
		return false;
	t->len[row] = (uint32_t)len;
	t->header[row] = 1u << header;
	for (size_t i = 0; i <= len; i++) {
		size_t shift = i % 4 * 8;
		t->text[i / 4][row] |= (uint32_t)(uint8_t)lower[i] << shift;
		*(i < len ? &t->name[i / 4][row] : &t->blank[i / 4][row]) |= 0xffu << shift;
	}
	return true;
}

static bool add_name(enum stw_sip_header header, const char *name)
{
	char line[16] = {0};
	size_t len = name ? strlen(name) : 0;

	if (len == 0)
		return true; /* no compact form */
	memcpy(line, name, len);
	line[len++] = ':';
	struct stw_hdr_row *row = &stw_hdr_rows[stw_hdr_hash(first_eight(line))];
	if (row->len != 0)
		return false;
	row->mix = (uint8_t)(header ^ STW_N_HOT_HEADERS);
	row->len = (uint8_t)len;
	for (size_t i = 0; i < sizeof(line); i++) {
		row->fold[i] = stw_is(line[i], STW_C_ALPHA) ? 0x20 : 0;
		row->mask[i] = i < len ? 0xff : 0;
		row->text[i] = (uint8_t)(line[i] | row->fold[i]);
	}
	if (len == 8 && (header == STW_HDR_CONTACT || header == STW_HDR_EXPIRES))
		return true;
	char lower[16];
	memcpy(lower, row->text, sizeof(lower));
	lower[len] = ' ';
	return add_column(header, lower, len);
}

static bool add_method(enum stw_sip_method method, const char *name)
{
	char text[16] = {0};

	memcpy(text, name, strlen(name));
	struct stw_method_row *row = &stw_method_rows[stw_method_hash(first_eight(text))];
	if (row->len != 0)
		return false;
	memcpy(row->text, text, sizeof(text));
	row->method = (uint8_t)method;
	row->len = (uint8_t)strlen(name);
	return true;
}

bool stw_hdr_rows_init(void)
{
	bool ok = true;

	for (int c = 0; c < 128; c++)
		memset(stw_spread[c], c, sizeof(stw_spread[c]));
	memset(stw_hdr_rows, 0, sizeof(stw_hdr_rows));
	memset(stw_method_rows, 0, sizeof(stw_method_rows));
	memset(&stw_hdr_columns, 0, sizeof(stw_hdr_columns));
	for (size_t i = 0; i < sizeof(stw_hdr_rows) / sizeof(stw_hdr_rows[0]); i++)
		memset(stw_hdr_rows[i].text, 0xff, 16); /* masked input is 0 */
#define X(id, text, compact) \
	ok = add_name(STW_HDR_##id, text) && add_name(STW_HDR_##id, compact) && ok;
	STW_SIP_HOT_HEADERS(X)
#undef X
#define X(name) ok = add_method(STW_METHOD_##name, #name) && ok;
	STW_SIP_METHODS(X)
#undef X
	return ok;
}
