/*
 * who.c - the program that did something to what is ours.
 *
 * A netlink port is its owner's process id when the kernel chose it, as nearly everybody lets it. nf_tables says the name itself.
 */
#include "state.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The kernel counts processes as its first namespace does: when that is not ours, the number is another's here. */
static bool same_processes(const struct kernel *k) { return nl_port(&k->xfrm) == (uint32_t)getpid(); }

void who_named(struct kernel *k, enum kernel_object object, const char *name)
{
	struct who *w = &k->who[object];
	/* A command's name ends after 15 characters. */
	snprintf(w->name, sizeof w->name, "%s", strcmp(name, "systemd-network") == 0 ? "systemd-networkd" : name);
	for (char *c = w->name; *c != 0; c++)
		if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
			*c = '?';
}

static void who_did(struct kernel *k, enum kernel_object object, uint32_t port)
{
	struct who *w = &k->who[object];
	char path[32], name[KERNEL_WHO] = "";
	if (port == 0 || port == w->port)
		return;
	w->port = port;
	snprintf(path, sizeof path, "/proc/%u/comm", (unsigned)port);
	int fd = same_processes(k) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd >= 0 ? read(fd, name, sizeof name - 1) : 0;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return;
	name[n] = 0;
	name[strcspn(name, "\n")] = 0;
	who_named(k, object, name);
}

void who_touched(struct kernel *k, enum kernel_object object, uint32_t port)
{
	who_did(k, object, port);
	k->touched = true;
}
