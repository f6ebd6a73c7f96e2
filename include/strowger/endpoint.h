/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A transport address. IPv4 is kept as an IPv4-mapped IPv6 address (RFC 4291 s2.5.5.2), so that one
 * comparison serves both families and a table has one kind of key.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum stw_transport {
	STW_TRANSPORT_UDP = 0,
	STW_TRANSPORT_TCP = 1,
	STW_TRANSPORT_TLS = 2,
	STW_TRANSPORT_WS = 3,
	STW_TRANSPORT_WSS = 4,
	STW_TRANSPORT_SCTP = 5,
	STW_TRANSPORT_OTHER = 255, /* a token we do not know: kept by whoever forwards it */
};

struct stw_ip {
	uint8_t b[16]; /* network byte order; IPv4 as ::ffff:a.b.c.d */
};

struct stw_endpoint {
	struct stw_ip ip;
	uint16_t port;	   /* host byte order; 0 is "not given" */
	uint8_t transport; /* enum stw_transport */
	uint8_t reserved;  /* zero, so that endpoints compare and hash as bytes */
};

_Static_assert(sizeof(struct stw_endpoint) == 20, "hashed and compared as bytes");

static const uint8_t stw_ip4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/** The address whose four network-order bytes are at @v4. */
static inline struct stw_ip stw_ip_from_v4(const void *v4)
{
	struct stw_ip ip;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	/* In one store: a reader of any part or all of it must not wait for two. */
	typedef uint64_t pair __attribute__((vector_size(16)));
	uint32_t a;
	pair w;

	memcpy(&a, v4, sizeof(a));
	w = (pair){0, (uint64_t)a << 32 | 0xffff0000u};
	memcpy(ip.b, &w, sizeof(ip.b));
#else
	memcpy(ip.b, stw_ip4_prefix, sizeof(stw_ip4_prefix));
	memcpy(ip.b + sizeof(stw_ip4_prefix), v4, 4);
#endif
	return ip;
}

/** The address whose sixteen network-order bytes are at @v6. */
static inline struct stw_ip stw_ip_from_v6(const void *v6)
{
	struct stw_ip ip;
	memcpy(ip.b, v6, sizeof(ip.b));
	return ip;
}

/** True for an IPv4 (mapped) address. */
static inline bool stw_ip_is_v4(const struct stw_ip *ip)
{
	/* By hand: for twelve bytes compilers make a call, or two branches. */
	uint32_t mapped, prefix;
	uint64_t zero;

	memcpy(&zero, ip->b, sizeof(zero));
	memcpy(&mapped, ip->b + 8, sizeof(mapped));
	memcpy(&prefix, stw_ip4_prefix + 8, sizeof(prefix));
	return (zero | (mapped ^ prefix)) == 0;
}

static inline bool stw_ip_equal(const struct stw_ip *a, const struct stw_ip *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool stw_endpoint_equal(const struct stw_endpoint *a, const struct stw_endpoint *b)
{
	uint64_t x[2], y[2];

	/* In words: of 20 bytes compilers make a call, and this is asked several times a message.
	 * Port and transport as they were stored, so that the loads need not wait for the stores.
	 */
	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (uint64_t)(a->port ^ b->port) |
		(uint64_t)(a->transport ^ b->transport)) == 0;
}

/** Longest text of an endpoint: "[" + 45 + "]:65535" + NUL. */
#define STW_ENDPOINT_TEXT 56

/**
 * Read an IP address in text, IPv4 dotted or IPv6 (no brackets, no zone). Not NUL-terminated.
 *
 * @param out  on STW_OK only
 * @return STW_OK or STW_EMALFORMED
 *
 * Threads: any. Fast path: yes. RFC: 3261 s25.1 IPv4address, IPv6address; 5118
 */
int stw_ip_parse(const char *text, size_t len, struct stw_ip *out);

/**
 * Read "192.0.2.1:5060", "[2001:db8::1]:5060" or either without the port.
 *
 * @param default_port  taken when no port is given
 * @param out           on STW_OK only; transport is UDP
 * @return STW_OK, STW_EMALFORMED (not an address), STW_ERANGE (port not in 1..65535)
 */
int stw_endpoint_parse(const char *text, size_t len, uint16_t default_port,
		       struct stw_endpoint *out);

/**
 * Write an IP address; IPv6 per RFC 5952, without brackets.
 *
 * @param out  at least 46 bytes; not NUL-terminated
 * @return bytes written, 7..45
 *
 * Fast path: yes (used in Via and received).
 */
size_t stw_ip_format(const struct stw_ip *ip, char *out);

/**
 * Write "ip:port" as a SIP hostport (brackets around IPv6), NUL-terminated.
 *
 * @param out  STW_ENDPOINT_TEXT bytes
 * @return bytes written without the NUL
 */
size_t stw_endpoint_format(const struct stw_endpoint *ep, char *out);
