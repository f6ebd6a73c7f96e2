/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/doctor/doctor.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/netif.h"

/* An ethtool question; @question begins with its command. */
static bool ethtool(const char *name, void *question)
{
	struct ifreq r = {.ifr_data = question};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool answered;

	if (fd < 0)
		return false;
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	answered = ioctl(fd, SIOCETHTOOL, &r) == 0;
	close(fd);
	return answered;
}

static void check_queues(struct stw_doctor *d, const struct stw_model_port *p, const char *name)
{
	const unsigned n = stw_netif_queues(name);
	const char *given = strstr(p->device, ",queue_count=");
	unsigned served = 1;
	char advice[STW_FINDING_TEXT];

	if (given)
		sscanf(given, ",queue_count=%u", &served);
	if (n <= served || strncmp(p->device, "net_af_xdp", strlen("net_af_xdp")) != 0)
		return;
	snprintf(advice, sizeof(advice),
		 "ethtool -L %s combined %u: what arrives at the others is lost to the data plane",
		 name, served);
	stw_doctor_sayf(d, STW_GRADE_BAD, "ports", advice,
			"port \"%s\": interface %s has %u queues, %u of them served", p->name, name,
			n, served);
}

/* Segments put together by the NIC are no datagrams any more. */
static void check_offloads(struct stw_doctor *d, const struct stw_model_port *p, const char *name)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	char advice[STW_FINDING_TEXT];

	snprintf(advice, sizeof(advice), "ethtool -K %s lro off", name);
	if (ethtool(name, &flags) && (flags.data & ETH_FLAG_LRO))
		stw_doctor_sayf(d, STW_GRADE_ADVICE, "ports", advice,
				"port \"%s\": interface %s has large receive offload on, which XDP "
				"does not take",
				p->name, name);
}

/* Interfaces of a shared port's VLANs, which the data plane finds by these names. */
static void check_vlans(struct stw_doctor *d, const struct stw_model_port *p, const char *name)
{
	for (size_t i = 0; i < p->n_vlans; i++) {
		char vlan[24];

		snprintf(vlan, sizeof(vlan), "%s.%u", name, p->vlans[i]);
		if (if_nametoindex(vlan) == 0)
			stw_doctor_sayf(d, STW_GRADE_BAD, "ports",
					"make it, or give it this name beside its own: ip link "
					"property add dev NAME altname",
					"port \"%s\": VLAN %u has no interface %s", p->name,
					p->vlans[i], vlan);
	}
}

static void check_under(struct stw_doctor *d, const struct stw_model_port *p)
{
	char name[16];

	stw_netif_of_device(p->device, name);
	if (name[0] == '\0' && p->kernel == STW_KERNEL_SIDE_SHARED)
		stw_doctor_sayf(
			d, STW_GRADE_BAD, "ports",
			"a NIC is shared while its kernel driver (mlx5) stays: bind it back, or "
			"make the port's kernel side twin",
			"port \"%s\": the kernel has no interface of %s", p->name, p->device);
	if (name[0] == '\0')
		return;
	if (!stw_netif_exists(name)) {
		stw_doctor_sayf(d, STW_GRADE_BAD, "ports",
				"name an interface of \"ip link\" in its device",
				"port \"%s\": there is no interface %s", p->name, name);
		return;
	}
	check_vlans(d, p, name);
	if (!stw_netif_is_up(name))
		stw_doctor_sayf(d, STW_GRADE_BAD, "ports", "ip link set that interface up",
				"port \"%s\": interface %s is down", p->name, name);
	check_queues(d, p, name);
	check_offloads(d, p, name);
}

/* Only a running data plane has twins. */
static void check_twin(struct stw_doctor *d, const struct stw_model_port *p)
{
	char path[96], text[16];

	if (p->kernel == STW_KERNEL_SIDE_NONE || !d->ports || json_array_size(d->ports) == 0)
		return;
	if (!stw_netif_is_up(p->twin)) {
		stw_doctor_sayf(d, STW_GRADE_BAD, "ports",
				"somebody took it down or away: restart strowger-dataplane",
				"port \"%s\": its twin %s is not there or down", p->name, p->twin);
		return;
	}
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", p->twin);
	if (p->kernel == STW_KERNEL_SIDE_SHARED && stw_doctor_read(d, path, text, sizeof(text)) &&
	    strcmp(text, "2") != 0)
		stw_doctor_sayf(d, STW_GRADE_BAD, "ports",
				"set net.ipv4.conf.TWIN.rp_filter to 2, and see what else sets it",
				"port \"%s\": rp_filter of %s is %s: the slow path's messages are "
				"dropped",
				p->name, p->twin, text);
}

static void check_links(struct stw_doctor *d)
{
	size_t i;
	json_t *port;

	json_array_foreach((json_t *)(uintptr_t)d->ports, i, port)
	{
		const char *link = json_string_value(json_object_get(port, "link"));
		const char *name = json_string_value(json_object_get(port, "name"));

		if (link && strcmp(link, "up") != 0)
			stw_doctor_sayf(d, STW_GRADE_BAD, "ports",
					"look at the cable and the other end",
					"port \"%s\": its link is %s", name ? name : "?", link);
	}
}

void stw_doctor_ports(struct stw_doctor *d)
{
	const size_t before = d->n;

	for (size_t i = 0; d->model && i < d->model->n_ports; i++) {
		check_under(d, &d->model->ports[i]);
		check_twin(d, &d->model->ports[i]);
	}
	check_links(d);
	if (d->n == before && d->model)
		stw_doctor_sayf(d, STW_GRADE_GOOD, "ports", "", "%zu ports, as they should be",
				d->model->n_ports);
}
