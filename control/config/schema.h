/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * The one option table: a row for each name strowger.yaml may hold. The reader, the checker, the
 * dump, docs/configuration.md and strowger.yaml(5) come from it.
 *
 * A row's name is the path to the value: "api.mode", "ports[].mtu", "dataplane.cores[]". Its place
 * in memory is an offset into the struct of its scope (conf.h): the nearest list element above it,
 * or the whole file.
 *
 * Threads: any; constant. Not RCU: immutable after init.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum stw_opt_type {
	STW_OPT_SECTION,  /* a mapping that holds other rows */
	STW_OPT_LIST,	  /* of mappings: rows "name[].x"; or of one scalar: row "name[]" */
	STW_OPT_UINT,	  /* min..max; uint8_t to uint32_t */
	STW_OPT_BOOL,	  /* bool */
	STW_OPT_ENUM,	  /* one of the words in choices, kept as its place there */
	STW_OPT_CHOICE,	  /* one of the numbers in choices, kept as uint32_t */
	STW_OPT_OCTAL,	  /* file mode, at most max; uint32_t */
	STW_OPT_NAME,	  /* [A-Za-z0-9._-]{1,31}; char[STW_NAME_MAX] */
	STW_OPT_TEXT,	  /* min..max bytes, no control characters; char[] */
	STW_OPT_PATH,	  /* absolute path, at most max bytes; char[] */
	STW_OPT_ENDPOINT, /* address:port; struct stw_endpoint. max: port if none is given, 0: 5060
			   */
	STW_OPT_ADDRESS,  /* IP address; struct stw_ip */
	STW_OPT_PREFIX,	  /* address/length; struct stw_model_prefix */
	STW_OPT_TARGET,	  /* as PREFIX, or "default"; struct stw_conf_target */
	STW_OPT_NETWORK, /* address, or address/length without host bits; struct stw_model_prefix */
	STW_OPT_PORTS,	 /* port or first-last; struct stw_model_port_range */
	STW_OPT_TOKEN,	 /* RFC 3261 s25.1, fewer bytes than there is room; char[] */
	STW_OPT_MAC,	 /* six hex pairs; uint8_t[6] */
	STW_OPT_KEY,	 /* 32 hex digits; uint8_t[STW_SECRET_BYTES] */
	STW_OPT_ADVICE,	 /* no option: a name of other programs or earlier versions; help says what
			  * to write instead */
};

enum stw_opt_effect {
	STW_EFFECT_RELOAD,	      /* on reload */
	STW_EFFECT_RESTART_DATAPLANE, /* when strowger-dataplane starts */
	STW_EFFECT_RESTART_CONTROL,   /* when strowger-control starts */
};

struct stw_opt {
	const char *name;
	enum stw_opt_type type;
	enum stw_opt_effect effect;
	bool required;
	bool shorthand; /* an element written as a scalar means this row */
	bool ordered;	/* LIST: another order is another meaning */
	uint64_t min;	/* of the value; of bytes (TEXT, PATH); of elements (LIST) */
	uint64_t max;
	const char *def;      /* as written in the file; NULL: none, or computed (then in words) */
	const char *computed; /* default in words, when it depends on something */
	const char *unit;
	const char *choices; /* ENUM, CHOICE: "auto|yes|no" */
	const char *noun;    /* LIST: one element, in messages */
	size_t at;	  /* offset in the scope's struct; LIST: of the pointer; size_t n follows */
	size_t size;	  /* bytes of the value there; LIST: of one element */
	const char *help; /* a paragraph */
};

#define STW_SCHEMA_ROWS_MAX 512u

extern const struct stw_opt stw_schema[];
extern const size_t stw_schema_n;

/** Row of a path. @return NULL when there is none */
const struct stw_opt *stw_schema_find(const char *name);

/** The first row directly under @parent ("" is the file), or the next one after @after. */
const struct stw_opt *stw_schema_child(const char *parent, const struct stw_opt *after);

/** Last component of a row's name: "mtu" of "ports[].mtu". */
const char *stw_schema_key(const struct stw_opt *row);

/** Words for when a change takes effect. */
const char *stw_schema_effect_text(enum stw_opt_effect effect);

/** What may stand there, in words: "1..64 packets", "one of auto, yes, no". @return bytes */
size_t stw_schema_describe(const struct stw_opt *row, char *out, size_t len);
