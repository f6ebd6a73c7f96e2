/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A DNS answer (RFC 1035 s4.1) as rows of the type that was asked for, with the time they may be
 * kept. Pure. The servers asked are trusted to answer for the name; bytes are not trusted at all.
 */

#include <stddef.h>
#include <stdint.h>

#include <strowger/endpoint.h>

#define STW_DNS_A	1
#define STW_DNS_CNAME	5
#define STW_DNS_SOA	6
#define STW_DNS_AAAA	28
#define STW_DNS_SRV	33
#define STW_DNS_NAPTR	35

#define STW_DNS_NAME	256 /* with the NUL */
#define STW_DNS_RECORDS 32  /* kept of one answer */

struct stw_dns_record {
	struct stw_ip ip;	   /* A, AAAA */
	uint16_t order;		   /* NAPTR; of SRV the priority */
	uint16_t preference;	   /* NAPTR; of SRV the weight */
	uint16_t port;		   /* SRV */
	char flags[8];		   /* NAPTR, lower case; "" when longer */
	char service[32];	   /* NAPTR, upper case; "" when longer */
	char target[STW_DNS_NAME]; /* SRV, NAPTR: lower case, no dot at the end; "" is the root */
};

struct stw_dns_answer {
	uint32_t ttl_s; /* least of the rows and aliases; without rows: of their absence (RFC 2308)
			 */
	size_t n;
	struct stw_dns_record records[STW_DNS_RECORDS];
};

/**
 * Read an answer to a question of @type. Rows that are malformed in themselves are left out.
 *
 * @param out  on STW_OK only
 * @return STW_OK (also without rows), STW_EMALFORMED
 */
int stw_dns_read(const uint8_t *message, size_t len, uint16_t type, struct stw_dns_answer *out);
