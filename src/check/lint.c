/*
 * lint.c - see lint.h: the list of findings, and the loader's faults with what to do about them.
 */
#include "check/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/util.h"

const char *severity_word(enum finding_severity s)
{
	static const char *const words[] = { "error", "warning", "hint" };
	return words[s];
}

const char *side_word(enum finding_side s)
{
	static const char *const words[] = { "ours", "cloud", "both" };
	return words[s];
}

/* ---------------------------------------------------------------- the list */
static struct finding *add(struct findings *f, enum finding_severity severity)
{
	f->count[severity]++;
	if (f->n == FINDINGS_MAX) {
		f->dropped++;
		return NULL;
	}
	if (f->n == f->cap) {
		f->cap = f->cap > 0 ? 2 * f->cap : 32;
		f->v = xrealloc_array(f->v, f->cap, sizeof *f->v);
	}
	f->v[f->n] = (struct finding){ .severity = severity, .seq = f->n };
	return &f->v[f->n++];
}

bool written(const struct tunnel_conf *t, const char *key) { return tunnel_conf_line(t, key) > 0; }

struct finding *found(struct lint *l, const struct tunnel_conf *t, const char *key, enum finding_severity severity,
	const char *rule, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	struct finding *f = add(l->out, severity);
	if (f == NULL)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	f->rule = rule;
	f->key = key;
	f->text = xstrdup(text);
	if (t == NULL)
		return f;
	int line = key != NULL ? tunnel_conf_line(t, key) : 0;
	f->file = t->file;
	f->line = line > 0 ? line : t->line;
	f->cloud = t->cloud;
	snprintf(f->tunnel, sizeof f->tunnel, "%s", t->name);
	return f;
}

void todo(struct finding *f, enum finding_side side, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	if (f == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	free(f->todo);
	f->side = side;
	f->todo = xstrdup(text);
}

struct place {
	const struct finding *f;
	unsigned order;
};

static int by_place(const void *x, const void *y)
{
	const struct place *a = x, *b = y;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->f->line != b->f->line)
		return a->f->line < b->f->line ? -1 : 1;
	return a->f->seq < b->f->seq ? -1 : a->f->seq > b->f->seq;
}

void findings_sort(struct findings *f, const char *const *files, unsigned n)
{
	struct place *places = xcalloc(f->n + 1, sizeof *places);
	struct finding *sorted = xcalloc(f->n + 1, sizeof *sorted);
	for (unsigned i = 0; i < f->n; i++) {
		unsigned order = 0;
		while (f->v[i].file == NULL ? order < n + 1 : order < n && strcmp(files[order], f->v[i].file) != 0)
			order++;
		places[i] = (struct place){ &f->v[i], order };
	}
	if (f->n > 1)
		qsort(places, f->n, sizeof *places, by_place);
	for (unsigned i = 0; i < f->n; i++)
		sorted[i] = *places[i].f;
	free(places);
	free(f->v);
	f->v = sorted;
	f->cap = f->n + 1;
}

void findings_release(struct findings *f)
{
	for (unsigned i = 0; i < f->n; i++) {
		free(f->v[i].text);
		free(f->v[i].todo);
	}
	free(f->v);
	*f = (struct findings){ 0 };
}

/* ---------------------------------------------------------------- the loader's faults */
#define AS_IT_IS ((enum finding_severity) - 1)
#define AZURE_DEFAULT_POLICY \
	"Azure's default policy knows DH group 2 alone; rather set a custom one, then 'ike-proposals: aes256-sha256-modp2048' here: " \
	"az network vpn-connection ipsec-policy add --resource-group GROUP --connection-name CONNECTION --ike-encryption AES256 " \
	"--ike-integrity SHA256 --dh-group DHGroup14 --ipsec-encryption AES256 --ipsec-integrity SHA256 --pfs-group PFS2048 " \
	"--sa-lifetime 27000 --sa-max-size 102400000"

/* Found by words of the fault; the first row that fits counts. */
static const struct advice {
	const char *key, *words; /* key NULL: any */
	const char *rule;
	enum finding_severity severity;
	enum finding_side side;
	const char *todo;
} advice[] = {
	{ NULL, "cannot be one of AWS", "psk-alphabet", FINDING_ERROR, SIDE_BOTH,
		"make one with `s2sctl genpsk`, and write it into the tunnel's options at AWS as well" },
	{ NULL, "cannot be one of Azure", "psk-alphabet", FINDING_ERROR, SIDE_BOTH,
		"make one with `s2sctl genpsk`, and set it as the connection's shared key at Azure as well" },
	{ NULL, "chmod 600", "key-mode", AS_IT_IS, SIDE_OURS,
		"chmod 600 the file, owner root; a key that others could read is better replaced" },
	{ "psk-file", "no such file", "key-file", AS_IT_IS, SIDE_OURS,
		"put the key into keys/: (umask 077; s2sctl genpsk > keys/NAME), or the one that the peer has already" },
	{ "psk-file", "is missing", "key-file", AS_IT_IS, SIDE_OURS,
		"write 'psk-file: NAME.psk' and the key into keys/NAME.psk" },
	{ "ike-proposals", "modp1024 is weak", "dh-group-2", AS_IT_IS, SIDE_CLOUD, AZURE_DEFAULT_POLICY },
	{ NULL, "is weak and may be used only", "weak", AS_IT_IS, SIDE_BOTH,
		"take a stronger word at both ends, or allow this one knowingly" },
	{ NULL, "picks the weakest", "aws-weakest", AS_IT_IS, SIDE_OURS,
		"keep the strongest one that the tunnel's options at AWS allow" },
	{ "esp-lifetime", "AWS goes up to", "lifetime", AS_IT_IS, SIDE_OURS,
		"write 'esp-lifetime: 3600s', or leave the key out" },
	{ "ike-lifetime", "AWS goes up to", "lifetime", AS_IT_IS, SIDE_OURS,
		"write 'ike-lifetime: 28800s', or leave the key out" },
	{ NULL, "lifetime", "lifetime", AS_IT_IS, SIDE_OURS,
		"an IKE SA should outlive several child SAs: leave both keys out for the profile's values" },
	{ "mss", "is more than fits", "mtu", AS_IT_IS, SIDE_OURS, "leave 'mss' out: auto takes what fits" },
	{ NULL, "nobody could tell them apart", "identity", AS_IT_IS, SIDE_OURS,
		"give one of them another remote, local, local-id or remote-id" },
	{ NULL, "inside address of it is one of", "inside", AS_IT_IS, SIDE_BOTH,
		"give each tunnel its own inside network, at the peer as well" },
	{ "inside", "not a host", "inside", AS_IT_IS, SIDE_OURS,
		"write the address that the peer knows as ours, with the network's length" },
	{ "routes", "covers the peer itself", "pin-route", AS_IT_IS, SIDE_OURS, "leave 'pin-route' out" },
};

static const struct advice *advice_for(const struct fault *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(advice); i++)
		if ((advice[i].key == NULL || (f->key != NULL && strcmp(f->key, advice[i].key) == 0)) &&
			strstr(f->text, advice[i].words) != NULL)
			return &advice[i];
	return NULL;
}

/* The loader writes tunnel and key in front, as we do. */
static const char *bare(const struct fault *f)
{
	const char *text = f->text, *const parts[] = { f->tunnel, f->key };
	for (unsigned i = 0; i < 2; i++) {
		size_t n = parts[i] != NULL ? strlen(parts[i]) : 0;
		if (n > 0 && strncmp(text, parts[i], n) == 0 && strncmp(text + n, ": ", 2) == 0)
			text += n + 2;
	}
	return text;
}

void lint_faults(struct findings *out, const struct faults *faults)
{
	for (unsigned i = 0; i < faults->n; i++) {
		const struct fault *from = &faults->v[i];
		const struct advice *a = advice_for(from);
		enum finding_severity severity = from->severity == FAULT_ERROR ? FINDING_ERROR : FINDING_WARNING;
		struct finding *f = add(out, a != NULL && a->severity != AS_IT_IS ? a->severity : severity);
		if (f == NULL)
			continue;
		f->rule = a != NULL ? a->rule : "configuration";
		f->file = from->file;
		f->line = from->line;
		f->key = from->key;
		memcpy(f->tunnel, from->tunnel, sizeof f->tunnel);
		f->text = xstrdup(bare(from));
		if (a != NULL)
			todo(f, a->side, "%s", a->todo);
	}
}

/* ---------------------------------------------------------------- all of it */
void lint_conf(struct findings *out, const struct conf *c, const struct host *h)
{
	struct lint l = { .out = out, .conf = c, .host = h };
	for (uint32_t i = 0; i < c->n; i++) {
		lint_tunnel(&l, c->tunnels[i]);
		lint_cloud(&l, c->tunnels[i]);
	}
	lint_net(&l);
	lint_host(&l);
}
