/*
 * compare.h - what is wanted of the kernel, held against what is there: one function per kind of object, each with one dump for all tunnels.
 *
 * struct kernel is the description of what is wanted. A dump marks in it what is there as it shall be, and collects what is ours and wanted by
 * nobody. What has no mark afterwards is put back by the function that made it in the first place. Order: links first, since what lies on
 * an interface goes with it.
 */
#ifndef KERNEL_COMPARE_H
#define KERNEL_COMPARE_H

#include "state.h"

struct comparison {
	struct kernel *k;
	kernel_difference_fn fn; /* NULL: nobody asks */
	void *arg;
	bool adopting;        /* after a start, with the SAs of an earlier run: its interfaces are as it left them */
	bool keep_blackholes; /* on exit: what protects stays */
	struct nlm expected;  /* the message that would make the object being looked at */
	int error;            /* the first thing that could not be put back, and why */
	char why[NL_WHY];
};

/* Each returns an error when it could not look. */
int compare_links(struct comparison *c);
int compare_links_look(struct comparison *c); /* takes over and sweeps, restores nothing */
int compare_sas(struct comparison *c);
int compare_policies(struct comparison *c);
int compare_addresses(struct comparison *c);
int compare_routes(struct comparison *c);
int compare_rules(struct comparison *c);
int compare_nft(struct comparison *c);

/* One difference. was: what it had become, "" when it was gone. error: of the attempt to put it back (the sentence is in kernel_why); 0: it is as wanted again. t NULL: of all tunnels.
 * What went with the interface or the address of the tunnel, and came back with it, is not told again. */
void compare_told(struct comparison *c, struct tunnel *t, enum kernel_object object, int error, const char *was, const char *fmt,
	...) __attribute__((format(printf, 6, 7)));
void compare_surplus(struct comparison *c, uint32_t tunnel, enum kernel_object object, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void compare_lost_sa(struct comparison *c, struct tunnel *t, const struct xsa_id *id);

/* What a dump found, for later. */
struct list {
	size_t size; /* of one */
	unsigned n, cap;
	void *v;
};
void list_add(struct list *l, const void *one);
void list_free(struct list *l);
#define LIST_EACH(type, one, list) for (type *one = (list).v; one != NULL && one < (type *)(list).v + (list).n; one++)

/* A dump that may have to be made again from the start: begin forgets what the last one marked, ask writes the request of each round. */
struct dump {
	struct nl *nl;
	const char *what;
	unsigned rounds; /* say, one per family */
	void (*begin)(void *arg);
	void (*ask)(struct nlm *m, unsigned round);
	nl_fn see;
};
int compare_dump(struct comparison *c, const struct dump *d, void *arg);

#endif
