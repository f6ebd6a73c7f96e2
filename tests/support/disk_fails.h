/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A disk that fails where LMDB writes what a commit ends with, its two first pages: then LMDB says
 * MDB_PANIC until it is opened again. And one that takes the first part of a write only, as one
 * without room may. For one file of a test program.
 */

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static bool stw_disk_fails, stw_disk_takes_part;

/* In place of libc's, by the name that LMDB was linked with. */
ssize_t stw_write_at(int fd, const void *bytes, size_t len, off_t at) __asm__("pwrite");

ssize_t stw_write_at(int fd, const void *bytes, size_t len, off_t at)
{
	if (stw_disk_fails && at < 8192) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, bytes, stw_disk_takes_part ? len / 2 : len, at);
}

ssize_t stw_write_parts(int fd, const struct iovec *parts, int n) __asm__("writev");

ssize_t stw_write_parts(int fd, const struct iovec *parts, int n)
{
	return syscall(SYS_writev, fd, parts, stw_disk_takes_part ? n / 2 : n);
}
