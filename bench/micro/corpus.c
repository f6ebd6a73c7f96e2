/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/micro/corpus.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINES_MAX 24
#define LINE_ROOM 256

struct draft {
	uint64_t rng;
	char line[LINES_MAX][LINE_ROOM]; /* header lines with their CR LF */
	unsigned n_lines;
	char start[LINE_ROOM];
	char body[512];

	/* What several lines share. */
	char caller[24], callee[24], domain[32], host[32];
	char call_id[64], branch[48], from_tag[24], to_tag[24];
	unsigned cseq;
};

static const struct {
	const char *text;
	unsigned share;
} shapes[STW_N_CORPUS_SHAPES] = {
#define X(name, text, share) [STW_CORPUS_##name] = {text, share},
	STW_CORPUS_SHAPES(X)
#undef X
};

/* splitmix64 (Vigna): good enough to draw names, and any seed will do. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static unsigned below(struct draft *d, unsigned n)
{
	return (unsigned)(draw(&d->rng) % n);
}

static uint64_t rng_of(uint64_t seed, unsigned index)
{
	uint64_t state = seed ^ ((uint64_t)index << 20);
	draw(&state);
	return state;
}

static enum stw_corpus_shape pick_shape(struct draft *d)
{
	unsigned roll = below(d, 100), sum = 0;
	for (unsigned s = 0; s < STW_N_CORPUS_SHAPES; s++) {
		sum += shapes[s].share;
		if (roll < sum)
			return (enum stw_corpus_shape)s;
	}
	return STW_CORPUS_OPTIONS;
}

static void letters(struct draft *d, char *out, unsigned n)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	for (unsigned i = 0; i < n; i++)
		out[i] = set[below(d, sizeof(set) - 1)];
	out[n] = '\0';
}

static void set_text(char *out, size_t room, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void set_text(char *out, size_t room, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(out, room, format, args);
	va_end(args);
}

static void add(struct draft *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct draft *d, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(d->line[d->n_lines], LINE_ROOM - 2, format, args);
	va_end(args);
	memcpy(d->line[d->n_lines++] + n, "\r\n", 3);
}

static void draw_identity(struct draft *d)
{
	static const char *const domains[] = {"example.com", "voip.example.net", "sip.example.org",
					      "trunk-7.carrier.example"};
	char word[40];

	if (below(d, 2))
		set_text(d->caller, sizeof(d->caller), "+49%u", 1000000 + below(d, 90000000));
	else
		letters(d, d->caller, 3 + below(d, 10));
	set_text(d->callee, sizeof(d->callee), "+1%u", 100000 + below(d, 900000000));
	set_text(d->domain, sizeof(d->domain), "%s", domains[below(d, 4)]);
	set_text(d->host, sizeof(d->host), "198.51.%u.%u", 100 + below(d, 8), 1 + below(d, 254));
	letters(d, word, 10 + below(d, 22));
	if (below(d, 2))
		set_text(d->call_id, sizeof(d->call_id), "%s@%s", word, d->host);
	else
		set_text(d->call_id, sizeof(d->call_id), "%s", word);
	letters(d, word, 8 + below(d, 24));
	set_text(d->branch, sizeof(d->branch), "z9hG4bK%s%s", below(d, 2) ? "-" : "", word);
	letters(d, d->from_tag, 6 + below(d, 10));
	letters(d, d->to_tag, 6 + below(d, 10));
	d->cseq = 1 + below(d, below(d, 2) ? 200 : 2000000);
}

static void add_via(struct draft *d, const char *name)
{
	static const char *const tails[] = {";rport", "", ";rport;alias", ";received=198.51.100.7"};
	unsigned port = below(d, 3) ? 5060 : 1024 + below(d, 60000);
	add(d, "%s: SIP/2.0/UDP %s:%u;branch=%s%s", name, d->host, port, d->branch,
	    tails[below(d, 4)]);
}

/* A response carries the Via of the proxy before the caller's. */
static void add_vias_of_response(struct draft *d)
{
	add(d, "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK.%08x%08x", below(d, 0x7fffffff),
	    below(d, 0x7fffffff));
	add_via(d, "Via");
}

static void add_from_to(struct draft *d, bool to_tag, bool compact)
{
	static const char *const displays[] = {"", "\"Alice Example\" ", "Bob ",
					       "\"J. \\\"Q\\\"\" "};
	char tag[32] = "";

	add(d, "%s: %s<sip:%s@%s>;tag=%s", compact ? "f" : "From", displays[below(d, 4)], d->caller,
	    d->domain, d->from_tag);
	if (to_tag)
		set_text(tag, sizeof(tag), ";tag=%s", d->to_tag);
	add(d, "%s: <sip:%s@192.0.2.1>%s", compact ? "t" : "To", d->callee, tag);
}

static void add_ids(struct draft *d, const char *method, bool compact)
{
	add(d, "%s: %s", compact ? "i" : "Call-ID", d->call_id);
	add(d, "CSeq: %u %s", d->cseq, method);
}

static void add_contact(struct draft *d, bool compact)
{
	add(d, "%s: <sip:%s@%s:%u;transport=udp>", compact ? "m" : "Contact", d->caller, d->host,
	    5060 + below(d, 40));
}

static void add_route(struct draft *d, const char *name)
{
	add(d, "%s: <sip:%08x@192.0.2.1;lr;c=%08x%08x>", name, below(d, 0x7fffffff),
	    below(d, 0x7fffffff), below(d, 0x7fffffff));
}

static void add_agent(struct draft *d)
{
	static const char *const agents[] = {"Example-Phone/4.2.1", "softphone 1.0 (x86_64/linux)",
					     "PBX-9000", "Gateway/12.2(33)"};
	add(d, "User-Agent: %s", agents[below(d, 4)]);
	if (below(d, 2))
		add(d, "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, REFER, NOTIFY");
	if (below(d, 3) == 0)
		add(d, "Supported: replaces, timer, 100rel");
	if (below(d, 4) == 0)
		add(d, "P-Asserted-Identity: <sip:%s@%s>", d->caller, d->domain);
	if (below(d, 5) == 0)
		add(d, "Session-Expires: 1800;refresher=uac");
	if (below(d, 6) == 0)
		add(d, "Date: Sat, 13 Nov 2010 23:29:%02u GMT", below(d, 60));
}

static void add_length(struct draft *d, bool compact, bool with_sdp)
{
	if (with_sdp) {
		add(d, "%s: application/sdp", compact ? "c" : "Content-Type");
		set_text(d->body, sizeof(d->body),
			 "v=0\r\no=- %u %u IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
			 "m=audio %u RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\n"
			 "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n",
			 below(d, 100000), below(d, 100000), d->host, d->host,
			 16384 + 2 * below(d, 16384));
	}
	add(d, "%s: %zu", compact ? "l" : "Content-Length", strlen(d->body));
}

static void request(struct draft *d, const char *method, bool compact, bool in_dialog, bool sdp)
{
	set_text(d->start, sizeof(d->start), "%s sip:%s@192.0.2.1%s SIP/2.0\r\n", method, d->callee,
		 below(d, 3) ? "" : ";user=phone");
	add_via(d, compact ? "v" : "Via");
	if (in_dialog)
		add_route(d, "Route");
	if (below(d, 8))
		add(d, "Max-Forwards: %u", below(d, 2) ? 70 : 1 + below(d, 70));
	add_from_to(d, in_dialog, compact);
	add_ids(d, method, compact);
	add_contact(d, compact);
	add_agent(d);
	add_length(d, compact, sdp);
}

static void response(struct draft *d, const char *status, const char *method, bool sdp)
{
	set_text(d->start, sizeof(d->start), "SIP/2.0 %s\r\n", status);
	add_vias_of_response(d);
	add_from_to(d, status[0] != '1' || status[1] != '0', false);
	add_ids(d, method, false);
	if (strcmp(method, "BYE") != 0 && status[1] != '0')
		add_route(d, "Record-Route");
	if (sdp)
		add_contact(d, false);
	add(d, "Server: farm-%u", below(d, 16));
	add_length(d, false, sdp);
}

static void register_request(struct draft *d)
{
	set_text(d->start, sizeof(d->start), "REGISTER sip:192.0.2.1 SIP/2.0\r\n");
	add_via(d, "Via");
	add(d, "Max-Forwards: 70");
	add(d, "From: <sip:%s@192.0.2.1>;tag=%s", d->caller, d->from_tag);
	add(d, "To: <sip:%s@192.0.2.1>", d->caller);
	add_ids(d, "REGISTER", false);
	add_contact(d, false);
	add(d, "Expires: %u", 60 * (1 + below(d, 60)));
	if (below(d, 2))
		add(d,
		    "Authorization: Digest username=\"%s\", realm=\"192.0.2.1\", nonce=\"%08x\", "
		    "uri=\"sip:192.0.2.1\", response=\"%08x%08x%08x%08x\"",
		    d->caller, below(d, 0x7fffffff), below(d, 0x7fffffff), below(d, 0x7fffffff),
		    below(d, 0x7fffffff), below(d, 0x7fffffff));
	add_agent(d);
	add_length(d, false, false);
}

static void draft_message(struct draft *d, enum stw_corpus_shape shape)
{
	switch (shape) {
	case STW_CORPUS_INVITE: request(d, "INVITE", false, false, true); break;
	case STW_CORPUS_INVITE_COMPACT: request(d, "INVITE", true, false, true); break;
	case STW_CORPUS_REINVITE: request(d, "INVITE", false, true, true); break;
	case STW_CORPUS_TRYING: response(d, "100 Trying", "INVITE", false); break;
	case STW_CORPUS_RINGING: response(d, "180 Ringing", "INVITE", false); break;
	case STW_CORPUS_OK_SDP: response(d, "200 OK", "INVITE", true); break;
	case STW_CORPUS_OK_BYE: response(d, "200 OK", "BYE", false); break;
	case STW_CORPUS_ACK: request(d, "ACK", false, true, false); break;
	case STW_CORPUS_BYE: request(d, "BYE", false, true, false); break;
	case STW_CORPUS_CANCEL: request(d, "CANCEL", false, false, false); break;
	case STW_CORPUS_REGISTER: register_request(d); break;
	case STW_CORPUS_OPTIONS:
	case STW_N_CORPUS_SHAPES: request(d, "OPTIONS", false, false, false); break;
	}
}

static bool is_via(const char *line)
{
	return (line[0] == 'V' && line[1] == 'i' && line[2] == 'a') ||
	       (line[0] == 'v' && line[1] == ':');
}

/* Fisher-Yates; then the Via lines, wherever they came to stand, are put in their own order. */
static void shuffle(struct draft *d, unsigned order[LINES_MAX])
{
	for (unsigned i = d->n_lines - 1; i > 0; i--) {
		unsigned j = below(d, i + 1), kept = order[i];
		order[i] = order[j];
		order[j] = kept;
	}
	unsigned next = 0;
	for (unsigned i = 0; i < d->n_lines; i++) {
		if (!is_via(d->line[order[i]]))
			continue;
		while (!is_via(d->line[next]))
			next++;
		order[i] = next++;
	}
}

static char *put(char *p, const char *text)
{
	size_t n = strlen(text);
	memcpy(p, text, n);
	return p + n;
}

size_t stw_corpus_message(uint64_t seed, unsigned index, bool shuffled, char *out, size_t room)
{
	struct draft d = {.rng = rng_of(seed, index)};
	unsigned order[LINES_MAX];

	if (room < STW_CORPUS_ROOM)
		return 0;
	enum stw_corpus_shape shape = pick_shape(&d);
	draw_identity(&d);
	draft_message(&d, shape);
	for (unsigned i = 0; i < d.n_lines; i++)
		order[i] = i;
	if (shuffled)
		shuffle(&d, order);

	char *p = put(out, d.start);
	for (unsigned i = 0; i < d.n_lines; i++)
		p = put(p, d.line[order[i]]);
	p = put(p, "\r\n");
	p = put(p, d.body);
	return (size_t)(p - out);
}

enum stw_corpus_shape stw_corpus_shape_of(uint64_t seed, unsigned index)
{
	struct draft d = {.rng = rng_of(seed, index)};
	return pick_shape(&d);
}

const char *stw_corpus_shape_text(enum stw_corpus_shape shape)
{
	return (unsigned)shape < STW_N_CORPUS_SHAPES ? shapes[shape].text : "unknown";
}
