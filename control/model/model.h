/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * What a configuration means, as plain values: no YAML, no sockets. Control builds table images
 * from it; the data plane takes its ports and cores from the same file. Every name was checked,
 * every reference resolved to an index.
 *
 * Ownership: stw_model_free() frees all of it. Threads: not shared; a reload makes a new one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>

#define STW_DOMAIN_MAX 254 /* with the NUL: host names */
#define STW_NAME_MAX   32  /* with the NUL: ports, listeners, pools, members */

struct stw_model_prefix {
	struct stw_ip ip;
	uint8_t bits; /* of the family: 0..32 for IPv4, 0..128 for IPv6 */
};

struct stw_model_neighbour {
	struct stw_ip ip;
	uint8_t mac[6];
	uint16_t vlan;
};

/* A subnet of a port: an address with its prefix length, on a VLAN or untagged. */
struct stw_model_address {
	struct stw_model_prefix prefix; /* the host address, not the network's */
	uint16_t vlan;			/* 0 untagged, 1..4094 */
};

struct stw_model_route {
	struct stw_model_prefix to; /* 0 bits: default route of that family */
	struct stw_ip via;
	uint16_t vlan;
};

enum stw_kernel_side {
	STW_KERNEL_SIDE_TWIN = 0, /* owned port: a TAP with the port's MAC carries its addresses */
	STW_KERNEL_SIDE_NONE = 1, /* pcap, ring, memif, null: static neighbours and routes */
	/* The interface stays the kernel's, with its addresses; only SIP is steered to us. The twin
	 * is a TAP by which the kernel gets what we have and is not ours after all. */
	STW_KERNEL_SIDE_SHARED = 2,
};

struct stw_model_port {
	char name[STW_NAME_MAX];
	char device[256]; /* DPDK device string ("net_af_xdp0,iface=eth1") or PCI address */
	char twin[16];	  /* interface name of the TAP */
	enum stw_kernel_side kernel;
	uint16_t mtu; /* 576..9216 */
	uint16_t rx_descriptors;
	uint16_t tx_descriptors;
	struct stw_model_address *addresses;
	size_t n_addresses;
	struct stw_model_route *routes;
	size_t n_routes;
	struct stw_model_neighbour *neighbours;
	size_t n_neighbours;
	uint16_t *vlans; /* [n_vlans] 1..4094: VLAN interfaces that are shared too */
	size_t n_vlans;
	uint32_t line; /* in the file, for messages */
};

enum stw_hugepages { STW_HUGEPAGES_AUTO, STW_HUGEPAGES_YES, STW_HUGEPAGES_NO };

struct stw_model_dataplane {
	uint16_t *cores; /* one worker each */
	size_t n_cores;
	enum stw_hugepages hugepages;
	uint32_t memory_mb;	     /* for packets and tables */
	uint32_t mbufs;		     /* packets in the pool of a port */
	uint16_t burst;		     /* 1..64 */
	uint16_t max_headers;	     /* as struct stw_sip_limits */
	uint16_t max_vias;	     /* likewise */
	int steering;		     /* enum stw_spreading */
	uint32_t idle_sleep_us;	     /* longest sleep of an idle worker, 0: never sleeps */
	uint32_t answers_per_source; /* a second, from each worker; 0: no limit */
	uint32_t record_messages;    /* of each worker, a power of two; 0: none */
	uint32_t record_bytes;	     /* kept of each at most, a multiple of 64 */
	uint32_t recent_calls;	     /* entries of the recent-call table; 0: there is none */
	char socket[108];	     /* control connects here */
};

struct stw_model_member {
	char name[STW_NAME_MAX];
	struct stw_endpoint address;
	uint32_t id;	 /* from the address alone (stw_member_id()): what cookies carry */
	uint16_t number; /* given by stw_numbers_assign(): counters and states are per number */
	uint32_t line;
};

enum stw_asked { STW_ASKED_UP, STW_ASKED_DRAIN, STW_ASKED_DOWN };

/* A pool's use of a member. */
struct stw_model_pool_member {
	uint32_t member;  /* index into model.members */
	uint32_t weight;  /* 0..65535; 0: no new calls */
	uint8_t priority; /* members of the lowest that serves get the calls */
	enum stw_asked asked;
	uint8_t withheld; /* eighths of the weight that health takes away, 0..8; 0 from the file */
	uint32_t line;
};

#define STW_HEALTH_TEXT 128 /* with the NUL */

/* How members of a pool are watched (control/health). */
struct stw_model_health {
	bool probes;
	char method[32];
	char from[STW_HEALTH_TEXT];   /* URI; "": made of the listener's address */
	char accept[STW_HEALTH_TEXT]; /* codes and ranges: "200-299,404" */
	uint32_t interval_ms;
	uint32_t jitter_percent;
	uint32_t timeout_ms;
	uint32_t backoff_ms; /* longest interval while failed */
	uint32_t fall;	     /* that many missed ... */
	uint32_t of;	     /* ... of so many, 1..32 */
	uint32_t rise;	     /* answers in a row */
	uint32_t hold_down_s;
	uint32_t hold_down_max_s;
	uint32_t slow_start_s;
	uint32_t window_s; /* of traffic; 0: not watched */
	uint32_t min_calls;
	uint32_t unanswered_percent; /* 0: not watched */
	uint32_t errors_percent;     /* 0: not watched */
	uint32_t eject_percent;
	uint32_t retry_after_max_s; /* 0: not obeyed */
	uint32_t panic_percent;
};

/* In the order of the file's words. */
enum stw_pool_policy {
	STW_POLICY_HASH,
	STW_POLICY_ROUND_ROBIN,
	STW_POLICY_LEAST_OPEN,
	STW_POLICY_LEAST_WORK,
};

/* A name that stands for members of a pool (RFC 3263). */
struct stw_model_pool_name {
	char name[STW_DOMAIN_MAX]; /* lower case */
	uint16_t port;		   /* 0: SRV records tell, or 5060 */
	uint32_t weight;	   /* of what has no SRV record */
	uint32_t line;
};

struct stw_model_pool {
	char name[STW_NAME_MAX];
	bool record_route;
	uint32_t slots;	  /* of its Maglev table: a prime */
	uint32_t quiet_s; /* a drained member without new requests for so long is empty */
	struct stw_model_health health;
	enum stw_pool_policy policy;
	int hash_key;			/* enum stw_image_key */
	char hash_header[STW_NAME_MAX]; /* "": none; with STW_IMAGE_KEY_HEADER only */
	uint16_t bound_percent;		/* of the mean load, with HASH; 0: no bound */
	uint16_t work_invite;		/* with LEAST_WORK */
	uint16_t work_other;
	uint8_t failover;	     /* retransmission with which a request moves; 0: never */
	char fallback[STW_NAME_MAX]; /* pool that serves when no member does; "": none */
	struct stw_model_pool_member *members;
	size_t n_members;
	struct stw_model_pool_name *names;
	size_t n_names;
	uint32_t line;
};

/* When a flow token goes into Record-Route and Path. */
enum stw_nat { STW_NAT_AUTO, STW_NAT_ALWAYS, STW_NAT_NEVER };

struct stw_model_listener {
	char name[STW_NAME_MAX];
	struct stw_endpoint address;
	uint32_t pool; /* index: where requests from outside go; UINT32_MAX: members only */
	enum stw_nat nat;
	struct stw_model_prefix *trusted; /* networks */
	size_t n_trusted;
	uint32_t line;
};

#define STW_SECRET_BYTES 16

struct stw_model_secret {
	uint8_t id; /* 0..15, in cookies */
	uint8_t key[STW_SECRET_BYTES];
};

struct stw_model_option {
	char tag[32]; /* a token */
};

struct stw_model_port_range {
	uint16_t first, last;
};

/* What the stateless proxy lets pass. */
struct stw_model_proxy {
	struct stw_model_option *options; /* of Proxy-Require that pass */
	size_t n_options;
	struct stw_model_port_range *closed_ports; /* nothing is sent there */
	size_t n_closed_ports;
	uint16_t max_breadth; /* 0: Max-Breadth is left alone */
};

#define STW_RULE_USER	64  /* with the NUL */
#define STW_RULE_NUMBER 32  /* with the NUL */
#define STW_RULE_URI	256 /* with the NUL */

struct stw_model_rule_user {
	char text[STW_RULE_USER]; /* "alice", or "alice*" */
};

struct stw_model_rule_domain {
	char text[STW_DOMAIN_MAX + 2]; /* "example.net", or "*.example.net" */
};

struct stw_model_rule_number {
	char prefix[STW_RULE_NUMBER]; /* as strowger/sip_number.h has it */
	uint32_t pool;		      /* index; UINT32_MAX: that of the rule */
};

/* What becomes of new requests that fit: each list is empty (anything fits) or one of it does. */
struct stw_model_rule {
	char name[STW_NAME_MAX];
	uint16_t methods; /* bits of enum stw_sip_method */
	struct stw_model_rule_user *users;
	size_t n_users;
	struct stw_model_rule_domain *domains;
	size_t n_domains;
	struct stw_model_rule_number *numbers; /* by prefix */
	size_t n_numbers;
	struct stw_model_prefix *sources;
	size_t n_sources;
	uint32_t *listeners; /* indices */
	size_t n_listeners;
	int action;		 /* enum stw_image_rule_action */
	uint32_t pool;		 /* index, or UINT32_MAX */
	uint16_t status;	 /* of a redirect or reject, else 0 */
	char said[STW_RULE_URI]; /* the reason of a reject, "" for the usual; the URI of a redirect
				  */
	uint8_t by;		 /* the field it is found by (control/model/rule_keys.h) */
	uint32_t row;		 /* of its counters (control/model/rule_rows.h); 0 from the file */
	uint32_t line;
};

/* How host names in URIs are resolved (control/resolve). */
struct stw_model_resolver {
	struct stw_endpoint *servers; /* none: the system's */
	size_t n_servers;
	uint32_t min_ttl_s; /* an answer is kept that long at least */
	uint32_t max_ttl_s;
	uint32_t negative_ttl_s; /* that there is no such name: that long at most */
	uint32_t max_names;
};

enum stw_digests { STW_DIGESTS_BOTH, STW_DIGESTS_SHA256, STW_DIGESTS_MD5 };

enum stw_durability { STW_DURABILITY_DURABLE, STW_DURABILITY_RELAXED };

/* What becomes of requests for users of the registrar's domains. */
enum stw_calls { STW_CALLS_LOCATION, STW_CALLS_REDIRECT, STW_CALLS_POOL };

/* The registrar (control/registrar). */
struct stw_model_registrar {
	char (*domains)[STW_DOMAIN_MAX]; /* lower case; none: there is no registrar */
	size_t n_domains;
	enum stw_calls calls;
	bool authenticate;
	enum stw_digests algorithms;
	uint32_t nonce_ttl_s;
	uint32_t min_expires_s, default_expires_s, max_expires_s;
	uint32_t max_contacts;	  /* of one user */
	uint32_t source_rate;	  /* REGISTERs a second of one source; 0: any number */
	uint32_t source_failures; /* wrong passwords a minute of one source; 0: any number */
	char service_route[256];  /* value of Service-Route, "" for none */
	char store[128];	  /* directory; "": location in state_dir */
	uint32_t store_mb;	  /* at most */
	enum stw_durability durability;
};

/* Where recorded messages go (control/records/export.h). */
struct stw_model_hep {
	char server[64]; /* "off", or address:port */
	uint32_t node;
};

struct stw_model_api {
	char socket[108];
	char group[32];	      /* owner group of the socket, "" for none */
	uint32_t mode;	      /* 0660 */
	char http[64];	      /* "off", or address:port */
	char token_file[108]; /* "" for none */
};

struct stw_model {
	struct stw_model_dataplane dataplane;
	struct stw_model_api api;
	struct stw_model_hep hep;
	struct stw_model_resolver resolver;
	struct stw_model_registrar registrar;
	struct stw_model_proxy proxy;
	struct stw_model_port *ports;
	size_t n_ports;
	struct stw_model_listener *listeners;
	size_t n_listeners;
	struct stw_model_pool *pools;
	size_t n_pools;
	struct stw_model_rule *rules; /* in the order they are tried */
	size_t n_rules;
	struct stw_model_member *members; /* each address once, used by any number of pools */
	size_t n_members;
	/* secrets[0] signs; both verify. From the file, or made once and kept in state_dir. */
	struct stw_model_secret secrets[2];
	size_t n_secrets;
	char state_dir[108]; /* /var/lib/strowger */
	int log_level;	     /* enum stw_log_level */
	int log_format;	     /* enum stw_log_format */
};

/** Free @m and all it owns. Accepts NULL. */
void stw_model_free(struct stw_model *m);

/** A member's identity, the same on every node and after every restart: a hash of its address. */
uint32_t stw_member_id(const struct stw_endpoint *address);
