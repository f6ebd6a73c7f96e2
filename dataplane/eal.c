/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/eal.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include <strowger/errors.h>
#include <strowger/device.h>
#include <strowger/log.h>
#include <strowger/stats.h>

#include "dataplane/cores.h"
#include "dataplane/pool.h"
#include "dataplane/worker.h"

#define ARGS_MAX 64

struct args {
	char *v[ARGS_MAX + 1];
	int n;
	char text[ARGS_MAX][300];
	char lcores[STW_CORES_TEXT + 16];
};

static char first_error[256];
static FILE *log_stream;

void stw_eal_error_clear(void)
{
	first_error[0] = '\0';
}

const char *stw_eal_error(void)
{
	return first_error;
}

/* DPDK's lines are for its developers: shown at debug, the first error kept for our own message. */
static ssize_t take_line(void *cookie, const char *text, size_t len)
{
	size_t n = len;

	(void)cookie;
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	if (n == 0)
		return (ssize_t)len;
	if (first_error[0] == '\0' && rte_log_cur_msg_loglevel() <= (int)RTE_LOG_ERR)
		snprintf(first_error, sizeof(first_error), "%.*s", (int)n, text);
	stw_debug("dpdk: %.*s", (int)n, text);
	return (ssize_t)len;
}

typedef int (*print_fn)(int level, const char *fmt, va_list args);
typedef print_fn (*set_print_fn)(print_fn);

static int print_nothing(int level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

/* net_af_xdp's libraries, which are there when EAL has loaded that driver, write to standard error;
 * what fails in them DPDK tells as well. */
static void silence(const char *library, const char *setter)
{
	void *lib = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
	set_print_fn set_print;

	if (lib == NULL)
		return;
	*(void **)&set_print = dlsym(lib, setter);
	if (set_print != NULL)
		set_print(print_nothing);
	dlclose(lib);
}

static void capture_log(void)
{
	static const cookie_io_functions_t io = {.write = take_line};

	log_stream = fopencookie(NULL, "w", io);
	if (log_stream != NULL && rte_openlog_stream(log_stream) == 0)
		setvbuf(log_stream, NULL, _IOLBF, BUFSIZ);
}

/* "--name=value", or either alone. */
static void add(struct args *a, const char *name, const char *value)
{
	if (a->n == ARGS_MAX)
		return;
	snprintf(a->text[a->n], sizeof(a->text[0]), "%s%s", name, value);
	a->v[a->n] = a->text[a->n];
	a->n++;
}

static void add_pci(struct args *a, const struct stw_model *m)
{
	bool any = false;

	for (size_t i = 0; i < m->n_ports; i++) {
		if (!stw_device_is_pci(m->ports[i].device))
			continue;
		add(a, "--allow=", m->ports[i].device);
		any = true;
	}
	if (!any)
		add(a, "--no-pci", "");
}

static uint64_t free_hugepages_mb(void)
{
	static const char path[] = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";
	unsigned long pages = 0;
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * 2;
}

static uint64_t memory_mb(const struct stw_model *m, bool hugepages)
{
	const uint64_t need_mb =
		stw_pool_memory_mb(m, hugepages) + (stw_workers_memory(&m->dataplane) >> 20);

	return m->dataplane.memory_mb > need_mb ? m->dataplane.memory_mb : need_mb;
}

/* Decide whether hugepages carry the packets. Without them memory must be sized in advance. */
static int add_memory(struct args *a, const struct stw_model *m)
{
	uint64_t need_mb = memory_mb(m, true), free_mb = free_hugepages_mb();
	char mb[24];

	if (m->dataplane.hugepages == STW_HUGEPAGES_YES && free_mb < need_mb) {
		stw_error("hugepages: %lu MiB needed, %lu MiB free in 2 MiB pages; reserve %lu "
			  "pages in /proc/sys/vm/nr_hugepages, or set dataplane.hugepages to auto",
			  need_mb, free_mb, (need_mb + 1) / 2);
		return STW_ENOMEM;
	}
	if (m->dataplane.hugepages != STW_HUGEPAGES_NO && free_mb >= need_mb) {
		stw_info("memory: 2 MiB hugepages, %lu MiB free", free_mb);
		add(a, "--in-memory", "");
		return STW_OK;
	}
	need_mb = memory_mb(m, false);
	stw_info("memory: %lu MiB in ordinary pages", need_mb);
	snprintf(mb, sizeof(mb), "%lu", need_mb);
	/* EAL takes --in-memory with hugepages only; without them nothing but the shared
	 * configuration would have been a file. */
	add(a, "--no-huge", "");
	add(a, "--no-shconf", "");
	add(a, "-m", mb);
	return STW_OK;
}

static int add_cores(struct args *a, const struct stw_model *m)
{
	char plan[STW_CORES_TEXT];
	cpu_set_t allowed;
	unsigned bad = 0;
	int err;

	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return STW_EIO;
	err = stw_cores_plan(&m->dataplane, &allowed, plan, &bad);
	if (err == STW_ENOENT)
		stw_error("dataplane.cores: core %u is not among the CPUs this process may use",
			  bad);
	else if (err != STW_OK)
		stw_error("dataplane.cores: %zu cores given, 1 to %u are possible",
			  m->dataplane.n_cores, STW_STATS_WORKERS_MAX);
	if (err != STW_OK)
		return STW_ECONFIG;
	snprintf(a->lcores, sizeof(a->lcores), "--lcores=%s", plan);
	a->v[a->n++] = a->lcores;
	return STW_OK;
}

static int build_args(struct args *a, const struct stw_model *m)
{
	char pid[24];
	int err;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	add(a, "strowger-dataplane", "");
	err = add_cores(a, m);
	if (err != STW_OK)
		return err;
	add(a, "--file-prefix=strowger-", pid);
	add(a, "--no-telemetry", "");
	add(a, "--iova-mode=va", "");
	/* Buffers that one worker takes and another frees go round through the pool: what was freed
	 * last is taken first, so that few are in use and those in the caches. */
	add(a, "--mbuf-pool-ops-name=stack", "");
	add_pci(a, m);
	return add_memory(a, m);
}

int stw_eal_start(const struct stw_model *model)
{
	struct args *a = calloc(1, sizeof(*a));
	int err;

	if (a == NULL)
		return STW_ENOMEM;
	capture_log();
	err = build_args(a, model);
	if (err == STW_OK && rte_eal_init(a->n, a->v) < 0) {
		stw_error("DPDK does not start: %s (%s)", first_error, rte_strerror(rte_errno));
		err = STW_EIO;
	}
	free(a);
	/* Nothing will be put there, and a killed process could not remove it. */
	rmdir(rte_eal_get_runtime_dir());
	silence("libbpf.so.1", "libbpf_set_print");
	silence("libxdp.so.1", "libxdp_set_print");
	return err;
}

void stw_eal_stop(void)
{
	rte_eal_cleanup();
	if (log_stream == NULL)
		return;
	rte_openlog_stream(NULL);
	fclose(log_stream);
	log_stream = NULL;
}
