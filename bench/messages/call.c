/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/messages/call.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const stw_bench_domains[] = {
	"example.com",	     "sip.example.net",	      "ims.mnc001.mcc262.example",
	"voice.example.org", "pbx7.customer.example", NULL};
#define N_DOMAINS (sizeof(stw_bench_domains) / sizeof(stw_bench_domains[0]) - 1)

static const char *const names[] = {"alice", "bob",   "carol.smith", "dispatch", "reception",
				    "fax",   "j.doe", "conference",  "sales-04", "voicemail"};
#define N_NAMES (sizeof(names) / sizeof(names[0]))

/* 198.18.0.0/15; four in five send from 5060, the rest from what a NAT gave them. */
static struct stw_endpoint draw_caller(struct stw_bench_random *r)
{
	uint32_t host = 1 + stw_bench_random_below(r, (1u << 17) - 2);
	uint8_t v4[4] = {198, (uint8_t)(18 + (host >> 16)), (uint8_t)(host >> 8), (uint8_t)host};
	struct stw_endpoint ep = {.ip = stw_ip_from_v4(v4), .transport = STW_TRANSPORT_UDP};

	ep.port = 5060;
	if (stw_bench_random_one_in(r, 5))
		ep.port = (uint16_t)(1024 + stw_bench_random_below(r, 64000));
	return ep;
}

static void draw_user(struct stw_bench_random *r, char *out, size_t room)
{
	if (stw_bench_random_one_in(r, 3))
		snprintf(out, room, "%s", names[stw_bench_random_below(r, N_NAMES)]);
	else
		snprintf(out, room, "+49%u%06u", 30 + stw_bench_random_below(r, 9000),
			 stw_bench_random_below(r, 1000000));
}

static void draw_party(struct stw_bench_random *r, struct stw_bench_party *p)
{
	draw_user(r, p->user, sizeof(p->user));
	snprintf(p->host, sizeof(p->host), "%s",
		 stw_bench_domains[stw_bench_random_below(r, N_DOMAINS)]);
	snprintf(p->tag, sizeof(p->tag), "%" PRIx64,
		 stw_bench_random_u64(r) >> stw_bench_random_below(r, 40));
	snprintf(p->branch, sizeof(p->branch), "z9hG4bK%" PRIx64 "%s", stw_bench_random_u64(r),
		 stw_bench_random_one_in(r, 3) ? ".0" : "");
	p->rport = !stw_bench_random_one_in(r, 4);
}

static void draw_sent_by(struct stw_bench_random *r, struct stw_bench_party *p)
{
	snprintf(p->sent_by, sizeof(p->sent_by), "%s", p->contact);
	if (stw_bench_random_one_in(r, 2))
		snprintf(p->sent_by, sizeof(p->sent_by), "192.168.%u.%u%s",
			 stw_bench_random_below(r, 256), 1 + stw_bench_random_below(r, 254),
			 stw_bench_random_one_in(r, 2) ? ":5060" : "");
}

/* The forms products use: bare hex, a UUID, number@host. */
static void draw_call_id(struct stw_bench_random *r, uint32_t serial, const char *host, char *out,
			 size_t room)
{
	uint64_t a = stw_bench_random_u64(r), b = stw_bench_random_u64(r);

	switch (stw_bench_random_below(r, 4)) {
	case 0: snprintf(out, room, "%016" PRIx64 "%08x", a, serial); break;
	case 1:
		snprintf(out, room, "%08x-%04x-4%03x-a%03x-%012" PRIx64, serial,
			 (unsigned)(a & 0xffff), (unsigned)(a >> 16 & 0xfff),
			 (unsigned)(a >> 28 & 0xfff), b >> 16);
		break;
	case 2: snprintf(out, room, "%u-%" PRIu64 "@%s", serial, a >> 32, host); break;
	default: snprintf(out, room, "%016" PRIx64 "%016" PRIx64 "%08x@%s", a, b, serial, host);
	}
}

void stw_bench_call_init(struct stw_bench_call *c, struct stw_bench_random *random, uint32_t serial,
			 const struct stw_endpoint *listener)
{
	struct stw_bench_party *caller = &c->party[STW_BENCH_CALLER];

	memset(c, 0, sizeof(*c));
	c->source[STW_BENCH_CALLER] = draw_caller(random);
	draw_party(random, caller);
	draw_party(random, &c->party[STW_BENCH_MEMBER]);
	stw_endpoint_format(&c->source[STW_BENCH_CALLER], caller->contact);
	caller->address[stw_ip_format(&c->source[STW_BENCH_CALLER].ip, caller->address)] = '\0';
	draw_sent_by(random, caller);
	/* Without rport an answer goes to the port in Via (RFC 3261 s18.2.2): 5060 in all of them.
	 */
	caller->rport |= c->source[STW_BENCH_CALLER].port != 5060;
	stw_endpoint_format(listener, c->listener);
	draw_call_id(random, serial, caller->host, c->call_id, sizeof(c->call_id));
	c->cseq = 1 + stw_bench_random_below(random, 30000);
}

void stw_bench_call_set_member(struct stw_bench_call *c, struct stw_bench_random *random,
			       const struct stw_endpoint *member)
{
	struct stw_bench_party *called = &c->party[STW_BENCH_MEMBER];

	c->source[STW_BENCH_MEMBER] = *member;
	stw_endpoint_format(member, c->member);
	snprintf(called->address, sizeof(called->address), "10.%u.%u.%u",
		 stw_bench_random_below(random, 256), stw_bench_random_below(random, 256),
		 1 + stw_bench_random_below(random, 254));
	snprintf(called->contact, sizeof(called->contact), "%s:5060", called->address);
	snprintf(called->sent_by, sizeof(called->sent_by), "%s", called->contact);
}
