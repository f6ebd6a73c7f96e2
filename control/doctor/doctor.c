/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct stw_finding *more(struct stw_doctor *d)
{
	if (d->n == d->room) {
		const size_t room = d->room ? 2 * d->room : 32;
		struct stw_finding *bigger = reallocarray(d->findings, room, sizeof(*d->findings));

		if (!bigger) {
			d->cut = true;
			return NULL;
		}
		d->findings = bigger;
		d->room = room;
	}
	return &d->findings[d->n++];
}

void stw_doctor_say(struct stw_doctor *d, enum stw_grade grade, const char *check, const char *what,
		    const char *advice)
{
	stw_doctor_sayf(d, grade, check, advice, "%s", what);
}

void stw_doctor_sayf(struct stw_doctor *d, enum stw_grade grade, const char *check,
		     const char *advice, const char *fmt, ...)
{
	struct stw_finding *f = more(d);
	va_list ap;

	if (!f)
		return;
	*f = (struct stw_finding){.grade = grade, .check = check};
	va_start(ap, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
	snprintf(f->advice, sizeof(f->advice), "%s", advice);
}

bool stw_doctor_read(const struct stw_doctor *d, const char *path, char *out, size_t size)
{
	char whole[512];
	FILE *f;

	snprintf(whole, sizeof(whole), "%s%s", d->root, path);
	f = fopen(whole, "re");
	if (!f)
		return false;
	const bool read = fgets(out, (int)size, f) != NULL;

	fclose(f);
	if (!read)
		out[0] = '\0'; /* an empty file says something, too */
	out[strcspn(out, "\n")] = '\0';
	return true;
}

void stw_doctor_examine(struct stw_doctor *d)
{
	static void (*const checks[])(struct stw_doctor *) = {
		stw_doctor_config, stw_doctor_running, stw_doctor_hugepages, stw_doctor_cores,
		stw_doctor_clock,  stw_doctor_sysctls, stw_doctor_ports,     stw_doctor_members,
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](d);
}

enum stw_grade stw_doctor_worst(const struct stw_doctor *d)
{
	enum stw_grade worst = d->cut ? STW_GRADE_BAD : STW_GRADE_GOOD;

	for (size_t i = 0; i < d->n; i++)
		if (d->findings[i].grade > worst)
			worst = d->findings[i].grade;
	return worst;
}

const char *stw_grade_text(enum stw_grade grade)
{
	static const char *const text[] = {"good", "advice", "bad"};

	return text[grade];
}

void stw_doctor_fini(struct stw_doctor *d)
{
	free(d->findings);
	d->findings = NULL;
	d->n = d->room = 0;
}
