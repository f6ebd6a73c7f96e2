/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A model and what is known of its members' health become a table image (strowger/table_image.h).
 * Pure: the same input gives the same bytes.
 */

#include <stddef.h>
#include <stdint.h>

#include <strowger/table_image.h>

#include "control/model/model.h"

struct stw_image {
	void *bytes; /* size_bytes, from malloc */
	size_t size_bytes;
	uint64_t generation;
	uint8_t digest[32]; /* SHA-256 over what routes calls: not over generation, numbers and
			     * resolved names, so that nodes with equal configuration and health
			     * have equal digests */
};

/**
 * Build the image.
 *
 * @param model       checked, members numbered, one or two secrets
 * @param failed      [model->n_members], index = member: true takes it out of the slots (dialogs
 *                    keep their way to it); NULL: none failed
 * @param generation  above every one before
 * @param out         on STW_OK only; free with stw_image_fini()
 * @return STW_OK, STW_ENOMEM, STW_ERANGE (more than the format can hold)
 */
int stw_image_build(const struct stw_model *model, const uint8_t *failed, uint64_t generation,
		    struct stw_image *out);

/** The same with @n_names resolved names, which the digest does not cover. */
int stw_image_build_named(const struct stw_model *model, const uint8_t *failed,
			  const struct stw_image_resolved *names, size_t n_names,
			  uint64_t generation, struct stw_image *out);

/** Free the bytes. */
void stw_image_fini(struct stw_image *image);
