/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/steer/xdp.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <strowger/errors.h>

#include "dataplane/steer/keys.h"

#define PROGRAM "strowger_steer"
#define MAPS	8

/* The object file, from the build (dataplane/steer/meson.build). */
extern const unsigned char stw_steer_object[], *const stw_steer_object_end;

int stw_xdp_path(char out[32])
{
	static int fd = -1; /* for the life of the process: each port loads from it */
	const size_t size = (size_t)(stw_steer_object_end - stw_steer_object);

	if (fd < 0) {
		int fresh = memfd_create("strowger-steer", MFD_CLOEXEC);

		if (fresh < 0 || write(fresh, stw_steer_object, size) != (ssize_t)size) {
			if (fresh >= 0)
				close(fresh);
			return STW_EIO;
		}
		fd = fresh;
	}
	snprintf(out, 32, "/proc/self/fd/%d", fd);
	return STW_OK;
}

/* ---- hold ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int write_settings(int fd, const struct stw_xdp_take *take)
{
	struct stw_steer_settings s = {.all = take->all};
	const __u32 first = 0;

	for (size_t i = 0; i < take->n_vlans; i++)
		s.vlans[take->vlans[i] / 64 % 64] |= (__u64)1 << take->vlans[i] % 64;

	return bpf_map_update_elem(fd, &first, &s, BPF_ANY) == 0 ? STW_OK : STW_EIO;
}

static bool is_ours(int program)
{
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &len) == 0 && strcmp(info.name, PROGRAM) == 0;
}

/* One of the program's maps, by name. @return its descriptor or -1 */
static int open_map(const __u32 *ids, __u32 n, const char *name)
{
	for (__u32 i = 0; i < n; i++) {
		struct bpf_map_info info = {0};
		__u32 len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && strcmp(info.name, name) == 0)
			return fd;
		close(fd);
	}
	errno = ENOENT;
	return -1;
}

static int open_maps(int program, const struct stw_xdp_take *take, struct stw_xdp *x)
{
	__u32 ids[MAPS];
	struct bpf_prog_info info = {.nr_map_ids = MAPS, .map_ids = (__u64)(uintptr_t)ids};
	__u32 len = sizeof(info);
	int settings, err;

	if (bpf_obj_get_info_by_fd(program, &info, &len) < 0)
		return STW_EIO;
	if (!is_ours(program) || info.nr_map_ids > MAPS)
		return STW_ENOENT;
	x->listeners_fd = open_map(ids, info.nr_map_ids, "listeners");
	settings = open_map(ids, info.nr_map_ids, "settings");
	err = x->listeners_fd >= 0 && settings >= 0 ? write_settings(settings, take) : STW_EIO;
	close_fd(&settings);
	return err;
}

/* From DPDK's attachment, which would outlive us, to a link, which does not. Between the two the
 * interface is the kernel's alone for some microseconds. */
static int relink(int ifindex, int program, struct stw_xdp *x)
{
	if (bpf_xdp_detach(ifindex, 0, NULL) < 0)
		return STW_EIO;
	x->link_fd = bpf_link_create(program, ifindex, BPF_XDP, NULL);
	return x->link_fd >= 0 ? STW_OK : STW_EIO;
}

int stw_xdp_clear(const char *ifname)
{
	const int ifindex = (int)if_nametoindex(ifname);
	__u32 id = 0;
	int program;
	bool ours;

	if (ifindex == 0 || bpf_xdp_query_id(ifindex, 0, &id) < 0)
		return STW_EIO;
	if (id == 0)
		return STW_OK;
	program = bpf_prog_get_fd_by_id(id);
	ours = program >= 0 && is_ours(program);
	close_fd(&program);
	/* One that is held does not come off. */
	return ours && bpf_xdp_detach(ifindex, 0, NULL) == 0 ? STW_OK : STW_EBUSY;
}

int stw_xdp_hold(const char *ifname, const struct stw_xdp_take *take, struct stw_xdp *out)
{
	struct stw_xdp x = STW_XDP_NONE;
	const int ifindex = (int)if_nametoindex(ifname);
	__u32 id = 0;
	int program, err;

	if (ifindex == 0 || bpf_xdp_query_id(ifindex, 0, &id) < 0)
		return STW_EIO;
	if (id == 0)
		return STW_ENOENT;
	program = bpf_prog_get_fd_by_id(id);
	if (program < 0)
		return STW_EIO;
	err = open_maps(program, take, &x);
	if (err == STW_OK)
		err = relink(ifindex, program, &x);
	close(program);
	if (err != STW_OK) {
		stw_xdp_release(&x);
		return err;
	}
	*out = x;
	return STW_OK;
}

/* ---- listeners ---- */

static int add_all(int fd, const struct stw_steer_keys *keys)
{
	const __u8 yes = 1;
	int err = STW_OK;

	for (size_t i = 0; i < keys->n; i++)
		if (bpf_map_update_elem(fd, &keys->key[i], &yes, BPF_ANY) < 0)
			err = STW_EIO;
	return err;
}

/* A deleted key would make the kernel begin again: go on from the one before. */
static void remove_others(int fd, const struct stw_steer_keys *keys)
{
	struct stw_steer_key key, *before = NULL, kept;

	while (bpf_map_get_next_key(fd, before, &key) == 0) {
		if (stw_steer_keys_has(keys, &key)) {
			kept = key;
			before = &kept;
		} else if (bpf_map_delete_elem(fd, &key) < 0) {
			return;
		}
	}
}

int stw_xdp_listeners(const struct stw_xdp *x, const struct stw_endpoint *listeners, size_t n)
{
	struct stw_steer_keys keys;
	int err = stw_steer_keys_init(&keys, listeners, n);

	if (err != STW_OK)
		return err;
	err = add_all(x->listeners_fd, &keys);
	remove_others(x->listeners_fd, &keys);
	stw_steer_keys_fini(&keys);
	return err;
}

void stw_xdp_release(struct stw_xdp *x)
{
	close_fd(&x->link_fd);
	close_fd(&x->listeners_fd);
}
