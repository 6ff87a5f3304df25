/* bgp.c - see bgp.h. */
#include "bgp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/render.h"

#define END_LINE "# EOF\n" /* of OpenMetrics; the older format has none */

/* In the exposition formats a label escapes these; a tunnel's name has neither, but it comes from elsewhere. */
static void put_sample(FILE *to, const char *name, const char *tunnel, long long value)
{
	fprintf(to, "%s{tunnel=\"", name);
	for (const char *p = tunnel; *p != 0; p++) {
		if (*p == '"' || *p == '\\')
			fputc('\\', to);
		if (*p != '\n')
			fputc(*p, to);
	}
	fprintf(to, "\"} %lld\n", value);
}

static void put_up(FILE *to, const json_t *tunnels)
{
	fputs("# HELP s2s_bgp_up Whether the BGP session over the tunnel is established.\n# TYPE s2s_bgp_up gauge\n", to);
	for (size_t i = 0; i < json_array_size(tunnels); i++) {
		const json_t *t = json_array_get(tunnels, i);
		const char *state = word_of(json_object_get(t, "bgp"), "state"), *name = word_of(t, "name");
		if (state != NULL && name != NULL)
			put_sample(to, "s2s_bgp_up", name, strcmp(state, "Established") == 0);
	}
}

static void put_received(FILE *to, const json_t *tunnels)
{
	fputs("# HELP s2s_bgp_prefixes_received Prefixes that the peer of the BGP session has announced.\n"
	      "# TYPE s2s_bgp_prefixes_received gauge\n",
		to);
	for (size_t i = 0; i < json_array_size(tunnels); i++) {
		const json_t *t = json_array_get(tunnels, i), *n = json_object_get(json_object_get(t, "bgp"), "received");
		const char *name = word_of(t, "name");
		if (json_is_integer(n) && name != NULL)
			put_sample(to, "s2s_bgp_prefixes_received", name, json_integer_value(n));
	}
}

static bool has_bgp(const json_t *tunnels)
{
	for (size_t i = 0; i < json_array_size(tunnels); i++)
		if (json_is_object(json_object_get(json_array_get(tunnels, i), "bgp")))
			return true;
	return false;
}

char *bgp_metrics(const char *text, const json_t *tunnels)
{
	char *all = NULL;
	size_t size, n = strlen(text), end = strlen(END_LINE);
	bool open = n >= end && strcmp(text + n - end, END_LINE) == 0;
	FILE *to = has_bgp(tunnels) ? open_memstream(&all, &size) : NULL;
	if (to == NULL)
		return xstrdup(text);
	fwrite(text, 1, open ? n - end : n, to);
	put_up(to, tunnels);
	put_received(to, tunnels);
	if (open)
		fputs(END_LINE, to);
	if (fclose(to) == 0)
		return all;
	free(all);
	return xstrdup(text);
}
