/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/records/hep.h"

#include <string.h>

#include "control/records/filter.h"

/* Chunk types of vendor 0. */
enum {
	HEP_FAMILY = 1,
	HEP_PROTOCOL = 2,
	HEP_SRC4 = 3,
	HEP_DST4 = 4,
	HEP_SRC6 = 5,
	HEP_DST6 = 6,
	HEP_SRC_PORT = 7,
	HEP_DST_PORT = 8,
	HEP_SECONDS = 9,
	HEP_MICROSECONDS = 10,
	HEP_TYPE = 11,
	HEP_AGENT = 12,
	HEP_PAYLOAD = 15,
	HEP_CORRELATION = 17,
};

#define HEP_TYPE_SIP 1
#define FAMILY_4     2
#define FAMILY_6     10
#define CHUNK	     6u /* vendor, type, length */

struct writer {
	uint8_t *at, *end;
	bool full;
};

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void chunk(struct writer *w, uint16_t type, const void *bytes, size_t len)
{
	if (w->full || len > UINT16_MAX - CHUNK || (size_t)(w->end - w->at) < CHUNK + len) {
		w->full = true;
		return;
	}
	put16(w->at, 0);
	put16(w->at + 2, type);
	put16(w->at + 4, (uint16_t)(CHUNK + len));
	memcpy(w->at + CHUNK, bytes, len);
	w->at += CHUNK + len;
}

static void chunk8(struct writer *w, uint16_t type, uint8_t v)
{
	chunk(w, type, &v, 1);
}

static void chunk16(struct writer *w, uint16_t type, uint16_t v)
{
	uint8_t b[2];

	put16(b, v);
	chunk(w, type, b, sizeof(b));
}

static void chunk32(struct writer *w, uint16_t type, uint32_t v)
{
	uint8_t b[4];

	put16(b, (uint16_t)(v >> 16));
	put16(b + 2, (uint16_t)v);
	chunk(w, type, b, sizeof(b));
}

static void addresses(struct writer *w, const struct stw_flight *r)
{
	bool v4 = stw_ip_is_v4(&r->from.ip);

	chunk8(w, HEP_FAMILY, v4 ? FAMILY_4 : FAMILY_6);
	chunk8(w, HEP_PROTOCOL, 17);
	if (v4) {
		chunk(w, HEP_SRC4, r->from.ip.b + 12, 4);
		chunk(w, HEP_DST4, r->to.ip.b + 12, 4);
	} else {
		chunk(w, HEP_SRC6, r->from.ip.b, 16);
		chunk(w, HEP_DST6, r->to.ip.b, 16);
	}
	chunk16(w, HEP_SRC_PORT, r->from.port);
	chunk16(w, HEP_DST_PORT, r->to.port);
}

size_t stw_hep_write(uint8_t *out, size_t room, const struct stw_flight *r, uint64_t unix_us,
		     uint32_t node)
{
	struct writer w = {.at = out + 6, .end = out + (room < UINT16_MAX ? room : UINT16_MAX)};
	struct stw_text call_id = stw_flight_header(r, "Call-ID", 'i');

	if (room < 6 || r->n_text == 0 || r->to.port == 0)
		return 0;
	memcpy(out, "HEP3", 4);
	addresses(&w, r);
	chunk32(&w, HEP_SECONDS, (uint32_t)(unix_us / 1000000));
	chunk32(&w, HEP_MICROSECONDS, (uint32_t)(unix_us % 1000000));
	chunk8(&w, HEP_TYPE, HEP_TYPE_SIP);
	chunk32(&w, HEP_AGENT, node);
	if (call_id.len > 0)
		chunk(&w, HEP_CORRELATION, call_id.p, call_id.len);
	chunk(&w, HEP_PAYLOAD, r->text, r->n_text);
	if (w.full)
		return 0;
	put16(out + 4, (uint16_t)(w.at - out));
	return (size_t)(w.at - out);
}
