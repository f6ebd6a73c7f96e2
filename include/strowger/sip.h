/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * SIP messages in place: bytes in, offsets out. No allocation, no DPDK, no socket, no clock.
 * Usable by itself as libstrowger-sip.
 *
 * stw_sip_parse() makes one pass over the header block and leaves the values of the headers that
 * route a message as spans; the details of a value (Via parameters, URIs) are parsed when asked
 * for.
 *
 * Threads: any; no shared state, apart from the kernel chosen once by stw_sip_init().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>
#include <strowger/errors.h>
#include <strowger/span.h>

/* X(ENUM, "long name", "compact" or NULL) - order: the hot ones first, they get a span of their own
 */
#define STW_SIP_HOT_HEADERS(X)                   \
	X(VIA, "Via", "v")                       \
	X(ROUTE, "Route", NULL)                  \
	X(RECORD_ROUTE, "Record-Route", NULL)    \
	X(CALL_ID, "Call-ID", "i")               \
	X(FROM, "From", "f")                     \
	X(TO, "To", "t")                         \
	X(CSEQ, "CSeq", NULL)                    \
	X(MAX_FORWARDS, "Max-Forwards", NULL)    \
	X(CONTENT_LENGTH, "Content-Length", "l") \
	X(CONTACT, "Contact", "m")               \
	X(PROXY_REQUIRE, "Proxy-Require", NULL)  \
	X(EXPIRES, "Expires", NULL)

enum stw_sip_header {
#define X(name, text, compact) STW_HDR_##name,
	STW_SIP_HOT_HEADERS(X)
#undef X
		STW_N_HOT_HEADERS,
	STW_HDR_OTHER = 255,
};

#define STW_SIP_METHODS(X) \
	X(INVITE)          \
	X(ACK)             \
	X(BYE)             \
	X(CANCEL)          \
	X(OPTIONS)         \
	X(REGISTER) X(PRACK) X(SUBSCRIBE) X(NOTIFY) X(PUBLISH) X(INFO) X(REFER) X(MESSAGE) X(UPDATE)

enum stw_sip_method {
	STW_METHOD_OTHER = 0, /* a token we do not know: forwarded (RFC 3261 s16.3, s7.1) */
#define X(name) STW_METHOD_##name,
	STW_SIP_METHODS(X)
#undef X
		STW_N_METHODS,
};

enum stw_sip_kind {
	STW_SIP_REQUEST = 1,
	STW_SIP_RESPONSE = 2,
	STW_SIP_KEEPALIVE = 3, /* only CR and LF, or nothing (RFC 5626 s3.5.1) */
	STW_SIP_STUN = 4,      /* RFC 5389 header with its magic cookie (RFC 5626 s3.5.2) */
	STW_SIP_NEITHER = 5,   /* first line is neither a request nor a status line */
};

/*
 * Why a message was rejected: X(NAME, status of the answer, "reason phrase", RFC section).
 * A response or an ACK is never answered, whatever the status here: it is dropped.
 */
#define STW_SIP_REJECTS(X)                                                                     \
	X(START_LINE, 400, "Bad Request - Start Line", "RFC 3261 s7.1")                        \
	X(VERSION, 505, "Version Not Supported", "RFC 3261 s21.5.6")                           \
	X(REQUEST_URI, 400, "Bad Request - Request-URI", "RFC 3261 s25.1")                     \
	X(HEADER_NAME, 400, "Bad Request - Header Name", "RFC 3261 s7.3.1")                    \
	X(HEADERS_UNFINISHED, 400, "Bad Request - Header Block Unfinished", "RFC 3261 s7")     \
	X(TOO_MANY_HEADERS, 513, "Message Too Large - Header Count", "RFC 3261 s21.5.7")       \
	X(TOO_MANY_VIAS, 513, "Message Too Large - Via Count", "RFC 3261 s21.5.7")             \
	X(TOO_LARGE, 513, "Message Too Large", "RFC 3261 s21.5.7")                             \
	X(VIA_MISSING, 400, "Bad Request - Via Missing", "RFC 3261 s8.1.1")                    \
	X(VIA, 400, "Bad Request - Via", "RFC 3261 s20.42")                                    \
	X(CALL_ID_MISSING, 400, "Bad Request - Call-ID Missing", "RFC 3261 s8.1.1")            \
	X(CALL_ID, 400, "Bad Request - Call-ID", "RFC 3261 s20.8")                             \
	X(FROM_MISSING, 400, "Bad Request - From Missing", "RFC 3261 s8.1.1")                  \
	X(FROM, 400, "Bad Request - From", "RFC 3261 s20.20")                                  \
	X(TO_MISSING, 400, "Bad Request - To Missing", "RFC 3261 s8.1.1")                      \
	X(TO, 400, "Bad Request - To", "RFC 3261 s20.39")                                      \
	X(CSEQ_MISSING, 400, "Bad Request - CSeq Missing", "RFC 3261 s8.1.1")                  \
	X(CSEQ, 400, "Bad Request - CSeq", "RFC 3261 s20.16")                                  \
	X(CSEQ_METHOD, 400, "Bad Request - CSeq Method Differs", "RFC 3261 s8.1.1.5")          \
	X(MAX_FORWARDS, 400, "Bad Request - Max-Forwards", "RFC 3261 s20.22")                  \
	X(CONTENT_LENGTH, 400, "Bad Request - Content-Length", "RFC 3261 s20.14")              \
	X(BODY_SHORT, 400, "Bad Request - Body Shorter Than Content-Length", "RFC 3261 s18.3") \
	X(DUPLICATE, 400, "Bad Request - Duplicate Header", "RFC 3261 s7.3.1")                 \
	X(ROUTE, 400, "Bad Request - Route", "RFC 3261 s20.34")                                \
	X(STRAY_BYTE, 400, "Bad Request - Control Byte In Header", "RFC 3261 s25.1")

enum stw_sip_reject {
	STW_SIP_ACCEPTED = 0,
#define X(name, status, phrase, section) STW_REJECT_##name,
	STW_SIP_REJECTS(X)
#undef X
		STW_N_SIP_REJECTS,
};

struct stw_sip_reject_row {
	const char *name; /* lower case, as in counters and traces */
	uint16_t status;
	const char *phrase;
	const char *section;
};

/** [STW_N_SIP_REJECTS], index = enum stw_sip_reject; row 0 is "accepted". */
extern const struct stw_sip_reject_row stw_sip_reject_rows[STW_N_SIP_REJECTS];

/** One Via element (via-parm, RFC 3261 s20.42, s25.1); offsets relative to the message. */
struct stw_sip_via {
	struct stw_span all; /* "SIP/2.0/UDP host:port;params", no comma, no outer white space */
	struct stw_span protocol; /* "SIP/2.0/UDP" as written */
	struct stw_span host;	  /* as written, brackets of an IPv6 reference included */
	struct stw_span branch;	  /* value, empty when absent */
	struct stw_span received; /* value, brackets removed; empty when absent */
	struct stw_span maddr;	  /* value, brackets removed; empty when absent */
	struct stw_span
		rport; /* value digits; off is where they are or would be written after "=" */
	struct stw_span
		received_param; /* ";received=..." whole, from its semicolon; empty when absent */
	struct stw_span rport_param; /* ";rport" or ";rport=n" whole; empty when absent */
	uint16_t port;		     /* sent-by port, 0 when not given */
	uint16_t rport_value;	     /* 0 when absent or without value */
	uint8_t transport;	     /* enum stw_transport */
	bool more;		     /* a comma and another element follow on this line */
	uint16_t next;		     /* if @more: offset where the next element starts */
};

/** One element of a name-addr list: Route, Record-Route, Contact, From, To, Path. */
struct stw_sip_name_addr {
	struct stw_span all;	 /* the element: no comma, no outer white space */
	struct stw_span display; /* as written, quotes included; empty when absent */
	struct stw_span uri;	 /* without < > */
	struct stw_span
		params; /* header parameters from the first ';' after the URI; may be empty */
	bool bracketed; /* <uri>; without brackets, parameters are the header's (s20) */
	bool more;	/* a comma and another element follow on this line */
	uint16_t next;	/* if @more: offset where the next element starts */
};

/** One message, as offsets into its bytes. Valid wherever the same bytes are copied or moved
 * to, but for @behind. */
struct stw_sip_msg {
	uint8_t kind;	 /* enum stw_sip_kind; 0: not judged, as by stw_sip_locate() */
	uint8_t method;	 /* enum stw_sip_method; of a response: the CSeq method */
	uint16_t status; /* of a response, 100..699 */
	uint8_t reject;	 /* enum stw_sip_reject */
	uint8_t behind;	 /* bytes beyond @len that may be read as well, whatever they are: 0, unless
			  * the parser's caller says otherwise of the buffer it has */
	uint16_t error_off; /* when rejected: the byte that told */

	uint16_t headers_off; /* first header line: the byte after the start line's LF */
	uint16_t body_off;    /* first byte after the blank line */
	uint32_t len; /* bytes of the message: header block + body, trailing bytes cut off */

	struct stw_span method_name; /* request: as written */
	struct stw_span uri;	     /* request: Request-URI as written */
	struct stw_span reason;	     /* response: Reason-Phrase, may be empty */

	uint32_t present;  /* bit 1 << STW_HDR_x: seen at least once */
	uint32_t repeated; /* bit 1 << STW_HDR_x: on more than one line */

	uint32_t cseq;		/* number, 0..2^31-1 */
	int32_t max_forwards;	/* 0..255, -1 when absent */
	int32_t content_length; /* as given, -1 when absent */

	/* First line of each hot header: the value without leading and trailing white space (folds
	 * inside remain), and where the line starts. For Via and the Route kinds the value is the
	 * whole comma-separated list of that line. The last place is zero: while parsing, it takes
	 * the lines of all other headers. */
	struct stw_span value[STW_N_HOT_HEADERS + 1];
	uint16_t line_off[STW_N_HOT_HEADERS + 1];
	/* One byte after the LF that ends each of those lines (after the last fold). */
	uint16_t line_end[STW_N_HOT_HEADERS + 1];

	/* Parts of values, as the checks had to find them anyway; all zero when rejected. */
	struct stw_sip_via via;		/* first Via element: stw_sip_via_parse() */
	struct stw_sip_name_addr route; /* first Route element, of requests that have one:
					 * stw_sip_name_addr_parse() */
	struct stw_span from_tag; /* stw_sip_tag_find(); empty: no tag, or none with a value */
	struct stw_span to_tag;
};

/** Bytes that may be read where the message stands. */
static inline uint32_t stw_sip_readable(const struct stw_sip_msg *m)
{
	return m->len + m->behind;
}

static inline bool stw_sip_has(const struct stw_sip_msg *m, enum stw_sip_header h)
{
	return (m->present >> h) & 1u;
}

enum stw_sip_kernel {
	STW_KERNEL_AUTO = 0,
	STW_KERNEL_SCALAR,
	STW_KERNEL_SSE,
	STW_KERNEL_AVX2,
	STW_KERNEL_AVX512,
	STW_N_KERNELS,
};

/**
 * Choose the scan kernel: the best this CPU has, or @kernel by force (tests, benchmarks).
 *
 * @return STW_OK or STW_ENOENT (this CPU lacks it; the choice is unchanged)
 *
 * Threads: before any parser thread starts. Without a call the scalar kernel serves.
 */
int stw_sip_init(enum stw_sip_kernel kernel);

/** The kernel in use. */
enum stw_sip_kernel stw_sip_kernel_in_use(void);

/** "scalar", "sse", "avx2", "avx512"; "auto" for STW_KERNEL_AUTO. */
const char *stw_sip_kernel_name(enum stw_sip_kernel kernel);

/**
 * What all messages of a call share, without parsing them: the value of the first Call-ID or i
 * header as it stands. Of a message that is accepted it is what stw_sip_parse() finds; one that
 * would be refused may have one as well.
 *
 * @param len  its first 65535 bytes are looked at
 * @return false: there is none to be seen, and @out is as it was
 *
 * Threads: any. Fast path: yes; a third of what parsing costs.
 */
bool stw_sip_find_call_id(const char *buf, size_t len, struct stw_span *out);

#define STW_SIP_HEADERS_DEFAULT 256u
#define STW_SIP_HEADERS_MAX	1024u
#define STW_SIP_VIAS_DEFAULT	128u
#define STW_SIP_VIAS_MAX	1024u

/** What a message may have at most; more is answered 513. */
struct stw_sip_limits {
	uint16_t max_headers; /* header lines, folds not counted: 5..STW_SIP_HEADERS_MAX */
	uint16_t max_vias;    /* Via elements over all lines: 1..STW_SIP_VIAS_MAX */
};

/**
 * Replace the default limits.
 *
 * @return STW_OK, STW_ERANGE (nothing changed)
 *
 * Threads: before any parser thread starts.
 */
int stw_sip_set_limits(const struct stw_sip_limits *limits);

/**
 * Parse one datagram.
 *
 * @param buf  first byte; not NUL-terminated; never read outside [0, len)
 * @param len  0..65535
 * @param out  always filled as far as parsing came, so that a rejected request can be answered:
 *             absent values are empty spans and their bit in @present is clear
 * @return STW_SIP_ACCEPTED, or why not (also in out->reject, with out->error_off). For kinds
 *         KEEPALIVE, STUN and NEITHER: STW_SIP_ACCEPTED with only @kind filled.
 *
 * Checks (RFC 3261 s16.3, s8.2): start line, version, header names, mandatory headers, single-value
 * headers once, CSeq, Max-Forwards, Content-Length against the datagram, first Via well formed.
 *
 * Fast path: yes, no allocation, one pass.
 * RFC: 3261 s7, s7.3.1 (folding, case), s7.3.3 (compact), s18.3 (datagram framing), s25.1
 */
enum stw_sip_reject stw_sip_parse(const char *buf, size_t len, struct stw_sip_msg *out);

/** One datagram of several; the members are the arguments of stw_sip_parse(). */
struct stw_sip_job {
	const char *buf;
	uint32_t len;
	struct stw_sip_msg *out;
};

#define STW_SIP_BURST 8u /* that many at once are worth most */

/**
 * stw_sip_parse() for several datagrams, in less time than one after the other.
 *
 * @param jobs  [n], results in each @out
 *
 * Fast path: yes.
 */
void stw_sip_parse_burst(const struct stw_sip_job *jobs, unsigned n);

/**
 * Find the header lines of one datagram, and nothing more: the first stage of stw_sip_parse(), for
 * those who judge values by themselves.
 *
 * Every line is seen to be in form (a name, a colon, no stray byte, CR LF at its end), up to the
 * blank line. What the start line and the values say, and which headers are missing or stand twice,
 * is the caller's to judge: start line [0, headers_off) with its CR LF and, as s7.5 wants them
 * ignored, with those before it; values with the functions below.
 *
 * @param out  always filled: @headers_off, @body_off, @len (the datagram's), @present, @repeated,
 *             @value, @line_off and @line_end; all else is as of an empty message. @kind is
 *             KEEPALIVE, STUN, NEITHER (no line at all) or 0: its start line was not looked at
 * @return STW_SIP_ACCEPTED, or why not: HEADER_NAME, STRAY_BYTE, HEADERS_UNFINISHED,
 *         TOO_MANY_HEADERS or TOO_LARGE (also in out->reject, with out->error_off)
 *
 * Fast path: yes, no allocation, one pass.
 * RFC: 3261 s7, s7.3.1 (folding, case), s7.3.3 (compact)
 */
enum stw_sip_reject stw_sip_locate(const char *buf, size_t len, struct stw_sip_msg *out);

/**
 * stw_sip_locate() for several datagrams, in less time than one after the other.
 *
 * @param jobs  [n], results in each @out
 *
 * Fast path: yes.
 */
void stw_sip_locate_burst(const struct stw_sip_job *jobs, unsigned n);

/**
 * Parse the first Via element in @value.
 *
 * @param buf    the message
 * @param value  a Via header's value, or the rest of one from stw_sip_via.next
 * @return STW_OK or STW_EMALFORMED
 *
 * Fast path: yes. RFC: 3261 s20.42, s18.2.1; 3581 (rport); 5118 s4.4 (IPv6 received)
 */
int stw_sip_via_parse(const char *buf, struct stw_span value, struct stw_sip_via *out);

enum stw_sip_scheme {
	STW_SCHEME_OTHER = 0,
	STW_SCHEME_SIP,
	STW_SCHEME_SIPS,
	STW_SCHEME_TEL,
	STW_SCHEME_URN,
};

/** A URI; offsets relative to the message. For tel and urn: @user is all up to the first ';'. */
struct stw_sip_uri {
	struct stw_span all;
	struct stw_span user; /* without password, undecoded; empty when absent */
	struct stw_span password;
	struct stw_span host;	 /* as written, brackets of an IPv6 reference included */
	struct stw_span params;	 /* from the first ';' up to '?' or the end; empty when none */
	struct stw_span headers; /* after '?'; empty when none */
	struct stw_span maddr;	 /* parameter values; empty when absent */
	struct stw_span transport_text;
	uint16_t port;	   /* 0 when not given */
	uint8_t scheme;	   /* enum stw_sip_scheme */
	uint8_t transport; /* enum stw_transport of ;transport=, UDP when absent */
	bool has_user;	   /* an '@' was there */
	bool lr;	   /* ;lr, with or without a value */
	bool host_is_ip;   /* then @ip is set */
	struct stw_ip ip;
};

/**
 * Parse a URI that fills @value exactly.
 *
 * @return STW_OK, STW_EMALFORMED (not a URI of RFC 3261 s25.1), STW_ENOENT (a scheme we do not
 * know: only all and scheme are set)
 *
 * Fast path: yes. RFC: 3261 s19.1.1, s25.1; 3966 (tel); 5118
 */
int stw_sip_uri_parse(const char *buf, struct stw_span value, struct stw_sip_uri *out);

/**
 * Find a URI parameter's value, name in any case.
 *
 * @param params  stw_sip_uri.params
 * @param out     on STW_OK: the value as written, empty for a parameter without "="
 * @return STW_OK or STW_ENOENT
 */
int stw_sip_param_find(const char *buf, struct stw_span params, const char *name, size_t name_len,
		       struct stw_span *out);

/**
 * Parse the first name-addr or addr-spec in @value.
 *
 * @return STW_OK or STW_EMALFORMED. RFC: 3261 s20, s20.34, s25.1
 */
int stw_sip_name_addr_parse(const char *buf, struct stw_span value, struct stw_sip_name_addr *out);

/**
 * The tag of a From or To value.
 *
 * @return STW_OK, STW_ENOENT (no tag), STW_EMALFORMED
 */
int stw_sip_tag_find(const char *buf, struct stw_span value, struct stw_span *out);

/** Walks the header lines; start with stw_sip_line_first(). */
struct stw_sip_line {
	uint8_t header;	       /* enum stw_sip_header, STW_HDR_OTHER for the rest */
	struct stw_span name;  /* as written */
	struct stw_span value; /* trimmed; folds inside remain */
	uint16_t off;	       /* where the line starts */
	uint16_t end;	       /* one byte after its LF, after the last fold */
};

/** The first header line of a message, parsed or located. @return false when there is none */
bool stw_sip_line_first(const char *buf, const struct stw_sip_msg *m, struct stw_sip_line *out);

/** The line after @line. @return false at the blank line */
bool stw_sip_line_next(const char *buf, const struct stw_sip_msg *m, struct stw_sip_line *line);

/** A set of letters that names begin with, for stw_sip_line_among(). */
#define STW_SIP_LETTER(c) (1u << ((c)&31))

/**
 * The next line, from @line->end on, whose name may begin with one of @letters in either case; the
 * others are passed over, not read.
 */
bool stw_sip_line_among(const char *buf, const struct stw_sip_msg *m, uint32_t letters,
			struct stw_sip_line *line);

/** Name of a method as on the wire; "other" for STW_METHOD_OTHER. */
const char *stw_sip_method_text(enum stw_sip_method method);
