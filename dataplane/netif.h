/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The kernel interface under a device such as net_af_xdp: brought up, given its MTU, and put back.
 */

#include <stdbool.h>
#include <stdint.h>

struct stw_netif_saved {
	bool valid;
	short flags;
	int mtu;
};

/**
 * The interface a device string names in its iface= argument.
 *
 * @param out  [16], "" when there is none
 */
void stw_netif_of_device(const char *device, char out[16]);

/** True when the kernel has an interface of this name. */
bool stw_netif_exists(const char *name);

/** Note flags and MTU. @return STW_OK or STW_EIO */
int stw_netif_save(const char *name, struct stw_netif_saved *out);

/** Bring it up. @return STW_OK or STW_EIO */
int stw_netif_up(const char *name);

/** @return STW_OK or STW_EIO */
int stw_netif_set_mtu(const char *name, uint16_t mtu);

/** Put flags and MTU back; nothing when they were never noted or the interface is gone. */
void stw_netif_restore(const char *name, const struct stw_netif_saved *saved);
