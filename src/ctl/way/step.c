/* step.c - what is found on the way, step by step. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "ctl/way.h"

void way_add(struct way_leg *leg, enum way_part part, enum way_fault fault, const char *named, const char *fmt, ...)
{
	va_list ap;
	leg->steps = xrealloc_array(leg->steps, leg->n + 1, sizeof *leg->steps);
	struct way_step *s = &leg->steps[leg->n++];
	*s = (struct way_step){ .part = part, .fault = fault };
	snprintf(s->named, sizeof s->named, "%s", named);
	va_start(ap, fmt);
	vsnprintf(s->text, sizeof s->text, fmt, ap);
	va_end(ap);
}

enum way_fault way_leg_fault(const struct way_leg *leg)
{
	for (unsigned i = 0; i < leg->n; i++)
		if (leg->steps[i].fault > WAY_NOT_SEEN)
			return leg->steps[i].fault;
	return WAY_FINE;
}

void way_leg_release(struct way_leg *leg)
{
	free(leg->steps);
	*leg = (struct way_leg){ 0 };
}
