/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The kernel interface under a device such as net_af_xdp: brought up, given its MTU, and put back.
 * No DPDK in here.
 */

#include <stdbool.h>
#include <stdint.h>

struct stw_netif_saved {
	bool valid;
	short flags;
	int mtu;
};

/**
 * The interface under a device: the one its iface= argument names, or that of the kernel's driver
 * on the same NIC (mlx5).
 *
 * @param out  [16], "" when there is none
 */
void stw_netif_of_device(const char *device, char out[16]);

/**
 * The kernel's interface of a PCI device.
 *
 * @param devices  directory of devices, "/sys/bus/pci/devices"
 * @param device   "0000:03:00.0", "03:00.0", with arguments or without
 * @param out      [16], "" when there is none: bound to a driver of DPDK's
 */
void stw_netif_of_pci(const char *devices, const char *device, char out[16]);

/** True when the kernel has an interface of this name. */
bool stw_netif_exists(const char *name);

/** Note flags and MTU. @return STW_OK or STW_EIO */
int stw_netif_save(const char *name, struct stw_netif_saved *out);

/** Bring it up. @return STW_OK or STW_EIO */
int stw_netif_up(const char *name);

/** @return STW_OK or STW_EIO */
int stw_netif_set_mtu(const char *name, uint16_t mtu);

/** @return STW_OK or STW_EIO (no such interface) */
int stw_netif_mtu(const char *name, uint16_t *out);

/** True when it is there and up. */
bool stw_netif_is_up(const char *name);

/** Receive queues that packets are spread over, 1 when the driver does not tell. */
unsigned stw_netif_queues(const char *name);

/**
 * Have the interface hear every multicast group, as neighbour discovery on another interface with
 * its addresses needs, until the descriptor is closed: the kernel counts those who ask for it.
 *
 * @return a descriptor to close, or -1 (errno is set)
 */
int stw_netif_hear_groups(const char *name);

/** Put back whether it is up and hears others' packets, and its MTU; nothing when they were never
 * noted or the interface is gone. */
void stw_netif_restore(const char *name, const struct stw_netif_saved *saved);
