/* SPDX-License-Identifier: BSD-3-Clause */
#include <strowger/sip.h>

#include <stddef.h>
#include <string.h>

#include "dataplane/sip/careful.h"
#include "dataplane/sip/call_id_find.h"
#include "dataplane/sip/kernel.h"
#include "dataplane/sip/plain.h"
#include "dataplane/sip/rows.h"

/* RFC 5389 s6: two zero bits, a length in fours, and the cookie. */
static bool is_stun(const char *buf, size_t len)
{
	static const uint8_t cookie[4] = {0x21, 0x12, 0xa4, 0x42};
	return len >= 20 && ((uint8_t)buf[0] & 0xc0) == 0 && memcmp(buf + 4, cookie, 4) == 0;
}

/* s7.5: CR LF before the start line is ignored. */
static uint32_t skip_line_ends(const char *buf, size_t len)
{
	uint32_t i = 0;
	while (i < len && (buf[i] == '\r' || buf[i] == '\n'))
		i++;
	return i;
}

typedef enum stw_sip_reject (*careful_fn)(const char *buf, size_t len, uint32_t from,
					  struct stw_sip_msg *out);

/* @careful looks at what is neither STUN nor a keep-alive. */
static inline enum stw_sip_reject scalar(const char *buf, size_t len, struct stw_sip_msg *out,
					 careful_fn careful)
{
	memset(out, 0, sizeof(*out));
	out->max_forwards = -1;
	out->content_length = -1;

	if (is_stun(buf, len)) {
		out->kind = STW_SIP_STUN;
		out->len = (uint32_t)len;
		return STW_SIP_ACCEPTED;
	}
	size_t seen = len > UINT16_MAX ? UINT16_MAX : len;
	uint32_t from = skip_line_ends(buf, seen);
	if (from == seen) {
		out->kind = STW_SIP_KEEPALIVE;
		return STW_SIP_ACCEPTED;
	}
	enum stw_sip_reject reject = careful(buf, seen, from, out);
	if (seen < len && out->kind != STW_SIP_NEITHER) {
		reject = STW_REJECT_TOO_LARGE;
		out->reject = (uint8_t)reject;
		out->error_off = UINT16_MAX;
	}
	return reject;
}

enum stw_sip_reject stw_parse_scalar(const char *buf, size_t len, struct stw_sip_msg *out)
{
	enum stw_sip_reject reject = scalar(buf, len, out, stw_parse_careful);

	if (reject)
		memset(&out->via, 0, sizeof(*out) - offsetof(struct stw_sip_msg, via));
	return reject;
}

enum stw_sip_reject stw_locate_scalar(const char *buf, size_t len, struct stw_sip_msg *out)
{
	return scalar(buf, len, out, stw_locate_careful);
}

static void parse_scalar(const struct stw_sip_job *jobs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		stw_parse_scalar(jobs[i].buf, jobs[i].len, jobs[i].out);
}

static void locate_scalar(const struct stw_sip_job *jobs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		stw_locate_scalar(jobs[i].buf, jobs[i].len, jobs[i].out);
}

struct kernel {
	const char *name;
	stw_kernel_fn parse; /* NULL: not on this architecture */
	stw_kernel_fn locate;
};

static const struct kernel kernels[STW_N_KERNELS] = {
	[STW_KERNEL_AUTO] = {"auto", NULL, NULL},
	[STW_KERNEL_SCALAR] = {"scalar", parse_scalar, locate_scalar},
#if defined(__x86_64__)
	[STW_KERNEL_SSE] = {"sse", stw_parse_sse, stw_locate_sse},
	[STW_KERNEL_AVX2] = {"avx2", stw_parse_avx2, stw_locate_avx2},
	[STW_KERNEL_AVX512] = {"avx512", stw_parse_avx512, stw_locate_avx512},
#else
	[STW_KERNEL_SSE] = {"sse", NULL, NULL},
	[STW_KERNEL_AVX2] = {"avx2", NULL, NULL},
	[STW_KERNEL_AVX512] = {"avx512", NULL, NULL},
#endif
};

/* Not RCU: immutable after init. */
static enum stw_sip_kernel in_use = STW_KERNEL_SCALAR;
static stw_kernel_fn parse = parse_scalar;
static stw_kernel_fn locate = locate_scalar;

static bool cpu_has(enum stw_sip_kernel kernel)
{
	if (kernel == STW_KERNEL_SCALAR)
		return true;
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (kernel == STW_KERNEL_SSE)
		return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
	if (kernel == STW_KERNEL_AVX2)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
		       __builtin_cpu_supports("bmi2");
	if (kernel == STW_KERNEL_AVX512)
		return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
		       __builtin_cpu_supports("avx512vbmi") &&
		       __builtin_cpu_supports("avx512vbmi2") &&
		       __builtin_cpu_supports("avx512vpopcntdq") &&
		       __builtin_cpu_supports("gfni") && __builtin_cpu_supports("bmi") &&
		       __builtin_cpu_supports("bmi2");
#endif
	return false;
}

int stw_sip_init(enum stw_sip_kernel kernel)
{
	if (kernel == STW_KERNEL_AUTO) {
		kernel = STW_KERNEL_AVX512;
		while (!kernels[kernel].parse || !cpu_has(kernel))
			kernel--;
	}
	if ((unsigned)kernel >= STW_N_KERNELS || !kernels[kernel].parse || !cpu_has(kernel) ||
	    !stw_hdr_rows_init())
		return STW_ENOENT;
#if defined(__x86_64__)
	stw_plain = kernel == STW_KERNEL_AVX512 ? stw_plain_avx512 : stw_plain_none;
	stw_next_hop = kernel == STW_KERNEL_AVX512 ? stw_next_hop_avx512 : stw_next_hop_none;
	stw_call_id_find =
		kernel == STW_KERNEL_AVX512 ? stw_call_id_find_avx512 : stw_call_id_find_any;
#endif
	in_use = kernel;
	parse = kernels[kernel].parse;
	locate = kernels[kernel].locate;
	return STW_OK;
}

enum stw_sip_kernel stw_sip_kernel_in_use(void)
{
	return in_use;
}

const char *stw_sip_kernel_name(enum stw_sip_kernel kernel)
{
	return (unsigned)kernel < STW_N_KERNELS ? kernels[kernel].name : "unknown";
}

/* One datagram, of which more than a datagram can have is too much, however much. */
static enum stw_sip_reject one(stw_kernel_fn kernel, const char *buf, size_t len,
			       struct stw_sip_msg *out)
{
	const struct stw_sip_job job = {buf, len > UINT32_MAX ? UINT32_MAX : (uint32_t)len, out};

	kernel(&job, 1);
	return (enum stw_sip_reject)out->reject;
}

static void in_bursts(stw_kernel_fn kernel, const struct stw_sip_job *jobs, unsigned n)
{
	for (; n > STW_SIP_BURST; jobs += STW_SIP_BURST, n -= STW_SIP_BURST)
		kernel(jobs, STW_SIP_BURST);
	kernel(jobs, n);
}

enum stw_sip_reject stw_sip_locate(const char *buf, size_t len, struct stw_sip_msg *out)
{
	return one(locate, buf, len, out);
}

void stw_sip_locate_burst(const struct stw_sip_job *jobs, unsigned n)
{
	in_bursts(locate, jobs, n);
}

enum stw_sip_reject stw_sip_parse(const char *buf, size_t len, struct stw_sip_msg *out)
{
	return one(parse, buf, len, out);
}

void stw_sip_parse_burst(const struct stw_sip_job *jobs, unsigned n)
{
	in_bursts(parse, jobs, n);
}
