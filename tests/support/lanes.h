/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/** @file Lanes for tests: the memory as control makes it, and its ends of it. */

#include <fcntl.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <strowger/lane.h>

struct lanes_memory {
	int memory, doorbell;
	struct stw_lanes_header *h;
	size_t size;
};

static inline int lanes_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
}

/** Allocated, filled in, not sealed yet. @return 0 when all is well */
static inline int lanes_make(struct lanes_memory *l, uint32_t n)
{
	l->size = stw_lanes_size(n);
	l->memory = memfd_create("lanes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	l->doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->memory < 0 || l->doorbell < 0 || ftruncate(l->memory, (off_t)l->size) != 0 ||
	    fallocate(l->memory, 0, 0, (off_t)l->size) != 0)
		return -1;
	l->h = mmap(NULL, l->size, PROT_READ | PROT_WRITE, MAP_SHARED, l->memory, 0);
	if (l->h == MAP_FAILED)
		return -1;
	l->h->magic = STW_LANES_MAGIC;
	l->h->version = STW_LANES_VERSION;
	l->h->n = n;
	l->h->size_bytes = l->size;
	return 0;
}

static inline void lanes_drop(struct lanes_memory *l)
{
	munmap(l->h, l->size);
	close(l->memory);
	close(l->doorbell);
}

/** How often the doorbell was rung since the last time. */
static inline uint64_t lanes_rings(const struct lanes_memory *l)
{
	uint64_t n = 0;

	return read(l->doorbell, &n, sizeof(n)) == sizeof(n) ? n : 0;
}
