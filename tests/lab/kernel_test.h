/* kernel_test.h - what the checks of src/kernel against a real kernel share: both gateways, commands in them, tunnels and SAs of both ends. */
#ifndef LAB_KERNEL_TEST_H
#define LAB_KERNEL_TEST_H

#include <stdint.h>

#include "kernel/kernel.h"

struct side {
	const char *ns, *host, *lan, *behind; /* behind: the other's LAN */
	const char *outside, *outside6, *inside, *inside6, *lan6, *behind6;
	struct kernel *k;
	int encap_socket;
	struct kernel_event seen[KERNEL_OVERRUN + 1];
	unsigned n_seen[KERNEL_OVERRUN + 1];
};

struct plan { /* one kind of tunnel */
	const char *name, *proposal;
	bool vti, encap, v6_outside;
	uint32_t mtu; /* expected */
};

extern struct side west, east;

/* --- kernel_world.c: saying, running --- */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void good(const char *what);
void check(const struct side *s, int error, const char *what); /* a call of the kernel module: no error, no warning */
/* The output of a shell command in a namespace. */
const char *output(const char *ns, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void expect(const char *text, const char *part, const char *what);
void refuse(const char *text, const char *part, const char *what);
void enter(const char *ns);
void ping(const char *ns, const char *to, unsigned n, const char *more, const char *what);
unsigned dropped_clear(void); /* packets in clear that west's firewall dropped */

/* --- kernel_world.c: the two ends --- */
void side_open(struct side *s);
void on_event(void *arg, const struct kernel_event *e);
void read_events(struct side *s);
void forget_events(struct side *s);
const struct side *other(const struct side *s);
struct addr address(const char *text, uint16_t port);
struct addr outside(const struct side *s, const struct plan *p);

/* --- kernel_world.c: tunnels and SAs --- */
struct kernel_tunnel describe(const struct side *s, const struct plan *p, uint32_t id, const char *name);
struct suite suite_of(const char *proposal);
/* Generation g: one SPI from west to east and one back. */
uint32_t spi_from(const struct side *from, unsigned g);
struct esp_sa sa_for(const struct side *s, const struct plan *p, unsigned g, enum esp_dir dir);
void add_sa(struct side *s, const struct plan *p, unsigned g, enum esp_dir dir);
void switch_to(struct side *s, const struct plan *p, unsigned g);
void delete_sa(struct side *s, const struct plan *p, unsigned g, enum esp_dir dir);
void link_to(struct side *s, const struct plan *p, enum esp_link state);
void install(const struct plan *p, unsigned g);
void retire(const struct plan *p, unsigned g);
void set_both(const struct plan *p);
void up_both(const struct plan *p);
void del_both(void);
void count(void *arg, uint32_t tunnel, const struct esp_counters *c); /* packets of tunnel 1 into struct esp_counters[2] */

/* --- kernel_set.c: a tunnel that is set, and what it carries --- */
void traffic(const struct plan *p);
void rekeys(const struct plan *p);
void counters(void);
void clamp(const struct plan *p);
void clear_source(const struct plan *p);
void states(const struct plan *p);
void peer_routes(const struct plan *p);
void moves(const struct plan *p);
void mapping(const struct plan *p);
void expiry(const struct plan *p);
void narrowed(const struct plan *p);
void second_tunnel(const struct plan *p);

/* --- kernel_slots.c: children side by side */
void slots(const struct plan *p);

/* --- kernel_heal.c: what others take away or change is put back --- */
void foreign_flushable(void);
void heals(const struct plan *p);
void heals_sas(const struct plan *p);
void foreign_in_the_way(void);

#endif
