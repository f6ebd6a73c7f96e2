/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Bindings that come from an export, not from a phone. Threads: one. */

#include "control/registrar/registrar.h"

/**
 * Whether a phone could have registered that.
 *
 * @param field  when not: the API's name of what is wrong; static
 */
bool stw_import_binding_ok(const struct stw_binding *b, const char **field);

/**
 * Add those bindings of @record that are not over and that the user does not have: what a phone
 * registered since stays. The same again changes nothing. Not committed.
 *
 * @param aor    any form; of any domain
 * @param n      grows by each binding added
 * @return STW_OK, STW_EMALFORMED (@aor), STW_ERANGE (too many), or the store's
 */
int stw_import(struct stw_registrar *r, struct stw_str aor, const struct stw_record *record,
	       size_t *n);
