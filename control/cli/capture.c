/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/capture.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_MAX	(1u << 20)
#define INTERFACES_MAX	64u

#define LINK_NULL	0u
#define LINK_ETHERNET	1u
#define LINK_RAW	101u
#define LINK_SLL	113u
#define LINK_IPV4	228u
#define LINK_IPV6	229u
#define LINK_SLL2	276u

#define MAGIC_US	0xa1b2c3d4u
#define MAGIC_NS	0xa1b23c4du
#define PCAPNG		0x0a0d0d0au /* a section header; the same in either order */
#define ORDER		0x1a2b3c4du

#define BLOCK_INTERFACE 1u
#define BLOCK_SIMPLE	3u
#define BLOCK_ENHANCED	6u

struct stw_capture {
	FILE *f;
	bool is_ng;
	bool swapped;
	bool damaged;
	uint32_t links[INTERFACES_MAX]; /* link type of each interface */
	uint32_t n_links;
	uint64_t n, n_fragments, n_others;
	uint8_t block[BLOCK_MAX];
};

static uint32_t in_order(const struct stw_capture *c, uint32_t v)
{
	return c->swapped ? __builtin_bswap32(v) : v;
}

static uint32_t u32(const struct stw_capture *c, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return in_order(c, v);
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* @return false at the end; a part of what was wanted is damage */
static bool take(struct stw_capture *c, void *to, size_t n)
{
	size_t got = fread(to, 1, n, c->f);

	c->damaged |= got != n && got > 0;
	return got == n;
}

static bool damage(struct stw_capture *c)
{
	c->damaged = true;
	return false;
}

/* ---- from a packet to its datagram ---- */

static bool udp(struct stw_capture *c, const uint8_t *p, size_t len, struct stw_datagram *out)
{
	if (len < 8 || be16(p + 4) < 8 || be16(p + 4) > len) {
		c->n_others++;
		return false;
	}
	out->from.port = be16(p);
	out->to.port = be16(p + 2);
	out->bytes = p + 8;
	out->len = be16(p + 4) - 8u;
	return true;
}

static bool ipv4(struct stw_capture *c, const uint8_t *p, size_t len, struct stw_datagram *out)
{
	size_t header = (p[0] & 15u) * 4u, total = be16(p + 2);

	if (header < 20 || total < header || total > len || p[9] != 17) {
		c->n_others++;
		return false;
	}
	if (be16(p + 6) & 0x3fff) {
		c->n_fragments++;
		return false;
	}
	out->from.ip = stw_ip_from_v4(p + 12);
	out->to.ip = stw_ip_from_v4(p + 16);
	return udp(c, p + header, total - header, out);
}

static bool ipv6(struct stw_capture *c, const uint8_t *p, size_t len, struct stw_datagram *out)
{
	size_t payload = be16(p + 4);

	if (len < 40 || payload > len - 40 || p[6] != 17) {
		c->n_fragments += len >= 40 && p[6] == 44;
		c->n_others += len < 40 || p[6] != 44;
		return false;
	}
	out->from.ip = stw_ip_from_v6(p + 8);
	out->to.ip = stw_ip_from_v6(p + 24);
	return udp(c, p + 40, payload, out);
}

static bool ip(struct stw_capture *c, const uint8_t *p, size_t len, struct stw_datagram *out)
{
	if (len >= 20 && p[0] >> 4 == 4)
		return ipv4(c, p, len, out);
	if (len >= 40 && p[0] >> 4 == 6)
		return ipv6(c, p, len, out);
	c->n_others++;
	return false;
}

static bool ethernet(struct stw_capture *c, const uint8_t *p, size_t len, struct stw_datagram *out)
{
	size_t at = 12;

	while (at + 2 <= len && (be16(p + at) == 0x8100 || be16(p + at) == 0x88a8))
		at += 4;
	if (at + 2 > len) {
		c->n_others++;
		return false;
	}
	return ip(c, p + at + 2, len - at - 2, out);
}

static bool packet(struct stw_capture *c, uint32_t link, const uint8_t *p, size_t len,
		   struct stw_datagram *out)
{
	size_t skip = link == LINK_NULL ? 4 : link == LINK_SLL ? 16 : link == LINK_SLL2 ? 20 : 0;

	c->n++;
	*out = (struct stw_datagram){.number = c->n};
	if (link == LINK_ETHERNET)
		return ethernet(c, p, len, out);
	if (len < skip ||
	    (skip == 0 && link != LINK_RAW && link != LINK_IPV4 && link != LINK_IPV6)) {
		c->n_others++;
		return false;
	}
	return ip(c, p + skip, len - skip, out);
}

/* ---- pcap ---- */

/* @return 1: a datagram, 0: something else, -1: the end */
static int next_pcap(struct stw_capture *c, struct stw_datagram *out)
{
	uint8_t header[16];

	if (!take(c, header, sizeof(header)))
		return -1;
	uint32_t len = u32(c, header + 8);
	if (len > sizeof(c->block) || !take(c, c->block, len)) {
		damage(c);
		return -1;
	}
	return packet(c, c->links[0], c->block, len, out);
}

/* ---- pcapng ---- */

/* A section header's byte order; its length was read in ours. */
static bool section(struct stw_capture *c, uint32_t raw_len)
{
	uint8_t rest[16];

	if (!take(c, rest, sizeof(rest)))
		return damage(c);
	uint32_t order;
	memcpy(&order, rest, sizeof(order));
	if (order != ORDER && order != __builtin_bswap32(ORDER))
		return damage(c);
	c->swapped = order != ORDER;
	c->n_links = 0;
	uint32_t len = in_order(c, raw_len);
	if (len < 28 || len % 4 != 0 || len - 24 > sizeof(c->block))
		return damage(c);
	return take(c, c->block, len - 24) || damage(c);
}

static int enhanced(struct stw_capture *c, size_t len, struct stw_datagram *out)
{
	if (len < 20)
		return 0;
	uint32_t interface = u32(c, c->block), captured = u32(c, c->block + 12);
	if (interface >= c->n_links || captured > len - 20) {
		damage(c);
		return -1;
	}
	return packet(c, c->links[interface], c->block + 20, captured, out);
}

static int simple(struct stw_capture *c, size_t len, struct stw_datagram *out)
{
	if (len < 4 || c->n_links == 0)
		return 0;
	uint32_t captured = u32(c, c->block);
	return packet(c, c->links[0], c->block + 4, captured < len - 4 ? captured : len - 4, out);
}

static int next_ng(struct stw_capture *c, struct stw_datagram *out)
{
	uint32_t head[2];

	if (!take(c, head, sizeof(head)))
		return -1;
	if (head[0] == PCAPNG)
		return section(c, head[1]) ? 0 : -1;
	uint32_t type = in_order(c, head[0]), len = in_order(c, head[1]);
	if (len < 12 || len % 4 != 0 || len - 8 > sizeof(c->block) || !take(c, c->block, len - 8)) {
		damage(c);
		return -1;
	}
	len -= 12; /* without the length that ends it */
	if (type == BLOCK_INTERFACE && len >= 8 && c->n_links < INTERFACES_MAX) {
		uint16_t link;

		memcpy(&link, c->block, sizeof(link));
		c->links[c->n_links++] = c->swapped ? __builtin_bswap16(link) : link;
	}
	if (type == BLOCK_ENHANCED)
		return enhanced(c, len, out);
	return type == BLOCK_SIMPLE ? simple(c, len, out) : 0;
}

/* ---- */

static bool begin(struct stw_capture *c)
{
	uint32_t magic, rest[5];

	if (!take(c, &magic, sizeof(magic)))
		return false;
	if (magic == PCAPNG) {
		uint32_t len;

		c->is_ng = true;
		return take(c, &len, sizeof(len)) && section(c, len);
	}
	uint32_t plain = __builtin_bswap32(magic);
	c->swapped = plain == MAGIC_US || plain == MAGIC_NS;
	if (!c->swapped && magic != MAGIC_US && magic != MAGIC_NS)
		return false;
	if (!take(c, rest, sizeof(rest)))
		return false;
	c->links[0] = in_order(c, rest[4]) & 0x0fffffff;
	c->n_links = 1;
	return true;
}

struct stw_capture *stw_capture_new(FILE *f, char *reason, size_t reason_len)
{
	struct stw_capture *c = calloc(1, sizeof(*c));

	if (!c) {
		snprintf(reason, reason_len, "out of memory");
		return NULL;
	}
	c->f = f;
	if (begin(c))
		return c;
	snprintf(reason, reason_len, "no capture: pcap or pcapng is wanted");
	free(c);
	return NULL;
}

bool stw_capture_next(struct stw_capture *c, struct stw_datagram *out)
{
	int rc;

	do
		rc = c->is_ng ? next_ng(c, out) : next_pcap(c, out);
	while (rc == 0);
	return rc > 0;
}

uint64_t stw_capture_n_fragments(const struct stw_capture *c)
{
	return c->n_fragments;
}

uint64_t stw_capture_n_others(const struct stw_capture *c)
{
	return c->n_others;
}

bool stw_capture_damaged(const struct stw_capture *c)
{
	return c->damaged;
}

void stw_capture_free(struct stw_capture *c)
{
	free(c);
}
