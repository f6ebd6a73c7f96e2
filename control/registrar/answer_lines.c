/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/answer_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

bool stw_lines_add(struct stw_registrar_answer *a, const char *format, ...)
{
	const size_t room = STW_REGISTRAR_LINES - a->len;
	va_list args;

	va_start(args, format);
	int n = vsnprintf(a->lines + a->len, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n + 2 >= room)
		return false;
	a->len += (size_t)n;
	a->lines[a->len++] = '\r';
	a->lines[a->len++] = '\n';
	return true;
}

bool stw_lines_challenge(struct stw_registrar_answer *a, struct stw_str realm,
			 const char nonce[STW_NONCE_DIGITS], enum stw_digest_algorithm algorithm,
			 bool stale)
{
	return stw_lines_add(a,
			     "WWW-Authenticate: Digest realm=\"%.*s\",nonce=\"%.*s\",qop=\"auth\","
			     "algorithm=%s%s",
			     realm.len, realm.p, (int)STW_NONCE_DIGITS, nonce,
			     stw_digest_name(algorithm), stale ? ",stale=true" : "");
}

/* ;pub-gruu="...";temp-gruu="...". @return bytes of @out, 0: none */
static size_t write_gruus(const struct stw_binding *b, const struct stw_lines_gruu *g,
			  char out[2 * STW_GRUU_TEXT + 32])
{
	char public[STW_GRUU_TEXT], temporary[STW_GRUU_TEXT];

	if (!g || b->instance.len == 0)
		return 0;
	const size_t n = stw_gruu_public(g->aor, b->instance, public);
	const size_t m = stw_gruu_temporary(g->key, g->aor, b->instance, b->call_id, (*g->salt)++,
					    temporary);
	size_t at = 0;

	if (n > 0)
		at += (size_t)sprintf(out, ";pub-gruu=\"%.*s\"", (int)n, public);
	if (m > 0)
		at += (size_t)sprintf(out + at, ";temp-gruu=\"%.*s\"", (int)m, temporary);
	return at;
}

static bool add_contact(struct stw_registrar_answer *a, const struct stw_binding *b, uint64_t now_s,
			const struct stw_lines_gruu *gruu)
{
	char q[16] = "", gruus[2 * STW_GRUU_TEXT + 32];
	const size_t n = write_gruus(b, gruu, gruus);

	if (b->q != STW_Q_ONE)
		snprintf(q, sizeof(q), ";q=0.%03u", b->q);
	return stw_lines_add(a, "Contact: <%.*s>%.*s%.*s%s;expires=%llu", b->uri.len, b->uri.p,
			     b->params.len, b->params.p ? b->params.p : "", (int)n, gruus, q,
			     (unsigned long long)(b->expires_s - now_s));
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

bool stw_lines_date(struct stw_registrar_answer *a)
{
	/* Not strftime's names: they follow the locale. */
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t now = time(NULL);
	struct tm t;

	gmtime_r(&now, &t);
	return stw_lines_add(a, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT", days[t.tm_wday],
			     t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min,
			     t.tm_sec);
}
