/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernels against each other, without the slow oracle: many times as many messages a second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/sip.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *buf = (const char *)data;
	struct stw_sip_msg want, got;

	stw_sip_init(STW_KERNEL_SCALAR);
	stw_sip_parse(buf, size, &want);
	for (int k = STW_KERNEL_SSE; k < STW_N_KERNELS; k++) {
		if (stw_sip_init((enum stw_sip_kernel)k) != STW_OK)
			continue;
		memset(&got, 0x55, sizeof(got));
		stw_sip_parse(buf, size, &got);
		if (memcmp(&got, &want, sizeof(got)) != 0) {
			fprintf(stderr, "fuzz_kernels: %s differs from scalar\n",
				stw_sip_kernel_name((enum stw_sip_kernel)k));
			abort();
		}
	}
	return 0;
}
