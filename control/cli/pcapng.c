/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/pcapng.h"

#include <string.h>

#define LINK_RAW    101u
#define OPT_END	    0u
#define OPT_COMMENT 1u
#define OPT_APP	    4u /* of a section: which program wrote it */

/* A block: all in memory first, as its length stands at both ends. */
struct block {
	uint8_t bytes[70000];
	size_t n;
};

static void put(struct block *b, const void *p, size_t n)
{
	if (n > sizeof(b->bytes) - b->n)
		n = sizeof(b->bytes) - b->n;
	memcpy(b->bytes + b->n, p, n);
	b->n += n;
}

static void put32(struct block *b, uint32_t v)
{
	put(b, &v, sizeof(v));
}

static void put16(struct block *b, uint16_t v)
{
	put(b, &v, sizeof(v));
}

static void be16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void pad(struct block *b)
{
	static const uint8_t zero[4];

	put(b, zero, -b->n & 3u);
}

static void option(struct block *b, uint16_t code, const char *text)
{
	size_t len = strlen(text);

	put16(b, code);
	put16(b, (uint16_t)len);
	put(b, text, len);
	pad(b);
}

static bool finish(struct block *b, uint32_t type, FILE *out)
{
	uint32_t head[2] = {type, (uint32_t)(b->n + 12)};

	return fwrite(head, sizeof(head), 1, out) == 1 && fwrite(b->bytes, b->n, 1, out) == 1 &&
	       fwrite(&head[1], sizeof(head[1]), 1, out) == 1;
}

bool stw_pcapng_begin(FILE *out)
{
	static struct block b;

	b.n = 0;
	put32(&b, 0x1a2b3c4d);
	put16(&b, 1);
	put16(&b, 0);
	put32(&b, UINT32_MAX); /* length of the section: not told */
	put32(&b, UINT32_MAX);
	option(&b, OPT_APP, "strowgerctl");
	put32(&b, OPT_END);
	if (!finish(&b, 0x0a0d0d0a, out))
		return false;
	b.n = 0;
	put16(&b, LINK_RAW);
	put16(&b, 0);
	put32(&b, 0); /* no limit */
	return finish(&b, 1, out);
}

static uint16_t ip_checksum(const uint8_t *p)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

/* @return bytes of IP and UDP headers in front of the datagram */
static size_t put_headers(struct block *b, const struct stw_pcapng_packet *p)
{
	uint8_t h[48] = {0};
	size_t ip = stw_ip_is_v4(&p->from.ip) ? 20 : 40;
	uint8_t *udp = h + ip;

	if (ip == 20) {
		h[0] = 0x45;
		be16(h + 2, 28 + p->whole_len);
		h[8] = 64;
		h[9] = 17;
		memcpy(h + 12, p->from.ip.b + 12, 4);
		memcpy(h + 16, p->to.ip.b + 12, 4);
		be16(h + 10, ip_checksum(h));
	} else {
		h[0] = 0x60;
		be16(h + 4, 8 + p->whole_len);
		h[6] = 17;
		h[7] = 64;
		memcpy(h + 8, p->from.ip.b, 16);
		memcpy(h + 24, p->to.ip.b, 16);
	}
	be16(udp, p->from.port);
	be16(udp + 2, p->to.port);
	be16(udp + 4, 8 + p->whole_len);
	put(b, h, ip + 8);
	return ip + 8;
}

bool stw_pcapng_write(FILE *out, const struct stw_pcapng_packet *p)
{
	static struct block b;
	size_t headers = stw_ip_is_v4(&p->from.ip) ? 28 : 48;
	char comment[400];

	if (stw_ip_is_v4(&p->from.ip) != stw_ip_is_v4(&p->to.ip) ||
	    p->whole_len > UINT16_MAX - headers)
		return false;
	b.n = 0;
	put32(&b, 0);
	put32(&b, (uint32_t)(p->unix_us >> 32));
	put32(&b, (uint32_t)p->unix_us);
	put32(&b, (uint32_t)(headers + p->len));
	put32(&b, (uint32_t)(headers + p->whole_len));
	put_headers(&b, p);
	put(&b, p->bytes, p->len);
	pad(&b);
	snprintf(comment, sizeof(comment), "%s", p->comment);
	option(&b, OPT_COMMENT, comment);
	put32(&b, OPT_END);
	return finish(&b, 6, out);
}
