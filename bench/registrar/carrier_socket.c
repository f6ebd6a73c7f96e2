/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/registrar/carrier.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "bench/clock.h"

#define ANSWER 4096u
#define BUFFER (16 << 20)

static struct sockaddr_in peer;
static int fd;
static struct mmsghdr out[STW_CARRIER_BATCH], in[STW_CARRIER_BATCH];
static struct iovec out_iov[STW_CARRIER_BATCH], in_iov[STW_CARRIER_BATCH];
static char out_bytes[STW_CARRIER_BATCH][STW_CARRIER_MESSAGE], in_bytes[STW_CARRIER_BATCH][ANSWER];
static unsigned n_out;

static void flush(void)
{
	unsigned done = 0;

	while (done < n_out) {
		int n = sendmmsg(fd, out + done, n_out - done, 0);

		if (n < 0 && errno != EINTR && errno != EAGAIN) {
			perror("stw-bench-phones: send");
			exit(1);
		}
		done += n > 0 ? (unsigned)n : 0;
	}
	n_out = 0;
}

static char *room(void)
{
	return out_bytes[n_out];
}

static void push(size_t len)
{
	out_iov[n_out].iov_len = len;
	if (++n_out == STW_CARRIER_BATCH)
		flush();
}

static unsigned receive(stw_carrier_take_fn *take)
{
	int n = recvmmsg(fd, in, STW_CARRIER_BATCH, MSG_DONTWAIT, NULL);
	const uint64_t now_ns = stw_bench_now_ns();

	for (int i = 0; i < n; i++) {
		in_bytes[i][in[i].msg_len] = '\0';
		take(in_bytes[i], now_ns);
	}
	return n > 0 ? (unsigned)n : 0;
}

static void wait_a_little(void)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	poll(&p, 1, 10);
}

static void prepare(void)
{
	for (unsigned i = 0; i < STW_CARRIER_BATCH; i++) {
		out_iov[i] = (struct iovec){out_bytes[i], 0};
		in_iov[i] = (struct iovec){in_bytes[i], ANSWER - 1};
		out[i].msg_hdr = (struct msghdr){.msg_name = &peer,
						 .msg_namelen = sizeof(peer),
						 .msg_iov = &out_iov[i],
						 .msg_iovlen = 1};
		in[i].msg_hdr = (struct msghdr){.msg_iov = &in_iov[i], .msg_iovlen = 1};
	}
}

const struct stw_carrier *stw_carrier_by_socket(const char *from, const char *to)
{
	static const struct stw_carrier self = {room, push, flush, receive, wait_a_little};
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(STW_PHONES_PORT)};
	const int size = BUFFER;

	peer = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(STW_REGISTRAR_PORT)};
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (inet_pton(AF_INET, from, &own.sin_addr) != 1 ||
	    inet_pton(AF_INET, to, &peer.sin_addr) != 1 || fd < 0 ||
	    bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0) {
		perror("stw-bench-phones: socket");
		return NULL;
	}
	prepare();
	return &self;
}
