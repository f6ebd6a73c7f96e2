/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/doctor/doctor.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static const char *digest_of(const json_t *status)
{
	return text_of(json_object_get(status, "tables"), "digest");
}

static void check_tables(struct stw_doctor *d)
{
	const json_t *tables = json_object_get(d->status, "tables");
	const json_t *refused = json_object_get(tables, "refused");
	const json_t *config = json_object_get(d->status, "config");

	if (json_is_object(refused))
		stw_doctor_sayf(
			d, STW_GRADE_BAD, "tables",
			"the tables before go on serving; are both processes of one version?",
			"the data plane refused tables: %s", text_of(refused, "reason"));
	if (json_is_number(json_object_get(config, "reload_refused_unix_s")))
		stw_doctor_say(d, STW_GRADE_BAD, "tables",
			       "the last reload was refused: what runs is older than the file",
			       "strowgerctl check names the mistakes");
}

static void check_workers(struct stw_doctor *d)
{
	size_t i;
	json_t *w;

	json_array_foreach((json_t *)(uintptr_t)d->workers, i, w)
	{
		if (json_is_false(json_object_get(w, "running")))
			stw_doctor_sayf(d, STW_GRADE_BAD, "workers",
					"restart strowger-dataplane; its log may tell more",
					"the worker on core %lld does not run",
					(long long)json_integer_value(json_object_get(w, "core")));
		if (json_number_value(json_object_get(w, "busy_10s")) > 0.9)
			stw_doctor_sayf(d, STW_GRADE_ADVICE, "workers",
					"give dataplane.cores another CPU",
					"the worker on core %lld is busy all the time",
					(long long)json_integer_value(json_object_get(w, "core")));
	}
}

void stw_doctor_running(struct stw_doctor *d)
{
	const size_t before = d->n;

	if (!d->status) {
		stw_doctor_say(d, STW_GRADE_BAD, "running", "strowger-control does not answer",
			       "systemctl start strowger-control; may this user open its socket "
			       "(api.group)?");
		return;
	}
	if (strcmp(text_of(d->status, "dataplane"), "connected") != 0)
		stw_doctor_sayf(d, STW_GRADE_BAD, "running",
				"systemctl start strowger-dataplane; its log says why it ended",
				"control waits for the data plane: %s",
				text_of(d->status, "reason"));
	else if (text_of(d->status, "reason")[0])
		stw_doctor_sayf(d, STW_GRADE_BAD, "running", "is its core taken by others?",
				"the data plane hangs: %s", text_of(d->status, "reason"));
	check_tables(d);
	check_workers(d);
	if (d->n == before)
		stw_doctor_sayf(d, STW_GRADE_GOOD, "running", "",
				"both processes, tables of generation %lld",
				(long long)json_integer_value(
					json_object_get(d->status, "generation")));
}

/* ---- members ---- */

static long long counted(const struct stw_doctor *d, const char *name)
{
	const json_t *total = json_object_get(d->counters, "total");

	return (long long)json_integer_value(
		json_object_get(json_object_get(total, "counters"), name));
}

void stw_doctor_members(struct stw_doctor *d)
{
	const size_t before = d->n;
	const long long timeouts = counted(d, "neighbour_timeout");

	stw_doctor_neighbours(d);
	if (timeouts > 0)
		stw_doctor_sayf(d, STW_GRADE_ADVICE, "neighbours",
				"ip neigh shows which next hops are FAILED or INCOMPLETE",
				"%lld messages waited in vain for a neighbour's MAC address",
				timeouts);
	if (d->n == before && d->model)
		stw_doctor_say(d, STW_GRADE_GOOD, "neighbours", "none is missing", "");
}

/* ---- nodes ---- */

void stw_doctor_node(struct stw_doctor *d, const char *node, const json_t *status)
{
	if (!status)
		stw_doctor_sayf(d, STW_GRADE_BAD, "nodes",
				"does its api.http listen on an address that is reached from here?",
				"node %s does not answer", node);
	else if (!d->status)
		stw_doctor_sayf(d, STW_GRADE_BAD, "nodes", "start strowger-control here",
				"node %s cannot be compared with this one", node);
	else if (strcmp(digest_of(status), digest_of(d->status)) != 0)
		stw_doctor_sayf(
			d, STW_GRADE_BAD, "nodes",
			"nodes that share calls need one configuration and one set of secrets: "
			"compare files and run-time changes (strowgerctl show members)",
			"node %s routes differently: digest %.16s there, %.16s here", node,
			digest_of(status), digest_of(d->status));
	else
		stw_doctor_sayf(d, STW_GRADE_GOOD, "nodes", "", "node %s has the same digest",
				node);
}
