/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A registrar as configured for tests, with its store in a directory of their own.
 */

#include <stdio.h>
#include <string.h>

#include "control/model/model.h"

/** The registrar alone. @param domains  [n], borrowed by the model */
static inline void stw_registrar_host(struct stw_model *m, char (*domains)[STW_DOMAIN_MAX],
				      size_t n, const char *store)
{
	m->registrar = (struct stw_model_registrar){.domains = domains,
						    .n_domains = n,
						    .nonce_ttl_s = 300,
						    .min_expires_s = 60,
						    .default_expires_s = 3600,
						    .max_expires_s = 7200,
						    .max_contacts = 4,
						    .store_mb = 64};
	snprintf(m->registrar.store, sizeof(m->registrar.store), "%s", store);
}

/** With the secret it wants. */
static inline void stw_registrar_model(struct stw_model *m, char (*domains)[STW_DOMAIN_MAX],
				       size_t n, const char *store)
{
	stw_registrar_host(m, domains, n, store);
	m->n_secrets = 1;
	memset(m->secrets[0].key, 7, STW_SECRET_BYTES - 1);
}
