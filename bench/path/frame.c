/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench/path/frame.h"

#include <stdlib.h>
#include <string.h>

#include <strowger/errors.h>

#define PCAP_MAGIC 0xa1b2c3d4u

struct pcap_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snaplen, linktype;
};

struct pcap_record {
	uint32_t seconds, microseconds, captured, length;
};

/* The MAC a net_pcap port has by itself, and a gateway's. */
static const uint8_t port_mac[6] = {0x02, 0x70, 0x63, 0x61, 0x70, 0x00};
static const uint8_t peer_mac[6] = {0x02, 0x00, 0x00, 0x00, 0x00, 0xfe};

static void put16(uint8_t *out, uint32_t value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *in)
{
	return (uint32_t)in[0] << 8 | in[1];
}

static uint32_t sum16(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (len & 1)
		sum += (uint32_t)p[len - 1] << 8;
	return sum;
}

static uint32_t fold(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return ~sum & 0xffff;
}

static void put_ip(uint8_t *ip, size_t udp_len, const struct stw_endpoint *source,
		   const struct stw_endpoint *destination)
{
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)(20 + udp_len));
	put16(ip + 6, 0x4000); /* do not fragment */
	ip[8] = 60;
	ip[9] = 17;
	memcpy(ip + 12, source->ip.b + 12, 4);
	memcpy(ip + 16, destination->ip.b + 12, 4);
	put16(ip + 10, fold(sum16(ip, 20, 0)));
}

static void put_udp(uint8_t *udp, const uint8_t *ip, size_t len, uint16_t from, uint16_t to)
{
	put16(udp, from);
	put16(udp + 2, to);
	put16(udp + 4, (uint32_t)len);
	put16(udp + 6, 0);
	uint32_t sum = fold(sum16(udp, len, sum16(ip + 12, 8, 17 + (uint32_t)len)));
	put16(udp + 6, sum ? sum : 0xffff); /* RFC 768: 0 would mean "no checksum" */
}

int stw_bench_frame_make(struct stw_bench_frame *out, const char *text, size_t len,
			 const struct stw_endpoint *source, const struct stw_endpoint *destination)
{
	uint8_t *bytes, *ip, *udp;

	if (len > STW_BENCH_FRAME_MAX - STW_BENCH_FRAME_HEADERS)
		return STW_ENOSPACE;
	if (!stw_ip_is_v4(&source->ip) || !stw_ip_is_v4(&destination->ip))
		return STW_EMALFORMED;
	bytes = malloc(STW_BENCH_FRAME_HEADERS + len);
	if (!bytes)
		return STW_ENOMEM;
	ip = bytes + 14;
	udp = ip + 20;
	memcpy(bytes, port_mac, 6);
	memcpy(bytes + 6, peer_mac, 6);
	put16(bytes + 12, 0x0800);
	memcpy(udp + 8, text, len);
	put_ip(ip, len + 8, source, destination);
	put_udp(udp, ip, len + 8, source->port, destination->port);
	*out = (struct stw_bench_frame){(uint16_t)(STW_BENCH_FRAME_HEADERS + len), bytes};
	return STW_OK;
}

struct stw_endpoint stw_bench_frame_source(const struct stw_bench_frame *f)
{
	struct stw_endpoint ep = {.ip = stw_ip_from_v4(f->bytes + 26),
				  .port = (uint16_t)get16(f->bytes + 34),
				  .transport = STW_TRANSPORT_UDP};
	return ep;
}

int stw_bench_pcap_write(const char *path, const struct stw_bench_frame *frames, size_t n)
{
	struct pcap_header header = {PCAP_MAGIC, 2, 4, 0, 0, 65535, 1 /* Ethernet */};
	FILE *f = fopen(path, "wb");
	bool ok;

	if (!f)
		return STW_EIO;
	ok = fwrite(&header, sizeof(header), 1, f) == 1;
	for (size_t i = 0; ok && i < n; i++) {
		struct pcap_record r = {(uint32_t)i, 0, frames[i].len, frames[i].len};
		ok = fwrite(&r, sizeof(r), 1, f) == 1 &&
		     fwrite(frames[i].bytes, frames[i].len, 1, f) == 1;
	}
	return fclose(f) == 0 && ok ? STW_OK : STW_EIO;
}

static int read_frame(FILE *f, const struct pcap_record *r, struct stw_bench_frame *out)
{
	if (r->captured < STW_BENCH_FRAME_HEADERS || r->captured > STW_BENCH_FRAME_MAX)
		return STW_EMALFORMED;
	out->len = (uint16_t)r->captured;
	out->bytes = malloc(r->captured);
	if (!out->bytes)
		return STW_ENOMEM;
	if (fread(out->bytes, r->captured, 1, f) == 1)
		return STW_OK;
	free(out->bytes);
	return STW_EMALFORMED;
}

static int read_frames(FILE *f, struct stw_bench_frame **frames, size_t *n)
{
	struct pcap_record r;
	size_t room = 0;

	while (fread(&r, sizeof(r), 1, f) == 1) {
		if (*n == room) {
			room = room ? 2 * room : 4096;
			void *more = realloc(*frames, room * sizeof(**frames));
			if (!more)
				return STW_ENOMEM;
			*frames = more;
		}
		int err = read_frame(f, &r, &(*frames)[*n]);
		if (err != STW_OK)
			return err;
		(*n)++;
	}
	return ferror(f) ? STW_EIO : STW_OK;
}

int stw_bench_pcap_read(const char *path, struct stw_bench_frame **frames, size_t *n)
{
	struct stw_bench_frame *list = NULL;
	struct pcap_header header;
	size_t count = 0;
	FILE *f = fopen(path, "rb");
	int err = STW_EMALFORMED;

	if (!f)
		return STW_EIO;
	if (fread(&header, sizeof(header), 1, f) == 1 && header.magic == PCAP_MAGIC)
		err = read_frames(f, &list, &count);
	fclose(f);
	if (err == STW_OK) {
		*frames = list;
		*n = count;
	} else {
		stw_bench_frames_free(list, count);
	}
	return err;
}

void stw_bench_frames_free(struct stw_bench_frame *frames, size_t n)
{
	for (size_t i = 0; frames && i < n; i++)
		free(frames[i].bytes);
	free(frames);
}
