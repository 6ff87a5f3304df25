/* clock.c - time as text. Reads no clock. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

const char *wall_format(int64_t wall, char text[TIME_TEXT])
{
	time_t t = (time_t)wall;
	struct tm tm;
	/* RFC 3339 has years of four digits. */
	if (wall == 0 || gmtime_r(&t, &tm) == NULL || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
		snprintf(text, TIME_TEXT, "-");
	else
		strftime(text, TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return text;
}

/* Two units at most: people compare ages, they do not add them. */
const char *span_format(msec span, char text[TIME_TEXT])
{
	const char *sign = span < 0 ? "-" : "";
	uint64_t ms = span < 0 ? -(uint64_t)span : (uint64_t)span;
	unsigned long long s = ms / 1000, m = s / 60, h = m / 60, d = h / 24;
	if (s == 0)
		snprintf(text, TIME_TEXT, "%s%llums", ms > 0 ? sign : "", (unsigned long long)ms);
	else if (m == 0)
		snprintf(text, TIME_TEXT, "%s%llus", sign, s);
	else if (h == 0)
		snprintf(text, TIME_TEXT, "%s%llum%02llus", sign, m, s % 60);
	else if (d == 0)
		snprintf(text, TIME_TEXT, "%s%lluh%02llum", sign, h, m % 60);
	else
		snprintf(text, TIME_TEXT, "%s%llud%02lluh", sign, d, h % 24);
	return text;
}
