/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * rules[].numbers_file: a prefix a line. What stands there is not repeated in messages: whoever may
 * try a configuration may not therefore read every file that control can.
 */

#include "control/config/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/sip_number.h>
#include <strowger/table_image.h>

#define FILE_MAX_BYTES (16u << 20)
#define BLANKS	       " \t\r"

struct reading {
	struct stw_conf_rule *rule;
	const struct stw_node *node; /* of the file's name */
	struct stw_report *report;
	size_t room;
};

/* The whole file and a NUL. @return STW_OK, STW_EIO (errno says why), STW_ENOMEM */
static int slurp(const char *path, char **out)
{
	struct stat st;
	size_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return STW_EIO;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES) {
		errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
		close(fd);
		return STW_EIO;
	}
	char *text = malloc((size_t)st.st_size + 1);
	while (text && n < (size_t)st.st_size) {
		ssize_t got = read(fd, text + n, (size_t)st.st_size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	if (!text)
		return STW_ENOMEM;
	text[n] = '\0';
	*out = text;
	return STW_OK;
}

static struct stw_conf_rule_number *add(struct reading *r)
{
	struct stw_conf_rule *rule = r->rule;

	if (rule->n_numbers == r->room) {
		size_t room = r->room ? 2 * r->room : 64;
		void *more = reallocarray(rule->numbers, room, sizeof(*rule->numbers));

		if (!more)
			return NULL;
		rule->numbers = more;
		r->room = room;
	}
	struct stw_conf_rule_number *n = &rule->numbers[rule->n_numbers++];
	*n = (struct stw_conf_rule_number){.node = r->node};
	return n;
}

static bool is_prefix(const char *text)
{
	struct stw_number n;

	return strcmp(text, "+") == 0 || (stw_number_read(text, strlen(text), &n) &&
					  !strchr(text, ';') && n.len <= STW_IMAGE_RULE_NUMBER);
}

/* "PREFIX" or "PREFIX POOL". */
static int read_line(struct reading *r, char *line, unsigned at)
{
	char *rest = NULL;
	char *prefix = strtok_r(line, BLANKS, &rest);
	char *pool = prefix ? strtok_r(NULL, BLANKS, &rest) : NULL;

	if (!prefix || *prefix == ';' || strcmp(prefix, "#") == 0)
		return STW_OK;
	if (!is_prefix(prefix) || (pool && strlen(pool) >= STW_NAME_MAX) ||
	    (pool && strtok_r(NULL, BLANKS, &rest)))
		stw_report(r->report, r->node,
			   "%s:%u: not the beginning of a number, alone or with a pool behind a "
			   "blank: write it as +4930, or +4930 berlin",
			   r->rule->numbers_file, at);
	else if (r->rule->n_numbers == STW_IMAGE_RULES)
		stw_report(r->report, r->node, "%s:%u: one number too many: a rule has %u at most",
			   r->rule->numbers_file, at, STW_IMAGE_RULES);
	else {
		struct stw_conf_rule_number *n = add(r);

		if (!n)
			return STW_ENOMEM;
		snprintf(n->prefix, sizeof(n->prefix), "%s", prefix);
		snprintf(n->pool, sizeof(n->pool), "%s", pool ? pool : "");
		return STW_OK;
	}
	return STW_ECONFIG;
}

static int read_lines(struct reading *r, char *text)
{
	int err = STW_OK;
	unsigned at = 1;

	/* One mistake is told of each file: the next is mostly the same. */
	for (char *line = text; line && err == STW_OK; at++) {
		char *end = strchr(line, '\n');

		if (end)
			*end = '\0';
		err = read_line(r, line, at);
		line = end ? end + 1 : NULL;
	}
	return err == STW_ECONFIG ? STW_OK : err;
}

static int read_file(struct stw_conf_rule *rule, struct stw_report *report)
{
	struct reading r = {rule, stw_node_at(rule->node, "numbers_file"), report, rule->n_numbers};
	size_t before = rule->n_numbers, errors = report->n_errors;
	char *text = NULL;
	int err = slurp(rule->numbers_file, &text);

	if (err == STW_EIO) {
		stw_report(report, r.node, "%s cannot be read: %s", rule->numbers_file,
			   errno == EINVAL ? "it is no file" : strerror(errno));
		return STW_OK;
	}
	if (err == STW_OK)
		err = read_lines(&r, text);
	free(text);
	if (err == STW_OK && rule->n_numbers == before && report->n_errors == errors)
		stw_report(report, r.node, "%s has no numbers: the rule would fit all; remove it",
			   rule->numbers_file);
	return err;
}

int stw_rules_read_files(struct stw_conf *c, struct stw_report *report)
{
	int err = STW_OK;

	for (size_t i = 0; i < c->n_rules && err == STW_OK; i++)
		if (c->rules[i].numbers_file[0])
			err = read_file(&c->rules[i], report);
	return err;
}
