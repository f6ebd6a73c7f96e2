/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The first rule that fits, by the index of dataplane/table/rules.c, against the obvious way: try
 * each in turn, each value in turn. Values are drawn from few letters, so that nearly all rules
 * share some and lengths differ.
 */

#include "tests/support/proxy.h"

#include "bench/random.h"
#include "control/model/rule_keys.h"
#include "dataplane/table/tables.h"

#define POOLS	  5u
#define RULES_MAX 40u
#define LIST_MAX  6u

struct rule_values {
	struct stw_model_rule_user users[LIST_MAX];
	struct stw_model_rule_domain domains[LIST_MAX];
	struct stw_model_rule_number numbers[LIST_MAX];
	struct stw_model_prefix sources[LIST_MAX];
	uint32_t listeners[LIST_MAX];
};

/* A request as it was made up, before it became text. */
struct request {
	const char *method_name;
	uint8_t method; /* as rules see it */
	char user[16], host[16], number[16];
	struct stw_endpoint peer;
	uint16_t listener;
	char uri[96];
};

struct bench {
	struct stw_proxy *p;
	struct stw_model_pool pools[POOLS];
	struct stw_model_rule rules[RULES_MAX];
	struct rule_values values[RULES_MAX];
	struct stw_bench_random random;
};

static struct bench b;

static uint32_t below(uint32_t n)
{
	return stw_bench_random_below(&b.random, n);
}

static void letters(char *out, const char *from, uint32_t least, uint32_t most)
{
	uint32_t n = least + below(most - least + 1);

	for (uint32_t i = 0; i < n; i++)
		out[i] = from[below((uint32_t)strlen(from))];
	out[n] = '\0';
}

static void random_host(char *out)
{
	static const char *const hosts[] = {"x", "b.x", "a.b.x", "ab.x",
					    "y", "a.y", "x.y",	 "192.0.2.1"};

	strcpy(out, hosts[below(8)]);
}

static struct stw_endpoint random_peer(void)
{
	return below(4) == 0
		       ? stw_farm_v6((uint8_t)below(4), 5060)
		       : stw_farm_v4(203, 0, (uint8_t)(113 + below(2)), (uint8_t)below(4), 5060);
}

/* ---- rules ---- */

static bool has_text(const void *list, size_t size, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp((const char *)list + i * size, text) == 0)
			return true;
	return false;
}

/* As many different values as chance gives, in each field that the rule is to look at. */
static void random_users(struct stw_model_rule *r)
{
	for (uint32_t i = 1 + below(3); i > 0; i--) {
		char text[STW_RULE_USER];

		letters(text, "ab%", 1, 3);
		if (below(2) == 0)
			strcat(text, "*");
		if (!has_text(r->users, sizeof(*r->users), r->n_users, text))
			strcpy(r->users[r->n_users++].text, text);
	}
}

static void random_domains(struct stw_model_rule *r)
{
	for (uint32_t i = 1 + below(3); i > 0; i--) {
		char text[32] = "", host[16];

		random_host(host);
		if (below(2) == 0 && host[0] != '1')
			strcpy(text, "*.");
		strcat(text, host);
		if (!has_text(r->domains, sizeof(*r->domains), r->n_domains, text))
			strcpy(r->domains[r->n_domains++].text, text);
	}
}

static void random_numbers(struct stw_model_rule *r, bool pools)
{
	for (uint32_t i = 1 + below(LIST_MAX); i > 0; i--) {
		struct stw_model_rule_number *n = &r->numbers[r->n_numbers];
		char text[16] = "+";

		letters(text + below(2), "12", 1, 4);
		if (has_text(r->numbers, sizeof(*r->numbers), r->n_numbers, text))
			continue;
		strcpy(n->prefix, text);
		n->pool = pools && below(2) == 0 ? below(POOLS) : UINT32_MAX;
		r->n_numbers++;
	}
}

static void random_sources(struct stw_model_rule *r)
{
	for (uint32_t i = 1 + below(3); i > 0; i--) {
		struct stw_endpoint peer = random_peer();
		bool v4 = stw_ip_is_v4(&peer.ip), again = false;
		struct stw_model_prefix p = {.ip = peer.ip, .bits = (uint8_t)below(v4 ? 33 : 129)};
		unsigned first = p.bits + (v4 ? 96u : 0u);

		for (unsigned k = first; k < 128; k++)
			p.ip.b[k / 8] &= (uint8_t) ~(0x80u >> k % 8);
		for (size_t k = 0; k < r->n_sources; k++)
			again |= memcmp(&r->sources[k], &p, sizeof(p)) == 0;
		if (!again)
			r->sources[r->n_sources++] = p;
	}
}

static void random_rule(uint32_t i)
{
	static const uint8_t actions[] = {STW_IMAGE_RULE_TO_POOL, STW_IMAGE_RULE_TO_POOL,
					  STW_IMAGE_RULE_TO_KERNEL, STW_IMAGE_RULE_REJECT};
	struct stw_model_rule *r = &b.rules[i];
	struct rule_values *v = &b.values[i];

	memset(v, 0, sizeof(*v));
	*r = (struct stw_model_rule){.users = v->users,
				     .domains = v->domains,
				     .numbers = v->numbers,
				     .sources = v->sources,
				     .listeners = v->listeners,
				     .pool = UINT32_MAX,
				     .row = i};
	snprintf(r->name, sizeof(r->name), "r%u", i);
	r->action = actions[below(4)];
	if (r->action == STW_IMAGE_RULE_TO_POOL)
		r->pool = below(POOLS);
	if (r->action == STW_IMAGE_RULE_REJECT)
		r->status = 403;
	if (below(4) == 0)
		r->methods = (uint16_t)(1u << STW_METHOD_INVITE | 1u << STW_METHOD_OTHER);
	if (below(3) == 0)
		random_users(r);
	if (below(3) == 0)
		random_domains(r);
	if (below(2) == 0)
		random_numbers(r, r->action == STW_IMAGE_RULE_TO_POOL);
	if (below(4) == 0)
		random_sources(r);
	if (below(5) == 0)
		r->listeners[r->n_listeners++] = below(2);
}

/* ---- requests ---- */

/* A number as people write it. */
static void dress(const char *number, char *out)
{
	static const char separators[] = "-.()";

	for (; *number; number++) {
		*out++ = *number;
		if (below(3) == 0)
			*out++ = separators[below(4)];
	}
	*out = '\0';
}

static void random_request(struct request *q)
{
	static const char *const names[] = {"INVITE", "ACK", "CANCEL", "BYE", "MESSAGE", "FOO"};
	static const uint8_t methods[] = {STW_METHOD_INVITE, STW_METHOD_INVITE,	 STW_METHOD_INVITE,
					  STW_METHOD_BYE,    STW_METHOD_MESSAGE, STW_METHOD_OTHER};
	uint32_t m = below(6);
	char dressed[64], escaped[64] = "";

	memset(q, 0, sizeof(*q));
	q->method_name = names[m];
	q->method = methods[m];
	q->peer = random_peer();
	q->listener = !stw_ip_is_v4(&q->peer.ip);
	random_host(q->host);
	switch (below(4)) {
	case 0: /* a name */
		letters(q->user, "ab", 1, 4);
		for (const char *c = q->user; *c; c++)
			sprintf(escaped + strlen(escaped), below(4) == 0 ? "%%%02x" : "%c", *c);
		snprintf(q->uri, sizeof(q->uri), "sip:%s:secret@%s", escaped, q->host);
		break;
	case 1: /* a number that a SIP URI says to be one */
		letters(q->number + below(2), "12", 1, 5);
		if (q->number[0] == '\0')
			q->number[0] = '+';
		dress(q->number, q->user);
		snprintf(q->uri, sizeof(q->uri), "sip:%s@%s;user=phone", q->user, q->host);
		break;
	case 2: /* tel: */
		letters(q->number + below(2), "12", 1, 5);
		if (q->number[0] == '\0')
			q->number[0] = '+';
		dress(q->number, dressed);
		if (below(2) == 0) {
			snprintf(q->uri, sizeof(q->uri), "tel:%s;phone-context=%s", dressed,
				 q->host);
		} else {
			q->host[0] = '\0';
			snprintf(q->uri, sizeof(q->uri), "tel:%s;phone-context=+1", dressed);
		}
		break;
	default: /* nobody */ snprintf(q->uri, sizeof(q->uri), "sip:%s", q->host);
	}
}

/* ---- the obvious way ---- */

static bool begins(const char *text, const char *with, size_t n)
{
	return strncmp(text, with, n) == 0;
}

static bool user_fits(const struct stw_model_rule *r, const struct request *q)
{
	for (size_t i = 0; i < r->n_users; i++) {
		const char *u = r->users[i].text;
		size_t n = strlen(u);

		if (u[n - 1] == '*' && n > 1 ? q->user[0] && begins(q->user, u, n - 1)
					     : strcmp(q->user, u) == 0)
			return true;
	}
	return r->n_users == 0;
}

static bool domain_fits(const struct stw_model_rule *r, const struct request *q)
{
	size_t host = strlen(q->host);

	for (size_t i = 0; i < r->n_domains; i++) {
		const char *d = r->domains[i].text;
		size_t n = strlen(d);

		if (d[0] == '*' ? host > n - 1 && strcmp(q->host + host - (n - 1), d + 1) == 0
				: strcmp(q->host, d) == 0)
			return true;
	}
	return r->n_domains == 0;
}

/* @pool becomes that of the longest. */
static bool number_fits(const struct stw_model_rule *r, const struct request *q, uint32_t *pool)
{
	size_t longest = 0;

	for (size_t i = 0; i < r->n_numbers; i++) {
		size_t n = strlen(r->numbers[i].prefix);

		if (n <= longest || !begins(q->number, r->numbers[i].prefix, n))
			continue;
		longest = n;
		*pool = r->numbers[i].pool != UINT32_MAX ? r->numbers[i].pool : r->pool;
	}
	return r->n_numbers == 0 || longest > 0;
}

static bool source_fits(const struct stw_model_rule *r, const struct request *q)
{
	for (size_t i = 0; i < r->n_sources; i++) {
		const struct stw_model_prefix *p = &r->sources[i];
		unsigned bits = p->bits + (stw_ip_is_v4(&p->ip) ? 96u : 0u), k = 0;

		while (k < bits && ((p->ip.b[k / 8] ^ q->peer.ip.b[k / 8]) >> (7 - k % 8) & 1) == 0)
			k++;
		if (k == bits)
			return true;
	}
	return r->n_sources == 0;
}

static bool listener_fits(const struct stw_model_rule *r, const struct request *q)
{
	for (size_t i = 0; i < r->n_listeners; i++)
		if (r->listeners[i] == q->listener)
			return true;
	return r->n_listeners == 0;
}

static uint32_t first_that_fits(const struct request *q, uint32_t *pool)
{
	for (uint32_t i = 0; i < b.p->farm.model.n_rules; i++) {
		const struct stw_model_rule *r = &b.rules[i];

		*pool = r->pool;
		if ((r->methods == 0 || r->methods >> q->method & 1) && user_fits(r, q) &&
		    domain_fits(r, q) && number_fits(r, q, pool) && source_fits(r, q) &&
		    listener_fits(r, q))
			return i;
	}
	return STW_NO_RULE;
}

/* ---- one against the other ---- */

static void handle(const struct request *q)
{
	char text[1024];
	int n = snprintf(text, sizeof(text),
			 "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKr%u\r\n"
			 "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: %u\r\n"
			 "CSeq: 1 %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
			 q->method_name, q->uri, below(1u << 30), below(1u << 30), q->method_name);

	stw_proxy_handle(b.p, text, (size_t)n, q->peer, q->listener);
}

static void compare(void)
{
	struct request q;
	uint32_t pool = UINT32_MAX;

	random_request(&q);
	handle(&q);
	uint32_t want = first_that_fits(&q, &pool);
	if (b.p->v.rule != want)
		fail_msg("%s %s of %u: rule %d, not %d", q.method_name, q.uri, q.peer.ip.b[15],
			 (int)b.p->v.rule, (int)want);
	if (want != STW_NO_RULE && b.rules[want].action == STW_IMAGE_RULE_TO_POOL &&
	    b.p->v.pool != pool)
		fail_msg("%s %s: rule %u, pool %u, not %u", q.method_name, q.uri, want, b.p->v.pool,
			 pool);
}

/* A field that the rule has: not the best alone must do. */
static uint8_t any_field(const struct stw_model_rule *r)
{
	const size_t n[] = {r->n_users, r->n_domains, r->n_numbers, r->n_sources, r->n_listeners};

	for (int tries = 0; tries < 20; tries++) {
		uint8_t f = (uint8_t)below(STW_IMAGE_RULE_FIELDS);

		if (n[f] > 0)
			return f;
	}
	return STW_IMAGE_RULE_FIELDS;
}

static void the_first_that_fits_is_found(void **state)
{
	uint32_t matched = 0, total = 0;

	(void)state;
	for (int round = 0; round < 150; round++) {
		size_t crowded;

		b.p->farm.model.n_rules = below(RULES_MAX + 1);
		for (uint32_t i = 0; i < b.p->farm.model.n_rules; i++)
			random_rule(i);
		assert_int_equal(stw_rules_choose(&b.p->farm.model, &crowded), STW_OK);
		for (uint32_t i = 0; i < b.p->farm.model.n_rules && round % 3 > 0; i++)
			b.rules[i].by =
				round % 3 == 1 ? any_field(&b.rules[i]) : STW_IMAGE_RULE_FIELDS;
		stw_proxy_publish(b.p);
		for (int i = 0; i < 200; i++, total++) {
			compare();
			matched += b.p->v.rule != STW_NO_RULE;
		}
	}
	/* neither always nor never: or the comparison says little */
	assert_true(matched > total / 10 && matched < total - total / 10);
}

static int setup(void **state)
{
	(void)state;
	b.random.state = 20261122;
	b.p = stw_proxy_new(3);
	for (uint32_t i = 0; i < POOLS; i++)
		b.pools[i] = b.p->farm.pool;
	b.p->farm.model.pools = b.pools;
	b.p->farm.model.n_pools = POOLS;
	b.p->farm.model.rules = b.rules;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	stw_proxy_free(b.p);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_that_fits_is_found),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
