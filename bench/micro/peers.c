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

static int located(const char *msg, size_t len, const char **call_id, size_t *call_id_len)
{
	struct stw_sip_msg m, judged;

	if (stw_sip_locate(msg, len, &m) != STW_SIP_ACCEPTED ||
	    stw_sip_parse(msg, len, &judged) != STW_SIP_ACCEPTED)
		return 0;
	*call_id = msg + m.value[STW_HDR_CALL_ID].off;
	*call_id_len = m.value[STW_HDR_CALL_ID].len;
	/* Those of the other headers, too, are where the whole parse finds them. */
	return m.present == judged.present && m.repeated == judged.repeated &&
	       memcmp(m.value, judged.value, sizeof(m.value)) == 0 &&
	       memcmp(m.line_off, judged.line_off, sizeof(m.line_off)) == 0 &&
	       memcmp(m.line_end, judged.line_end, sizeof(m.line_end)) == 0;
}

static unsigned jobs_of(const char *const msg[], const size_t len[], unsigned n,
			struct stw_sip_job *jobs)
{
	static struct stw_sip_msg m[STW_PEER_BURST];

	for (unsigned i = 0; i < n; i++)
		jobs[i] = (struct stw_sip_job){msg[i], (uint32_t)len[i], &m[i]};
	return n;
}

static void located_burst(const char *const msg[], const size_t len[], unsigned n)
{
	struct stw_sip_job jobs[STW_PEER_BURST];

	stw_sip_locate_burst(jobs, jobs_of(msg, len, n, jobs));
}

static void ours_burst(const char *const msg[], const size_t len[], unsigned n)
{
	struct stw_sip_job jobs[STW_PEER_BURST];

	stw_sip_parse_burst(jobs, jobs_of(msg, len, n, jobs));
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

/* The first stage of OUR_WORK; what others do is to be held against the whole. */
#define LOCATED "all lines found and seen to be in form, hot headers located; no value judged"

const struct stw_peer stw_peers[] = {
	{"avx512", OUR_WORK, init_avx512, ours, ours_burst},
	{"avx512_located", LOCATED, init_avx512, located, located_burst},
	{"avx2", OUR_WORK, init_avx2, ours, ours_burst},
	{"avx2_located", LOCATED, init_avx2, located, located_burst},
	{"sse", OUR_WORK, init_sse, ours, ours_burst},
	{"sse_located", LOCATED, init_sse, located, located_burst},
	{"scalar", OUR_WORK, init_scalar, ours, ours_burst},
	{"scalar_located", LOCATED, init_scalar, located, located_burst},
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
