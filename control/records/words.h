/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

#include <strowger/flight.h>

/** What became of a recorded message: "forward to 198.51.100.11:5060 by hash", "drop: not_sip". */
void stw_flight_words(const struct stw_flight *r, char *out, size_t size);

/** "forward", "answer", "drop", "resolve". */
const char *stw_flight_action_text(const struct stw_flight *r);

/** "cookie", "hash", "uri", "via", "flow", or NULL. */
const char *stw_flight_how_text(const struct stw_flight *r);
