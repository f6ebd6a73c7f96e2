/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What a packet will have been once it is sent, and for which member: four bytes that go with a
 * buffer through queues, so that it ends in the right row of the ledger wherever it ends. Kept in
 * the buffer's hash.usr, which means nothing to drivers on the way out.
 */

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

enum stw_tag_kind {
	STW_TAG_RAW,	   /* as received, for the worker that owns its datagram */
	STW_TAG_SPREAD,	   /* the same, of a call that is to be done there: member is who gave it */
	STW_TAG_SENT,	   /* a message forwarded */
	STW_TAG_ANSWERED,  /* an answer of ours */
	STW_TAG_KERNEL,	   /* for the kernel twin */
	STW_TAG_FROM_TWIN, /* a frame of the twin: not in the ledger */
	STW_TAG_CONTROL,   /* a message of control's: not in the ledger */
	STW_TAG_PART,	   /* all fragments of a message but the last: not in the ledger */
};

#define STW_TAG_NEW_CALL  0x100u
#define STW_TAG_NO_MEMBER 0xffffu

static inline uint32_t stw_tag(enum stw_tag_kind kind, uint16_t member_number, bool new_call)
{
	return (uint32_t)member_number << 16 | (new_call ? STW_TAG_NEW_CALL : 0) | kind;
}

/* A tag for what no member is concerned with. */
static inline uint32_t stw_tag_plain(enum stw_tag_kind kind)
{
	return stw_tag(kind, STW_TAG_NO_MEMBER, false);
}

static inline enum stw_tag_kind stw_tag_kind(uint32_t tag)
{
	return (enum stw_tag_kind)(tag & 0xff);
}

static inline uint16_t stw_tag_member(uint32_t tag)
{
	return (uint16_t)(tag >> 16);
}

/* True for packets the ledger knows. */
static inline bool stw_tag_counts(uint32_t tag)
{
	return stw_tag_kind(tag) < STW_TAG_FROM_TWIN;
}
