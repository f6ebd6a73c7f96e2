/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A DNS server on loopback, in the test's own event loop, that knows a few rows. A name without
 * rows does not exist; one with rows of another type only has no data.
 */

#include <arpa/inet.h>
#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <strowger/endpoint.h>

#include "control/model/model.h"
#include "control/resolve/answer.h"

#define FAKE_DNS_ROWS	  48
#define FAKE_DNS_LAST	  8	 /* questions that may be repeated */
#define FAKE_DNS_SERVFAIL 0xffff /* as a row's type: the server fails at this name */

#define FAKE_DNS_FAILS	  "fails" /* as a row's data: the server fails at this name and type */

/* data: "192.0.2.1", "2001:db8::1", "10 5 5060 host.example" (SRV), "1 2 s SIP+D2U host" (NAPTR) */
struct fake_row {
	const char *name;
	uint16_t type;
	uint32_t ttl_s;
	const char *data;
};

struct fake_dns {
	struct ev_loop *loop;
	struct ev_io io;
	struct stw_endpoint address;
	struct fake_row rows[FAKE_DNS_ROWS];
	size_t n_rows;
	unsigned n_asked;
	unsigned n_questions; /* without repetitions, which come when one of us is slow */
	uint16_t last_ids[FAKE_DNS_LAST];
	bool silent; /* takes questions, gives no answer */
};

struct fake_out {
	uint8_t bytes[4096];
	size_t n;
};

static inline void fake_must(bool ok)
{
	if (!ok)
		abort();
}

static inline void fake_put(struct fake_out *o, const void *bytes, size_t n)
{
	fake_must(o->n + n <= sizeof(o->bytes));
	memcpy(o->bytes + o->n, bytes, n);
	o->n += n;
}

static inline void fake_put16(struct fake_out *o, unsigned v)
{
	const uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
	fake_put(o, b, 2);
}

static inline void fake_put32(struct fake_out *o, uint32_t v)
{
	fake_put16(o, v >> 16);
	fake_put16(o, v & 0xffff);
}

static inline void fake_put_string(struct fake_out *o, const char *text, size_t len)
{
	uint8_t n = (uint8_t)len;
	fake_put(o, &n, 1);
	fake_put(o, text, len);
}

/* "." is the root. */
static inline void fake_put_name(struct fake_out *o, const char *name)
{
	while (*name && *name != '.') {
		size_t n = strcspn(name, ".");
		fake_put_string(o, name, n);
		name += n + (name[n] == '.');
	}
	fake_put(o, "", 1);
}

static inline void fake_put_data(struct fake_out *o, const struct fake_row *row)
{
	unsigned a, b, c;
	char x[64], y[256], z[256];
	uint8_t ip[16];

	switch (row->type) {
	case STW_DNS_A:
		fake_must(inet_pton(AF_INET, row->data, ip) == 1);
		fake_put(o, ip, 4);
		break;
	case STW_DNS_AAAA:
		fake_must(inet_pton(AF_INET6, row->data, ip) == 1);
		fake_put(o, ip, 16);
		break;
	case STW_DNS_CNAME: fake_put_name(o, row->data); break;
	case STW_DNS_SRV:
		fake_must(sscanf(row->data, "%u %u %u %255s", &a, &b, &c, y) == 4);
		fake_put16(o, a);
		fake_put16(o, b);
		fake_put16(o, c);
		fake_put_name(o, y);
		break;
	default:
		fake_must(sscanf(row->data, "%u %u %63s %255s %255s", &a, &b, x, y, z) == 5);
		fake_put16(o, a);
		fake_put16(o, b);
		fake_put_string(o, x, strlen(x));
		fake_put_string(o, y, strlen(y));
		fake_put_string(o, "", 0);
		fake_put_name(o, z);
	}
}

static inline void fake_put_record(struct fake_out *o, const char *name, unsigned type,
				   uint32_t ttl_s, const struct fake_row *row)
{
	struct fake_out data = {.n = 0};

	if (row) {
		fake_put_data(&data, row);
	} else { /* SOA: absence is kept for 7 s */
		fake_put_name(&data, "ns.example");
		fake_put_name(&data, "root.example");
		for (int i = 0; i < 4; i++)
			fake_put32(&data, 1);
		fake_put32(&data, 7);
	}
	fake_put_name(o, name);
	fake_put16(o, type);
	fake_put16(o, 1);
	fake_put32(o, ttl_s);
	fake_put16(o, (unsigned)data.n);
	fake_put(o, data.bytes, data.n);
}

/* The answer to a question for @name and @type. */
static inline void fake_answer(const struct fake_dns *f, uint16_t id, const char *name,
			       uint16_t type, struct fake_out *o)
{
	struct fake_out rows = {.n = 0};
	unsigned n = 0, rcode = 3;

	for (size_t i = 0; i < f->n_rows; i++) {
		const struct fake_row *row = &f->rows[i];

		if (strcasecmp(row->name, name) != 0)
			continue;
		const bool fails = strcmp(row->data, FAKE_DNS_FAILS) == 0;

		if (row->type == FAKE_DNS_SERVFAIL || (fails && row->type == type))
			rcode = 2;
		else if (rcode == 3)
			rcode = 0;
		if (row->type != type || fails)
			continue;
		fake_put_record(&rows, name, type, row->ttl_s, row);
		n++;
	}
	fake_put16(o, id);
	fake_put16(o, 0x8180 | rcode);
	fake_put16(o, 1);
	fake_put16(o, n);
	fake_put16(o, n == 0 && rcode != 2);
	fake_put16(o, 0);
	fake_put_name(o, name);
	fake_put16(o, type);
	fake_put16(o, 1);
	fake_put(o, rows.bytes, rows.n);
	if (n == 0 && rcode != 2)
		fake_put_record(o, "example", STW_DNS_SOA, 900, NULL);
}

/* A question that is repeated has the number that it had. */
static inline void fake_count(struct fake_dns *f, uint16_t id)
{
	for (unsigned i = 0; i < FAKE_DNS_LAST && i < f->n_questions; i++)
		if (f->last_ids[i] == id)
			return;
	f->last_ids[f->n_questions++ % FAKE_DNS_LAST] = id;
}

static inline void fake_on_readable(struct ev_loop *loop, struct ev_io *io, int revents)
{
	struct fake_dns *f = io->data;
	struct fake_out out = {.n = 0};
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	uint8_t in[512];
	char name[256] = "";
	size_t at = 12, n = 0;
	ssize_t len = recvfrom(io->fd, in, sizeof(in), 0, (struct sockaddr *)&from, &from_len);

	(void)loop;
	(void)revents;
	if (len < 17)
		return;
	f->n_asked++;
	fake_count(f, (uint16_t)(in[0] << 8 | in[1]));
	if (f->silent)
		return;
	while (in[at] != 0 && at + in[at] + 5u < (size_t)len) {
		n += (size_t)snprintf(name + n, sizeof(name) - n, "%s%.*s", n ? "." : "", in[at],
				      (const char *)in + at + 1);
		at += in[at] + 1u;
	}
	fake_answer(f, (uint16_t)(in[0] << 8 | in[1]), name,
		    (uint16_t)(in[at + 1] << 8 | in[at + 2]), &out);
	if (sendto(io->fd, out.bytes, out.n, 0, (struct sockaddr *)&from, from_len) < 0)
		perror("fake DNS: sendto");
}

/** Serve on a free port of 127.0.0.1: f->address. */
static inline void fake_dns_start(struct fake_dns *f, struct ev_loop *loop)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, len) == 0 &&
		  getsockname(fd, (struct sockaddr *)&a, &len) == 0;

	fake_must(ok);
	memset(f, 0, sizeof(*f));
	f->loop = loop;
	f->address.ip = stw_ip_from_v4(&a.sin_addr);
	f->address.port = ntohs(a.sin_port);
	ev_io_init(&f->io, fake_on_readable, fd, EV_READ);
	f->io.data = f;
	ev_io_start(loop, &f->io);
}

static inline void fake_dns_add(struct fake_dns *f, const char *name, uint16_t type, uint32_t ttl_s,
				const char *data)
{
	fake_must(f->n_rows < FAKE_DNS_ROWS);
	f->rows[f->n_rows++] = (struct fake_row){name, type, ttl_s, data};
}

/** A resolver's configuration that asks it. */
static inline struct stw_model_resolver fake_dns_resolver(struct fake_dns *f)
{
	return (struct stw_model_resolver){.servers = &f->address,
					   .n_servers = 1,
					   .min_ttl_s = 1,
					   .max_ttl_s = 1000,
					   .negative_ttl_s = 60,
					   .max_names = 100};
}

static inline void fake_dns_stop(struct fake_dns *f)
{
	ev_io_stop(f->loop, &f->io);
	close(f->io.fd);
}
