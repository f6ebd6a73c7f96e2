/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/table/image_check.h"

#include <string.h>

#include <strowger/errors.h>

/* Letters in lower case, digits, '-', '_' and '.'; 0 for all else. */
static char name_char(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c | 0x20);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'
		       ? c
		       : 0;
}

uint8_t stw_name_canonical(const char *name, uint64_t len, char *out)
{
	char before = '.';

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len == 0 || len > STW_IMAGE_NAME_MAX)
		return 0;
	for (uint64_t i = 0; i < len; i++) {
		char c = name_char(name[i]);

		if (c == 0 || (c == '.' && before == '.'))
			return 0;
		out[i] = before = c;
	}
	return before == '.' ? 0 : (uint8_t)len;
}

/* The addresses of one name. */
static int check_targets(const struct stw_image_check *c, uint32_t row,
			 const struct stw_image_name *name)
{
	uint32_t n;
	const struct stw_image_target *t = stw_image_rows(c, STW_IMAGE_TARGETS_SECTION, &n);

	if (name->n_targets > STW_IMAGE_NAME_TARGETS || name->first_target > n ||
	    name->n_targets > n - name->first_target)
		return stw_image_refuse(c, STW_EBOUNDS,
					"section names, row %u: targets leave their section", row);
	t += name->first_target;
	for (uint32_t i = 0; i < name->n_targets; i++) {
		if (!stw_image_address_serves(&t[i].address))
			return stw_image_refuse(c, STW_ERANGE,
						"section targets, row %u: unusable address",
						name->first_target + i);
		if (i > 0 && t[i].priority < t[i - 1].priority)
			return stw_image_refuse(c, STW_ERANGE,
						"section targets, row %u: priorities must ascend",
						name->first_target + i);
	}
	return STW_OK;
}

int stw_image_check_names(const struct stw_image_check *c)
{
	char canonical[STW_IMAGE_NAME_MAX];
	uint32_t n, n_text;
	const struct stw_image_name *name = stw_image_rows(c, STW_IMAGE_NAMES_SECTION, &n);
	const char *text = stw_image_rows(c, STW_IMAGE_NAME_TEXT_SECTION, &n_text);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = name[i].first_byte;

		if (at > n_text || name[i].len > n_text - at)
			return stw_image_refuse(c, STW_EBOUNDS,
						"section names, row %u: text leaves its section",
						i);
		if (stw_name_canonical(text + at, name[i].len, canonical) != name[i].len ||
		    name[i].len == 0 || memcmp(canonical, text + at, name[i].len) != 0)
			return stw_image_refuse(c, STW_ERANGE,
						"section names, row %u: not a name in lower case",
						i);
		int err = check_targets(c, i, &name[i]);
		if (err != STW_OK)
			return err;
	}
	return STW_OK;
}

/* Few: each is compared with all before it. */
int stw_image_check_domains(const struct stw_image_check *c)
{
	uint32_t n;
	const struct stw_image_domain *d = stw_image_rows(c, STW_IMAGE_DOMAINS_SECTION, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (d[i].len == 0 || d[i].len > STW_IMAGE_NAME_MAX)
			return stw_image_refuse(c, STW_ERANGE, "section domains, row %u: %u bytes",
						i, d[i].len);
		for (uint32_t k = 0; k < d[i].len; k++)
			if (d[i].name[k] <= ' ' || d[i].name[k] == 0x7f ||
			    (d[i].name[k] >= 'A' && d[i].name[k] <= 'Z'))
				return stw_image_refuse(
					c, STW_ERANGE, "section domains, row %u: not in lower case",
					i);
		for (uint32_t k = 0; k < i; k++)
			if (memcmp(&d[k], &d[i], sizeof(d[i])) == 0)
				return stw_image_refuse(
					c, STW_EDUP,
					"section domains, row %u: domain of row %u again", i, k);
	}
	return STW_OK;
}
