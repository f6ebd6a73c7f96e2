/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames by the book and byte by byte: the oracle for what the path writes. */
#include "tests/unit/dataplane/rig.h"

#include <string.h>

static uint8_t *put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
	return at + 2;
}

static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
	for (size_t i = 0; i < len; i++)
		s += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (s >> 16 != 0)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static uint32_t udp_sum(const uint8_t *addresses, size_t len, const uint8_t *udp, size_t udp_len)
{
	uint32_t s = sum(addresses, len, 17 + (uint32_t)(udp_len >> 16) + (udp_len & 0xffff));
	uint32_t c = ~sum(udp, udp_len, s) & 0xffff;

	return c == 0 ? 0xffff : c;
}

static uint8_t *put_ethernet(const struct rig_datagram *d, uint8_t *at)
{
	memcpy(at, d->dst_mac, 6);
	memcpy(at + 6, d->src_mac, 6);
	at += 12;
	if (d->vlan != 0) {
		at = put16(at, 0x8100);
		at = put16(at, d->vlan);
	}
	return put16(at, stw_ip_is_v4(&d->dst.ip) ? 0x0800 : 0x86dd);
}

static uint8_t *put_ipv4(const struct rig_datagram *d, uint8_t *at)
{
	uint8_t *ip = at;

	*at++ = 0x45;
	*at++ = 0;
	at = put16(at, (uint32_t)(28 + d->len));
	at = put16(at, d->ip_id);
	at = put16(at, 0);
	*at++ = d->ttl;
	*at++ = 17;
	at = put16(at, 0);
	memcpy(at, d->src.ip.b + 12, 4);
	memcpy(at + 4, d->dst.ip.b + 12, 4);
	put16(ip + 10, ~sum(ip, 20, 0) & 0xffff);
	return at + 8;
}

static uint8_t *put_ipv6(const struct rig_datagram *d, uint8_t *at)
{
	memcpy(at, "\x60\0\0\0", 4);
	put16(at + 4, (uint32_t)(8 + d->len));
	at[6] = 17;
	at[7] = d->ttl;
	memcpy(at + 8, d->src.ip.b, 16);
	memcpy(at + 24, d->dst.ip.b, 16);
	return at + 40;
}

size_t rig_frame(const struct rig_datagram *d, uint8_t *out)
{
	bool v4 = stw_ip_is_v4(&d->dst.ip);
	uint8_t *ip = put_ethernet(d, out);
	uint8_t *udp = v4 ? put_ipv4(d, ip) : put_ipv6(d, ip);

	put16(udp, d->src.port);
	put16(udp + 2, d->dst.port);
	put16(udp + 4, (uint32_t)(8 + d->len));
	put16(udp + 6, 0);
	memcpy(udp + 8, d->text, d->len);
	put16(udp + 6, udp_sum(ip + (v4 ? 12 : 8), v4 ? 8 : 32, udp, 8 + d->len));
	return (size_t)(udp - out) + 8 + d->len;
}

static size_t put_fragment_v6(uint8_t *ip, uint32_t off, uint32_t len, bool more)
{
	uint8_t next = ip[6];

	put16(ip + 4, 8 + len);
	ip[6] = 44;
	ip[40] = next;
	ip[41] = 0;
	put16(ip + 42, off | more);
	memcpy(ip + 44, "\0\0\1\2", 4);
	return 48;
}

static size_t put_fragment_v4(uint8_t *ip, uint32_t off, uint32_t len, bool more)
{
	put16(ip + 2, 20 + len);
	put16(ip + 6, off / 8 | (more ? 0x2000u : 0));
	put16(ip + 10, 0);
	put16(ip + 10, ~sum(ip, 20, 0) & 0xffff);
	return 20;
}

size_t rig_fragments(const uint8_t *frame, size_t len, uint16_t mtu, uint8_t out[][1600],
		     size_t *lens)
{
	size_t l2 = frame[12] == 0x81 ? 18 : 14;
	bool v4 = frame[l2] >> 4 == 4;
	size_t l3 = v4 ? 20 : 40, whole = len - l2 - l3, n = 0;
	size_t each = (mtu - (v4 ? 20u : 48u)) & ~(size_t)7;

	for (size_t off = 0; off < whole; off += each, n++) {
		size_t part = whole - off < each ? whole - off : each;
		bool more = off + part < whole;
		size_t front;

		memcpy(out[n], frame, l2 + l3);
		front = v4 ? put_fragment_v4(out[n] + l2, (uint32_t)off, (uint32_t)part, more)
			   : put_fragment_v6(out[n] + l2, (uint32_t)off, (uint32_t)part, more);
		memcpy(out[n] + l2 + front, frame + l2 + l3 + off, part);
		lens[n] = l2 + front + part;
	}
	return n;
}
