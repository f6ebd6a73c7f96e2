/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Calls while everything changes: members come, go, fail, drain and change their weight, secrets
 * rotate, and no message of a call goes astray. The model knows of each call only where its last
 * INVITE went and whether it was answered.
 *
 * Two workers take the messages in turns by chance, so that request and answer seldom meet the
 * same; they share the recent-call table, as in the data plane.
 */

#include "tests/rfc/proxy/messages.h"
#include "tests/support/memory.h"

#define CALLS	24u
#define STEPS	6000u
#define MEMBERS 12u
#define NOBODY	0xff

enum phase { IDLE, CALLING, TRYING, REFUSED, TALKING };

struct call {
	enum phase phase;
	uint32_t serial;
	uint8_t member; /* last byte of the address it went to */
	unsigned retransmissions;
	char branch[64]; /* of our Via, as the member got it */
	char record_route[256];
};

struct model {
	struct stw_proxy *p;
	struct stw_memory_rig *rig;
	struct stw_memory memory[2]; /* of the workers; one table */
	struct call calls[CALLS];
	uint8_t failed[STW_FARM_MEMBERS];
	uint8_t next_address;
	uint64_t random;
	unsigned moved, followed, in_dialog;
	bool mutated; /* then it is the model that is tested: */
	unsigned astray;
};

/* A message went where it must not. */
#define astray(m, ...)                         \
	do {                                   \
		if (!(m)->mutated)             \
			fail_msg(__VA_ARGS__); \
		(m)->astray++;                 \
	} while (0)

static uint32_t chance(struct model *m, uint32_t n)
{
	m->random = m->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((m->random >> 33) % n);
}

static int row_of(const struct model *m, uint8_t address)
{
	for (size_t i = 0; i < m->p->farm.model.n_members; i++)
		if (m->p->farm.members[i].address.ip.b[15] == address)
			return (int)i;
	return -1;
}

static bool serves(const struct model *m, uint8_t address)
{
	int row = row_of(m, address);

	return row >= 0 && !m->failed[row] && m->p->farm.pool_members[row].asked == STW_ASKED_UP &&
	       m->p->farm.pool_members[row].weight > 0;
}

/* ---- changes ---- */

static void publish(struct model *m)
{
	m->p->failed = m->failed;
	stw_proxy_publish(m->p);
}

static void add_member(struct model *m)
{
	struct stw_farm *f = &m->p->farm;
	size_t n = f->model.n_members;
	struct stw_model_member *row = &f->members[n];

	if (n >= MEMBERS)
		return;
	memset(row, 0, sizeof(*row));
	row->address = stw_farm_v4(198, 51, 100, m->next_address++, 5060);
	if (m->next_address < 10)
		m->next_address = 10;
	for (size_t i = 0; i < n; i++)
		if (stw_endpoint_equal(&f->members[i].address, &row->address))
			return;
	row->id = stw_member_id(&row->address);
	row->number = row->address.ip.b[15];
	f->pool_members[n] = (struct stw_model_pool_member){.member = (uint32_t)n, .weight = 100};
	m->failed[n] = 0;
	f->model.n_members = f->pool.n_members = n + 1;
}

/* The calls of who is taken out are its own loss; they are no longer watched. */
static void remove_member(struct model *m)
{
	struct stw_farm *f = &m->p->farm;
	size_t n = f->model.n_members, out = chance(m, (uint32_t)n);
	uint8_t address = f->members[out].address.ip.b[15];

	if (n <= 2)
		return;
	for (unsigned i = 0; i < CALLS; i++)
		if (m->calls[i].member == address)
			m->calls[i].phase = IDLE;
	f->members[out] = f->members[n - 1];
	f->pool_members[out].weight = f->pool_members[n - 1].weight;
	f->pool_members[out].asked = f->pool_members[n - 1].asked;
	m->failed[out] = m->failed[n - 1];
	f->model.n_members = f->pool.n_members = n - 1;
}

static void rotate(struct model *m)
{
	struct stw_model_secret *s = m->p->farm.model.secrets, old = s[0];

	s[0] = s[1];
	s[1] = old;
	m->p->farm.model.n_secrets = 2;
}

static void change(struct model *m)
{
	struct stw_farm *f = &m->p->farm;
	uint32_t row = chance(m, (uint32_t)f->model.n_members);
	size_t up = 0;

	switch (chance(m, 7)) {
	case 0: add_member(m); break;
	case 1: remove_member(m); break;
	case 2: m->failed[row] = 1; break;
	case 3: m->failed[row] = 0; break;
	case 4: f->pool_members[row].asked = chance(m, 2) ? STW_ASKED_DRAIN : STW_ASKED_UP; break;
	case 5: f->pool_members[row].weight = 1 + chance(m, 1000); break;
	default: rotate(m);
	}
	for (size_t i = 0; i < f->model.n_members; i++)
		up += serves(m, f->members[i].address.ip.b[15]);
	if (up == 0) { /* panic is another test's */
		m->failed[0] = 0;
		f->pool_members[0].asked = STW_ASKED_UP;
	}
	publish(m);
}

/* ---- calls ---- */

static const char *text_of(const struct call *c, const char *method, bool tagged, unsigned cseq)
{
	static char id[32], via[128], numbers[64], extra[512];

	snprintf(id, sizeof(id), "call-%u@model", c->serial);
	snprintf(numbers, sizeof(numbers), "%u %s", cseq, method);
	/* ACK to a refusal and CANCEL share the INVITE's branch; others have their own */
	snprintf(via, sizeof(via), "%s-%u%s%u", UA_VIA, c->serial, cseq > 1 || tagged ? method : "",
		 cseq);
	extra[0] = '\0';
	if (c->phase == TALKING && c->record_route[0] != '\0')
		snprintf(extra, sizeof(extra), "Route: %s\r\n", c->record_route);
	return REQUEST(.method = method, .call_id = id, .via = via, .cseq = numbers,
		       .to = tagged ? "<sip:b@b>;tag=t1" : NULL, .extra = extra);
}

/* Some worker gets it. @return last byte of the address it goes to */
static uint8_t deliver(struct model *m, const char *text, struct stw_endpoint from)
{
	m->p->known = &m->memory[chance(m, 2)];
	m->p->now_tsc += STW_MEMORY_HZ / 50;
	stw_proxy_text(m->p, text, from);
	assert_forwarded(m->p);
	return m->p->v.dst.ip.b[15];
}

static void keep(struct model *m, struct call *c, uint8_t member)
{
	c->member = member;
	snprintf(c->branch, sizeof(c->branch), "%s", param(m->p, "Via: ", "branch="));
	snprintf(c->record_route, sizeof(c->record_route), "%s",
		 stw_proxy_line(m->p, "Record-Route: "));
}

static void begin(struct model *m, struct call *c)
{
	static uint32_t serial;

	*c = (struct call){.phase = IDLE, .serial = ++serial};
	uint8_t member = deliver(m, text_of(c, "INVITE", false, 1), ua());
	if (!serves(m, member))
		astray(m, "call %u begins at member .%u, which takes none", c->serial, member);
	keep(m, c, member);
	c->phase = CALLING;
}

static void retransmit(struct model *m, struct call *c)
{
	uint8_t was = c->member, member = deliver(m, text_of(c, "INVITE", false, 1), ua());
	unsigned limit = m->p->farm.pool.failover;
	bool may = c->phase == CALLING &&
		   (!serves(m, was) || (limit > 0 && c->retransmissions + 1 >= limit));

	c->retransmissions++;
	if (member != was && !may)
		astray(m, "call %u: retransmission %u went from .%u to .%u", c->serial,
		       c->retransmissions, was, member);
	if (member != was && !serves(m, member))
		astray(m, "call %u moved to .%u, which takes none", c->serial, member);
	if (strcmp(c->branch, param(m->p, "Via: ", "branch=")) != 0)
		astray(m, "call %u: another branch on a retransmission", c->serial);
	m->moved += member != was;
	keep(m, c, member);
}

static void follow(struct model *m, struct call *c, const char *method)
{
	uint8_t member = deliver(m, text_of(c, method, false, 1), ua());

	if (member != c->member)
		astray(m, "call %u: %s went to .%u, its INVITE to .%u", c->serial, method, member,
		       c->member);
	if (strcmp(c->branch, param(m->p, "Via: ", "branch=")) != 0)
		astray(m, "call %u: another branch on %s", c->serial, method);
	m->followed++;
}

/* The member answers what it was sent last: a retransmission tells us what that was. */
static void answer(struct model *m, struct call *c, const char *status, enum phase phase)
{
	retransmit(m, c);
	if (row_of(m, c->member) < 0)
		return;
	uint8_t back =
		deliver(m, respond(m->p, status), stw_farm_v4(198, 51, 100, c->member, 5060));
	assert_int_equal(back, 5); /* the caller */
	c->phase = phase;
}

static void talk(struct model *m, struct call *c)
{
	static unsigned cseq = 10;
	static const char *const methods[] = {"ACK", "INFO", "INVITE", "BYE"};
	const char *method = methods[chance(m, 4)];
	uint8_t member = deliver(m, text_of(c, method, true, cseq++), ua());

	if (member != c->member)
		astray(m, "call %u: in-dialog %s went to .%u, its dialog is .%u's", c->serial,
		       method, member, c->member);
	m->in_dialog++;
	if (strcmp(method, "BYE") == 0)
		c->phase = IDLE;
}

static void step(struct model *m)
{
	struct call *c = &m->calls[chance(m, CALLS)];
	uint32_t what = chance(m, 10);

	switch (c->phase) {
	case IDLE: begin(m, c); break;
	case CALLING:
		if (what < 4)
			retransmit(m, c);
		else if (what < 7)
			follow(m, c, "CANCEL");
		else
			answer(m, c, "100 Trying", TRYING);
		break;
	case TRYING:
		if (what < 2)
			retransmit(m, c);
		else if (what < 5)
			follow(m, c, "CANCEL");
		else if (what < 7)
			answer(m, c, "486 Busy Here", REFUSED);
		else
			answer(m, c, "200 OK", TALKING);
		break;
	case REFUSED:
		follow(m, c, "ACK");
		if (what < 5)
			c->phase = IDLE;
		break;
	case TALKING: talk(m, c); break;
	}
}

static void run(struct model *m, uint64_t seed)
{
	m->p = stw_proxy_new(6);
	m->rig = stw_memory_new(2, 1u << 18); /* nothing is crowded out */
	m->memory[0] = m->memory[1] = m->rig->memory;
	m->memory[1].worker = 1;
	m->next_address = 100;
	m->random = seed;
	m->p->now_tsc = STW_MEMORY_HZ;
	for (uint8_t i = 0; i < 6; i++)
		m->p->farm.members[i].number = (uint16_t)(10 + i);
}

static void finish(struct model *m)
{
	stw_proxy_free(m->p);
	stw_memory_free(m->rig);
}

/* Each opened request is done at most once, whoever saw what. */
static void books_balance(const struct model *m)
{
	for (uint16_t i = 0; i < 256; i++) {
		uint64_t opened = stw_memory_count(m->rig, i, STW_M_INVITES);
		uint64_t answered = stw_memory_count(m->rig, i, STW_M_INVITES_ANSWERED);
		uint64_t done = stw_memory_count(m->rig, i, STW_M_INVITES_DONE);

		assert_true(answered <= opened);
		assert_true(done <= opened);
		assert_true(stw_memory_count(m->rig, i, STW_M_OTHERS_DONE) <=
			    stw_memory_count(m->rig, i, STW_M_OTHERS));
	}
}

static void play_steps(struct model *m, uint64_t seed, void (*prepare)(struct stw_proxy *),
		       void (*mutate)(struct model *))
{
	run(m, seed);
	prepare(m->p);
	m->mutated = mutate != NULL;
	publish(m);
	for (unsigned i = 0; i < STEPS; i++) {
		if (chance(m, 8) == 0)
			change(m);
		step(m);
		if (mutate != NULL)
			mutate(m);
	}
}

static void play(uint64_t seed, void (*prepare)(struct stw_proxy *))
{
	struct model m = {0};

	play_steps(&m, seed, prepare, NULL);
	books_balance(&m);
	/* it was no idle exercise */
	assert_true(m.moved > 20);
	assert_true(m.followed > 200);
	assert_true(m.in_dialog > 200);
	finish(&m);
}

static void by_hash(struct stw_proxy *p)
{
	p->farm.pool.failover = 3;
}

static void by_hash_without_cookies(struct stw_proxy *p)
{
	p->farm.pool.failover = 3;
	p->farm.pool.record_route = false;
}

static void in_turns(struct stw_proxy *p)
{
	p->farm.pool.failover = 2;
	p->farm.pool.policy = STW_POLICY_ROUND_ROBIN;
}

static void by_work(struct stw_proxy *p)
{
	p->farm.pool.failover = 1;
	p->farm.pool.policy = STW_POLICY_LEAST_WORK;
	p->farm.pool.record_route = false;
}

static void by_source(struct stw_proxy *p)
{
	p->farm.pool.failover = 3;
	p->farm.pool.hash_key = STW_IMAGE_KEY_SOURCE;
	p->farm.pool.bound_percent = 125;
}

static void nothing_goes_astray(void **state)
{
	void (*const prepare[])(struct stw_proxy *) = {by_hash, by_hash_without_cookies, in_turns,
						       by_work, by_source};

	(void)state;
	for (unsigned i = 0; i < sizeof(prepare) / sizeof(prepare[0]); i++)
		for (uint64_t seed = 1; seed <= 3; seed++)
			play(seed * 7919 + i, prepare[i]);
}

/* ---- and would it be noticed? ---- */

static struct stw_recent_bucket *some_bucket(struct model *m)
{
	return &m->rig->recent.buckets[chance(m, m->rig->recent.mask + 1)];
}

static void forgets(struct model *m)
{
	for (unsigned i = 0; i < 1000; i++)
		memset(some_bucket(m), 0, sizeof(struct stw_recent_bucket));
}

static void takes_one_member_for_another(struct model *m)
{
	uint32_t id = m->p->farm.members[chance(m, (uint32_t)m->p->farm.model.n_members)].id;

	for (unsigned i = 0; i < 1000; i++) {
		struct stw_recent_entry *e = &some_bucket(m)->entry[0];

		if (e->tag != 0)
			e->state = (e->state & UINT32_MAX) | (uint64_t)id << 32;
	}
}

static void loses_answers(struct model *m)
{
	for (unsigned i = 0; i < 1000; i++)
		some_bucket(m)->entry[0].state &= ~(uint64_t)STW_RECENT_ANSWERED;
}

static void knows_one_secret(struct model *m)
{
	m->p->farm.model.n_secrets = 1;
}

static void a_broken_table_is_noticed(void **state)
{
	void (*const mutate[])(struct model *) = {forgets, takes_one_member_for_another,
						  loses_answers, knows_one_secret};

	(void)state;
	for (unsigned i = 0; i < sizeof(mutate) / sizeof(mutate[0]); i++) {
		struct model m = {0};

		play_steps(&m, 4711, by_hash, mutate[i]);
		if (m.astray == 0)
			fail_msg("mutation %u went unnoticed", i);
		finish(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_goes_astray),
		cmocka_unit_test(a_broken_table_is_noticed),
	};
	return cmocka_run_group_tests_name("calls-model", tests, NULL, NULL);
}
