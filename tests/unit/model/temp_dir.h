/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/**
 * @file
 * A directory of a test's own, empty before and gone after it: cmocka setup and teardown.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char temp_dir[64];

static inline int temp_dir_make(void **state)
{
	(void)state;
	snprintf(temp_dir, sizeof(temp_dir), "/tmp/stw-test-XXXXXX");
	return mkdtemp(temp_dir) ? 0 : -1;
}

static inline size_t temp_dir_count(bool remove)
{
	DIR *d = opendir(temp_dir);
	size_t n = 0;

	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		if (e->d_name[0] == '.' && (!e->d_name[1] || e->d_name[1] == '.'))
			continue;
		n++;
		if (remove)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		closedir(d);
	return n;
}

static inline int temp_dir_remove(void **state)
{
	(void)state;
	chmod(temp_dir, 0700);
	temp_dir_count(true);
	return rmdir(temp_dir);
}

static inline const char *temp_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", temp_dir, name);
	return path;
}

static inline void temp_write(const char *name, const char *text, size_t len, mode_t mode)
{
	int fd = open(temp_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}
