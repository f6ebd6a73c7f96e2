/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A small model for tests: two listeners on 192.0.2.1:5060 and [2001:db8::1]:5060, a pool "farm" of
 * members 198.51.100.10, .11, ... port 5060 behind both, one secret.
 */

#include <string.h>

#include "control/model/model.h"

#define STW_FARM_MEMBERS 16u

struct stw_farm {
	struct stw_model model;
	struct stw_model_listener listeners[4];
	struct stw_model_pool pool;
	struct stw_model_pool_member pool_members[STW_FARM_MEMBERS];
	struct stw_model_member members[STW_FARM_MEMBERS];
	struct stw_model_option option;
	struct stw_model_port_range closed_ports;
	struct stw_model_prefix trusted[4];
};

/** An IPv4 endpoint by UDP. */
static inline struct stw_endpoint stw_farm_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d,
					      uint16_t port)
{
	const uint8_t ip[4] = {a, b, c, d};

	return (struct stw_endpoint){.ip = stw_ip_from_v4(ip), .port = port};
}

/** 2001:db8::@last, by UDP. */
static inline struct stw_endpoint stw_farm_v6(uint8_t last, uint16_t port)
{
	const uint8_t ip[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = last};

	return (struct stw_endpoint){.ip = stw_ip_from_v6(ip), .port = port};
}

/** Fill @farm in place: the model points into it. @param n members, 1..STW_FARM_MEMBERS */
static inline void stw_farm_init(struct stw_farm *farm, uint8_t n)
{
	memset(farm, 0, sizeof(*farm));
	farm->listeners[0].address = stw_farm_v4(192, 0, 2, 1, 5060);
	farm->listeners[1].address = stw_farm_v6(1, 5060);
	for (uint8_t i = 0; i < n; i++) {
		struct stw_model_member *m = &farm->members[i];

		m->address = stw_farm_v4(198, 51, 100, (uint8_t)(10 + i), 5060);
		m->id = stw_member_id(&m->address);
		m->number = i;
		farm->pool_members[i].member = i;
		farm->pool_members[i].weight = 100;
	}
	farm->pool.record_route = true;
	farm->pool.slots = 251;
	farm->pool.members = farm->pool_members;
	farm->pool.n_members = n;
	strcpy(farm->option.tag, "sec-agree");
	farm->closed_ports = (struct stw_model_port_range){1, 1023};
	farm->model.proxy.options = &farm->option;
	farm->model.proxy.n_options = 1;
	farm->model.proxy.closed_ports = &farm->closed_ports;
	farm->model.proxy.n_closed_ports = 1;
	farm->model.listeners = farm->listeners;
	farm->model.n_listeners = 2;
	farm->model.pools = &farm->pool;
	farm->model.n_pools = 1;
	farm->model.members = farm->members;
	farm->model.n_members = n;
	farm->model.secrets[0].id = 3;
	memcpy(farm->model.secrets[0].key, "farm secret no 1", STW_SECRET_BYTES);
	farm->model.secrets[1].id = 4;
	memcpy(farm->model.secrets[1].key, "farm secret no 2", STW_SECRET_BYTES);
	farm->model.n_secrets = 1;
}
