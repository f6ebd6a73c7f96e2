/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Is this block of bytes an image we may serve from? After STW_OK every offset, count and index in
 * it was seen to be in bounds, and readers use them unchecked.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/stats.h>
#include <strowger/table_image.h>

#include "dataplane/route/siphash.h"
#include "dataplane/table/image_rules.h"

/* Guards against accidents, not enemies: the socket's permissions do that. */
static const struct stw_sipkey checksum_key = {0x73746f7267657221u, 0x63686563u};

struct section_rule {
	const char *name;
	uint32_t row_bytes, least, most;
};

static const struct section_rule section_rules[STW_IMAGE_N_SECTIONS] = {
#define X(name, text, type, least, most) {text, sizeof(type), least, most},
	STW_IMAGE_SECTIONS(X)
#undef X
};

/* What the checks share: the image and where the reason goes. */
struct check {
	const uint8_t *bytes;
	const struct stw_image_header *header;
	char *reason;
	size_t reason_len;
};

__attribute__((format(printf, 3, 4))) static int refuse(const struct check *c, int err,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (c->reason_len > 0)
		vsnprintf(c->reason, c->reason_len, format, args);
	va_end(args);
	return err;
}

static const void *rows(const struct check *c, enum stw_image_kind kind, uint32_t *n)
{
	*n = c->header->sections[kind].rows;
	return c->bytes + c->header->sections[kind].offset;
}

uint64_t stw_image_checksum(const void *bytes, uint64_t size)
{
	struct stw_image_header h;
	struct stw_siphash s = stw_siphash_start(checksum_key);

	memcpy(&h, bytes, sizeof(h));
	h.checksum = 0;
	stw_siphash_bytes(&s, &h, sizeof(h), 1);
	stw_siphash_bytes(&s, (const uint8_t *)bytes + sizeof(h), size - sizeof(h), 1);
	return stw_siphash_end(&s, 3);
}

static int check_section(const struct check *c, int kind, uint64_t *end)
{
	const struct stw_image_section *s = &c->header->sections[kind];
	const struct section_rule *r = &section_rules[kind];
	uint64_t size = c->header->size_bytes;

	if (s->row_bytes != r->row_bytes)
		return refuse(c, STW_EVERSION, "section %s: rows of %u bytes, expected %u", r->name,
			      s->row_bytes, r->row_bytes);
	if (s->rows < r->least || s->rows > r->most)
		return refuse(c, STW_EBOUNDS, "section %s: %u rows, allowed are %u..%u", r->name,
			      s->rows, r->least, r->most);
	if (s->offset % STW_IMAGE_ALIGN != 0 || s->offset < *end || s->offset > size)
		return refuse(c, STW_EBOUNDS, "section %s: offset %u is misplaced", r->name,
			      s->offset);
	if ((uint64_t)s->rows * s->row_bytes > size - s->offset)
		return refuse(c, STW_EBOUNDS, "section %s: %u rows leave the image", r->name,
			      s->rows);
	if (s->reserved != 0)
		return refuse(c, STW_EMALFORMED, "section %s: reserved field is not zero", r->name);
	*end = s->offset + (uint64_t)s->rows * s->row_bytes;
	return STW_OK;
}

static int check_header(const struct check *c, uint64_t size)
{
	const struct stw_image_header *h = c->header;
	uint64_t end = sizeof(*h);

	if (size < sizeof(*h))
		return refuse(c, STW_EBOUNDS, "header: %llu bytes are too few",
			      (unsigned long long)size);
	if (h->magic != STW_IMAGE_MAGIC)
		return refuse(c, STW_EMALFORMED, "header: not a table image");
	if (h->version != STW_IMAGE_VERSION)
		return refuse(c, STW_EVERSION, "header: version %u, expected %u", h->version,
			      STW_IMAGE_VERSION);
	if (h->size_bytes != size || size > STW_IMAGE_BYTES_MAX)
		return refuse(c, STW_EBOUNDS, "header: says %llu bytes, has %llu",
			      (unsigned long long)h->size_bytes, (unsigned long long)size);
	if (h->n_sections != STW_IMAGE_N_SECTIONS)
		return refuse(c, STW_EVERSION, "header: %u sections, expected %u", h->n_sections,
			      (unsigned int)STW_IMAGE_N_SECTIONS);
	if (h->reserved != 0)
		return refuse(c, STW_EMALFORMED, "header: reserved field is not zero");
	for (int k = 0; k < STW_IMAGE_N_SECTIONS; k++) {
		int err = check_section(c, k, &end);
		if (err != STW_OK)
			return err;
	}
	if (stw_image_checksum(c->bytes, size) != h->checksum)
		return refuse(c, STW_EDIGEST, "header: checksum does not match the content");
	return STW_OK;
}

static bool address_serves(const struct stw_endpoint *a)
{
	static const struct stw_ip unspecified6 = {{0}};
	static const uint8_t unspecified4[4] = {0};

	return a->transport == STW_TRANSPORT_UDP && a->port != 0 && a->reserved == 0 &&
	       !stw_ip_equal(&a->ip, &unspecified6) &&
	       !(stw_ip_is_v4(&a->ip) && memcmp(a->ip.b + 12, unspecified4, 4) == 0);
}

static int check_listeners(const struct check *c)
{
	uint32_t n, n_pools, n_trusted;
	const struct stw_image_listener *l = rows(c, STW_IMAGE_LISTENERS_SECTION, &n);

	rows(c, STW_IMAGE_POOLS_SECTION, &n_pools);
	rows(c, STW_IMAGE_TRUSTED_SECTION, &n_trusted);
	for (uint32_t i = 0; i < n; i++) {
		if (!address_serves(&l[i].address))
			return refuse(c, STW_ERANGE, "section listeners, row %u: unusable address",
				      i);
		if (l[i].pool != STW_IMAGE_NO_POOL && l[i].pool >= n_pools)
			return refuse(c, STW_EBOUNDS, "section listeners, row %u: no pool %u", i,
				      l[i].pool);
		if (l[i].nat >= STW_IMAGE_N_NAT)
			return refuse(c, STW_ERANGE, "section listeners, row %u: unknown nat", i);
		if (l[i].first_trusted > n_trusted ||
		    l[i].n_trusted > n_trusted - l[i].first_trusted)
			return refuse(c, STW_EBOUNDS,
				      "section listeners, row %u: trusted leave their section", i);
		if (l[i].reserved != 0)
			return refuse(c, STW_EMALFORMED,
				      "section listeners, row %u: reserved field is not zero", i);
		for (uint32_t k = 0; k < i; k++)
			if (stw_endpoint_equal(&l[i].address, &l[k].address))
				return refuse(c, STW_EDUP,
					      "section listeners, row %u: address of row %u again",
					      i, k);
	}
	return STW_OK;
}

/* The members of one pool, and @in_pool [n_members] set for each. */
static int check_pool_members(const struct check *c, uint32_t pool, uint8_t *in_pool)
{
	uint32_t n, n_pm, n_members;
	const struct stw_image_pool *p = rows(c, STW_IMAGE_POOLS_SECTION, &n);
	const struct stw_image_pool_member *pm = rows(c, STW_IMAGE_POOL_MEMBERS_SECTION, &n_pm);

	const struct stw_image_member *members = rows(c, STW_IMAGE_MEMBERS_SECTION, &n_members);
	memset(in_pool, 0, n_members);
	for (uint32_t i = 0; i < p[pool].n_members; i++) {
		uint32_t row = p[pool].first_member + i;
		const struct stw_image_pool_member *m = &pm[row];

		if (m->member >= n_members)
			return refuse(c, STW_EBOUNDS, "section pool_members, row %u: no member %u",
				      row, m->member);
		if (members[m->member].flags & STW_IMAGE_MEMBER_GONE)
			return refuse(c, STW_ERANGE,
				      "section pool_members, row %u: member %u is gone", row,
				      m->member);
		if (in_pool[m->member])
			return refuse(c, STW_EDUP,
				      "section pool_members, row %u: member %u is in pool %u twice",
				      row, m->member, pool);
		if (m->asked >= STW_IMAGE_N_ASKED || m->failed > 1 || m->serves > 1)
			return refuse(c, STW_ERANGE, "section pool_members, row %u: unknown state",
				      row);
		if (i > 0 && m->member <= m[-1].member)
			return refuse(c, STW_ERANGE,
				      "section pool_members, row %u: members must ascend", row);
		if (m->reserved != 0)
			return refuse(c, STW_EMALFORMED,
				      "section pool_members, row %u: reserved field is not zero",
				      row);
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

static int check_policy(const struct check *c, const struct stw_image_pool *p, uint32_t i)
{
	if ((p->flags & ~STW_IMAGE_POOL_FLAGS) != 0 || p->reserved != 0)
		return refuse(c, STW_EMALFORMED, "section pools, row %u: unknown flags", i);
	if (p->policy >= STW_IMAGE_N_POLICIES || p->key >= STW_IMAGE_N_KEYS)
		return refuse(c, STW_ERANGE, "section pools, row %u: unknown policy", i);
	if (!header_name_ok(p))
		return refuse(c, STW_ERANGE, "section pools, row %u: no name of a header", i);
	if (p->bound_percent != 0 &&
	    (p->bound_percent < STW_IMAGE_BOUND_MIN || p->bound_percent > STW_IMAGE_BOUND_MAX))
		return refuse(c, STW_ERANGE, "section pools, row %u: bound of %u %%", i,
			      p->bound_percent);
	if (p->work_invite == 0 || p->work_other == 0 || p->failover > STW_IMAGE_FAILOVER_MAX)
		return refuse(c, STW_ERANGE, "section pools, row %u: work or failover", i);
	return STW_OK;
}

/* Whoever follows the fall-backs comes to an end. */
static int check_fallback(const struct check *c, uint32_t i)
{
	uint32_t n, at = i;
	const struct stw_image_pool *p = rows(c, STW_IMAGE_POOLS_SECTION, &n);

	for (uint32_t steps = 0; p[at].fallback != STW_IMAGE_NO_POOL; steps++) {
		if (p[at].fallback >= n)
			return refuse(c, STW_EBOUNDS, "section pools, row %u: no pool %u", at,
				      p[at].fallback);
		if (steps == n)
			return refuse(c, STW_ERANGE, "section pools, row %u: falls back on itself",
				      i);
		at = p[at].fallback;
	}
	return STW_OK;
}

/* Past slots name members of any kind, also those gone. */
static int check_past(const struct check *c, const struct stw_image_pool *p)
{
	uint32_t n, n_members;
	const uint16_t *slots = rows(c, STW_IMAGE_SLOTS_SECTION, &n);

	rows(c, STW_IMAGE_MEMBERS_SECTION, &n_members);
	for (uint32_t s = p->first_past; s < p->first_past + p->n_past; s++)
		if (slots[s] >= n_members)
			return refuse(c, STW_EBOUNDS, "section slots, row %u: no member %u", s,
				      slots[s]);
	return STW_OK;
}

static int check_pool(const struct check *c, uint32_t i, uint8_t *in_pool)
{
	uint32_t n, n_pm, n_slots, n_members;
	const struct stw_image_pool *p = rows(c, STW_IMAGE_POOLS_SECTION, &n);
	const uint16_t *slots = rows(c, STW_IMAGE_SLOTS_SECTION, &n_slots);

	rows(c, STW_IMAGE_POOL_MEMBERS_SECTION, &n_pm);
	rows(c, STW_IMAGE_MEMBERS_SECTION, &n_members);
	p += i;
	if (!run_fits(p->first_slot, p->n_slots, n_slots) || p->n_slots > STW_IMAGE_POOL_SLOTS ||
	    !run_fits(p->first_past, p->n_past, n_slots) || p->n_past > STW_IMAGE_POOL_SLOTS)
		return refuse(c, STW_EBOUNDS, "section pools, row %u: slots leave their section",
			      i);
	if (!run_fits(p->first_member, p->n_members, n_pm) || p->n_members > STW_IMAGE_POOL_MEMBERS)
		return refuse(c, STW_EBOUNDS, "section pools, row %u: members leave their section",
			      i);
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
			return refuse(c, STW_EBOUNDS,
				      "section slots, row %u: member %u is not in pool %u", s,
				      slots[s], i);
	return STW_OK;
}

static int check_pools(const struct check *c)
{
	uint8_t in_pool[STW_IMAGE_MEMBERS];
	uint32_t n;

	rows(c, STW_IMAGE_POOLS_SECTION, &n);
	for (uint32_t i = 0; i < n; i++) {
		int err = check_pool(c, i, in_pool);
		if (err != STW_OK)
			return err;
	}
	return STW_OK;
}

static int check_members(const struct check *c)
{
	uint8_t taken[STW_MEMBER_NUMBERS / 8] = {0};
	uint32_t n;
	const struct stw_image_member *m = rows(c, STW_IMAGE_MEMBERS_SECTION, &n);

	for (uint32_t i = 0; i < n; i++) {
		uint16_t number = m[i].number;

		if (!address_serves(&m[i].address))
			return refuse(c, STW_ERANGE, "section members, row %u: unusable address",
				      i);
		if (number >= STW_MEMBER_NUMBERS)
			return refuse(c, STW_ERANGE,
				      "section members, row %u: number %u, allowed"
				      " are 0..%u",
				      i, number, STW_MEMBER_NUMBERS - 1);
		if (taken[number / 8] >> number % 8 & 1)
			return refuse(c, STW_EDUP, "section members, row %u: number %u again", i,
				      number);
		if ((m[i].flags & ~STW_IMAGE_MEMBER_FLAGS) != 0)
			return refuse(c, STW_EMALFORMED, "section members, row %u: unknown flags",
				      i);
		taken[number / 8] |= (uint8_t)(1u << number % 8);
	}
	return STW_OK;
}

static int check_secrets(const struct check *c)
{
	static const uint8_t zero[sizeof(((struct stw_image_secret *)0)->reserved)];
	uint32_t n;
	const struct stw_image_secret *s = rows(c, STW_IMAGE_SECRETS_SECTION, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (s[i].id > 15)
			return refuse(c, STW_ERANGE,
				      "section secrets, row %u: id %u, allowed are"
				      " 0..15",
				      i, s[i].id);
		if (i > 0 && s[i].id == s[0].id)
			return refuse(c, STW_EDUP, "section secrets, row %u: id %u again", i,
				      s[i].id);
		if (memcmp(s[i].reserved, zero, sizeof(zero)) != 0)
			return refuse(c, STW_EMALFORMED,
				      "section secrets, row %u: reserved field is not zero", i);
	}
	return STW_OK;
}

/* Letters in lower case, digits, '-', '_' and '.'; 0 for all else. */
static char name_char(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c | 0x20);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'
		       ? c
		       : 0;
}

uint8_t stw_name_canonical(const char *name, uint64_t len, char *out)
{
	char before = '.';

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len > STW_IMAGE_NAME_MAX)
		return 0;
	for (uint64_t i = 0; i < len; i++) {
		char c = name_char(name[i]);

		if (c == 0 || (c == '.' && before == '.'))
			return 0;
		out[i] = before = c;
	}
	return before == '.' ? 0 : (uint8_t)len;
}

/* The addresses of one name. */
static int check_targets(const struct check *c, uint32_t row, const struct stw_image_name *name)
{
	uint32_t n;
	const struct stw_image_target *t = rows(c, STW_IMAGE_TARGETS_SECTION, &n);

	if (name->n_targets > STW_IMAGE_NAME_TARGETS || name->first_target > n ||
	    name->n_targets > n - name->first_target)
		return refuse(c, STW_EBOUNDS, "section names, row %u: targets leave their section",
			      row);
	t += name->first_target;
	for (uint32_t i = 0; i < name->n_targets; i++) {
		if (!address_serves(&t[i].address))
			return refuse(c, STW_ERANGE, "section targets, row %u: unusable address",
				      name->first_target + i);
		if (i > 0 && t[i].priority < t[i - 1].priority)
			return refuse(c, STW_ERANGE,
				      "section targets, row %u: priorities must ascend",
				      name->first_target + i);
	}
	return STW_OK;
}

static int check_names(const struct check *c)
{
	char canonical[STW_IMAGE_NAME_MAX];
	uint32_t n, n_text;
	const struct stw_image_name *name = rows(c, STW_IMAGE_NAMES_SECTION, &n);
	const char *text = rows(c, STW_IMAGE_NAME_TEXT_SECTION, &n_text);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = name[i].first_byte;

		if (at > n_text || name[i].len > n_text - at)
			return refuse(c, STW_EBOUNDS,
				      "section names, row %u: text leaves its section", i);
		if (stw_name_canonical(text + at, name[i].len, canonical) != name[i].len ||
		    name[i].len == 0 || memcmp(canonical, text + at, name[i].len) != 0)
			return refuse(c, STW_ERANGE,
				      "section names, row %u: not a name in lower case", i);
		int err = check_targets(c, i, &name[i]);
		if (err != STW_OK)
			return err;
	}
	return STW_OK;
}

static int check_settings(const struct check *c)
{
	static const struct stw_image_settings zero;
	uint32_t n;
	const struct stw_image_settings *s = rows(c, STW_IMAGE_SETTINGS_SECTION, &n);

	if (memcmp(s->reserved, zero.reserved, sizeof(zero.reserved)) != 0)
		return refuse(c, STW_EMALFORMED, "section settings: reserved field is not zero");
	if ((s->flags & ~STW_IMAGE_SETTINGS_ALL) != 0)
		return refuse(c, STW_EMALFORMED, "section settings: unknown flags");
	if ((s->flags & STW_IMAGE_REDIRECT) && !(s->flags & STW_IMAGE_LOCATE))
		return refuse(c, STW_EMALFORMED, "section settings: redirect without locate");
	return STW_OK;
}

/* No bit of @ip is set behind the first @bits. */
static bool is_network(const struct stw_ip *ip, uint8_t bits)
{
	for (unsigned int i = bits; i < 128; i++)
		if (ip->b[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

static int check_trusted(const struct check *c)
{
	uint32_t n;
	const struct stw_image_prefix *p = rows(c, STW_IMAGE_TRUSTED_SECTION, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (p[i].bits > 128 || !is_network(&p[i].ip, p[i].bits))
			return refuse(c, STW_ERANGE, "section trusted, row %u: not a network", i);
		if ((p[i].reserved[0] | p[i].reserved[1] | p[i].reserved[2]) != 0)
			return refuse(c, STW_EMALFORMED,
				      "section trusted, row %u: reserved field is not zero", i);
	}
	return STW_OK;
}

/* Few: each is compared with all before it. */
static int check_domains(const struct check *c)
{
	uint32_t n;
	const struct stw_image_domain *d = rows(c, STW_IMAGE_DOMAINS_SECTION, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (d[i].len == 0 || d[i].len > STW_IMAGE_NAME_MAX)
			return refuse(c, STW_ERANGE, "section domains, row %u: %u bytes", i,
				      d[i].len);
		for (uint32_t k = 0; k < d[i].len; k++)
			if (d[i].name[k] <= ' ' || d[i].name[k] == 0x7f ||
			    (d[i].name[k] >= 'A' && d[i].name[k] <= 'Z'))
				return refuse(c, STW_ERANGE,
					      "section domains, row %u: not in lower case", i);
		for (uint32_t k = 0; k < i; k++)
			if (memcmp(&d[k], &d[i], sizeof(d[i])) == 0)
				return refuse(c, STW_EDUP,
					      "section domains, row %u: domain of row %u again", i,
					      k);
	}
	return STW_OK;
}

/* Lower-case letters and all else that a token may hold (RFC 3261 s25.1). */
static bool is_tag(const char *tag)
{
	static const char others[] = "0123456789-.!%*_+`'~";
	size_t len = strnlen(tag, STW_IMAGE_OPTION_TEXT);

	for (size_t i = 0; i < STW_IMAGE_OPTION_TEXT; i++)
		if (i < len ? (tag[i] < 'a' || tag[i] > 'z') && strchr(others, tag[i]) == NULL
			    : tag[i] != '\0')
			return false;
	return len > 0 && len < STW_IMAGE_OPTION_TEXT;
}

static int check_options(const struct check *c)
{
	uint32_t n;
	const struct stw_image_option *o = rows(c, STW_IMAGE_OPTIONS_SECTION, &n);

	for (uint32_t i = 0; i < n; i++)
		if (!is_tag(o[i].tag))
			return refuse(c, STW_ERANGE,
				      "section options, row %u: not a token in lower case", i);
	return STW_OK;
}

static int check_closed_ports(const struct check *c)
{
	uint32_t n;
	const struct stw_image_port_range *r = rows(c, STW_IMAGE_CLOSED_PORTS_SECTION, &n);

	for (uint32_t i = 0; i < n; i++)
		if (r[i].first > r[i].last)
			return refuse(c, STW_ERANGE, "section closed_ports, row %u: %u is above %u",
				      i, r[i].first, r[i].last);
	return STW_OK;
}

int stw_image_check(const void *bytes, uint64_t size, char *reason, uint64_t reason_len)
{
	const struct check c = {bytes, bytes, reason, reason_len};
	int err = check_header(&c, size);

	if (err == STW_OK)
		err = check_listeners(&c);
	if (err == STW_OK)
		err = check_pools(&c);
	if (err == STW_OK)
		err = check_members(&c);
	if (err == STW_OK)
		err = check_secrets(&c);
	if (err == STW_OK)
		err = check_names(&c);
	if (err == STW_OK)
		err = check_settings(&c);
	if (err == STW_OK)
		err = check_trusted(&c);
	if (err == STW_OK)
		err = check_options(&c);
	if (err == STW_OK)
		err = check_closed_ports(&c);
	if (err == STW_OK)
		err = check_domains(&c);
	if (err == STW_OK)
		err = stw_image_check_rules(c.header, reason, reason_len);
	return err;
}
