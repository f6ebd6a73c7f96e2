/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tables/build_rules.h"

#include <string.h>

#include <strowger/sip.h>

/* Where the next rows go; without sections to fill it only counts. */
struct filling {
	struct stw_image_rule_key *keys;
	char *text;
	uint64_t n_keys, n_text;
};

static uint32_t put_text(struct filling *f, const void *text, size_t len)
{
	uint64_t at = f->n_text;

	if (f->text)
		memcpy(f->text + at, text, len);
	f->n_text += len;
	return (uint32_t)at;
}

/* With its NUL. */
static uint32_t put_words(struct filling *f, const char *text)
{
	return put_text(f, text, strlen(text) + 1);
}

static void put_key(struct filling *f, uint32_t first_byte, size_t len, unsigned kind,
		    uint32_t pool)
{
	if (f->keys)
		f->keys[f->n_keys] =
			(struct stw_image_rule_key){first_byte,
						    pool == UINT32_MAX ? STW_IMAGE_NO_POOL
								       : (uint16_t)pool,
						    (uint8_t)len, (uint8_t)kind};
	f->n_keys++;
}

static void put_value(struct filling *f, const char *text, size_t len, unsigned kind, uint32_t pool)
{
	uint32_t at = put_text(f, text, len);

	put_key(f, at, len, kind, pool);
}

static void put_user(struct filling *f, const char *text)
{
	size_t len = strlen(text);
	bool part = len > 1 && text[len - 1] == '*';

	put_value(f, text, len - part, part ? STW_IMAGE_RULE_PART : STW_IMAGE_RULE_EXACT,
		  UINT32_MAX);
}

static void put_domain(struct filling *f, const char *text)
{
	bool part = text[0] == '*';

	put_value(f, text + part, strlen(text) - part,
		  part ? STW_IMAGE_RULE_PART : STW_IMAGE_RULE_EXACT, UINT32_MAX);
}

static void put_source(struct filling *f, const struct stw_model_prefix *p)
{
	uint32_t at = put_text(f, p->ip.b, sizeof(p->ip.b));

	put_key(f, at, sizeof(p->ip.b), p->bits + (stw_ip_is_v4(&p->ip) ? 96u : 0u), UINT32_MAX);
}

static void put_field(struct filling *f, const struct stw_model_rule *r, int field)
{
	switch (field) {
	case STW_IMAGE_RULE_BY_USER:
		for (size_t i = 0; i < r->n_users; i++)
			put_user(f, r->users[i].text);
		break;
	case STW_IMAGE_RULE_BY_DOMAIN:
		for (size_t i = 0; i < r->n_domains; i++)
			put_domain(f, r->domains[i].text);
		break;
	case STW_IMAGE_RULE_BY_NUMBER:
		for (size_t i = 0; i < r->n_numbers; i++)
			put_value(f, r->numbers[i].prefix, strlen(r->numbers[i].prefix),
				  STW_IMAGE_RULE_PART, r->numbers[i].pool);
		break;
	case STW_IMAGE_RULE_BY_SOURCE:
		for (size_t i = 0; i < r->n_sources; i++)
			put_source(f, &r->sources[i]);
		break;
	default:
		for (size_t i = 0; i < r->n_listeners; i++)
			put_key(f, r->listeners[i], 0, STW_IMAGE_RULE_EXACT, UINT32_MAX);
	}
}

/* RFC 3261 s21. */
static const char *usual_reason(uint16_t status)
{
	switch (status) {
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 410: return "Gone";
	case 480: return "Temporarily Unavailable";
	case 484: return "Address Incomplete";
	case 485: return "Ambiguous";
	case 486: return "Busy Here";
	case 488: return "Not Acceptable Here";
	case 500: return "Server Internal Error";
	case 501: return "Not Implemented";
	case 503: return "Service Unavailable";
	case 600: return "Busy Everywhere";
	case 603: return "Decline";
	case 604: return "Does Not Exist Anywhere";
	case 607: return "Unwanted";
	case 608: return "Rejected";
	default:
		return status < 500   ? "Request Failure"
		       : status < 600 ? "Server Failure"
				      : "Global Failure";
	}
}

static const char *said_of(const struct stw_model_rule *r)
{
	return r->action == STW_IMAGE_RULE_REJECT && r->said[0] == '\0' ? usual_reason(r->status)
									: r->said;
}

static void put_rule(struct filling *f, const struct stw_model_rule *r, struct stw_image_rule *row)
{
	struct stw_image_rule out = {
		.row = r->row,
		.methods = r->action == STW_IMAGE_RULE_TO_REGISTRAR ? 1u << STW_METHOD_REGISTER
								    : r->methods,
		.pool = r->pool == UINT32_MAX ? STW_IMAGE_NO_POOL : (uint16_t)r->pool,
		.status = r->status,
		.action = (uint8_t)r->action,
		.by = r->by,
	};

	out.name = put_words(f, r->name);
	out.said = put_words(f, said_of(r));
	for (int k = 0; k < STW_IMAGE_RULE_FIELDS; k++) {
		uint64_t first = f->n_keys;

		put_field(f, r, k);
		out.keys[k] =
			(struct stw_image_rule_run){(uint32_t)first, (uint32_t)(f->n_keys - first)};
	}
	if (row)
		*row = out;
}

bool stw_build_rules_size(const struct stw_model *m, uint64_t *n_keys, uint64_t *n_text)
{
	struct filling f = {.n_keys = 0};

	for (size_t i = 0; i < m->n_rules; i++)
		put_rule(&f, &m->rules[i], NULL);
	*n_keys = f.n_keys;
	*n_text = f.n_text + (f.n_text > 0); /* whatever stands last, a NUL ends it */
	return m->n_rules <= STW_IMAGE_RULES && f.n_keys <= STW_IMAGE_RULE_KEYS &&
	       *n_text <= STW_IMAGE_RULE_TEXT;
}

void stw_build_rules(const struct stw_model *m, struct stw_image_rule *rules,
		     struct stw_image_rule_key *keys, char *text)
{
	struct filling f = {.keys = keys, .text = text};

	for (size_t i = 0; i < m->n_rules; i++)
		put_rule(&f, &m->rules[i], &rules[i]);
}
