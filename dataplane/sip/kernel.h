/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The kernels stw_sip_parse() chooses from. All give the same answer for the same bytes. The SIMD
 * kernels (kernel_body.h) settle messages that are plainly in order, which are nearly all; each
 * one that is not goes to careful.h, which alone says why a message is refused.
 */

#include <strowger/sip.h>

/* As stw_sip_parse_burst() or stw_sip_locate_burst(), @n up to STW_SIP_BURST. */
typedef void (*stw_kernel_fn)(const struct stw_sip_job *jobs, unsigned n);

/* From the leading CR LF on, for whatever kind of message; @out need not be cleared. */
enum stw_sip_reject stw_parse_scalar(const char *buf, size_t len, struct stw_sip_msg *out);
enum stw_sip_reject stw_locate_scalar(const char *buf, size_t len, struct stw_sip_msg *out);

#if defined(__x86_64__)
void stw_parse_sse(const struct stw_sip_job *jobs, unsigned n);
void stw_parse_avx2(const struct stw_sip_job *jobs, unsigned n);
void stw_parse_avx512(const struct stw_sip_job *jobs, unsigned n);
void stw_locate_sse(const struct stw_sip_job *jobs, unsigned n);
void stw_locate_avx2(const struct stw_sip_job *jobs, unsigned n);
void stw_locate_avx512(const struct stw_sip_job *jobs, unsigned n);
#endif
