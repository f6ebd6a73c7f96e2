/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The HTTP port: a TCP socket beside the API's Unix socket, and the token that opens more than
 * reading there. A port that cannot be had is no reason not to run: calls matter more.
 */

#include <stdbool.h>
#include <stddef.h>

#include "control/model/model.h"

#define STW_TOKEN_MIN 16u
#define STW_TOKEN_MAX 128u

/**
 * Listen as api.http says.
 *
 * @param reason  [reason_len] filled on failure: what, where, what to do
 * @param fd      on STW_OK only: listening, or -1 when the port is off
 * @return STW_OK, STW_EIO (in use, or not an address of this machine)
 */
int stw_api_port_open(const struct stw_model_api *api, char *reason, size_t reason_len, int *fd);

/**
 * Read the token of api.token_file.
 *
 * @param out  [STW_TOKEN_MAX + 1]; "" when no file is configured
 * @return STW_OK, STW_EIO (cannot be read), STW_ERANGE (length, characters or the file's mode)
 */
int stw_api_token_read(const struct stw_model_api *api, char *reason, size_t reason_len, char *out);

/** Whether an Authorization header's value carries @token. In constant time. */
bool stw_api_token_given(const char *token, const char *authorization);
