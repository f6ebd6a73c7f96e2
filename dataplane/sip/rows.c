/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sip/rows.h"

#include <string.h>

#include "dataplane/sip/chars.h"
#include "dataplane/sip/sets.h"

struct stw_hdr_row stw_hdr_rows[1 << STW_HDR_HASH_BITS];
struct stw_hdr_columns stw_hdr_columns;
_Alignas(64) uint8_t stw_spread[STW_SPREADS][64];
_Alignas(64) uint8_t stw_set_bits[128];
_Alignas(16) uint8_t stw_name_low[16];
_Alignas(16) uint8_t stw_name_high[16];
struct stw_method_row stw_method_rows[1 << STW_METHOD_HASH_BITS];

static uint64_t first_eight(const void *text)
{
	uint64_t first;
	memcpy(&first, text, sizeof(first));
	return first;
}

static bool set_row(struct stw_hdr_row *row, enum stw_sip_header header, const char *line,
		    size_t len)
{
	if (row->len != 0)
		return false;
	memset(row, 0, sizeof(*row));
	row->header = (uint8_t)header;
	row->len = (uint8_t)len;
	for (size_t i = 0; i < len; i++) {
		row->mask[i] = 0xff;
		row->text[i] = (uint8_t)(line[i] | 0x20); /* no other byte of names changes */
	}
	return true;
}

static void put_byte(uint32_t column[4][16], size_t row, size_t i, uint32_t byte)
{
	if (i < 16)
		column[i / 4][row] |= byte << i % 4 * 8;
}

static bool add_column(const struct stw_hdr_row *name)
{
	struct stw_hdr_columns *t = &stw_hdr_columns;
	uint32_t key = name->text[0] | (uint32_t)name->text[1] << 8;
	size_t row = key * (uint32_t)STW_HDR_COLUMNS_HASH >> 28, len = name->len;

	if (t->len[row] != 0)
		return false;
	t->len[row] = name->len;
	t->header[row] = 1u << name->header;
	for (size_t i = 0; i < len; i++) {
		put_byte(t->text, row, i, name->text[i]);
		put_byte(t->name, row, i, 0xff);
	}
	put_byte(t->text, row, len, ' ');
	put_byte(t->blank, row, len, 0xff);
	put_byte(t->text, row, len + 1, ' ');
	put_byte(t->value, row, len + 1, STW_HDR_FIRST_MASK);
	t->unseen[row] = len + 1 < 16 ? 0 : UINT32_MAX;
	return true;
}

/* A name so short that the bit of the fifth byte may be either stands in two rows. */
static bool add_name(enum stw_sip_header header, const char *name)
{
	char line[16] = {0};
	size_t len = name ? strlen(name) : 0;

	if (len == 0)
		return true; /* no compact form */
	memcpy(line, name, len);
	line[len++] = ':';
	uint64_t first = first_eight(line);
	unsigned row = stw_hdr_hash(first), other = stw_hdr_hash(first | 0x400000000u);
	if (!set_row(&stw_hdr_rows[row], header, line, len) ||
	    (len < 5 && !set_row(&stw_hdr_rows[other], header, line, len)))
		return false;
	return (len == 8 && (header == STW_HDR_CONTACT || header == STW_HDR_EXPIRES)) ||
	       add_column(&stw_hdr_rows[row]);
}

static uint32_t four(const char *text)
{
	uint32_t v;
	memcpy(&v, text, sizeof(v));
	return v;
}

static void set_numbers(struct stw_hdr_columns *t)
{
	t->two = 0xffff;
	t->multiplier = STW_HDR_COLUMNS_HASH;
	t->lower = 0x20202020;
	t->other = (struct stw_hdr_others){
		.contact = {four("cont"), four("act:")},
		.expires = {four("expi"), four("res:")},
		.contact_header = 1u << STW_HDR_CONTACT,
		.expires_header = 1u << STW_HDR_EXPIRES,
		.len = 8,
		.blanks = 0x2020,
		.blank = 0xff,
		.value = STW_HDR_FIRST_MASK << 8,
	};
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

static void spread_bytes(void)
{
	for (unsigned c = 0; c < STW_SPREADS; c++)
		memset(stw_spread[c], (int)c, sizeof(stw_spread[c]));
	for (unsigned c = 0; c < 128; c++) {
		stw_set_bits[c] = stw_is((char)c, STW_C_TOKEN) ? 0 : 0x80;
		for (unsigned set = 0; set < STW_N_SETS; set++)
			stw_set_bits[c] |=
				(uint8_t)((stw_sets[set][c & 15] >> (c >> 4) & 1) << set);
	}
}

/* Tokens have high nibbles 2 to 7: six bits, and one more for the colon. */
static void spread_names(void)
{
	for (unsigned low = 0; low < 16; low++) {
		stw_name_low[low] = (uint8_t)(stw_sets[STW_SET_TOKEN][low] >> 2);
		stw_name_high[low] = (uint8_t)(low >= 2 && low < 8 ? 1u << (low - 2) : 0);
	}
	stw_name_low[':' & 15] |= 0x80;
	stw_name_high[':' >> 4] |= 0x80;
}

bool stw_hdr_rows_init(void)
{
	bool ok = true;

	spread_bytes();
	spread_names();
	memset(stw_hdr_rows, 0, sizeof(stw_hdr_rows));
	memset(&stw_hdr_columns, 0, sizeof(stw_hdr_columns));
	set_numbers(&stw_hdr_columns);
	memset(stw_method_rows, 0, sizeof(stw_method_rows));
	for (size_t i = 0; i < sizeof(stw_hdr_rows) / sizeof(stw_hdr_rows[0]); i++)
		stw_hdr_rows[i].mask[0] = 0xff; /* input with bit 0x20 is not 0 */
#define X(id, text, compact) \
	ok = add_name(STW_HDR_##id, text) && add_name(STW_HDR_##id, compact) && ok;
	STW_SIP_HOT_HEADERS(X)
#undef X
#define X(name) ok = add_method(STW_METHOD_##name, #name) && ok;
	STW_SIP_METHODS(X)
#undef X
	return ok;
}
