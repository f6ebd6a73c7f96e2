/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tables/build.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <strowger/errors.h>
#include <strowger/stats.h>
#include <strowger/table_image.h>

#include "control/tables/build_proxy.h"
#include "control/tables/build_rules.h"
#include "control/tables/pool.h"

_Static_assert((int)STW_ASKED_UP == (int)STW_IMAGE_UP &&
		       (int)STW_ASKED_DRAIN == (int)STW_IMAGE_DRAIN &&
		       (int)STW_ASKED_DOWN == (int)STW_IMAGE_DOWN,
	       "one set of values in the model and on the wire");
_Static_assert(STW_SECRET_BYTES == STW_IMAGE_SECRET_SIZE, "secrets are copied whole");

/* An image being filled: the model's sizes are settled before the first byte is written. */
struct draft {
	const struct stw_model *model;
	const uint8_t *failed;
	const struct stw_image_resolved *names;
	size_t n_names;
	struct stw_image_past past;
	uint64_t n_slots; /* of them all, without past ones: what the digest covers */
	uint8_t *bytes;
	struct stw_image_header *header;
};

static void *rows(const struct draft *d, enum stw_image_kind kind)
{
	return d->bytes + d->header->sections[kind].offset;
}

static int row_of_id(const struct draft *d, uint32_t id)
{
	const struct stw_image_member *m = rows(d, STW_IMAGE_MEMBERS_SECTION);
	uint32_t n = d->header->sections[STW_IMAGE_MEMBERS_SECTION].rows;

	for (uint32_t i = 0; i < n; i++)
		if (m[i].id == id)
			return (int)i;
	return -1;
}

static bool same_slots(const struct draft *d, const uint16_t *slots, uint32_t n,
		       const struct stw_slot_ids *other)
{
	const struct stw_image_member *m = rows(d, STW_IMAGE_MEMBERS_SECTION);

	if (n != other->n)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (m[slots[i]].id != other->ids[other->slots[i]])
			return false;
	return true;
}

/* Translate past slots to rows of this image. @return false: one of their members is forgotten */
static bool translate(const struct draft *d, const struct stw_slot_ids *from, uint16_t *to)
{
	int known[UINT16_MAX + 1];

	memset(known, 0xff, sizeof(known)); /* -1: not looked for yet */
	for (uint32_t i = 0; i < from->n; i++) {
		int *row = &known[from->slots[i]];

		if (*row < 0)
			*row = row_of_id(d, from->ids[from->slots[i]]);
		if (*row < 0)
			return false;
		to[i] = (uint16_t)*row;
	}
	return from->n > 0;
}

/* Its slots as they were before they last changed. Room is there for either kind. */
static void fill_past(const struct draft *d, size_t i, struct stw_image_pool *row)
{
	uint16_t *slots = rows(d, STW_IMAGE_SLOTS_SECTION);
	const struct stw_past_slots *past;

	if (row->n_past == 0)
		return;
	past = &d->past.slots[i];
	const struct stw_slot_ids *from =
		same_slots(d, slots + row->first_slot, row->n_slots, &past->now) ? &past->before
										 : &past->now;
	row->n_past = translate(d, from, slots + row->first_past) ? from->n : 0;
	row->first_past = row->n_past > 0 ? row->first_past : 0;
}

static int fill_pool(const struct draft *d, size_t i, struct stw_image_pool *row,
		     struct stw_maglev_member *scratch)
{
	const struct stw_model_pool *pool = &d->model->pools[i];
	struct stw_image_pool_member *uses = rows(d, STW_IMAGE_POOL_MEMBERS_SECTION);
	uint16_t *slots = (uint16_t *)rows(d, STW_IMAGE_SLOTS_SECTION) + row->first_slot;
	struct stw_image_member *members = rows(d, STW_IMAGE_MEMBERS_SECTION);
	bool panic;

	stw_pool_who(d->model, d->failed, pool, scratch, &panic);
	stw_pool_members(pool, d->failed, scratch, uses + row->first_member);
	for (size_t k = 0; k < pool->n_members; k++)
		if (stw_pool_failed(&pool->members[k], d->failed))
			members[pool->members[k].member].flags |= STW_IMAGE_MEMBER_FAILED;
	return row->n_slots == 0 ? STW_OK : stw_pool_slots(pool, scratch, slots, row->n_slots);
}

static void fill_plain(const struct draft *d)
{
	const struct stw_model *m = d->model;
	struct stw_image_listener *listeners = rows(d, STW_IMAGE_LISTENERS_SECTION);
	struct stw_image_member *members = rows(d, STW_IMAGE_MEMBERS_SECTION);
	struct stw_image_secret *secrets = rows(d, STW_IMAGE_SECRETS_SECTION);

	for (size_t i = 0; i < m->n_listeners; i++) {
		listeners[i].address = m->listeners[i].address;
		listeners[i].pool = m->listeners[i].pool == UINT32_MAX
					    ? STW_IMAGE_NO_POOL
					    : (uint16_t)m->listeners[i].pool;
	}
	for (size_t i = 0; i < m->n_members; i++) {
		members[i].address = m->members[i].address;
		members[i].id = m->members[i].id;
		members[i].number = m->members[i].number;
	}
	for (size_t i = 0; i < d->past.n_gone; i++) {
		const struct stw_model_member *gone = &d->past.gone[i];

		members[m->n_members + i] =
			(struct stw_image_member){gone->address, gone->id, gone->number,
						  STW_IMAGE_MEMBER_GONE};
	}
	stw_build_trusted(m, listeners, rows(d, STW_IMAGE_TRUSTED_SECTION));
	stw_build_proxy(m, rows(d, STW_IMAGE_SETTINGS_SECTION), rows(d, STW_IMAGE_OPTIONS_SECTION),
			rows(d, STW_IMAGE_CLOSED_PORTS_SECTION));
	for (size_t i = 0; i < m->n_secrets; i++) {
		secrets[i].id = m->secrets[i].id;
		memcpy(secrets[i].key, m->secrets[i].key, sizeof(secrets[i].key));
	}
}

static void fill_domains(const struct draft *d)
{
	const struct stw_model_registrar *r = &d->model->registrar;
	struct stw_image_domain *row = rows(d, STW_IMAGE_DOMAINS_SECTION);

	for (size_t i = 0; i < r->n_domains; i++) {
		row[i].len = (uint8_t)strlen(r->domains[i]);
		memcpy(row[i].name, r->domains[i], row[i].len);
	}
}

static void fill_rules(const struct draft *d)
{
	stw_build_rules(d->model, rows(d, STW_IMAGE_RULES_SECTION),
			rows(d, STW_IMAGE_RULE_KEYS_SECTION), rows(d, STW_IMAGE_RULE_TEXT_SECTION));
}

static void fill_names(const struct draft *d)
{
	struct stw_image_name *row = rows(d, STW_IMAGE_NAMES_SECTION);
	struct stw_image_target *targets = rows(d, STW_IMAGE_TARGETS_SECTION);
	char *text = rows(d, STW_IMAGE_NAME_TEXT_SECTION);
	uint32_t n_targets = 0, n_text = 0;

	for (size_t i = 0; i < d->n_names; i++) {
		const struct stw_image_resolved *n = &d->names[i];

		row[i] = (struct stw_image_name){n_text, n_targets, n->port, n->len, n->n_targets};
		memcpy(text + n_text, n->name, n->len);
		n_text += n->len;
		for (size_t k = 0; k < n->n_targets; k++)
			targets[n_targets++] = n->targets[k];
	}
}

/* Rows of each section, and each pool's part of the two shared ones. @return STW_OK, STW_ERANGE */
static int size_pools(const struct draft *d, struct stw_image_pool *pools, uint64_t *n_slots,
		      uint64_t *n_pool_members, struct stw_maglev_member *scratch)
{
	*n_slots = 0;
	*n_pool_members = 0;
	for (size_t i = 0; i < d->model->n_pools; i++) {
		const struct stw_model_pool *pool = &d->model->pools[i];
		bool panic;
		bool serves = stw_pool_who(d->model, d->failed, pool, scratch, &panic) > 0;

		pools[i].first_slot = (uint32_t)*n_slots;
		pools[i].n_slots = serves ? pool->slots : 0;
		pools[i].first_member = (uint32_t)*n_pool_members;
		pools[i].n_members = (uint32_t)pool->n_members;
		pools[i].flags = (pool->record_route ? STW_IMAGE_POOL_RECORD_ROUTE : 0) |
				 (panic ? STW_IMAGE_POOL_PANIC : 0);
		stw_pool_policy(d->model, pool, &pools[i]);
		*n_slots += pools[i].n_slots;
		*n_pool_members += pools[i].n_members;
		if (*n_slots > STW_IMAGE_BYTES_MAX / 2)
			return STW_ERANGE;
	}
	return STW_OK;
}

static uint64_t lay_out(struct stw_image_header *h, const uint64_t n_rows[STW_IMAGE_N_SECTIONS])
{
	static const uint32_t row_bytes[STW_IMAGE_N_SECTIONS] = {
#define X(name, text, type, least, most) sizeof(type),
		STW_IMAGE_SECTIONS(X)
#undef X
	};
	uint64_t at = sizeof(*h);

	for (int k = 0; k < STW_IMAGE_N_SECTIONS; k++) {
		h->sections[k] = (struct stw_image_section){.offset = (uint32_t)at,
							    .rows = (uint32_t)n_rows[k],
							    .row_bytes = row_bytes[k]};
		at += n_rows[k] * row_bytes[k];
		at = (at + STW_IMAGE_ALIGN - 1) & ~(uint64_t)(STW_IMAGE_ALIGN - 1);
		if (at > STW_IMAGE_BYTES_MAX)
			break;
	}
	return at;
}

static bool in_range(const struct stw_model *m)
{
	if (m->n_listeners == 0 || m->n_listeners > STW_IMAGE_LISTENERS ||
	    m->n_pools > STW_IMAGE_POOLS || m->n_members > STW_IMAGE_MEMBERS || m->n_secrets == 0 ||
	    m->n_secrets > STW_IMAGE_SECRET_MAX || m->registrar.n_domains > STW_IMAGE_DOMAINS ||
	    !stw_build_proxy_fits(m))
		return false;
	for (size_t i = 0; i < m->n_pools; i++) {
		if (m->pools[i].n_members > STW_IMAGE_POOL_MEMBERS)
			return false;
		for (size_t k = 0; k < m->pools[i].n_members; k++)
			if (m->pools[i].members[k].member >= m->n_members ||
			    m->pools[i].members[k].weight > STW_IMAGE_WEIGHT_MAX)
				return false;
	}
	for (size_t i = 0; i < m->n_listeners; i++)
		if (m->listeners[i].pool != UINT32_MAX && m->listeners[i].pool >= m->n_pools)
			return false;
	return true;
}

/* Names are resolved by each node at its own moment. */
static bool is_of_names(int kind)
{
	return kind == STW_IMAGE_NAMES_SECTION || kind == STW_IMAGE_TARGETS_SECTION ||
	       kind == STW_IMAGE_NAME_TEXT_SECTION;
}

static bool digest_members(const struct draft *d, EVP_MD_CTX *ctx)
{
	const struct stw_image_member *members = rows(d, STW_IMAGE_MEMBERS_SECTION);
	bool ok = true;

	for (size_t i = 0; ok && i < d->model->n_members; i++) {
		struct stw_image_member row = members[i];

		row.number = 0;
		ok = EVP_DigestUpdate(ctx, &row, sizeof(row)) == 1;
	}
	return ok;
}

static bool digest_pools(const struct draft *d, EVP_MD_CTX *ctx)
{
	const struct stw_image_pool *pools = rows(d, STW_IMAGE_POOLS_SECTION);
	bool ok = true;

	for (size_t i = 0; ok && i < d->model->n_pools; i++) {
		struct stw_image_pool row = pools[i];

		row.first_past = row.n_past = 0;
		ok = EVP_DigestUpdate(ctx, &row, sizeof(row)) == 1;
	}
	return ok;
}

static bool digest_rules(const struct draft *d, EVP_MD_CTX *ctx)
{
	const struct stw_image_rule *rules = rows(d, STW_IMAGE_RULES_SECTION);
	bool ok = true;

	for (size_t i = 0; ok && i < d->model->n_rules; i++) {
		struct stw_image_rule row = rules[i];

		row.row = 0;
		ok = EVP_DigestUpdate(ctx, &row, sizeof(row)) == 1;
	}
	return ok;
}

/* Rows of a section that are not of the past. */
static uint64_t present_rows(const struct draft *d, int kind)
{
	switch (kind) {
	case STW_IMAGE_MEMBERS_SECTION: return d->model->n_members;
	case STW_IMAGE_SLOTS_SECTION: return d->n_slots;
	default: return d->header->sections[kind].rows;
	}
}

static bool digest_section(const struct draft *d, int kind, EVP_MD_CTX *ctx)
{
	uint64_t n = present_rows(d, kind);

	if (EVP_DigestUpdate(ctx, &n, sizeof(n)) != 1)
		return false;
	if (kind == STW_IMAGE_MEMBERS_SECTION)
		return digest_members(d, ctx);
	if (kind == STW_IMAGE_POOLS_SECTION)
		return digest_pools(d, ctx);
	if (kind == STW_IMAGE_RULES_SECTION)
		return digest_rules(d, ctx);
	return EVP_DigestUpdate(ctx, rows(d, kind),
				(size_t)n * d->header->sections[kind].row_bytes) == 1;
}

/* Everything that routes calls: all sections but names, members and rules without their numbers,
 * nothing of the past. */
static int digest(const struct draft *d, uint8_t out[32])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	for (int k = 0; ok && k < STW_IMAGE_N_SECTIONS; k++)
		ok = is_of_names(k) || digest_section(d, k, ctx);
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? STW_OK : STW_ENOMEM;
}

/* Build into memory of its own; on failure d->bytes is still the caller's to free. */
static int fill(struct draft *d, const struct stw_image_pool *pools,
		const struct stw_image_header *header, struct stw_maglev_member *scratch)
{
	d->bytes = calloc(1, header->size_bytes);
	if (d->bytes == NULL)
		return STW_ENOMEM;
	d->header = (struct stw_image_header *)d->bytes;
	*d->header = *header;
	fill_plain(d);
	fill_names(d);
	fill_domains(d);
	fill_rules(d);
	for (size_t i = 0; i < d->model->n_pools; i++) {
		struct stw_image_pool *row =
			(struct stw_image_pool *)rows(d, STW_IMAGE_POOLS_SECTION) + i;

		*row = pools[i];
		int err = fill_pool(d, i, row, scratch);
		if (err != STW_OK)
			return err;
	}
	for (size_t i = 0; i < d->model->n_pools; i++)
		fill_past(d, i, (struct stw_image_pool *)rows(d, STW_IMAGE_POOLS_SECTION) + i);
	int err = digest(d, d->header->digest);
	d->header->checksum = stw_image_checksum(d->bytes, header->size_bytes);
	return err;
}

static void count_names(const struct draft *d, uint64_t n_rows[STW_IMAGE_N_SECTIONS])
{
	n_rows[STW_IMAGE_NAMES_SECTION] = d->n_names;
	for (size_t i = 0; i < d->n_names; i++) {
		n_rows[STW_IMAGE_TARGETS_SECTION] += d->names[i].n_targets;
		n_rows[STW_IMAGE_NAME_TEXT_SECTION] += d->names[i].len;
	}
}

int stw_image_build(const struct stw_model *model, const uint8_t *failed, uint64_t generation,
		    struct stw_image *out)
{
	return stw_image_build_named(model, failed, NULL, 0, generation, out);
}

int stw_image_build_named(const struct stw_model *model, const uint8_t *failed,
			  const struct stw_image_resolved *names, size_t n_names,
			  uint64_t generation, struct stw_image *out)
{
	return stw_image_build_after(model, failed, names, n_names, NULL, generation, out);
}

/* Rows for past slots, at the end of theirs: a choice by hash alone can be told from them. */
static void size_past(struct draft *d, struct stw_image_pool *pools, uint64_t *n_slots)
{
	d->n_slots = *n_slots;
	for (size_t i = 0; d->past.slots != NULL && i < d->model->n_pools; i++) {
		const struct stw_past_slots *past = &d->past.slots[i];
		uint32_t most = past->now.n > past->before.n ? past->now.n : past->before.n;

		if (pools[i].policy != STW_IMAGE_BY_HASH || pools[i].bound_percent != 0 ||
		    *n_slots + most > STW_IMAGE_BYTES_MAX / 4)
			continue;
		pools[i].first_past = (uint32_t)*n_slots;
		pools[i].n_past = most;
		*n_slots += most;
	}
}

int stw_image_build_after(const struct stw_model *model, const uint8_t *failed,
			  const struct stw_image_resolved *names, size_t n_names,
			  const struct stw_image_past *past, uint64_t generation,
			  struct stw_image *out)
{
	struct draft d = {.model = model, .failed = failed, .names = names, .n_names = n_names};
	struct stw_image_header header = {.magic = STW_IMAGE_MAGIC,
					  .version = STW_IMAGE_VERSION,
					  .generation = generation,
					  .n_sections = STW_IMAGE_N_SECTIONS};
	uint64_t n_slots, n_pool_members;
	int err = STW_ERANGE;

	if (!in_range(model) || n_names > STW_IMAGE_NAMES)
		return STW_ERANGE;
	struct stw_image_pool *pools = calloc(model->n_pools + 1, sizeof(*pools));
	struct stw_maglev_member *scratch = calloc(STW_IMAGE_POOL_MEMBERS, sizeof(*scratch));
	if (pools == NULL || scratch == NULL) {
		err = STW_ENOMEM;
		goto fail;
	}
	err = size_pools(&d, pools, &n_slots, &n_pool_members, scratch);
	if (err != STW_OK)
		goto fail;
	if (past != NULL)
		d.past = *past;
	if (d.past.n_gone > STW_IMAGE_MEMBERS - model->n_members)
		d.past.n_gone = STW_IMAGE_MEMBERS - model->n_members;
	size_past(&d, pools, &n_slots);
	uint64_t n_rows[STW_IMAGE_N_SECTIONS] = {model->n_listeners,
						 model->n_pools,
						 n_pool_members,
						 model->n_members + d.past.n_gone,
						 n_slots,
						 model->n_secrets};
	n_rows[STW_IMAGE_SETTINGS_SECTION] = 1;
	n_rows[STW_IMAGE_TRUSTED_SECTION] = stw_build_n_trusted(model);
	n_rows[STW_IMAGE_OPTIONS_SECTION] = model->proxy.n_options;
	n_rows[STW_IMAGE_CLOSED_PORTS_SECTION] = model->proxy.n_closed_ports;
	count_names(&d, n_rows);
	n_rows[STW_IMAGE_DOMAINS_SECTION] = model->registrar.n_domains;
	n_rows[STW_IMAGE_RULES_SECTION] = model->n_rules;
	err = STW_ERANGE;
	if (!stw_build_rules_size(model, &n_rows[STW_IMAGE_RULE_KEYS_SECTION],
				  &n_rows[STW_IMAGE_RULE_TEXT_SECTION]))
		goto fail;
	header.size_bytes = lay_out(&header, n_rows);
	if (header.size_bytes > STW_IMAGE_BYTES_MAX)
		goto fail;
	err = fill(&d, pools, &header, scratch);
	if (err != STW_OK)
		goto fail;
	*out = (struct stw_image){.bytes = d.bytes,
				  .size_bytes = header.size_bytes,
				  .generation = generation};
	memcpy(out->digest, d.header->digest, sizeof(out->digest));
	d.bytes = NULL;
fail:
	free(d.bytes);
	free(scratch);
	free(pools);
	return err;
}

void stw_image_fini(struct stw_image *image)
{
	free(image->bytes);
	*image = (struct stw_image){0};
}
