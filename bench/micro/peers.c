/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/micro/peers.h"

#include <string.h>

#include <strowger/sip.h>

static int ours(const char *msg, size_t len, const char **call_id, size_t *call_id_len)
{
	struct stw_sip_msg m;

	if (stw_sip_parse(msg, len, &m) != STW_SIP_ACCEPTED)
		return 0;
	*call_id = msg + m.value[STW_HDR_CALL_ID].off;
	*call_id_len = m.value[STW_HDR_CALL_ID].len;
	return 1;
}

static void ours_burst(const char *const msg[], const size_t len[], unsigned n)
{
	static struct stw_sip_msg m[STW_PEER_BURST];
	struct stw_sip_job jobs[STW_PEER_BURST];

	for (unsigned i = 0; i < n; i++)
		jobs[i] = (struct stw_sip_job){msg[i], (uint32_t)len[i], &m[i]};
	stw_sip_parse_burst(jobs, n);
}

static int init_scalar(void)
{
	return stw_sip_init(STW_KERNEL_SCALAR) == STW_OK;
}

static int init_sse(void)
{
	return stw_sip_init(STW_KERNEL_SSE) == STW_OK;
}

static int init_avx2(void)
{
	return stw_sip_init(STW_KERNEL_AVX2) == STW_OK;
}

static int init_avx512(void)
{
	return stw_sip_init(STW_KERNEL_AVX512) == STW_OK;
}

#define OUR_WORK                                                                         \
	"all lines found, hot headers located, start line, top Via, From, To, Call-ID, " \
	"CSeq, Max-Forwards, Content-Length and Route judged"

const struct stw_peer stw_peers[] = {
	{"avx512", OUR_WORK, init_avx512, ours, ours_burst},
	{"avx2", OUR_WORK, init_avx2, ours, ours_burst},
	{"sse", OUR_WORK, init_sse, ours, ours_burst},
	{"scalar", OUR_WORK, init_scalar, ours, ours_burst},
#ifdef STW_HAVE_OSIP
	{"osip2", "whole message into allocated structures", stw_init_osip, stw_parse_osip, NULL},
#endif
#ifdef STW_HAVE_SOFIA
	{"sofia", "whole message into allocated structures", stw_init_sofia, stw_parse_sofia, NULL},
#endif
#ifdef STW_HAVE_RE
	{"re", "all lines found; To, From, top Via, Call-ID, CSeq parsed", stw_init_re,
	 stw_parse_re, NULL},
#endif
	{NULL, NULL, NULL, NULL, NULL},
};
