/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Where control decides as a worker would: tables of an image, ways from the configuration, and the
 * snapshot made of both. The slow path decides by the newest tables; explain, replay and plan also
 * by those of a configuration that does not run.
 *
 * Threads: the loop's only.
 */

#include <stddef.h>

#include "control/slow/locate.h"
#include "control/slow/went.h"
#include "control/slow/ways.h"
#include "control/tables/build.h"
#include "dataplane/route/route.h"
#include "dataplane/table/lookup.h"

/** All zero is an empty desk. Not to be moved: the snapshot points into it. */
struct stw_desk {
	struct stw_ways ways;
	struct stw_tables *tables; /* NULL: none yet */
	struct stw_snapshot snap;
	struct stw_registrar *registrar; /* who locates users; NULL: nobody. Borrowed */
	struct stw_went *went;		 /* where requests went; NULL: none did. Borrowed */
};

/** Take over listeners and ports of @m. @return STW_OK, STW_ENOMEM (nothing changed) */
int stw_desk_ways(struct stw_desk *d, const struct stw_model *m);

/**
 * Decide by @image from now on.
 *
 * @return as stw_tables_new(); on error the tables before stay, and @reason tells why
 */
int stw_desk_serve(struct stw_desk *d, const struct stw_image *image, char *reason,
		   size_t reason_len);

/**
 * Both for a model that is not served. Its members' numbers are changed: row i gets number i.
 *
 * @param failed  as of stw_image_build()
 * @param d       empty
 */
int stw_desk_of_model(struct stw_desk *d, struct stw_model *m, const uint8_t *failed, char *reason,
		      size_t reason_len);

/** A FORWARD verdict of stw_desk_route() is carried out: the request's CANCEL goes there, too.
 * Before the rewrite. */
void stw_desk_went(const struct stw_desk *d, const struct stw_sip_msg *m,
		   const struct stw_verdict *v, const struct stw_located *located);

/**
 * stw_route(), and where that needs to know where a user is registered, once more with what the
 * registrar says.
 *
 * @param src      its @where is set, when it is needed; with the memory of @d->went it goes by what
 *                 went before, without by what is now
 * @param located  memory for it, as long as @v lives
 */
void stw_desk_route(const struct stw_desk *d, const char *buf, const struct stw_sip_msg *m,
		    struct stw_source *src, struct stw_located *located, struct stw_verdict *v);

void stw_desk_fini(struct stw_desk *d);
