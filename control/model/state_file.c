/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/model/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <strowger/errors.h>

static int fail(const char *path, const char *what, char *reason, size_t reason_len)
{
	snprintf(reason, reason_len, "%s: %s: %s", path, what, strerror(errno));
	return STW_EIO;
}

static bool make_path(char out[STW_STATE_PATH], const char *dir, const char *name,
		      const char *suffix)
{
	int n = snprintf(out, STW_STATE_PATH, "%s/%s%s", dir, name, suffix);

	errno = ENAMETOOLONG;
	return n > 0 && n < STW_STATE_PATH;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* A new file of our own: one left by a process that was killed is in the way. */
static bool write_new(const char *path, const void *bytes, size_t len)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	bool ok = write_all(fd, bytes, len) && fsync(fd) == 0;
	int saved = errno;

	ok = close(fd) == 0 && ok;
	if (!ok) {
		unlink(path);
		errno = saved;
	}
	return ok;
}

static void sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* Some file systems know no fsync of a directory; the name is in place all the same. */
	(void)fsync(fd);
	close(fd);
}

/* link() refuses to replace, so of two that make the file at once one wins. */
static int put_in_place(const char *from, const char *to, enum stw_state_write how)
{
	if (how == STW_STATE_REPLACE)
		return rename(from, to) == 0 ? STW_OK : STW_EIO;
	int err = link(from, to) == 0 ? STW_OK : errno == EEXIST ? STW_EDUP : STW_EIO;
	int saved = errno;

	unlink(from);
	errno = saved;
	return err;
}

int stw_state_write(const char *dir, const char *name, enum stw_state_write how, const void *bytes,
		    size_t len, char *reason, size_t reason_len)
{
	char path[STW_STATE_PATH], fresh[STW_STATE_PATH], suffix[32];

	snprintf(suffix, sizeof(suffix), ".new.%ld", (long)getpid());
	if (!make_path(path, dir, name, "") || !make_path(fresh, dir, name, suffix))
		return fail(dir, "cannot be used as state_dir", reason, reason_len);
	if (!write_new(fresh, bytes, len))
		return fail(fresh, "cannot be written", reason, reason_len);
	int err = put_in_place(fresh, path, how);

	if (err != STW_OK) {
		fail(path, "cannot be put in place", reason, reason_len);
		unlink(fresh);
		return err;
	}
	sync_dir(dir);
	return STW_OK;
}

static int check_file(int fd, const char *path, bool secret, size_t room, char *reason,
		      size_t reason_len)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail(path, "cannot be read", reason, reason_len);
	if (!S_ISREG(st.st_mode)) {
		snprintf(reason, reason_len, "%s: not a regular file", path);
		return STW_EIO;
	}
	if (secret && (st.st_mode & 077) != 0) {
		snprintf(reason, reason_len,
			 "%s: mode %04o lets others read the secret: chmod 600 it, and change the "
			 "secret if they may have done so",
			 path, (unsigned)(st.st_mode & 07777));
		return STW_EIO;
	}
	if (secret && st.st_uid != geteuid() && st.st_uid != 0) {
		snprintf(reason, reason_len, "%s: belongs to user %u: chown it to ours (%u)", path,
			 (unsigned)st.st_uid, (unsigned)geteuid());
		return STW_EIO;
	}
	if ((uintmax_t)st.st_size > room) {
		snprintf(reason, reason_len, "%s: longer than the %zu bytes it may have", path,
			 room);
		return STW_ERANGE;
	}
	return STW_OK;
}

static bool read_all(int fd, char *bytes, size_t room, size_t *len)
{
	size_t at = 0;

	while (at < room) {
		ssize_t n = read(fd, bytes + at, room - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;
		at += (size_t)n;
	}
	*len = at;
	return true;
}

int stw_state_read(const char *dir, const char *name, bool secret, void *bytes, size_t room,
		   size_t *len, char *reason, size_t reason_len)
{
	char path[STW_STATE_PATH];

	if (!make_path(path, dir, name, ""))
		return fail(dir, "cannot be used as state_dir", reason, reason_len);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		int err = errno == ENOENT ? STW_ENOENT : STW_EIO;

		fail(path, "cannot be opened", reason, reason_len);
		return err;
	}
	int err = check_file(fd, path, secret, room, reason, reason_len);

	if (err == STW_OK && !read_all(fd, bytes, room, len))
		err = fail(path, "cannot be read", reason, reason_len);
	close(fd);
	return err;
}
