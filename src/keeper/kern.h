/*
 * kern.h - the kernel as the keeper uses it: the real one, or the null kernel (--null-kernel), which records SAs and installs nothing. The
 * null kernel serves protocol tests on machines without ESP; it carries no traffic, and the log says so.
 */
#ifndef DAEMON_KERN_H
#define DAEMON_KERN_H

#include "kernel/kernel.h"

struct kern;

int kern_open(struct kern **k, bool null, kernel_event_fn fn, void *arg);
void kern_close(struct kern *k); /* touches nothing in the kernel */
const char *kern_why(const struct kern *k);
unsigned kern_fds(const struct kern *k, int fds[4]);
void kern_read(struct kern *k, int fd);

int kern_adopt(struct kern *k, const struct kernel_tunnel *tunnels, unsigned n, bool keep_sas);
int kern_tunnel_set(struct kern *k, const struct kernel_tunnel *t);
int kern_tunnel_del(struct kern *k, uint32_t id, bool keep_guard);
int kern_remove(struct kern *k, bool keep_guard);
int kern_tunnel_link(struct kern *k, const struct esp_link_state *s);
int kern_repin(struct kern *k);
int kern_sa_add(struct kern *k, const struct esp_sa *sa);
int kern_sa_switch(struct kern *k, const struct esp_switch *s);
int kern_sa_del(struct kern *k, const struct esp_remove *r);
int kern_sa_move(struct kern *k, const struct esp_move *m);
int kern_counters(struct kern *k, void (*fn)(void *arg, uint32_t tunnel, const struct esp_counters *c), void *arg);
int kern_path(struct kern *k, const struct addr *remote, struct addr *local);
int kern_forwarding(struct kern *k, int family);
int kern_set_forwarding(struct kern *k, int family);

#endif
