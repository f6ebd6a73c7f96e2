/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * The control socket of the data plane: what it says first, what it takes, what it refuses and what
 * goes on being served then. The test is control, and calls the installer's side by hand.
 */

#include "tests/unit/dataplane/farm_tables.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <strowger/ctl_proto.h>
#include <strowger/log.h>

#include "dataplane/table/install.h"
#include "tests/support/lanes.h"

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

struct fixture {
	char dir[64];
	char path[96];
	struct stw_snapshots snapshots;
	struct stw_stats *stats;
	int stats_fd;
	struct stw_install install;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	snprintf(f->dir, sizeof(f->dir), "/tmp/strowger-install-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/run/control.sock", f->dir);
	f->stats_fd = memfd_create("stats", MFD_CLOEXEC);
	f->stats = calloc(1, sizeof(*f->stats));
	if (f->stats_fd < 0 || !f->stats || stw_snapshots_init(&f->snapshots) != STW_OK ||
	    stw_install_open(&f->install, f->path, &f->snapshots, f->stats, f->stats_fd) != STW_OK)
		return -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char run[80];
	int left;
	stw_install_close(&f->install);
	stw_snapshots_fini(&f->snapshots);
	close(f->stats_fd);
	snprintf(run, sizeof(run), "%s/run", f->dir);
	/* Fails when anything was left in them. */
	left = rmdir(run) < 0 || rmdir(f->dir) < 0;
	free(f->stats);
	free(f);
	return left ? -1 : 0;
}

/* --- control's end --- */

static int dial(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* @return bytes; descriptors in @fds [2], -1 where none came */
static ssize_t hear(int from, void *bytes, size_t room, int fds[2])
{
	char control[CMSG_SPACE(2 * sizeof(int))] __attribute__((aligned(8)));
	struct iovec iov = {.iov_base = bytes, .iov_len = room};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	const ssize_t n = recvmsg(from, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	fds[0] = -1;
	fds[1] = -1;
	if (c)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return n;
}

static struct stw_ctl_hello hear_hello(int from, int fds[2])
{
	struct stw_ctl_hello hello;
	assert_int_equal(hear(from, &hello, sizeof(hello), fds), sizeof(hello));
	assert_int_equal(hello.h.type, STW_CTL_HELLO);
	assert_int_equal(hello.h.version, STW_CTL_VERSION);
	assert_int_equal(hello.pid, getpid());
	return hello;
}

static struct stw_ctl_result hear_result(int from)
{
	struct stw_ctl_result result;
	int fds[2];
	assert_int_equal(hear(from, &result, sizeof(result), fds), sizeof(result));
	assert_int_equal(result.h.type, STW_CTL_RESULT);
	assert_int_equal(result.h.version, STW_CTL_VERSION);
	assert_non_null(memchr(result.reason, '\0', sizeof(result.reason)));
	return result;
}

static void close_two(const int fds[2])
{
	for (unsigned i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Connect and get past HELLO. */
static int join(struct fixture *f)
{
	int fds[2];
	const int fd = dial(f->path);
	assert_true(fd >= 0);
	stw_install_accept(&f->install);
	hear_hello(fd, fds);
	close_two(fds);
	return fd;
}

static void say(int to, const void *bytes, size_t len, const int *fds, size_t n_fds)
{
	char control[CMSG_SPACE(16 * sizeof(int))] __attribute__((aligned(8))) = {0};
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
	assert_int_equal(sendmsg(to, &m, MSG_NOSIGNAL), len);
}

static int memfd_of(const void *bytes, size_t size, int seals)
{
	const int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static struct stw_ctl_image image_message(uint64_t generation, uint64_t size_bytes)
{
	return (struct stw_ctl_image){.h = {.type = STW_CTL_IMAGE, .version = STW_CTL_VERSION},
				      .generation = generation,
				      .size_bytes = size_bytes};
}

/* Say IMAGE with @fd, which is closed, and return the answer. */
static struct stw_ctl_result offer(struct fixture *f, int control, struct stw_ctl_image m, int fd)
{
	say(control, &m, sizeof(m), &fd, 1);
	close(fd);
	stw_install_read(&f->install);
	return hear_result(control);
}

static struct stw_ctl_result offer_bytes(struct fixture *f, int control, uint64_t generation,
					 const void *bytes, size_t size)
{
	return offer(f, control, image_message(generation, size), memfd_of(bytes, size, ALL_SEALS));
}

static struct stw_ctl_result offer_farm(struct fixture *f, int control, uint64_t generation)
{
	struct stw_image image = farm_image(generation);
	const struct stw_ctl_result r =
		offer_bytes(f, control, generation, image.bytes, image.size_bytes);
	stw_image_fini(&image);
	return r;
}

static uint64_t served(const struct fixture *f)
{
	const struct stw_tables *t = stw_snapshot_rcu(&f->snapshots)->tables;
	return t ? stw_tables_generation(t) : 0;
}

static size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* --- what it says first --- */

static void hello_before_the_first_image_has_only_stats(void **state)
{
	struct fixture *f = *state;
	struct stat ours;
	struct stat theirs;
	int fds[2];
	const int control = dial(f->path);
	struct stw_ctl_hello hello;
	stw_install_accept(&f->install);
	hello = hear_hello(control, fds);
	assert_int_equal(hello.generation, 0);
	assert_int_equal(hello.has_image, 0);
	assert_true(fds[0] >= 0);
	assert_int_equal(fds[1], -1);
	fstat(f->stats_fd, &ours);
	fstat(fds[0], &theirs);
	assert_int_equal(ours.st_ino, theirs.st_ino);
	close_two(fds);
	close(control);
}

static void hello_carries_the_image_being_served(void **state)
{
	struct fixture *f = *state;
	struct stw_image image = farm_image(5);
	struct stw_ctl_hello hello;
	int fds[2];
	int control = join(f);
	void *bytes;
	assert_int_equal(offer_farm(f, control, 5).err, STW_OK);
	close(control);
	control = dial(f->path);
	stw_install_accept(&f->install);
	hello = hear_hello(control, fds);
	assert_int_equal(hello.generation, 5);
	assert_int_equal(hello.has_image, 1);
	assert_memory_equal(hello.digest, image.digest, 32);
	bytes = mmap(NULL, image.size_bytes, PROT_READ, MAP_SHARED, fds[1], 0);
	assert_ptr_not_equal(bytes, MAP_FAILED);
	assert_memory_equal(bytes, image.bytes, image.size_bytes);
	munmap(bytes, image.size_bytes);
	close_two(fds);
	close(control);
	stw_image_fini(&image);
}

/* --- what it takes --- */

static void image_is_served_and_acknowledged(void **state)
{
	struct fixture *f = *state;
	const int control = join(f);
	struct stw_ctl_result r = offer_farm(f, control, 7);
	assert_int_equal(r.err, STW_OK);
	assert_int_equal(r.generation, 7);
	assert_string_equal(r.reason, "");
	assert_true(r.check_ns > 0);
	assert_int_equal(served(f), 7);
	assert_int_equal(f->stats->generation, 7);
	assert_int_equal(f->stats->swap_ns, r.swap_ns);
	r = offer_farm(f, control, 8);
	assert_int_equal(r.err, STW_OK);
	assert_int_equal(served(f), 8);
	close(control);
}

static void resend_after_hello_is_acknowledged_without_a_swap(void **state)
{
	struct fixture *f = *state;
	int control = join(f);
	assert_int_equal(offer_farm(f, control, 7).err, STW_OK);
	assert_int_equal(offer_farm(f, control, 7).err, STW_ESTALE);
	close(control);
	control = join(f);
	assert_int_equal(offer_farm(f, control, 7).err, STW_OK);
	assert_int_equal(f->snapshots.n_swaps, 1);
	assert_int_equal(offer_farm(f, control, 7).err, STW_ESTALE);
	close(control);
}

/* --- what it refuses --- */

static void assert_refused(struct fixture *f, struct stw_ctl_result r, int err, const char *words)
{
	assert_int_equal(r.err, err);
	if (!strstr(r.reason, words))
		fail_msg("reason \"%s\" does not say \"%s\"", r.reason, words);
	assert_int_equal(served(f), 10);
	assert_int_equal(f->stats->generation, 10);
	assert_int_equal(f->snapshots.n_swaps, 1);
}

/* Connected, and generation 10 is being served. */
static int serving(struct fixture *f)
{
	const int control = join(f);
	assert_int_equal(offer_farm(f, control, 10).err, STW_OK);
	return control;
}

static void older_generations_are_refused(void **state)
{
	struct fixture *f = *state;
	int control = serving(f);
	assert_refused(f, offer_farm(f, control, 9), STW_ESTALE, "generation 9 is not above 10");
	close(control);
	control = join(f);
	assert_refused(f, offer_farm(f, control, 9), STW_ESTALE, "generation 9 is not above 10");
	close(control);
}

static void same_generation_with_other_content_is_refused(void **state)
{
	struct fixture *f = *state;
	struct stw_farm farm;
	struct stw_image other;
	int control = serving(f);
	stw_farm_init(&farm, 2);
	assert_int_equal(stw_image_build(&farm.model, NULL, 10, &other), STW_OK);
	close(control);
	control = join(f);
	assert_refused(f, offer_bytes(f, control, 10, other.bytes, other.size_bytes), STW_ESTALE,
		       "other content");
	stw_image_fini(&other);
	close(control);
}

static void image_that_could_still_change_is_refused(void **state)
{
	static const int seals[] = {0, F_SEAL_WRITE, F_SEAL_WRITE | F_SEAL_SHRINK,
				    F_SEAL_SHRINK | F_SEAL_GROW};
	struct fixture *f = *state;
	const int control = serving(f);
	struct stw_image image = farm_image(11);
	for (unsigned i = 0; i < 4; i++)
		assert_refused(f,
			       offer(f, control, image_message(11, image.size_bytes),
				     memfd_of(image.bytes, image.size_bytes, seals[i])),
			       STW_EMALFORMED, "not sealed");
	stw_image_fini(&image);
	close(control);
}

static void what_is_no_memfd_is_refused(void **state)
{
	struct fixture *f = *state;
	const int control = serving(f);
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_refused(f, offer(f, control, image_message(11, 4096), ends[0]), STW_EMALFORMED,
		       "not sealed");
	close(ends[1]);
	close(control);
}

static void wrong_sizes_are_refused(void **state)
{
	struct fixture *f = *state;
	const int control = serving(f);
	struct stw_image image = farm_image(11);
	const uint64_t huge = (uint64_t)STW_INSTALL_IMAGE_MAX + 8;
	const uint64_t said[] = {0, image.size_bytes - 8, image.size_bytes + 8, UINT64_MAX};
	int fd;
	for (unsigned i = 0; i < 4; i++)
		assert_refused(f,
			       offer(f, control, image_message(11, said[i]),
				     memfd_of(image.bytes, image.size_bytes, ALL_SEALS)),
			       STW_EMALFORMED, "bytes");
	fd = memfd_of("", 0, 0);
	assert_int_equal(ftruncate(fd, (off_t)huge), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, ALL_SEALS), 0);
	assert_refused(f, offer(f, control, image_message(11, huge), fd), STW_ERANGE, "at most");
	stw_image_fini(&image);
	close(control);
}

static void damaged_images_are_refused(void **state)
{
	struct fixture *f = *state;
	const int control = serving(f);
	struct stw_image image = farm_image(11);
	uint8_t *bytes = image.bytes;
	struct stw_ctl_result r;
	r = offer_bytes(f, control, 11, bytes, 16);
	assert_int_not_equal(r.err, STW_OK);
	assert_refused(f, r, r.err, "");
	for (size_t at = 0; at < image.size_bytes; at += 1 + image.size_bytes / 100) {
		bytes[at] ^= 0x40;
		r = offer_bytes(f, control, 11, bytes, image.size_bytes);
		assert_int_not_equal(r.err, STW_OK);
		assert_string_not_equal(r.reason, "");
		assert_refused(f, r, r.err, "");
		bytes[at] ^= 0x40;
	}
	assert_int_equal(offer_bytes(f, control, 11, bytes, image.size_bytes).err, STW_OK);
	stw_image_fini(&image);
	close(control);
}

static void generation_must_be_the_image_s_own(void **state)
{
	struct fixture *f = *state;
	const int control = serving(f);
	struct stw_image image = farm_image(11);
	assert_refused(f, offer_bytes(f, control, 12, image.bytes, image.size_bytes),
		       STW_EMALFORMED, "generation 12, the image 11");
	stw_image_fini(&image);
	close(control);
}

static struct stw_ctl_result answer_to(struct fixture *f, int control, const void *bytes,
				       size_t len, const int *fds, size_t n_fds)
{
	say(control, bytes, len, fds, n_fds);
	stw_install_read(&f->install);
	return hear_result(control);
}

static void misshapen_messages_are_refused(void **state)
{
	struct fixture *f = *state;
	const int control = serving(f);
	const size_t files = open_files();
	const int nine[9] = {f->stats_fd, f->stats_fd, f->stats_fd, f->stats_fd, f->stats_fd,
			     f->stats_fd, f->stats_fd, f->stats_fd, f->stats_fd};
	struct stw_ctl_image m = image_message(11, 64);
	uint8_t longest[2000] = {0};
	assert_refused(f, answer_to(f, control, &m, sizeof(m), NULL, 0), STW_EMALFORMED,
		       "0 descriptors");
	assert_refused(f, answer_to(f, control, &m, sizeof(m), nine, 2), STW_EMALFORMED,
		       "2 descriptors");
	assert_refused(f, answer_to(f, control, &m, sizeof(m), nine, 9), STW_EMALFORMED, "length");
	assert_refused(f, answer_to(f, control, &m, sizeof(m) - 1, nine, 1), STW_EMALFORMED,
		       "IMAGE of 23 bytes");
	assert_refused(f, answer_to(f, control, &m, 3, nine, 1), STW_EMALFORMED, "length");
	memcpy(longest, &m, sizeof(m));
	assert_refused(f, answer_to(f, control, longest, sizeof(longest), nine, 1), STW_EMALFORMED,
		       "length");
	m.h.version = STW_CTL_VERSION + 1;
	assert_refused(f, answer_to(f, control, &m, sizeof(m), nine, 1), STW_EVERSION, "version 2");
	m.h.version = STW_CTL_VERSION;
	m.h.type = STW_CTL_RESULT;
	assert_refused(f, answer_to(f, control, &m, sizeof(m), nine, 1), STW_EMALFORMED,
		       "not for the data plane");
	assert_int_equal(open_files(), files);
	close(control);
}

static void garbage_does_not_hurt(void **state)
{
	struct fixture *f = *state;
	const int control = serving(f);
	const size_t files = open_files();
	uint64_t random = 1;
	for (unsigned i = 0; i < 3000; i++) {
		uint8_t bytes[64];
		for (unsigned b = 0; b < sizeof(bytes); b++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			bytes[b] = (uint8_t)(random >> 60 < 4 ? random >> 40 : 0);
		}
		if (i % 2)
			memcpy(bytes, &(struct stw_ctl_header){STW_CTL_IMAGE, STW_CTL_VERSION}, 8);
		const struct stw_ctl_result r =
			answer_to(f, control, bytes, 1 + (random >> 33) % sizeof(bytes),
				  &f->stats_fd, (random >> 20) % 2);
		assert_refused(f, r, r.err, "");
		assert_int_not_equal(r.err, STW_OK);
	}
	assert_int_equal(open_files(), files);
	assert_int_equal(offer_farm(f, control, 11).err, STW_OK);
	close(control);
}

/* --- who may speak --- */

static void newer_control_replaces_the_older(void **state)
{
	struct fixture *f = *state;
	const int first = join(f);
	const int second = join(f);
	char byte;
	assert_int_equal(read(first, &byte, 1), 0);
	assert_int_equal(offer_farm(f, second, 3).err, STW_OK);
	close(first);
	close(second);
	stw_install_read(&f->install);
	assert_int_equal(f->install.control_fd, -1);
	assert_int_equal(served(f), 3);
}

static void control_that_takes_no_answers_is_left(void **state)
{
	struct fixture *f = *state;
	const int control = join(f);
	unsigned n = 0;
	while (f->install.control_fd >= 0 && n++ < 100000) {
		say(control, "?", 1, NULL, 0);
		stw_install_read(&f->install);
	}
	assert_int_equal(f->install.control_fd, -1);
	close(control);
}

static void other_users_are_refused(void **state)
{
	struct fixture *f = *state;
	char run[80];
	int status = 0;
	pid_t pid;
	int fds[2];
	struct stw_ctl_hello hello;
	/* Open the file's permissions: now only the credentials tell. */
	snprintf(run, sizeof(run), "%s/run", f->dir);
	assert_int_equal(chmod(f->dir, 0755) + chmod(run, 0755) + chmod(f->path, 0666), 0);
	pid = fork();
	if (pid == 0) {
		int fd;
		char byte;
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(1);
		fd = dial(f->path);
		_exit(fd >= 0 && recv(fd, &byte, 1, 0) == 0 ? 42 : 2);
	}
	/* The child is in accept's queue once poll says so; it waits for us. */
	while (f->install.control_fd < 0 && waitpid(pid, &status, WNOHANG) == 0)
		stw_install_accept(&f->install);
	assert_int_equal(f->install.control_fd, -1);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	/* Root, and ourselves, are welcome. */
	const int control = dial(f->path);
	stw_install_accept(&f->install);
	hello = hear_hello(control, fds);
	assert_int_equal(hello.generation, 0);
	close_two(fds);
	close(control);
}

/* --- the socket file --- */

static void socket_and_directory_are_for_us_alone(void **state)
{
	struct fixture *f = *state;
	char run[80];
	struct stat st;
	snprintf(run, sizeof(run), "%s/run", f->dir);
	assert_int_equal(lstat(run, &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0750, 0);
	assert_int_equal(lstat(f->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void socket_of_a_living_data_plane_is_left_alone(void **state)
{
	struct fixture *f = *state;
	const int control = join(f);
	struct stw_install second;
	assert_int_equal(stw_install_open(&second, f->path, &f->snapshots, f->stats, f->stats_fd),
			 STW_EBUSY);
	stw_install_close(&second);
	/* The look the second one took does not cost us control. */
	stw_install_accept(&f->install);
	assert_int_equal(offer_farm(f, control, 1).err, STW_OK);
	close(control);
}

static void socket_of_a_dead_data_plane_is_replaced(void **state)
{
	struct fixture *f = *state;
	/* What kill -9 leaves: the file, and nobody who listens. */
	close(f->install.listen_fd);
	f->install.listen_fd = -1;
	assert_int_equal(stw_install_open(&f->install, f->path, &f->snapshots, f->stats,
					  f->stats_fd),
			 STW_OK);
	close(join(f));
}

static void other_files_are_not_replaced(void **state)
{
	struct fixture *f = *state;
	struct stw_install other;
	struct stat st;
	char path[96];
	int fd;
	snprintf(path, sizeof(path), "%s/run/precious", f->dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(stw_install_open(&other, path, &f->snapshots, f->stats, f->stats_fd),
			 STW_EIO);
	stw_install_close(&other);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	unlink(path);
}

static void socket_of_a_successor_is_not_removed(void **state)
{
	struct fixture *f = *state;
	struct stw_install old = f->install;
	struct stat st;
	shutdown(old.listen_fd, SHUT_RDWR);
	unlink(f->path);
	assert_int_equal(stw_install_open(&f->install, f->path, &f->snapshots, f->stats,
					  f->stats_fd),
			 STW_OK);
	stw_install_close(&old);
	assert_int_equal(lstat(f->path, &st), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* --- lanes --- */

static void offer_lanes(struct fixture *f, int control, const struct lanes_memory *l, uint32_t n)
{
	const struct stw_ctl_lanes m = {
		.h = {.type = STW_CTL_LANES, .version = STW_CTL_VERSION},
		.n = n,
	};
	const int fds[2] = {l->memory, l->doorbell};

	say(control, &m, sizeof(m), fds, 2);
	assert_false(stw_install_read(&f->install));
}

static const struct stw_lanes *served_lanes(const struct fixture *f)
{
	return stw_snapshot_rcu(&f->snapshots)->lanes;
}

static void lanes_are_served_as_long_as_their_control_is_there(void **state)
{
	struct fixture *f = *state;
	struct lanes_memory l = {0};
	struct stw_ctl_hello hello;
	const size_t files = open_files();
	int control, newer, fds[2];

	f->stats->n_workers = 2;
	control = dial(f->path);
	stw_install_accept(&f->install);
	hello = hear_hello(control, fds);
	close_two(fds);
	assert_int_equal(hello.n_lanes, 2);
	assert_int_equal(lanes_make(&l, 2), 0);
	assert_int_equal(lanes_seal(l.memory), 0);
	offer_lanes(f, control, &l, 2);
	assert_non_null(served_lanes(f));
	/* Tables come and go without them. */
	assert_int_equal(offer_farm(f, control, 1).err, STW_OK);
	assert_non_null(served_lanes(f));
	/* A newer control has not offered any. */
	assert_int_equal(atomic_load(&l.h->taken), 1);
	newer = join(f);
	assert_null(served_lanes(f));
	assert_int_equal(atomic_load(&l.h->taken), 0);
	offer_lanes(f, newer, &l, 2);
	assert_non_null(served_lanes(f));
	/* Offered again: those are served. */
	offer_lanes(f, newer, &l, 2);
	assert_non_null(served_lanes(f));
	close(newer);
	stw_install_read(&f->install);
	assert_null(served_lanes(f));
	assert_int_equal(served(f), 1);
	close(control);
	lanes_drop(&l);
	/* but for the served image */
	assert_int_equal(open_files(), files + 1);
}

static void lanes_that_do_not_fit_change_nothing(void **state)
{
	struct fixture *f = *state;
	struct lanes_memory good = {0}, bad = {0};
	const int control = join(f);
	size_t files;

	f->stats->n_workers = 2;
	assert_int_equal(lanes_make(&good, 2), 0);
	assert_int_equal(lanes_seal(good.memory), 0);
	assert_int_equal(lanes_make(&bad, 3), 0);
	assert_int_equal(lanes_seal(bad.memory), 0);
	offer_lanes(f, control, &good, 2);
	files = open_files();
	const struct stw_lanes *before = served_lanes(f);
	offer_lanes(f, control, &bad, 3);
	offer_lanes(f, control, &bad, 2);
	good.h->magic++;
	offer_lanes(f, control, &good, 2);
	assert_ptr_equal(served_lanes(f), before);
	assert_int_equal(atomic_load(&bad.h->taken), 0);
	assert_int_equal(open_files(), files);
	lanes_drop(&good);
	lanes_drop(&bad);
	close(control);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hello_before_the_first_image_has_only_stats),
		TEST(hello_carries_the_image_being_served),
		TEST(image_is_served_and_acknowledged),
		TEST(resend_after_hello_is_acknowledged_without_a_swap),
		TEST(older_generations_are_refused),
		TEST(same_generation_with_other_content_is_refused),
		TEST(image_that_could_still_change_is_refused),
		TEST(what_is_no_memfd_is_refused),
		TEST(wrong_sizes_are_refused),
		TEST(damaged_images_are_refused),
		TEST(generation_must_be_the_image_s_own),
		TEST(misshapen_messages_are_refused),
		TEST(garbage_does_not_hurt),
		TEST(newer_control_replaces_the_older),
		TEST(control_that_takes_no_answers_is_left),
		TEST(socket_and_directory_are_for_us_alone),
		TEST(socket_of_a_living_data_plane_is_left_alone),
		TEST(socket_of_a_dead_data_plane_is_replaced),
		TEST(other_files_are_not_replaced),
		TEST(socket_of_a_successor_is_not_removed),
		TEST(lanes_are_served_as_long_as_their_control_is_there),
		TEST(lanes_that_do_not_fit_change_nothing),
		TEST(other_users_are_refused),
	};
	const size_t n = sizeof(tests) / sizeof(tests[0]);
	stw_log_set_level(STW_LOG_ERROR);
	if (geteuid() == 0)
		return _cmocka_run_group_tests("install", tests, n, NULL, NULL);
	puts("# without the last test: only root can be another user");
	return _cmocka_run_group_tests("install", tests, n - 1, NULL, NULL);
}
