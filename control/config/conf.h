/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The file's own shape in memory, where the option table's offsets point: names are not resolved
 * yet, and each element remembers its place in the file. read.c fills it, check.c judges it and
 * resolve.c makes the model of it; dump.c and diff.c go the other way.
 */

#include <stddef.h>

#include "control/model/model.h"

struct stw_node;

/* Of a list: pointer and count stand side by side, as the option table expects. */
#define STW_CONF_LIST(type, name) \
	type *name;               \
	size_t n_##name

struct stw_conf_target {
	struct stw_model_prefix prefix;
	bool is_default; /* the family is that of via */
};

struct stw_conf_address {
	const struct stw_node *node;
	struct stw_model_address v;
};

struct stw_conf_route {
	const struct stw_node *node;
	struct stw_conf_target to;
	struct stw_ip via;
	uint16_t vlan;
};

struct stw_conf_neighbour {
	const struct stw_node *node;
	struct stw_model_neighbour v;
};

struct stw_conf_vlan {
	const struct stw_node *node;
	uint16_t vlan;
};

struct stw_conf_port {
	const struct stw_node *node;
	struct stw_model_port v; /* its lists stay empty */
	STW_CONF_LIST(struct stw_conf_address, addresses);
	STW_CONF_LIST(struct stw_conf_route, routes);
	STW_CONF_LIST(struct stw_conf_neighbour, neighbours);
	STW_CONF_LIST(struct stw_conf_vlan, vlans);
};

struct stw_conf_network {
	const struct stw_node *node;
	struct stw_model_prefix v;
};

struct stw_conf_option {
	const struct stw_node *node;
	struct stw_model_option v;
};

struct stw_conf_port_range {
	const struct stw_node *node;
	struct stw_model_port_range v;
};

struct stw_conf_listener {
	const struct stw_node *node;
	struct stw_model_listener v; /* its trusted stay empty */
	STW_CONF_LIST(struct stw_conf_network, trusted);
	char pool[STW_NAME_MAX]; /* "" for none */
};

struct stw_conf_member {
	const struct stw_node *node;
	char name[STW_NAME_MAX];
	struct stw_endpoint address;
	uint32_t weight;
	uint8_t priority;
	enum stw_asked asked;
};

struct stw_conf_pool_name {
	const struct stw_node *node;
	struct stw_model_pool_name v;
};

struct stw_conf_pool {
	const struct stw_node *node;
	struct stw_model_pool v; /* its members and names stay empty */
	STW_CONF_LIST(struct stw_conf_member, members);
	STW_CONF_LIST(struct stw_conf_pool_name, names);
};

struct stw_conf_rule_method {
	const struct stw_node *node;
	uint8_t method; /* index into stw_rule_methods */
};

struct stw_conf_rule_user {
	const struct stw_node *node;
	struct stw_model_rule_user v;
};

struct stw_conf_rule_domain {
	const struct stw_node *node;
	struct stw_model_rule_domain v;
};

struct stw_conf_rule_number {
	const struct stw_node *node; /* of those in a file: of its name */
	char prefix[64];	     /* as written */
	char pool[STW_NAME_MAX];     /* "" for the rule's */
};

struct stw_conf_rule_listener {
	const struct stw_node *node;
	char name[STW_NAME_MAX];
};

enum stw_rule_to { STW_RULE_TO_NOTHING, STW_RULE_LOCATION, STW_RULE_REGISTRAR, STW_RULE_KERNEL };

struct stw_conf_rule {
	const struct stw_node *node;
	char name[STW_NAME_MAX];
	STW_CONF_LIST(struct stw_conf_rule_method, methods);
	STW_CONF_LIST(struct stw_conf_rule_user, users);
	STW_CONF_LIST(struct stw_conf_rule_domain, domains);
	STW_CONF_LIST(struct stw_conf_rule_number, numbers); /* with those of the file */
	STW_CONF_LIST(struct stw_conf_network, sources);
	STW_CONF_LIST(struct stw_conf_rule_listener, listeners);
	char numbers_file[128]; /* "" for none */
	char pool[STW_NAME_MAX];
	int to; /* enum stw_rule_to */
	uint32_t redirect_status;
	char redirect_to[STW_RULE_URI]; /* "" for none */
	char redirect_pool[STW_NAME_MAX];
	uint16_t reject_code; /* 0 for none */
	char reject_reason[STW_RULE_URI];
};

struct stw_conf_secret {
	const struct stw_node *node;
	struct stw_model_secret v;
};

struct stw_conf_core {
	const struct stw_node *node;
	uint16_t core;
};

struct stw_conf_server {
	const struct stw_node *node;
	struct stw_endpoint address;
};

struct stw_conf_domain {
	const struct stw_node *node;
	char name[STW_DOMAIN_MAX];
};

struct stw_conf {
	const struct stw_node *node;
	struct stw_model_dataplane dataplane; /* its cores stay empty */
	STW_CONF_LIST(struct stw_conf_core, cores);
	struct stw_model_api api;
	struct stw_model_hep hep;
	struct stw_model_resolver resolver; /* its servers stay empty */
	STW_CONF_LIST(struct stw_conf_server, servers);
	struct stw_model_registrar registrar; /* its domains stay empty */
	STW_CONF_LIST(struct stw_conf_domain, domains);
	struct stw_model_proxy proxy; /* its lists stay empty */
	STW_CONF_LIST(struct stw_conf_option, options);
	STW_CONF_LIST(struct stw_conf_port_range, closed_ports);
	char state_dir[sizeof(((struct stw_model *)0)->state_dir)];
	int log_level;
	int log_format;
	STW_CONF_LIST(struct stw_conf_port, ports);
	STW_CONF_LIST(struct stw_conf_listener, listeners);
	STW_CONF_LIST(struct stw_conf_pool, pools);
	STW_CONF_LIST(struct stw_conf_rule, rules);
	STW_CONF_LIST(struct stw_conf_secret, secrets);
};

/** Free the lists of @c, not @c itself; it may be all zero. */
void stw_conf_fini(struct stw_conf *c);

/** The file that would give @m: names instead of indices. @return STW_OK, STW_ENOMEM */
int stw_conf_from_model(const struct stw_model *m, struct stw_conf *out);

/** Where a route leads: its network, or for "default" zero bits of its gateway's family. */
struct stw_model_prefix stw_conf_route_to(const struct stw_conf_route *r);
