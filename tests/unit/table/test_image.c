/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <strowger/errors.h>
#include <strowger/stats.h>
#include <strowger/table_image.h>

#include "control/tables/build.h"
#include "dataplane/table/tables.h"
#include "tests/support/farm.h"

/* One image for all tests; each works on a copy. */
struct fixture {
	struct stw_farm farm;
	struct stw_image image;
	uint8_t *copy;
	char reason[160];
};

static struct fixture fx;

static const struct stw_image_target targets[] = {
	{.address = {.ip = {{[10] = 0xff, 0xff, 203, 0, 113, 1}}, .port = 5060}, .weight = 3},
	{.address = {.ip = {{[10] = 0xff, 0xff, 203, 0, 113, 2}}, .port = 5070}, .priority = 9},
};

static const struct stw_image_resolved names[] = {
	{.name = "example.com", .len = 11, .targets = targets, .n_targets = 2},
	{.name = "example.com", .len = 11, .port = 5070, .targets = targets, .n_targets = 1},
	{.name = "nobody.example.org", .len = 18},
};

static char domains[][STW_DOMAIN_MAX] = {"example.com", "[2001:db8::1]"};

static struct stw_model_rule_user rule_users[] = {{"alice"}, {"b*"}};
static struct stw_model_rule_domain rule_domain = {"*.example.net"};
static struct stw_model_rule_number rule_number = {"+49", 0};
static struct stw_model_prefix rule_source = {.bits = 8};
static uint32_t rule_listener = 1;
static struct stw_model_rule rules[] = {
	{.name = "one",
	 .users = rule_users,
	 .n_users = 2,
	 .domains = &rule_domain,
	 .n_domains = 1,
	 .numbers = &rule_number,
	 .n_numbers = 1,
	 .sources = &rule_source,
	 .n_sources = 1,
	 .listeners = &rule_listener,
	 .n_listeners = 1,
	 .row = 7},
	{.name = "two",
	 .action = STW_IMAGE_RULE_REJECT,
	 .pool = UINT32_MAX,
	 .status = 403,
	 .by = STW_IMAGE_RULE_FIELDS,
	 .row = 9},
};

static int setup(void **state)
{
	(void)state;
	stw_farm_init(&fx.farm, 5);
	fx.farm.model.n_secrets = 2;
	fx.farm.trusted[0] = (struct stw_model_prefix){stw_farm_v4(203, 0, 113, 0, 0).ip, 24};
	fx.farm.trusted[1] = (struct stw_model_prefix){stw_farm_v6(0x77, 0).ip, 128};
	for (size_t i = 0; i < 2; i++) {
		fx.farm.listeners[i].trusted = &fx.farm.trusted[i];
		fx.farm.listeners[i].n_trusted = 1;
	}
	fx.farm.model.registrar.domains = domains;
	fx.farm.model.registrar.n_domains = 2;
	rule_source.ip = stw_farm_v4(10, 0, 0, 0, 0).ip;
	fx.farm.model.rules = rules;
	fx.farm.model.n_rules = 2;
	if (stw_image_build_named(&fx.farm.model, NULL, names, 3, 42, &fx.image) != STW_OK)
		return -1;
	fx.copy = malloc(fx.image.size_bytes);
	return fx.copy != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(fx.copy);
	stw_image_fini(&fx.image);
	return 0;
}

static struct stw_image_header *fresh(void)
{
	memcpy(fx.copy, fx.image.bytes, fx.image.size_bytes);
	return (struct stw_image_header *)fx.copy;
}

static void *row(enum stw_image_kind kind, uint32_t i)
{
	const struct stw_image_section *s = &((struct stw_image_header *)fx.copy)->sections[kind];

	return fx.copy + s->offset + (size_t)i * s->row_bytes;
}

/* Use everything in it: with a sanitizer this finds any index out of bounds. */
static void walk(const struct stw_tables *t)
{
	volatile uint64_t sum = 0;

	for (uint32_t i = 0; i < t->n_pools; i++)
		for (uint32_t s = 0; s < t->pools[i].n_slots; s++)
			sum += t->members[t->slots[t->pools[i].first_slot + s]].id;
	for (uint32_t i = 0; i < t->n_members; i++) {
		assert_int_equal(stw_tables_find_member(t, &t->members[i].address), i);
		assert_int_equal(stw_tables_find_member_id(t, t->members[i].id), i);
		assert_true(t->members[i].number < STW_MEMBER_NUMBERS);
	}
	for (uint32_t i = 0; i < t->n_listeners; i++) {
		uint16_t pool = t->listeners[i].view.pool;

		assert_int_equal(stw_tables_find_listener(t, &t->listeners[i].view.address), i);
		assert_true(pool == STW_IMAGE_NO_POOL || pool < t->n_pools);
	}
	for (uint32_t i = 0; i < t->n_names; i++) {
		const struct stw_image_name *n = &t->names[i];

		assert_ptr_equal(stw_tables_find_name(t, t->name_text + n->first_byte, n->len,
						      n->port),
				 n);
		for (uint32_t k = 0; k < n->n_targets; k++)
			sum += t->targets[n->first_target + k].address.port;
	}
}

/* Give the copy a right checksum again and present it. */
static int present(size_t size)
{
	struct stw_image_header *h = (struct stw_image_header *)fx.copy;
	struct stw_tables *t = NULL;

	if (size >= sizeof(*h))
		h->checksum = stw_image_checksum(fx.copy, size);
	fx.reason[0] = '\0';
	int err = stw_tables_new(fx.copy, size, fx.reason, sizeof(fx.reason), &t);
	if (err == STW_OK) {
		walk(t);
		stw_tables_free(t);
	} else {
		assert_null(t);
		assert_true(strlen(fx.reason) > 0);
	}
	return err;
}

static void accepts_what_control_builds(void **state)
{
	struct stw_tables *t;
	struct stw_endpoint other = stw_farm_v4(192, 0, 2, 1, 5061);

	(void)state;
	fresh();
	assert_int_equal(stw_tables_new(fx.copy, fx.image.size_bytes, fx.reason, sizeof(fx.reason),
					&t),
			 STW_OK);
	walk(t);
	assert_int_equal(stw_tables_generation(t), 42);
	assert_memory_equal(stw_tables_digest(t), fx.image.digest, 32);
	assert_int_equal(stw_tables_n_listeners(t), 2);
	assert_int_equal(stw_tables_n_members(t), 5);
	assert_int_equal(stw_tables_find_listener(t, &other), -1);
	assert_int_equal(stw_tables_find_member(t, &other), -1);
	assert_int_equal(stw_tables_find_member_id(t, 1), -1);
	assert_true(stw_tables_has_domain(t, "Example.COM", 11));
	assert_true(stw_tables_has_domain(t, "[2001:db8::1]", 13));
	assert_false(stw_tables_has_domain(t, "example.co", 10));
	assert_true(stw_tables_has_listener_ip(t, &other.ip));
	assert_true(stw_tables_is_listener_ip(t, &other.ip));
	other = stw_farm_v4(192, 0, 2, 2, 5060);
	assert_false(stw_tables_has_listener_ip(t, &other.ip));
	assert_false(stw_tables_is_listener_ip(t, &other.ip));
	other = stw_farm_v4(192, 0, 3, 1, 5060); /* its last byte alone */
	assert_false(stw_tables_is_listener_ip(t, &other.ip));
	stw_tables_free(t);
}

static void finds_names_with_their_port_and_no_others(void **state)
{
	struct stw_tables *t;

	(void)state;
	fresh();
	assert_int_equal(stw_tables_new(fx.copy, fx.image.size_bytes, fx.reason, sizeof(fx.reason),
					&t),
			 STW_OK);
	const struct stw_image_name *n = stw_tables_find_name(t, "example.com", 11, 0);
	assert_non_null(n);
	assert_int_equal(n->n_targets, 2);
	assert_memory_equal(&t->targets[n->first_target], targets, sizeof(targets));
	n = stw_tables_find_name(t, "example.com", 11, 5070);
	assert_non_null(n);
	assert_int_equal(n->n_targets, 1);
	n = stw_tables_find_name(t, "nobody.example.org", 18, 0);
	assert_non_null(n);
	assert_int_equal(n->n_targets, 0);
	assert_null(stw_tables_find_name(t, "example.com", 11, 5060));
	assert_null(stw_tables_find_name(t, "example.co", 10, 0));
	assert_null(stw_tables_find_name(t, "example.net", 11, 0));
	stw_tables_free(t);
}

static void makes_one_form_of_a_name(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"Example.COM", "example.com"},
		{"example.com.", "example.com"},
		{"_sip._udp.a-b.c1", "_sip._udp.a-b.c1"},
		{"x", "x"},
		{"", ""},
		{".", ""},
		{"a..b", ""},
		{".a", ""},
		{"a..", ""},
		{"a b", ""},
		{"a%62", ""},
		{"[::1]", ""},
		{"caf\xc3\xa9", ""},
	};
	char out[STW_IMAGE_NAME_MAX], longest[STW_IMAGE_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t n = stw_name_canonical(rows[i].in, strlen(rows[i].in), out);

		assert_int_equal(n, strlen(rows[i].out));
		assert_memory_equal(out, rows[i].out, n);
	}
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(stw_name_canonical(longest, STW_IMAGE_NAME_MAX, out), STW_IMAGE_NAME_MAX);
	assert_int_equal(stw_name_canonical(longest, STW_IMAGE_NAME_MAX + 1, out), 0);
	longest[STW_IMAGE_NAME_MAX] = '.';
	assert_int_equal(stw_name_canonical(longest, STW_IMAGE_NAME_MAX + 1, out),
			 STW_IMAGE_NAME_MAX);
	assert_int_equal(stw_name_canonical(longest, STW_IMAGE_NAME_MAX + 2, out), 0);
}

static void preformats_the_listeners_texts(void **state)
{
	struct stw_tables *t;

	(void)state;
	fresh();
	assert_int_equal(stw_tables_new(fx.copy, fx.image.size_bytes, fx.reason, sizeof(fx.reason),
					&t),
			 STW_OK);
	assert_string_equal(t->listeners[0].via, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK");
	assert_int_equal(t->listeners[0].via_len, strlen(t->listeners[0].via));
	assert_string_equal(t->listeners[1].record_route,
			    "Record-Route: <sip:[2001:db8::1]:5060;lr;stw=");
	assert_int_equal(t->listeners[1].record_route_len, strlen(t->listeners[1].record_route));
	stw_tables_free(t);
}

static void refuses_every_truncation(void **state)
{
	(void)state;
	for (size_t n = 0; n < fx.image.size_bytes; n++) {
		fresh();
		assert_int_not_equal(present(n), STW_OK);
	}
}

static void refuses_a_wrong_checksum(void **state)
{
	struct stw_tables *t;

	(void)state;
	for (size_t i = sizeof(struct stw_image_header); i < fx.image.size_bytes; i++) {
		fresh();
		fx.copy[i] ^= 0x10;
		assert_int_equal(stw_tables_new(fx.copy, fx.image.size_bytes, fx.reason,
						sizeof(fx.reason), &t),
				 STW_EDIGEST);
	}
}

/* With the checksum made right again, only the checks stand between a wild value and a crash. */
static void survives_any_byte_changed(void **state)
{
	static const uint8_t flips[] = {0x01, 0x10, 0x80, 0xff};
	size_t accepted = 0;

	(void)state;
	for (size_t i = 0; i < fx.image.size_bytes; i++)
		for (size_t f = 0; f < sizeof(flips); f++) {
			fresh();
			fx.copy[i] ^= flips[f];
			accepted += present(fx.image.size_bytes) == STW_OK;
		}
	/* keys, ids, weights, addresses may change; offsets and counts may not */
	assert_true(accepted > 0);
}

static void survives_extreme_fields(void **state)
{
	static const uint32_t extremes[] = {0, 1, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};

	(void)state;
	for (size_t i = 0; i + 4 <= fx.image.size_bytes; i += 4)
		for (size_t e = 0; e < sizeof(extremes) / sizeof(extremes[0]); e++) {
			fresh();
			memcpy(fx.copy + i, &extremes[e], 4);
			present(fx.image.size_bytes);
		}
}

#define REFUSED(err, text)                                           \
	do {                                                         \
		assert_int_equal(present(fx.image.size_bytes), err); \
		assert_string_equal(fx.reason, text);                \
	} while (0)

/* One row's field set otherwise: what is said of it. */
#define BROKEN(type, kind, index, change, err, text) \
	do {                                         \
		fresh();                             \
		((type *)row(kind, index))->change;  \
		REFUSED(err, text);                  \
	} while (0)

static struct stw_image_pool *fresh_pool(void)
{
	fresh();
	return row(STW_IMAGE_POOLS_SECTION, 0);
}

static void names_what_is_wrong_with_a_pool(void)
{
	struct stw_image_pool *p;

	fresh_pool()->flags = 4;
	REFUSED(STW_EMALFORMED, "section pools, row 0: unknown flags");
	fresh_pool()->policy = STW_IMAGE_N_POLICIES;
	REFUSED(STW_ERANGE, "section pools, row 0: unknown policy");
	fresh_pool()->key = STW_IMAGE_N_KEYS;
	REFUSED(STW_ERANGE, "section pools, row 0: unknown policy");
	fresh_pool()->key = STW_IMAGE_KEY_HEADER;
	REFUSED(STW_ERANGE, "section pools, row 0: no name of a header");
	fresh_pool()->key_header[0] = 'x';
	REFUSED(STW_ERANGE, "section pools, row 0: no name of a header");
	p = fresh_pool();
	p->key = STW_IMAGE_KEY_HEADER;
	p->key_header_len = 3;
	memcpy(p->key_header, "X-a", 3);
	REFUSED(STW_ERANGE, "section pools, row 0: no name of a header");
	fresh_pool()->bound_percent = 100;
	REFUSED(STW_ERANGE, "section pools, row 0: bound of 100 %");
	fresh_pool()->work_other = 0;
	REFUSED(STW_ERANGE, "section pools, row 0: work or failover");
	fresh_pool()->failover = 8;
	REFUSED(STW_ERANGE, "section pools, row 0: work or failover");
	fresh_pool()->fallback = 1;
	REFUSED(STW_EBOUNDS, "section pools, row 0: no pool 1");
	fresh_pool()->fallback = 0;
	REFUSED(STW_ERANGE, "section pools, row 0: falls back on itself");
	fresh_pool()->n_past = 1u << 20;
	REFUSED(STW_EBOUNDS, "section pools, row 0: slots leave their section");
	p = fresh_pool();
	p->first_past = 100;
	p->n_past = 20;
	p->n_slots = 100;
	*(uint16_t *)row(STW_IMAGE_SLOTS_SECTION, 117) = 5;
	REFUSED(STW_EBOUNDS, "section slots, row 117: no member 5");
}

static void names_what_is_wrong_with_the_proxy(void)
{
	struct stw_image_option *o;

	BROKEN(struct stw_image_listener, STW_IMAGE_LISTENERS_SECTION, 0, nat = STW_IMAGE_N_NAT,
	       STW_ERANGE, "section listeners, row 0: unknown nat");
	BROKEN(struct stw_image_listener, STW_IMAGE_LISTENERS_SECTION, 0, n_trusted = 3,
	       STW_EBOUNDS, "section listeners, row 0: trusted leave their section");
	BROKEN(struct stw_image_listener, STW_IMAGE_LISTENERS_SECTION, 0, first_trusted = 3,
	       STW_EBOUNDS, "section listeners, row 0: trusted leave their section");
	BROKEN(struct stw_image_listener, STW_IMAGE_LISTENERS_SECTION, 0, reserved = 1,
	       STW_EMALFORMED, "section listeners, row 0: reserved field is not zero");
	BROKEN(struct stw_image_prefix, STW_IMAGE_TRUSTED_SECTION, 1, bits = 129, STW_ERANGE,
	       "section trusted, row 1: not a network");
	BROKEN(struct stw_image_prefix, STW_IMAGE_TRUSTED_SECTION, 0, ip.b[15] = 1, STW_ERANGE,
	       "section trusted, row 0: not a network");
	BROKEN(struct stw_image_prefix, STW_IMAGE_TRUSTED_SECTION, 0, reserved[2] = 1,
	       STW_EMALFORMED, "section trusted, row 0: reserved field is not zero");
	BROKEN(struct stw_image_option, STW_IMAGE_OPTIONS_SECTION, 0, tag[0] = 'S', STW_ERANGE,
	       "section options, row 0: not a token in lower case");
	BROKEN(struct stw_image_option, STW_IMAGE_OPTIONS_SECTION, 0, tag[31] = 'x', STW_ERANGE,
	       "section options, row 0: not a token in lower case");
	fresh();
	o = row(STW_IMAGE_OPTIONS_SECTION, 0);
	memset(o, 0, sizeof(*o));
	REFUSED(STW_ERANGE, "section options, row 0: not a token in lower case");
	BROKEN(struct stw_image_port_range, STW_IMAGE_CLOSED_PORTS_SECTION, 0, first = 1024,
	       STW_ERANGE, "section closed_ports, row 0: 1024 is above 1023");
	BROKEN(struct stw_image_settings, STW_IMAGE_SETTINGS_SECTION, 0, reserved[1] = 1,
	       STW_EMALFORMED, "section settings: reserved field is not zero");
	BROKEN(struct stw_image_settings, STW_IMAGE_SETTINGS_SECTION, 0, flags = STW_IMAGE_REDIRECT,
	       STW_EMALFORMED, "section settings: redirect without locate");
}

static void knows_trusted_peers_options_and_closed_ports(void **state)
{
	static const uint16_t ports[] = {0, 1, 53, 1023, 1024, 5060, 65535};
	struct stw_tables *t;

	(void)state;
	fresh();
	assert_int_equal(stw_tables_new(fx.copy, fx.image.size_bytes, fx.reason, sizeof(fx.reason),
					&t),
			 STW_OK);
	const struct stw_ip in = stw_farm_v4(203, 0, 113, 255, 0).ip,
			    out = stw_farm_v4(203, 0, 112, 255, 0).ip,
			    in6 = stw_farm_v6(0x77, 0).ip, out6 = stw_farm_v6(0x78, 0).ip;
	assert_true(stw_tables_trusts(t, 0, &in));
	assert_false(stw_tables_trusts(t, 0, &out));
	assert_false(stw_tables_trusts(t, 0, &in6));
	assert_false(stw_tables_trusts(t, 1, &in));
	assert_true(stw_tables_trusts(t, 1, &in6));
	assert_false(stw_tables_trusts(t, 1, &out6));
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		assert_int_equal(stw_tables_port_closed(t, ports[i]),
				 ports[i] >= 1 && ports[i] <= 1023);
	assert_int_equal(t->n_options, 1);
	assert_string_equal(t->options[0].tag, "sec-agree");
	stw_tables_free(t);
}

/* A row of rules, keys or text changed: what is said of it. */
static struct stw_image_rule *fresh_rule(uint32_t i)
{
	fresh();
	return row(STW_IMAGE_RULES_SECTION, i);
}

static struct stw_image_rule_key *fresh_key(uint32_t i)
{
	fresh();
	return row(STW_IMAGE_RULE_KEYS_SECTION, i);
}

static void names_what_is_wrong_with_rules(void **state)
{
	struct stw_image_header *h = (struct stw_image_header *)fx.copy;

	(void)state;
	fresh_rule(0)->action = STW_IMAGE_RULE_N_ACTIONS;
	REFUSED(STW_ERANGE, "section rules, row 0: unknown action or field");
	fresh_rule(0)->by = STW_IMAGE_RULE_FIELDS + 1;
	REFUSED(STW_ERANGE, "section rules, row 0: unknown action or field");
	fresh_rule(1)->by = STW_IMAGE_RULE_BY_USER;
	REFUSED(STW_ERANGE, "section rules, row 1: found by no value");
	fresh_rule(0)->methods = 1u << 2; /* ACK */
	REFUSED(STW_ERANGE, "section rules, row 0: unknown methods");
	fresh_rule(0)->methods = 0x8000;
	REFUSED(STW_ERANGE, "section rules, row 0: unknown methods");
	fresh_rule(0)->status = 302;
	REFUSED(STW_ERANGE, "section rules, row 0: status 302");
	fresh_rule(1)->status = 302;
	REFUSED(STW_ERANGE, "section rules, row 1: status 302");
	fresh_rule(0)->pool = 1;
	REFUSED(STW_EBOUNDS, "section rules, row 0: no pool 1");
	fresh_rule(1)->pool = 0;
	REFUSED(STW_EBOUNDS, "section rules, row 1: no pool 0");
	fresh_rule(0)->name = UINT32_MAX;
	REFUSED(STW_ERANGE, "section rules, row 0: its text is none");
	fresh_rule(1)->said = fresh_rule(0)->said;
	REFUSED(STW_ERANGE, "section rules, row 1: its text is none");
	fresh_rule(0)->row = STW_IMAGE_RULE_ROWS;
	REFUSED(STW_ERANGE, "section rules, row 0: counters 131072");
	fresh_rule(1)->row = 7;
	REFUSED(STW_EDUP, "section rules, row 1: counters 7 again");
	fresh_rule(0)->reserved = 1;
	REFUSED(STW_EMALFORMED, "section rules, row 0: reserved field is not zero");
	fresh_rule(0)->keys[1].first++;
	REFUSED(STW_EBOUNDS, "section rules, row 0: keys leave their place");
	fresh_rule(0)->keys[4].n = UINT32_MAX;
	REFUSED(STW_EBOUNDS, "section rules, row 0: keys leave their place");
	fresh_rule(0)->keys[4].n = 0;
	REFUSED(STW_EBOUNDS, "section rules, row 1: keys leave their place");
	/* keys: two users, a domain, a number, a source, a listener */
	fresh_key(0)->len = 0;
	REFUSED(STW_ERANGE, "section rule_keys, row 0: no value of field 0");
	fresh_key(1)->first_byte = UINT32_MAX;
	REFUSED(STW_ERANGE, "section rule_keys, row 1: no value of field 0");
	fresh_key(2)->first_byte++;
	REFUSED(STW_ERANGE, "section rule_keys, row 2: no value of field 1");
	fresh_key(3)->kind = STW_IMAGE_RULE_EXACT;
	REFUSED(STW_ERANGE, "section rule_keys, row 3: no value of field 2");
	fresh_key(3)->pool = 1;
	REFUSED(STW_ERANGE, "section rule_keys, row 3: no value of field 2");
	fresh_key(4)->kind = 129;
	REFUSED(STW_ERANGE, "section rule_keys, row 4: no value of field 3");
	fresh_key(4)->kind = 97;
	REFUSED(STW_ERANGE, "section rule_keys, row 4: no value of field 3");
	fresh_key(5)->first_byte = 2;
	REFUSED(STW_ERANGE, "section rule_keys, row 5: no value of field 4");
	fresh();
	*(struct stw_image_rule_key *)row(STW_IMAGE_RULE_KEYS_SECTION, 1) =
		*(struct stw_image_rule_key *)row(STW_IMAGE_RULE_KEYS_SECTION, 0);
	REFUSED(STW_EDUP, "section rule_keys, row 1: a value again");
	fresh();
	*(char *)row(STW_IMAGE_RULE_TEXT_SECTION,
		     h->sections[STW_IMAGE_RULE_TEXT_SECTION].rows - 1) = 'x';
	REFUSED(STW_ERANGE, "section rule_text: its last text has no end");
}

static void names_section_and_row(void **state)
{
	struct stw_image_header *h;
	char misplaced[64], version[64];

	(void)state;
	h = fresh();
	h->magic = 0;
	REFUSED(STW_EMALFORMED, "header: not a table image");
	h = fresh();
	h->version = 1;
	snprintf(version, sizeof(version), "header: version 1, expected %u", STW_IMAGE_VERSION);
	REFUSED(STW_EVERSION, version);
	h = fresh();
	h->sections[STW_IMAGE_SLOTS_SECTION].rows = 0xffffffff;
	REFUSED(STW_EBOUNDS, "section slots: 4294967295 rows, allowed are 0..536870912");
	h = fresh();
	h->sections[STW_IMAGE_MEMBERS_SECTION].offset -= 8;
	snprintf(misplaced, sizeof(misplaced), "section members: offset %u is misplaced",
		 h->sections[STW_IMAGE_MEMBERS_SECTION].offset);
	REFUSED(STW_EBOUNDS, misplaced);
	BROKEN(struct stw_image_listener, STW_IMAGE_LISTENERS_SECTION, 1, pool = 1, STW_EBOUNDS,
	       "section listeners, row 1: no pool 1");
	BROKEN(struct stw_image_listener, STW_IMAGE_LISTENERS_SECTION, 1,
	       address = fx.farm.listeners[0].address, STW_EDUP,
	       "section listeners, row 1: address of row 0 again");
	fresh();
	*(uint16_t *)row(STW_IMAGE_SLOTS_SECTION, 17) = 5;
	REFUSED(STW_EBOUNDS, "section slots, row 17: member 5 is not in pool 0");
	/* the member exists, but the pool does not have it */
	fresh();
	((struct stw_image_pool *)row(STW_IMAGE_POOLS_SECTION, 0))->n_members = 4;
	*(uint16_t *)row(STW_IMAGE_SLOTS_SECTION, 0) = 4;
	REFUSED(STW_EBOUNDS, "section slots, row 0: member 4 is not in pool 0");
	names_what_is_wrong_with_a_pool();
	names_what_is_wrong_with_the_proxy();
	BROKEN(struct stw_image_member, STW_IMAGE_MEMBERS_SECTION, 3, flags = STW_IMAGE_MEMBER_GONE,
	       STW_ERANGE, "section pool_members, row 3: member 3 is gone");
	BROKEN(struct stw_image_member, STW_IMAGE_MEMBERS_SECTION, 3, flags = 4, STW_EMALFORMED,
	       "section members, row 3: unknown flags");
	BROKEN(struct stw_image_pool_member, STW_IMAGE_POOL_MEMBERS_SECTION, 2, member = 1,
	       STW_EDUP, "section pool_members, row 2: member 1 is in pool 0 twice");
	BROKEN(struct stw_image_member, STW_IMAGE_MEMBERS_SECTION, 4, number = STW_MEMBER_NUMBERS,
	       STW_ERANGE, "section members, row 4: number 16384, allowed are 0..16383");
	BROKEN(struct stw_image_member, STW_IMAGE_MEMBERS_SECTION, 4, id = fx.farm.members[2].id,
	       STW_EDUP, "section members, row 4: an id again");
	BROKEN(struct stw_image_member, STW_IMAGE_MEMBERS_SECTION, 4, address.port = 0, STW_ERANGE,
	       "section members, row 4: unusable address");
	BROKEN(struct stw_image_secret, STW_IMAGE_SECRETS_SECTION, 1, id = 3, STW_EDUP,
	       "section secrets, row 1: id 3 again");
	BROKEN(struct stw_image_name, STW_IMAGE_NAMES_SECTION, 1, port = 0, STW_EDUP,
	       "section names, row 1: a name again");
	BROKEN(struct stw_image_name, STW_IMAGE_NAMES_SECTION, 2, len = 19, STW_EBOUNDS,
	       "section names, row 2: text leaves its section");
	BROKEN(struct stw_image_name, STW_IMAGE_NAMES_SECTION, 2, len = 0, STW_ERANGE,
	       "section names, row 2: not a name in lower case");
	fresh();
	*(char *)row(STW_IMAGE_NAME_TEXT_SECTION, 0) = 'E';
	REFUSED(STW_ERANGE, "section names, row 0: not a name in lower case");
	BROKEN(struct stw_image_name, STW_IMAGE_NAMES_SECTION, 0, n_targets = 4, STW_EBOUNDS,
	       "section names, row 0: targets leave their section");
	BROKEN(struct stw_image_target, STW_IMAGE_TARGETS_SECTION, 0, priority = 10, STW_ERANGE,
	       "section targets, row 1: priorities must ascend");
	BROKEN(struct stw_image_target, STW_IMAGE_TARGETS_SECTION, 1, address.port = 0, STW_ERANGE,
	       "section targets, row 1: unusable address");
	BROKEN(struct stw_image_domain, STW_IMAGE_DOMAINS_SECTION, 1, len = 0, STW_ERANGE,
	       "section domains, row 1: 0 bytes");
	BROKEN(struct stw_image_domain, STW_IMAGE_DOMAINS_SECTION, 0, len = 12, STW_ERANGE,
	       "section domains, row 0: not in lower case");
	BROKEN(struct stw_image_domain, STW_IMAGE_DOMAINS_SECTION, 0, name[2] = 'A', STW_ERANGE,
	       "section domains, row 0: not in lower case");
	fresh();
	*(struct stw_image_domain *)row(STW_IMAGE_DOMAINS_SECTION, 1) =
		*(struct stw_image_domain *)row(STW_IMAGE_DOMAINS_SECTION, 0);
	REFUSED(STW_EDUP, "section domains, row 1: domain of row 0 again");
#undef REFUSED
}

static size_t allocated, released;

static void *counting_alloc(size_t size, size_t align)
{
	allocated++;
	assert_int_equal(size % align, 0);
	return aligned_alloc(align, size);
}

static void counting_free(void *p)
{
	released++;
	free(p);
}

static void *no_memory(size_t size, size_t align)
{
	(void)size;
	(void)align;
	return NULL;
}

static void takes_its_memory_from_the_given_allocator(void **state)
{
	(void)state;
	stw_tables_set_allocator(counting_alloc, counting_free);
	fresh();
	assert_int_equal(present(fx.image.size_bytes), STW_OK);
	((struct stw_image_header *)fx.copy)->reserved = 1;
	assert_int_equal(present(fx.image.size_bytes), STW_EMALFORMED);
	assert_int_equal(allocated, 2);
	assert_int_equal(released, 2);
	stw_tables_set_allocator(no_memory, NULL);
	fresh();
	assert_int_equal(present(fx.image.size_bytes), STW_ENOMEM);
	stw_tables_set_allocator(NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_control_builds),
		cmocka_unit_test(finds_names_with_their_port_and_no_others),
		cmocka_unit_test(knows_trusted_peers_options_and_closed_ports),
		cmocka_unit_test(makes_one_form_of_a_name),
		cmocka_unit_test(preformats_the_listeners_texts),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_a_wrong_checksum),
		cmocka_unit_test(survives_any_byte_changed),
		cmocka_unit_test(survives_extreme_fields),
		cmocka_unit_test(names_section_and_row),
		cmocka_unit_test(names_what_is_wrong_with_rules),
		cmocka_unit_test(takes_its_memory_from_the_given_allocator),
	};
	return cmocka_run_group_tests_name("image", tests, setup, teardown);
}
