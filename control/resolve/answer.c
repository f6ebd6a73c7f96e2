/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/resolve/answer.h"

#include <ctype.h>
#include <string.h>

#include <ares.h>

#include <strowger/errors.h>

#define QUESTION_LEN	4u
#define SOA_NUMBERS_LEN 20u
#define ABSENT_TTL_S	60u /* of an answer that does not say (RFC 2308 s5 would not keep it) */

/* A message being read: @at never passes @end. */
struct reader {
	const uint8_t *message;
	const uint8_t *at;
	const uint8_t *end;
};

/* One record's data, in a reader of its own. */
struct record {
	uint16_t type;
	uint16_t class;
	uint32_t ttl_s;
	struct reader data;
};

static size_t left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

static bool get16(struct reader *r, uint16_t *out)
{
	if (left(r) < 2)
		return false;
	*out = (uint16_t)(r->at[0] << 8 | r->at[1]);
	r->at += 2;
	return true;
}

static bool get32(struct reader *r, uint32_t *out)
{
	uint16_t high, low;

	if (!get16(r, &high) || !get16(r, &low))
		return false;
	*out = (uint32_t)high << 16 | low;
	return true;
}

/* A name; @out may be NULL. A name too long for @out fails. */
static bool get_name(struct reader *r, const uint8_t *message_end, char out[STW_DNS_NAME])
{
	char *text;
	long used;

	if (left(r) == 0 || ares_expand_name(r->at, r->message, (int)(message_end - r->message),
					     &text, &used) != ARES_SUCCESS)
		return false;
	size_t n = strlen(text);
	bool fits = n < STW_DNS_NAME && used > 0 && (size_t)used <= left(r);

	if (fits && out) {
		for (size_t i = 0; i <= n; i++)
			out[i] = (char)tolower((unsigned char)text[i]);
	}
	ares_free_string(text);
	if (fits)
		r->at += used;
	return fits;
}

/* A character-string (RFC 1035 s3.3) through @fold; "" when it is longer than @out. */
static bool get_string(struct reader *r, char *out, size_t size, int (*fold)(int))
{
	if (left(r) == 0 || left(r) - 1 < r->at[0])
		return false;
	size_t n = *r->at++;

	out[0] = '\0';
	for (size_t i = 0; n < size && i <= n; i++)
		out[i] = i < n ? (char)fold(r->at[i]) : '\0';
	r->at += n;
	return true;
}

static bool get_record(struct reader *r, struct record *out)
{
	uint16_t len;

	if (!get_name(r, r->end, NULL) || !get16(r, &out->type) || !get16(r, &out->class) ||
	    !get32(r, &out->ttl_s) || !get16(r, &len) || len > left(r))
		return false;
	if (out->ttl_s > INT32_MAX)
		out->ttl_s = 0; /* RFC 2181 s8 */
	out->data = (struct reader){r->message, r->at, r->at + len};
	r->at += len;
	return true;
}

static bool read_address(struct record *rec, struct stw_dns_record *out)
{
	size_t n = left(&rec->data);

	if (n == 4 && rec->type == STW_DNS_A)
		out->ip = stw_ip_from_v4(rec->data.at);
	else if (n == 16 && rec->type == STW_DNS_AAAA)
		out->ip = stw_ip_from_v6(rec->data.at);
	else
		return false;
	/* An IPv4 address in AAAA's clothes is none we could tell from a real one. */
	return rec->type == STW_DNS_A || !stw_ip_is_v4(&out->ip);
}

static bool read_srv(struct record *rec, const uint8_t *message_end, struct stw_dns_record *out)
{
	return get16(&rec->data, &out->order) && get16(&rec->data, &out->preference) &&
	       get16(&rec->data, &out->port) && get_name(&rec->data, message_end, out->target);
}

static bool read_naptr(struct record *rec, const uint8_t *message_end, struct stw_dns_record *out)
{
	char regexp[2];

	return get16(&rec->data, &out->order) && get16(&rec->data, &out->preference) &&
	       get_string(&rec->data, out->flags, sizeof(out->flags), tolower) &&
	       get_string(&rec->data, out->service, sizeof(out->service), toupper) &&
	       get_string(&rec->data, regexp, sizeof(regexp), tolower) &&
	       get_name(&rec->data, message_end, out->target);
}

static bool read_data(struct record *rec, const uint8_t *message_end, struct stw_dns_record *out)
{
	memset(out, 0, sizeof(*out));
	switch (rec->type) {
	case STW_DNS_A:
	case STW_DNS_AAAA: return read_address(rec, out);
	case STW_DNS_SRV: return read_srv(rec, message_end, out);
	case STW_DNS_NAPTR: return read_naptr(rec, message_end, out);
	default: return false;
	}
}

/* How long the absence may be kept: the lesser of the SOA's TTL and its last number (RFC 2308 s3).
 */
static uint32_t absence(struct reader *r, unsigned n_authority)
{
	struct record rec;
	uint32_t minimum;

	for (; n_authority > 0 && get_record(r, &rec); n_authority--) {
		if (rec.type != STW_DNS_SOA || left(&rec.data) < SOA_NUMBERS_LEN)
			continue;
		rec.data.at = rec.data.end - 4;
		if (get32(&rec.data, &minimum))
			return minimum < rec.ttl_s ? minimum : rec.ttl_s;
	}
	return ABSENT_TTL_S;
}

int stw_dns_read(const uint8_t *message, size_t len, uint16_t type, struct stw_dns_answer *out)
{
	struct stw_dns_answer a = {.ttl_s = INT32_MAX};
	struct reader r = {message, message, message + len};
	uint16_t id, flags, n_questions, n_answers, n_authority, n_more;
	struct record rec;

	if (len > UINT16_MAX || !get16(&r, &id) || !get16(&r, &flags) || !get16(&r, &n_questions) ||
	    !get16(&r, &n_answers) || !get16(&r, &n_authority) || !get16(&r, &n_more))
		return STW_EMALFORMED;
	for (; n_questions > 0; n_questions--) {
		if (!get_name(&r, r.end, NULL) || left(&r) < QUESTION_LEN)
			return STW_EMALFORMED;
		r.at += QUESTION_LEN;
	}
	for (; n_answers > 0; n_answers--) {
		if (!get_record(&r, &rec))
			return STW_EMALFORMED;
		if (rec.class != 1 || (rec.type != type && rec.type != STW_DNS_CNAME))
			continue;
		if (rec.ttl_s < a.ttl_s)
			a.ttl_s = rec.ttl_s;
		if (rec.type == type && a.n < STW_DNS_RECORDS &&
		    read_data(&rec, r.end, &a.records[a.n]))
			a.n++;
	}
	if (a.n == 0)
		a.ttl_s = absence(&r, n_authority);
	*out = a;
	return STW_OK;
}
