/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/route/locate.h"

bool stw_decide_locate(struct stw_decision *d, const struct stw_routes *routes,
		       enum stw_locate what)
{
	(void)routes;
	d->v->action = STW_ACTION_KERNEL;
	d->v->kernel_for = STW_KERNEL_FOR_LOCATION;
	d->v->redirect = what == STW_LOCATE_REDIRECT;
	return false;
}
