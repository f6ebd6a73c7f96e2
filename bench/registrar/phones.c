/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-phones: many phones that register again and again, by one socket or one DPDK device.
 * Writes JSON.
 *
 *     stw-bench-phones [--device NAME,ARGUMENTS [--core N] [--no-huge]]
 *             FROM TO none|md5|sha-256 USERS WINDOW SECONDS
 *
 * FROM and TO are IPv4 addresses; phones are at port 5062, the registrar at 5060. Each user
 * registers once, answers the challenge, and then goes on with the next count of its nonce, as
 * phones do. WINDOW users at a time wait for an answer; one that does not come in a second counts
 * as lost. What is counted are 200s of SECONDS, once all have registered.
 */
#include <getopt.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/clock.h"
#include "bench/registrar/carrier.h"

#define REALM	  "example.com"
#define PASSWORD  "secret"
#define NONCE_MAX 96u
#define SECOND_NS 1000000000u

struct user {
	char ha1[65];
	char nonce[NONCE_MAX];
	uint32_t cseq, nc;
	uint64_t sent_ns; /* 0: does not wait */
	bool bound;
};

static struct {
	const struct stw_carrier *carrier;
	const char *from;
	const EVP_MD *md; /* NULL: no passwords */
	EVP_MD_CTX *ctx;
	unsigned digest_bytes;
	const char *algorithm;
	char ha2[65];
	struct user *user;
	unsigned n, next, waiting, n_bound;
	uint64_t ok, challenged, other, lost;
} p;

static void hash_hex(const char *text, size_t len, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char h[EVP_MAX_MD_SIZE];

	EVP_DigestInit_ex(p.ctx, p.md, NULL);
	EVP_DigestUpdate(p.ctx, text, len);
	EVP_DigestFinal_ex(p.ctx, h, NULL);
	for (unsigned i = 0; i < p.digest_bytes; i++) {
		hex[2 * i] = digits[h[i] >> 4];
		hex[2 * i + 1] = digits[h[i] & 15];
	}
	hex[2 * p.digest_bytes] = '\0';
}

static int authorization(struct user *u, unsigned i, char *to, size_t room)
{
	char text[512], response[65];

	if (!p.md || !u->nonce[0])
		return 0;
	u->nc++;
	int n = snprintf(text, sizeof(text), "%s:%s:%08x:0a4f113b:auth:%s", u->ha1, u->nonce, u->nc,
			 p.ha2);
	hash_hex(text, (size_t)n, response);
	return snprintf(to, room,
			"Authorization: Digest username=\"u%08u\",realm=\"" REALM "\",nonce=\"%s\","
			"uri=\"sip:" REALM "\",response=\"%s\",algorithm=%s,cnonce=\"0a4f113b\","
			"qop=auth,nc=%08x\r\n",
			i, u->nonce, response, p.algorithm, u->nc);
}

static void send_register(unsigned i, uint64_t now_ns)
{
	struct user *u = &p.user[i];
	char *m = p.carrier->room();

	p.waiting += u->sent_ns == 0;
	u->sent_ns = now_ns;
	u->cseq++;
	int n = snprintf(m, STW_CARRIER_MESSAGE,
			 "REGISTER sip:" REALM " SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP %s:5062;branch=z9hG4bK%08x%08x;rport\r\n"
			 "Max-Forwards: 70\r\nFrom: <sip:u%08u@" REALM ">;tag=49583a1c\r\n"
			 "To: <sip:u%08u@" REALM
			 ">\r\nCall-ID: %08u-843817637684230@998sdasdh09\r\n"
			 "CSeq: %u REGISTER\r\nContact: <sip:u%08u@%s:5062>\r\nExpires: 3600\r\n"
			 "User-Agent: bench\r\n",
			 p.from, i, u->cseq, i, i, i, u->cseq, i, p.from);
	n += authorization(u, i, m + n, STW_CARRIER_MESSAGE - (size_t)n);
	n += snprintf(m + n, STW_CARRIER_MESSAGE - (size_t)n, "Content-Length: 0\r\n\r\n");
	p.carrier->push((size_t)n);
}

static void send_next(uint64_t now_ns)
{
	while (p.user[p.next].sent_ns)
		p.next = (p.next + 1) % p.n;
	send_register(p.next, now_ns);
	p.next = (p.next + 1) % p.n;
}

/* --- in --- */

static void take_nonce(struct user *u, const char *text)
{
	const char *at = strstr(text, "nonce=\"");

	if (!at)
		return;
	at += 7;
	const size_t n = strcspn(at, "\"");

	if (n < NONCE_MAX) {
		memcpy(u->nonce, at, n);
		u->nonce[n] = '\0';
		u->nc = 0;
	}
}

static void take(char *text, uint64_t now_ns)
{
	const char *id = strstr(text, "Call-ID: ");
	const unsigned i = id ? (unsigned)strtoul(id + 9, NULL, 10) : p.n;

	if (i >= p.n || p.user[i].sent_ns == 0)
		return;
	struct user *u = &p.user[i];

	if (strncmp(text, "SIP/2.0 401 ", 12) == 0) {
		p.challenged++;
		take_nonce(u, text);
		send_register(i, now_ns);
		return;
	}
	if (strncmp(text, "SIP/2.0 200 ", 12) == 0) {
		p.ok++;
		p.n_bound += !u->bound;
		u->bound = true;
	} else {
		if (p.other++ == 0)
			fprintf(stderr, "stw-bench-phones: %.60s\n", text);
	}
	u->sent_ns = 0;
	p.waiting--;
	send_next(now_ns);
}

static unsigned receive(void)
{
	const unsigned n = p.carrier->receive(take);

	p.carrier->flush();
	return n;
}

static void send_lost_again(void)
{
	const uint64_t now_ns = stw_bench_now_ns();

	for (unsigned i = 0; i < p.n; i++)
		if (p.user[i].sent_ns && now_ns - p.user[i].sent_ns > SECOND_NS) {
			p.lost++;
			send_register(i, now_ns);
		}
	p.carrier->flush();
}

/* Until all are bound, or for so long. */
static void run(uint64_t for_ns)
{
	const uint64_t start = stw_bench_now_ns();
	uint64_t looked = start, now = start;

	while (for_ns ? now - start < for_ns : p.n_bound < p.n) {
		if (receive() == 0)
			p.carrier->wait();
		now = stw_bench_now_ns();
		if (now - looked > SECOND_NS / 4) {
			send_lost_again();
			looked = now;
		}
	}
}

/* --- start --- */

static void prepare(void)
{
	if (!p.md)
		return;
	p.ctx = EVP_MD_CTX_new();
	p.digest_bytes = (unsigned)EVP_MD_size(p.md);
	hash_hex("REGISTER:sip:" REALM, strlen("REGISTER:sip:" REALM), p.ha2);
	for (unsigned i = 0; i < p.n; i++) {
		char text[64];
		const int n = snprintf(text, sizeof(text), "u%08u:" REALM ":" PASSWORD, i);

		hash_hex(text, (size_t)n, p.user[i].ha1);
	}
}

/* @return whether @argv is complete; what is left of it are the six words */
static bool take_options(int argc, char **argv, struct stw_bench_device *d)
{
	static const struct option longs[] = {
		{"device", required_argument, NULL, 'd'},
		{"core", required_argument, NULL, 'k'},
		{"no-huge", no_argument, NULL, 'n'},
		{NULL, 0, NULL, 0},
	};

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		switch (c) {
		case 'd': d->name = optarg; break;
		case 'k': d->core = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'n': d->huge = false; break;
		default: return false;
		}
	}
	return argc - optind == 6;
}

int main(int argc, char **argv)
{
	struct stw_bench_device device = {.huge = true};
	const char *program = argv[0];

	if (!take_options(argc, argv, &device)) {
		fprintf(stderr,
			"usage: stw-bench-phones [--device NAME,ARGUMENTS [--core N] [--no-huge]]\n"
			"       FROM TO none|md5|sha-256 USERS WINDOW SECONDS\n");
		return 2;
	}
	argv += optind - 1;
	p.from = argv[1];
	p.carrier = device.name ? stw_carrier_by_device(program, &device, argv[1], argv[2])
				: stw_carrier_by_socket(argv[1], argv[2]);
	if (!p.carrier)
		return 1;
	p.md = strcmp(argv[3], "md5") == 0    ? EVP_md5()
	       : strcmp(argv[3], "none") != 0 ? EVP_sha256()
					      : NULL;
	p.algorithm = strcmp(argv[3], "md5") == 0 ? "MD5" : "SHA-256";
	p.n = (unsigned)atoi(argv[4]);
	const unsigned window = (unsigned)atoi(argv[5]);

	p.user = calloc(p.n, sizeof(*p.user));
	if (!p.user || p.n <= window)
		return 2;
	prepare();
	for (unsigned i = 0; i < window; i++)
		send_next(stw_bench_now_ns());
	p.carrier->flush();
	run(0);
	const uint64_t first = p.challenged;

	p.ok = p.other = p.lost = p.challenged = 0;
	puts("bound");
	fflush(stdout);
	const uint64_t start = stw_bench_now_ns();

	run((uint64_t)(atof(argv[6]) * 1e9));
	const double seconds = (double)(stw_bench_now_ns() - start) / 1e9;

	printf("{\"rate\": %.0f, \"lost\": %llu, \"other\": %llu, \"challenged\": %llu, "
	       "\"challenged_first\": %llu}\n",
	       (double)p.ok / seconds, (unsigned long long)p.lost, (unsigned long long)p.other,
	       (unsigned long long)p.challenged, (unsigned long long)first);
	return 0;
}
