/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Keys and settings in the maps of the XDP program (steer.bpf.c), which the program reads and the
 * installer writes. Nothing but the kernel's own types: the program is compiled for another
 * machine.
 */

#include <linux/types.h>

/* Interfaces have at most so many receive queues, listeners and their addresses so many keys. */
#define STW_STEER_QUEUES 64
#define STW_STEER_KEYS	 1024

/* A listener, or with port 0 its address alone: fragments tell no port. IPv4 is mapped into IPv6.
 */
struct stw_steer_key {
	__u8 ip[16];
	__be16 port;
	__u16 reserved; /* zero: keys are compared as bytes */
};

/* The only element of the settings map. */
struct stw_steer_settings {
	__u32 all; /* 1: the port is owned, everything is for the data plane */
	__u32 reserved;
	__u64 vlans[64]; /* a bit for each VLAN whose datagrams to listeners are ours too */
};
