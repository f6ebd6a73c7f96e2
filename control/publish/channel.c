/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/publish/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <strowger/errors.h>

int stw_channel_connect(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	if (len >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, len + 1);

	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	int err = errno;
	close(fd);
	errno = err;
	return -1;
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* Collects the descriptors of @msg; more than @max, or a truncated list, is a broken message. */
static int take_fds(struct msghdr *msg, int *fds, size_t max, size_t *n_fds)
{
	size_t n = 0;
	bool bad = (msg->msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < here; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (n < max) {
				fds[n++] = fd;
			} else {
				close(fd);
				bad = true;
			}
		}
	}
	if (bad) {
		close_all(fds, n);
		return STW_EMALFORMED;
	}
	*n_fds = n;
	return STW_OK;
}

/* Length and descriptors each type must have. */
static int check_shape(const struct stw_channel_message *m, size_t len, size_t n_fds)
{
	if (len < sizeof(m->header))
		return STW_EMALFORMED;
	if (m->header.version != STW_CTL_VERSION)
		return STW_EVERSION;
	switch (m->header.type) {
	case STW_CTL_HELLO:
		if (len != sizeof(m->hello) || n_fds != (m->hello.has_image ? 2u : 1u))
			return STW_EMALFORMED;
		return STW_OK;
	case STW_CTL_RESULT:
		return len == sizeof(m->result) && n_fds == 0 ? STW_OK : STW_EMALFORMED;
	default: return STW_EMALFORMED;
	}
}

/* @return length received, or STW_EAGAIN, STW_ENOENT, STW_EIO */
static ssize_t receive(int fd, struct msghdr *msg)
{
	ssize_t len;
	do {
		len = recvmsg(fd, msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? STW_EAGAIN : STW_EIO;
	return len == 0 ? STW_ENOENT : len;
}

int stw_channel_receive(int fd, struct stw_channel_message *out)
{
	struct stw_channel_message m = {.fds = {-1, -1}};
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = &m.hello,
			    .iov_len = offsetof(struct stw_channel_message, fds)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	size_t n_fds = 0;
	ssize_t len = receive(fd, &msg);
	if (len < 0)
		return (int)len;
	int err = take_fds(&msg, m.fds, STW_CHANNEL_FDS, &n_fds);
	if (err)
		return err;
	err = check_shape(&m, (size_t)len, n_fds);
	if (err) {
		close_all(m.fds, n_fds);
		return err;
	}
	if (m.header.type == STW_CTL_RESULT)
		m.result.reason[sizeof(m.result.reason) - 1] = '\0';
	*out = m;
	return STW_OK;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return STW_ENOMEM;
		bytes += n;
		len -= (size_t)n;
	}
	return STW_OK;
}

/* Sealed, so that the installer may check the bytes once and know that they stay. */
static int sealed_memfd(const void *bytes, size_t len)
{
	int fd = memfd_create("strowger-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	if (write_all(fd, bytes, len) == STW_OK &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
		return fd;
	close(fd);
	return -1;
}

static int send_with_fds(int sock, const void *bytes, size_t len, const int *fds, size_t n_fds)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = CMSG_SPACE(n_fds * sizeof(int)),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));

	ssize_t n;
	do {
		n = sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? STW_EAGAIN : STW_EIO;
	return (size_t)n == len ? STW_OK : STW_EIO;
}

int stw_channel_send_image(int fd, uint64_t generation, const void *bytes, size_t size_bytes)
{
	int memfd = sealed_memfd(bytes, size_bytes);
	if (memfd < 0)
		return STW_ENOMEM;
	struct stw_ctl_image m = {
		.h = {.type = STW_CTL_IMAGE, .version = STW_CTL_VERSION},
		.generation = generation,
		.size_bytes = size_bytes,
	};
	int err = send_with_fds(fd, &m, sizeof(m), &memfd, 1);
	close(memfd);
	return err;
}

int stw_channel_send_log(int fd, enum stw_log_level level, enum stw_log_format format)
{
	const struct stw_ctl_log m = {
		.h = {.type = STW_CTL_LOG, .version = STW_CTL_VERSION},
		.level = (uint32_t)level,
		.format = (uint32_t)format,
	};
	ssize_t n = send(fd, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? STW_EAGAIN : STW_EIO;
	return STW_OK;
}

int stw_channel_send_location(int fd, int table_fd)
{
	struct stw_ctl_location m = {
		.h = {.type = STW_CTL_LOCATION, .version = STW_CTL_VERSION},
		.has_table = table_fd >= 0,
	};
	if (table_fd >= 0)
		return send_with_fds(fd, &m, sizeof(m), &table_fd, 1);
	ssize_t n = send(fd, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? STW_EAGAIN : STW_EIO;
	return STW_OK;
}

int stw_channel_send_lanes(int fd, uint32_t n, int memory, int doorbell)
{
	const int fds[2] = {memory, doorbell};
	const struct stw_ctl_lanes m = {
		.h = {.type = STW_CTL_LANES, .version = STW_CTL_VERSION},
		.n = n,
	};
	return send_with_fds(fd, &m, sizeof(m), fds, 2);
}

void stw_channel_close_fds(struct stw_channel_message *m)
{
	for (size_t i = 0; i < STW_CHANNEL_FDS; i++) {
		if (m->fds[i] >= 0)
			close(m->fds[i]);
		m->fds[i] = -1;
	}
}
