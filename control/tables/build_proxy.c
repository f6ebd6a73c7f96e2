/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tables/build_proxy.h"

#include <ctype.h>
#include <string.h>

_Static_assert((int)STW_NAT_AUTO == (int)STW_IMAGE_NAT_AUTO &&
		       (int)STW_NAT_ALWAYS == (int)STW_IMAGE_NAT_ALWAYS &&
		       (int)STW_NAT_NEVER == (int)STW_IMAGE_NAT_NEVER,
	       "one set of values in the model and on the wire");
_Static_assert(sizeof(((struct stw_model_option *)0)->tag) == STW_IMAGE_OPTION_TEXT, "one length");

size_t stw_build_n_trusted(const struct stw_model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_listeners; i++)
		n += m->listeners[i].n_trusted;
	return n;
}

bool stw_build_proxy_fits(const struct stw_model *m)
{
	return stw_build_n_trusted(m) <= STW_IMAGE_TRUSTED &&
	       m->proxy.n_options <= STW_IMAGE_OPTIONS &&
	       m->proxy.n_closed_ports <= STW_IMAGE_PORT_RANGES;
}

void stw_build_trusted(const struct stw_model *m, struct stw_image_listener *listeners,
		       struct stw_image_prefix *rows)
{
	uint32_t n = 0;

	for (size_t i = 0; i < m->n_listeners; i++) {
		const struct stw_model_listener *l = &m->listeners[i];

		listeners[i].nat = (uint8_t)l->nat;
		listeners[i].first_trusted = n;
		listeners[i].n_trusted = (uint32_t)l->n_trusted;
		for (size_t k = 0; k < l->n_trusted; k++, n++) {
			bool v4 = stw_ip_is_v4(&l->trusted[k].ip);

			rows[n].ip = l->trusted[k].ip;
			rows[n].bits = (uint8_t)(l->trusted[k].bits + (v4 ? 96 : 0));
		}
	}
}

void stw_build_proxy(const struct stw_model *m, struct stw_image_settings *settings,
		     struct stw_image_option *options, struct stw_image_port_range *ports)
{
	const struct stw_model_proxy *p = &m->proxy;

	settings->max_breadth = p->max_breadth;
	if (m->registrar.n_domains > 0 && m->registrar.calls != STW_CALLS_POOL)
		settings->flags =
			STW_IMAGE_LOCATE |
			(m->registrar.calls == STW_CALLS_REDIRECT ? STW_IMAGE_REDIRECT : 0);
	for (size_t i = 0; i < p->n_options; i++)
		for (size_t k = 0; p->options[i].tag[k] != '\0'; k++)
			options[i].tag[k] = (char)tolower((unsigned char)p->options[i].tag[k]);
	for (size_t i = 0; i < p->n_closed_ports; i++)
		ports[i] = (struct stw_image_port_range){p->closed_ports[i].first,
							 p->closed_ports[i].last};
}
