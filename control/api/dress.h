/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "control/control.h"

/**
 * Make a model what a reload would make of it: secrets, and what people asked for at run time. No
 * secret is made for the asking.
 */
void stw_api_dress(const struct stw_control *c, struct stw_model *m);

/** Only its secret: that in its state_dir, else the one that is served now. */
void stw_api_fill_secret(const struct stw_control *c, struct stw_model *m);
