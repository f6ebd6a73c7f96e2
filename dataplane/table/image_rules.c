/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/table/image_check.h"

#include <string.h>

#include <strowger/errors.h>
#include <strowger/sip.h>
#include <strowger/sip_number.h>
#include <strowger/stats.h>

_Static_assert(STW_IMAGE_RULE_ROWS == STW_RULE_ROWS, "each rule has a counter");

struct rules {
	const struct stw_image_check *image;
	const struct stw_image_rule *rules;
	const struct stw_image_rule_key *keys;
	const char *text;
	uint32_t n_rules, n_keys, n_text, n_pools, n_listeners;
};

/* A text of @least..@most bytes without control bytes; those of all end within their section. */
static bool text_fits(const struct rules *c, uint32_t at, size_t least, size_t most)
{
	if (at >= c->n_text)
		return false;
	size_t n = strnlen(c->text + at, most + 1);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)c->text[at + i] < 0x20 || c->text[at + i] == 0x7f)
			return false;
	return n >= least && n <= most;
}

static bool is_redirect(uint8_t action)
{
	return action >= STW_IMAGE_RULE_REDIRECT_CONTACTS && action <= STW_IMAGE_RULE_REDIRECT_URI;
}

static bool status_fits(const struct stw_image_rule *r)
{
	if (r->action == STW_IMAGE_RULE_REJECT)
		return r->status >= 400 && r->status <= 699;
	if (is_redirect(r->action))
		return r->status == 301 || r->status == 302 || r->status == 305;
	return r->status == 0;
}

/* What is said with an answer; a URI stands in angle brackets there. */
static bool said_fits(const struct rules *c, const struct stw_image_rule *r)
{
	bool says = r->action == STW_IMAGE_RULE_REJECT || r->action == STW_IMAGE_RULE_REDIRECT_URI;

	if (!text_fits(c, r->said, says ? 1 : 0, says ? STW_IMAGE_RULE_SAID : 0))
		return false;
	return r->action != STW_IMAGE_RULE_REDIRECT_URI ||
	       strpbrk(c->text + r->said, "<>\" ") == NULL;
}

static bool pool_fits(const struct rules *c, const struct stw_image_rule *r)
{
	if (r->action == STW_IMAGE_RULE_TO_POOL || r->action == STW_IMAGE_RULE_REDIRECT_MEMBER)
		return r->pool < c->n_pools;
	return r->pool == STW_IMAGE_NO_POOL;
}

static int check_rule(const struct rules *c, uint32_t i)
{
	const uint16_t never = 1u << STW_METHOD_ACK | 1u << STW_METHOD_CANCEL;
	const struct stw_image_rule *r = &c->rules[i];

	if (r->action >= STW_IMAGE_RULE_N_ACTIONS || r->by > STW_IMAGE_RULE_FIELDS)
		return stw_image_refuse(c->image, STW_ERANGE,
					"section rules, row %u: unknown action or field", i);
	if ((r->methods & never) != 0 || r->methods >> STW_N_METHODS != 0)
		return stw_image_refuse(c->image, STW_ERANGE,
					"section rules, row %u: unknown methods", i);
	if (!status_fits(r))
		return stw_image_refuse(c->image, STW_ERANGE, "section rules, row %u: status %u", i,
					r->status);
	if (!pool_fits(c, r))
		return stw_image_refuse(c->image, STW_EBOUNDS, "section rules, row %u: no pool %u",
					i, r->pool);
	if (!text_fits(c, r->name, 1, STW_IMAGE_RULE_NAME) || !said_fits(c, r))
		return stw_image_refuse(c->image, STW_ERANGE,
					"section rules, row %u: its text is none", i);
	if (r->row >= STW_IMAGE_RULE_ROWS)
		return stw_image_refuse(c->image, STW_ERANGE, "section rules, row %u: counters %u",
					i, r->row);
	if (r->by < STW_IMAGE_RULE_FIELDS && r->keys[r->by].n == 0)
		return stw_image_refuse(c->image, STW_ERANGE,
					"section rules, row %u: found by no value", i);
	if (r->reserved != 0)
		return stw_image_refuse(c->image, STW_EMALFORMED,
					"section rules, row %u: reserved field is not zero", i);
	return STW_OK;
}

/* No bit of @ip is set behind the first @bits. */
static bool is_network(const char *ip, uint8_t bits)
{
	for (unsigned int i = bits; i < 128; i++)
		if ((uint8_t)ip[i / 8] >> (7 - i % 8) & 1)
			return false;
	return bits <= 128;
}

/* In the form that a request's is brought into, or it would never be found. */
static bool is_domain(const char *text, const struct stw_image_rule_key *k)
{
	for (uint8_t i = 0; i < k->len; i++)
		if (text[i] <= ' ' || text[i] == 0x7f || (text[i] >= 'A' && text[i] <= 'Z'))
			return false;
	return k->kind == STW_IMAGE_RULE_EXACT || (text[0] == '.' && k->len > 1);
}

static bool is_number(const char *text, uint8_t len)
{
	struct stw_number n;

	return (len == 1 && *text == '+') ||
	       (stw_number_read(text, len, &n) && n.len == len && memcmp(n.text, text, len) == 0);
}

static bool key_fits(const struct rules *c, int field, const struct stw_image_rule_key *k)
{
	static const uint8_t most[] = {
		[STW_IMAGE_RULE_BY_USER] = STW_IMAGE_RULE_USER,
		[STW_IMAGE_RULE_BY_DOMAIN] = STW_IMAGE_NAME_MAX,
		[STW_IMAGE_RULE_BY_NUMBER] = STW_IMAGE_RULE_NUMBER,
		[STW_IMAGE_RULE_BY_SOURCE] = 16,
	};
	const char *text = c->text + k->first_byte;

	if (field == STW_IMAGE_RULE_BY_LISTENER)
		return k->first_byte < c->n_listeners && k->len == 0 &&
		       k->kind == STW_IMAGE_RULE_EXACT;
	if (k->len == 0 || k->len > most[field] || k->first_byte > c->n_text ||
	    k->len > c->n_text - k->first_byte)
		return false;
	switch (field) {
	case STW_IMAGE_RULE_BY_USER: return k->kind <= STW_IMAGE_RULE_PART;
	case STW_IMAGE_RULE_BY_DOMAIN: return k->kind <= STW_IMAGE_RULE_PART && is_domain(text, k);
	case STW_IMAGE_RULE_BY_NUMBER:
		return k->kind == STW_IMAGE_RULE_PART && is_number(text, k->len);
	default: return k->len == 16 && is_network(text, k->kind);
	}
}

static bool key_pool_fits(const struct rules *c, const struct stw_image_rule *r, int field,
			  const struct stw_image_rule_key *k)
{
	return k->pool == STW_IMAGE_NO_POOL ||
	       (field == STW_IMAGE_RULE_BY_NUMBER && r->pool != STW_IMAGE_NO_POOL &&
		k->pool < c->n_pools);
}

/* Those of rule @i, the first of which is @next; then @next is the one behind. */
static int check_keys(const struct rules *c, uint32_t i, uint32_t *next)
{
	const struct stw_image_rule *r = &c->rules[i];

	for (int f = 0; f < STW_IMAGE_RULE_FIELDS; f++) {
		if (r->keys[f].first != *next || r->keys[f].n > c->n_keys - *next)
			return stw_image_refuse(c->image, STW_EBOUNDS,
						"section rules, row %u: keys leave their place", i);
		for (uint32_t k = *next; k < *next + r->keys[f].n; k++)
			if (!key_fits(c, f, &c->keys[k]) || !key_pool_fits(c, r, f, &c->keys[k]))
				return stw_image_refuse(
					c->image, STW_ERANGE,
					"section rule_keys, row %u: no value of field %d", k, f);
		*next += r->keys[f].n;
	}
	return STW_OK;
}

static int check_counters(const struct rules *c)
{
	uint8_t taken[STW_IMAGE_RULE_ROWS / 8] = {0};

	for (uint32_t i = 0; i < c->n_rules; i++) {
		uint32_t row = c->rules[i].row;

		if (taken[row / 8] >> row % 8 & 1)
			return stw_image_refuse(c->image, STW_EDUP,
						"section rules, row %u: counters %u again", i, row);
		taken[row / 8] |= (uint8_t)(1u << row % 8);
	}
	return STW_OK;
}

int stw_image_check_rules(const struct stw_image_check *image)
{
	struct rules c = {.image = image};
	uint32_t next = 0, tried = 0;

	c.rules = stw_image_rows(image, STW_IMAGE_RULES_SECTION, &c.n_rules);
	c.keys = stw_image_rows(image, STW_IMAGE_RULE_KEYS_SECTION, &c.n_keys);
	c.text = stw_image_rows(image, STW_IMAGE_RULE_TEXT_SECTION, &c.n_text);
	stw_image_rows(image, STW_IMAGE_POOLS_SECTION, &c.n_pools);
	stw_image_rows(image, STW_IMAGE_LISTENERS_SECTION, &c.n_listeners);
	if (c.n_text > 0 && c.text[c.n_text - 1] != '\0')
		return stw_image_refuse(image, STW_ERANGE,
					"section rule_text: its last text has no end");
	for (uint32_t i = 0; i < c.n_rules; i++) {
		int err = check_rule(&c, i);

		if (err == STW_OK)
			err = check_keys(&c, i, &next);
		if (err != STW_OK)
			return err;
		tried += c.rules[i].by == STW_IMAGE_RULE_FIELDS;
	}
	if (next != c.n_keys)
		return stw_image_refuse(image, STW_EBOUNDS, "section rule_keys, row %u: no rule's",
					next);
	if (tried > STW_IMAGE_RULE_SHARE)
		return stw_image_refuse(image, STW_ERANGE,
					"section rules: %u are found by no value, allowed are %u",
					tried, STW_IMAGE_RULE_SHARE);
	return check_counters(&c);
}
