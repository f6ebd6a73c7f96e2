/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Our XDP program on a port's interface (net_af_xdp): compiled at build time, part of this program,
 * loaded by DPDK, held here. The hold is a BPF link, so the program leaves the interface with our
 * process, however that ends; a shared port's other traffic never notices either.
 *
 *     stw_xdp_clear()
 *     device string gets xdp_prog=stw_xdp_path(); DPDK loads and attaches
 *     stw_xdp_hold()        ours from here on
 *     stw_xdp_listeners()   shared ports: what to take, now and after each reload
 *     stw_xdp_release()
 *
 * Threads: hold and release main, listeners the installer; not at once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>

struct stw_xdp {
	int link_fd;	  /* -1: not held */
	int listeners_fd; /* maps of the program */
};

/* What of an interface is for the data plane. */
struct stw_xdp_take {
	bool all;	       /* an owned port: every packet; else those of listeners, none yet */
	const uint16_t *vlans; /* [n_vlans] 1..4094, for listeners beside untagged frames */
	size_t n_vlans;
};

#define STW_XDP_NONE ((struct stw_xdp){.link_fd = -1, .listeners_fd = -1})

/** A file with the program, for DPDK to load. @param out [32] @return STW_OK or STW_EIO (errno) */
int stw_xdp_path(char out[32]);

/**
 * Make room on @ifname for our program: one that a process of ours attached and did not live to
 * hold is taken off.
 *
 * @return STW_OK (nothing is attached now), STW_EBUSY (somebody's is), STW_EIO (errno is set)
 */
int stw_xdp_clear(const char *ifname);

/**
 * Take over the program that DPDK attached to @ifname.
 *
 * @param take  borrowed for the call
 * @param out   on STW_OK only
 * @return STW_OK, STW_ENOENT (it carries another program), STW_EIO (errno is set)
 */
int stw_xdp_hold(const char *ifname, const struct stw_xdp_take *take, struct stw_xdp *out);

/**
 * Take what is sent to these, and nothing else. New ones are added before old ones go.
 *
 * @param listeners  [n]; doubles do no harm
 * @return STW_OK, STW_ENOMEM, STW_EIO (errno is set): what could be added was
 */
int stw_xdp_listeners(const struct stw_xdp *x, const struct stw_endpoint *listeners, size_t n);

/** Take the program off the interface. Accepts STW_XDP_NONE. */
void stw_xdp_release(struct stw_xdp *x);
