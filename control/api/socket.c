/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/socket.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <strowger/errors.h>

#define BACKLOG 1024

/* Somebody answers there. A file nobody listens on was left by a control that died. */
static bool is_alive(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return true;
	bool alive =
		connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 || errno == EAGAIN;
	close(fd);
	return alive;
}

static void make_directory(const char *path)
{
	char dir[108];
	const char *slash = strrchr(path, '/');
	if (!slash || slash == path)
		return;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	mkdir(dir, 0755); /* if that fails, bind() says so */
}

static int find_group(const char *group, gid_t *out)
{
	*out = (gid_t)-1;
	if (!group[0])
		return STW_OK;
	const struct group *g = getgrnam(group);
	if (!g)
		return STW_ENOENT;
	*out = g->gr_gid;
	return STW_OK;
}

/* Bound with no permissions at all; mode and group come before listen(). */
static int bind_closed(int fd, const struct sockaddr_un *sun)
{
	mode_t old = umask(0777);
	int rc = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	umask(old);
	return rc;
}

static int open_file(struct stw_api_socket *s, const struct sockaddr_un *sun, uint32_t mode,
		     gid_t gid)
{
	struct stat st;
	if (bind_closed(s->fd, sun) < 0)
		return -1;
	if (stat(s->path, &st) < 0)
		return -1;
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	if (gid != (gid_t)-1 && chown(s->path, (uid_t)-1, gid) < 0)
		return -1;
	if (chmod(s->path, mode & 0777) < 0)
		return -1;
	return listen(s->fd, BACKLOG);
}

/* Takes away a dead control's socket; never anything that is no socket. */
static void clear_way(const char *path)
{
	struct stat st;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
}

static int make(struct stw_api_socket *s, const struct sockaddr_un *sun, uint32_t mode, gid_t gid,
		char *reason, size_t reason_len)
{
	clear_way(s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd >= 0 && open_file(s, sun, mode, gid) == 0)
		return STW_OK;
	snprintf(reason, reason_len, "api: socket %s cannot be made: %s", s->path, strerror(errno));
	stw_api_socket_remove(s);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	return STW_EIO;
}

int stw_api_socket_open(struct stw_api_socket *s, const char *path, uint32_t mode,
			const char *group, char *reason, size_t reason_len)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	gid_t gid;
	*s = (struct stw_api_socket){.fd = -1};
	if (strlen(path) >= sizeof(sun.sun_path) || find_group(group, &gid)) {
		snprintf(reason, reason_len,
			 "api: socket \"%s\" or group \"%s\" cannot be used: create the group, or "
			 "correct api.socket and api.group",
			 path, group);
		return STW_ENOENT;
	}
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	snprintf(s->path, sizeof(s->path), "%s", path);
	make_directory(path);
	if (!is_alive(&sun))
		return make(s, &sun, mode, gid, reason, reason_len);
	snprintf(reason, reason_len,
		 "api: another strowger-control listens on %s: stop it first, or give this one "
		 "another api.socket",
		 path);
	return STW_EBUSY;
}

void stw_api_socket_remove(struct stw_api_socket *s)
{
	struct stat st;
	if (s->ino && stat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		unlink(s->path);
	s->ino = 0;
}
