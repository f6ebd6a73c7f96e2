/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/handlers.h"

#include <stdio.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/api/body.h"
#include "control/api/dress.h"
#include "control/api/words.h"

/* What a change of a member may say in its body. */
struct member_body {
	const char *pool; /* NULL: all */
	const char *address;
	const char *name; /* NULL: one is made */
	bool force;
	json_int_t weight;
};

#define FIELD(key, kind, needed, min, max)                                                  \
	{                                                                                   \
#key, offsetof(struct member_body, key), STW_FIELD_##kind, needed, min, max \
	}

static bool read_body(struct stw_request *r, struct member_body *out)
{
	static const struct stw_field asked[] = {FIELD(pool, TEXT, false, 0, 0)};
	static const struct stw_field weight[] = {FIELD(weight, WHOLE, true, 0, UINT16_MAX),
						  FIELD(pool, TEXT, false, 0, 0)};
	static const struct stw_field remove[] = {FIELD(pool, TEXT, false, 0, 0),
						  FIELD(force, BOOL, false, 0, 0)};
	static const struct stw_field add[] = {FIELD(pool, TEXT, true, 0, 0),
					       FIELD(address, TEXT, true, 0, 0),
					       FIELD(name, TEXT, false, 0, 0),
					       FIELD(weight, WHOLE, false, 0, UINT16_MAX)};

	*out = (struct member_body){.weight = 1};
	switch (r->endpoint) {
	case STW_ENDPOINT_ADD: return stw_body_read(r, add, STW_N_FIELDS(add), out);
	case STW_ENDPOINT_WEIGHT: return stw_body_read(r, weight, STW_N_FIELDS(weight), out);
	case STW_ENDPOINT_REMOVE: return stw_body_read(r, remove, STW_N_FIELDS(remove), out);
	default: return stw_body_read(r, asked, STW_N_FIELDS(asked), out);
	}
}

static void explain_failure(struct stw_api *api, struct stw_request *r, const char *pool, int err)
{
	if (err == STW_ENOENT)
		stw_problem(r, 404, "unknown-pool", "Unknown pool",
			    "no pool \"%s\" uses member \"%s\"; GET /v1/members lists its pools",
			    pool ? pool : "", r->member);
	else if (err == STW_EBUSY)
		stw_problem(r, 409, "not-drained", "The member takes new calls",
			    "%s takes new calls: drain it first and wait until it is empty, or say "
			    "force",
			    r->member);
	else
		stw_problem(r, 500, "failed", "The change failed", "%s: %s", r->member,
			    stw_err_text(err));
	(void)api;
}

static int carry_out(struct stw_api *api, struct stw_request *r, size_t member,
		     const struct member_body *b, const struct stw_control_words *words,
		     uint64_t *change)
{
	struct stw_control *c = api->control;
	if (r->endpoint == STW_ENDPOINT_WEIGHT)
		return stw_control_set_weight(c, member, b->pool, (uint32_t)b->weight, words,
					      change);
	if (r->endpoint == STW_ENDPOINT_REMOVE)
		return stw_control_remove_member(c, member, b->pool, b->force, words, change);
	enum stw_asked asked = r->endpoint == STW_ENDPOINT_DRAIN     ? STW_ASKED_DRAIN
			       : r->endpoint == STW_ENDPOINT_DISABLE ? STW_ASKED_DOWN
								     : STW_ASKED_UP;
	return stw_control_ask(c, member, b->pool, asked, words, change);
}

static void reply_changed(struct stw_api *api, struct stw_request *r, const struct stw_words *w,
			  uint64_t change, bool saved)
{
	stw_api_reply_when_served(api, r, change,
				  json_pack("{s:O, s:b, s:O}", "changes", w->changes, "saved",
					    (int)saved, "warnings", w->messages));
}

static void change_known_member(struct stw_api *api, struct stw_request *r, size_t member,
				const struct member_body *b)
{
	struct stw_words w;
	stw_words_init(&w);
	uint64_t change = 0;
	int err = carry_out(api, r, member, b, &w.to, &change);
	if (err && err != STW_EIO)
		explain_failure(api, r, b->pool, err);
	else
		reply_changed(api, r, &w, change, err == STW_OK);
	stw_words_fini(&w);
}

void stw_api_change_member(struct stw_api *api, struct stw_request *r)
{
	struct member_body b;
	if (read_body(r, &b)) {
		int member = stw_control_find_member(api->control, r->member);
		if (member < 0)
			stw_problem(r, 404, "unknown-member", "Unknown member",
				    "no member \"%s\"; GET /v1/members lists them", r->member);
		else
			change_known_member(api, r, (size_t)member, &b);
	}
}

/* A name as the configuration takes it. */
static bool is_name(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len < STW_NAME_MAX &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		       len;
}

static void explain_addition(struct stw_request *r, const struct member_body *b, int err)
{
	if (err == STW_ENOENT)
		stw_problem(r, 404, "unknown-pool", "Unknown pool",
			    "no pool \"%s\"; GET /v1/pools lists them", b->pool);
	else if (err == STW_EDUP)
		stw_problem(r, 409, "duplicate", "Already a member",
			    "%s is in %s already, or another member has the name: GET /v1/members "
			    "lists them",
			    b->address, b->pool);
	else if (err == STW_ERANGE)
		stw_problem(r, 422, "unusable", "Unusable address",
			    "%s cannot be a member: it is a listener of ours, or nobody's address",
			    b->address);
	else
		stw_problem(r, 500, "failed", "The change failed", "%s: %s", b->address,
			    stw_err_text(err));
}

static void add_member(struct stw_api *api, struct stw_request *r, const struct member_body *b)
{
	struct stw_endpoint address;
	uint64_t change = 0;
	struct stw_words w;
	if (b->name && !is_name(b->name)) {
		stw_body_bad(r, "/name", "name is not 1..31 of A-Z a-z 0-9 . _ -");
		return;
	}
	if (stw_endpoint_parse(b->address, strlen(b->address), 5060, &address)) {
		stw_body_bad(r, "/address", "address is not an IP address with or without a port");
		return;
	}
	stw_words_init(&w);
	int err = stw_control_add_member(api->control, b->pool, &address, b->name ? b->name : "",
					 (uint32_t)b->weight, &w.to, &change);
	if (err && err != STW_EIO)
		explain_addition(r, b, err);
	else
		reply_changed(api, r, &w, change, err == STW_OK);
	stw_words_fini(&w);
}

void stw_api_add_member(struct stw_api *api, struct stw_request *r)
{
	struct member_body b;
	if (read_body(r, &b))
		add_member(api, r, &b);
}

/* From what the file says now to what runs: what was asked for, and what was not yet reloaded. */
void stw_api_diff(struct stw_api *api, struct stw_request *r)
{
	struct stw_words w;
	struct stw_model *file;
	stw_words_init(&w);
	int err = stw_config_read(api->control->config_path, stw_words_message, &w, &file);
	if (err) {
		stw_problem(r, 422, "config-refused", "Configuration refused",
			    "%s: %s; there is nothing to compare with. Correct the file",
			    api->control->config_path, stw_err_text(err));
		json_object_set(r->reply, "messages", w.messages);
	} else {
		stw_api_fill_secret(api->control, file);
		stw_control_dress_names(api->control, file);
		stw_model_diff(file, api->control->model, stw_words_line, &w);
		json_t *all = json_incref(w.changes);
		json_array_extend(all, w.needs_restart);
		stw_reply(r, 200,
			  json_pack("{s:s, s:o}", "path", api->control->config_path, "changes",
				    all));
		stw_model_free(file);
	}
	stw_words_fini(&w);
}
