/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/table/tables.h"

#include <stdio.h>
#include <stdlib.h>

#include <strowger/errors.h>

static void *plain_alloc(size_t size, size_t align)
{
	return aligned_alloc(align, size);
}

static stw_tables_alloc_fn *alloc_fn = plain_alloc;
static stw_tables_free_fn *free_fn = free;

void stw_tables_set_allocator(stw_tables_alloc_fn *alloc, stw_tables_free_fn *release)
{
	alloc_fn = alloc != NULL ? alloc : plain_alloc;
	free_fn = release != NULL ? release : free;
}

/* Where each part lies in the one allocation. */
struct layout {
	size_t listeners, members, record_route, weighed, loads, by_id, by_address, by_listener,
		by_ip, by_name;
	size_t closed_ports, rule_links, by_rule_key, image, size;
};

static size_t place(size_t *at, size_t bytes)
{
	size_t here = *at;

	*at = (here + bytes + STW_TABLES_ALIGN - 1) & ~(size_t)(STW_TABLES_ALIGN - 1);
	return here;
}

static size_t cell_bytes(uint32_t rows)
{
	return stw_index_cells(rows) * sizeof(struct stw_index_cell);
}

/* Rows that size the indexes. */
struct sizes {
	uint32_t listeners, pools, members, names, rule_keys;
};

static struct layout lay_out(const struct sizes *n, size_t image_bytes)
{
	struct layout l;
	size_t at = 0;

	place(&at, sizeof(struct stw_tables));
	l.listeners = place(&at, n->listeners * sizeof(struct stw_listener_row));
	l.members = place(&at, n->members * sizeof(struct stw_member_view));
	l.record_route = place(&at, n->members * sizeof(bool));
	l.weighed = place(&at, n->members * sizeof(bool));
	l.loads = place(&at, n->pools * sizeof(struct stw_pool_load));
	l.by_id = place(&at, cell_bytes(n->members));
	l.by_address = place(&at, cell_bytes(n->members));
	l.by_listener = place(&at, cell_bytes(n->listeners));
	l.by_ip = place(&at, cell_bytes(n->listeners));
	l.by_name = place(&at, cell_bytes(n->names));
	l.closed_ports = place(&at, STW_PORT_WORDS * sizeof(uint64_t));
	l.rule_links = place(&at, n->rule_keys * sizeof(struct stw_rule_link));
	l.by_rule_key = place(&at, cell_bytes(n->rule_keys));
	l.image = place(&at, image_bytes);
	l.size = at;
	return l;
}

static struct stw_index index_at(struct stw_tables *t, size_t offset, uint32_t rows)
{
	struct stw_index ix = {stw_index_cells(rows) - 1,
			       (struct stw_index_cell *)((char *)t + offset)};

	memset(ix.cells, 0xff, cell_bytes(rows));
	return ix;
}

static const void *section(const struct stw_image_header *h, enum stw_image_kind kind)
{
	return (const char *)h + h->sections[kind].offset;
}

static void write_texts(struct stw_listener_row *row)
{
	char hostport[STW_ENDPOINT_TEXT];

	stw_endpoint_format(&row->view.address, hostport);
	row->via_len = (uint16_t)snprintf(row->via, sizeof(row->via),
					  "Via: SIP/2.0/UDP %s;branch=z9hG4bK", hostport);
	row->record_route_len = (uint16_t)snprintf(row->record_route, sizeof(row->record_route),
						   "Record-Route: <sip:%s;lr;stw=", hostport);
}

static struct stw_endpoint ip_key(const struct stw_ip *ip)
{
	return (struct stw_endpoint){.ip = *ip};
}

static void fill_listeners(struct stw_tables *t, const struct layout *l)
{
	struct stw_listener_row *row = (struct stw_listener_row *)((char *)t + l->listeners);
	const struct stw_image_listener *in = section(t->image, STW_IMAGE_LISTENERS_SECTION);

	const struct stw_image_prefix *trusted = section(t->image, STW_IMAGE_TRUSTED_SECTION);

	t->listeners = row;
	t->listener_by_address = index_at(t, l->by_listener, t->n_listeners);
	t->listener_by_ip = index_at(t, l->by_ip, t->n_listeners);
	for (uint32_t i = 0; i < t->n_listeners; i++) {
		struct stw_endpoint key = ip_key(&in[i].address.ip);

		row[i].view = (struct stw_listener_view){in[i].address, in[i].pool, 0};
		row[i].mark = (uint8_t)stw_index_tag_endpoint(&in[i].address);
		row[i].nat = in[i].nat;
		row[i].trusted = trusted + in[i].first_trusted;
		row[i].n_trusted = in[i].n_trusted;
		write_texts(&row[i]);
		t->listener_ends[key.ip.b[15] / 64] |= 1ull << key.ip.b[15] % 64;
		stw_index_add(&t->listener_by_address, stw_index_tag_endpoint(&in[i].address), i);
		if (!stw_tables_has_listener_ip(t, &key.ip))
			stw_index_add(&t->listener_by_ip, stw_index_tag_endpoint(&key), i);
	}
}

/* The checks that need an index: no address and no id twice. */
static int fill_members(struct stw_tables *t, const struct layout *l, char *reason,
			size_t reason_len)
{
	struct stw_member_view *row = (struct stw_member_view *)((char *)t + l->members);
	const struct stw_image_member *in = section(t->image, STW_IMAGE_MEMBERS_SECTION);

	t->members = row;
	t->member_by_id = index_at(t, l->by_id, t->n_members);
	t->member_by_address = index_at(t, l->by_address, t->n_members);
	for (uint32_t i = 0; i < t->n_members; i++) {
		bool id_taken = stw_tables_find_member_id(t, in[i].id) >= 0;

		if (id_taken || stw_tables_find_member(t, &in[i].address) >= 0) {
			snprintf(reason, reason_len, "section members, row %u: %s again", i,
				 id_taken ? "an id" : "an address");
			return STW_EDUP;
		}
		row[i] = (struct stw_member_view){in[i].address, in[i].id, in[i].number,
						  in[i].flags};
		stw_index_add(&t->member_by_id, stw_index_tag_u32(in[i].id), i);
		stw_index_add(&t->member_by_address, stw_index_tag_endpoint(&in[i].address), i);
	}
	return STW_OK;
}

static void fill_pools(struct stw_tables *t, const struct layout *l)
{
	bool *record_route = (bool *)((char *)t + l->record_route);

	bool *weighed = (bool *)((char *)t + l->weighed);

	t->record_route = record_route;
	t->weighed = weighed;
	t->loads = (struct stw_pool_load *)((char *)t + l->loads);
	for (uint32_t i = 0; i < t->n_pools; i++) {
		const struct stw_image_pool *pool = &t->pools[i];
		const struct stw_image_pool_member *pm = &t->pool_members[pool->first_member];

		for (uint32_t k = 0; k < pool->n_members; k++) {
			if (pool->flags & STW_IMAGE_POOL_RECORD_ROUTE)
				record_route[pm[k].member] = true;
			if (stw_pool_moves(pool))
				weighed[pm[k].member] = true;
			if (pm[k].serves)
				t->loads[i].weight += pm[k].weight;
		}
	}
}

static struct stw_sipkey derive(const uint8_t secret[STW_IMAGE_SECRET_SIZE], const char *purpose)
{
	struct stw_sipkey key = stw_sipkey_from(secret);
	char text[] = "? strowger ????";

	memcpy(text + 11, purpose, 4);
	text[0] = '0';
	uint64_t k0 = stw_siphash24(key, text, sizeof(text));
	text[0] = '1';
	return (struct stw_sipkey){k0, stw_siphash24(key, text, sizeof(text))};
}

static void fill_secret(const struct stw_image_secret *in, struct stw_secret *out)
{
	struct stw_sipkey words = derive(in->key, "nh  ");
	uint64_t *word = (uint64_t *)(void *)&out->nh;

	for (uint64_t i = 0; i < sizeof(out->nh) / sizeof(*word); i++)
		word[i] = stw_siphash24(words, &i, sizeof(i));
	out->cookie = stw_siphash_start(derive(in->key, "cook"));
	out->branch = stw_siphash_start(derive(in->key, "bran"));
	out->tag = stw_siphash_start(derive(in->key, "tag "));
	out->flow = stw_siphash_start(derive(in->key, "flow"));
	out->beyond[0] = derive(in->key, "lon0");
	out->beyond[1] = derive(in->key, "lon1");
	out->key = derive(in->key, "key ");
	out->id = in->id;
}

static void fill_plain(struct stw_tables *t)
{
	const struct stw_image_secret *secrets = section(t->image, STW_IMAGE_SECRETS_SECTION);

	t->pools = section(t->image, STW_IMAGE_POOLS_SECTION);
	t->domains = section(t->image, STW_IMAGE_DOMAINS_SECTION);
	t->n_domains = t->image->sections[STW_IMAGE_DOMAINS_SECTION].rows;
	t->pool_members = section(t->image, STW_IMAGE_POOL_MEMBERS_SECTION);
	t->slots = section(t->image, STW_IMAGE_SLOTS_SECTION);
	t->settings = section(t->image, STW_IMAGE_SETTINGS_SECTION);
	t->options = section(t->image, STW_IMAGE_OPTIONS_SECTION);
	t->n_options = t->image->sections[STW_IMAGE_OPTIONS_SECTION].rows;
	t->n_secrets = t->image->sections[STW_IMAGE_SECRETS_SECTION].rows;
	for (uint32_t i = 0; i < t->n_secrets; i++)
		fill_secret(&secrets[i], &t->secrets[i]);
	t->name_key = derive(secrets[0].key, "name");
}

static void fill_closed_ports(struct stw_tables *t, const struct layout *l)
{
	uint64_t *word = (uint64_t *)((char *)t + l->closed_ports);
	const struct stw_image_port_range *r = section(t->image, STW_IMAGE_CLOSED_PORTS_SECTION);

	t->closed_ports = word;
	for (uint32_t i = 0; i < t->image->sections[STW_IMAGE_CLOSED_PORTS_SECTION].rows; i++)
		for (uint32_t port = r[i].first; port <= r[i].last; port++)
			word[port / 64] |= 1ull << port % 64;
}

static uint32_t name_tag(const struct stw_tables *t, const char *name, size_t len, uint16_t port)
{
	struct stw_siphash s = stw_siphash_start(t->name_key);

	stw_siphash_word(&s, port, 1);
	stw_siphash_bytes(&s, name, len, 1);
	return (uint32_t)stw_siphash_end(&s, 3);
}

static int fill_names(struct stw_tables *t, const struct layout *l, char *reason, size_t reason_len)
{
	t->names = section(t->image, STW_IMAGE_NAMES_SECTION);
	t->targets = section(t->image, STW_IMAGE_TARGETS_SECTION);
	t->name_text = section(t->image, STW_IMAGE_NAME_TEXT_SECTION);
	t->name_index = index_at(t, l->by_name, t->n_names);
	for (uint32_t i = 0; i < t->n_names; i++) {
		const struct stw_image_name *n = &t->names[i];
		const char *text = t->name_text + n->first_byte;

		if (stw_tables_find_name(t, text, n->len, n->port) != NULL) {
			snprintf(reason, reason_len, "section names, row %u: a name again", i);
			return STW_EDUP;
		}
		stw_index_add(&t->name_index, name_tag(t, text, n->len, n->port), i);
	}
	return STW_OK;
}

static int fill_rules(struct stw_tables *t, const struct layout *l, uint32_t n_keys, char *reason,
		      size_t reason_len)
{
	struct stw_rules *r = &t->rules;

	r->n = t->image->sections[STW_IMAGE_RULES_SECTION].rows;
	r->rules = section(t->image, STW_IMAGE_RULES_SECTION);
	r->keys = section(t->image, STW_IMAGE_RULE_KEYS_SECTION);
	r->text = section(t->image, STW_IMAGE_RULE_TEXT_SECTION);
	r->links = (struct stw_rule_link *)((char *)t + l->rule_links);
	r->index = index_at(t, l->by_rule_key, n_keys);
	return stw_rules_fill(r, reason, reason_len);
}

static struct sizes sizes_of(const struct stw_image_header *h)
{
	return (struct sizes){h->sections[STW_IMAGE_LISTENERS_SECTION].rows,
			      h->sections[STW_IMAGE_POOLS_SECTION].rows,
			      h->sections[STW_IMAGE_MEMBERS_SECTION].rows,
			      h->sections[STW_IMAGE_NAMES_SECTION].rows,
			      h->sections[STW_IMAGE_RULE_KEYS_SECTION].rows};
}

/* The sizes the layout needs, before the image can be checked as a whole. */
static int peek(const void *bytes, size_t size, struct sizes *out)
{
	struct stw_image_header h;

	if (size < sizeof(h) || size > STW_IMAGE_BYTES_MAX)
		return STW_EBOUNDS;
	memcpy(&h, bytes, sizeof(h));
	*out = sizes_of(&h);
	if (out->listeners > STW_IMAGE_LISTENERS || out->members > STW_IMAGE_MEMBERS ||
	    out->pools > STW_IMAGE_POOLS || out->names > STW_IMAGE_NAMES ||
	    out->rule_keys > STW_IMAGE_RULE_KEYS)
		return STW_EBOUNDS;
	return STW_OK;
}

/* Fill what was laid out, from an image that was checked. */
static int fill(struct stw_tables *t, const struct layout *l, const struct sizes *n, char *reason,
		size_t reason_len)
{
	t->n_listeners = n->listeners;
	t->n_members = n->members;
	t->n_names = n->names;
	t->n_pools = n->pools;
	fill_plain(t);
	fill_closed_ports(t, l);
	fill_pools(t, l);
	fill_listeners(t, l);
	int err = fill_members(t, l, reason, reason_len);
	if (err == STW_OK)
		err = fill_names(t, l, reason, reason_len);
	return err != STW_OK ? err : fill_rules(t, l, n->rule_keys, reason, reason_len);
}

int stw_tables_new(const void *bytes, size_t size, char *reason, size_t reason_len,
		   struct stw_tables **out)
{
	struct sizes n, checked;
	int err = peek(bytes, size, &n);

	if (err != STW_OK) {
		snprintf(reason, reason_len, "header: %zu bytes cannot hold it, or too many rows",
			 size);
		return err;
	}
	struct layout l = lay_out(&n, size);
	struct stw_tables *t = alloc_fn(l.size, STW_TABLES_ALIGN);
	if (t == NULL) {
		snprintf(reason, reason_len, "out of memory: %zu bytes", l.size);
		return STW_ENOMEM;
	}
	/* Copy, then check the copy: what was checked cannot change afterwards. */
	memset(t, 0, l.image);
	memcpy((char *)t + l.image, bytes, size);
	t->image = (const struct stw_image_header *)((char *)t + l.image);
	err = stw_image_check(t->image, size, reason, reason_len);
	checked = sizes_of(t->image);
	if (err == STW_OK && memcmp(&checked, &n, sizeof(n)) != 0) {
		snprintf(reason, reason_len, "header: changed while it was read");
		err = STW_EBOUNDS;
	}
	if (err == STW_OK)
		err = fill(t, &l, &n, reason, reason_len);
	if (err != STW_OK) {
		free_fn(t);
		return err;
	}
	*out = t;
	return STW_OK;
}

void stw_tables_free(struct stw_tables *t)
{
	if (t != NULL)
		free_fn(t);
}

uint64_t stw_tables_generation(const struct stw_tables *t)
{
	return t->image->generation;
}

const uint8_t *stw_tables_digest(const struct stw_tables *t)
{
	return t->image->digest;
}

size_t stw_tables_n_listeners(const struct stw_tables *t)
{
	return t->n_listeners;
}

size_t stw_tables_n_members(const struct stw_tables *t)
{
	return t->n_members;
}

const struct stw_listener_view *stw_tables_listener(const struct stw_tables *t, uint16_t i)
{
	return &t->listeners[i].view;
}

const struct stw_member_view *stw_tables_member(const struct stw_tables *t, uint16_t i)
{
	return &t->members[i];
}

void stw_tables_count_listener(struct stw_tables *t, uint16_t i, uint16_t row)
{
	/* The rows lie in the same memory as @t; what is const is const for readers. */
	((struct stw_listener_row *)(uintptr_t)t->listeners)[i].view.counted = row;
}

int stw_tables_find_listener(const struct stw_tables *t, const struct stw_endpoint *local)
{
	const struct stw_index *ix = &t->listener_by_address;
	uint32_t tag = stw_index_tag_endpoint(local);

	for (uint32_t at = stw_index_home(ix, tag);; at = (at + 1) & ix->mask) {
		struct stw_index_cell cell = ix->cells[at];

		if (cell.row == STW_INDEX_EMPTY)
			return -1;
		if (cell.tag == tag &&
		    stw_endpoint_equal(&t->listeners[cell.row].view.address, local))
			return (int)cell.row;
	}
}

bool stw_tables_has_listener_ip(const struct stw_tables *t, const struct stw_ip *ip)
{
	const struct stw_index *ix = &t->listener_by_ip;
	struct stw_endpoint key = ip_key(ip);
	uint32_t tag = stw_index_tag_endpoint(&key);

	for (uint32_t at = stw_index_home(ix, tag);; at = (at + 1) & ix->mask) {
		struct stw_index_cell cell = ix->cells[at];

		if (cell.row == STW_INDEX_EMPTY)
			return false;
		if (cell.tag == tag && stw_ip_equal(&t->listeners[cell.row].view.address.ip, ip))
			return true;
	}
}

static bool in_prefix(const struct stw_ip *ip, const struct stw_image_prefix *p)
{
	uint8_t whole = p->bits / 8, rest = p->bits % 8;

	return memcmp(ip->b, p->ip.b, whole) == 0 &&
	       (rest == 0 || (ip->b[whole] ^ p->ip.b[whole]) >> (8 - rest) == 0);
}

bool stw_tables_trusts(const struct stw_tables *t, uint16_t listener, const struct stw_ip *peer)
{
	const struct stw_listener_row *l = &t->listeners[listener];

	for (uint32_t i = 0; i < l->n_trusted; i++)
		if (in_prefix(peer, &l->trusted[i]))
			return true;
	return false;
}

int stw_tables_find_member(const struct stw_tables *t, const struct stw_endpoint *peer)
{
	const struct stw_index *ix = &t->member_by_address;
	uint32_t tag = stw_index_tag_endpoint(peer);

	for (uint32_t at = stw_index_home(ix, tag);; at = (at + 1) & ix->mask) {
		struct stw_index_cell cell = ix->cells[at];

		if (cell.row == STW_INDEX_EMPTY)
			return -1;
		if (stw_likely(cell.tag == tag) &&
		    stw_likely(stw_endpoint_equal(&t->members[cell.row].address, peer)))
			return (int)cell.row;
	}
}

const struct stw_image_name *stw_tables_find_name(const struct stw_tables *t, const char *name,
						  size_t len, uint16_t port)
{
	const struct stw_index *ix = &t->name_index;
	uint32_t tag = name_tag(t, name, len, port);

	for (uint32_t at = stw_index_home(ix, tag);; at = (at + 1) & ix->mask) {
		struct stw_index_cell cell = ix->cells[at];

		if (cell.row == STW_INDEX_EMPTY)
			return NULL;
		const struct stw_image_name *n = &t->names[cell.row];
		if (cell.tag == tag && n->port == port && n->len == len &&
		    memcmp(t->name_text + n->first_byte, name, len) == 0)
			return n;
	}
}

size_t stw_tables_n_rules(const struct stw_tables *t)
{
	return t->rules.n;
}

struct stw_rule_view stw_tables_rule(const struct stw_tables *t, uint32_t i)
{
	const struct stw_image_rule *r = &t->rules.rules[i];

	return (struct stw_rule_view){t->rules.text + r->name, r->row};
}

size_t stw_tables_n_names(const struct stw_tables *t)
{
	return t->n_names;
}

struct stw_image_resolved stw_tables_name(const struct stw_tables *t, size_t i)
{
	const struct stw_image_name *n = &t->names[i];

	return (struct stw_image_resolved){.name = t->name_text + n->first_byte,
					   .len = n->len,
					   .n_targets = n->n_targets,
					   .port = n->port,
					   .targets = t->targets + n->first_target};
}

bool stw_tables_has_domain(const struct stw_tables *t, const char *host, size_t len)
{
	for (uint32_t i = 0; i < t->n_domains; i++)
		if (t->domains[i].len == len && strncasecmp(t->domains[i].name, host, len) == 0)
			return true;
	return false;
}
