/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernels against each other, without the slow oracle: many times as many messages a second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/sip.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum stw_sip_reject (*parse_fn)(const char *buf, size_t len, struct stw_sip_msg *out);

static void compare(const char *buf, size_t size, const char *what, parse_fn parse)
{
	struct stw_sip_msg want, got;

	stw_sip_init(STW_KERNEL_SCALAR);
	parse(buf, size, &want);
	for (int k = STW_KERNEL_SSE; k < STW_N_KERNELS; k++) {
		if (stw_sip_init((enum stw_sip_kernel)k) != STW_OK)
			continue;
		memset(&got, 0x55, sizeof(got));
		parse(buf, size, &got);
		if (memcmp(&got, &want, sizeof(got)) != 0) {
			fprintf(stderr, "fuzz_kernels: %s: %s differs from scalar\n", what,
				stw_sip_kernel_name((enum stw_sip_kernel)k));
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	compare((const char *)data, size, "parse", stw_sip_parse);
	compare((const char *)data, size, "locate", stw_sip_locate);
	return 0;
}
