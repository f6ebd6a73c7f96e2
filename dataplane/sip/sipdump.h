/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What strowger-sipdump prints, as text and as JSON.
 */

#include <stdio.h>

#include <strowger/sip.h>

struct stw_sipdump {
	const char *name; /* of the file */
	const char *buf;
	struct stw_sip_msg m;
	const char *kind;
	const char *verdict; /* "forward", "answer" or "drop" */
	unsigned code;	     /* with "answer" */
	const char *phrase;  /* with "answer" */
	const char *reason;
	const char *section; /* of the RFC, when rejected */
};

void stw_sipdump_text(const struct stw_sipdump *d, FILE *f);

/** One object on one line; bytes that are not ASCII are written as \u00XX. */
void stw_sipdump_json(const struct stw_sipdump *d, FILE *f);
