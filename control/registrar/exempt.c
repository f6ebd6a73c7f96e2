/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/exempt.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

static size_t count(const struct stw_model *m)
{
	size_t n = m->n_members;

	for (size_t i = 0; i < m->n_listeners; i++)
		n += m->listeners[i].n_trusted;
	return n;
}

int stw_exempt_read(const struct stw_model *m, struct stw_exempt *out)
{
	struct stw_exempt e = {.rows = calloc(count(m) + 1, sizeof(*e.rows))};

	if (!e.rows)
		return STW_ENOMEM;
	for (size_t i = 0; i < m->n_members; i++) {
		const struct stw_ip ip = m->members[i].address.ip;

		e.rows[e.n++] =
			(struct stw_model_prefix){.ip = ip, .bits = stw_ip_is_v4(&ip) ? 32 : 128};
	}
	for (size_t i = 0; i < m->n_listeners; i++)
		for (size_t k = 0; k < m->listeners[i].n_trusted; k++)
			e.rows[e.n++] = m->listeners[i].trusted[k];
	*out = e;
	return STW_OK;
}

static bool covers(const struct stw_model_prefix *p, const struct stw_ip *ip)
{
	const unsigned bits = p->bits + (stw_ip_is_v4(&p->ip) ? 96u : 0u);
	const unsigned whole = bits / 8, rest = bits % 8;

	if (stw_ip_is_v4(&p->ip) != stw_ip_is_v4(ip) || memcmp(p->ip.b, ip->b, whole) != 0)
		return false;
	return rest == 0 || (p->ip.b[whole] ^ ip->b[whole]) >> (8 - rest) == 0;
}

bool stw_exempt_has(const struct stw_exempt *e, const struct stw_ip *ip)
{
	for (size_t i = 0; i < e->n; i++)
		if (covers(&e->rows[i], ip))
			return true;
	return false;
}

void stw_exempt_fini(struct stw_exempt *e)
{
	free(e->rows);
	*e = (struct stw_exempt){0};
}
