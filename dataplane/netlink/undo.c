/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/netlink/undo.h"

#define FILE_MAX (1 << 20) /* bytes; thousands of addresses */

struct stw_undo {
	struct stw_undo *next;
	struct nlmsghdr message[]; /* with its payload */
};

int stw_undo_push(struct stw_undo **stack, const struct nlmsghdr *nlh, uint16_t type,
		  uint16_t flags)
{
	struct stw_undo *u = malloc(sizeof(*u) + nlh->nlmsg_len);
	if (!u)
		return STW_ENOMEM;
	memcpy(u->message, nlh, nlh->nlmsg_len);
	u->message->nlmsg_type = type;
	u->message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	u->next = *stack;
	*stack = u;
	return STW_OK;
}

void stw_undo_move(struct stw_undo **stack, struct stw_undo **from)
{
	while (*from) {
		struct stw_undo *u = *from;
		*from = u->next;
		u->next = *stack;
		*stack = u;
	}
}

/* Gone with its interface, or there again by someone else's hand. */
static bool is_done_already(int err)
{
	return err == ENODEV || err == ENXIO || err == ESRCH || err == ENOENT ||
	       err == EADDRNOTAVAIL || err == EEXIST;
}

void stw_undo_all(struct stw_undo **stack, struct stw_rtnl *rtnl)
{
	while (*stack) {
		struct stw_undo *u = *stack;
		*stack = u->next;
		u->message->nlmsg_seq = ++rtnl->seq;
		if (stw_rtnl_call(rtnl, u->message) != STW_OK && !is_done_already(errno))
			stw_warn("could not restore a kernel setting (netlink request %u): %s",
				 u->message->nlmsg_type, strerror(errno));
		free(u);
	}
}

void stw_undo_free(struct stw_undo **stack)
{
	while (*stack) {
		struct stw_undo *u = *stack;
		*stack = u->next;
		free(u);
	}
}

static bool gives_back(const struct nlmsghdr *m)
{
	return m->nlmsg_type == RTM_NEWADDR || m->nlmsg_type == RTM_NEWROUTE;
}

static int write_all(const struct stw_undo *stack, int fd)
{
	for (; stack; stack = stack->next) {
		const struct nlmsghdr *m = stack->message;
		const char padding[NLMSG_ALIGNTO] = {0};
		const size_t rest = NLMSG_ALIGN(m->nlmsg_len) - m->nlmsg_len;
		if (gives_back(m) && (write(fd, m, m->nlmsg_len) != (ssize_t)m->nlmsg_len ||
				      write(fd, padding, rest) != (ssize_t)rest))
			return STW_EIO;
	}
	return STW_OK;
}

int stw_undo_save(const struct stw_undo *stack, const char *path)
{
	char fresh[256];
	off_t size;
	int fd;
	int err;
	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return STW_EIO;
	}
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return STW_EIO;
	err = write_all(stack, fd);
	size = lseek(fd, 0, SEEK_CUR);
	close(fd);
	if (err == STW_OK && size > 0)
		return rename(fresh, path) == 0 ? STW_OK : STW_EIO;
	unlink(fresh);
	if (err == STW_OK)
		unlink(path);
	return err;
}

/* Messages lie from the top of the stack down: the last is pushed first. */
static size_t push_all(struct stw_undo **stack, const char *bytes, size_t size)
{
	struct stw_undo *reversed = NULL;
	const struct nlmsghdr *m = (const struct nlmsghdr *)bytes;
	int left = (int)size;
	size_t n = 0;
	for (; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left))
		if (gives_back(m) &&
		    stw_undo_push(&reversed, m, m->nlmsg_type,
				  m->nlmsg_flags & (NLM_F_CREATE | NLM_F_REPLACE)) == STW_OK)
			n++;
	stw_undo_move(stack, &reversed);
	return n;
}

size_t stw_undo_load(struct stw_undo **stack, const char *path)
{
	const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	char *bytes = NULL;
	size_t n = 0;
	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    st.st_size > 0 && st.st_size <= FILE_MAX)
		bytes = malloc((size_t)st.st_size);
	if (bytes && read(fd, bytes, (size_t)st.st_size) == st.st_size)
		n = push_all(stack, bytes, (size_t)st.st_size);
	free(bytes);
	close(fd);
	return n;
}
