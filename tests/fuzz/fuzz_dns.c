/* SPDX-License-Identifier: BSD-3-Clause */

/* DNS answers from anywhere, as an answer to each type of question. */

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#include "control/resolve/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is promised of every answer. */
static void check(const struct stw_dns_answer *a)
{
	if (a->n > STW_DNS_RECORDS || a->ttl_s > INT32_MAX)
		abort();
	for (size_t i = 0; i < a->n; i++) {
		const struct stw_dns_record *r = &a->records[i];

		if (memchr(r->target, '\0', sizeof(r->target)) == NULL ||
		    memchr(r->flags, '\0', sizeof(r->flags)) == NULL ||
		    memchr(r->service, '\0', sizeof(r->service)) == NULL)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t types[] = {STW_DNS_A, STW_DNS_AAAA, STW_DNS_SRV, STW_DNS_NAPTR};
	static struct stw_dns_answer a;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (stw_dns_read(data, size, types[i], &a) == STW_OK)
			check(&a);
	return 0;
}
