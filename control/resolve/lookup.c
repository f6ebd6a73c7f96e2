/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/resolve/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#define SIP_PORT    5060
#define HOSTS	    32
#define TARGETS_MAX STW_LOOKUP_TARGETS

/* Whose addresses are wanted. */
struct host {
	struct stw_lookup *lookup;
	char name[STW_DNS_NAME];
	uint16_t port, priority, weight;
};

struct stw_lookup {
	struct stw_dns *dns;
	struct stw_lookup_question question;
	char name[STW_DNS_NAME];
	stw_lookup_done_fn *done; /* NULL: abandoned */
	void *arg;
	unsigned n_pending; /* questions, and one while some are being asked */
	bool failed;	    /* some question had no answer */
	bool missed_v4, missed_v6, guessed;
	bool naptr_failed;
	uint32_t ttl_s, absent_ttl_s;
	size_t n_hosts, n_targets;
	struct host hosts[HOSTS];
	struct stw_image_target targets[TARGETS_MAX];
};

static int by_priority(const void *x, const void *y)
{
	const struct stw_image_target *a = x, *b = y;
	int d = a->priority - b->priority;

	return d ? d : memcmp(&a->address, &b->address, sizeof(a->address));
}

static void settle(struct stw_lookup *l, struct stw_lookup_result *out)
{
	out->missed_v4 = l->missed_v4;
	out->missed_v6 = l->missed_v6;
	out->guessed = l->guessed;
	qsort(l->targets, l->n_targets, sizeof(l->targets[0]), by_priority);
	for (size_t i = 0; i < l->n_targets && out->n_targets < STW_LOOKUP_TARGETS; i++) {
		if (i > 0 && by_priority(&l->targets[i - 1], &l->targets[i]) == 0)
			continue;
		out->targets[out->n_targets++] = l->targets[i];
	}
	if (out->n_targets > 0)
		out->err = STW_OK;
	else
		out->err = l->failed ? STW_EIO : STW_ENOENT;
	out->ttl_s = out->err == STW_OK ? l->ttl_s : l->absent_ttl_s;
}

/* One question less; after the last the result is told. */
static void release(struct stw_lookup *l)
{
	struct stw_lookup_result result = {0};

	if (--l->n_pending > 0)
		return;
	settle(l, &result);
	if (l->done)
		l->done(l->arg, &result);
	free(l);
}

static void note_ttl(struct stw_lookup *l, const struct stw_dns_answer *a)
{
	uint32_t *kept = a->n > 0 ? &l->ttl_s : &l->absent_ttl_s;

	if (a->ttl_s < *kept)
		*kept = a->ttl_s;
}

static bool is_address(const struct stw_ip *ip)
{
	static const struct stw_ip none6;

	return !stw_ip_equal(ip, &none6) &&
	       !(stw_ip_is_v4(ip) && memcmp(ip->b + 12, "\0\0\0\0", 4) == 0);
}

static void take_addresses(struct host *h, int err, const struct stw_dns_answer *a)
{
	struct stw_lookup *l = h->lookup;

	l->failed |= err != STW_OK;
	if (err == STW_OK)
		note_ttl(l, a);
	for (size_t i = 0; err == STW_OK && i < a->n && l->n_targets < TARGETS_MAX; i++) {
		if (!is_address(&a->records[i].ip))
			continue;
		l->targets[l->n_targets++] =
			(struct stw_image_target){.address = {.ip = a->records[i].ip,
							      .port = h->port},
						  .priority = h->priority,
						  .weight = h->weight};
	}
	release(l);
}

static void on_v4(void *arg, int err, const struct stw_dns_answer *a)
{
	struct host *h = arg;

	h->lookup->missed_v4 |= err != STW_OK;
	take_addresses(h, err, a);
}

static void on_v6(void *arg, int err, const struct stw_dns_answer *a)
{
	struct host *h = arg;

	h->lookup->missed_v6 |= err != STW_OK;
	take_addresses(h, err, a);
}

static void ask(struct stw_lookup *l, const char *name, uint16_t type,
		stw_dns_answered_fn *answered, void *arg)
{
	l->n_pending++;
	stw_dns_ask(l->dns, name, type, answered, arg);
}

static void ask_addresses(struct stw_lookup *l)
{
	for (size_t i = 0; i < l->n_hosts; i++) {
		struct host *h = &l->hosts[i];

		if (l->question.v4)
			ask(l, h->name, STW_DNS_A, on_v4, h);
		if (l->question.v6)
			ask(l, h->name, STW_DNS_AAAA, on_v6, h);
	}
}

static void add_host(struct stw_lookup *l, const char *name, uint16_t port, uint16_t priority,
		     uint16_t weight)
{
	struct host *h = &l->hosts[l->n_hosts++];

	*h = (struct host){.lookup = l, .port = port, .priority = priority, .weight = weight};
	memcpy(h->name, name, strlen(name) + 1);
}

static int by_order(const void *x, const void *y)
{
	const struct stw_dns_record *a = x, *b = y;
	int d = a->order - b->order;

	return d ? d : strcmp(a->target, b->target);
}

/* The name itself, as there is nothing better. */
static void ask_plain(struct stw_lookup *l)
{
	add_host(l, l->name, l->question.port ? l->question.port : SIP_PORT, 0, 0);
	ask_addresses(l);
}

static void on_srv(void *arg, int err, const struct stw_dns_answer *a)
{
	struct stw_lookup *l = arg;
	struct stw_dns_answer sorted;

	if (err != STW_OK) {
		l->failed = true;
		release(l);
		return;
	}
	if (a->n == 0) {
		l->guessed = l->naptr_failed;
		ask_plain(l);
		release(l);
		return;
	}
	note_ttl(l, a);
	l->absent_ttl_s = l->ttl_s; /* of records that lead nowhere */
	sorted = *a;
	qsort(sorted.records, sorted.n, sizeof(sorted.records[0]), by_order);
	for (size_t i = 0; i < sorted.n && l->n_hosts < HOSTS; i++) {
		const struct stw_dns_record *r = &sorted.records[i];

		/* The root says that there is no such service (RFC 2782). */
		if (r->target[0] != '\0' && r->port != 0)
			add_host(l, r->target, r->port, r->order, r->preference);
	}
	ask_addresses(l);
	release(l);
}

/* The SRV name of SIP by UDP that comes first (s4.1), or NULL. */
static const struct stw_dns_record *best(const struct stw_dns_answer *a)
{
	const struct stw_dns_record *found = NULL;

	for (size_t i = 0; i < a->n; i++) {
		const struct stw_dns_record *r = &a->records[i];

		if (strcmp(r->service, "SIP+D2U") != 0 || strcmp(r->flags, "s") != 0 ||
		    r->target[0] == '\0')
			continue;
		if (!found || r->order < found->order ||
		    (r->order == found->order && r->preference < found->preference))
			found = r;
	}
	return found;
}

/* A server that cannot do NAPTR may well know SRV: its failure is as no record. */
static void on_naptr(void *arg, int err, const struct stw_dns_answer *a)
{
	struct stw_lookup *l = arg;
	const struct stw_dns_record *r = err == STW_OK ? best(a) : NULL;
	char name[STW_DNS_NAME + 16];

	l->naptr_failed = err != STW_OK;
	if (r) {
		note_ttl(l, a);
		ask(l, r->target, STW_DNS_SRV, on_srv, l);
	} else if (snprintf(name, sizeof(name), "_sip._udp.%s", l->name) <=
		   (int)STW_IMAGE_NAME_MAX) {
		ask(l, name, STW_DNS_SRV, on_srv, l);
	} else {
		l->guessed = l->naptr_failed;
		ask_plain(l);
	}
	release(l);
}

struct stw_lookup *stw_lookup_start(struct stw_dns *dns, const struct stw_lookup_question *question,
				    stw_lookup_done_fn *done, void *arg)
{
	struct stw_lookup *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->dns = dns;
	l->question = *question;
	l->question.name = l->name;
	snprintf(l->name, sizeof(l->name), "%s", question->name);
	l->done = done;
	l->arg = arg;
	l->ttl_s = l->absent_ttl_s = INT32_MAX;
	l->n_pending = 1;
	if (question->port != 0)
		ask_plain(l);
	else if (l->name[0] == '_')
		ask(l, l->name, STW_DNS_SRV, on_srv, l);
	else
		ask(l, l->name, STW_DNS_NAPTR, on_naptr, l);
	release(l);
	return l;
}

bool stw_lookup_missed(const struct stw_lookup_result *result, const struct stw_ip *ip)
{
	return stw_ip_is_v4(ip) ? result->missed_v4 : result->missed_v6;
}

static bool names(const struct stw_lookup_result *result, const struct stw_endpoint *address)
{
	for (size_t i = 0; i < result->n_targets; i++)
		if (stw_endpoint_equal(&result->targets[i].address, address))
			return true;
	return false;
}

void stw_lookup_keep(struct stw_lookup_result *result, const struct stw_image_target *before,
		     size_t n_before)
{
	for (size_t i = 0; i < n_before && result->n_targets < STW_LOOKUP_TARGETS; i++)
		if (stw_lookup_missed(result, &before[i].address.ip) &&
		    !names(result, &before[i].address))
			result->targets[result->n_targets++] = before[i];
	qsort(result->targets, result->n_targets, sizeof(result->targets[0]), by_priority);
}

void stw_lookup_abandon(struct stw_lookup *l)
{
	if (l)
		l->done = NULL;
}
