/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What a shared port takes from its interface, whatever steers it: of each listener datagrams to
 * its address and port, and fragments to its address, each once.
 *
 * Threads: installer only.
 */

#include <stdbool.h>
#include <stddef.h>

#include <strowger/endpoint.h>

#include "dataplane/steer/key.h"

struct stw_steer_keys {
	struct stw_steer_key *key; /* [n] */
	size_t n;
};

/** @param listeners  [n]; doubles do no harm. @return STW_OK, STW_ENOMEM */
int stw_steer_keys_init(struct stw_steer_keys *k, const struct stw_endpoint *listeners, size_t n);

bool stw_steer_keys_has(const struct stw_steer_keys *k, const struct stw_steer_key *key);

void stw_steer_keys_fini(struct stw_steer_keys *k);
