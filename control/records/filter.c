/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/records/filter.h"

#include <string.h>
#include <strings.h>

#include <strowger/sip.h>

#include "dataplane/route/route.h"

static struct stw_text trim(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	return (struct stw_text){p, (size_t)(end - p)};
}

struct stw_text stw_flight_first_line(const struct stw_flight *r)
{
	const char *end = memchr(r->text, '\n', r->n_text);

	return trim(r->text, end ? end : r->text + r->n_text);
}

static bool is_name(struct stw_text found, const char *name, char compact)
{
	if (found.len == 1 && compact)
		return (found.p[0] | 0x20) == compact;
	return found.len == strlen(name) && strncasecmp(found.p, name, found.len) == 0;
}

struct stw_text stw_flight_header(const struct stw_flight *r, const char *name, char compact)
{
	const char *end = r->text + r->n_text;
	const char *line = memchr(r->text, '\n', r->n_text);

	while (line && ++line < end && *line != '\r' && *line != '\n') {
		const char *next = memchr(line, '\n', (size_t)(end - line));
		const char *stop = next ? next : end;
		const char *colon = memchr(line, ':', (size_t)(stop - line));

		if (colon && is_name(trim(line, colon), name, compact))
			return trim(colon + 1, stop);
		line = next;
	}
	return (struct stw_text){NULL, 0};
}

uint16_t stw_flight_status(const struct stw_flight *r)
{
	uint16_t status = 0;

	if (r->kind != STW_SIP_RESPONSE || r->n_text < 12)
		return 0;
	for (size_t i = 8; i < 11; i++) {
		if (r->text[i] < '0' || r->text[i] > '9')
			return 0;
		status = (uint16_t)(10 * status + (r->text[i] - '0'));
	}
	return status;
}

struct stw_text stw_flight_method(const struct stw_flight *r)
{
	struct stw_text line = stw_flight_first_line(r);

	if (r->kind == STW_SIP_RESPONSE) {
		struct stw_text cseq = stw_flight_header(r, "CSeq", 0);
		const char *blank = cseq.len ? memchr(cseq.p, ' ', cseq.len) : NULL;

		return blank ? trim(blank, cseq.p + cseq.len) : (struct stw_text){NULL, 0};
	}
	const char *blank = line.len ? memchr(line.p, ' ', line.len) : NULL;

	return blank ? (struct stw_text){line.p, (size_t)(blank - line.p)}
		     : (struct stw_text){NULL, 0};
}

static bool is(struct stw_text t, const char *wanted)
{
	return t.len == strlen(wanted) && memcmp(t.p, wanted, t.len) == 0;
}

/* "sip:USER@" or "tel:USER" somewhere in @t, USER whole. */
static bool has_user(struct stw_text t, const char *user)
{
	const size_t n = strlen(user);

	for (size_t i = 0; i + n < t.len; i++) {
		if (t.p[i] != ':' || memcmp(t.p + i + 1, user, n) != 0)
			continue;
		char after = i + 1 + n < t.len ? t.p[i + 1 + n] : '\0';
		if (strchr("@;:> ", after))
			return true;
	}
	return false;
}

static bool user_matches(const struct stw_flight *r, const char *user)
{
	return has_user(stw_flight_header(r, "From", 'f'), user) ||
	       has_user(stw_flight_header(r, "To", 't'), user) ||
	       (r->kind != STW_SIP_RESPONSE && has_user(stw_flight_first_line(r), user));
}

static bool code_matches(const struct stw_flight *r, uint16_t code)
{
	uint16_t status = r->action == STW_ACTION_ANSWER ? r->end : stw_flight_status(r);

	return status == code || (code < 10 && status / 100 == code);
}

bool stw_flight_matches(const struct stw_flight_filter *f, const struct stw_flight *r)
{
	if (f->call_id && !is(stw_flight_header(r, "Call-ID", 'i'), f->call_id))
		return false;
	if (f->method && !is(stw_flight_method(r), f->method))
		return false;
	if (f->has_address && !stw_ip_equal(&f->address, &r->from.ip) &&
	    !(r->next.port && stw_ip_equal(&f->address, &r->next.ip)))
		return false;
	if (f->code && !code_matches(r, f->code))
		return false;
	return !f->user || user_matches(r, f->user);
}
