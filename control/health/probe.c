/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/health/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <strowger/errors.h>

#include "dataplane/route/mac.h"

#define PREFIX	   "stw-"
#define WATCHER_AT (sizeof(PREFIX) - 1)
#define BRANCH	   ";branch=" STW_MAGIC

/* As a worker writes its Via, so that its answer is recognised as fast. */
static int write_text(const struct stw_probe_spec *spec, struct stw_probe *p)
{
	char local[STW_ENDPOINT_TEXT], member[STW_ENDPOINT_TEXT];
	char from[STW_HEALTH_TEXT + STW_ENDPOINT_TEXT];
	const struct stw_model_health *h = spec->health;

	stw_endpoint_format(&spec->local, local);
	stw_endpoint_format(&spec->member, member);
	snprintf(from, sizeof(from), "%s%s", h->from[0] ? h->from : "sip:health@",
		 h->from[0] ? "" : local);
	return snprintf(p->text, sizeof(p->text),
			"%s sip:%s SIP/2.0\r\n"
			"Via: SIP/2.0/UDP %s" BRANCH "%024x\r\n"
			"Max-Forwards: 70\r\n"
			"From: <%s>;tag=%016" PRIx64 "\r\n"
			"To: <sip:%s>\r\n"
			"Call-ID: %s\r\n"
			"CSeq: %u %s\r\n"
			"Accept: application/sdp\r\n"
			"Content-Length: 0\r\n\r\n",
			h->method, member, local, 0u, from, spec->nonce[1], member, p->call_id,
			spec->cseq, h->method);
}

static void sign(const struct stw_probe_spec *spec, const struct stw_sip_msg *m,
		 struct stw_probe *p)
{
	char *at = strstr(p->text, BRANCH) + sizeof(BRANCH) - 1;
	stw_nh_sum call = stw_call_sum(spec->secret, p->text, m);

	_Static_assert(STW_PROBE_BRANCH == STW_BRANCH_DIGITS, "found where a worker's is");
	stw_hex_put64(p->branch, stw_branch_of_control(spec->secret, p->text, m, call));
	stw_hex_put32(p->branch + STW_BRANCH_MAC_DIGITS, (uint32_t)(spec->nonce[0] >> 32));
	memcpy(at, p->branch, STW_BRANCH_DIGITS);
	p->quote = (size_t)(at - p->text) + STW_BRANCH_DIGITS;
}

int stw_probe_make(const struct stw_probe_spec *spec, struct stw_probe *out)
{
	struct stw_probe p = {.member = spec->member, .cseq = spec->cseq};
	struct stw_sip_msg m;

	snprintf(p.call_id, sizeof(p.call_id), PREFIX "%08x-%016" PRIx64, spec->watcher,
		 spec->nonce[0]);
	int len = write_text(spec, &p);
	if (len < 0 || (size_t)len >= sizeof(p.text))
		return STW_ENOSPACE;
	p.len = (size_t)len;
	stw_sip_parse(p.text, p.len, &m);
	if (m.kind != STW_SIP_REQUEST || m.reject != STW_SIP_ACCEPTED)
		return STW_EMALFORMED;
	sign(spec, &m, &p);
	*out = p;
	return STW_OK;
}

bool stw_probe_watcher(const char *buf, const struct stw_sip_msg *m, uint32_t *watcher)
{
	struct stw_span id = m->value[STW_HDR_CALL_ID];

	return id.len > WATCHER_AT + 8 && memcmp(buf + id.off, PREFIX, WATCHER_AT) == 0 &&
	       stw_hex_get32(buf + id.off + WATCHER_AT, watcher);
}

static bool is_text(const char *buf, struct stw_span s, const char *text)
{
	return s.len == strlen(text) && memcmp(buf + s.off, text, s.len) == 0;
}

static bool has_branch(const struct stw_probe *p, const char *buf, const struct stw_sip_msg *m)
{
	const size_t magic = sizeof(STW_MAGIC) - 1;
	struct stw_sip_via via;

	return stw_sip_via_parse(buf, m->value[STW_HDR_VIA], &via) == STW_OK &&
	       via.branch.len == magic + STW_BRANCH_DIGITS &&
	       memcmp(buf + via.branch.off + magic, p->branch, STW_BRANCH_DIGITS) == 0;
}

bool stw_probe_answered_by(const struct stw_probe *p, const struct stw_endpoint *peer,
			   const char *buf, const struct stw_sip_msg *m)
{
	return p->len > 0 && m->kind == STW_SIP_RESPONSE && m->status >= 200 &&
	       m->cseq == p->cseq && stw_endpoint_equal(peer, &p->member) &&
	       is_text(buf, m->value[STW_HDR_CALL_ID], p->call_id) && has_branch(p, buf, m);
}

bool stw_probe_is_quoted(const struct stw_probe *p, const struct stw_endpoint *to,
			 const char *bytes, size_t len)
{
	size_t n = len < p->len ? len : p->len;

	return p->len > 0 && n >= p->quote && stw_endpoint_equal(to, &p->member) &&
	       memcmp(bytes, p->text, n) == 0;
}
