/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/messages/shapes.h"

#include <stdio.h>
#include <string.h>

#include <strowger/sip.h>

static bool one_in(struct stw_bench_draft *d, uint32_t n)
{
	return stw_bench_random_one_in(d->random, n);
}

static uint32_t below(struct stw_bench_draft *d, uint32_t n)
{
	return stw_bench_random_below(d->random, n);
}

static const char *const agents[] = {
	"Asterisk PBX 18.20.0",		"snomD785/10.1.159.12",
	"Yealink SIP-T46U 108.86.0.20", "FreeSWITCH-mod_sofia/1.10.11",
	"Linphone/5.2.0 (belle-sip)",	"SBC/9.3.0m2",
};

static const char *agent(struct stw_bench_draft *d)
{
	return agents[below(d, sizeof(agents) / sizeof(agents[0]))];
}

/* A request of the called side crossed the member, which is a proxy: its Via stands on top. */
static void add_vias(struct stw_bench_draft *d, const struct stw_bench_call *c,
		     enum stw_bench_side sender)
{
	const struct stw_bench_party *p = &c->party[sender];
	char block[512];
	int n;

	if (sender == STW_BENCH_CALLER) {
		stw_bench_draft_add(d, "Via", "SIP/2.0/UDP %s;branch=%s%s", p->sent_by, p->branch,
				    p->rport ? ";rport" : "");
		return;
	}
	n = snprintf(block, sizeof(block),
		     "Via: SIP/2.0/UDP %s;branch=z9hG4bK%04x.%s.0\r\n"
		     "Via: SIP/2.0/UDP %s;received=%s;branch=%s;rport=5060\r\n",
		     c->member, below(d, 65536), p->tag, p->sent_by, p->address, p->branch);
	stw_bench_draft_block(d, block, (size_t)n);
}

static void add_party(struct stw_bench_draft *d, const char *name, const struct stw_bench_party *p,
		      bool with_tag)
{
	const char *tag = with_tag ? ";tag=" : "", *value = with_tag ? p->tag : "";

	if (one_in(d, 2))
		stw_bench_draft_add(d, name, "\"%s\" <sip:%s@%s>%s%s", p->user, p->user, p->host,
				    tag, value);
	else
		stw_bench_draft_add(d, name, "<sip:%s@%s>%s%s", p->user, p->host, tag, value);
}

/* What RFC 3261 s8.1.1 asks of every request. */
static void add_mandatory(struct stw_bench_draft *d, const struct stw_bench_call *c,
			  enum stw_bench_side sender, const char *method, bool in_dialog)
{
	add_vias(d, c, sender);
	add_party(d, "From", &c->party[sender], true);
	add_party(d, "To", &c->party[!sender], in_dialog);
	stw_bench_draft_add(d, "Call-ID", "%s", c->call_id);
	stw_bench_draft_add(d, "CSeq", "%u %s", c->cseq, method);
	stw_bench_draft_add(d, "Max-Forwards", "%u", sender == STW_BENCH_CALLER ? 70 : 69);
}

static void add_contact(struct stw_bench_draft *d, const struct stw_bench_party *p)
{
	stw_bench_draft_add(d, "Contact", "<sip:%s@%s%s>", p->user, p->contact,
			    one_in(d, 3) ? ";ob" : "");
}

/* A request outside a dialog, to the called party's address-of-record. */
static void begin(struct stw_bench_draft *d, const struct stw_bench_call *c, const char *method)
{
	const struct stw_bench_party *to = &c->party[STW_BENCH_MEMBER];

	stw_bench_draft_start(d, "%s sip:%s@%s SIP/2.0", method, to->user, to->host);
	add_mandatory(d, c, STW_BENCH_CALLER, method, false);
}

/* A request inside the dialog: our Route, then, from the caller, the member's own. */
static void begin_in_dialog(struct stw_bench_draft *d, const struct stw_bench_call *c,
			    enum stw_bench_side sender, const char *method)
{
	const struct stw_bench_party *to = &c->party[!sender];
	char block[640];
	int n;

	stw_bench_draft_start(d, "%s sip:%s@%s SIP/2.0", method, to->user, to->contact);
	add_mandatory(d, c, sender, method, true);
	if (sender == STW_BENCH_MEMBER)
		n = snprintf(block, sizeof(block), "Route: %s\r\n", c->route);
	else if (one_in(d, 2))
		n = snprintf(block, sizeof(block), "Route: %s\r\nRoute: <sip:%s;lr>\r\n", c->route,
			     c->member);
	else
		n = snprintf(block, sizeof(block), "Route: %s, <sip:%s;lr;did=%x.1>\r\n", c->route,
			     c->member, below(d, 4096));
	stw_bench_draft_block(d, block, (size_t)n);
}

/* What carriers' equipment adds to messages within a call. */
static void add_charging(struct stw_bench_draft *d, const struct stw_bench_party *p)
{
	stw_bench_draft_add(d, "P-Charging-Vector", "icid-value=\"%08x%08x\";orig-ioi=%s",
			    below(d, UINT32_MAX), below(d, UINT32_MAX), p->host);
	stw_bench_draft_add(d, "P-Asserted-Identity", "<sip:%s@%s;user=phone>", p->user, p->host);
}

static void add_abilities(struct stw_bench_draft *d)
{
	stw_bench_draft_add(d, "Allow", "INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, UPDATE");
	stw_bench_draft_add(d, "Supported", "%s", one_in(d, 2) ? "replaces, 100rel" : "timer");
}

/* A telephone's offer: 180 to 550 bytes. */
static void add_sdp(struct stw_bench_draft *d, const struct stw_bench_party *p)
{
	uint32_t session = below(d, UINT32_MAX);
	bool many = one_in(d, 2);

	stw_bench_draft_add(d, "Content-Type", "application/sdp");
	stw_bench_draft_body(
		d,
		"v=0\r\no=- %u %u IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
		"m=audio %u RTP/AVP %s\r\n%s%sa=sendrecv\r\n",
		session, session + 1, p->address, p->address, 10000 + 2 * below(d, 20000),
		many ? "9 8 0 18 96 101" : "8 0 101",
		many ? "a=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\n"
		       "a=rtpmap:0 PCMU/8000\r\na=rtpmap:18 G729/8000\r\n"
		       "a=fmtp:18 annexb=no\r\na=rtpmap:96 opus/48000/2\r\n"
		       "a=fmtp:96 useinbandfec=1\r\n"
		     : "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n",
		"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n");
}

void stw_bench_write_invite(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	begin(d, c, "INVITE");
	add_contact(d, &c->party[STW_BENCH_CALLER]);
	stw_bench_draft_add(d, "User-Agent", "%s", agent(d));
	add_abilities(d);
	add_sdp(d, &c->party[STW_BENCH_CALLER]);
}

/* As a carrier's trunk sends it: identity, charging and history beside RFC 3261's headers. */
static void write_invite_long(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	stw_bench_write_invite(d, c);
	add_charging(d, &c->party[STW_BENCH_CALLER]);
	stw_bench_draft_add(d, "Session-Expires", "1800;refresher=uac");
	stw_bench_draft_add(d, "Min-SE", "90");
	stw_bench_draft_add(d, "Privacy", "none");
	stw_bench_draft_add(d, "Accept", "application/sdp, application/isup, multipart/mixed");
	stw_bench_draft_add(d, "History-Info", "<sip:%s@%s>;index=1",
			    c->party[STW_BENCH_MEMBER].user, c->party[STW_BENCH_MEMBER].host);
	stw_bench_draft_add(d, "P-Access-Network-Info", "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=%08x",
			    below(d, UINT32_MAX));
}

static void write_invite_compact(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	d->spelling = STW_BENCH_COMPACT;
	begin(d, c, "INVITE");
	add_contact(d, &c->party[STW_BENCH_CALLER]);
	add_sdp(d, &c->party[STW_BENCH_CALLER]);
}

static void write_ack(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	begin_in_dialog(d, c, STW_BENCH_CALLER, "ACK");
	if (one_in(d, 2))
		add_contact(d, &c->party[STW_BENCH_CALLER]);
	if (one_in(d, 2))
		stw_bench_draft_add(d, "User-Agent", "%s", agent(d));
}

static void write_bye(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	begin_in_dialog(d, c, STW_BENCH_CALLER, "BYE");
	stw_bench_draft_add(d, "User-Agent", "%s", agent(d));
	if (one_in(d, 2))
		add_charging(d, &c->party[STW_BENCH_CALLER]);
	if (one_in(d, 3))
		stw_bench_draft_add(d, "Reason", "Q.850;cause=16;text=\"Terminated\"");
}

static void write_bye_of_called(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	begin_in_dialog(d, c, STW_BENCH_MEMBER, "BYE");
	stw_bench_draft_add(d, "User-Agent", "%s", agent(d));
}

static void write_cancel(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	begin(d, c, "CANCEL");
	stw_bench_draft_add(d, "Reason", "SIP;cause=200;text=\"Call completed elsewhere\"");
}

static void write_register(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	const struct stw_bench_party *p = &c->party[STW_BENCH_CALLER];

	stw_bench_draft_start(d, "REGISTER sip:%s SIP/2.0", p->host);
	add_vias(d, c, STW_BENCH_CALLER);
	add_party(d, "From", p, true);
	add_party(d, "To", p, false);
	stw_bench_draft_add(d, "Call-ID", "%s", c->call_id);
	stw_bench_draft_add(d, "CSeq", "%u REGISTER", c->cseq);
	stw_bench_draft_add(d, "Max-Forwards", "70");
	stw_bench_draft_add(d, "Contact",
			    "<sip:%s@%s;transport=udp>;+sip.instance=\"<urn:uuid:%08x-0000-4000-8"
			    "000-%08x%04x>\";reg-id=1",
			    p->user, p->contact, below(d, UINT32_MAX), below(d, UINT32_MAX),
			    below(d, 65536));
	stw_bench_draft_add(d, "Expires", "%u", 60 * (1 + below(d, 60)));
	stw_bench_draft_add(d, "User-Agent", "%s", agent(d));
	if (one_in(d, 2))
		stw_bench_draft_add(d, "Authorization",
				    "Digest username=\"%s\", realm=\"%s\", nonce=\"%08x%08x\", "
				    "uri=\"sip:%s\", response=\"%08x%08x%08x%08x\", algorithm=MD5",
				    p->user, p->host, below(d, UINT32_MAX), below(d, UINT32_MAX),
				    p->host, below(d, UINT32_MAX), below(d, UINT32_MAX),
				    below(d, UINT32_MAX), below(d, UINT32_MAX));
}

static void write_options(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	begin(d, c, "OPTIONS");
	add_contact(d, &c->party[STW_BENCH_CALLER]);
	stw_bench_draft_add(d, "Accept", "application/sdp");
	stw_bench_draft_add(d, "User-Agent", "%s", agent(d));
}

static void write_message(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	static const char text[] = "The lift on the third floor is out of order again; please send "
				   "somebody before noon. Thank you! ";

	begin(d, c, "MESSAGE");
	stw_bench_draft_add(d, "Content-Type", "text/plain;charset=UTF-8");
	stw_bench_draft_body(d, "%.*s%.*s", (int)below(d, sizeof(text)), text,
			     (int)below(d, sizeof(text)), text);
}

static void write_subscribe(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	begin(d, c, "SUBSCRIBE");
	add_contact(d, &c->party[STW_BENCH_CALLER]);
	stw_bench_draft_add(d, "Event", "message-summary");
	stw_bench_draft_add(d, "Accept", "application/simple-message-summary");
	stw_bench_draft_add(d, "Expires", "3600");
}

static void write_notify(struct stw_bench_draft *d, const struct stw_bench_call *c)
{
	begin_in_dialog(d, c, STW_BENCH_MEMBER, "NOTIFY");
	add_contact(d, &c->party[STW_BENCH_MEMBER]);
	stw_bench_draft_add(d, "Event", "message-summary");
	stw_bench_draft_add(d, "Subscription-State", "active;expires=%u", below(d, 3600));
	stw_bench_draft_add(d, "Content-Type", "application/simple-message-summary");
	stw_bench_draft_body(d, "Messages-Waiting: yes\r\nVoice-Message: %u/%u (0/0)\r\n",
			     below(d, 10), below(d, 40));
}

#define REQUEST(name, weight, sender, fn)         \
	{                                         \
		name, weight, sender, fn, 0, NULL \
	}
#define ANSWER(name, weight, sender, fn, status, phrase) \
	{                                                \
		name, weight, sender, fn, status, phrase \
	}

const struct stw_bench_shape stw_bench_shapes[] = {
	REQUEST("invite", 7, STW_BENCH_CALLER, stw_bench_write_invite),
	REQUEST("invite_long", 5, STW_BENCH_CALLER, write_invite_long),
	REQUEST("invite_compact", 3, STW_BENCH_CALLER, write_invite_compact),
	REQUEST("ack", 11, STW_BENCH_CALLER, write_ack),
	REQUEST("bye", 6, STW_BENCH_CALLER, write_bye),
	REQUEST("bye_of_called", 5, STW_BENCH_MEMBER, write_bye_of_called),
	REQUEST("cancel", 3, STW_BENCH_CALLER, write_cancel),
	REQUEST("register", 5, STW_BENCH_CALLER, write_register),
	REQUEST("options", 2, STW_BENCH_CALLER, write_options),
	REQUEST("message", 3, STW_BENCH_CALLER, write_message),
	REQUEST("subscribe", 2, STW_BENCH_CALLER, write_subscribe),
	REQUEST("notify", 2, STW_BENCH_MEMBER, write_notify),
	ANSWER("100_invite", 11, STW_BENCH_CALLER, stw_bench_write_invite, 100, "Trying"),
	ANSWER("180_invite", 10, STW_BENCH_CALLER, stw_bench_write_invite, 180, "Ringing"),
	ANSWER("200_invite", 11, STW_BENCH_CALLER, stw_bench_write_invite, 200, "OK"),
	ANSWER("486_invite", 2, STW_BENCH_CALLER, stw_bench_write_invite, 486, "Busy Here"),
	ANSWER("200_bye", 6, STW_BENCH_CALLER, write_bye, 200, "OK"),
	ANSWER("200_bye_of_called", 3, STW_BENCH_MEMBER, write_bye_of_called, 200, "OK"),
	ANSWER("200_register", 3, STW_BENCH_CALLER, write_register, 200, "OK"),
};

const size_t stw_bench_n_shapes = sizeof(stw_bench_shapes) / sizeof(stw_bench_shapes[0]);
