/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Errors of our own: 0 is success, negatives are errors, one row each. Bad packets are not errors;
 * they are verdicts with a reason (reasons.h).
 */

/* X(name, value, text for people) */
#define STW_ERRORS(X)                                               \
	X(STW_OK, 0, "success")                                     \
	X(STW_ENOENT, -1, "not found")                              \
	X(STW_EDUP, -2, "two that differ where one is allowed")     \
	X(STW_EMALFORMED, -3, "malformed")                          \
	X(STW_ERANGE, -4, "out of range")                           \
	X(STW_ENOSPACE, -5, "no space left")                        \
	X(STW_ENOMEM, -6, "out of memory")                          \
	X(STW_EVERSION, -7, "unknown version")                      \
	X(STW_EBOUNDS, -8, "an offset or count leaves its section") \
	X(STW_EDIGEST, -9, "digest does not match the content")     \
	X(STW_ESTALE, -10, "older than what is being served")       \
	X(STW_EIO, -11, "input or output failed")                   \
	X(STW_EBUSY, -12, "busy")                                   \
	X(STW_ECONFIG, -13, "configuration refused")                \
	X(STW_EAGAIN, -14, "not now, try again")

enum stw_err {
#define X(name, value, text) name = value,
	STW_ERRORS(X)
#undef X
};

/**
 * Text of an error.
 *
 * @param err  an enum stw_err value; anything else gives "unknown error"
 * @return     static text, never NULL
 */
static inline const char *stw_err_text(int err)
{
	switch (err) {
#define X(name, value, text) \
	case name: return text;
		STW_ERRORS(X)
#undef X
	default: return "unknown error";
	}
}
