/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <strowger/ctl_proto.h>
#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/table/counted.h"
#include "dataplane/table/install.h"
#include "dataplane/table/listen.h"

#define SEALS	    (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define FDS_MAX	    8 /* a sender may attach more than we want; they are closed */
#define ACCEPTS_MAX 16

/* A message as it came, with its descriptors. */
struct received {
	union {
		struct stw_ctl_header h;
		struct stw_ctl_image image;
		struct stw_ctl_log log;
		struct stw_ctl_location location;
		struct stw_ctl_lanes lanes;
		uint8_t bytes[512];
	} m;
	size_t len;
	bool truncated;
	int fds[FDS_MAX];
	size_t n_fds;
};

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static uint64_t served_generation(const struct stw_install *x)
{
	return x->snapshots->tables ? stw_tables_generation(x->snapshots->tables) : 0;
}

/* --- towards control --- */

static int send_with_fds(int to, const void *bytes, size_t len, const int *fds, size_t n_fds)
{
	char control[CMSG_SPACE(2 * sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	if (n_fds) {
		struct cmsghdr *c;
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	return sendmsg(to, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len ? STW_OK : STW_EIO;
}

static int send_hello(const struct stw_install *x, int to)
{
	const int fds[2] = {x->stats_fd, x->image_fd};
	struct stw_ctl_hello hello = {
		.h = {.type = STW_CTL_HELLO, .version = STW_CTL_VERSION},
		.pid = (uint64_t)getpid(),
		.generation = served_generation(x),
		.has_image = x->image_fd >= 0,
		.n_lanes = x->stats->n_workers,
	};
	if (x->snapshots->tables)
		memcpy(hello.digest, stw_tables_digest(x->snapshots->tables), sizeof(hello.digest));
	return send_with_fds(to, &hello, sizeof(hello), fds, x->image_fd >= 0 ? 2 : 1);
}

/* Whoever is at the other end of the lanes is gone, or will be. Without memory for it they stay:
 * nobody reads what goes there, as nobody would read the sockets. */
static void leave_lanes(struct stw_install *x)
{
	if (x->snapshots->lanes && stw_snapshots_swap_lanes(x->snapshots, NULL) != STW_OK)
		stw_error("no memory to leave the lanes of a control that is gone");
}

static void leave_control(struct stw_install *x)
{
	close_fd(&x->control_fd);
	leave_lanes(x);
}

/* Control that does not take its answers is of no use: it may come again. */
static void send_result(struct stw_install *x, const struct stw_ctl_result *result)
{
	if (send_with_fds(x->control_fd, result, sizeof(*result), NULL, 0) == STW_OK)
		return;
	stw_warn("control does not take answers (%s), connection closed", strerror(errno));
	leave_control(x);
}

/* --- the newest control --- */

static bool may_control(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	if (who.uid == 0 || who.uid == geteuid())
		return true;
	stw_warn("control socket: refused process %d of user %u", who.pid, who.uid);
	return false;
}

static void adopt(struct stw_install *x, int fd)
{
	if (!may_control(fd) || send_hello(x, fd) != STW_OK) {
		close(fd);
		return;
	}
	if (x->control_fd >= 0)
		stw_info("a newer control replaces the one connected");
	else
		stw_info("control connected");
	leave_control(x);
	x->control_fd = fd;
	x->fresh = true;
}

bool stw_install_accept(struct stw_install *x)
{
	for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
		const int fd = accept4(x->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
		adopt(x, fd);
	}
	return true;
}

/* --- from control --- */

static void take_fds(struct received *r, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n;
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (n > FDS_MAX - r->n_fds)
			n = FDS_MAX - r->n_fds; /* cannot be: the buffer holds no more */
		memcpy(&r->fds[r->n_fds], CMSG_DATA(c), n * sizeof(int));
		r->n_fds += n;
	}
}

/* @return bytes received, 0 closed by the other end, negative: nothing now, or an error */
static ssize_t receive(int from, struct received *r)
{
	char control[CMSG_SPACE(FDS_MAX * sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov = {.iov_base = r->m.bytes, .iov_len = sizeof(r->m.bytes)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	const ssize_t n = recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	r->n_fds = 0;
	if (n < 0)
		return n;
	take_fds(r, &m);
	r->len = (size_t)n;
	r->truncated = m.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
	return n;
}

__attribute__((format(printf, 3, 4))) static int refuse(struct stw_ctl_result *out, int err,
							const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(out->reason, sizeof(out->reason), fmt, ap);
	va_end(ap);
	return err;
}

/* Nobody may change the bytes while, or after, they are checked. */
static int check_memfd(int fd, uint64_t size_bytes, struct stw_ctl_result *out)
{
	struct stat st;
	const int seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || (seals & SEALS) != SEALS)
		return refuse(out, STW_EMALFORMED,
			      "the image's memfd is not sealed against write, shrink and grow");
	if (fstat(fd, &st) < 0 || st.st_size <= 0 || (uint64_t)st.st_size != size_bytes)
		return refuse(out, STW_EMALFORMED,
			      "the message says %llu bytes, the memfd has %lld",
			      (unsigned long long)size_bytes, (long long)st.st_size);
	if (size_bytes > STW_INSTALL_IMAGE_MAX)
		return refuse(out, STW_ERANGE, "image of %llu bytes, at most %u are taken",
			      (unsigned long long)size_bytes, STW_INSTALL_IMAGE_MAX);
	return STW_OK;
}

static int check_image(int fd, const struct stw_ctl_image *msg, struct stw_ctl_result *out,
		       struct stw_tables **tables)
{
	void *bytes;
	int err = check_memfd(fd, msg->size_bytes, out);
	if (err != STW_OK)
		return err;
	bytes = mmap(NULL, msg->size_bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return refuse(out, STW_EIO, "map the image: %s", strerror(errno));
	err = stw_tables_new(bytes, msg->size_bytes, out->reason, sizeof(out->reason), tables);
	munmap(bytes, msg->size_bytes);
	if (err != STW_OK)
		return err;
	if (stw_tables_generation(*tables) != msg->generation) {
		const uint64_t inside = stw_tables_generation(*tables);
		stw_tables_free(*tables);
		return refuse(out, STW_EMALFORMED,
			      "the message says generation %llu, the image %llu",
			      (unsigned long long)msg->generation, (unsigned long long)inside);
	}
	return STW_OK;
}

/* Told again, to be sure, by a control that has just connected. */
static bool is_resend(const struct stw_install *x, bool fresh, const struct stw_tables *tables)
{
	const struct stw_tables *served = x->snapshots->tables;
	return fresh && served && stw_tables_generation(tables) == stw_tables_generation(served) &&
	       memcmp(stw_tables_digest(tables), stw_tables_digest(served), 32) == 0;
}

static int publish(struct stw_install *x, struct stw_tables *tables, int fd,
		   struct stw_ctl_result *out)
{
	int err;
	stw_counted_listeners(x->stats, tables);
	err = stw_snapshots_swap_tables(x->snapshots, tables, &out->swap_ns);
	if (err != STW_OK)
		return refuse(out, err, "%s", stw_err_text(err));
	close_fd(&x->image_fd);
	x->image_fd = fd;
	atomic_store_explicit(&x->stats->generation, out->generation, memory_order_relaxed);
	atomic_store_explicit(&x->stats->swap_ns, out->swap_ns, memory_order_relaxed);
	return STW_OK;
}

/* On STW_OK with *swapped the descriptor is ours to keep. */
static int install(struct stw_install *x, const struct stw_ctl_image *msg, int fd, bool *swapped,
		   struct stw_ctl_result *out)
{
	const bool fresh = x->fresh;
	const uint64_t served = served_generation(x);
	const uint64_t start = now_ns();
	struct stw_tables *tables = NULL;
	int err;
	x->fresh = false;
	if (msg->generation < served || msg->generation == 0 ||
	    (msg->generation == served && !fresh))
		return refuse(out, STW_ESTALE, "generation %llu is not above %llu, being served",
			      (unsigned long long)msg->generation, (unsigned long long)served);
	err = check_image(fd, msg, out, &tables);
	out->check_ns = now_ns() - start;
	if (err != STW_OK)
		return err;
	if (msg->generation > served) {
		err = publish(x, tables, fd, out);
		*swapped = err == STW_OK;
	} else if (!is_resend(x, fresh, tables)) {
		err = refuse(out, STW_ESTALE, "generation %llu is being served with other content",
			     (unsigned long long)served);
	}
	if (!*swapped)
		stw_tables_free(tables);
	return err;
}

static int check_message(const struct received *r, struct stw_ctl_result *out)
{
	if (r->truncated || r->len < sizeof(r->m.h))
		return refuse(out, STW_EMALFORMED, "message of a wrong length");
	if (r->m.h.version != STW_CTL_VERSION)
		return refuse(out, STW_EVERSION, "control protocol version %u, this end speaks %u",
			      r->m.h.version, STW_CTL_VERSION);
	if (r->m.h.type != STW_CTL_IMAGE)
		return refuse(out, STW_EMALFORMED, "message type %u is not for the data plane",
			      r->m.h.type);
	if (r->len != sizeof(r->m.image))
		return refuse(out, STW_EMALFORMED, "IMAGE of %zu bytes, should have %zu", r->len,
			      sizeof(r->m.image));
	out->generation = r->m.image.generation;
	if (r->n_fds != 1)
		return refuse(out, STW_EMALFORMED, "IMAGE with %zu descriptors, should have 1",
			      r->n_fds);
	return STW_OK;
}

static void tell(struct stw_install *x, const struct stw_ctl_result *out, bool swapped)
{
	if (out->err != STW_OK)
		stw_warn("tables refused: generation %llu: %s (%s); what was served goes on",
			 (unsigned long long)out->generation, out->reason, stw_err_text(out->err));
	else if (swapped)
		stw_info("serving generation %llu: checked in %llu us, swapped in %llu us",
			 (unsigned long long)out->generation,
			 (unsigned long long)(out->check_ns / 1000),
			 (unsigned long long)(out->swap_ns / 1000));
	send_result(x, out);
}

/* @return true when it was one, good or not. */
static bool take_log(const struct received *r)
{
	const struct stw_ctl_log *m = &r->m.log;
	if (r->truncated || r->len != sizeof(*m) || m->h.version != STW_CTL_VERSION ||
	    m->h.type != STW_CTL_LOG || r->n_fds != 0)
		return false;
	if (m->level > STW_LOG_DEBUG || m->format > STW_LOG_JSON) {
		stw_warn("control asked for an unknown log level or form: ignored");
		return true;
	}
	stw_log_set_level((enum stw_log_level)m->level);
	stw_log_set_format((enum stw_log_format)m->format);
	return true;
}

/* What is wrong with a table that control offers; NULL: it is served. */
static const char *serve_location(struct stw_install *x, int fd)
{
	const int seals = fcntl(fd, F_GET_SEALS), needed = F_SEAL_SHRINK | F_SEAL_GROW;
	struct stw_location_map map;
	if (seals < 0 || (seals & needed) != needed)
		return "its memfd is not sealed against shrinking and growing";
	if (stw_location_map(fd, &map) != STW_OK)
		return "it is none, or of another version";
	if (stw_snapshots_swap_location(x->snapshots, &map) == STW_OK)
		return NULL;
	stw_location_unmap(&map);
	return "no memory";
}

/* @return true when it was one, good or not. */
static bool take_location(struct stw_install *x, const struct received *r)
{
	const struct stw_ctl_location *m = &r->m.location;
	if (r->truncated || r->len != sizeof(*m) || m->h.version != STW_CTL_VERSION ||
	    m->h.type != STW_CTL_LOCATION || r->n_fds != (m->has_table ? 1u : 0u))
		return false;
	if (!m->has_table) {
		if (x->snapshots->location)
			stw_snapshots_swap_location(x->snapshots, NULL);
		return true;
	}
	const char *why = serve_location(x, r->fds[0]);
	if (why)
		stw_warn("location table refused: %s; users are located as before", why);
	else
		stw_info("users are located by a table of control's: %llu users, %llu bindings",
			 (unsigned long long)atomic_load(&x->snapshots->location->header->users),
			 (unsigned long long)atomic_load(
				 &x->snapshots->location->header->bindings));
	close(r->fds[0]);
	return true;
}

/* What is wrong with lanes that control offers; NULL: they are served. */
static const char *serve_lanes(struct stw_install *x, const struct received *r)
{
	struct stw_lanes *lanes;
	const char *why;
	if (r->m.lanes.n != x->stats->n_workers)
		return "they are not one for each worker";
	if (stw_lanes_map(r->fds[0], r->fds[1], r->m.lanes.n, &lanes, &why) != STW_OK)
		return why;
	if (stw_snapshots_swap_lanes(x->snapshots, lanes) == STW_OK)
		return NULL;
	lanes->doorbell = -1; /* closed with the message's */
	stw_lanes_free(lanes);
	return "no memory";
}

/* @return true when it was one, good or not. */
static bool take_lanes(struct stw_install *x, const struct received *r)
{
	const struct stw_ctl_lanes *m = &r->m.lanes;
	if (r->truncated || r->len != sizeof(*m) || m->h.version != STW_CTL_VERSION ||
	    m->h.type != STW_CTL_LANES || r->n_fds != 2)
		return false;
	const char *why = serve_lanes(x, r);
	if (why)
		stw_warn("lanes refused: %s; control is reached by the kernel sides", why);
	else
		stw_info("control is reached by %u lanes in its memory", m->n);
	close(r->fds[0]);
	if (why)
		close(r->fds[1]);
	return true;
}

bool stw_install_read(struct stw_install *x)
{
	struct stw_ctl_result out = {.h = {.type = STW_CTL_RESULT, .version = STW_CTL_VERSION}};
	struct received r;
	bool swapped = false;
	const ssize_t n = receive(x->control_fd, &r);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0 && r.n_fds == 0) {
		stw_info("control disconnected; serving goes on");
		leave_control(x);
		return false;
	}
	if (take_log(&r) || take_location(x, &r) || take_lanes(x, &r))
		return false;
	out.err = check_message(&r, &out);
	if (out.err == STW_OK)
		out.err = install(x, &r.m.image, r.fds[0], &swapped, &out);
	for (size_t i = swapped ? 1 : 0; i < r.n_fds; i++)
		close(r.fds[i]);
	tell(x, &out, swapped);
	return swapped;
}

int stw_install_open(struct stw_install *x, const char *path, struct stw_snapshots *snapshots,
		     struct stw_stats *stats, int stats_fd)
{
	*x = (struct stw_install){.snapshots = snapshots,
				  .stats = stats,
				  .stats_fd = stats_fd,
				  .listen_fd = -1,
				  .control_fd = -1,
				  .image_fd = -1};
	snprintf(x->path, sizeof(x->path), "%s", path);
	return stw_listen_open(path, &x->listen_fd, &x->identity);
}

void stw_install_close(struct stw_install *x)
{
	if (x->listen_fd >= 0)
		stw_listen_remove(x->path, &x->identity);
	close_fd(&x->listen_fd);
	close_fd(&x->control_fd);
	close_fd(&x->image_fd);
}
