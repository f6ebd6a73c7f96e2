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

/* A pool's slots by the ids of members: slot i is ids[slots[i]]'s. */
struct stw_slot_ids {
	const uint32_t *ids;
	const uint16_t *slots;
	uint32_t n; /* 0: none */
};

struct stw_past_slots {
	struct stw_slot_ids now;    /* in the image before this one: past if they changed, */
	struct stw_slot_ids before; /* else those it had as past */
};

/* What images before this one leave behind (control/tables/past.h). Not in the digest. */
struct stw_image_past {
	const struct stw_model_member *gone; /* [n_gone], numbered, none of the model's */
	size_t n_gone;
	const struct stw_past_slots *slots; /* index = pool of the model */
};

/** The same with @n_names resolved names, which the digest does not cover. */
int stw_image_build_named(const struct stw_model *model, const uint8_t *failed,
			  const struct stw_image_resolved *names, size_t n_names,
			  uint64_t generation, struct stw_image *out);

/** The same with what is past; NULL: nothing. Members gone that find no place are left out. */
int stw_image_build_after(const struct stw_model *model, const uint8_t *failed,
			  const struct stw_image_resolved *names, size_t n_names,
			  const struct stw_image_past *past, uint64_t generation,
			  struct stw_image *out);

/** Free the bytes. */
void stw_image_fini(struct stw_image *image);
