/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/check.h"
#include "control/config/rules.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>
#include <strowger/table_image.h>

static bool equal(const struct stw_ref *a, const struct stw_ref *b, stw_ref_cmp_fn cmp)
{
	struct stw_ref same = *b;

	same.order = a->order;
	return cmp(a, &same) == 0;
}

void stw_check_unique(struct stw_ref *refs, size_t n, stw_ref_cmp_fn cmp, const char *what,
		      struct stw_report *report)
{
	qsort(refs, n, sizeof(refs[0]), cmp);
	for (size_t i = 1, first = 0; i < n; i++) {
		if (!equal(&refs[first], &refs[i], cmp))
			first = i;
		else
			stw_report(report, refs[i].node, "%s is used twice, first in line %u: %s",
				   what, refs[first].node->line, "choose another");
	}
}

static void check_secrets(const struct stw_conf *c, struct stw_report *report)
{
	const struct stw_conf_secret *s = c->secrets;

	if (c->n_secrets < 2)
		return;
	if (s[0].v.id == s[1].v.id)
		stw_report(report, stw_node_at(s[1].node, "id"),
			   "id %u is used twice: give each key its own", s[1].v.id);
	if (memcmp(s[0].v.key, s[1].v.key, STW_SECRET_BYTES) == 0)
		stw_report(report, stw_node_at(s[1].node, "key"),
			   "both keys are the same: make a new one with \"openssl rand -hex 16\"");
}

static void check_cores(const struct stw_conf *c, struct stw_report *report)
{
	for (size_t i = 1; i < c->n_cores; i++) {
		size_t k = 0;

		while (c->cores[k].core != c->cores[i].core)
			k++;
		if (k < i)
			stw_report(report, c->cores[i].node,
				   "core %u stands twice in cores: one worker runs on each",
				   c->cores[i].core);
	}
}

static void check_sockets(const struct stw_conf *c, struct stw_report *report)
{
	const struct stw_node *api = stw_node_get(c->node, "api");
	const struct stw_node *at = stw_node_get(api, "socket");

	if (!at)
		at = stw_node_get(stw_node_get(c->node, "dataplane"), "socket");
	if (strcmp(c->api.socket, c->dataplane.socket) == 0)
		stw_report(report, at, "api.socket and dataplane.socket are the same: choose two");
}

static void check_http(const struct stw_conf *c, struct stw_report *report)
{
	const struct stw_node *node = stw_node_get(c->node, "api");
	struct stw_endpoint at;

	if (strcmp(c->api.http, "off") != 0 &&
	    (stw_endpoint_parse(c->api.http, strlen(c->api.http), 0, &at) != STW_OK ||
	     at.port == 0))
		stw_report(
			report, stw_node_at(node, "http"),
			"http must be an address with a port, such as 127.0.0.1:8460, or off; got "
			"\"%s\"",
			c->api.http);
}

static void check_hep(const struct stw_conf *c, struct stw_report *report)
{
	const struct stw_node *node = stw_node_get(c->node, "hep");
	struct stw_endpoint at;

	if (strcmp(c->hep.server, "off") != 0 &&
	    stw_endpoint_parse(c->hep.server, strlen(c->hep.server), 9060, &at) != STW_OK)
		stw_report(report, stw_node_at(node, "server"),
			   "server must be an address, such as 192.0.2.9:9060, or off; got \"%s\"",
			   c->hep.server);
}

static void check_resolver(const struct stw_conf *c, struct stw_report *report)
{
	const struct stw_node *node = stw_node_get(c->node, "resolver");
	char text[STW_ENDPOINT_TEXT];

	if (c->resolver.min_ttl_s > c->resolver.max_ttl_s)
		stw_report(report, stw_node_at(node, "min_ttl_s"),
			   "min_ttl_s %u is more than max_ttl_s %u: lower it",
			   c->resolver.min_ttl_s, c->resolver.max_ttl_s);
	for (size_t i = 1; i < c->n_servers; i++)
		for (size_t k = 0; k < i; k++)
			if (stw_endpoint_equal(&c->servers[k].address, &c->servers[i].address)) {
				stw_endpoint_format(&c->servers[i].address, text);
				stw_report(report, c->servers[i].node,
					   "%s stands twice in servers: name it once", text);
			}
}

bool stw_is_domain(const char *name)
{
	char canonical[STW_IMAGE_NAME_MAX], text[64];
	struct stw_ip ip;
	size_t len = strlen(name);

	if (*name == '[')
		return len > 2 && name[len - 1] == ']' &&
		       stw_ip_parse(name + 1, len - 2, &ip) == STW_OK &&
		       stw_ip_format(&ip, text) == len - 2 && memcmp(text, name + 1, len - 2) == 0;
	return len > 0 && stw_name_canonical(name, len, canonical) == len &&
	       memcmp(canonical, name, len) == 0;
}

static void check_domains(const struct stw_conf *c, struct stw_report *report)
{
	for (size_t i = 0; i < c->n_domains; i++) {
		if (!stw_is_domain(c->domains[i].name))
			stw_report(report, c->domains[i].node,
				   "domain \"%s\" is no host name or shortest address in lower "
				   "case: write it as it stands in your users' addresses, without "
				   "port",
				   c->domains[i].name);
		for (size_t k = 0; k < i; k++)
			if (strcmp(c->domains[k].name, c->domains[i].name) == 0)
				stw_report(report, c->domains[i].node,
					   "%s stands twice in domains: name it once",
					   c->domains[i].name);
	}
}

static void check_registrar(const struct stw_conf *c, struct stw_report *report)
{
	const struct stw_node *node = stw_node_get(c->node, "registrar");
	const struct stw_model_registrar *r = &c->registrar;

	check_domains(c, report);
	if (r->min_expires_s > r->default_expires_s)
		stw_report(report, stw_node_at(node, "min_expires_s"),
			   "min_expires_s %u is more than default_expires_s %u: lower it",
			   r->min_expires_s, r->default_expires_s);
	if (r->default_expires_s > r->max_expires_s)
		stw_report(report, stw_node_at(node, "default_expires_s"),
			   "default_expires_s %u is more than max_expires_s %u: lower it",
			   r->default_expires_s, r->max_expires_s);
}

int stw_conf_check(const struct stw_conf *c, struct stw_report *report)
{
	check_cores(c, report);
	check_sockets(c, report);
	check_http(c, report);
	check_hep(c, report);
	check_secrets(c, report);
	check_resolver(c, report);
	check_registrar(c, report);
	int err = stw_check_ports(c, report);

	if (err == STW_OK)
		err = stw_check_listeners(c, report);
	if (err == STW_OK)
		err = stw_check_pools(c, report);
	stw_check_health(c, report);
	if (err == STW_OK)
		err = stw_check_members(c, report);
	if (err == STW_OK)
		err = stw_check_rules(c, report);
	return err;
}
