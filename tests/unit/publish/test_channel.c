/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of every wrong shape on a socketpair: refused, and no descriptor is left open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <strowger/errors.h>

#include "control/publish/channel.h"

struct pair {
	int here;
	int there;
};

static int set_up(void **state)
{
	static struct pair p;
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	p = (struct pair){.here = fds[0], .there = fds[1]};
	*state = &p;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *p = *state;
	close(p->here);
	if (p->there >= 0)
		close(p->there);
	return 0;
}

/* Sends @len bytes with @n_fds copies of a descriptor. */
static void send_raw(int fd, const void *bytes, size_t len, size_t n_fds)
{
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (n_fds) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		for (size_t i = 0; i < n_fds; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(int));
	}
	assert_int_equal(sendmsg(fd, &msg, 0), (ssize_t)len);
}

/* The lowest free descriptor: grows when one is left open. */
static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
	return fd;
}

static struct stw_ctl_hello hello(bool has_image)
{
	return (struct stw_ctl_hello){.h = {STW_CTL_HELLO, STW_CTL_VERSION},
				      .pid = 7,
				      .generation = 3,
				      .has_image = has_image};
}

static void hello_brings_its_descriptors(void **state)
{
	struct pair *p = *state;
	struct stw_channel_message m;
	struct stw_ctl_hello h = hello(true);
	send_raw(p->there, &h, sizeof(h), 2);
	assert_int_equal(stw_channel_receive(p->here, &m), STW_OK);
	assert_int_equal(m.header.type, STW_CTL_HELLO);
	assert_int_equal(m.hello.generation, 3);
	assert_true(m.fds[0] >= 0 && m.fds[1] >= 0);
	assert_true(fcntl(m.fds[0], F_GETFD) & FD_CLOEXEC);
	stw_channel_close_fds(&m);
	assert_int_equal(m.fds[0], -1);

	h = hello(false);
	send_raw(p->there, &h, sizeof(h), 1);
	assert_int_equal(stw_channel_receive(p->here, &m), STW_OK);
	assert_true(m.fds[0] >= 0);
	assert_int_equal(m.fds[1], -1);
	stw_channel_close_fds(&m);
}

static void wrong_descriptors_are_refused_and_closed(void **state)
{
	struct pair *p = *state;
	static const struct {
		bool has_image;
		size_t n_fds;
	} rows[] = {{true, 0}, {true, 1}, {true, 3}, {true, 8}, {false, 0}, {false, 2}};
	int before = lowest_free();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stw_channel_message m;
		struct stw_ctl_hello h = hello(rows[i].has_image);
		send_raw(p->there, &h, sizeof(h), rows[i].n_fds);
		assert_int_equal(stw_channel_receive(p->here, &m), STW_EMALFORMED);
		assert_int_equal(lowest_free(), before);
	}
}

static void wrong_lengths_are_refused(void **state)
{
	struct pair *p = *state;
	char bytes[1024] = {0};
	struct stw_ctl_hello h = hello(false);
	memcpy(bytes, &h, sizeof(h));
	int before = lowest_free();
	for (size_t len = 1; len < sizeof(bytes); len++) {
		struct stw_channel_message m;
		if (len == sizeof(h))
			continue;
		send_raw(p->there, bytes, len, 1);
		assert_int_equal(stw_channel_receive(p->here, &m), STW_EMALFORMED);
	}
	assert_int_equal(lowest_free(), before);
}

static void unknown_types_and_versions_are_refused(void **state)
{
	struct pair *p = *state;
	struct stw_channel_message m;
	struct stw_ctl_hello h = hello(false);
	h.h.version = STW_CTL_VERSION + 1;
	send_raw(p->there, &h, sizeof(h), 1);
	assert_int_equal(stw_channel_receive(p->here, &m), STW_EVERSION);
	h = hello(false);
	h.h.type = 99;
	send_raw(p->there, &h, sizeof(h), 1);
	assert_int_equal(stw_channel_receive(p->here, &m), STW_EMALFORMED);
	h.h.type = STW_CTL_IMAGE; /* ours to send, not to receive */
	send_raw(p->there, &h, sizeof(struct stw_ctl_image), 1);
	assert_int_equal(stw_channel_receive(p->here, &m), STW_EMALFORMED);
}

static void reason_without_an_end_is_ended(void **state)
{
	struct pair *p = *state;
	struct stw_channel_message m;
	struct stw_ctl_result r = {.h = {STW_CTL_RESULT, STW_CTL_VERSION}, .generation = 5};
	memset(r.reason, 'x', sizeof(r.reason));
	send_raw(p->there, &r, sizeof(r), 0);
	assert_int_equal(stw_channel_receive(p->here, &m), STW_OK);
	assert_int_equal(strlen(m.result.reason), sizeof(r.reason) - 1);
}

static void empty_and_closed_are_told_apart(void **state)
{
	struct pair *p = *state;
	struct stw_channel_message m;
	assert_int_equal(stw_channel_receive(p->here, &m), STW_EAGAIN);
	close(p->there);
	p->there = -1;
	assert_int_equal(stw_channel_receive(p->here, &m), STW_ENOENT);
}

static void image_travels_in_a_sealed_memfd(void **state)
{
	struct pair *p = *state;
	static const char text[] = "an image";
	struct stw_ctl_image m;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = &m, .iov_len = sizeof(m)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	int before = lowest_free();
	assert_int_equal(stw_channel_send_image(p->here, 12, text, sizeof(text)), STW_OK);
	assert_int_equal(lowest_free(), before);
	assert_int_equal(recvmsg(p->there, &msg, MSG_CMSG_CLOEXEC), sizeof(m));
	assert_int_equal(m.h.type, STW_CTL_IMAGE);
	assert_int_equal(m.generation, 12);
	assert_int_equal(m.size_bytes, sizeof(text));

	int fd;
	char back[sizeof(text)];
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	assert_int_equal(pread(fd, back, sizeof(back), 0), sizeof(text));
	assert_memory_equal(back, text, sizeof(text));
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 1), -1);
	close(fd);
}

static void send_to_nobody_is_an_error(void **state)
{
	struct pair *p = *state;
	close(p->there);
	p->there = -1;
	assert_int_equal(stw_channel_send_image(p->here, 1, "x", 1), STW_EIO);
}

static void connect_tells_why_not(void **state)
{
	(void)state;
	char path[256];
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(stw_channel_connect(path), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(stw_channel_connect("/proc/nowhere/dp.sock"), -1);
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(hello_brings_its_descriptors),
		CASE(wrong_descriptors_are_refused_and_closed),
		CASE(wrong_lengths_are_refused),
		CASE(unknown_types_and_versions_are_refused),
		CASE(reason_without_an_end_is_ended),
		CASE(empty_and_closed_are_told_apart),
		CASE(image_travels_in_a_sealed_memfd),
		CASE(send_to_nobody_is_an_error),
		CASE(connect_tells_why_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
