/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Table images from anywhere: as they come, and with their checksum made right, so that the checks
 * behind it are reached. What is accepted is used as workers use it.
 */

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "dataplane/table/tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct stw_tables *t)
{
	volatile uint32_t sum = 0; /* volatile: the loads must happen */

	for (uint32_t i = 0; i < t->n_pools; i++)
		for (uint32_t s = 0; s < t->pools[i].n_slots; s++)
			sum += t->members[t->slots[t->pools[i].first_slot + s]].id;
	for (uint32_t i = 0; i < t->n_members; i++)
		if (stw_tables_find_member(t, &t->members[i].address) != (int)i ||
		    stw_tables_find_member_id(t, t->members[i].id) != (int)i)
			abort();
	for (uint32_t i = 0; i < t->n_names; i++) {
		const struct stw_image_name *n = &t->names[i];

		if (stw_tables_find_name(t, t->name_text + n->first_byte, n->len, n->port) != n)
			abort();
		for (uint32_t k = 0; k < n->n_targets; k++)
			sum += t->targets[n->first_target + k].address.port;
	}
	for (uint32_t i = 0; i < t->n_names; i++) {
		const struct stw_image_name *n = &t->names[i];

		if (stw_tables_find_name(t, t->name_text + n->first_byte, n->len, n->port) != n)
			abort();
		for (uint32_t k = 0; k < n->n_targets; k++)
			sum += t->targets[n->first_target + k].address.port;
	}
	for (uint32_t i = 0; i < t->n_listeners; i++)
		if (stw_tables_find_listener(t, &t->listeners[i].view.address) != (int)i)
			abort();
	(void)sum;
}

static void present(const void *bytes, size_t size)
{
	struct stw_tables *t;
	char reason[160];

	if (stw_tables_new(bytes, size, reason, sizeof(reason), &t) != STW_OK)
		return;
	use(t);
	stw_tables_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stw_image_header *copy;

	present(data, size);
	if (size < sizeof(*copy))
		return 0;
	copy = malloc(size);
	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	copy->checksum = stw_image_checksum(copy, size);
	present(copy, size);
	free(copy);
	return 0;
}
