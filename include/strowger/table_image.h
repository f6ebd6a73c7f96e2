/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The table image: what control builds and the data plane serves, as one contiguous block with
 * offsets in place of pointers. Host byte order: it never leaves the machine.
 *
 *   header   struct stw_image_header, at offset 0
 *   sections in the order of enum stw_image_kind, each at a multiple of 8, not overlapping
 *
 * Two sums: @digest (SHA-256) is the identity of the routing, the same on each node with equal
 * configuration and health; it covers the sections with generation, member numbers, resolved names
 * and what is left of the generation before (past slots, members gone) left out, and is computed
 * by control alone. @checksum covers every byte and is checked on
 * arrival.
 */

#include <stdint.h>

#include <strowger/endpoint.h>

#define STW_IMAGE_MAGIC	       0x49575453u /* "STWI" */
#define STW_IMAGE_VERSION      7u
#define STW_IMAGE_ALIGN	       8u
#define STW_IMAGE_BYTES_MAX    (1u << 30)
#define STW_IMAGE_NO_POOL      UINT16_MAX
#define STW_IMAGE_SECRET_MAX   2u
#define STW_IMAGE_LISTENERS    1024u
#define STW_IMAGE_POOLS	       1024u
#define STW_IMAGE_MEMBERS      16384u	  /* of all pools, and those just gone: one a number */
#define STW_IMAGE_POOL_MEMBERS 4096u	  /* of one pool */
#define STW_IMAGE_POOL_SLOTS   (1u << 24) /* of one pool */
#define STW_IMAGE_WEIGHT_MAX   65535u
#define STW_IMAGE_SECRET_SIZE  16u
#define STW_IMAGE_NAMES	       65536u
#define STW_IMAGE_NAME_MAX     253u /* bytes of one name (RFC 1035 s2.3.4) */
#define STW_IMAGE_NAME_TARGETS 8u   /* of one name */
#define STW_IMAGE_TRUSTED      4096u
#define STW_IMAGE_OPTIONS      64u
#define STW_IMAGE_OPTION_TEXT  32u
#define STW_IMAGE_PORT_RANGES  1024u
#define STW_IMAGE_DOMAINS      256u
#define STW_IMAGE_RULES	       100000u
#define STW_IMAGE_RULE_KEYS    500000u /* values in the conditions of all rules */
#define STW_IMAGE_RULE_TEXT    (1u << 27)
#define STW_IMAGE_RULE_ROWS    131072u /* of counters: STW_RULE_ROWS */
#define STW_IMAGE_RULE_SHARE   64u     /* rules that one value may leave to be tried one by one */
#define STW_IMAGE_RULE_NAME    31u
#define STW_IMAGE_RULE_USER    63u  /* bytes of a user or its beginning */
#define STW_IMAGE_RULE_NUMBER  24u  /* bytes of a number prefix */
#define STW_IMAGE_RULE_SAID    255u /* bytes of a reason or a URI */

/* X(ENUM, "name", row type, least rows, most rows) */
#define STW_IMAGE_SECTIONS(X)                                                                   \
	X(LISTENERS, "listeners", struct stw_image_listener, 1u, STW_IMAGE_LISTENERS)           \
	X(POOLS, "pools", struct stw_image_pool, 0u, STW_IMAGE_POOLS)                           \
	X(POOL_MEMBERS, "pool_members", struct stw_image_pool_member, 0u,                       \
	  STW_IMAGE_POOLS *STW_IMAGE_POOL_MEMBERS)                                              \
	X(MEMBERS, "members", struct stw_image_member, 0u, STW_IMAGE_MEMBERS)                   \
	X(SLOTS, "slots", uint16_t, 0u, STW_IMAGE_BYTES_MAX / 2u)                               \
	X(SECRETS, "secrets", struct stw_image_secret, 1u, STW_IMAGE_SECRET_MAX)                \
	X(NAMES, "names", struct stw_image_name, 0u, STW_IMAGE_NAMES)                           \
	X(TARGETS, "targets", struct stw_image_target, 0u,                                      \
	  STW_IMAGE_NAMES *STW_IMAGE_NAME_TARGETS)                                              \
	X(NAME_TEXT, "name_text", char, 0u, STW_IMAGE_NAMES *STW_IMAGE_NAME_MAX)                \
	X(SETTINGS, "settings", struct stw_image_settings, 1u, 1u)                              \
	X(TRUSTED, "trusted", struct stw_image_prefix, 0u, STW_IMAGE_TRUSTED)                   \
	X(OPTIONS, "options", struct stw_image_option, 0u, STW_IMAGE_OPTIONS)                   \
	X(CLOSED_PORTS, "closed_ports", struct stw_image_port_range, 0u, STW_IMAGE_PORT_RANGES) \
	X(DOMAINS, "domains", struct stw_image_domain, 0u, STW_IMAGE_DOMAINS)                   \
	X(RULES, "rules", struct stw_image_rule, 0u, STW_IMAGE_RULES)                           \
	X(RULE_KEYS, "rule_keys", struct stw_image_rule_key, 0u, STW_IMAGE_RULE_KEYS)           \
	X(RULE_TEXT, "rule_text", char, 0u, STW_IMAGE_RULE_TEXT)

enum stw_image_kind {
#define X(name, text, type, least, most) STW_IMAGE_##name##_SECTION,
	STW_IMAGE_SECTIONS(X)
#undef X
		STW_IMAGE_N_SECTIONS,
};

struct stw_image_section {
	uint32_t offset; /* from the start of the image */
	uint32_t rows;
	uint32_t row_bytes;
	uint32_t reserved; /* zero, as every other reserved field */
};

struct stw_image_header {
	uint32_t magic;
	uint32_t version;
	uint64_t size_bytes; /* of the whole image */
	uint64_t generation;
	uint64_t checksum; /* SipHash of the image with this field zero, public key */
	uint8_t digest[32];
	uint32_t n_sections;
	uint32_t reserved;
	struct stw_image_section sections[STW_IMAGE_N_SECTIONS];
};

struct stw_image_listener {
	struct stw_endpoint address; /* UDP, port not 0, no address twice */
	uint16_t pool;		     /* row of pools, or STW_IMAGE_NO_POOL */
	uint8_t nat;		     /* enum stw_image_nat */
	uint8_t reserved;
	uint32_t first_trusted; /* row of trusted */
	uint32_t n_trusted;
};

/* When a flow token goes into Record-Route and Path (RFC 5626 s5). */
enum stw_image_nat {
	STW_IMAGE_NAT_AUTO,
	STW_IMAGE_NAT_ALWAYS,
	STW_IMAGE_NAT_NEVER,
	STW_IMAGE_N_NAT
};

/* Peers that may send where they like, as members do. */
struct stw_image_prefix {
	struct stw_ip ip; /* no bit set beyond @bits */
	uint8_t bits;	  /* 0..128, counted on the mapped form: an IPv4 /24 is 120 */
	uint8_t reserved[3];
};

/* An option tag of Proxy-Require that may pass (RFC 3261 s16.3 item 5). */
struct stw_image_option {
	char tag[STW_IMAGE_OPTION_TEXT]; /* 1..31 bytes in lower case, then zeros */
};

/* Ports that nothing is sent to, unless a member is there. */
struct stw_image_port_range {
	uint16_t first, last; /* first <= last */
};

/* What holds for the proxy as a whole. */
struct stw_image_settings {
	uint16_t max_breadth; /* RFC 5393 s5; 0: the header is left alone */
	uint16_t flags;
	uint16_t reserved[2];
};

#define STW_IMAGE_LOCATE	    1u /* requests for users of DOMAINS go to the location service */
#define STW_IMAGE_REDIRECT	    2u /* ... and their senders are told the contacts (302) */
#define STW_IMAGE_SETTINGS_ALL	    3u

#define STW_IMAGE_POOL_RECORD_ROUTE 1u
#define STW_IMAGE_POOL_PANIC	    2u /* too many look dead: members' FAILED is not obeyed */
#define STW_IMAGE_POOL_FLAGS	    3u

/* Which slot a new call takes. Slots are shares by weight in each case. */
enum stw_image_policy {
	STW_IMAGE_BY_HASH,     /* of the key */
	STW_IMAGE_ROUND_ROBIN, /* one after the other; control fills the slots in turns */
	STW_IMAGE_LEAST,       /* the better of two hashed choices, by open work against weight */
	STW_IMAGE_N_POLICIES,
};

/* What BY_HASH takes for the key; a request that lacks it is hashed by its Call-ID. */
enum stw_image_key {
	STW_IMAGE_KEY_CALL_ID,
	STW_IMAGE_KEY_FROM_USER,
	STW_IMAGE_KEY_TO_USER,
	STW_IMAGE_KEY_URI_USER, /* of the Request-URI */
	STW_IMAGE_KEY_SOURCE,	/* address of the sender, without its port */
	STW_IMAGE_KEY_HEADER,	/* the first value of @key_header */
	STW_IMAGE_N_KEYS,
};

#define STW_IMAGE_KEY_HEADER_MAX 29u
#define STW_IMAGE_FAILOVER_MAX	 7u
#define STW_IMAGE_BOUND_MIN	 101u
#define STW_IMAGE_BOUND_MAX	 1000u

/* The tier of members that serves is control's choice: only its members have slots. */
struct stw_image_pool {
	uint32_t first_slot;   /* row of slots */
	uint32_t n_slots;      /* 0: nobody takes new calls */
	uint32_t first_past;   /* row of slots: as the generation before had them, */
	uint32_t n_past;       /* for what began under it; 0: not known, or nothing to tell */
	uint32_t first_member; /* row of pool_members */
	uint32_t n_members;
	uint32_t flags;
	uint16_t fallback;	/* row of pools that serves when this one has no slots, or
				 * STW_IMAGE_NO_POOL; chains end */
	uint8_t policy;		/* enum stw_image_policy */
	uint8_t key;		/* enum stw_image_key */
	uint16_t bound_percent; /* BY_HASH: most open work of a member against the mean by weight,
				 * BOUND_MIN..BOUND_MAX; 0: no bound */
	uint16_t work_invite;	/* work of an open INVITE: LEAST and bounds; */
	uint16_t work_other;	/* and of any other open request */
	uint8_t failover;	/* an unanswered request moves with this retransmission, 0: never */
	uint8_t key_header_len; /* with STW_IMAGE_KEY_HEADER, else 0 */
	char key_header[STW_IMAGE_KEY_HEADER_MAX + 1]; /* long form, lower case, NUL-terminated */
	uint16_t reserved;
};

enum stw_image_asked { STW_IMAGE_UP, STW_IMAGE_DRAIN, STW_IMAGE_DOWN, STW_IMAGE_N_ASKED };

/* Rows of a pool ascend by @member. */
struct stw_image_pool_member {
	uint16_t member; /* row of members */
	uint16_t weight;
	uint8_t asked; /* enum stw_image_asked */
	uint8_t failed;
	uint8_t serves; /* 1: has slots, as far as its weight goes */
	uint8_t reserved;
};

/* FAILED: observed, for all pools it is in; no new calls, and its unanswered ones move. */
#define STW_IMAGE_MEMBER_FAILED 1u
/* No longer configured: known for what it was sent before, in no pool. Not in the digest. */
#define STW_IMAGE_MEMBER_GONE  2u
#define STW_IMAGE_MEMBER_FLAGS 3u

struct stw_image_member {
	struct stw_endpoint address; /* UDP, port not 0, no address twice */
	uint32_t id;		     /* no id twice */
	uint16_t number;	     /* below STW_MEMBER_NUMBERS, none twice; not in the digest */
	uint16_t flags;
};

struct stw_image_secret {
	uint8_t id; /* 0..15, not twice; row 0 signs and spreads new calls, all verify */
	uint8_t reserved[7];
	uint8_t key[STW_IMAGE_SECRET_SIZE];
};

/* A host name as URIs hold it, and what it stands for today (RFC 3263). Not in the digest: nodes
 * resolve at different moments. */
struct stw_image_name {
	uint32_t first_byte;   /* row of name_text: lower case, no dot at the end */
	uint32_t first_target; /* row of targets */
	uint16_t port;	       /* as the URI gives it, 0: not given */
	uint8_t len;	       /* 1..STW_IMAGE_NAME_MAX */
	uint8_t n_targets;     /* 0: it stands for nothing */
};

struct stw_image_target {
	struct stw_endpoint address; /* UDP, port not 0 */
	uint16_t priority;	     /* lowest first; of one name in ascending order */
	uint16_t weight;
};

/* A domain whose users register here, as URIs hold it: lower case; an IPv6 address in brackets. */
struct stw_image_domain {
	uint8_t len;		       /* 1..STW_IMAGE_NAME_MAX */
	char name[STW_IMAGE_NAME_MAX]; /* zero behind @len */
	uint8_t reserved[2];
};

/* What of a request a rule may look at, beside its method. */
enum stw_image_rule_field {
	STW_IMAGE_RULE_BY_USER,	    /* of the Request-URI, escapes decoded */
	STW_IMAGE_RULE_BY_DOMAIN,   /* its host, or the domain a local number is valid in */
	STW_IMAGE_RULE_BY_NUMBER,   /* strowger/sip_number.h */
	STW_IMAGE_RULE_BY_SOURCE,   /* address of the sender */
	STW_IMAGE_RULE_BY_LISTENER, /* that it was sent to */
	STW_IMAGE_RULE_FIELDS,
};

enum stw_image_rule_action {
	STW_IMAGE_RULE_TO_POOL,
	STW_IMAGE_RULE_TO_LOCATION,  /* to the user's contact */
	STW_IMAGE_RULE_TO_REGISTRAR, /* control's */
	STW_IMAGE_RULE_TO_KERNEL,
	STW_IMAGE_RULE_REDIRECT_CONTACTS, /* to all the location service knows */
	STW_IMAGE_RULE_REDIRECT_MEMBER,	  /* of @pool, as its policy chooses */
	STW_IMAGE_RULE_REDIRECT_URI,	  /* to @said */
	STW_IMAGE_RULE_REJECT,
	STW_IMAGE_RULE_N_ACTIONS,
};

struct stw_image_rule_run {
	uint32_t first, n; /* rows of rule_keys; none: the field may be anything */
};

/*
 * What becomes of new requests, in the order they are tried: the first that fits is obeyed. One
 * fits when each of its fields has one of the values its keys name. Keys follow one another in the
 * order of rules and fields.
 */
struct stw_image_rule {
	struct stw_image_rule_run keys[STW_IMAGE_RULE_FIELDS];
	uint32_t name;	  /* row of rule_text: 1..STW_IMAGE_RULE_NAME bytes and a NUL */
	uint32_t said;	  /* likewise: REJECT the reason, REDIRECT_URI the URI, else empty */
	uint32_t row;	  /* of its counters, none twice; not in the digest */
	uint16_t methods; /* a bit each enum stw_sip_method, not ACK and CANCEL; 0: any */
	uint16_t pool;	  /* TO_POOL, REDIRECT_MEMBER; else STW_IMAGE_NO_POOL */
	uint16_t status;  /* REJECT 400..699, REDIRECT_x 301, 302 or 305, else 0 */
	uint8_t action;	  /* enum stw_image_rule_action */
	uint8_t by; /* the field it is found by, or STW_IMAGE_RULE_FIELDS: it is tried with each
		     * request, as STW_IMAGE_RULE_SHARE may be */
	uint32_t reserved;
};

/* One value; not twice in one field of a rule. */
struct stw_image_rule_key {
	uint32_t first_byte; /* row of rule_text; BY_LISTENER: row of listeners */
	uint16_t pool;	     /* BY_NUMBER: in place of its rule's, or STW_IMAGE_NO_POOL */
	uint8_t len;	     /* BY_SOURCE: 16; BY_LISTENER: 0 */
	uint8_t kind;	     /* enum stw_image_rule_kind; BY_SOURCE: bits, as of trusted */
};

enum stw_image_rule_kind {
	STW_IMAGE_RULE_EXACT, /* USER, DOMAIN, LISTENER */
	STW_IMAGE_RULE_PART,  /* USER: how it begins, DOMAIN: how it ends, from a dot on;
			       * NUMBER: how it begins, the longest of its rule counts */
};

/* A name with its targets, outside an image. */
struct stw_image_resolved {
	const char *name; /* [len], as stw_name_canonical() makes it; none twice with one port */
	uint8_t len;
	uint8_t n_targets; /* 0: it stands for nothing */
	uint16_t port;
	const struct stw_image_target *targets; /* [n_targets], priorities ascending */
};

_Static_assert(sizeof(struct stw_image_section) == 16, "no padding on the wire");
_Static_assert(sizeof(struct stw_image_header) == 72 + 16 * STW_IMAGE_N_SECTIONS, "no padding");
_Static_assert(sizeof(struct stw_image_listener) == 32, "no padding");
_Static_assert(sizeof(struct stw_image_prefix) == 20, "no padding");
_Static_assert(sizeof(struct stw_image_option) == 32, "no padding");
_Static_assert(sizeof(struct stw_image_port_range) == 4, "no padding");
_Static_assert(sizeof(struct stw_image_settings) == 8, "no padding");
_Static_assert(sizeof(struct stw_image_pool) == 72, "no padding");
_Static_assert(sizeof(struct stw_image_pool_member) == 8, "no padding");
_Static_assert(sizeof(struct stw_image_member) == 28, "no padding");
_Static_assert(sizeof(struct stw_image_secret) == 24, "no padding");
_Static_assert(sizeof(struct stw_image_name) == 12, "no padding");
_Static_assert(sizeof(struct stw_image_target) == 24, "no padding");
_Static_assert(sizeof(struct stw_image_domain) == 256, "no padding");
_Static_assert(sizeof(struct stw_image_rule) == 64, "no padding");
_Static_assert(sizeof(struct stw_image_rule_key) == 8, "no padding");

/** The checksum an image of @size bytes, at least a header, should carry. */
uint64_t stw_image_checksum(const void *bytes, uint64_t size);

/**
 * Check every field, offset, count and value of an image.
 *
 * @param bytes       aligned to STW_IMAGE_ALIGN; may hold anything at all
 * @param reason      [reason_len] when refused: section, row and what is wrong
 * @return STW_OK, STW_EVERSION, STW_EBOUNDS, STW_EDIGEST (the checksum), STW_ERANGE, STW_EDUP,
 *         STW_EMALFORMED (not an image, or a reserved field that is not zero)
 */
int stw_image_check(const void *bytes, uint64_t size, char *reason, uint64_t reason_len);

/**
 * The form in which names are kept and compared: lower case, no dot at the end.
 *
 * @param out  [STW_IMAGE_NAME_MAX]; not NUL-terminated
 * @return bytes written; 0: this is no host name (letters, digits, '-', '_' and single dots)
 *
 * Threads: any. Fast path: yes. RFC: 1035 s2.3.1, 2.3.3; 3261 s19.1.4
 */
uint8_t stw_name_canonical(const char *name, uint64_t len, char *out);
