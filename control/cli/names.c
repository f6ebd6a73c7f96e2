/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/show.h"

#include <time.h>

#include "control/cli/grid.h"

/* "203.0.113.1:5060 10/5" for each target: priority and weight when they say something. */
static void add_targets(struct stw_grid *g, const json_t *name)
{
	char text[1024] = "-";
	size_t i, n = 0;
	json_t *t;
	json_array_foreach(json_object_get(name, "targets"), i, t)
	{
		int more = snprintf(text + n, sizeof(text) - n, "%s%s %s/%s", n ? ", " : "",
				    stw_text(t, "address"), stw_text(t, "priority"),
				    stw_text(t, "weight"));
		if (more < 0 || (size_t)more >= sizeof(text) - n)
			break;
		n += (size_t)more;
	}
	stw_grid_add(g, "%s", text);
}

static void add_expiry(struct stw_grid *g, const json_t *name)
{
	const json_t *at = json_object_get(name, "expires_unix_s");
	if (json_is_integer(at))
		stw_grid_add(g, "%lld s", (long long)(json_integer_value(at) - time(NULL)));
	else
		stw_grid_add(g, "-");
}

void stw_print_names(const json_t *answer, FILE *out)
{
	const json_t *s = json_object_get(answer, "slow_path");
	struct stw_grid g;
	size_t i;
	json_t *n;
	stw_grid_init(&g, (const char *const[]){"NAME", ">PORT", "STATE", ">EXPIRES", ">FAILURES",
						"TARGETS (PRIORITY/WEIGHT)", NULL});
	json_array_foreach(json_object_get(answer, "names"), i, n)
	{
		stw_grid_add(&g, "%s", stw_text(n, "name"));
		stw_grid_add(&g, "%s", stw_text(n, "port"));
		stw_grid_add(&g, "%s", stw_text(n, "state"));
		add_expiry(&g, n);
		stw_grid_add(&g, "%s", stw_text(n, "failures"));
		add_targets(&g, n);
	}
	stw_grid_print(&g, out);
	stw_grid_fini(&g);
	fprintf(out,
		"slow path: received %s = sent %s + answered %s + dropped %s + waiting %s; queue "
		"full "
		"%s, timed out %s, send failed %s\n",
		stw_text(s, "received"), stw_text(s, "sent"), stw_text(s, "answered"),
		stw_text(s, "dropped"), stw_text(s, "waiting"), stw_text(s, "queue_full"),
		stw_text(s, "timed_out"), stw_text(s, "send_failed"));
}
