/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Reading strowger.yaml: libyaml for the syntax, one option table (schema.c) for the meaning.
 * Both processes use it; neither keeps anything of the file but the model.
 */

#include <stddef.h>
#include <stdio.h>

#include "control/model/model.h"

/** Receives each message: `strowger.yaml:35: pool "edge": weight must be 1..256, got 0`. */
typedef void (*stw_config_message_fn)(void *ctx, const char *message);

/**
 * Read and check a configuration file. Reports every error found, not only the first.
 *
 * @param path     the file; at most 16 MiB are read
 * @param message  called once a message; NULL to throw them away
 * @param out      on STW_OK only; free with stw_model_free()
 * @return STW_OK, STW_EIO (cannot be read), STW_ECONFIG (refused; the messages say why), STW_ENOMEM
 *
 * Secrets: when the file names none, out->n_secrets is 0 and control makes and keeps one
 * (control/model/secret.h). Numbers of members are not assigned here (control/model/numbers.h).
 */
int stw_config_read(const char *path, stw_config_message_fn message, void *ctx,
		    struct stw_model **out);

/**
 * Only the file's text, NUL-terminated; free with free().
 *
 * @return STW_OK, STW_EIO (the message says why), STW_ENOMEM
 */
int stw_config_text(const char *path, stw_config_message_fn message, void *ctx, char **text,
		    size_t *len);

/** The same from memory; @name stands for the file in messages. */
int stw_config_read_text(const char *name, const char *text, size_t len,
			 stw_config_message_fn message, void *ctx, struct stw_model **out);

/**
 * Write the configuration in effect as YAML, every option spelled out, secrets' keys left out: fit
 * for people and logs.
 *
 * @return STW_OK, STW_ENOMEM, STW_EIO (@out failed)
 */
int stw_config_dump(const struct stw_model *m, FILE *out);

/** The same with the keys: reading it gives the same model. Keep it as safe as the file. */
int stw_config_dump_with_keys(const struct stw_model *m, FILE *out);
