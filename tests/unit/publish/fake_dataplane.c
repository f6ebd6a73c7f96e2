/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/publish/fake_dataplane.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/table_image.h>

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fake data plane: %s: %s\n", what, strerror(errno));
	abort();
}

static void make_stats(struct fake *f, uint32_t n_workers)
{
	uint64_t workers = (sizeof(struct stw_stats) + 63) / 64 * 64;
	uint64_t rules = workers + n_workers * sizeof(struct stw_stats_worker);
	uint64_t members = rules + n_workers * sizeof(struct stw_stats_rules);
	uint64_t stages = members + n_workers * sizeof(struct stw_stats_members);
	const struct stw_flight_shape shape = {.n = 16, .n_errors = 8, .text_bytes = 512};
	uint64_t listeners = stages + n_workers * sizeof(struct stw_stats_stages);
	uint64_t records = listeners + n_workers * sizeof(struct stw_stats_listeners);
	uint64_t size = records + n_workers * stw_flight_worker_bytes(&shape);
	static uint64_t next_pid = 1000;

	f->stats_fd = memfd_create("fake-stats", MFD_CLOEXEC);
	must(f->stats_fd >= 0 && ftruncate(f->stats_fd, (off_t)size) == 0, "stats");
	f->stats = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->stats_fd, 0);
	must(f->stats != MAP_FAILED, "stats");
	f->stats->magic = STW_STATS_MAGIC;
	f->stats->version = STW_STATS_VERSION;
	f->stats->size_bytes = size;
	f->stats->n_workers = n_workers;
	f->stats->n_counters = STW_N_COUNTERS;
	f->stats->n_member_counters = STW_N_MEMBER_COUNTERS;
	f->stats->pid = next_pid++;
	f->stats->started_unix_s = 1700000000;
	f->stats->tsc_hz = 1000000000;
	f->stats->workers_offset = workers;
	f->stats->rules_offset = rules;
	f->stats->members_offset = members;
	f->stats->stages_offset = stages;
	f->stats->listeners_offset = listeners;
	f->stats->records_offset = records;
	f->stats->record_shape = shape;
	snprintf(f->stats->version_text, sizeof(f->stats->version_text), "fake");
	for (uint32_t i = 0; i < n_workers; i++)
		stw_stats_worker(f->stats, i)->core = i;
}

static void drop_stats(struct fake *f)
{
	munmap(f->stats, f->stats->size_bytes);
	close(f->stats_fd);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void fake_start(struct fake *f, const char *path, uint32_t n_workers)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	*f = (struct fake){.fd = -1, .image_fd = -1, .offered_fd = -1, .greets = true};
	f->version = STW_CTL_VERSION;
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	make_stats(f, n_workers);
	f->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(f->listen_fd >= 0, "socket");
	unlink(path);
	must(bind(f->listen_fd, (struct sockaddr *)&sun, sizeof(sun)) == 0, path);
	must(listen(f->listen_fd, 4) == 0, "listen");
}

static void send_message(struct fake *f, void *bytes, size_t len, const int *fds, size_t n_fds)
{
	union {
		char bytes[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = bytes, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (n_fds) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	/* Control may have gone; that is its business. */
	(void)!sendmsg(f->fd, &msg, MSG_NOSIGNAL);
}

static void greet(struct fake *f)
{
	struct stw_ctl_hello m = {
		.h = {.type = STW_CTL_HELLO, .version = f->version},
		.pid = f->stats->pid,
		.generation = f->generation,
		.has_image = f->image_fd >= 0,
	};
	const int fds[2] = {f->stats_fd, f->image_fd};
	memcpy(m.digest, f->digest, sizeof(m.digest));
	send_message(f, &m, sizeof(m), fds, m.has_image ? 2 : 1);
}

static bool take_connection(struct fake *f)
{
	int fd = accept4(f->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return false;
	close_fd(&f->fd);
	close_fd(&f->offered_fd);
	f->fd = fd;
	f->n_connections++;
	if (f->greets)
		greet(f);
	return true;
}

/* @return length, 0 when control closed, -1 when nothing is there */
static ssize_t receive(struct fake *f, struct stw_ctl_image *m, int *passed)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = m, .iov_len = sizeof(*m)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(f->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	*passed = -1;
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(passed, CMSG_DATA(c), sizeof(int));
	return n;
}

static bool image_is_good(const struct stw_ctl_image *m, int fd)
{
	struct stat st;
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	return m->h.type == STW_CTL_IMAGE && m->h.version == STW_CTL_VERSION && fd >= 0 &&
	       fstat(fd, &st) == 0 && (uint64_t)st.st_size == m->size_bytes &&
	       (fcntl(fd, F_GET_SEALS) & seals) == seals;
}

/* A real image tells its digest; a test's own ends in it. */
static void read_digest(struct fake *f)
{
	struct stat st;
	struct stw_image_header h = {0};
	must(fstat(f->image_fd, &st) == 0 && st.st_size >= 32, "image");
	must(pread(f->image_fd, f->digest, 32, st.st_size - 32) == 32, "image");
	if (pread(f->image_fd, &h, sizeof(h), 0) == sizeof(h) && h.magic == STW_IMAGE_MAGIC)
		memcpy(f->digest, h.digest, sizeof(f->digest));
}

static void serve(struct fake *f)
{
	close_fd(&f->image_fd);
	f->image_fd = f->offered_fd;
	f->offered_fd = -1;
	f->generation = f->offered_generation;
	read_digest(f);
	atomic_store_explicit(&f->stats->generation, f->generation, memory_order_relaxed);
}

void fake_answer(struct fake *f, int err, const char *reason)
{
	struct stw_ctl_result m = {
		.h = {.type = STW_CTL_RESULT, .version = f->version},
		.generation = f->offered_generation,
		.err = err,
		.check_ns = 3000,
		.swap_ns = 5000,
	};
	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	if (err == STW_OK)
		serve(f);
	else
		close_fd(&f->offered_fd);
	send_message(f, &m, sizeof(m), NULL, 0);
}

static void answer_as_told(struct fake *f)
{
	switch (f->mode) {
	case FAKE_ACCEPTS: fake_answer(f, STW_OK, ""); break;
	case FAKE_REFUSES: fake_answer(f, STW_EBOUNDS, "pools, row 0: told to refuse"); break;
	case FAKE_WAITS: break;
	case FAKE_TAKES_AND_DIES:
		serve(f);
		fake_hang_up(f);
		break;
	}
}

static bool take_image(struct fake *f)
{
	struct stw_ctl_image m;
	int passed;
	ssize_t n = f->fd >= 0 ? receive(f, &m, &passed) : -1;
	if (n < 0)
		return false;
	if (n == 0) {
		fake_hang_up(f);
		return true;
	}
	if (n == sizeof(struct stw_ctl_location) && m.h.type == STW_CTL_LOCATION) {
		f->n_locations++;
		f->has_location = passed >= 0;
		close_fd(&passed);
		return true;
	}
	if (n == sizeof(struct stw_ctl_log) && m.h.type == STW_CTL_LOG)
		return true; /* it has no log */
	if (f->offered_fd >= 0 || (size_t)n != sizeof(m) || !image_is_good(&m, passed))
		f->bad_image = true;
	close_fd(&f->offered_fd);
	f->offered_fd = passed;
	f->offered_generation = m.generation;
	f->n_images++;
	if (m.generation <= f->generation)
		fake_answer(f, STW_ESTALE, "generation");
	else
		answer_as_told(f);
	return true;
}

bool fake_turn(struct fake *f)
{
	bool connected = take_connection(f);
	return take_image(f) || connected;
}

void fake_hang_up(struct fake *f)
{
	close_fd(&f->fd);
	close_fd(&f->offered_fd);
}

void fake_restart(struct fake *f)
{
	uint32_t n_workers = f->stats->n_workers;
	fake_hang_up(f);
	close_fd(&f->image_fd);
	f->generation = 0;
	memset(f->digest, 0, sizeof(f->digest));
	drop_stats(f);
	make_stats(f, n_workers);
}

void fake_stop(struct fake *f)
{
	fake_hang_up(f);
	close_fd(&f->image_fd);
	close_fd(&f->listen_fd);
	drop_stats(f);
	unlink(f->path);
}
