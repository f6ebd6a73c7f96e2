/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stw-bench-phones: many phones that register again and again, by one socket. Writes JSON.
 *
 *     stw-bench-phones FROM TO none|md5|sha-256 USERS WINDOW SECONDS
 *
 * FROM and TO are IPv4 addresses; phones are at port 5062, the registrar at 5060. Each user
 * registers once, answers the challenge, and then goes on with the next count of its nonce, as
 * phones do. WINDOW users at a time wait for an answer; one that does not come in a second counts
 * as lost. What is counted are 200s of SECONDS, once all have registered.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bench/clock.h"

#define REALM	  "example.com"
#define PASSWORD  "secret"
#define BATCH	  64u
#define MESSAGE	  1400u
#define ANSWER	  4096u
#define NONCE_MAX 96u
#define SECOND_NS 1000000000u
#define BUFFER	  (16 << 20)

struct user {
	char ha1[65];
	char nonce[NONCE_MAX];
	uint32_t cseq, nc;
	uint64_t sent_ns; /* 0: does not wait */
	bool bound;
};

static struct {
	int fd;
	struct sockaddr_in to;
	char from[16];
	const EVP_MD *md; /* NULL: no passwords */
	EVP_MD_CTX *ctx;
	unsigned digest_bytes;
	const char *algorithm;
	char ha2[65];
	struct user *user;
	unsigned n, next, waiting, n_bound;
	uint64_t ok, challenged, other, lost;
} p;

/* --- out, in batches --- */

static struct mmsghdr out[BATCH], in[BATCH];
static struct iovec out_iov[BATCH], in_iov[BATCH];
static char out_bytes[BATCH][MESSAGE], in_bytes[BATCH][ANSWER];
static unsigned n_out;

static void flush(void)
{
	unsigned done = 0;

	while (done < n_out) {
		int n = sendmmsg(p.fd, out + done, n_out - done, 0);

		if (n < 0 && errno != EINTR && errno != EAGAIN) {
			perror("stw-bench-phones: send");
			exit(1);
		}
		done += n > 0 ? (unsigned)n : 0;
	}
	n_out = 0;
}

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
	char *m = out_bytes[n_out];

	p.waiting += u->sent_ns == 0;
	u->sent_ns = now_ns;
	u->cseq++;
	int n = snprintf(m, MESSAGE,
			 "REGISTER sip:" REALM " SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP %s:5062;branch=z9hG4bK%08x%08x;rport\r\n"
			 "Max-Forwards: 70\r\nFrom: <sip:u%08u@" REALM ">;tag=49583a1c\r\n"
			 "To: <sip:u%08u@" REALM
			 ">\r\nCall-ID: %08u-843817637684230@998sdasdh09\r\n"
			 "CSeq: %u REGISTER\r\nContact: <sip:u%08u@%s:5062>\r\nExpires: 3600\r\n"
			 "User-Agent: bench\r\n",
			 p.from, i, u->cseq, i, i, i, u->cseq, i, p.from);
	n += authorization(u, i, m + n, MESSAGE - (size_t)n);
	n += snprintf(m + n, MESSAGE - (size_t)n, "Content-Length: 0\r\n\r\n");
	out_iov[n_out].iov_len = (size_t)n;
	if (++n_out == BATCH)
		flush();
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

static void take(char *text, size_t len, uint64_t now_ns)
{
	text[len < ANSWER ? len : ANSWER - 1] = '\0';
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
	int n = recvmmsg(p.fd, in, BATCH, MSG_DONTWAIT, NULL);
	const uint64_t now_ns = stw_bench_now_ns();

	for (int i = 0; i < n; i++)
		take(in_bytes[i], in[i].msg_len, now_ns);
	flush();
	return n > 0 ? (unsigned)n : 0;
}

static void send_lost_again(void)
{
	const uint64_t now_ns = stw_bench_now_ns();

	for (unsigned i = 0; i < p.n; i++)
		if (p.user[i].sent_ns && now_ns - p.user[i].sent_ns > SECOND_NS) {
			p.lost++;
			send_register(i, now_ns);
		}
	flush();
}

/* Until all are bound, or for so long. */
static void run(uint64_t for_ns)
{
	const uint64_t start = stw_bench_now_ns();
	uint64_t looked = start, now = start;

	while (for_ns ? now - start < for_ns : p.n_bound < p.n) {
		if (receive() == 0) {
			struct pollfd fd = {.fd = p.fd, .events = POLLIN};

			poll(&fd, 1, 10);
		}
		now = stw_bench_now_ns();
		if (now - looked > SECOND_NS / 4) {
			send_lost_again();
			looked = now;
		}
	}
}

/* --- start --- */

static bool open_socket(const char *from, const char *to)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(5062)};
	const int size = BUFFER;

	p.to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(5060)};
	snprintf(p.from, sizeof(p.from), "%s", from);
	p.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(p.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return inet_pton(AF_INET, from, &own.sin_addr) == 1 &&
	       inet_pton(AF_INET, to, &p.to.sin_addr) == 1 && p.fd >= 0 &&
	       bind(p.fd, (struct sockaddr *)&own, sizeof(own)) == 0;
}

static void prepare(void)
{
	for (unsigned i = 0; i < BATCH; i++) {
		out_iov[i] = (struct iovec){out_bytes[i], 0};
		in_iov[i] = (struct iovec){in_bytes[i], ANSWER - 1};
		out[i].msg_hdr = (struct msghdr){.msg_name = &p.to,
						 .msg_namelen = sizeof(p.to),
						 .msg_iov = &out_iov[i],
						 .msg_iovlen = 1};
		in[i].msg_hdr = (struct msghdr){.msg_iov = &in_iov[i], .msg_iovlen = 1};
	}
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

int main(int argc, char **argv)
{
	if (argc != 7 || !open_socket(argv[1], argv[2])) {
		fprintf(stderr, "usage: stw-bench-phones FROM TO none|md5|sha-256 USERS WINDOW "
				"SECONDS\n");
		return 2;
	}
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
	flush();
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
