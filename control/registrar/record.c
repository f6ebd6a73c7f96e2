/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/record.h"

#include <string.h>

#include <strowger/errors.h>

#include "dataplane/route/siphash.h"

#define VERSION 1u

/* Guards against accidents: a row that was damaged must not route a call. */
static const struct stw_sipkey checksum_key = {0x6c6f636174696f6eu, 0x726f77};

/* Of a row: the sum of all after it, then version and count. */
struct head {
	uint64_t sum;
	uint8_t version;
	uint8_t n;
	uint8_t reserved[2];
	uint32_t early_s;
};

/* Of a binding: its numbers, followed by the texts in this order. */
struct fixed {
	struct stw_endpoint source, listener;
	uint64_t created_s, expires_s;
	uint32_t cseq, reg_id;
	uint16_t q;
	uint8_t gone, reserved;
	uint16_t len[5];
	uint16_t padding;
};

_Static_assert(sizeof(struct head) == 16, "no padding on disk");
_Static_assert(sizeof(struct fixed) == 80, "no padding on disk");

bool stw_str_equal(struct stw_str a, struct stw_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static uint64_t sum_of(const uint8_t *row, size_t len)
{
	const size_t from = sizeof(((struct head *)0)->sum);

	return stw_siphash24(checksum_key, row + from, len - from);
}

/* The texts of a binding in the order of the row. */
static void texts_of(struct stw_binding *b, struct stw_str *out[5])
{
	out[0] = &b->uri;
	out[1] = &b->params;
	out[2] = &b->instance;
	out[3] = &b->path;
	out[4] = &b->call_id;
}

static size_t put_binding(const struct stw_binding *binding, uint8_t *out, size_t room)
{
	struct stw_binding b = *binding;
	struct fixed f = {.source = b.source,
			  .listener = b.listener,
			  .created_s = b.created_s,
			  .expires_s = b.expires_s,
			  .cseq = b.cseq,
			  .reg_id = b.reg_id,
			  .q = b.q,
			  .gone = b.gone};
	struct stw_str *text[5];
	size_t at = sizeof(f);

	texts_of(&b, text);
	for (size_t i = 0; i < 5; i++) {
		f.len[i] = text[i]->len;
		if (room < at + text[i]->len)
			return 0;
		memcpy(out + at, text[i]->p ? text[i]->p : "", text[i]->len);
		at += text[i]->len;
	}
	memcpy(out, &f, sizeof(f));
	return at;
}

int stw_record_encode(const struct stw_record *r, uint8_t *out, size_t room, size_t *len)
{
	struct head h = {.version = VERSION, .n = (uint8_t)r->n, .early_s = r->early_s};
	size_t at = sizeof(h);

	if (room < at)
		return STW_ENOSPACE;
	for (size_t i = 0; i < r->n; i++) {
		size_t n = put_binding(&r->b[i], out + at, room - at);

		if (n == 0)
			return STW_ENOSPACE;
		at += n;
	}
	memcpy(out, &h, sizeof(h));
	h.sum = sum_of(out, at);
	memcpy(out, &h.sum, sizeof(h.sum));
	*len = at;
	return STW_OK;
}

static size_t get_binding(const uint8_t *row, size_t left, struct stw_binding *b)
{
	struct stw_str *text[5];
	struct fixed f;
	size_t at = sizeof(f);

	if (left < sizeof(f))
		return 0;
	memcpy(&f, row, sizeof(f));
	*b = (struct stw_binding){.source = f.source,
				  .listener = f.listener,
				  .created_s = f.created_s,
				  .expires_s = f.expires_s,
				  .cseq = f.cseq,
				  .reg_id = f.reg_id,
				  .q = f.q,
				  .gone = f.gone != 0};
	texts_of(b, text);
	for (size_t i = 0; i < 5; i++) {
		if (left - at < f.len[i])
			return 0;
		*text[i] = stw_str((const char *)row + at, f.len[i]);
		at += f.len[i];
	}
	return at;
}

int stw_record_decode(const void *row, size_t len, struct stw_record *out)
{
	uint64_t sum;

	if (len < sizeof(struct head) || len > STW_RECORD_BYTES)
		return STW_EMALFORMED;
	memcpy(&sum, row, sizeof(sum));
	return sum == sum_of(row, len) ? stw_record_read(row, len, out) : STW_EDIGEST;
}

int stw_record_read(const void *bytes, size_t len, struct stw_record *out)
{
	const uint8_t *row = bytes;
	struct head h;
	size_t at = sizeof(h);

	if (len < sizeof(h))
		return STW_EMALFORMED;
	memcpy(&h, row, sizeof(h));
	if (h.version != VERSION)
		return STW_EVERSION;
	if (h.n > STW_RECORD_BINDINGS)
		return STW_EMALFORMED;
	out->early_s = h.early_s;
	for (out->n = 0; out->n < h.n; out->n++) {
		size_t n = get_binding(row + at, len - at, &out->b[out->n]);

		if (n == 0)
			return STW_EMALFORMED;
		at += n;
	}
	return at == len ? STW_OK : STW_EMALFORMED;
}

size_t stw_record_expire(struct stw_record *r, uint64_t now_s)
{
	size_t kept = 0, ended = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (r->b[i].expires_s > now_s)
			r->b[kept++] = r->b[i];
		else
			ended += !r->b[i].gone;
	}
	r->n = kept;
	return ended;
}

uint64_t stw_record_next_expiry(const struct stw_record *r)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < r->n; i++)
		if (r->b[i].expires_s < next)
			next = r->b[i].expires_s;
	return next;
}

size_t stw_record_n_live(const struct stw_record *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += !r->b[i].gone;
	return n;
}
