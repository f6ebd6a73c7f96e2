/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Whom limits by source do not hold: members, and networks that a listener trusts. */

#include "control/model/model.h"

struct stw_exempt {
	struct stw_model_prefix *rows;
	size_t n;
};

/** @return STW_OK, STW_ENOMEM (@out is as it was) */
int stw_exempt_read(const struct stw_model *m, struct stw_exempt *out);

/** Looks at each of them: ask it only of those who are over a limit. */
bool stw_exempt_has(const struct stw_exempt *e, const struct stw_ip *ip);

/** All zero is fine. */
void stw_exempt_fini(struct stw_exempt *e);
