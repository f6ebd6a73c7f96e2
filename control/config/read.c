/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/read.h"
#include "control/config/rules.h"
#include "control/model/rule_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <strowger/errors.h>
#include <strowger/table_image.h>

#define FILE_MAX_BYTES (16u << 20)

/* Length of the UTF-8 character at @p, 0 when there is none (RFC 3629 s4). */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char from, to, least, most; /* first byte; second byte */
		size_t len;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	if (p[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (p[0] < forms[i].from || p[0] > forms[i].to)
			continue;
		if (left < forms[i].len || p[1] < forms[i].least || p[1] > forms[i].most)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		}
		return forms[i].len;
	}
	return 0;
}

/* Refuse what is no text before libyaml meets it, and with a line. */
static int check_text(const char *text, size_t len, struct stw_report *report)
{
	const unsigned char *p = (const unsigned char *)text;
	uint32_t line = 1;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(p + i, len - i);

		if (n == 0) {
			stw_report_line(report, line,
					"not UTF-8 text: byte 0x%02x does not belong here", p[i]);
			return STW_ECONFIG;
		}
		if ((p[i] < 0x20 && p[i] != '\n' && p[i] != '\r' && p[i] != '\t') || p[i] == 0x7f) {
			stw_report_line(report, line,
					"control character 0x%02x: is this a text file?", p[i]);
			return STW_ECONFIG;
		}
		line += p[i] == '\n';
		i += n;
	}
	return STW_OK;
}

/* The limit on rules that share a value is known only when all are there. */
static int find_rules_by(const struct stw_conf *c, struct stw_report *report, struct stw_model *m)
{
	size_t i;
	int err = stw_rules_choose(m, &i);

	if (err != STW_ERANGE)
		return err;
	stw_report(
		report, c->rules[i].node,
		"more than %u rules have no other values than these: each would be tried for each "
		"request that has them; put what they share into one rule, or say more in each",
		STW_IMAGE_RULE_SHARE);
	return STW_ECONFIG;
}

static int read_tree(const struct stw_tree *tree, struct stw_report *report, struct stw_model **out)
{
	struct stw_conf c = {0};
	struct stw_model *m = NULL;
	int err = stw_conf_fill(tree, report, &c);

	if (err == STW_OK)
		err = stw_rules_read_files(&c, report);
	if (err == STW_OK)
		err = stw_conf_check(&c, report);
	if (err == STW_OK && report->n_errors > 0)
		err = STW_ECONFIG;
	if (err == STW_OK)
		err = stw_conf_resolve(&c, &m);
	if (err == STW_OK)
		err = find_rules_by(&c, report, m);
	if (err == STW_OK)
		*out = m;
	else
		stw_model_free(m);
	stw_conf_fini(&c);
	return err;
}

int stw_config_read_text(const char *name, const char *text, size_t len,
			 stw_config_message_fn message, void *ctx, struct stw_model **out)
{
	struct stw_report report = {.file = name, .message = message, .ctx = ctx};
	struct stw_tree tree = {0};
	int err = STW_OK;

	if (len > FILE_MAX_BYTES) {
		stw_report_line(&report, 0, "longer than 16 MiB: is this the right file?");
		stw_report_end(&report);
		return STW_ECONFIG;
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	err = check_text(text, len, &report);
	if (err == STW_OK)
		err = stw_tree_parse(text, len, &report, &tree);
	if (err == STW_OK)
		err = read_tree(&tree, &report, out);
	stw_report_end(&report);
	stw_tree_fini(&tree);
	return err;
}

static int refuse_file(const char *path, int why, stw_config_message_fn message, void *ctx)
{
	struct stw_report report = {.file = path, .message = message, .ctx = ctx};

	stw_report_line(&report, 0, "cannot be read: %s", strerror(why));
	stw_report_end(&report);
	return STW_EIO;
}

/* Read up to one byte more than is allowed, so that too much is noticed. */
static int slurp(int fd, char **out, size_t *len)
{
	size_t room = 0, n = 0;
	char *text = NULL;

	while (n <= FILE_MAX_BYTES) {
		if (n == room) {
			room = room ? room * 2 : 64 * 1024;
			char *more = realloc(text, room + 1);

			if (!more) {
				free(text);
				return STW_ENOMEM;
			}
			text = more;
		}
		ssize_t got = read(fd, text + n, room - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(text);
			return STW_EIO;
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	text[n] = '\0';
	*out = text;
	*len = n;
	return STW_OK;
}

int stw_config_text(const char *path, stw_config_message_fn message, void *ctx, char **text,
		    size_t *len)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return refuse_file(path, errno, message, ctx);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		return refuse_file(path, EISDIR, message, ctx);
	}
	int err = slurp(fd, text, len);
	int why = errno;

	close(fd);
	return err == STW_EIO ? refuse_file(path, why, message, ctx) : err;
}

int stw_config_read(const char *path, stw_config_message_fn message, void *ctx,
		    struct stw_model **out)
{
	char *text = NULL;
	size_t len = 0;
	int err = stw_config_text(path, message, ctx, &text, &len);

	if (err == STW_OK)
		err = stw_config_read_text(path, text, len, message, ctx, out);
	free(text);
	return err;
}
