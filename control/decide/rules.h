/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Why a request fell under its rule, and under none before it. */

#include "control/decide/explain.h"

/**
 * The rule of a request, and those before it with what does not fit, each tried in turn.
 *
 * @return null when there are no rules, or the message is no request
 */
json_t *stw_outcome_rules(const struct stw_desk *d, const struct stw_case *c,
			  const struct stw_outcome *o);
