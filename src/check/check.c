/* check.c - see check.h: the order in which the rules are asked. */
#include "check/check.h"

#include "rules.h"

struct conf *check_draft(struct conf_draft *d, bool complete, struct findings *f, unsigned *alone)
{
	for (unsigned i = 0; i < d->n && complete; i++) {
		unsigned errors = f->refused;
		if (!d->v[i].cut)
			check_keys(f, &d->v[i]);
		d->v[i].faulty = d->v[i].faulty || f->refused != errors;
	}
	*alone = f->n;
	if (complete) {
		check_clashes(f, d);
		check_psk_shared(f, d);
		check_globals(f, d);
	}
	findings_sort(f);
	struct conf *c = conf_draft_take(d);
	if (f->refused == 0)
		return c;
	conf_free(c);
	return NULL;
}

struct conf *conf_load(const struct conf_text *texts, unsigned n, key_reader read_key, void *arg, struct findings *f)
{
	struct findings own = { 0 };
	struct conf_draft d;
	unsigned alone;
	bool complete = conf_read(&d, texts, n, read_key, arg, &own);
	struct conf *c = check_draft(&d, complete, &own, &alone);
	if (f != NULL)
		*f = own;
	else
		findings_release(&own);
	return c;
}

void check_conf_certificates(struct findings *f, const struct conf *conf, int64_t now)
{
	const struct host h = { .now = now };
	struct check c = { f, conf, &h };
	for (uint32_t i = 0; i < conf->n; i++)
		check_certificates(&c, conf->tunnels[i]);
	findings_sort(f);
}

void check_conf(struct findings *f, const struct conf *conf, const struct host *h)
{
	struct check c = { f, conf, h };
	f->max = FINDINGS_MAX;
	for (uint32_t i = 0; i < conf->n; i++) {
		check_tunnel(&c, conf->tunnels[i]);
		check_cloud(&c, conf->tunnels[i]);
		check_certificates(&c, conf->tunnels[i]);
	}
	check_net(&c);
	check_shared(&c);
	check_host(&c);
	check_speed(&c);
	findings_sort(f);
}
