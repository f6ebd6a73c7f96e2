/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Who may register, by user@domain: only hashes of passwords are stored (RFC 7616 s3.4.2 A1, with
 * the domain as realm). Threads: one.
 */

#include "control/registrar/digest.h"
#include "control/registrar/store.h"

#define STW_SUBSCRIBER_NAME 320u /* user@domain, at most */

/**
 * Add, or give another password. Not committed.
 *
 * @param name      user@domain; the domain in lower case
 * @param password  1..1024 bytes
 * @return STW_OK, STW_EMALFORMED (name), STW_ERANGE (password), or the store's
 */
int stw_subscriber_put(struct stw_store *s, struct stw_str name, struct stw_str password);

/** @return STW_OK, STW_ENOENT, or the store's */
int stw_subscriber_remove(struct stw_store *s, struct stw_str name);

/** @return STW_OK, STW_ENOENT, STW_EMALFORMED (damaged row), or the store's */
int stw_subscriber_get(struct stw_store *s, struct stw_str name, struct stw_ha1 *out);

/** True for "user@domain" with both parts of characters that SIP has there unescaped. */
bool stw_subscriber_name_ok(struct stw_str name);
