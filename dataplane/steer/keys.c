/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/steer/keys.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

bool stw_steer_keys_has(const struct stw_steer_keys *k, const struct stw_steer_key *key)
{
	for (size_t i = 0; i < k->n; i++)
		if (memcmp(&k->key[i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

static void want(struct stw_steer_keys *k, const struct stw_ip *ip, uint16_t port)
{
	struct stw_steer_key key = {.port = htobe16(port)};

	memcpy(key.ip, ip->b, sizeof(key.ip));
	if (!stw_steer_keys_has(k, &key))
		k->key[k->n++] = key;
}

int stw_steer_keys_init(struct stw_steer_keys *k, const struct stw_endpoint *listeners, size_t n)
{
	*k = (struct stw_steer_keys){.key = calloc(2 * n + 1, sizeof(*k->key))};
	if (k->key == NULL)
		return STW_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		want(k, &listeners[i].ip, listeners[i].port);
		want(k, &listeners[i].ip, 0);
	}
	return STW_OK;
}

void stw_steer_keys_fini(struct stw_steer_keys *k)
{
	free(k->key);
	*k = (struct stw_steer_keys){0};
}
