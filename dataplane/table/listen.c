/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/table/listen.h"

#define BACKLOG 8

static int fail(const char *path, const char *what)
{
	stw_error("control socket %s: %s: %s", path, what, strerror(errno));
	return STW_EIO;
}

static int address_of(const char *path, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(out->sun_path)) {
		errno = ENAMETOOLONG;
		return STW_EIO;
	}
	strcpy(out->sun_path, path);
	return STW_OK;
}

static int make_directory(const char *path)
{
	char copy[256];
	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
		errno = ENAMETOOLONG;
		return fail(path, "make its directory");
	}
	if (mkdir(dirname(copy), 0750) < 0 && errno != EEXIST)
		return fail(path, "make its directory");
	return STW_OK;
}

/* What lies at @path may be replaced: nothing, or the socket of a process that is no more. */
static int check_free(const char *path)
{
	struct sockaddr_un address;
	struct stat st;
	int fd;
	int refused;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? STW_OK : fail(path, "look at it");
	if (!S_ISSOCK(st.st_mode)) {
		errno = ENOTSOCK;
		return fail(path, "a file is in its place; move it away");
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || address_of(path, &address) != STW_OK)
		return fail(path, "look at it");
	refused = connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
	close(fd);
	if (refused == ECONNREFUSED || refused == ENOENT)
		return STW_OK;
	stw_error("control socket %s: another data plane listens there", path);
	return STW_EBUSY;
}

/* Under a name nobody knows, so that mode and backlog are set before anybody can connect. */
static int listen_at(int fd, const char *path, const char *name)
{
	struct sockaddr_un address;
	unlink(name);
	if (address_of(name, &address) != STW_OK ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(path, "bind");
	if (chmod(name, 0600) < 0 || listen(fd, BACKLOG) < 0 || rename(name, path) < 0) {
		fail(path, "listen");
		unlink(name);
		return STW_EIO;
	}
	return STW_OK;
}

int stw_listen_open(const char *path, int *out, struct stat *identity)
{
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
	int fd;
	int err = make_directory(path);
	if (err == STW_OK)
		err = check_free(path);
	if (err != STW_OK)
		return err;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(path, "socket");
	snprintf(name, sizeof(name), "%s.new", path);
	err = listen_at(fd, path, name);
	if (err == STW_OK && lstat(path, identity) < 0)
		err = fail(path, "look at it");
	if (err != STW_OK) {
		close(fd);
		return err;
	}
	*out = fd;
	return STW_OK;
}

void stw_listen_remove(const char *path, const struct stat *identity)
{
	struct stat st;
	if (lstat(path, &st) == 0 && st.st_dev == identity->st_dev && st.st_ino == identity->st_ino)
		unlink(path);
}
