/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/schema.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/sip.h>

#include "control/config/conf.h"

#define AT(type, field) \
	.at = offsetof(struct type, field), .size = sizeof(((struct type *)0)->field)
#define LIST(type, field, element) \
	.at = offsetof(struct type, field), .size = sizeof(struct element)

#define RESTART	 STW_EFFECT_RESTART_DATAPLANE
#define CONTROL	 STW_EFFECT_RESTART_CONTROL
#define RELOAD	 STW_EFFECT_RELOAD
#define REQUIRED .required = true

/* Rows stand in the order of the documents and of the dump. A row's parent stands before it. */
/* clang-format off */
const struct stw_opt stw_schema[] = {
	{"dataplane", STW_OPT_SECTION, RESTART,
	 .help = "The process that moves packets, strowger-dataplane."},
	{"dataplane.cores", STW_OPT_LIST, RESTART, .min = 1, .max = 64, .noun = "core", .ordered = true,
	 .computed = "[1] on a machine with several CPUs, else [0]",
	 LIST(stw_conf, cores, stw_conf_core),
	 .help = "CPUs that move packets. One worker is pinned to each and uses it whole while "
		 "there is traffic, so leave at least one CPU to the system and to control."},
	{"dataplane.cores[]", STW_OPT_UINT, RESTART, .max = 1023, AT(stw_conf_core, core),
	 .help = "Number of a CPU, as in /proc/cpuinfo. Each at most once."},
	{"dataplane.hugepages", STW_OPT_ENUM, RESTART, .def = "auto", .choices = "auto|yes|no",
	 AT(stw_conf, dataplane.hugepages),
	 .help = "Whether packets and tables live in hugepages. auto takes them when enough are "
		 "free and ordinary memory otherwise; yes refuses to start without them."},
	{"dataplane.memory_mb", STW_OPT_UINT, RESTART, .min = 32, .max = 1048576, .def = "256",
	 .unit = "MiB", AT(stw_conf, dataplane.memory_mb),
	 .help = "Memory for packets and tables, taken once at the start. More is taken when the "
		 "ports' packets need it."},
	{"dataplane.mbufs", STW_OPT_UINT, RESTART, .min = 512, .max = 8388608, .def = "16384",
	 .unit = "packets", AT(stw_conf, dataplane.mbufs),
	 .help = "Packet buffers in the pool of each port. It must hold what the port's queues can: "
		 "for each core its receive and transmit descriptors and one burst."},
	{"dataplane.burst", STW_OPT_UINT, RESTART, .min = 1, .max = 64, .def = "32",
	 .unit = "packets", AT(stw_conf, dataplane.burst),
	 .help = "The most packets a worker takes from a queue at once. Larger bursts cost less a "
		 "packet, smaller ones add less latency."},
	{"dataplane.idle_sleep_us", STW_OPT_UINT, RESTART, .max = 10000, .def = "100",
	 .unit = "microseconds", AT(stw_conf, dataplane.idle_sleep_us),
	 .help = "The longest sleep of a worker that found nothing to do for a while; after a tenth "
		 "of a second without packets it is five times as long. 0 never sleeps: the lowest "
		 "latency, and a CPU that is always busy."},
	{"dataplane.max_headers", STW_OPT_UINT, RESTART, .min = 5, .max = STW_SIP_HEADERS_MAX,
	 .def = "256", .unit = "header lines", AT(stw_conf, dataplane.max_headers),
	 .help = "The most header lines a message may have; a request with more is answered 513, a "
		 "response dropped. Before and behind this balancer there should be no lower limit."},
	{"dataplane.max_vias", STW_OPT_UINT, RESTART, .min = 1, .max = STW_SIP_VIAS_MAX,
	 .def = "128", .unit = "elements", AT(stw_conf, dataplane.max_vias),
	 .help = "The most Via elements a message may have, over all its Via lines; a request with "
		 "more is answered 513, a response dropped."},
	{"dataplane.steering", STW_OPT_ENUM, RESTART, .def = "auto", .choices = "auto|off|always",
	 AT(stw_conf, dataplane.steering),
	 .help = "Whether a worker hands messages over to others by their Call-ID. A trunk is one pair "
		 "of addresses and ports, of which a NIC makes one queue and so one worker's work: auto "
		 "does it while one worker's queues stay full and others' are not, always at all times."},
	{"dataplane.answers_per_source", STW_OPT_UINT, RESTART, .max = 1000000, .def = "1000",
	 .unit = "answers a second", AT(stw_conf, dataplane.answers_per_source),
	 .help = "The most answers of our own (483, 503, 200 to OPTIONS and the like) that one "
		 "source gets from each worker. A source is an IPv4 address or an IPv6 /64; members "
		 "have no limit. 0: nobody has."},
	{"dataplane.record_messages", STW_OPT_CHOICE, RESTART, .def = "4096",
	 .choices = "0|256|512|1024|2048|4096|8192|16384|32768|65536", .unit = "messages",
	 AT(stw_conf, dataplane.record_messages),
	 .help = "The flight recorder: how many of the last messages each worker keeps, with what was "
		 "decided, for strowgerctl trace. A worker with small bursts keeps every message, a busy one "
		 "all messages of one call in 16. 0 records nothing."},
	{"dataplane.record_bytes", STW_OPT_CHOICE, RESTART, .def = "1024",
	 .choices = "256|512|1024|2048|4096|8192", .unit = "bytes", AT(stw_conf, dataplane.record_bytes),
	 .help = "How much the flight recorder keeps of each message, from its first byte. Messages are "
		 "personal data; they stay in memory, and only who may use the API's socket sees them."},
	{"dataplane.recent_calls", STW_OPT_UINT, RESTART, .max = 268435456, .def = "262144",
	 .unit = "entries", AT(stw_conf, dataplane.recent_calls),
	 .help = "Size of the recent-call table, of 16 bytes an entry, rounded up to a power of two. It "
		 "remembers for four minutes where each request outside dialogs went, so that "
		 "retransmissions, CANCEL and ACK follow it whatever changes, and is what failover "
		 "and the policies that look at open work go by: 240 entries for each such request a "
		 "second. When it is full the oldest are forgotten. 0: none."},
	{"dataplane.socket", STW_OPT_PATH, RESTART, .min = 2, .max = 107,
	 .def = "/run/strowger/dataplane.sock", AT(stw_conf, dataplane.socket),
	 .help = "Unix socket on which the data plane takes tables from control."},
	{"dataplane.workers", STW_OPT_ADVICE, RESTART,
	 .help = "write dataplane.cores: one worker runs on each"},
	{"dataplane.lcores", STW_OPT_ADVICE, RESTART,
	 .help = "write dataplane.cores, a list such as [1, 2]"},

	{"control", STW_OPT_SECTION, RELOAD,
	 .help = "The process that reads the configuration and builds tables, strowger-control."},
	{"control.state_dir", STW_OPT_PATH, CONTROL, .min = 2, .max = 87,
	 .def = "/var/lib/strowger", AT(stw_conf, state_dir),
	 .help = "Directory for what must survive a restart: the secret when the file names none, "
		 "and drains and weights asked for at run time."},
	{"control.log_level", STW_OPT_ENUM, RELOAD, .def = "info",
	 .choices = "error|warn|info|debug", AT(stw_conf, log_level),
	 .help = "The least important lines that are still logged, by both processes. strowgerctl "
		 "log-level changes it until the next reload."},
	{"control.log_format", STW_OPT_ENUM, RELOAD, .def = "logfmt",
	 .choices = "logfmt|json", AT(stw_conf, log_format),
	 .help = "Form of the lines that both processes log on standard error: key=value, or one JSON "
		 "object a line."},

	{"api", STW_OPT_SECTION, CONTROL,
	 .help = "The HTTP interface of control, which strowgerctl uses."},
	{"api.socket", STW_OPT_PATH, CONTROL, .min = 2, .max = 107,
	 .def = "/run/strowger/api.sock", AT(stw_conf, api.socket),
	 .help = "Unix socket of the API."},
	{"api.group", STW_OPT_TEXT, CONTROL, .max = 31, .def = "", AT(stw_conf, api.group),
	 .help = "Group that owns the socket, so that its people can use strowgerctl. Empty leaves "
		 "the group of the process."},
	{"api.mode", STW_OPT_OCTAL, CONTROL, .max = 0770, .def = "0660", AT(stw_conf, api.mode),
	 .help = "File mode of the socket, in octal. Whoever may write to it may drain members, so "
		 "others than owner and group are never let in."},
	{"api.http", STW_OPT_TEXT, CONTROL, .min = 3, .max = 63, .def = "127.0.0.1:8460",
	 AT(stw_conf, api.http),
	 .help = "Address and port on which control also serves HTTP over TCP: the status page at /, "
		 "/metrics for Prometheus, and what the API tells that is not private. It changes "
		 "nothing and shows no message to anybody without the token of api.token_file. off: no "
		 "such port. When the port cannot be had, control says so and runs without."},
	{"api.token_file", STW_OPT_PATH, CONTROL, .min = 2, .max = 107, .computed = "none: read-only",
	 AT(stw_conf, api.token_file),
	 .help = "File whose first line is the token, 16 to 128 printable characters. Who sends it on "
		 "the HTTP port (Authorization: Bearer TOKEN) may do there what the Unix socket allows. "
		 "There is no encryption on that port: put a TLS proxy before it when it is not the "
		 "loopback. Others than the owner must not be able to read the file."},

	{"hep", STW_OPT_SECTION, RELOAD,
	 .help = "Export of recorded messages to a capture server that speaks HEPv3, such as Homer, Kamailio's "
		 "sipcapture or sngrep. Control sends what the flight recorder holds; when it cannot keep "
		 "up, messages are left out, never delayed."},
	{"hep.server", STW_OPT_TEXT, RELOAD, .min = 3, .max = 63, .def = "off", AT(stw_conf, hep.server),
	 .help = "Address and port of the server, by UDP; port 9060 unless given. off: nothing is sent."},
	{"hep.node", STW_OPT_UINT, RELOAD, .max = 4294967295, .def = "1", AT(stw_conf, hep.node),
	 .help = "Capture agent id that tells this node from others."},

	{"resolver", STW_OPT_SECTION, RELOAD,
	 .help = "How control resolves host names in the URIs of members' requests (RFC 3263: NAPTR, SRV, "
		 "A and AAAA). Names in this file are not resolved."},
	{"resolver.servers", STW_OPT_LIST, RELOAD, .max = 8, .noun = "server", .ordered = true,
	 .computed = "those of the system, in /etc/resolv.conf",
	 LIST(stw_conf, servers, stw_conf_server),
	 .help = "DNS servers, asked in this order."},
	{"resolver.servers[]", STW_OPT_ENDPOINT, RELOAD, .max = 53,
	 AT(stw_conf_server, address),
	 .help = "IP address and port, 53 unless given. Each at most once."},
	{"resolver.min_ttl_s", STW_OPT_UINT, RELOAD, .min = 1, .max = 3600, .def = "5",
	 .unit = "seconds", AT(stw_conf, resolver.min_ttl_s),
	 .help = "The shortest time an answer is kept, whatever its TTL says: a name costs no more "
		 "than one question in this time."},
	{"resolver.max_ttl_s", STW_OPT_UINT, RELOAD, .min = 5, .max = 604800, .def = "86400",
	 .unit = "seconds", AT(stw_conf, resolver.max_ttl_s),
	 .help = "The longest time an answer is kept, whatever its TTL says."},
	{"resolver.negative_ttl_s", STW_OPT_UINT, RELOAD, .min = 1, .max = 86400, .def = "60",
	 .unit = "seconds", AT(stw_conf, resolver.negative_ttl_s),
	 .help = "The longest time that the absence of a name is kept (RFC 2308); requests to it are "
		 "answered 503 meanwhile."},
	{"resolver.max_names", STW_OPT_UINT, RELOAD, .min = 1, .max = 65536, .def = "4096",
	 .unit = "names", AT(stw_conf, resolver.max_names),
	 .help = "Names kept at most. When one more is needed, the one asked for longest ago is "
		 "forgotten."},

	{"registrar", STW_OPT_SECTION, RELOAD,
	 .help = "The registrar and location service (RFC 3261 s10). There is one when domains are named."},
	{"registrar.domains", STW_OPT_LIST, RELOAD, .max = 256, .noun = "domain",
	 .computed = "none: REGISTERs go to the pools as other requests do",
	 LIST(stw_conf, domains, stw_conf_domain),
	 .help = "Domains whose users register here. Each is the realm of its users' passwords."},
	{"registrar.domains[]", STW_OPT_TEXT, RELOAD, .min = 1, .max = 253,
	 AT(stw_conf_domain, name), .help = "Host part of its users' addresses, in lower case."},
	{"registrar.calls", STW_OPT_ENUM, RELOAD, .def = "location",
	 .choices = "location|redirect|pool", AT(stw_conf, registrar.calls),
	 .help = "What becomes of requests for these users. location: they go to the contact that was "
		 "registered, the one of the highest q, of equal ones the one bound last; 404 for "
		 "unknown users, 480 for those not registered. redirect: 302 with all contacts. "
		 "pool: they go to the listener's pool as all others do."},
	{"registrar.authenticate", STW_OPT_BOOL, RELOAD, .def = "true",
	 AT(stw_conf, registrar.authenticate),
	 .help = "Whether REGISTERs need the user's password (RFC 7616). Without it whoever can send "
		 "to a listener can take over any user's calls."},
	{"registrar.algorithms", STW_OPT_ENUM, RELOAD, .def = "md5",
	 .choices = "both|sha-256|md5", AT(stw_conf, registrar.algorithms),
	 .help = "Digest algorithms offered (RFC 8760). both is best where all phones can bear it: some "
		 "that know MD5 only fail when SHA-256 is offered beside it, baresip 1.0 among them."},
	{"registrar.nonce_ttl_s", STW_OPT_UINT, RELOAD, .min = 60, .max = 86400, .def = "300",
	 .unit = "seconds", AT(stw_conf, registrar.nonce_ttl_s),
	 .help = "How long a nonce can be used. Each use must count up, so that none can be repeated."},
	{"registrar.min_expires_s", STW_OPT_UINT, RELOAD, .min = 1, .max = 3600, .def = "60",
	 .unit = "seconds", AT(stw_conf, registrar.min_expires_s),
	 .help = "A shorter time is refused with 423 (RFC 3261 s10.3)."},
	{"registrar.default_expires_s", STW_OPT_UINT, RELOAD, .min = 1, .max = 604800, .def = "3600",
	 .unit = "seconds", AT(stw_conf, registrar.default_expires_s),
	 .help = "Given to those who ask for no time."},
	{"registrar.max_expires_s", STW_OPT_UINT, RELOAD, .min = 1, .max = 604800, .def = "7200",
	 .unit = "seconds", AT(stw_conf, registrar.max_expires_s),
	 .help = "A longer time is shortened to this."},
	{"registrar.max_contacts", STW_OPT_UINT, RELOAD, .min = 1, .max = 32, .def = "10",
	 .unit = "contacts", AT(stw_conf, registrar.max_contacts),
	 .help = "Contacts of one user at most; more are refused with 403."},
	{"registrar.source_rate", STW_OPT_UINT, RELOAD, .max = 1000000, .def = "2000",
	 .unit = "a second", AT(stw_conf, registrar.source_rate),
	 .help = "REGISTERs of one source (an IPv4 address, an IPv6 /64) at most, in bursts of up to a "
		 "second; more are answered 503 with Retry-After. Those that answer a nonce which was "
		 "sent to that address are counted apart from those that anybody could have forged. "
		 "Members and trusted networks have no limit. 0: nobody has."},
	{"registrar.source_failures", STW_OPT_UINT, RELOAD, .max = 1000000, .def = "300",
	 .unit = "a minute", AT(stw_conf, registrar.source_failures),
	 .help = "Wrong passwords of one source at most; after that its REGISTERs are answered 503 "
		 "without a look at the password, until the minute is over. As source_rate otherwise."},
	{"registrar.service_route", STW_OPT_TEXT, RELOAD, .max = 255, .def = "",
	 AT(stw_conf, registrar.service_route),
	 .help = "Value of Service-Route in answers to REGISTER (RFC 3608), such as "
		 "\"<sip:192.0.2.1;lr>\". Empty: none."},
	{"registrar.store", STW_OPT_PATH, CONTROL, .max = 127,
	 .computed = "location in control.state_dir", AT(stw_conf, registrar.store),
	 .help = "Directory of the store of bindings and subscribers."},
	{"registrar.store_mb", STW_OPT_UINT, CONTROL, .min = 16, .max = 1048576, .def = "16384",
	 .unit = "MiB", AT(stw_conf, registrar.store_mb),
	 .help = "What the store may grow to. When it is full REGISTERs are answered 503."},
	{"registrar.durability", STW_OPT_ENUM, CONTROL, .def = "durable",
	 .choices = "durable|relaxed", AT(stw_conf, registrar.durability),
	 .help = "durable: what was acknowledged is on disk. relaxed: it survives the end of the "
		 "process at any moment, but a power failure can lose it, or damage the store."},
	{"proxy", STW_OPT_SECTION, RELOAD,
	 .help = "What the stateless proxy lets pass."},
	{"proxy.options", STW_OPT_LIST, RELOAD, .min = 1, .max = 64, .noun = "option tag",
	 .computed = "[sec-agree], which each VoLTE phone sends",
	 LIST(stw_conf, options, stw_conf_option),
	 .help = "Option tags that a Proxy-Require may hold. A request that requires another is answered "
		 "420, with those we do not support (RFC 3261 16.3)."},
	{"proxy.options[]", STW_OPT_TOKEN, RELOAD, AT(stw_conf_option, v.tag),
	 .help = "An option tag, in any case. List only what the members behind support: the proxy itself "
		 "does nothing for it."},
	{"proxy.closed_ports", STW_OPT_LIST, RELOAD, .min = 1, .max = 1024, .noun = "port",
	 .computed = "[1-1023], the well-known ports of RFC 6335",
	 LIST(stw_conf, closed_ports, stw_conf_port_range),
	 .help = "Ports to which nothing is sent, so that nobody can have us talk to other services: "
		 "neither requests, nor responses and answers to those who send from there. Members are "
		 "exempt. A NAT may give a phone any port above 1023, so be sparing with those."},
	{"proxy.closed_ports[]", STW_OPT_PORTS, RELOAD, AT(stw_conf_port_range, v),
	 .help = "A port, or the first and the last of several."},
	{"proxy.max_breadth", STW_OPT_UINT, RELOAD, .max = 1000, .def = "0",
	 AT(stw_conf, proxy.max_breadth),
	 .help = "The Max-Breadth (RFC 5393) that requests get which have none, and the most that one may "
		 "have; 60 is what the RFC recommends. A request with Max-Breadth 0 is then answered 440. 0 "
		 "leaves the header alone, which is enough for a proxy that never forks, and spares a look "
		 "at each header line."},

	{"ports", STW_OPT_LIST, RESTART, REQUIRED, .min = 1, .max = 32, .noun = "port",
	 LIST(stw_conf, ports, stw_conf_port),
	 .help = "Network ports of the data plane."},
	{"ports[].name", STW_OPT_NAME, RESTART, REQUIRED, AT(stw_conf_port, v.name),
	 .help = "Name of the port in commands, logs and metrics."},
	{"ports[].device", STW_OPT_TEXT, RESTART, REQUIRED, .min = 1, .max = 255,
	 AT(stw_conf_port, v.device),
	 .help = "The device: any DPDK device string, such as \"net_af_xdp0,iface=eth1\", or the PCI "
		 "address of a NIC bound to a DPDK driver, such as 0000:03:00.0."},
	{"ports[].kernel", STW_OPT_ENUM, RESTART, .def = "twin", .choices = "twin|none|shared",
	 AT(stw_conf_port, v.kernel),
	 .help = "twin makes a TAP interface with the port's MAC address, on which the kernel does "
		 "ARP, neighbour discovery, ICMP and routing. none is for devices without a network "
		 "behind them (pcap, ring, memif): routes and neighbours then come from this file, "
		 "and packets that are not ours are dropped. shared leaves an interface to the kernel, "
		 "with its addresses, routes and everything else that runs over it, and takes from it "
		 "only UDP datagrams to the listeners; its device is net_af_xdp, or the PCI address of a "
		 "NIC that keeps its kernel driver (mlx5) and isolates flows by rte_flow. Frames with "
		 "a VLAN tag stay with the kernel, but for those that vlans names."},
	{"ports[].twin", STW_OPT_TEXT, RESTART, .max = 15,
	 .computed = "\"stw-\" and the port's name, cut to 15 bytes", AT(stw_conf_port, v.twin),
	 .help = "Interface name of the twin. A shared port has a TAP of this name as well, by which "
		 "the kernel gets what was taken and is not for the data plane. A VLAN of the port is an interface beside it, such as "
		 "outside0.100, and that name, too, has at most 15 bytes."},
	{"ports[].mtu", STW_OPT_UINT, RESTART, .min = 576, .max = 9216, .def = "1500",
	 .unit = "bytes", AT(stw_conf_port, v.mtu),
	 .help = "Largest IP packet of the port; longer datagrams are sent in fragments. A shared port "
		 "takes the MTU of its interface, which may not be larger. At least "
		 "1280 when the port has an IPv6 address (RFC 8200 s5)."},
	{"ports[].rx_descriptors", STW_OPT_UINT, RESTART, .min = 64, .max = 32768, .def = "1024",
	 .unit = "packets", AT(stw_conf_port, v.rx_descriptors),
	 .help = "Length of each receive queue. Longer queues bear longer pauses of a worker."},
	{"ports[].tx_descriptors", STW_OPT_UINT, RESTART, .min = 64, .max = 32768, .def = "1024",
	 .unit = "packets", AT(stw_conf_port, v.tx_descriptors),
	 .help = "Length of each transmit queue."},
	{"ports[].addresses", STW_OPT_LIST, RESTART, .max = 256, .noun = "address",
	 LIST(stw_conf_port, addresses, stw_conf_address),
	 .help = "Addresses that the port carries, each with the length of its subnet. An address "
		 "alone may stand for its mapping: \"192.0.2.1/24\" is {address: 192.0.2.1/24}. A "
		 "shared port has those of its interface, whatever they are, and none here."},
	{"ports[].addresses[].address", STW_OPT_PREFIX, RESTART, REQUIRED, .shorthand = true,
	 AT(stw_conf_address, v.prefix),
	 .help = "The host's address and its subnet's prefix length."},
	{"ports[].addresses[].vlan", STW_OPT_UINT, RESTART, .min = 1, .max = 4094,
	 .computed = "untagged", AT(stw_conf_address, v.vlan),
	 .help = "VLAN the address is on."},
	{"ports[].routes", STW_OPT_LIST, RESTART, .max = 1024, .noun = "route",
	 LIST(stw_conf_port, routes, stw_conf_route),
	 .help = "Static routes, each network once. With a twin they are given to the kernel, whose own "
		 "routing then decides: a network that two ports lead to goes by the port that "
		 "stands first. Without a twin they are all there is."},
	{"ports[].routes[].to", STW_OPT_TARGET, RESTART, REQUIRED, AT(stw_conf_route, to),
	 .help = "Network the route leads to, or default: everything of the family of via."},
	{"ports[].routes[].via", STW_OPT_ADDRESS, RESTART, REQUIRED, AT(stw_conf_route, via),
	 .help = "The gateway. It must be in the subnet of an address of the port, on that VLAN."},
	{"ports[].routes[].vlan", STW_OPT_UINT, RESTART, .min = 1, .max = 4094,
	 .computed = "untagged", AT(stw_conf_route, vlan),
	 .help = "VLAN the gateway is on."},
	{"ports[].neighbours", STW_OPT_LIST, RESTART, .max = 4096, .noun = "neighbour",
	 LIST(stw_conf_port, neighbours, stw_conf_neighbour),
	 .help = "MAC addresses of hosts that cannot be asked for theirs, for good. With a twin they "
		 "are given to the kernel as permanent neighbours."},
	{"ports[].neighbours[].address", STW_OPT_ADDRESS, RESTART, REQUIRED,
	 AT(stw_conf_neighbour, v.ip), .help = "The neighbour's IP address."},
	{"ports[].neighbours[].mac", STW_OPT_MAC, RESTART, REQUIRED, AT(stw_conf_neighbour, v.mac),
	 .help = "Its MAC address, six hex pairs."},
	{"ports[].neighbours[].vlan", STW_OPT_UINT, RESTART, .min = 1, .max = 4094,
	 .computed = "untagged", AT(stw_conf_neighbour, v.vlan), .help = "VLAN it is on."},
	{"ports[].vlans", STW_OPT_LIST, RESTART, .max = 64, .noun = "VLAN",
	 LIST(stw_conf_port, vlans, stw_conf_vlan),
	 .help = "VLANs (802.1Q) of a shared port on which datagrams to listeners are taken too. Each has "
		 "its interface in the kernel already, whose name, or alternative name, is that of the "
		 "port's interface with the VLAN behind it, such as eth0.100. Frames of other VLANs and "
		 "with two tags stay with the kernel."},
	{"ports[].vlans[]", STW_OPT_UINT, RESTART, .min = 1, .max = 4094, AT(stw_conf_vlan, vlan),
	 .help = "A VLAN's number. Each at most once."},
	{"ports[].neighbors", STW_OPT_ADVICE, RESTART, .help = "write neighbours"},

	{"listeners", STW_OPT_LIST, RELOAD, .max = 256, .noun = "listener",
	 .ordered = true,
	 LIST(stw_conf, listeners, stw_conf_listener),
	 .help = "Addresses at which SIP is served."},
	{"listeners[].name", STW_OPT_NAME, RELOAD, REQUIRED, AT(stw_conf_listener, v.name),
	 .help = "Name of the listener in commands, logs and metrics."},
	{"listeners[].address", STW_OPT_ENDPOINT, RELOAD, REQUIRED,
	 AT(stw_conf_listener, v.address),
	 .help = "Address and UDP port, 5060 unless given. A port of this file must carry the "
		 "address, or the interface of a shared one. IPv6 with a port stands in brackets: \"[2001:db8::1]:5060\"."},
	{"listeners[].pool", STW_OPT_NAME, RELOAD, .computed = "none", AT(stw_conf_listener, pool),
	 .help = "Pool that gets requests from outside. Without one only requests of members are "
		 "served here."},
	{"listeners[].nat", STW_OPT_ENUM, RELOAD, .def = "auto", .choices = "auto|always|never",
	 AT(stw_conf_listener, v.nat),
	 .help = "When Record-Route and Path say where a request came from, by a signed flow token "
		 "(RFC 5626), so that the farm's later requests reach a phone behind a NAT. auto: in "
		 "Record-Route when the topmost Via, or the Contact of a request that came straight from its "
		 "phone, names another address than it came from, or Contact has ;ob; in Path when the phone "
		 "supports path. always and never: in all, in none."},
	{"listeners[].trusted", STW_OPT_LIST, RELOAD, .max = 256, .noun = "network",
	 LIST(stw_conf_listener, trusted, stw_conf_network),
	 .help = "Peers that may send to anywhere from here, as members do: their Route or Request-URI "
		 "decides, and answers to them are not limited. UDP source addresses can be forged: list "
		 "only what cannot come in from elsewhere."},
	{"listeners[].trusted[]", STW_OPT_NETWORK, RELOAD, AT(stw_conf_network, v),
	 .help = "An address, or a network as address/length."},

	{"pools", STW_OPT_LIST, RELOAD, .max = 256, .noun = "pool",
	 LIST(stw_conf, pools, stw_conf_pool),
	 .help = "Groups of SIP proxies that share calls."},
	{"pools[].name", STW_OPT_NAME, RELOAD, REQUIRED, AT(stw_conf_pool, v.name),
	 .help = "Name of the pool in commands, logs and metrics."},
	{"pools[].record_route", STW_OPT_BOOL, RELOAD, .def = "true",
	 AT(stw_conf_pool, v.record_route),
	 .help = "Whether dialogs are kept on their member by a Record-Route of ours with a cookie. "
		 "Without it requests within a dialog go by the hash of their Call-ID, as new calls do."},
	{"pools[].slots", STW_OPT_CHOICE, RELOAD, .def = "196613",
	 .choices = "65537|196613|655373", AT(stw_conf_pool, v.slots),
	 .help = "Slots of the pool's Maglev table. With as many as by default a change of one "
		 "member moves at most 1 % of new calls more than it must, in pools of up to 1000 "
		 "members (1.4 % with the small table, 0.4 % with the large one). Memory and time "
		 "to build grow with them. Another number of them moves nearly all new calls, and "
		 "no call that is known."},
	{"pools[].quiet_s", STW_OPT_UINT, RELOAD, .min = 1, .max = 86400, .def = "180",
	 .unit = "seconds", AT(stw_conf_pool, v.quiet_s),
	 .help = "A drained member is called empty when no request went to it for so long. Dialogs "
		 "keep no state here: one that is silent for longer is not seen. With session timers "
		 "(RFC 4028) take half of theirs or more."},
	{"pools[].health", STW_OPT_SECTION, RELOAD,
	 .help = "How the pool's members are watched: by probes, and by what becomes of their calls. "
		 "See docs/health.md."},
	{"pools[].health.probes", STW_OPT_BOOL, RELOAD, .def = "true", AT(stw_conf_pool, v.health.probes),
	 .help = "Whether members are asked if they live. The questions leave from the listener that "
		 "calls to the member leave from; behind a port with kernel: none by a worker's "
		 "lane, where nobody tells of a closed port."},
	{"pools[].health.method", STW_OPT_NAME, RELOAD, .def = "OPTIONS",
	 AT(stw_conf_pool, v.health.method),
	 .help = "Method of the probes."},
	{"pools[].health.from", STW_OPT_TEXT, RELOAD, .max = 127,
	 .computed = "sip:health@ and the listener's address", AT(stw_conf_pool, v.health.from),
	 .help = "URI in From of the probes."},
	{"pools[].health.accept", STW_OPT_TEXT, RELOAD, .min = 3, .max = 127, .def = "200-499",
	 AT(stw_conf_pool, v.health.accept),
	 .help = "Codes of answers that show a member alive: numbers and ranges with commas, such as "
		 "\"200-299,404\". 1xx answers say nothing yet."},
	{"pools[].health.interval_ms", STW_OPT_UINT, RELOAD, .min = 100, .max = 3600000, .def = "2000",
	 .unit = "milliseconds", AT(stw_conf_pool, v.health.interval_ms),
	 .help = "From one probe of a member to the next. After one that was missed the next comes at "
		 "once."},
	{"pools[].health.jitter_percent", STW_OPT_UINT, RELOAD, .max = 50, .def = "20",
	 .unit = "percent", AT(stw_conf_pool, v.health.jitter_percent),
	 .help = "By how much intervals vary at random, so that many nodes do not ask at one moment."},
	{"pools[].health.timeout_ms", STW_OPT_UINT, RELOAD, .min = 100, .max = 32000, .def = "1000",
	 .unit = "milliseconds", AT(stw_conf_pool, v.health.timeout_ms),
	 .help = "How long a probe waits for its answer. Half-way it is sent once more, so that one lost "
		 "packet is no missed probe."},
	{"pools[].health.backoff_ms", STW_OPT_UINT, RELOAD, .min = 100, .max = 3600000, .def = "10000",
	 .unit = "milliseconds", AT(stw_conf_pool, v.health.backoff_ms),
	 .help = "Longest interval between probes of a failed member: it doubles from interval_ms."},
	{"pools[].health.fall", STW_OPT_UINT, RELOAD, .min = 1, .max = 32, .def = "3",
	 .unit = "probes", AT(stw_conf_pool, v.health.fall),
	 .help = "A member has failed when that many of the last health.of probes were missed."},
	{"pools[].health.of", STW_OPT_UINT, RELOAD, .min = 1, .max = 32, .def = "4",
	 .unit = "probes", AT(stw_conf_pool, v.health.of),
	 .help = "How many of the last probes health.fall is about."},
	{"pools[].health.rise", STW_OPT_UINT, RELOAD, .min = 1, .max = 32, .def = "2",
	 .unit = "probes", AT(stw_conf_pool, v.health.rise),
	 .help = "Answers in a row that a failed member needs to come back."},
	{"pools[].health.hold_down_s", STW_OPT_UINT, RELOAD, .max = 3600, .def = "30",
	 .unit = "seconds", AT(stw_conf_pool, v.health.hold_down_s),
	 .help = "How long at least a member stays out that fails for the second time, or whose traffic "
		 "threw it out. Each further failure doubles it, up to hold_down_max_s; as long a good "
		 "time makes it forgotten."},
	{"pools[].health.hold_down_max_s", STW_OPT_UINT, RELOAD, .max = 86400, .def = "300",
	 .unit = "seconds", AT(stw_conf_pool, v.health.hold_down_max_s),
	 .help = "The longest hold-down."},
	{"pools[].health.slow_start_s", STW_OPT_UINT, RELOAD, .max = 3600, .def = "30",
	 .unit = "seconds", AT(stw_conf_pool, v.health.slow_start_s),
	 .help = "Over how long the share of a member that came back grows to its weight, in eighths. 0 "
		 "gives it all at once."},
	{"pools[].health.window_s", STW_OPT_UINT, RELOAD, .max = 30, .def = "10",
	 .unit = "seconds", AT(stw_conf_pool, v.health.window_s),
	 .help = "The last so many seconds of a member's calls are judged by the percentages below. 0: "
		 "they are not."},
	{"pools[].health.min_calls", STW_OPT_UINT, RELOAD, .min = 1, .max = 1000000, .def = "20",
	 .unit = "calls", AT(stw_conf_pool, v.health.min_calls),
	 .help = "Fewer calls in the window say nothing."},
	{"pools[].health.unanswered_percent", STW_OPT_UINT, RELOAD, .max = 100, .def = "50",
	 .unit = "percent", AT(stw_conf_pool, v.health.unanswered_percent),
	 .help = "A member is thrown out when so much of its calls had no answer of any kind before "
		 "they were sent again. 0: never for that."},
	{"pools[].health.errors_percent", STW_OPT_UINT, RELOAD, .max = 100, .def = "50",
	 .unit = "percent", AT(stw_conf_pool, v.health.errors_percent),
	 .help = "A member is thrown out when so much of its calls ended in 5xx. 0: never for that."},
	{"pools[].health.eject_percent", STW_OPT_UINT, RELOAD, .max = 100, .def = "34",
	 .unit = "percent", AT(stw_conf_pool, v.health.eject_percent),
	 .help = "How much of the pool's members may be out at once by what their calls showed: one at "
		 "least unless 0, and never the last that serves."},
	{"pools[].health.retry_after_max_s", STW_OPT_UINT, RELOAD, .max = 3600, .def = "60",
	 .unit = "seconds", AT(stw_conf_pool, v.health.retry_after_max_s),
	 .help = "503 with Retry-After from a member keeps new calls from it for as long as it asks, and "
		 "so long at most. 0: it is not obeyed."},
	{"pools[].health.panic_percent", STW_OPT_UINT, RELOAD, .max = 100, .def = "20",
	 .unit = "percent", AT(stw_conf_pool, v.health.panic_percent),
	 .help = "When less than so much of the pool's weight looks alive, all members serve: more likely "
		 "we are cut off than they are all dead. Also when nothing is left at all, even with 0."},
	{"pools[].policy", STW_OPT_ENUM, RELOAD, .def = "hash",
	 .choices = "hash|round_robin|least_open|least_work", AT(stw_conf_pool, v.policy),
	 .help = "Who gets a new call, always by weight. hash: the same key, the same member, on every "
		 "node; a change of members moves little else. round_robin: one after the other, each "
		 "worker for itself. least_open, least_work: the better of two that the hash names, by "
		 "the requests open at them, or by the work of these (work_invite, work_other). All but "
		 "hash need the recent-call table (dataplane.recent_calls)."},
	{"pools[].hash_key", STW_OPT_ENUM, RELOAD, .def = "call_id",
	 .choices = "call_id|from_user|to_user|uri_user|source|header", AT(stw_conf_pool, v.hash_key),
	 .help = "What policy hash looks at: the Call-ID, the user of From, To or the Request-URI as "
		 "written, the sender's address without its port, or a header (hash_header). A request "
		 "without it goes by its Call-ID."},
	{"pools[].hash_header", STW_OPT_NAME, RELOAD, .computed = "none",
	 AT(stw_conf_pool, v.hash_header),
	 .help = "The header, by its long name, whose first value is the key with hash_key: header."},
	{"pools[].bound_percent", STW_OPT_UINT, RELOAD, .max = 1000, .def = "0", .unit = "percent",
	 AT(stw_conf_pool, v.bound_percent),
	 .help = "With policy hash: the most open requests a member has, against the mean by weight; "
		 "new calls beyond it go to the next member of their hash. 125 is a good start; 101 at "
		 "least, 0: no bound."},
	{"pools[].work_invite", STW_OPT_UINT, RELOAD, .min = 1, .max = 65535, .def = "175",
	 AT(stw_conf_pool, v.work_invite),
	 .help = "With policy least_work: the work of an open INVITE, relative to work_other."},
	{"pools[].work_other", STW_OPT_UINT, RELOAD, .min = 1, .max = 65535, .def = "100",
	 AT(stw_conf_pool, v.work_other),
	 .help = "With policy least_work: the work of any other open request."},
	{"pools[].failover", STW_OPT_UINT, RELOAD, .max = 7, .def = "3", .unit = "retransmissions",
	 AT(stw_conf_pool, v.failover),
	 .help = "With which retransmission a request that its member has not answered at all goes to "
		 "the next one, as does each further one; the third comes 3.5 s after the request. A "
		 "member known to have failed loses such requests with the first. 0: never, but for "
		 "members that failed. Needs the recent-call table."},
	{"pools[].fallback", STW_OPT_NAME, RELOAD, .computed = "none", AT(stw_conf_pool, v.fallback),
	 .help = "Pool that takes the new calls while no member of this one serves. Without one, "
		 "members that all failed are tried all the same."},
	{"pools[].dns", STW_OPT_LIST, RELOAD, .max = 16, .noun = "name",
	 .computed = "none", LIST(stw_conf_pool, names, stw_conf_pool_name),
	 .help = "Names that stand for members, beside those named below (RFC 3263: NAPTR, SRV, A and "
		 "AAAA). They are asked for again by TTL, within the bounds of resolver. Whoever "
		 "vanishes from an answer is drained, and gone once it is empty; when there is no "
		 "answer, the last good one stays, also over a restart. A name alone may stand for "
		 "its mapping."},
	{"pools[].dns[].name", STW_OPT_TEXT, RELOAD, REQUIRED, .min = 1, .max = 253, .shorthand = true,
	 AT(stw_conf_pool_name, v.name), .help = "A whole host name, such as sip.example.net."},
	{"pools[].dns[].port", STW_OPT_UINT, RELOAD, .min = 1, .max = 65535,
	 .computed = "as SRV records tell, else 5060", AT(stw_conf_pool_name, v.port),
	 .help = "UDP port. With one, only A and AAAA records are asked for."},
	{"pools[].dns[].weight", STW_OPT_UINT, RELOAD, .min = 1, .max = 65535, .def = "1",
	 AT(stw_conf_pool_name, v.weight),
	 .help = "Weight of each address that has none by an SRV record. Members by SRV records "
		 "have the records' priorities too, counted from 0 up in the order of their numbers."},
	{"pools[].members", STW_OPT_LIST, RELOAD, .min = 1, .max = 4096,
	 .computed = "those that dns gives",
	 .noun = "member", LIST(stw_conf_pool, members, stw_conf_member),
	 .help = "The proxies. One may be a member of several pools; it is then the same member, with "
		 "one name. At most 8192 different ones in all pools."},
	{"pools[].members[].name", STW_OPT_NAME, RELOAD,
	 .computed = "its address and port, when that is short enough",
	 AT(stw_conf_member, name),
	 .help = "Name of the member in commands, logs and metrics; one name for one address."},
	{"pools[].members[].address", STW_OPT_ENDPOINT, RELOAD, REQUIRED, .shorthand = true,
	 AT(stw_conf_member, address),
	 .help = "Address and UDP port, 5060 unless given. It is the member's identity: with another "
		 "address it is another member."},
	{"pools[].members[].weight", STW_OPT_UINT, RELOAD, .max = 65535, .def = "1",
	 AT(stw_conf_member, weight),
	 .help = "The member's share of new calls, relative to the pool's others. 0 gives it none; "
		 "not all may be 0."},
	{"pools[].members[].priority", STW_OPT_UINT, RELOAD, .max = 255, .def = "0",
	 AT(stw_conf_member, priority),
	 .help = "Only members of the lowest priority that has any that serve get new calls."},
	{"pools[].members[].state", STW_OPT_ENUM, RELOAD, .def = "up", .choices = "up|drain|down",
	 AT(stw_conf_member, asked),
	 .help = "up takes calls; drain takes no new calls and keeps its dialogs; down takes none "
		 "and is out of service. strowgerctl changes it at run time."},
	{"pools[].backends", STW_OPT_ADVICE, RELOAD, .help = "write members"},
	{"pools[].servers", STW_OPT_ADVICE, RELOAD, .help = "write members"},

	{"rules", STW_OPT_LIST, RELOAD, .max = 100000, .noun = "rule", .ordered = true,
	 .computed = "none: all goes to the listener's pool, or by registrar.calls",
	 LIST(stw_conf, rules, stw_conf_rule),
	 .help = "What becomes of new requests from outside. The first rule that fits is obeyed; when none "
		 "does, all is as if there were no rules. One fits when each of its conditions (methods, "
		 "users, domains, numbers, sources, listeners) has one value that fits; a condition that "
		 "is left out always does. Each has one action: pool, to, redirect or reject. Rules for "
		 "INVITE are also for its CANCEL and ACK; requests within dialogs, and what is sent "
		 "again, go where their call went. A rule should have some value that few others have: "
		 "at most 64 may have none but methods, or share all their values with others."},
	{"rules[].name", STW_OPT_NAME, RELOAD, REQUIRED, AT(stw_conf_rule, name),
	 .help = "Name of the rule in commands, logs and metrics; its counter stays with it."},
	{"rules[].methods", STW_OPT_LIST, RELOAD, .min = 1, .max = 16, .noun = "method",
	 .computed = "any", LIST(stw_conf_rule, methods, stw_conf_rule_method),
	 .help = "Methods of the request."},
	{"rules[].methods[]", STW_OPT_ENUM, RELOAD,
	 .choices = "other|INVITE|BYE|OPTIONS|REGISTER|PRACK|SUBSCRIBE|NOTIFY|PUBLISH|INFO|REFER|"
		    "MESSAGE|UPDATE",
	 AT(stw_conf_rule_method, method),
	 .help = "A method; other: any that is not in this list."},
	{"rules[].users", STW_OPT_LIST, RELOAD, .min = 1, .max = 100000, .noun = "user",
	 .computed = "any", LIST(stw_conf_rule, users, stw_conf_rule_user),
	 .help = "Users of the Request-URI, escapes decoded."},
	{"rules[].users[]", STW_OPT_TEXT, RELOAD, .min = 1, .max = 63, AT(stw_conf_rule_user, v.text),
	 .help = "A user, or with * at its end how it begins: \"conf-*\". The case of letters counts."},
	{"rules[].domains", STW_OPT_LIST, RELOAD, .min = 1, .max = 100000, .noun = "domain",
	 .computed = "any", LIST(stw_conf_rule, domains, stw_conf_rule_domain),
	 .help = "Hosts of the Request-URI; of a tel: URI the domain in its phone-context."},
	{"rules[].domains[]", STW_OPT_TEXT, RELOAD, .min = 1, .max = 255,
	 AT(stw_conf_rule_domain, v.text),
	 .help = "A host in lower case, or with *. before it all below it, but not itself: "
		 "\"*.example.net\"."},
	{"rules[].numbers", STW_OPT_LIST, RELOAD, .min = 1, .max = 100000, .noun = "number",
	 .computed = "any", LIST(stw_conf_rule, numbers, stw_conf_rule_number),
	 .help = "How the called number begins: that of a tel: URI, of one with user=phone, or of one whose "
		 "user is + and digits. Within a rule the longest that fits counts, so that one table "
		 "of prefixes can name a pool for each; between rules their order does. Separators "
		 "(- . ( ) and blanks) are left out before, parameters are left behind. A prefix with + "
		 "fits global numbers only, one without fits local ones only. A prefix alone may stand for "
		 "its mapping."},
	{"rules[].numbers[].prefix", STW_OPT_TEXT, RELOAD, REQUIRED, .min = 1, .max = 63,
	 .shorthand = true, AT(stw_conf_rule_number, prefix),
	 .help = "Up to 24 digits, with + before them, or with *, # and a..f among them; in quotes, since "
		 "YAML takes 0049 for a number."},
	{"rules[].numbers[].pool", STW_OPT_NAME, RELOAD, .computed = "the rule's",
	 AT(stw_conf_rule_number, pool),
	 .help = "Pool for numbers that begin so."},
	{"rules[].numbers_file", STW_OPT_PATH, RELOAD, .min = 2, .max = 127, .computed = "none",
	 AT(stw_conf_rule, numbers_file),
	 .help = "File with more of them, read whenever this one is: a prefix a line, with a blank and a pool "
		 "behind it if it has its own. Lines that begin with ; or with # and a blank are left out."},
	{"rules[].sources", STW_OPT_LIST, RELOAD, .min = 1, .max = 100000, .noun = "network",
	 .computed = "any", LIST(stw_conf_rule, sources, stw_conf_network),
	 .help = "Where the request came from. UDP source addresses can be forged."},
	{"rules[].sources[]", STW_OPT_NETWORK, RELOAD, AT(stw_conf_network, v),
	 .help = "An address, or a network as address/length."},
	{"rules[].listeners", STW_OPT_LIST, RELOAD, .min = 1, .max = 256, .noun = "listener",
	 .computed = "any", LIST(stw_conf_rule, listeners, stw_conf_rule_listener),
	 .help = "Listeners that the request came to."},
	{"rules[].listeners[]", STW_OPT_NAME, RELOAD, AT(stw_conf_rule_listener, name),
	 .help = "Name of a listener."},
	{"rules[].pool", STW_OPT_NAME, RELOAD, .computed = "none", AT(stw_conf_rule, pool),
	 .help = "It goes to this pool, by its policy. Take pools with record_route for calls: without it "
		 "requests within a dialog that are not remembered go to the listener's pool."},
	{"rules[].to", STW_OPT_ENUM, RELOAD, .def = "none", .choices = "none|location|registrar|kernel",
	 AT(stw_conf_rule, to),
	 .help = "location: it goes to the contact of the user it names, of a domain of registrar.domains. "
		 "registrar: a REGISTER is control's to answer. kernel: it is left to the kernel as it came, "
		 "for a program of this host that nftables gives it to; when there is none it is "
		 "answered 503. none: see the other actions."},
	{"rules[].redirect", STW_OPT_SECTION, RELOAD,
	 .help = "Its sender is told where to go instead (RFC 3261 s8.3)."},
	{"rules[].redirect.to", STW_OPT_TEXT, RELOAD, .min = 1, .max = 255, .computed = "none",
	 AT(stw_conf_rule, redirect_to),
	 .help = "member: to a member of redirect.pool, chosen as for a call, weights obeyed, with the "
		 "request's user. contacts: to all contacts of the user, which the location service "
		 "knows, with status 302. Else a URI, the same for all."},
	{"rules[].redirect.pool", STW_OPT_NAME, RELOAD, .computed = "none",
	 AT(stw_conf_rule, redirect_pool), .help = "Pool of the member."},
	{"rules[].redirect.status", STW_OPT_CHOICE, RELOAD, .def = "302", .choices = "301|302|305",
	 AT(stw_conf_rule, redirect_status),
	 .help = "301: moved for good, 302: for now, 305: use that proxy (RFC 3261 s21.3)."},
	{"rules[].reject", STW_OPT_SECTION, RELOAD, .help = "It is answered, and goes nowhere."},
	{"rules[].reject.code", STW_OPT_UINT, RELOAD, .min = 400, .max = 699, .computed = "none",
	 AT(stw_conf_rule, reject_code), .help = "Status of the answer."},
	{"rules[].reject.reason", STW_OPT_TEXT, RELOAD, .min = 1, .max = 127,
	 .computed = "the usual one of the code", AT(stw_conf_rule, reject_reason),
	 .help = "Its reason phrase. An answer has at most half as many bytes again as its request, so "
		 "keep it short."},
	{"rules[].method", STW_OPT_ADVICE, RELOAD, .help = "write methods, a list"},
	{"rules[].user", STW_OPT_ADVICE, RELOAD, .help = "write users, a list"},
	{"rules[].domain", STW_OPT_ADVICE, RELOAD, .help = "write domains, a list"},
	{"rules[].number", STW_OPT_ADVICE, RELOAD, .help = "write numbers, a list"},
	{"rules[].source", STW_OPT_ADVICE, RELOAD, .help = "write sources, a list"},
	{"rules[].listener", STW_OPT_ADVICE, RELOAD, .help = "write listeners, a list"},

	{"secrets", STW_OPT_LIST, RELOAD, .max = 2, .noun = "secret",
	 .ordered = true,
	 .computed = "one is made and kept in control.state_dir",
	 LIST(stw_conf, secrets, stw_conf_secret),
	 .help = "Keys that sign cookies and branches. The first signs, both verify: to change keys, "
		 "add the new one second, then put it first, then take the old one out once its "
		 "dialogs have ended. Nodes that share calls need the same. Keep a file with keys "
		 "unreadable for others."},
	{"secrets[].id", STW_OPT_UINT, RELOAD, REQUIRED, .max = 15, AT(stw_conf_secret, v.id),
	 .help = "Number of the key, which cookies carry."},
	{"secrets[].key", STW_OPT_KEY, RELOAD, REQUIRED, AT(stw_conf_secret, v.key),
	 .help = "16 bytes from a good source as 32 hex digits, as \"openssl rand -hex 16\" makes."},
};
/* clang-format on */

const size_t stw_schema_n = sizeof(stw_schema) / sizeof(stw_schema[0]);

_Static_assert(sizeof(stw_schema) / sizeof(stw_schema[0]) <= STW_SCHEMA_ROWS_MAX,
	       "the reader notes each row of a mapping");

const char *stw_schema_key(const struct stw_opt *row)
{
	const char *dot = strrchr(row->name, '.');

	return dot ? dot + 1 : row->name;
}

/*
 * Each element of a long list asks for all of its rows: 100 000 rules would compare names for
 * seconds. So rows are found by a hash of their name, and of what they stand under, and then
 * compared. Made before main(), read by all threads.
 */
static struct {
	uint32_t name, parent;
} hashes[STW_SCHEMA_ROWS_MAX];

static uint32_t hash_of(const char *text, size_t len)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * 16777619u;
	return h;
}

/* "ports[].mtu" stands under "ports[]"; "dataplane" under "". */
static size_t parent_len(const struct stw_opt *row)
{
	const char *key = stw_schema_key(row);

	return key == row->name ? 0 : (size_t)(key - row->name) - 1;
}

__attribute__((constructor)) static void make_hashes(void)
{
	for (size_t i = 0; i < stw_schema_n; i++) {
		const char *name = stw_schema[i].name;

		hashes[i].name = hash_of(name, strlen(name));
		hashes[i].parent = hash_of(name, parent_len(&stw_schema[i]));
	}
}

const struct stw_opt *stw_schema_find(const char *name)
{
	const uint32_t h = hash_of(name, strlen(name));

	for (size_t i = 0; i < stw_schema_n; i++) {
		if (hashes[i].name == h && strcmp(stw_schema[i].name, name) == 0)
			return &stw_schema[i];
	}
	return NULL;
}

/* True for a key directly under @parent: "ports[]" has "ports[].mtu", but not
 * "ports[].routes[].to", nor has "dataplane.cores" the scalar "dataplane.cores[]". */
static bool is_child(const struct stw_opt *row, const char *parent, size_t len)
{
	if (strncmp(row->name, parent, len) != 0)
		return false;
	return row->name[strlen(row->name) - 1] != ']' && parent_len(row) == len;
}

const struct stw_opt *stw_schema_child(const char *parent, const struct stw_opt *after)
{
	const size_t len = strlen(parent);
	const uint32_t h = hash_of(parent, len);

	for (size_t i = after ? (size_t)(after - stw_schema) + 1 : 0; i < stw_schema_n; i++) {
		if (hashes[i].parent == h && is_child(&stw_schema[i], parent, len))
			return &stw_schema[i];
	}
	return NULL;
}

const char *stw_schema_effect_text(enum stw_opt_effect effect)
{
	switch (effect) {
	case STW_EFFECT_RELOAD: return "on reload";
	case STW_EFFECT_RESTART_DATAPLANE: return "when strowger-dataplane starts";
	case STW_EFFECT_RESTART_CONTROL: return "when strowger-control starts";
	}
	return "";
}

/* "auto|yes|no" as "auto, yes, no". */
static void put_choices(const char *choices, char *out, size_t len)
{
	size_t at = (size_t)snprintf(out, len, "one of ");

	for (; *choices && at + 3 < len; choices++) {
		if (*choices == '|')
			out[at++] = ',';
		out[at++] = *choices == '|' ? ' ' : *choices;
	}
	out[at] = '\0';
}

static void put_range(const struct stw_opt *row, const char *of, char *out, size_t len)
{
	snprintf(out, len, "%llu..%llu%s%s", (unsigned long long)row->min,
		 (unsigned long long)row->max, *of ? " " : "", of);
}

size_t stw_schema_describe(const struct stw_opt *row, char *out, size_t len)
{
	const char *text = "";

	switch (row->type) {
	case STW_OPT_SECTION: text = "a mapping"; break;
	case STW_OPT_BOOL: text = "true or false"; break;
	case STW_OPT_NAME: text = "1..31 of A-Z a-z 0-9 . _ -"; break;
	case STW_OPT_ENDPOINT: text = "an IP address, with or without a port"; break;
	case STW_OPT_ADDRESS: text = "an IP address"; break;
	case STW_OPT_PREFIX: text = "an IP address and prefix length, such as 192.0.2.1/24"; break;
	case STW_OPT_TARGET: text = "a network such as 198.51.100.0/24, or default"; break;
	case STW_OPT_NETWORK: text = "an IP address, or a network such as 198.51.100.0/24"; break;
	case STW_OPT_PORTS: text = "a port 1..65535, or a range such as 1-1023"; break;
	case STW_OPT_TOKEN: text = "a token: A-Z a-z 0-9 - . ! % * _ + ` ' ~"; break;
	case STW_OPT_MAC: text = "a MAC address such as 02:00:00:00:00:01"; break;
	case STW_OPT_KEY: text = "32 hex digits"; break;
	case STW_OPT_ADVICE: break;
	case STW_OPT_OCTAL:
		return (size_t)snprintf(out, len, "an octal file mode, 0000..0%o, none for others",
					(unsigned)row->max);
	case STW_OPT_PATH:
		return (size_t)snprintf(out, len, "an absolute path of at most %u bytes",
					(unsigned)row->max);
	case STW_OPT_TEXT: put_range(row, "bytes of text", out, len); return strlen(out);
	case STW_OPT_UINT: put_range(row, row->unit ? row->unit : "", out, len); return strlen(out);
	case STW_OPT_LIST: put_range(row, "elements", out, len); return strlen(out);
	case STW_OPT_ENUM:
	case STW_OPT_CHOICE: put_choices(row->choices, out, len); return strlen(out);
	}
	return (size_t)snprintf(out, len, "%s", text);
}
