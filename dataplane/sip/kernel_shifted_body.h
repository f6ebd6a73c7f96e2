/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of a kernel's file: what follows from its kb_load() and kb_set() where no load is masked. */
#include <stdint.h>

#define KERNEL_LINES   "dataplane/sip/kernel_lines_body.h"
#define KERNEL_HEADERS "dataplane/sip/kernel_headers_body.h"

/* A value's bytes: those behind are loaded too, and kb_keep() leaves their bits out. */
static inline unsigned kb_load_value(struct kb *b, const char *buf, uint32_t off, uint32_t n,
				     uint32_t len)
{
	(void)n;
	return kb_load(b, buf, off, len);
}

static inline uint64_t kb_keep(uint64_t bits, unsigned shift, uint64_t mask)
{
	return bits >> shift & mask;
}
