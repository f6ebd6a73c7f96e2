/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The decision: (tables, message, source, memory) to a verdict. A pure function: no DPDK, socket or
 * clock, and no state but what it is given to read, so that explain, plan and replay link the very
 * code the workers run.
 */

#include <stddef.h>
#include <stdint.h>

#include <strowger/counters.h>
#include <strowger/endpoint.h>
#include <strowger/sip.h>

#include "dataplane/route/fib.h"
#include "dataplane/route/nh.h"

struct stw_tables;	 /* a checked image: dataplane/table/lookup.h */
struct stw_recent;	 /* dataplane/recent/recent.h */
struct stw_location_map; /* dataplane/location/find.h */
struct stw_whereabouts;	 /* dataplane/location/whereabouts.h */
struct stw_lanes;	 /* dataplane/lane/lanes.h */
struct stw_stats_members;

#define STW_NO_MEMBER	UINT16_MAX
#define STW_NO_LISTENER UINT16_MAX
#define STW_NO_RULE	UINT32_MAX

/**
 * All a worker reads, behind one RCU root pointer. Parts are replaced one by one: a new snapshot
 * shares what did not change.
 *
 * RCU borrowed: dead at this thread's next quiescent state.
 */
struct stw_snapshot {
	const struct stw_tables *tables;	 /* NULL before the first image */
	const struct stw_fib *fib;		 /* never NULL */
	const struct stw_location_map *location; /* who is registered where; NULL: control knows */
	struct stw_lanes *lanes; /* to control; NULL: it has none. Each worker writes its own end */
	/* Listener that faces each interface, by family [STW_FIB_IFACES_MAX][0 IPv4, 1 IPv6];
	 * STW_NO_LISTENER when none: made by stw_snapshot_face(). */
	uint16_t facing[STW_FIB_IFACES_MAX][2];
};

/* Addresses the kernel (or the configuration) has on an interface: input of stw_snapshot_face(). */
struct stw_iface_address {
	struct stw_ip ip;
	uint16_t iface;
};

/**
 * Fill @snap->facing: for each interface and family the first listener (in order of configuration)
 * whose address that interface carries; else the first of that family whatever the interface.
 */
void stw_snapshot_face(struct stw_snapshot *snap, const struct stw_iface_address *addresses,
		       size_t n_addresses);

/**
 * What a worker knows beyond the tables: input of the decision, which reads it only. Its verdict
 * says what is to be noted (enum stw_note); whoever carries the verdict out notes it, before the
 * next message is decided.
 */
struct stw_memory {
	const struct stw_recent *recent;   /* requests of the last minutes; NULL: none are known */
	struct stw_stats_members *members; /* [n_workers], counters: who has how much open work */
	uint32_t n_workers;
	uint32_t worker;     /* whose memory it is: the row it may write */
	uint32_t turn;	     /* of round robin: calls this worker has given out */
	uint32_t sweep_next; /* not for the decision: recent/note.h */
};

/* Where a message came from. */
struct stw_source {
	struct stw_endpoint peer;	 /* source address and port of the datagram */
	uint16_t listener;		 /* index of the listener it was sent to */
	const struct stw_memory *memory; /* NULL: by the tables alone (explain, replay) */
	/* What the location service says of the user it asks for: stays until it was rewritten or
	 * answered. NULL: nobody asked it. */
	struct stw_whereabouts *where;
	/* The Request-URI taken apart, by whoever asked the location service; NULL: nobody did. */
	const struct stw_sip_uri *uri;
	/* Bytes before the message that a rewrite may use, 0: STW_REWRITE_HEADROOM. */
	uint16_t headroom;
};

enum stw_action {
	STW_ACTION_DROP = 0, /* verdict.reason tells why */
	STW_ACTION_FORWARD,
	STW_ACTION_ANSWER, /* verdict.status, verdict.phrase */
	STW_ACTION_KERNEL, /* hand it to the kernel side as it came */
};

/* How the destination was found; counted as BY_COOKIE, BY_HASH, BY_URI, BY_FLOW. */
enum stw_how {
	STW_HOW_NONE,
	STW_HOW_COOKIE,
	STW_HOW_HASH,
	STW_HOW_URI,
	STW_HOW_VIA,
	STW_HOW_FLOW,
	STW_HOW_RECENT, /* as the request before it: BY_RECENT */
};

/* What the recent-call table is to note of a message (dataplane/recent). */
enum stw_note {
	STW_NOTE_NONE,
	STW_NOTE_OPEN,	  /* a request seen for the first time, to @member */
	STW_NOTE_REPEAT,  /* its retransmission, to the same */
	STW_NOTE_MOVE,	  /* its retransmission, from @moved_from to @member */
	STW_NOTE_ANSWER,  /* a response from the member it was sent to */
	STW_NOTE_CONTACT, /* a request seen for the first time, to the contact @contact */
};

/* Why a message goes to the kernel side: what is asked of control there. */
enum stw_kernel_for {
	STW_KERNEL_FOR_NAME,
	STW_KERNEL_FOR_REGISTRAR,
	STW_KERNEL_FOR_LOCATION, /* its Request-URI names a user of a domain we host */
	STW_KERNEL_FOR_HEALTH,	 /* the answer to a probe of control's own */
	STW_KERNEL_FOR_RULE, /* a rule leaves it to the kernel, and it came to control after all */
};

/* What became of a request for a user of ours. */
enum stw_locating {
	STW_LOCATING_NONE,
	STW_LOCATING_FOUND,   /* it goes to a contact */
	STW_LOCATING_TOLD,    /* the contacts are told: 302 */
	STW_LOCATING_UNKNOWN, /* no such user: 404 */
	STW_LOCATING_ABSENT,  /* not registered: 480 */
};

#define STW_ROUTE_POPS_MAX 4
/* Pieces cut out of a message: one a line of popped Routes, and the Routes that take the place of
 * the Request-URI, the last (RFC 3261 s16.4) and the first (s16.6 step 6). */
#define STW_ROUTE_CUTS_MAX (STW_ROUTE_POPS_MAX + 2)

struct stw_verdict {
	uint8_t action;	   /* enum stw_action */
	uint8_t how;	   /* enum stw_how */
	uint8_t odd;	   /* 0, or the detail counter to add: COOKIE_FORGED, COOKIE_UNKNOWN,
			    * FLOW_FORGED, LOOPS */
	bool new_call;	   /* INVITE without a To tag, to a member */
	bool record_route; /* add our Record-Route */
	bool from_member;  /* the sender is a member: @member_from */
	bool trusted;	   /* the sender is none, but a trusted peer of the listener */
	uint16_t breadth;  /* Max-Breadth to write, 0: none (RFC 5393 s5.3.3) */
	struct stw_span breadth_at; /* in place of this; off 0: as a line of its own */
	bool flow;		    /* our Record-Route tells the flow on the far side (flow.h) */
	bool path;		    /* add our Path (RFC 3327), with that flow */
	bool first_hop;		    /* with ;ob, as no proxy is before us (RFC 5626 s5.1) */
	uint8_t locating;	 /* enum stw_locating; FOUND: Request-URI and Route of src->where */
	bool both_flows;	 /* our Record-Route tells the flows on both sides */
	uint16_t reason;	 /* DROP: enum stw_counter, a DROP_ row */
	uint16_t status;	 /* ANSWER */
	const char *phrase;	 /* ANSWER: static text */
	uint32_t rule;		 /* row of rules that it fell under, STW_NO_RULE */
	uint16_t pool;		 /* row of pools for new requests: the rule's, or the listener's */
	uint16_t contact_member; /* ANSWER 3xx: whom Contact names, STW_NO_MEMBER */
	uint16_t member;	 /* destination member's index, STW_NO_MEMBER */
	uint16_t member_from;	 /* sender member's index, STW_NO_MEMBER */
	uint16_t listener_in;
	uint16_t listener_out; /* FORWARD: its address is our source, Via and Record-Route */
	struct stw_endpoint
		dst;	    /* FORWARD: where the datagram goes; ANSWER: where the answer goes */
	struct stw_hop hop; /* FORWARD, ANSWER: the way there */

	/* For the rewrite, filled with FORWARD. */
	uint64_t branch;	/* of our Via (RFC 3261 s16.11) */
	uint32_t loop;		/* its second part (loop.h) */
	struct stw_sip_via via; /* the topmost Via, parsed once */
	uint8_t n_route_pops;	/* of our own Route elements from the top */
	bool replace_uri;	/* strict routing (s16.4, s16.6 step 6): @new_uri takes its place */
	struct stw_span new_uri;
	uint16_t route_rest; /* offset of what remains of the Route list after the pops, 0: nothing
			      */
	uint16_t route_append; /* where a last Route line is added (s16.6 step 6), 0: nowhere */
	struct stw_span append_uri; /* what it holds: the Request-URI the strict router displaced */
	bool add_received;	    /* the sender's Via gets received (s18.2.1, RFC 3581 s4) */
	uint8_t n_cuts;
	struct stw_span cuts[STW_ROUTE_CUTS_MAX]; /* ascending; of a response: our Via */
	uint32_t cookie_member; /* id our Record-Route carries: the member of the dialog */
	stw_nh_sum call;	/* sum of the Call-ID, by the secret that signs (mac.h) */
	uint64_t call_hash;	/* what of it spreads calls */
	uint16_t retry_after_s; /* ANSWER: Retry-After, 0: none */

	/* With a memory: what becomes of it. */
	uint8_t note;	       /* enum stw_note */
	bool note_call;	       /* remember the call as well: it will carry no cookie */
	bool took_turn;	       /* of round robin */
	uint16_t moved_from;   /* MOVE: member's index, STW_NO_MEMBER: one no longer known */
	uint32_t contact;      /* CONTACT: its id */
	uint64_t recent_hash;  /* MOVE: of the Call-ID, by the secret it began under */
	uint32_t recent_at;    /* entry, but for OPEN, */
	uint64_t recent_state; /* and its state as it was read */

	uint8_t kernel_for; /* KERNEL: enum stw_kernel_for */
	/* KERNEL_FOR_LOCATION: whose contacts are wanted; with a name: @name_in it lies */
	struct stw_span locate;
	bool redirect;	     /* ... and whether its sender is to be told them */
	const char *name_in; /* text that @name is a part of: the message, or in src->where */
	/* KERNEL_FOR_NAME: the host name that is not known here, and the port the URI gives it (0:
	 * none). */
	struct stw_span name;
	uint16_t name_port;
};

/**
 * Decide what happens to one parsed message.
 *
 * @param snap  tables and FIB; snap->tables not NULL
 * @param buf   the message
 * @param m     as stw_sip_parse() left it, accepted or rejected; kind REQUEST, RESPONSE or
 *              STUN
 * @param src   where it came from
 * @param out   filled whole
 *
 * Requests (RFC 3261 s16.3-16.6, 16.11): rejected by the parser -> ANSWER (DROP for ACK);
 * Max-Forwards 0 -> 483; passed here before with nothing changed -> 482; our Route elements popped;
 * a good cookie -> its member; a sender that is a member -> Route or Request-URI; known to the
 * memory -> where it went before, or, unanswered there, the next; else a slot of the pool by its
 * policy, as a rule Maglev over the hash of the Call-ID. Responses (s16.7, s16.11, s18.1.2,
 * s18.2.2): top Via ours and its branch verified, next Via's received and rport obeyed. STUN (RFC
 * 5626 s8): a Binding Request is answered, all else dropped.
 *
 * Threads: any.  Fast path: yes.  RCU reader: online worker only (or any owner of @snap).
 */
void stw_route(const struct stw_snapshot *snap, const char *buf, const struct stw_sip_msg *m,
	       const struct stw_source *src, struct stw_verdict *out);

/**
 * stw_route() in two halves, for bursts: begin for all, then finish for all. The first hashes the
 * Call-ID and asks for the one table line that is seldom in a near cache, the call's Maglev slot.
 * Same arguments to both; nothing else may touch @out in between.
 */
void stw_route_begin(const struct stw_snapshot *snap, const char *buf, const struct stw_sip_msg *m,
		     const struct stw_source *src, struct stw_verdict *out);
void stw_route_finish(const struct stw_snapshot *snap, const char *buf, const struct stw_sip_msg *m,
		      const struct stw_source *src, struct stw_verdict *out);

/**
 * Make an answer of a KERNEL verdict that nobody could do better (of an ACK: a drop).
 *
 * @param v  as stw_route() left it for this very message
 */
void stw_route_refuse(const struct stw_snapshot *snap, const char *buf, const struct stw_sip_msg *m,
		      const struct stw_source *src, struct stw_verdict *v, uint16_t status,
		      const char *phrase);

/** Headroom and tailroom that stw_rewrite() and stw_answer() may use, in bytes. */
#define STW_REWRITE_HEADROOM 512u
#define STW_REWRITE_TAILROOM 64u

/* Where the message stands after a rewrite, relative to the first byte before it. */
struct stw_rewritten {
	int32_t start; /* negative: grew into the headroom */
	uint32_t len;  /* bytes from there */
};

/**
 * Carry out a FORWARD verdict in place. The body never moves; bytes beyond the message are cut off.
 *
 * Request: our Via first (branch = MAC), Record-Route when asked for (two values when the sides
 * differ, RFC 5658), received and rport on the sender's Via (s18.2.1, RFC 3581), Max-Forwards minus
 * one or "Max-Forwards: 70" when absent, our Route elements out, Request-URI of a strict route.
 * Response: our Via out, nothing else.
 *
 * @param buf  the message; STW_REWRITE_HEADROOM writable bytes before it
 * @return STW_OK, STW_ENOSPACE (would not fit the headroom; @buf unchanged)
 *
 * Fast path: yes: a list of edits, one pass, the short side moves.
 */
int stw_rewrite(const struct stw_snapshot *snap, const struct stw_sip_msg *m,
		const struct stw_source *src, const struct stw_verdict *v, char *buf,
		struct stw_rewritten *out);

/**
 * Write the answer of an ANSWER verdict over its request: status line, the request's Vias (with
 * received and rport), From, To with a tag that is a MAC of the request (so a retransmission gets
 * the same and the ACK is known again), Call-ID, CSeq, Content-Length: 0.
 *
 * @param room  writable bytes from @buf on; the answer never exceeds 1.5 times the request
 * @return STW_OK, STW_ENOSPACE, STW_EMALFORMED (the request lacks what an answer needs: drop it)
 *
 * Fast path: yes. RFC: 3261 s8.2.6, s8.2.7, s16.11, s18.2.2
 */
int stw_answer(const struct stw_snapshot *snap, const struct stw_sip_msg *m,
	       const struct stw_source *src, const struct stw_verdict *v, char *buf, size_t room,
	       struct stw_rewritten *out);

/* What whoever answers in our name adds. */
struct stw_answer_more {
	const char *lines; /* whole header lines, in place of those the status would bring */
	size_t len;
	bool sender_known; /* it proved who it is: the answer may be as long as it must */
};

/** The same with more in it. */
int stw_answer_with(const struct stw_snapshot *snap, const struct stw_sip_msg *m,
		    const struct stw_source *src, const struct stw_verdict *v,
		    const struct stw_answer_more *more, char *buf, size_t room,
		    struct stw_rewritten *out);
