/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * One rtnetlink socket for requests: each is sent and its answer awaited. The kernel answers within
 * the send, so nothing here waits for the network.
 *
 * Threads: the one that opened it.
 */

#include <stdbool.h>
#include <stdint.h>

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include <strowger/endpoint.h>

#define STW_RTNL_BYTES 32768

struct stw_rtnl {
	struct mnl_socket *socket;
	uint32_t seq;
	char buf[STW_RTNL_BYTES] __attribute__((aligned(8))); /* of the request being made */
};

/** @return STW_OK or STW_EIO (errno is set) */
int stw_rtnl_open(struct stw_rtnl *r);

/** Begin a request in r->buf. @return its header; append the family's struct and attributes */
struct nlmsghdr *stw_rtnl_request(struct stw_rtnl *r, uint16_t type, uint16_t flags);

/**
 * Send and await the acknowledgement.
 *
 * @return STW_OK, or STW_EIO with the kernel's errno in errno (EEXIST, ENOENT ...)
 */
int stw_rtnl_call(struct stw_rtnl *r, struct nlmsghdr *nlh);

/**
 * Ask for every row of a kind (RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETNEIGH).
 *
 * @param each  called for each message; MNL_CB_OK goes on
 * @return STW_OK, STW_EAGAIN (rows changed meanwhile: ask again), STW_EIO (errno is set)
 */
int stw_rtnl_dump(struct stw_rtnl *r, uint16_t type, uint8_t family, mnl_cb_t each, void *arg);

/** Append an address in its own family's form: 4 or 16 bytes. */
void stw_rtnl_put_ip(struct nlmsghdr *nlh, uint16_t attr, const struct stw_ip *ip);

/** Read an address attribute of @family. @return false when absent or its length does not fit */
bool stw_rtnl_get_ip(const struct nlattr *attr, uint8_t family, struct stw_ip *out);

/**
 * Attributes of a message by their type.
 *
 * @param header  bytes of the family's struct before them
 * @param out     [n], index = type; NULL where the message has none
 */
void stw_rtnl_attrs(const struct nlmsghdr *nlh, size_t header, const struct nlattr **out,
		    uint16_t n);

/** A 32-bit attribute, or @otherwise when it is absent or of another size. */
uint32_t stw_rtnl_get_u32(const struct nlattr *attr, uint32_t otherwise);

/** AF_INET or AF_INET6. */
uint8_t stw_rtnl_family(const struct stw_ip *ip);

/** Accepts one that was never opened, when zeroed. */
void stw_rtnl_close(struct stw_rtnl *r);
