/*
 * fuzz_bgp.c - what FRR and BIRD say, read by each parser: nothing is read beyond the text, and what is kept is words that can be shown.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/bgp/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_be_clean(const char *text, size_t size)
{
	size_t n = strnlen(text, size);
	must(n < size);
	for (size_t i = 0; i < n; i++)
		must(text[i] >= ' ' && text[i] <= '~');
}

static void look(struct bgp_view *v)
{
	for (unsigned i = 0; i < v->n; i++) {
		const struct bgp_session *x = &v->sessions[i];
		must(x->peer.family != 0 && x->state <= BGP_ESTABLISHED && bgp_session_of(v, &x->peer) != NULL);
		must_be_clean(x->name, sizeof x->name);
		must_be_clean(x->error_words, sizeof x->error_words);
		must_be_clean(x->message, sizeof x->message);
		must_be_clean(x->filter, sizeof x->filter);
		must_be_clean(x->source, sizeof x->source);
		json_decref(bgp_json(v, &x->peer));
	}
	for (unsigned i = 0; i < v->n_routes; i++) {
		must(v->routes[i].prefix.addr.family != 0);
		must_be_clean(v->routes[i].protocol, sizeof v->routes[i].protocol);
		must_be_clean(v->routes[i].device, sizeof v->routes[i].device);
	}
	bgp_release(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bgp_view v = { .n = 0 };
	char *text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = 0;
	bgp_frr_sessions(&v, text);
	look(&v);
	bgp_frr_routes(&v, text);
	look(&v);
	bgp_bird_sessions(&v, text);
	look(&v);
	bgp_bird_routes(&v, text);
	look(&v);
	bgp_signs_sockets(&v, text, (size & 1) != 0);
	bgp_signs_counters(&v, text);
	bgp_release(&v);
	free(text);
	return 0;
}
