/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/answer_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

bool stw_lines_add(struct stw_registrar_answer *a, const char *format, ...)
{
	const size_t room = sizeof(a->lines) - a->len;
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

static bool add_contact(struct stw_registrar_answer *a, const struct stw_binding *b, uint64_t now_s)
{
	char q[16] = "";

	if (b->q != STW_Q_ONE)
		snprintf(q, sizeof(q), ";q=0.%03u", b->q);
	return stw_lines_add(a, "Contact: <%.*s>%.*s%s;expires=%llu", b->uri.len, b->uri.p,
			     b->params.len, b->params.p ? b->params.p : "", q,
			     (unsigned long long)(b->expires_s - now_s));
}

bool stw_lines_contacts(struct stw_registrar_answer *a, const struct stw_record *record,
			uint64_t now_s)
{
	for (size_t i = 0; i < record->n; i++)
		if (!record->b[i].gone && record->b[i].expires_s > now_s &&
		    !add_contact(a, &record->b[i], now_s))
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
