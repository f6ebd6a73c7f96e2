/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/doctor/doctor.h"

#include <stdio.h>
#include <string.h>

#include "control/cli/cli.h"
#include "control/cli/client.h"
#include "control/cli/show.h"
#include "control/config/config.h"

#define QUESTIONS 4

/* The answers that the checks look at; NULL without control. */
static void ask(struct stw_cli *cli, struct stw_answer a[QUESTIONS], struct stw_doctor *d)
{
	static const enum stw_endpoint_id endpoint[QUESTIONS] = {STW_ENDPOINT_STATUS,
								 STW_ENDPOINT_PORTS,
								 STW_ENDPOINT_WORKERS,
								 STW_ENDPOINT_COUNTERS};

	for (size_t i = 0; i < QUESTIONS; i++) {
		a[i] = (struct stw_answer){0};
		if (stw_client_call(cli->client, endpoint[i], NULL, NULL, &a[i]) != STW_EXIT_OK)
			return;
	}
	d->status = a[0].json;
	d->ports = json_object_get(a[1].json, "ports");
	d->workers = json_object_get(a[2].json, "workers");
	d->counters = a[3].json;
}

static void ask_node(struct stw_doctor *d, const char *node)
{
	char url[300];
	struct stw_answer a = {0};

	snprintf(url, sizeof(url), "http://%s", node);
	struct stw_client *c = stw_client_new(url);
	const bool answers =
		c && stw_client_call(c, STW_ENDPOINT_STATUS, NULL, NULL, &a) == STW_EXIT_OK;

	stw_doctor_node(d, node, answers ? a.json : NULL);
	stw_answer_fini(&a);
	stw_client_free(c);
}

static void ignore(void *ctx, const char *message)
{
	(void)ctx;
	(void)message;
}

static const char *config_path(const struct stw_cli *cli, const struct stw_doctor *d)
{
	const char *told =
		json_string_value(json_object_get(json_object_get(d->status, "config"), "path"));

	return cli->config ? cli->config : told ? told : STW_CTL_CONFIG;
}

static void print_people(const struct stw_doctor *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct stw_finding *f = &d->findings[i];

		printf("%-7s %-10s %s\n", stw_grade_text(f->grade), f->check, stw_safe(f->what));
		if (f->advice[0])
			printf("%-7s %-10s   -> %s\n", "", "", stw_safe(f->advice));
	}
}

static void print_json(const struct stw_doctor *d)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < d->n; i++) {
		const struct stw_finding *f = &d->findings[i];

		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "grade",
						      stw_grade_text(f->grade), "check", f->check,
						      "what", f->what, "advice", f->advice));
	}
	json_t *o = json_pack("{s:i, s:s, s:o}", "version", STW_API_VERSION, "worst",
			      stw_grade_text(stw_doctor_worst(d)), "findings", rows);

	json_dumpf(o, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(o);
}

int stw_run_doctor(struct stw_cli *cli)
{
	struct stw_answer answers[QUESTIONS] = {0};
	struct stw_doctor d = {.root = ""};
	struct stw_model *m = NULL;

	ask(cli, answers, &d);
	d.config_path = config_path(cli, &d);
	stw_config_read(d.config_path, ignore, NULL, &m);
	d.model = m;
	stw_doctor_examine(&d);
	for (int i = 0; i < cli->n_args; i++)
		ask_node(&d, cli->args[i]);
	if (cli->json)
		print_json(&d);
	else
		print_people(&d);

	const int rc = stw_doctor_worst(&d) == STW_GRADE_BAD ? STW_EXIT_FAILED : STW_EXIT_OK;

	stw_doctor_fini(&d);
	stw_model_free(m);
	for (size_t i = 0; i < QUESTIONS; i++)
		stw_answer_fini(&answers[i]);
	return rc;
}
