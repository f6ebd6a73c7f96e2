/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Inside of control: what its files share. Not for others. */

#include "control/control.h"

/* ---- farm.c ---- */

/** What names of pools stand for today. */
struct stw_found_list stw_control_found(const struct stw_control *c);

/** Lay the running model's members again, as file, names and people say together. */
int stw_control_lay(struct stw_control *c);

/** The monitor watches whom the model has, and the model serves whom the monitor lets. */
void stw_control_watch_members(struct stw_control *c);

/** Names of @m's pools, with what they stood for when control last ran. */
int stw_control_make_farm_names(struct stw_control *c, struct ev_loop *loop,
				const struct stw_model *m);

/** The monitor, with what was known of members when control last ran. */
int stw_control_make_monitor(struct stw_control *c, struct ev_loop *loop);

/* ---- serve.c ---- */

/** What builds images and brings them to the data plane. @return STW_OK, STW_ENOMEM */
int stw_control_make_serving(struct stw_control *c, struct ev_loop *loop);

/** Accepts what is half made. */
void stw_control_free_serving(struct stw_control *c);

/* ---- asked.c ---- */

/** Save what people asked for; a failure is told, and does not undo what was asked. */
int stw_control_save(struct stw_control *c, const struct stw_control_words *words);
