/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * One question to a member (RFC 3261 s11, s17.1.2) and how its answer is known again. Pure.
 *
 * The branch of its Via is a MAC of Call-ID and CSeq, by which a worker knows that the answer is
 * control's and hands it over; control then wants the very branch, Call-ID and CSeq
 * from the very address. An ICMP error is believed only when it quotes the probe itself, beyond its
 * branch. So whoever cannot read the farm's wire cannot say anything about a member.
 *
 * Threads: any; no shared state.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>
#include <strowger/sip.h>

#include "control/model/model.h"

struct stw_secret;

#define STW_PROBE_TEXT 1024u
#define STW_PROBE_BRANCH \
	24u /* as long as a worker's: MAC, and chance in place of a loop's digest */

struct stw_probe_spec {
	const struct stw_secret *secret;
	const struct stw_model_health *health;
	struct stw_endpoint local; /* our listener */
	struct stw_endpoint member;
	uint32_t watcher;  /* comes back by stw_probe_watcher() */
	uint64_t nonce[2]; /* random */
	uint32_t cseq;
};

struct stw_probe {
	struct stw_endpoint member;
	uint32_t cseq;
	size_t len;			   /* 0: none */
	size_t quote;			   /* an ICMP error must quote so many bytes of it */
	char branch[STW_PROBE_BRANCH + 1]; /* its digits */
	char call_id[64];
	char text[STW_PROBE_TEXT];
};

/** @return STW_OK, STW_ENOSPACE (texts too long), STW_EMALFORMED (method or From are no SIP) */
int stw_probe_make(const struct stw_probe_spec *spec, struct stw_probe *out);

/** Whose question this message answers, if it is one of ours in form. @return false: it is not */
bool stw_probe_watcher(const char *buf, const struct stw_sip_msg *m, uint32_t *watcher);

/** The final response @m from @peer answers @p. */
bool stw_probe_answered_by(const struct stw_probe *p, const struct stw_endpoint *peer,
			   const char *buf, const struct stw_sip_msg *m);

/** The datagram that an ICMP error quotes, as far as it does, was this probe. */
bool stw_probe_is_quoted(const struct stw_probe *p, const struct stw_endpoint *to,
			 const char *bytes, size_t len);
