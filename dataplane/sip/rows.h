/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * Names found without a branch: a perfect hash of their first bytes leads to one row, and the row
 * says whether all bytes agree. Made by stw_hdr_rows_init() from the lists of sip.h; Not RCU:
 * immutable after init.
 */

#include <stdint.h>

#include <strowger/sip.h>

#define STW_HDR_HASH_BITS    6
#define STW_METHOD_HASH_BITS 4

/* A header name with its colon, up to 16 bytes. */
struct stw_hdr_row {
	_Alignas(64) uint8_t mask[16]; /* 0xff under the name and the colon */
	uint8_t text[16];	       /* lower case; of an empty row what no input equals */
	uint8_t header;		       /* enum stw_sip_header */
	uint8_t len;		       /* with the colon */
};

struct stw_method_row {
	uint64_t text[2]; /* as in memory, zero behind the name */
	uint8_t method;	  /* enum stw_sip_method */
	uint8_t len;
};

/* The two names, in four columns of four bytes. */
struct stw_hdr_others {
	uint32_t contact[2], expires[2];
	uint32_t contact_header, expires_header;
	uint32_t len;		       /* with the colon, of both */
	uint32_t blanks, blank, value; /* as in struct stw_hdr_columns, of the third column */
};

/*
 * The names again, for sixteen lines at once: column i has bytes 4 i to 4 i + 3 of each row. The
 * row follows from the first two bytes alone, so those who share theirs with others are not here:
 * Contact and Expires.
 */
struct stw_hdr_columns {
	_Alignas(64) uint32_t text[4][16]; /* lower case, with colon and two blanks */
	uint32_t name[4][16];		   /* ones under the name and the colon */
	uint32_t blank[4][16];		   /* ones under the blank */
	uint32_t value[4][16];		   /* STW_HDR_FIRST_MASK under the byte behind the blank */
	uint32_t unseen[16];		   /* ones when that byte is the seventeenth */
	uint32_t header[16];		   /* 1 << enum stw_sip_header */
	uint32_t len[16];		   /* with the colon */
	uint32_t two, multiplier;	   /* 0xffff, STW_HDR_COLUMNS_HASH */
	uint32_t lower;			   /* 0x20 each byte */
	struct stw_hdr_others other;
};

/*
 * With their bit 0x20 set, a blank and what falls together with it or HTAB (and a few others) are
 * equal to a blank under this: what begins a value and differs is no white space.
 */
#define STW_HDR_FIRST_MASK 0xf6

/* The row: the first two bytes in lower case times this, the upper four bits. */
#define STW_HDR_COLUMNS_HASH 0x39dc86b3

extern struct stw_hdr_columns stw_hdr_columns;

/* Each ASCII byte 64 times, as comparisons want it: loaded with them, not made before them. And
 * 0x80, the highest bit of those that are none. */
#define STW_SPREADS 129
extern _Alignas(64) uint8_t stw_spread[STW_SPREADS][64];

/* The sets of sets.h again, an ASCII byte each: 1 << enum stw_set, and 0x80 for what is no token.
 */
extern _Alignas(64) uint8_t stw_set_bits[128];

/*
 * What may stand in a name, looked up by low nibble under the bits of a byte's high nibble: any bit
 * for a token's byte, the highest alone for a colon, none for all others.
 */
extern _Alignas(16) uint8_t stw_name_low[16];
extern _Alignas(16) uint8_t stw_name_high[16];

extern struct stw_hdr_row stw_hdr_rows[1 << STW_HDR_HASH_BITS];
extern struct stw_method_row stw_method_rows[1 << STW_METHOD_HASH_BITS];

/** Fill the tables. @return false if two names fell on one row: a multiplier must be changed */
bool stw_hdr_rows_init(void);

/**
 * Row of a header name. Two letters tell them apart but Content-Length and Contact, which differ in
 * a bit of their fifth.
 *
 * @param first  the first eight bytes of the line, as a little-endian number
 */
static inline unsigned stw_hdr_hash(uint64_t first)
{
	return (unsigned)((first & 0x40000dfdfu) * 0x8f036fbefcef9215u >> (64 - STW_HDR_HASH_BITS));
}

/** Row of a method; @first as above, zero behind the name. */
static inline unsigned stw_method_hash(uint64_t first)
{
	return (unsigned)((first * 0x25fe3a1848e772bbu) >> (64 - STW_METHOD_HASH_BITS));
}
