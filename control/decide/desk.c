/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/decide/desk.h"

#include <stdio.h>

#include <strowger/errors.h>

int stw_desk_ways(struct stw_desk *d, const struct stw_model *m)
{
	struct stw_ways ways;
	int err = stw_ways_build(m, &ways);

	if (err)
		return err;
	stw_ways_fini(&d->ways);
	d->ways = ways;
	stw_ways_snapshot(&d->ways, d->tables, &d->snap);
	return STW_OK;
}

int stw_desk_serve(struct stw_desk *d, const struct stw_image *image, char *reason,
		   size_t reason_len)
{
	struct stw_tables *tables;
	int err = stw_tables_new(image->bytes, image->size_bytes, reason, reason_len, &tables);

	if (err)
		return err;
	stw_tables_free(d->tables);
	d->tables = tables;
	stw_ways_snapshot(&d->ways, d->tables, &d->snap);
	return STW_OK;
}

int stw_desk_of_model(struct stw_desk *d, struct stw_model *m, const uint8_t *failed, char *reason,
		      size_t reason_len)
{
	struct stw_image image = {0};

	for (size_t i = 0; i < m->n_members; i++)
		m->members[i].number = (uint16_t)i;
	int err = stw_image_build(m, failed, 1, &image);
	if (err) {
		snprintf(reason, reason_len, "tables: %s", stw_err_text(err));
		return err;
	}
	err = stw_desk_ways(d, m);
	if (!err)
		err = stw_desk_serve(d, &image, reason, reason_len);
	else
		snprintf(reason, reason_len, "ways: %s", stw_err_text(err));
	stw_image_fini(&image);
	return err;
}

void stw_desk_route(const struct stw_desk *d, const char *buf, const struct stw_sip_msg *m,
		    struct stw_source *src, struct stw_located *located, struct stw_verdict *v)
{
	stw_route(&d->snap, buf, m, src, v);
	if (v->action != STW_ACTION_KERNEL || v->kernel_for != STW_KERNEL_FOR_LOCATION ||
	    !d->registrar || stw_locate(d->registrar, buf, v->locate, located) != STW_OK)
		return;
	if (d->went && src->memory)
		stw_went_add(d->went, located);
	src->where = &located->w;
	stw_route(&d->snap, buf, m, src, v);
}

void stw_desk_went(const struct stw_desk *d, const struct stw_sip_msg *m,
		   const struct stw_verdict *v, const struct stw_located *located)
{
	if (d->went)
		stw_went_note(d->went, d->tables, m, v, located);
}

void stw_desk_fini(struct stw_desk *d)
{
	stw_tables_free(d->tables);
	stw_ways_fini(&d->ways);
	*d = (struct stw_desk){0};
}
