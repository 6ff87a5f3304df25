/* nic.c - see nic.h. */
#include "base/nic.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "base/mem.h"

#define FEATURES_MAX 1024u

static bool ask(int fd, const char *name, void *request)
{
	struct ifreq r = { .ifr_data = request };
	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	return ioctl(fd, SIOCETHTOOL, &r) == 0;
}

/* How many features this kernel knows, 0: it does not say. */
static unsigned count_features(int fd, const char *name)
{
	/* The number asked for follows the header, whose array has no length of its own. */
	_Alignas(struct ethtool_sset_info) uint8_t room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)] = { 0 };
	struct ethtool_sset_info *q = (struct ethtool_sset_info *)room;
	q->cmd = ETHTOOL_GSSET_INFO;
	q->sset_mask = 1ULL << ETH_SS_FEATURES;
	return ask(fd, name, q) && q->sset_mask != 0 && q->data[0] <= FEATURES_MAX ? q->data[0] : 0;
}

static void read_features(int fd, const char *name, struct nic_features *f)
{
	unsigned n = count_features(fd, name), blocks = (n + 31) / 32;
	struct ethtool_gstrings *words = xcalloc(1, sizeof *words + (size_t)n * ETH_GSTRING_LEN);
	struct ethtool_gfeatures *has = xcalloc(1, sizeof *has + blocks * sizeof has->features[0]);
	words->cmd = ETHTOOL_GSTRINGS;
	words->string_set = ETH_SS_FEATURES;
	words->len = n;
	has->cmd = ETHTOOL_GFEATURES;
	has->size = blocks;
	bool told = n > 0 && ask(fd, name, words) && ask(fd, name, has);
	for (unsigned i = 0; told && i < n && i < words->len && i / 32 < has->size; i++) {
		const char *word = (const char *)words->data + (size_t)i * ETH_GSTRING_LEN;
		bool on = (has->features[i / 32].active >> i % 32 & 1) != 0;
		if (strncmp(word, "rx-gro", ETH_GSTRING_LEN) == 0)
			f->gro = on;
		if (strncmp(word, "esp-hw-offload", ETH_GSTRING_LEN) == 0)
			f->esp = on;
	}
	free(words);
	free(has);
}

void nic_features(const char *name, struct nic_features *f)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	*f = (struct nic_features){ NIC_UNKNOWN, NIC_UNKNOWN };
	if (fd < 0)
		return;
	read_features(fd, name, f);
	close(fd);
}

void nic_queues(const char *name, int *now, int *most)
{
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	*now = *most = NIC_UNKNOWN;
	if (fd < 0)
		return;
	if (ask(fd, name, &c)) {
		*now = (int)(c.combined_count + c.rx_count);
		*most = (int)(c.max_combined > c.max_rx ? c.max_combined : c.max_rx);
	}
	close(fd);
}
