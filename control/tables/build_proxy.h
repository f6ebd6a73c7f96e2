/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Sections of an image about what the proxy lets pass. Part of build.c. */

#include <strowger/table_image.h>

#include "control/model/model.h"

/** Rows of TRUSTED. */
size_t stw_build_n_trusted(const struct stw_model *m);

/** Does the model fit the format, as far as these sections go? */
bool stw_build_proxy_fits(const struct stw_model *m);

/**
 * Fill TRUSTED, and each listener's part of it.
 *
 * @param listeners  [m->n_listeners]
 * @param rows       [stw_build_n_trusted(m)]
 */
void stw_build_trusted(const struct stw_model *m, struct stw_image_listener *listeners,
		       struct stw_image_prefix *rows);

/**
 * Fill SETTINGS, OPTIONS and CLOSED_PORTS.
 *
 * @param options  [m->proxy.n_options], zero
 * @param ports    [m->proxy.n_closed_ports]
 */
void stw_build_proxy(const struct stw_model *m, struct stw_image_settings *settings,
		     struct stw_image_option *options, struct stw_image_port_range *ports);
