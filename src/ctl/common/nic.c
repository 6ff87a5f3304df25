/* nic.c - see nic.h. Features and channels by the ioctls of ethtool(8) that need no privilege. */
#include "ctl/nic.h"

#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/util.h"

#define LIST_MAX ((size_t)4 << 20) /* modules.dep of a distribution has half a megabyte */
#define FEATURES_MAX 1024u

/* ---------------------------------------------------------------- modules */
/* In modules.dep and modules.builtin a module is a path that ends in its name. */
static bool lists(const char *path, const char *name, bool *readable)
{
	struct file_text f = { 0 };
	char word[80];
	bool found = false;
	snprintf(word, sizeof word, "/%s.ko", name);
	if (file_read(path, LIST_MAX, &f) != 0)
		return false;
	*readable = true;
	for (char *rest = f.text, *line; !found && (line = strsep(&rest, "\n")) != NULL;) {
		line[strcspn(line, ":")] = 0; /* what it depends on */
		found = strstr(line, word) != NULL;
	}
	file_text_release(&f);
	return found;
}

enum module_state module_state(const char *root, const char *name)
{
	struct utsname u;
	struct stat st;
	char path[PATH_MAX];
	bool readable = false;
	snprintf(path, sizeof path, "%s/sys/module/%s", root, name);
	if (stat(path, &st) == 0)
		return MODULE_LOADED;
	if (uname(&u) != 0)
		return MODULE_UNKNOWN;
	snprintf(path, sizeof path, "%s/lib/modules/%s/modules.builtin", root, u.release);
	if (lists(path, name, &readable))
		return MODULE_LOADED;
	snprintf(path, sizeof path, "%s/lib/modules/%s/modules.dep", root, u.release);
	readable = false;
	if (lists(path, name, &readable))
		return MODULE_WAITS;
	return readable ? MODULE_NONE : MODULE_UNKNOWN;
}

/* ---------------------------------------------------------------- the network card */
static bool ask(int fd, const char *name, void *request)
{
	struct ifreq r = { .ifr_data = request };
	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
	return ioctl(fd, SIOCETHTOOL, &r) == 0;
}

/* How many features this kernel knows, 0: it does not say. */
static unsigned count_features(int fd, const char *name)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t n;
	} q = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES } };
	return ask(fd, name, &q) && q.info.sset_mask != 0 && q.n <= FEATURES_MAX ? q.n : 0;
}

static void read_features(int fd, const char *name, struct nic *to)
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
			to->gro = on;
		if (strncmp(word, "esp-hw-offload", ETH_GSTRING_LEN) == 0)
			to->esp_offload = on;
	}
	free(words);
	free(has);
}

void nic_read(const char *root, const char *name, struct nic *n)
{
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };
	struct stat st;
	char path[PATH_MAX];
	*n = (struct nic){ false, NIC_UNKNOWN, NIC_UNKNOWN, NIC_UNKNOWN, NIC_UNKNOWN };
	snprintf(path, sizeof path, "%s/sys/class/net/%s/device", root, name);
	n->hardware = stat(path, &st) == 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	read_features(fd, name, n);
	if (ask(fd, name, &c)) {
		n->queues = (int)(c.combined_count + c.rx_count);
		n->queues_max = (int)(c.max_combined > c.max_rx ? c.max_combined : c.max_rx);
	}
	close(fd);
}
