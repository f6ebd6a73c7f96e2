/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/model/model.h"
#include "dataplane/route/siphash.h"

/* Public and fixed for ever: ids must be equal on all nodes, and cookies in live dialogs carry
 * them. Nothing secret hangs on it; a cookie is guarded by its MAC. */
static const struct stw_sipkey id_key = {0x7265626d656d2d77u, 0x2d7265676f727473u};

uint32_t stw_member_id(const struct stw_endpoint *address)
{
	uint32_t id = (uint32_t)stw_siphash24(id_key, address, sizeof(*address));

	return id != 0 ? id : 1; /* 0 is nobody's */
}
