/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Take over a port's addresses from the kernel interface that lies under it, so that the kernel has
 * each address once, on the twin.
 *
 * Threads: installer only.
 */

#include "control/model/model.h"
#include "dataplane/netlink/undo.h"

/**
 * Remove from the interface under the port, and from VLAN interfaces on it, each address the port
 * is configured with. The undo puts them back, and the routes that went with them.
 *
 * @param twin  for messages
 * @param undo  what puts things back is pushed here
 * @return STW_OK (also when nothing is under the port), STW_EIO (logged), STW_ENOMEM
 */
int stw_takeover(struct stw_rtnl *rtnl, const struct stw_model_port *port, const char *twin,
		 struct stw_undo **undo);
