/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/api/port.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <strowger/errors.h>

#define BACKLOG 256

static socklen_t to_socket_address(const struct stw_endpoint *at, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (stw_ip_is_v4(&at->ip)) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;

		in->sin_family = AF_INET;
		in->sin_port = htons(at->port);
		memcpy(&in->sin_addr, at->ip.b + 12, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(at->port);
	memcpy(&in6->sin6_addr, at->ip.b, 16);
	return sizeof(*in6);
}

static int listen_at(const struct stw_endpoint *at)
{
	struct sockaddr_storage address;
	socklen_t len = to_socket_address(at, &address);
	const int one = 1;
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

int stw_api_port_open(const struct stw_model_api *api, char *reason, size_t reason_len, int *fd)
{
	struct stw_endpoint at;

	*fd = -1;
	if (strcmp(api->http, "off") == 0)
		return STW_OK;
	int err = stw_endpoint_parse(api->http, strlen(api->http), 0, &at);
	int listening = err ? -1 : listen_at(&at);

	if (listening < 0) {
		snprintf(reason, reason_len,
			 "api: no HTTP on %s: %s: correct api.http, or write off", api->http,
			 err ? stw_err_text(err) : strerror(errno));
		return STW_EIO;
	}
	*fd = listening;
	return STW_OK;
}

/* What is wrong with the file or its line; NULL: nothing. */
static const char *judge(FILE *f, char *line, size_t len)
{
	struct stat st;

	if (fstat(fileno(f), &st) < 0 || (st.st_mode & 0007))
		return "others may read it: chmod 0640";
	if (len < STW_TOKEN_MIN || len > STW_TOKEN_MAX)
		return "its first line must be 16 to 128 characters: \"openssl rand -hex 32\"";
	for (size_t i = 0; i < len; i++)
		if (line[i] <= ' ' || line[i] > '~')
			return "its first line must be printable characters without blanks";
	return NULL;
}

int stw_api_token_read(const struct stw_model_api *api, char *reason, size_t reason_len, char *out)
{
	char line[STW_TOKEN_MAX + 3];

	out[0] = '\0';
	if (api->token_file[0] == '\0')
		return STW_OK;
	FILE *f = fopen(api->token_file, "re");
	if (!f || !fgets(line, sizeof(line), f)) {
		snprintf(reason, reason_len, "api: token file %s cannot be read: %s",
			 api->token_file, f ? "it is empty" : strerror(errno));
		if (f)
			fclose(f);
		return STW_EIO;
	}
	line[strcspn(line, "\r\n")] = '\0';
	const char *wrong = judge(f, line, strlen(line));
	fclose(f);
	if (wrong) {
		snprintf(reason, reason_len, "api: token file %s: %s", api->token_file, wrong);
		return STW_ERANGE;
	}
	strcpy(out, line);
	return STW_OK;
}

bool stw_api_token_given(const char *token, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	size_t n = strlen(token);
	unsigned char differs = 0;

	if (n == 0 || !authorization || strncasecmp(authorization, scheme, 7) != 0)
		return false;
	const char *given = authorization + 7;
	if (strlen(given) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		differs |= (unsigned char)(given[i] ^ token[i]);
	return differs == 0;
}
