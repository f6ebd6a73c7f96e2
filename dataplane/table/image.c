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
#include "dataplane/table/image_check.h"

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

int stw_image_refuse(const struct stw_image_check *c, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (c->reason_len > 0)
		vsnprintf(c->reason, c->reason_len, format, args);
	va_end(args);
	return err;
}

const void *stw_image_rows(const struct stw_image_check *c, enum stw_image_kind kind, uint32_t *n)
{
	*n = c->header->sections[kind].rows;
	return c->bytes + c->header->sections[kind].offset;
}

bool stw_image_address_serves(const struct stw_endpoint *a)
{
	static const struct stw_ip unspecified6 = {{0}};
	static const uint8_t unspecified4[4] = {0};

	return a->transport == STW_TRANSPORT_UDP && a->port != 0 && a->reserved == 0 &&
	       !stw_ip_equal(&a->ip, &unspecified6) &&
	       !(stw_ip_is_v4(&a->ip) && memcmp(a->ip.b + 12, unspecified4, 4) == 0);
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

static int check_section(const struct stw_image_check *c, int kind, uint64_t *end)
{
	const struct stw_image_section *s = &c->header->sections[kind];
	const struct section_rule *r = &section_rules[kind];
	uint64_t size = c->header->size_bytes;

	if (s->row_bytes != r->row_bytes)
		return stw_image_refuse(c, STW_EVERSION,
					"section %s: rows of %u bytes, expected %u", r->name,
					s->row_bytes, r->row_bytes);
	if (s->rows < r->least || s->rows > r->most)
		return stw_image_refuse(c, STW_EBOUNDS, "section %s: %u rows, allowed are %u..%u",
					r->name, s->rows, r->least, r->most);
	if (s->offset % STW_IMAGE_ALIGN != 0 || s->offset < *end || s->offset > size)
		return stw_image_refuse(c, STW_EBOUNDS, "section %s: offset %u is misplaced",
					r->name, s->offset);
	if ((uint64_t)s->rows * s->row_bytes > size - s->offset)
		return stw_image_refuse(c, STW_EBOUNDS, "section %s: %u rows leave the image",
					r->name, s->rows);
	if (s->reserved != 0)
		return stw_image_refuse(c, STW_EMALFORMED, "section %s: reserved field is not zero",
					r->name);
	*end = s->offset + (uint64_t)s->rows * s->row_bytes;
	return STW_OK;
}

static int check_header(const struct stw_image_check *c, uint64_t size)
{
	const struct stw_image_header *h = c->header;
	uint64_t end = sizeof(*h);

	if (size < sizeof(*h))
		return stw_image_refuse(c, STW_EBOUNDS, "header: %llu bytes are too few",
					(unsigned long long)size);
	if (h->magic != STW_IMAGE_MAGIC)
		return stw_image_refuse(c, STW_EMALFORMED, "header: not a table image");
	if (h->version != STW_IMAGE_VERSION)
		return stw_image_refuse(c, STW_EVERSION, "header: version %u, expected %u",
					h->version, STW_IMAGE_VERSION);
	if (h->size_bytes != size || size > STW_IMAGE_BYTES_MAX)
		return stw_image_refuse(c, STW_EBOUNDS, "header: says %llu bytes, has %llu",
					(unsigned long long)h->size_bytes,
					(unsigned long long)size);
	if (h->n_sections != STW_IMAGE_N_SECTIONS)
		return stw_image_refuse(c, STW_EVERSION, "header: %u sections, expected %u",
					h->n_sections, (unsigned int)STW_IMAGE_N_SECTIONS);
	if (h->reserved != 0)
		return stw_image_refuse(c, STW_EMALFORMED, "header: reserved field is not zero");
	for (int k = 0; k < STW_IMAGE_N_SECTIONS; k++) {
		int err = check_section(c, k, &end);
		if (err != STW_OK)
			return err;
	}
	if (stw_image_checksum(c->bytes, size) != h->checksum)
		return stw_image_refuse(c, STW_EDIGEST,
					"header: checksum does not match the content");
	return STW_OK;
}

static int check_listeners(const struct stw_image_check *c)
{
	uint32_t n, n_pools, n_trusted;
	const struct stw_image_listener *l = stw_image_rows(c, STW_IMAGE_LISTENERS_SECTION, &n);

	stw_image_rows(c, STW_IMAGE_POOLS_SECTION, &n_pools);
	stw_image_rows(c, STW_IMAGE_TRUSTED_SECTION, &n_trusted);
	for (uint32_t i = 0; i < n; i++) {
		if (!stw_image_address_serves(&l[i].address))
			return stw_image_refuse(c, STW_ERANGE,
						"section listeners, row %u: unusable address", i);
		if (l[i].pool != STW_IMAGE_NO_POOL && l[i].pool >= n_pools)
			return stw_image_refuse(c, STW_EBOUNDS,
						"section listeners, row %u: no pool %u", i,
						l[i].pool);
		if (l[i].nat >= STW_IMAGE_N_NAT)
			return stw_image_refuse(c, STW_ERANGE,
						"section listeners, row %u: unknown nat", i);
		if (l[i].first_trusted > n_trusted ||
		    l[i].n_trusted > n_trusted - l[i].first_trusted)
			return stw_image_refuse(
				c, STW_EBOUNDS,
				"section listeners, row %u: trusted leave their section", i);
		if (l[i].reserved != 0)
			return stw_image_refuse(
				c, STW_EMALFORMED,
				"section listeners, row %u: reserved field is not zero", i);
		for (uint32_t k = 0; k < i; k++)
			if (stw_endpoint_equal(&l[i].address, &l[k].address))
				return stw_image_refuse(
					c, STW_EDUP,
					"section listeners, row %u: address of row %u again", i, k);
	}
	return STW_OK;
}

static int check_secrets(const struct stw_image_check *c)
{
	static const uint8_t zero[sizeof(((struct stw_image_secret *)0)->reserved)];
	uint32_t n;
	const struct stw_image_secret *s = stw_image_rows(c, STW_IMAGE_SECRETS_SECTION, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (s[i].id > 15)
			return stw_image_refuse(c, STW_ERANGE,
						"section secrets, row %u: id %u, allowed are"
						" 0..15",
						i, s[i].id);
		if (i > 0 && s[i].id == s[0].id)
			return stw_image_refuse(c, STW_EDUP, "section secrets, row %u: id %u again",
						i, s[i].id);
		if (memcmp(s[i].reserved, zero, sizeof(zero)) != 0)
			return stw_image_refuse(
				c, STW_EMALFORMED,
				"section secrets, row %u: reserved field is not zero", i);
	}
	return STW_OK;
}

static int check_settings(const struct stw_image_check *c)
{
	static const struct stw_image_settings zero;
	uint32_t n;
	const struct stw_image_settings *s = stw_image_rows(c, STW_IMAGE_SETTINGS_SECTION, &n);

	if (memcmp(s->reserved, zero.reserved, sizeof(zero.reserved)) != 0)
		return stw_image_refuse(c, STW_EMALFORMED,
					"section settings: reserved field is not zero");
	if ((s->flags & ~STW_IMAGE_SETTINGS_ALL) != 0)
		return stw_image_refuse(c, STW_EMALFORMED, "section settings: unknown flags");
	if ((s->flags & STW_IMAGE_REDIRECT) && !(s->flags & STW_IMAGE_LOCATE))
		return stw_image_refuse(c, STW_EMALFORMED,
					"section settings: redirect without locate");
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

static int check_trusted(const struct stw_image_check *c)
{
	uint32_t n;
	const struct stw_image_prefix *p = stw_image_rows(c, STW_IMAGE_TRUSTED_SECTION, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (p[i].bits > 128 || !is_network(&p[i].ip, p[i].bits))
			return stw_image_refuse(c, STW_ERANGE,
						"section trusted, row %u: not a network", i);
		if ((p[i].reserved[0] | p[i].reserved[1] | p[i].reserved[2]) != 0)
			return stw_image_refuse(
				c, STW_EMALFORMED,
				"section trusted, row %u: reserved field is not zero", i);
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

static int check_options(const struct stw_image_check *c)
{
	uint32_t n;
	const struct stw_image_option *o = stw_image_rows(c, STW_IMAGE_OPTIONS_SECTION, &n);

	for (uint32_t i = 0; i < n; i++)
		if (!is_tag(o[i].tag))
			return stw_image_refuse(
				c, STW_ERANGE, "section options, row %u: not a token in lower case",
				i);
	return STW_OK;
}

static int check_closed_ports(const struct stw_image_check *c)
{
	uint32_t n;
	const struct stw_image_port_range *r =
		stw_image_rows(c, STW_IMAGE_CLOSED_PORTS_SECTION, &n);

	for (uint32_t i = 0; i < n; i++)
		if (r[i].first > r[i].last)
			return stw_image_refuse(c, STW_ERANGE,
						"section closed_ports, row %u: %u is above %u", i,
						r[i].first, r[i].last);
	return STW_OK;
}

int stw_image_check(const void *bytes, uint64_t size, char *reason, uint64_t reason_len)
{
	static int (*const checks[])(const struct stw_image_check *c) = {
		check_listeners,	 stw_image_check_pools, stw_image_check_members,
		check_secrets,		 stw_image_check_names, check_settings,
		check_trusted,		 check_options,		check_closed_ports,
		stw_image_check_domains, stw_image_check_rules,
	};
	const struct stw_image_check c = {bytes, bytes, reason, reason_len};
	int err = check_header(&c, size);

	for (size_t i = 0; err == STW_OK && i < sizeof(checks) / sizeof(checks[0]); i++)
		err = checks[i](&c);
	return err;
}
