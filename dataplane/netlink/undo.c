/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "dataplane/netlink/undo.h"

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
