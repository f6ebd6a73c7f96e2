/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * strowger-dataplane: start in order, serve, stop in reverse. The only place that may exit.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_cycles.h>

#include <strowger/errors.h>
#include <strowger/log.h>
#include <strowger/sip.h>

#include "control/config/config.h"
#include "control/notify.h"
#include "dataplane/eal.h"
#include "dataplane/installer.h"
#include "dataplane/life.h"
#include "dataplane/path/cksum.h"
#include "dataplane/port.h"
#include "dataplane/route/pool.h"
#include "dataplane/snapshot.h"
#include "dataplane/stats.h"
#include "dataplane/worker.h"

#define STW_RECORDED_ERRORS 256u /* of each worker */
#define EXIT_USAGE	    2
#define DEFAULT_CONFIG	    "/etc/strowger/strowger.yaml"

/* The process, in order of start. */
struct dataplane {
	struct stw_model *model;
	struct stw_stats *stats;
	int stats_fd;
	bool eal;
	struct stw_ports ports;
	bool snapshots_ready;
	struct stw_snapshots snapshots;
	struct stw_installer *installer;
	struct stw_workers workers;
	struct stw_life life;
};

static int stop_fd = -1;
static volatile sig_atomic_t stop_signals;

/* The first one stops in order, the second at once. */
static void on_stop(int sig)
{
	const uint64_t one = 1;
	int saved = errno;

	if (stop_signals++ > 0)
		_exit(128 + sig);
	if (write(stop_fd, &one, sizeof(one)) < 0)
		_exit(128 + sig);
	errno = saved;
}

static int catch_signals(void)
{
	struct sigaction stop = {.sa_handler = on_stop}, ignore = {.sa_handler = SIG_IGN};

	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0)
		return STW_EIO;
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	return STW_OK;
}

static void print_message(void *ctx, const char *message)
{
	(void)ctx;
	stw_error("%s", message);
}

static int start_stats(struct dataplane *dp)
{
	const struct stw_model_dataplane *d = &dp->model->dataplane;
	const struct stw_flight_shape records = {
		.n = d->record_messages,
		.n_errors = d->record_messages ? STW_RECORDED_ERRORS : 0,
		.text_bytes = d->record_bytes,
	};
	int err = stw_stats_new((uint32_t)d->n_cores, &records, &dp->stats, &dp->stats_fd);

	if (err != STW_OK) {
		stw_error("statistics block: %s", stw_err_text(err));
		return err;
	}
	dp->stats->tsc_hz = rte_get_tsc_hz();
	snprintf(dp->stats->version_text, sizeof(dp->stats->version_text), "%s", STW_VERSION);
	return STW_OK;
}

static int start_ports(struct dataplane *dp)
{
	int err = stw_ports_start(dp->model, (unsigned)dp->model->dataplane.n_cores, &dp->ports);

	if (err == STW_OK)
		stw_ports_describe(&dp->ports, dp->stats);
	return err;
}

/* About every 200 ms. */
static void refresh(void *arg)
{
	struct dataplane *dp = arg;
	const struct stw_memory memory = {.members = stw_stats_members(dp->stats, 0),
					  .n_workers = dp->stats->n_workers};

	stw_ports_refresh(&dp->ports, dp->stats);
	if (dp->snapshots.tables != NULL)
		stw_pools_weigh(dp->snapshots.tables, &memory);
	stw_life_tick(&dp->life, dp->stats, rte_get_timer_cycles());
}

/* One argument for all hooks: the process. */
static size_t take_requests(void *arg, struct stw_neighbour_request *out, size_t max)
{
	struct dataplane *dp = arg;

	return stw_workers_take_requests(&dp->workers, out, max);
}

static bool workers_awake(void *arg)
{
	struct dataplane *dp = arg;

	return stw_workers_awake(&dp->workers);
}

static void tables_changed(void *arg, const struct stw_tables *tables)
{
	struct dataplane *dp = arg;

	stw_ports_steer(&dp->ports, tables);
}

static void describe_port(const struct stw_port *p, struct stw_installer_port *out)
{
	out->model = p->model;
	out->mtu = p->mtu;
	memcpy(out->mac, p->mac, sizeof(out->mac));
	if (p->model->kernel == STW_KERNEL_SIDE_SHARED) {
		memcpy(out->kernel, p->under, sizeof(out->kernel));
		memcpy(out->inlet, p->model->twin, sizeof(out->inlet));
	} else if (p->twin.id != STW_NO_DEV) {
		out->mtu = p->twin_mtu;
		memcpy(out->kernel, p->model->twin, sizeof(out->kernel));
	}
}

static int start_installer(struct dataplane *dp)
{
	struct stw_installer_port ports[STW_STATS_PORTS_MAX] = {0};
	struct stw_installer_config config = {
		.socket = dp->model->dataplane.socket,
		.ports = ports,
		.n_ports = dp->ports.n,
		.snapshots = &dp->snapshots,
		.stats = dp->stats,
		.stats_fd = dp->stats_fd,
		.stop_fd = stop_fd,
		.hooks = {dp, take_requests, workers_awake, tables_changed, refresh},
	};

	for (size_t i = 0; i < dp->ports.n; i++)
		describe_port(&dp->ports.port[i], &ports[i]);
	return stw_installer_new(&config, &dp->installer);
}

static int start_snapshots(struct dataplane *dp)
{
	int err = stw_snapshots_init(&dp->snapshots);

	dp->snapshots_ready = err == STW_OK;
	return err;
}

static int start_eal(struct dataplane *dp)
{
	int err = stw_eal_start(dp->model);

	dp->eal = err == STW_OK;
	return err;
}

static int start_workers(struct dataplane *dp)
{
	int err = stw_workers_new(&dp->model->dataplane, &dp->ports, &dp->snapshots, dp->stats,
				  &dp->workers);

	if (err != STW_OK)
		stw_error("no memory for the workers");
	return err;
}

static int launch(struct dataplane *dp)
{
	return stw_workers_launch(&dp->workers);
}

/* A stop that came meanwhile ends the start after the step it fell into. */
static int start(struct dataplane *dp)
{
	static int (*const step[])(struct dataplane *) = {
		start_eal,     start_stats,	start_ports, start_snapshots,
		start_workers, start_installer, launch,
	};

	const struct stw_model_dataplane *d = &dp->model->dataplane;
	const struct stw_sip_limits limits = {d->max_headers, d->max_vias};

	stw_sip_init(STW_KERNEL_AUTO);
	stw_sip_set_limits(&limits); /* within what the schema allows */
	stw_cksum_init();
	for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
		int err = stop_signals == 0 ? step[i](dp) : STW_EAGAIN;

		if (err != STW_OK)
			return err;
	}
	return STW_OK;
}

static void stop(struct dataplane *dp)
{
	stw_workers_stop(&dp->workers);
	stw_installer_free(dp->installer);
	stw_workers_free(&dp->workers);
	stw_ports_stop(&dp->ports);
	if (dp->snapshots_ready)
		stw_snapshots_fini(&dp->snapshots);
	stw_stats_free(dp->stats, dp->stats_fd);
	if (dp->eal)
		stw_eal_stop();
	stw_model_free(dp->model);
}

static int serve(const char *config_path)
{
	struct dataplane dp = {.stats_fd = -1};
	int err = stw_config_read(config_path, print_message, NULL, &dp.model);

	if (err != STW_OK)
		return EXIT_FAILURE;
	stw_log_set_level((enum stw_log_level)dp.model->log_level);
	stw_log_set_format((enum stw_log_format)dp.model->log_format);
	err = start(&dp);
	if (err == STW_OK) {
		stw_info("ready: %s, %u workers, %zu ports, %s parser", STW_VERSION, dp.workers.n,
			 dp.ports.n, stw_sip_kernel_name(stw_sip_kernel_in_use()));
		stw_life_init(&dp.life, stw_notify_watchdog_s(), rte_get_timer_hz());
		stw_notify("READY=1");
		err = stw_installer_run(dp.installer);
	}
	stw_notify("STOPPING=1");
	stop(&dp);
	if (stop_signals > 0)
		stw_info("stopped");
	return err == STW_OK || stop_signals > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void usage(FILE *to)
{
	fputs("usage: strowger-dataplane [--config FILE]\n"
	      "       strowger-dataplane --version | --help\n",
	      to);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	const char *config = DEFAULT_CONFIG;

	for (int o; (o = getopt_long(argc, argv, "c:hV", options, NULL)) != -1;) {
		switch (o) {
		case 'c': config = optarg; break;
		case 'h': usage(stdout); return EXIT_SUCCESS;
		case 'V': puts("strowger-dataplane " STW_VERSION); return EXIT_SUCCESS;
		default: usage(stderr); return EXIT_USAGE;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	stw_log_init("dataplane", STW_LOG_INFO);
	if (catch_signals() != STW_OK) {
		stw_error("signals: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	return serve(config);
}
