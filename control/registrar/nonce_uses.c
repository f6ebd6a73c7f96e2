/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/registrar/nonce_uses.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 4u

struct use {
	uint64_t nonce; /* its sum; 0: free */
	uint64_t request;
	uint32_t nc;
	uint32_t turn; /* of the newest use: the oldest of a set gives way */
};

struct stw_nonce_uses {
	uint32_t n_sets, turn;
	struct use use[];
};

static struct use *set_of(struct stw_nonce_uses *u, uint64_t sign)
{
	return &u->use[(sign & (u->n_sets - 1)) * WAYS];
}

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

void stw_nonce_uses_prefetch(struct stw_nonce_uses *u, uint64_t nonce)
{
	struct use *set = set_of(u, nonce);

	__builtin_prefetch(set, 1);
	__builtin_prefetch(set + WAYS - 1, 1);
}

bool stw_nonce_use(struct stw_nonce_uses *u, uint64_t nonce, uint32_t nc, uint64_t request)
{
	const uint64_t sign = nonce ? nonce : 1;
	struct use *set = set_of(u, sign), *to = set;

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
