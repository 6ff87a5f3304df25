/* speed.c - see speed.h. */
#include "speed.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/nic.h"
#include "base/util.h"
#include "ctl/nic.h"
#include "ctl/system.h"

#define CPUINFO_MAX 32768 /* the first processor's flags are in it */

/* ---------------------------------------------------------------- processor */
/* The words of x86 and of 64-bit ARM; a processor that has neither line says nothing. */
static void read_processor(struct host_speed *s, const char *root)
{
	static char text[CPUINFO_MAX];
	if (!system_file(root, "cpuinfo", text, sizeof text))
		return;
	char *flags = strstr(text, "\nflags");
	flags = flags != NULL ? flags : strstr(text, "\nFeatures");
	flags = flags != NULL ? strchr(flags, ':') : NULL;
	if (flags == NULL)
		return;
	flags[0] = ' ';
	flags[strcspn(flags, "\n")] = ' ';
	char *end = strchr(flags, 0);
	s->no_aes = end != NULL && strstr(flags, " aes ") == NULL;
	/* Each processor with the one has the other (Ice Lake, Zen 4 and later). */
	s->vaes_hidden = strstr(flags, " avx512_vbmi2 ") != NULL && strstr(flags, " vaes ") == NULL;
}

/* ---------------------------------------------------------------- network cards */
static const char *device_of(const struct host *h, const struct addr *from)
{
	for (unsigned i = 0; i < h->n_nets; i++)
		if (from->family != 0 && addr_same_ip(&h->nets[i].prefix.addr, from))
			return h->nets[i].interface;
	return "";
}

static bool known(const struct host_speed *s, const char *name)
{
	for (unsigned i = 0; i < s->n_cards; i++)
		if (strcmp(s->cards[i].name, name) == 0)
			return true;
	return false;
}

static void read_cards(struct host *h, const char *root)
{
	struct host_speed *s = &h->speed;
	for (unsigned i = 0; i < h->n_paths && s->n_cards < HOST_CARDS; i++) {
		const char *name = h->paths[i].out[0] != 0 ? h->paths[i].out : device_of(h, &h->paths[i].from);
		if (name[0] == 0 || known(s, name) || !nic_is_hardware(root, name))
			continue;
		struct host_card *card = &s->cards[s->n_cards++];
		struct nic_features f;
		snprintf(card->name, sizeof card->name, "%s", name);
		nic_features(name, &f);
		card->gro = f.gro;
		nic_queues(name, &card->queues, &card->queues_max);
	}
}

/* ---------------------------------------------------------------- all */
void host_read_speed(struct host *h, const struct conf *c, const char *root)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	(void)c;
	h->speed.processors = n > 0 ? (unsigned)n : 1;
	h->speed.waits4 = module_state(root, "esp4_offload") == MODULE_WAITS;
	h->speed.waits6 = module_state(root, "esp6_offload") == MODULE_WAITS;
	read_processor(&h->speed, root);
	read_cards(h, root);
}
