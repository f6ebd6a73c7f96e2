/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <strowger/errors.h>
#include <strowger/log.h>

#include "control/config/config.h"
#include "control/loop.h"
#include "control/version.h"

#define DEFAULT_CONFIG "/etc/strowger/strowger.yaml"

static const char help[] =
	"Usage: strowger-control [--config FILE] [--check FILE | --dump | --version | --help]\n"
	"\n"
	"The control process of the Strowger SIP load balancer: reads the configuration,\n"
	"builds tables for strowger-dataplane, serves the API. Runs in the foreground.\n"
	"\n"
	"  -c, --config FILE   configuration (default " DEFAULT_CONFIG ")\n"
	"  -k, --check FILE    check FILE, print what is wrong with it, exit 0 or 1\n"
	"  -d, --dump          print the configuration with every option written out\n"
	"  -V, --version       print versions\n"
	"  -h, --help          print this\n"
	"\n"
	"Signals: SIGHUP reads the configuration again; SIGTERM stops. See strowger-control(8).\n";

static void print_message(void *ctx, const char *message)
{
	(void)ctx;
	fprintf(stderr, "%s\n", message);
}

static int check(const char *path)
{
	struct stw_model *m;
	if (stw_config_read(path, print_message, NULL, &m))
		return EXIT_FAILURE;
	printf("%s: ok, %zu ports, %zu listeners, %zu pools, %zu members\n", path, m->n_ports,
	       m->n_listeners, m->n_pools, m->n_members);
	stw_model_free(m);
	return EXIT_SUCCESS;
}

static int dump(const char *path)
{
	struct stw_model *m;
	if (stw_config_read(path, print_message, NULL, &m))
		return EXIT_FAILURE;
	int err = stw_config_dump(m, stdout);
	stw_model_free(m);
	if (!err)
		return EXIT_SUCCESS;
	fprintf(stderr, "strowger-control: dump: %s\n", stw_err_text(err));
	return EXIT_FAILURE;
}

static int version(void)
{
	printf("strowger-control %s (%s, libev %s; for DPDK %s, liburcu %s)\n", STW_VERSION,
	       stw_version_allocator(), stw_version_libev(), STW_DPDK_VERSION, STW_URCU_VERSION);
	return EXIT_SUCCESS;
}

static int usage_error(const char *what)
{
	if (what)
		fprintf(stderr, "strowger-control: unexpected argument \"%s\"\n", what);
	fprintf(stderr, "Try: strowger-control --help\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"check", required_argument, NULL, 'k'},
		{"dump", no_argument, NULL, 'd'},	  {"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},	  {NULL, 0, NULL, 0},
	};
	const char *config = DEFAULT_CONFIG;
	const char *checked = NULL;
	bool dumps = false;
	int c;
	stw_log_init("control", STW_LOG_INFO);
	while ((c = getopt_long(argc, argv, "c:k:dVh", options, NULL)) != -1) {
		switch (c) {
		case 'c': config = optarg; break;
		case 'k': checked = optarg; break;
		case 'd': dumps = true; break;
		case 'V': return version();
		case 'h': fputs(help, stdout); return EXIT_SUCCESS;
		default: return usage_error(NULL);
		}
	}
	if (optind < argc)
		return usage_error(argv[optind]);
	if (checked)
		return check(checked);
	return dumps ? dump(config) : stw_loop_run(config);
}
