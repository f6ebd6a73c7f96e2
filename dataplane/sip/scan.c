/* SPDX-License-Identifier: BSD-3-Clause */
#include <strowger/sip.h>

static enum stw_sip_kernel in_use = STW_KERNEL_SCALAR;

int stw_sip_init(enum stw_sip_kernel kernel)
{
	if (kernel != STW_KERNEL_AUTO && kernel != STW_KERNEL_SCALAR)
		return STW_ENOENT;
	in_use = STW_KERNEL_SCALAR;
	return STW_OK;
}

enum stw_sip_kernel stw_sip_kernel_in_use(void)
{
	return in_use;
}

const char *stw_sip_kernel_name(enum stw_sip_kernel kernel)
{
	static const char *const names[STW_N_KERNELS] = {
		[STW_KERNEL_AUTO] = "auto",	[STW_KERNEL_SCALAR] = "scalar",
		[STW_KERNEL_SSE] = "sse",	[STW_KERNEL_AVX2] = "avx2",
		[STW_KERNEL_AVX512] = "avx512",
	};
	return (unsigned)kernel < STW_N_KERNELS ? names[kernel] : "unknown";
}
