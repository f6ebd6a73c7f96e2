/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Calls while everything changes: members come, go, fail, drain and change their weight, tables
 * their size, secrets rotate, the memory is lost, and no message of a call goes astray. The model
 * knows of each call only where its last INVITE went, under which slots, and whether it was
 * answered.
 *
 * Two workers take the messages in turns by chance, so that request and answer seldom meet the
 * same; they share the recent-call table, as in the data plane.
 */

#include "control/tables/past.h"
#include "dataplane/table/tables.h"
#include "tests/rfc/proxy/messages.h"
#include "tests/support/memory.h"

#define CALLS	24u
#define STEPS	6000u
#define MEMBERS 12u
#define SLOTS	509u /* at most */
#define NOBODY	0    /* no member has this last byte */

enum phase { IDLE, CALLING, TRYING, REFUSED, TALKING };

struct call {
	enum phase phase;
	uint32_t serial;
	uint8_t member; /* last byte of the address it went to */
	unsigned retransmissions;
	char branch[64]; /* of our Via, as the member got it */
	char record_route[256];
	char sent[2048]; /* the INVITE, as the member got it */
	bool lost;	 /* the memory does not know it */
	bool by_slots;	 /* it is where the slots of then sent it: */
	unsigned slots, secret;
};

struct model {
	struct stw_proxy *p;
	struct stw_memory_rig *rig;
	struct stw_memory memory[2]; /* of the workers; one table */
	struct call calls[CALLS];
	uint8_t failed[STW_FARM_MEMBERS];
	uint8_t next_address;
	uint64_t random;
	struct stw_numbers *numbers;
	struct stw_past *past;
	uint64_t generation;
	unsigned slots, secret; /* how often they changed */
	double slots_s;		/* when they did */
	uint32_t n_slots;
	uint8_t owners[SLOTS]; /* the slots, by last byte of the address */
	double gone_s[256]; /* when a member was removed, by last byte; 0: never, or it is back */
	uint8_t last_out;
	bool hides_past, hides_gone; /* mutations of what is published */
	unsigned moved, followed, in_dialog, of_gone, by_past, resized;
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

static double now_s(const struct model *m)
{
	return (double)m->p->now_tsc / STW_MEMORY_HZ;
}

static bool has_cookie(const struct call *c)
{
	return c->phase == TALKING && c->record_route[0] != '\0';
}

/*
 * Nobody can follow some calls any more; they are no longer watched. Without memory the past slots
 * tell where a call began if it did so before they last changed and not before the time before
 * that; the present ones, if there is no past.
 */
static void give_up(struct model *m)
{
	bool past = m->slots > 0 && now_s(m) - m->slots_s < STW_PAST_S;

	for (struct call *c = m->calls; c < m->calls + CALLS; c++) {
		bool follows = c->by_slots && c->secret == m->secret && c->slots + past == m->slots;

		if (m->gone_s[c->member] > 0 && now_s(m) - m->gone_s[c->member] >= STW_PAST_S)
			c->phase = IDLE;
		if (c->lost && !has_cookie(c) && !follows)
			c->phase = IDLE;
	}
}

static void watch_slots(struct model *m)
{
	const struct stw_tables *t = m->p->tables;
	uint8_t owners[SLOTS] = {0};
	uint32_t n = t->pools[0].n_slots;

	assert_int_equal(n, m->p->farm.pool.slots);
	for (unsigned i = 0; i < n; i++)
		owners[i] = t->members[t->slots[t->pools[0].first_slot + i]].address.ip.b[15];
	if (m->generation > 1 && (n != m->n_slots || memcmp(owners, m->owners, SLOTS) != 0)) {
		m->slots++;
		m->slots_s = now_s(m);
	}
	m->n_slots = n;
	memcpy(m->owners, owners, SLOTS);
}

/* As control does it: number, turn, build, keep; acknowledged at once. */
static void publish(struct model *m)
{
	struct stw_model *model = &m->p->farm.model;
	struct stw_image_past past;
	struct stw_image image;

	assert_int_equal(stw_numbers_assign(m->numbers, model, ++m->generation), STW_OK);
	assert_int_equal(stw_past_turn(m->past, model, now_s(m), &past), STW_OK);
	if (m->hides_past)
		past.slots = NULL;
	if (m->hides_gone)
		past.n_gone = 0;
	assert_int_equal(stw_image_build_after(model, m->failed, NULL, 0, &past, m->generation,
					       &image),
			 STW_OK);
	assert_int_equal(stw_past_keep(m->past, model, &image, now_s(m)), STW_OK);
	stw_proxy_take(m->p, &image);
	stw_image_fini(&image);
	stw_numbers_acknowledged(m->numbers, m->generation);
	watch_slots(m);
	give_up(m);
}

/* As when the data plane starts anew. */
static void lose_memory(struct model *m)
{
	memset(m->rig->recent.buckets, 0,
	       (m->rig->recent.mask + 1) * sizeof(*m->rig->recent.buckets));
	memset(m->rig->memory.members, 0, 2 * sizeof(*m->rig->memory.members));
	for (struct call *c = m->calls; c < m->calls + CALLS; c++)
		c->lost = c->phase != IDLE;
	give_up(m);
}

static void add_member(struct model *m)
{
	struct stw_farm *f = &m->p->farm;
	size_t n = f->model.n_members;
	struct stw_model_member *row = &f->members[n];

	if (n >= MEMBERS)
		return;
	memset(row, 0, sizeof(*row));
	bool back = m->last_out != NOBODY && chance(m, 2);
	row->address = stw_farm_v4(198, 51, 100, back ? m->last_out : m->next_address++, 5060);
	if (m->next_address < 10)
		m->next_address = 10;
	for (size_t i = 0; i < n; i++)
		if (stw_endpoint_equal(&f->members[i].address, &row->address))
			return;
	row->id = stw_member_id(&row->address);
	m->gone_s[row->address.ip.b[15]] = 0;
	f->pool_members[n] = (struct stw_model_pool_member){.member = (uint32_t)n, .weight = 100};
	m->failed[n] = 0;
	f->model.n_members = f->pool.n_members = n + 1;
}

/* The calls of who is taken out go on. */
static void remove_member(struct model *m)
{
	struct stw_farm *f = &m->p->farm;
	size_t n = f->model.n_members, out = chance(m, (uint32_t)n);
	uint8_t address = f->members[out].address.ip.b[15];

	if (n <= 2)
		return;
	m->last_out = address;
	m->gone_s[address] = now_s(m);
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
	m->secret++;
}

/* Nearly all slots are another's then; a call that is known is not. */
static void resize(struct model *m)
{
	m->p->farm.pool.slots = m->p->farm.pool.slots == SLOTS ? 251 : SLOTS;
	m->resized++;
}

static void change(struct model *m)
{
	struct stw_farm *f = &m->p->farm;
	uint32_t row = chance(m, (uint32_t)f->model.n_members);
	size_t up = 0;

	switch (chance(m, 8)) {
	case 0: add_member(m); break;
	case 1: remove_member(m); break;
	case 2: m->failed[row] = 1; break;
	case 3: m->failed[row] = 0; break;
	case 4: f->pool_members[row].asked = chance(m, 2) ? STW_ASKED_DRAIN : STW_ASKED_UP; break;
	case 5: f->pool_members[row].weight = 1 + chance(m, 1000); break;
	case 6: resize(m); break;
	default: rotate(m);
	}
	for (size_t i = 0; i < f->model.n_members; i++)
		up += serves(m, f->members[i].address.ip.b[15]);
	if (up == 0) { /* panic is another test's */
		m->failed[0] = 0;
		f->pool_members[0].asked = STW_ASKED_UP;
	}
	publish(m);
	if (chance(m, 8) == 0)
		lose_memory(m);
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
	m->p->now_tsc += STW_MEMORY_HZ / 10;
	stw_proxy_text(m->p, text, from);
	if (m->mutated && m->p->v.action != STW_ACTION_FORWARD) {
		m->astray++;
		return NOBODY;
	}
	assert_forwarded(m->p);
	return m->p->v.dst.ip.b[15];
}

static void keep(struct model *m, struct call *c, uint8_t member)
{
	c->member = member;
	snprintf(c->sent, sizeof(c->sent), "%s", m->p->out);
	snprintf(c->branch, sizeof(c->branch), "%s", param(m->p, "Via: ", "branch="));
	snprintf(c->record_route, sizeof(c->record_route), "%s",
		 stw_proxy_line(m->p, "Record-Route: "));
}

/* Also again: without memory the INVITE is the first of a call. */
static void invite(struct model *m, struct call *c, uint32_t serial)
{
	*c = (struct call){.phase = IDLE, .serial = serial};
	uint8_t member = deliver(m, text_of(c, "INVITE", false, 1), ua());
	if (!serves(m, member))
		astray(m, "call %u begins at member .%u, which takes none", c->serial, member);
	keep(m, c, member);
	c->phase = CALLING;
	c->by_slots =
		m->p->farm.pool.policy == STW_POLICY_HASH && m->p->farm.pool.bound_percent == 0;
	c->slots = m->slots;
	c->secret = m->secret;
}

static void begin(struct model *m, struct call *c)
{
	static uint32_t serial;

	invite(m, c, ++serial);
}

/* Another message was for the member that has the call. */
static void tally(struct model *m, const struct call *c)
{
	m->of_gone += m->gone_s[c->member] > 0;
	m->by_past += c->lost && !has_cookie(c) && c->slots != m->slots;
}

static void retransmit(struct model *m, struct call *c)
{
	if (c->lost) {
		invite(m, c, c->serial);
		return;
	}
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
	c->by_slots &= member == was;
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
	tally(m, c);
}

/* The member answers what it was sent last, also when it was removed since. */
static void answer(struct model *m, struct call *c, const char *status, enum phase phase)
{
	m->p->out = c->sent;
	uint8_t back =
		deliver(m, respond(m->p, status), stw_farm_v4(198, 51, 100, c->member, 5060));
	if (back != 5) /* the caller */
		astray(m, "call %u: .%u's answer went to .%u", c->serial, c->member, back);
	tally(m, c);
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
	tally(m, c);
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
	m->numbers = stw_numbers_new();
	m->past = stw_past_new(m->numbers);
}

static void finish(struct model *m)
{
	stw_past_free(m->past);
	stw_numbers_free(m->numbers);
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
	assert_true(m.of_gone > 30);
	assert_true(m.resized > 20);
	assert_true(m.by_past > 20 || m.p->farm.pool.policy != STW_POLICY_HASH ||
		    m.p->farm.pool.bound_percent > 0);
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

static void takes_the_past_away(struct model *m)
{
	m->hides_past = true;
}

static void takes_the_gone_away(struct model *m)
{
	m->hides_gone = true;
}

static void a_broken_table_is_noticed(void **state)
{
	void (*const mutate[])(struct model *) = {
		forgets,	  takes_one_member_for_another, loses_answers,
		knows_one_secret, takes_the_past_away,		takes_the_gone_away};

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
