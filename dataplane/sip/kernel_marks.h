/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

/* What matters of 64 bytes in finding lines, a bit a byte. */
struct kb_marks {
	uint64_t begins; /* the byte before is an LF */
	uint64_t colon;
	uint64_t other; /* neither colon nor of a token */
};
