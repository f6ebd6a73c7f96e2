/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A stack of requests to the kernel that take back what was done, last done first. Each is a
 * message the kernel took or told, said again under another type.
 *
 * Threads: installer only.
 */

#include "dataplane/netlink/rtnl.h"

struct stw_undo; /* the stack: NULL is empty */

/**
 * Push a copy of @nlh as a request of another type.
 *
 * @param type   RTM_DELADDR for an address that was added, RTM_NEWADDR for one removed ...
 * @param flags  beside NLM_F_REQUEST
 * @return STW_OK or STW_ENOMEM
 */
int stw_undo_push(struct stw_undo **stack, const struct nlmsghdr *nlh, uint16_t type,
		  uint16_t flags);

/** Put all of @from on top of @stack so that its first comes first; @from is empty then. */
void stw_undo_move(struct stw_undo **stack, struct stw_undo **from);

/** Say them all and empty the stack. What is gone already is no error; others are logged. */
void stw_undo_all(struct stw_undo **stack, struct stw_rtnl *rtnl);

/**
 * Write down what gives things back to other interfaces (RTM_NEWADDR, RTM_NEWROUTE), for the next
 * process in case this one is killed. The rest goes with our own interfaces.
 *
 * @param path  replaced in one step, mode 0600; removed when there is nothing to write
 * @return STW_OK or STW_EIO (errno is set)
 */
int stw_undo_save(const struct stw_undo *stack, const char *path);

/**
 * Push what a process before wrote down and did not live to say. A file that is not ours, or not
 * what stw_undo_save() writes, is left alone.
 *
 * @return how many were pushed
 */
size_t stw_undo_load(struct stw_undo **stack, const char *path);

/** Empty the stack without saying anything. */
void stw_undo_free(struct stw_undo **stack);
