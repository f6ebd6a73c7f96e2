/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Verdicts in words, for people. Not for the fast path. */

#include <stddef.h>

#include "dataplane/route/route.h"

static inline const char *stw_action_text(enum stw_action action)
{
	switch (action) {
	case STW_ACTION_FORWARD: return "forward";
	case STW_ACTION_ANSWER: return "answer";
	case STW_ACTION_KERNEL: return "resolve";
	default: return "drop";
	}
}

/** NULL for STW_HOW_NONE. */
static inline const char *stw_how_text(enum stw_how how)
{
	switch (how) {
	case STW_HOW_COOKIE: return "cookie";
	case STW_HOW_HASH: return "hash";
	case STW_HOW_URI: return "uri";
	case STW_HOW_VIA: return "via";
	case STW_HOW_FLOW: return "flow";
	default: return NULL;
	}
}
