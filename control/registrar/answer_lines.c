/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/answer_lines.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/route/hex.h"

/* A line as it grows; what does not fit makes it not @ok, and then there was none. */
struct line {
	char *at, *end;
	bool ok;
};

static struct line begin(struct stw_registrar_answer *a)
{
	return (struct line){a->lines + a->len, a->lines + STW_REGISTRAR_LINES, true};
}

static void put(struct line *l, const char *p, size_t len)
{
	l->ok = l->ok && len <= (size_t)(l->end - l->at);
	if (!l->ok)
		return;
	memcpy(l->at, p, len);
	l->at += len;
}

static void put_str(struct line *l, struct stw_str t)
{
	if (t.len > 0)
		put(l, t.p, t.len);
}

#define PUT_TEXT(l, text) put(l, text, sizeof(text) - 1)

static void put_number(struct line *l, uint32_t n)
{
	char digits[10];

	put(l, digits, stw_put_number(digits, n));
}

static bool end(struct stw_registrar_answer *a, struct line *l)
{
	PUT_TEXT(l, "\r\n");
	if (l->ok)
		a->len = (size_t)(l->at - a->lines);
	return l->ok;
}

bool stw_lines_add(struct stw_registrar_answer *a, const char *text, struct stw_str value)
{
	struct line l = begin(a);

	put(&l, text, strlen(text));
	put_str(&l, value);
	return end(a, &l);
}

bool stw_lines_add_number(struct stw_registrar_answer *a, const char *text, uint32_t value)
{
	struct line l = begin(a);

	put(&l, text, strlen(text));
	put_number(&l, value);
	return end(a, &l);
}

bool stw_lines_challenge(struct stw_registrar_answer *a, struct stw_str realm,
			 const char nonce[STW_NONCE_DIGITS], enum stw_digest_algorithm algorithm,
			 bool stale)
{
	struct line l = begin(a);

	PUT_TEXT(&l, "WWW-Authenticate: Digest realm=\"");
	put_str(&l, realm);
	PUT_TEXT(&l, "\",nonce=\"");
	put(&l, nonce, STW_NONCE_DIGITS);
	PUT_TEXT(&l, "\",qop=\"auth\",algorithm=");
	put(&l, stw_digest_name(algorithm), strlen(stw_digest_name(algorithm)));
	if (stale)
		PUT_TEXT(&l, ",stale=true");
	return end(a, &l);
}

static void put_gruus(struct line *l, const struct stw_binding *b, const struct stw_lines_gruu *g)
{
	char public[STW_GRUU_TEXT], temporary[STW_GRUU_TEXT];

	if (!g || b->instance.len == 0)
		return;
	const size_t n = stw_gruu_public(g->aor, b->instance, public);
	const size_t m = stw_gruu_temporary(g->key, g->aor, b->instance, b->call_id, (*g->salt)++,
					    temporary);

	if (n > 0) {
		PUT_TEXT(l, ";pub-gruu=\"");
		put(l, public, n);
		PUT_TEXT(l, "\"");
	}
	if (m > 0) {
		PUT_TEXT(l, ";temp-gruu=\"");
		put(l, temporary, m);
		PUT_TEXT(l, "\"");
	}
}

/* q below one, in thousandths. */
static void put_q(struct line *l, uint16_t q)
{
	const char text[] = {'0', '.', (char)('0' + q / 100u), (char)('0' + q / 10u % 10u),
			     (char)('0' + q % 10u)};

	PUT_TEXT(l, ";q=");
	put(l, text, sizeof(text));
}

static bool add_contact(struct stw_registrar_answer *a, const struct stw_binding *b, uint64_t now_s,
			const struct stw_lines_gruu *gruu)
{
	struct line l = begin(a);

	PUT_TEXT(&l, "Contact: <");
	put_str(&l, b->uri);
	PUT_TEXT(&l, ">");
	put_str(&l, b->params);
	put_gruus(&l, b, gruu);
	if (b->q != STW_Q_ONE)
		put_q(&l, b->q);
	PUT_TEXT(&l, ";expires=");
	put_number(&l, (uint32_t)(b->expires_s - now_s));
	return end(a, &l);
}

bool stw_lines_contacts(struct stw_registrar_answer *a, const struct stw_record *record,
			uint64_t now_s, const struct stw_lines_gruu *gruu)
{
	for (size_t i = 0; i < record->n; i++)
		if (!record->b[i].gone && record->b[i].expires_s > now_s &&
		    !add_contact(a, &record->b[i], now_s, gruu))
			return false;
	return true;
}

static void write_date(struct stw_lines_date *d, time_t now)
{
	/* Not strftime's names: they follow the locale. */
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm t;

	gmtime_r(&now, &t);
	d->len = (size_t)snprintf(d->text, sizeof(d->text),
				  "Date: %s, %02d %s %04d %02d:%02d:%02d GMT", days[t.tm_wday],
				  t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour,
				  t.tm_min, t.tm_sec);
	d->now = now;
}

bool stw_lines_date(struct stw_registrar_answer *a, struct stw_lines_date *last)
{
	const time_t now = time(NULL);
	struct line l = begin(a);

	if (last->len == 0 || last->now != now)
		write_date(last, now);
	put(&l, last->text, last->len);
	return end(a, &l);
}
