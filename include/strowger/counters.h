/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The drop ledger: every packet received from the wire ends in exactly one row of STW_ENDS or
 * STW_DROPS. The row is at once the counter, the metric label and the word in a trace.
 *
 *     received + injected = sum(ENDS) + sum(DROPS) + waiting       per worker
 *
 * `waiting` is a gauge, counted up and down by the same writer: messages held for a neighbour's
 * address and fragments held for their datagram. `injected` are messages another worker handed over
 * (that worker ended them as `handed_over`).
 *
 * Each counter has one writer, which does a relaxed load, add and store; readers sum over workers
 * and keep their own baseline; nobody resets a worker's memory.
 */

#include <stdatomic.h>
#include <stdint.h>

/* X(NAME, "name", "help") */
#define STW_ENDS(X)                                                                 \
	X(SENT, "sent", "messages forwarded to the next hop")                       \
	X(ANSWERED, "answered", "requests answered here, without a member")         \
	X(KERNEL, "kernel", "packets given to the kernel twin as they came")        \
	X(CONTROL, "control", "messages handed to control by a worker's lane")      \
	X(MERGED, "merged", "fragments that became part of a reassembled datagram") \
	X(HANDED_OVER, "handed_over", "packets given to the worker that owns them")

#define STW_DROPS(X)                                                                              \
	X(DROP_FRAME_TRUNCATED, "frame_truncated", "shorter than its own headers say")            \
	X(DROP_BAD_CHECKSUM, "bad_checksum", "IP or UDP checksum found wrong by the NIC")         \
	X(DROP_NO_KERNEL, "no_kernel", "for the kernel side of a port that has none")             \
	X(DROP_KERNEL_FULL, "kernel_full", "the kernel twin did not take it")                     \
	X(DROP_CONTROL_FULL, "control_full", "control's lane had no room for it")                 \
	X(DROP_NO_TABLES, "no_tables", "no tables received from control yet")                     \
	X(DROP_FRAGMENT_BUDGET, "fragment_budget", "too many fragments are waiting")              \
	X(DROP_FRAGMENT_BAD, "fragment_bad", "fragment overlaps, is tiny or too long")            \
	X(DROP_FRAGMENT_TIMEOUT, "fragment_timeout", "the rest of the datagram never came")       \
	X(DROP_KEEPALIVE, "keepalive", "keep-alive that wants no answer (RFC 5626 s3.5)")         \
	X(DROP_NOT_SIP, "not_sip", "first bytes are neither a request nor a status line")         \
	X(DROP_MALFORMED, "malformed", "SIP that cannot be parsed and must not be answered")      \
	X(DROP_RESPONSE_NOT_OURS, "response_not_ours", "response whose top Via is not ours")      \
	X(DROP_RESPONSE_FORGED, "response_forged", "response whose branch does not verify")       \
	X(DROP_RESPONSE_STRANGER, "response_stranger", "response from neither member nor peer")   \
	X(DROP_RESPONSE_NO_VIA, "response_no_via", "response with no Via under ours")             \
	X(DROP_RESPONSE_NO_ADDRESS, "response_no_address", "Via names no address we can send to") \
	X(DROP_ACK_UNROUTABLE, "ack_unroutable", "ACK that would need an error answer")           \
	X(DROP_ACK_ABSORBED, "ack_absorbed", "ACK to a final answer of our own")                  \
	X(DROP_CANCEL_ABSORBED, "cancel_absorbed", "CANCEL of a request that we answered")        \
	X(DROP_FORBIDDEN_TARGET, "forbidden_target", "destination a sender may not reach by us")  \
	X(DROP_CLOSED_PORT, "closed_port", "destination port that nothing is sent to")            \
	X(DROP_ANSWER_BUDGET, "answer_budget", "answers to this source are limited")              \
	X(DROP_NO_ROUTE, "no_route", "no route to the destination")                               \
	X(DROP_NO_LISTENER, "no_listener", "no listener of that family to send from")             \
	X(DROP_NEIGHBOUR_TIMEOUT, "neighbour_timeout", "next hop's MAC address not learned")      \
	X(DROP_NEIGHBOUR_FULL, "neighbour_full", "too many messages wait for a MAC address")      \
	X(DROP_TOO_BIG, "too_big", "does not fit a buffer or a datagram after rewriting")         \
	X(DROP_NO_BUFFER, "no_buffer", "packet pool exhausted")                                   \
	X(DROP_HANDOVER_FULL, "handover_full", "the owning worker's queue is full")               \
	X(DROP_TX_FULL, "tx_full", "the NIC queue refused it")                                    \
	X(DROP_STOPPED, "stopped", "still waiting when the worker stopped")

#define STW_TOTALS(X)                                                 \
	X(RECEIVED, "received", "packets taken from NIC queues")      \
	X(INJECTED, "injected", "packets another worker handed over") \
	X(WAITING, "waiting", "gauge: packets held for a neighbour or for further fragments")

#define STW_DETAILS(X)                                                                      \
	X(REQUESTS, "requests", "SIP requests parsed")                                      \
	X(RESPONSES, "responses", "SIP responses parsed")                                   \
	X(NEW_CALLS, "new_calls", "INVITEs without a To tag sent to a member")              \
	X(BY_COOKIE, "by_cookie", "requests routed by the cookie in our Route")             \
	X(BY_HASH, "by_hash", "requests routed by hash")                                    \
	X(BY_RECENT, "by_recent", "requests routed as the request before them")             \
	X(BY_URI, "by_uri", "requests of members routed by Route or Request-URI")           \
	X(BY_FLOW, "by_flow", "requests of members sent to the flow their Route names")     \
	X(LOCATED, "located", "requests for registered users, sent to a contact")           \
	X(TOLD, "told", "requests for registered users, answered with their contacts")      \
	X(NOT_KNOWN, "not_known", "requests for users there are not, answered 404")         \
	X(NOT_REGISTERED, "not_registered", "requests for users not there, answered 480")   \
	X(LOOPS, "loops", "requests that came back unchanged, answered 482")                \
	X(FLOW_FORGED, "flow_forged", "flow tokens that did not verify, answered 403")      \
	X(COOKIE_FORGED, "cookie_forged", "cookies that did not verify; routed by hash")    \
	X(COOKIE_UNKNOWN, "cookie_unknown", "cookies of members no longer known")           \
	X(FRAGMENTS_RECEIVED, "fragments_received", "IP fragments for our listeners")       \
	X(FRAGMENTS_SENT, "fragments_sent", "IP fragments made for messages over the MTU")  \
	X(BYTES_RECEIVED, "bytes_received", "bytes of packets received")                    \
	X(BYTES_SENT, "bytes_sent", "bytes of frames sent, fragments included")             \
	X(KERNEL_RECEIVED, "kernel_received", "frames taken from the twin")                 \
	X(KERNEL_SENT, "kernel_sent", "frames of the twin put on the wire")                 \
	X(KERNEL_REFUSED, "kernel_refused", "frames of the twin the NIC refused")           \
	X(CONTROL_RECEIVED, "control_received", "messages control gave to be sent")         \
	X(CONTROL_SENT, "control_sent", "messages of control put on the wire")              \
	X(CONTROL_REFUSED, "control_refused", "messages of control that could not be sent") \
	X(LANE_DAMAGED, "lane_damaged", "times what control wrote could not be read")       \
	X(TURNS_BUSY, "turns_busy", "loop turns that found packets")                        \
	X(TURNS_IDLE, "turns_idle", "loop turns that found none")                           \
	X(SLEEPS, "sleeps", "times the idle worker slept")                                  \
	X(CYCLES_BUSY, "cycles_busy", "TSC cycles spent in turns that found packets")

#define STW_COUNTERS(X) STW_TOTALS(X) STW_ENDS(X) STW_DROPS(X) STW_DETAILS(X)

enum stw_counter {
#define X(name, text, help) STW_C_##name,
	STW_COUNTERS(X)
#undef X
		STW_N_COUNTERS,
	STW_C_FIRST_END = STW_C_SENT,
	STW_C_LAST_END = STW_C_HANDED_OVER,
	STW_C_FIRST_DROP = STW_C_DROP_FRAME_TRUNCATED,
	STW_C_LAST_DROP = STW_C_DROP_STOPPED,
};

_Static_assert(STW_C_LOCATED + 3 == STW_C_NOT_REGISTERED, "in the order of enum stw_locating");
_Static_assert(STW_C_LAST_END + 1 == STW_C_FIRST_DROP, "ends and drops are one run of rows");

struct stw_counter_row {
	const char *name; /* snake_case, the word used everywhere */
	const char *help;
};

/** [STW_N_COUNTERS], index = enum stw_counter. Static, so that each user needs no object file. */
static const struct stw_counter_row stw_counter_rows[STW_N_COUNTERS] __attribute__((unused)) = {
#define X(name, text, help) [STW_C_##name] = {text, help},
	STW_COUNTERS(X)
#undef X
};

/*
 * Per member: one row of counters a member number and worker, a cache line a side: the first eight
 * are counted with requests, the next eight with responses, the rest seldom.
 *
 * A request that the recent-call table holds (dataplane/recent) is *open* from its first sending
 * until its final answer; what came first counts, retransmissions only as `repeated`. So
 *
 *     open INVITEs = invites - invites_done         summed over workers
 *     open others  = others - others_done
 *     share of INVITEs without any answer = 1 - invites_answered / invites
 *
 * and each opened one is done exactly once: by a final answer, by moving to another member
 * (`failed_over`), or by having waited too long or left the table (`expired`). In-dialog requests
 * are not held, ACK and CANCEL never.
 */
#define STW_MEMBER_COUNTERS(X)                                                                    \
	X(REQUESTS, "requests", "requests sent to the member")                                    \
	X(NEW_CALLS, "new_calls", "INVITEs without a To tag sent to the member")                  \
	X(FROM_MEMBER, "from_member", "requests received from the member")                        \
	X(UNSENT, "unsent", "requests for the member that ended in a drop")                       \
	X(INVITES, "invites", "INVITEs opened at the member: the first sending only")             \
	X(OTHERS, "others", "other requests opened at the member: the first sending only")        \
	X(REPEATED, "repeated", "retransmissions of opened requests")                             \
	X(FAILED_OVER, "failed_over", "opened requests taken from the member, given to the next") \
	X(PROVISIONAL, "provisional", "1xx received from the member")                             \
	X(SUCCESS, "success", "2xx received from the member")                                     \
	X(REJECTED, "rejected", "3xx, 4xx and 6xx received from the member")                      \
	X(FAILED, "failed", "5xx received from the member")                                       \
	X(INVITES_ANSWERED, "invites_answered", "opened INVITEs that got a first answer")         \
	X(OTHERS_ANSWERED, "others_answered", "other opened requests that got a first answer")    \
	X(INVITES_DONE, "invites_done", "opened INVITEs that are no longer open")                 \
	X(OTHERS_DONE, "others_done", "other opened requests that are no longer open")            \
	X(UNAVAILABLE, "unavailable", "503 received from the member, also counted as failed")     \
	X(UNREACHABLE, "unreachable", "ICMP errors quoting a request of ours that verifies")      \
	X(EXPIRED, "expired", "opened requests that were forgotten without a final answer")

enum stw_member_counter {
#define X(name, text, help) STW_M_##name,
	STW_MEMBER_COUNTERS(X)
#undef X
		STW_N_MEMBER_COUNTERS,
};

/* Counters from one member's row to the next: whole cache lines. */
#define STW_MEMBER_STRIDE 24u

_Static_assert(STW_N_MEMBER_COUNTERS <= STW_MEMBER_STRIDE && STW_MEMBER_STRIDE % 8 == 0,
	       "whole cache lines a member and worker");
_Static_assert(STW_M_PROVISIONAL == 8 && STW_M_UNAVAILABLE == 16, "a cache line a side");

/** Requests open at a member, by its counters summed over workers. */
static inline uint64_t stw_member_open(const uint64_t c[STW_N_MEMBER_COUNTERS])
{
	uint64_t opened = c[STW_M_INVITES] + c[STW_M_OTHERS];
	uint64_t done = c[STW_M_INVITES_DONE] + c[STW_M_OTHERS_DONE];

	/* Workers count requests and answers apart, and are read at different moments. */
	return opened > done ? opened - done : 0;
}

/*
 * Time from a request's first sending to its first answer, in powers of two: bucket b counts what
 * took [2^b, 2^(b+1)) microseconds; the first also what took less, the last what took more. The
 * table's clock moves in steps of some microseconds, so the lowest buckets are coarse.
 */
#define STW_LATENCY_BUCKETS 24u

static const struct stw_counter_row stw_member_counter_rows[STW_N_MEMBER_COUNTERS]
	__attribute__((unused)) = {
#define X(name, text, help) [STW_M_##name] = {text, help},
		STW_MEMBER_COUNTERS(X)
#undef X
};

/* Per listener, one row a worker: half a cache line. */
#define STW_LISTENER_COUNTERS(X)                                                     \
	X(REQUESTS, "requests", "SIP requests received")                             \
	X(RESPONSES, "responses", "SIP responses received")                          \
	X(NEW_CALLS, "new_calls", "INVITEs without a To tag received, for a member") \
	X(ANSWERED, "answered", "requests answered here, without a member")

enum stw_listener_counter {
#define X(name, text, help) STW_L_##name,
	STW_LISTENER_COUNTERS(X)
#undef X
		STW_N_LISTENER_COUNTERS,
};

static const struct stw_counter_row stw_listener_counter_rows[STW_N_LISTENER_COUNTERS]
	__attribute__((unused)) = {
#define X(name, text, help) [STW_L_##name] = {text, help},
		STW_LISTENER_COUNTERS(X)
#undef X
};

/** The one writer's increment: relaxed load, add, store; no locked instruction. */
static inline void stw_counter_add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
			      memory_order_relaxed);
}
