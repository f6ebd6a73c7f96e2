/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/nonce_uses.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 4u

struct use {
	uint64_t nonce; /* its signature, the second half; 0: free */
	uint64_t request;
	uint32_t nc;
	uint32_t turn; /* of the newest use: the oldest of a set gives way */
};

struct stw_nonce_uses {
	uint32_t n_sets, turn;
	struct use use[];
};

struct stw_nonce_uses *stw_nonce_uses_new(uint32_t n)
{
	struct stw_nonce_uses *u = calloc(1, sizeof(*u) + n * sizeof(u->use[0]));

	if (u)
		u->n_sets = n / WAYS;
	return u;
}

void stw_nonce_uses_free(struct stw_nonce_uses *u)
{
	free(u);
}

/* The nonce was verified: its last sixteen digits are a keyed sum, evenly spread. */
static uint64_t signature(struct stw_str nonce)
{
	uint64_t v = 0;

	for (uint16_t i = (uint16_t)(nonce.len - 16); i < nonce.len; i++)
		v = v << 4 |
		    (uint64_t)(nonce.p[i] <= '9' ? nonce.p[i] - '0' : nonce.p[i] - 'a' + 10);
	return v ? v : 1;
}

bool stw_nonce_use(struct stw_nonce_uses *u, struct stw_str nonce, uint32_t nc, uint64_t request)
{
	const uint64_t sign = signature(nonce);
	struct use *set = &u->use[(sign & (u->n_sets - 1)) * WAYS], *to = set;

	u->turn++;
	for (uint32_t i = 0; i < WAYS; i++) {
		if (set[i].nonce == sign) {
			if (nc < set[i].nc || (nc == set[i].nc && request != set[i].request))
				return false;
			to = &set[i];
			break;
		}
		if (u->turn - set[i].turn > u->turn - to->turn)
			to = &set[i];
	}
	*to = (struct use){.nonce = sign, .request = request, .nc = nc, .turn = u->turn};
	return true;
}
