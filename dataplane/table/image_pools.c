/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/table/image_check.h"

#include <string.h>

#include <strowger/errors.h>
#include <strowger/stats.h>

/* The members of one pool, and @in_pool [n_members] set for each. */
static int check_pool_members(const struct stw_image_check *c, uint32_t pool, uint8_t *in_pool)
{
	uint32_t n, n_pm, n_members;
	const struct stw_image_pool *p = stw_image_rows(c, STW_IMAGE_POOLS_SECTION, &n);
	const struct stw_image_pool_member *pm =
		stw_image_rows(c, STW_IMAGE_POOL_MEMBERS_SECTION, &n_pm);

	const struct stw_image_member *members =
		stw_image_rows(c, STW_IMAGE_MEMBERS_SECTION, &n_members);
	memset(in_pool, 0, n_members);
	for (uint32_t i = 0; i < p[pool].n_members; i++) {
		uint32_t row = p[pool].first_member + i;
		const struct stw_image_pool_member *m = &pm[row];

		if (m->member >= n_members)
			return stw_image_refuse(c, STW_EBOUNDS,
						"section pool_members, row %u: no member %u", row,
						m->member);
		if (members[m->member].flags & STW_IMAGE_MEMBER_GONE)
			return stw_image_refuse(c, STW_ERANGE,
						"section pool_members, row %u: member %u is gone",
						row, m->member);
		if (in_pool[m->member])
			return stw_image_refuse(
				c, STW_EDUP,
				"section pool_members, row %u: member %u is in pool %u twice", row,
				m->member, pool);
		if (m->asked >= STW_IMAGE_N_ASKED || m->failed > 1 || m->serves > 1)
			return stw_image_refuse(c, STW_ERANGE,
						"section pool_members, row %u: unknown state", row);
		if (i > 0 && m->member <= m[-1].member)
			return stw_image_refuse(c, STW_ERANGE,
						"section pool_members, row %u: members must ascend",
						row);
		if (m->reserved != 0)
			return stw_image_refuse(
				c, STW_EMALFORMED,
				"section pool_members, row %u: reserved field is not zero", row);
		in_pool[m->member] = 1;
	}
	return STW_OK;
}

static bool run_fits(uint32_t first, uint32_t n, uint32_t rows)
{
	return first <= rows && n <= rows - first;
}

/* Letters in lower case as a header's name may hold them (RFC 3261 s25.1, token). */
static bool header_name_ok(const struct stw_image_pool *p)
{
	static const char more[] = "-.!%*_+`'~";
	uint8_t len = p->key_header_len;

	if ((p->key == STW_IMAGE_KEY_HEADER) != (len > 0) || len > STW_IMAGE_KEY_HEADER_MAX)
		return false;
	for (uint8_t i = 0; i <= STW_IMAGE_KEY_HEADER_MAX; i++) {
		char ch = p->key_header[i];
		bool named = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') ||
			     (ch != '\0' && strchr(more, ch) != NULL);

		if (i < len ? !named : ch != '\0')
			return false;
	}
	return true;
}

static int check_policy(const struct stw_image_check *c, const struct stw_image_pool *p, uint32_t i)
{
	if ((p->flags & ~STW_IMAGE_POOL_FLAGS) != 0 || p->reserved != 0)
		return stw_image_refuse(c, STW_EMALFORMED, "section pools, row %u: unknown flags",
					i);
	if (p->policy >= STW_IMAGE_N_POLICIES || p->key >= STW_IMAGE_N_KEYS)
		return stw_image_refuse(c, STW_ERANGE, "section pools, row %u: unknown policy", i);
	if (!header_name_ok(p))
		return stw_image_refuse(c, STW_ERANGE, "section pools, row %u: no name of a header",
					i);
	if (p->bound_percent != 0 &&
	    (p->bound_percent < STW_IMAGE_BOUND_MIN || p->bound_percent > STW_IMAGE_BOUND_MAX))
		return stw_image_refuse(c, STW_ERANGE, "section pools, row %u: bound of %u %%", i,
					p->bound_percent);
	if (p->work_invite == 0 || p->work_other == 0 || p->failover > STW_IMAGE_FAILOVER_MAX)
		return stw_image_refuse(c, STW_ERANGE, "section pools, row %u: work or failover",
					i);
	return STW_OK;
}

/* Whoever follows the fall-backs comes to an end. */
static int check_fallback(const struct stw_image_check *c, uint32_t i)
{
	uint32_t n, at = i;
	const struct stw_image_pool *p = stw_image_rows(c, STW_IMAGE_POOLS_SECTION, &n);

	for (uint32_t steps = 0; p[at].fallback != STW_IMAGE_NO_POOL; steps++) {
		if (p[at].fallback >= n)
			return stw_image_refuse(c, STW_EBOUNDS, "section pools, row %u: no pool %u",
						at, p[at].fallback);
		if (steps == n)
			return stw_image_refuse(c, STW_ERANGE,
						"section pools, row %u: falls back on itself", i);
		at = p[at].fallback;
	}
	return STW_OK;
}

/* Past slots name members of any kind, also those gone. */
static int check_past(const struct stw_image_check *c, const struct stw_image_pool *p)
{
	uint32_t n, n_members;
	const uint16_t *slots = stw_image_rows(c, STW_IMAGE_SLOTS_SECTION, &n);

	stw_image_rows(c, STW_IMAGE_MEMBERS_SECTION, &n_members);
	for (uint32_t s = p->first_past; s < p->first_past + p->n_past; s++)
		if (slots[s] >= n_members)
			return stw_image_refuse(c, STW_EBOUNDS,
						"section slots, row %u: no member %u", s, slots[s]);
	return STW_OK;
}

static int check_pool(const struct stw_image_check *c, uint32_t i, uint8_t *in_pool)
{
	uint32_t n, n_pm, n_slots, n_members;
	const struct stw_image_pool *p = stw_image_rows(c, STW_IMAGE_POOLS_SECTION, &n);
	const uint16_t *slots = stw_image_rows(c, STW_IMAGE_SLOTS_SECTION, &n_slots);

	stw_image_rows(c, STW_IMAGE_POOL_MEMBERS_SECTION, &n_pm);
	stw_image_rows(c, STW_IMAGE_MEMBERS_SECTION, &n_members);
	p += i;
	if (!run_fits(p->first_slot, p->n_slots, n_slots) || p->n_slots > STW_IMAGE_POOL_SLOTS ||
	    !run_fits(p->first_past, p->n_past, n_slots) || p->n_past > STW_IMAGE_POOL_SLOTS)
		return stw_image_refuse(c, STW_EBOUNDS,
					"section pools, row %u: slots leave their section", i);
	if (!run_fits(p->first_member, p->n_members, n_pm) || p->n_members > STW_IMAGE_POOL_MEMBERS)
		return stw_image_refuse(c, STW_EBOUNDS,
					"section pools, row %u: members leave their section", i);
	int err = check_policy(c, p, i);
	if (err == STW_OK)
		err = check_fallback(c, i);
	if (err == STW_OK)
		err = check_pool_members(c, i, in_pool);
	if (err == STW_OK)
		err = check_past(c, p);
	if (err != STW_OK)
		return err;
	for (uint32_t s = p->first_slot; s < p->first_slot + p->n_slots; s++)
		if (slots[s] >= n_members || !in_pool[slots[s]])
			return stw_image_refuse(
				c, STW_EBOUNDS,
				"section slots, row %u: member %u is not in pool %u", s, slots[s],
				i);
	return STW_OK;
}

int stw_image_check_pools(const struct stw_image_check *c)
{
	uint8_t in_pool[STW_IMAGE_MEMBERS];
	uint32_t n;

	stw_image_rows(c, STW_IMAGE_POOLS_SECTION, &n);
	for (uint32_t i = 0; i < n; i++) {
		int err = check_pool(c, i, in_pool);
		if (err != STW_OK)
			return err;
	}
	return STW_OK;
}

int stw_image_check_members(const struct stw_image_check *c)
{
	uint8_t taken[STW_MEMBER_NUMBERS / 8] = {0};
	uint32_t n;
	const struct stw_image_member *m = stw_image_rows(c, STW_IMAGE_MEMBERS_SECTION, &n);

	for (uint32_t i = 0; i < n; i++) {
		uint16_t number = m[i].number;

		if (!stw_image_address_serves(&m[i].address))
			return stw_image_refuse(c, STW_ERANGE,
						"section members, row %u: unusable address", i);
		if (number >= STW_MEMBER_NUMBERS)
			return stw_image_refuse(c, STW_ERANGE,
						"section members, row %u: number %u, allowed"
						" are 0..%u",
						i, number, STW_MEMBER_NUMBERS - 1);
		if (taken[number / 8] >> number % 8 & 1)
			return stw_image_refuse(c, STW_EDUP,
						"section members, row %u: number %u again", i,
						number);
		if ((m[i].flags & ~STW_IMAGE_MEMBER_FLAGS) != 0)
			return stw_image_refuse(c, STW_EMALFORMED,
						"section members, row %u: unknown flags", i);
		taken[number / 8] |= (uint8_t)(1u << number % 8);
	}
	return STW_OK;
}
