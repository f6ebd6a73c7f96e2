/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/netif.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <strowger/device.h>
#include <strowger/errors.h>

/* What we, or DPDK, may have changed; other flags are others' business. */
#define OURS (IFF_UP | IFF_PROMISC | IFF_ALLMULTI)

static int request(unsigned long what, const char *name, struct ifreq *r)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return STW_EIO;
	snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", name);
	err = ioctl(fd, what, r) < 0 ? STW_EIO : STW_OK;
	close(fd);
	return err;
}

void stw_netif_of_pci(const char *devices, const char *device, char out[16])
{
	const int len = (int)strcspn(device, ",");
	char path[128];
	struct dirent *e;

	snprintf(path, sizeof(path), "%s/%s%.*s/net", devices, len <= 7 ? "0000:" : "", len,
		 device);
	out[0] = '\0';
	DIR *dir = opendir(path);
	while (dir != NULL && out[0] == '\0' && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			snprintf(out, 16, "%.15s", e->d_name);
	if (dir != NULL)
		closedir(dir);
}

void stw_netif_of_device(const char *device, char out[16])
{
	const char *at = strstr(device, ",iface=");
	size_t len;

	out[0] = '\0';
	if (stw_device_is_pci(device))
		stw_netif_of_pci("/sys/bus/pci/devices", device, out);
	/* net_tap's iface= is the name of a TAP still to be made. */
	if (at == NULL || strncmp(device, "net_tap", 7) == 0)
		return;
	at += strlen(",iface=");
	len = strcspn(at, ",");
	if (len < 16) {
		memcpy(out, at, len);
		out[len] = '\0';
	}
}

bool stw_netif_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

int stw_netif_save(const char *name, struct stw_netif_saved *out)
{
	struct ifreq flags = {0}, mtu = {0};

	if (request(SIOCGIFFLAGS, name, &flags) != STW_OK ||
	    request(SIOCGIFMTU, name, &mtu) != STW_OK)
		return STW_EIO;
	out->flags = flags.ifr_flags;
	out->mtu = mtu.ifr_mtu;
	out->valid = true;
	return STW_OK;
}

int stw_netif_up(const char *name)
{
	struct ifreq r = {0};

	if (request(SIOCGIFFLAGS, name, &r) != STW_OK)
		return STW_EIO;
	if (r.ifr_flags & IFF_UP)
		return STW_OK;
	r.ifr_flags |= IFF_UP;
	return request(SIOCSIFFLAGS, name, &r);
}

int stw_netif_set_mtu(const char *name, uint16_t mtu)
{
	struct ifreq r = {.ifr_mtu = mtu};

	return request(SIOCSIFMTU, name, &r);
}

int stw_netif_mtu(const char *name, uint16_t *out)
{
	struct ifreq r = {0};

	if (request(SIOCGIFMTU, name, &r) != STW_OK)
		return STW_EIO;
	*out = (uint16_t)(r.ifr_mtu < UINT16_MAX ? r.ifr_mtu : UINT16_MAX);
	return STW_OK;
}

bool stw_netif_is_up(const char *name)
{
	struct ifreq r = {0};

	return request(SIOCGIFFLAGS, name, &r) == STW_OK && (r.ifr_flags & IFF_UP);
}

unsigned stw_netif_queues(const char *name)
{
	struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq r = {.ifr_data = (void *)&c};

	if (request(SIOCETHTOOL, name, &r) != STW_OK || c.combined_count == 0)
		return 1;
	return c.combined_count;
}

int stw_netif_hear_groups(const char *name)
{
	const struct packet_mreq all = {.mr_ifindex = (int)if_nametoindex(name),
					.mr_type = PACKET_MR_ALLMULTI};
	/* Protocol 0: it receives nothing. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0 && setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void stw_netif_restore(const char *name, const struct stw_netif_saved *saved)
{
	struct ifreq r = {0};

	if (!saved->valid || request(SIOCGIFMTU, name, &r) != STW_OK)
		return;
	if (r.ifr_mtu != saved->mtu) {
		r.ifr_mtu = saved->mtu;
		request(SIOCSIFMTU, name, &r);
	}
	memset(&r, 0, sizeof(r));
	if (request(SIOCGIFFLAGS, name, &r) == STW_OK && ((r.ifr_flags ^ saved->flags) & OURS)) {
		r.ifr_flags = (short)((r.ifr_flags & ~OURS) | (saved->flags & OURS));
		request(SIOCSIFFLAGS, name, &r);
	}
}
