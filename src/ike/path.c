/*
 * path.c - where the datagrams go: NAT detection (RFC 7296 2.23), ports 500 and 4500, changes of address.
 */
#include <string.h>

#include "machine.h"

#define REFUSAL_EVERY 60000 /* ms: a refused address is told once in that time for each tunnel */

/* SHA1(SPIi | SPIr | IP | port), with the SPIs of the message that carries it */
void nat_hash(const struct sa_core *c, const struct addr *a, uint8_t out[20])
{
	uint8_t port[2] = { (uint8_t)(a->port >> 8), (uint8_t)a->port };
	struct bytes parts[] = { bytes_of(c->spi_i, IKE_SPI_LEN), bytes_of(c->spi_r, IKE_SPI_LEN), addr_bytes(a),
		bytes_of(port, 2) };
	hash_sha1(parts, 4, out);
}

void nat_add(struct step *s, struct sa *sa, struct writer *w)
{
	uint8_t source[20], destination[20];
	nat_hash(&sa->core, &sa->core.local, source);
	nat_hash(&sa->core, &sa->core.remote, destination);
	if (sa->core.forced) /* forced: the peer, too, shall see a NAT */
		s->ike->fill(s->ike->fill_arg, source, sizeof source);
	struct payload a = payload_notify(NOTIFY_NAT_DETECTION_SOURCE_IP, bytes_of(source, 20));
	struct payload b = payload_notify(NOTIFY_NAT_DETECTION_DESTINATION_IP, bytes_of(destination, 20));
	message_add(w, &a);
	message_add(w, &b);
}

/* A NAT is in front of the peer when none of its source hashes fits where its packet came from; in front of us when the destination hash does not fit us. */
void nat_judge(struct sa *sa, const struct message *m)
{
	uint8_t of_remote[20], of_local[20];
	bool any_source = false, source_fits = false, any_destination = false, destination_fits = false;
	struct sa_core at = sa->core; /* the hash covers the SPIs of that message: a request still has no SPIr */
	memcpy(at.spi_i, m->h.spi_i, IKE_SPI_LEN);
	memcpy(at.spi_r, m->h.spi_r, IKE_SPI_LEN);
	nat_hash(&at, &sa->core.remote, of_remote);
	nat_hash(&at, &sa->core.local, of_local);
	wipe(&at, sizeof at);
	const struct payload *p = NULL;
	while ((p = message_next(m, p, PAYLOAD_NOTIFY, false))) {
		if (p->notify.type == NOTIFY_NAT_DETECTION_SOURCE_IP) {
			any_source = true;
			source_fits |= bytes_equal(p->notify.data, bytes_of(of_remote, 20));
		} else if (p->notify.type == NOTIFY_NAT_DETECTION_DESTINATION_IP) {
			any_destination = true;
			destination_fits |= bytes_equal(p->notify.data, bytes_of(of_local, 20));
		}
	}
	sa->core.natt = any_source && any_destination;
	sa->core.nat_remote = sa->core.natt && !source_fits;
	sa->core.nat_local = sa->core.natt && !destination_fits;
	sa->core.encap = sa->core.nat_remote || sa->core.nat_local || (sa->core.forced && sa->core.natt);
}

void path_set(struct sa *sa, const struct addr *local, const struct addr *remote)
{
	sa->core.local = *local;
	sa->core.remote = *remote;
	sa->narrow = 0; /* another path has other sizes */
}

void path_set_ports(struct sa *sa, uint16_t local, uint16_t remote)
{
	sa->core.local.port = local;
	sa->core.remote.port = remote;
}

static void move_children(struct step *s, struct sa *sa)
{
	for (struct child *c = sa->children; c; c = c->next)
		child_endpoints(s, c, &sa->core.local, &sa->core.remote);
}

bool path_permits(struct step *s, struct tunnel *t, const struct addr *remote)
{
	char why[CONF_PEER_WHY], text[ADDR_TEXT];
	if (conf_peer_permitted(s->ike->conf, t->conf, remote, why))
		return true;
	if (mono_is_never(t->refusal_at) || s->now.mono.ms - t->refusal_at.ms >= REFUSAL_EVERY) {
		t->refusal_at = s->now.mono;
		ike_report(s, FACT_ADDRESS_REFUSED, BLAME_NETWORK, t, remote, "%s", why);
		ike_report_about(s, t, SUBJECT_ADDRESS, NULL, addr_format(remote, text));
	}
	return false;
}

/* The mapping of a peer behind a NAT changed; the caller has made sure that the packet was authentic and new (RFC 7296 2.23). */
void path_peer_moved(struct step *s, struct sa *sa, const struct addr *remote)
{
	char was[ADDR_TEXT], is[ADDR_TEXT];
	if (addr_equal(remote, &sa->core.remote))
		return;
	if (!addr_same_ip(remote, &sa->core.remote) && sa->tunnel && !path_permits(s, sa->tunnel, remote))
		return;
	ike_report(s, FACT_NAT_CHANGED, BLAME_NETWORK, sa->tunnel, remote, "the peer's NAT moved it from %s to %s",
		addr_port_format(&sa->core.remote, was), addr_port_format(remote, is));
	ike_report_about(s, sa->tunnel, SUBJECT_ADDRESS, was, is);
	path_set(sa, &sa->core.local, remote);
	tunnel_changed(s, sa->tunnel);
	move_children(s, sa);
}

/* Our own address changed behind our NAT: the peer sees but a new mapping, the SA goes on. */
void path_local_moved(struct step *s, struct sa *sa, const struct addr *local)
{
	struct addr to = *local;
	to.port = sa->core.local.port;
	if (addr_equal(&to, &sa->core.local))
		return;
	path_set(sa, &to, &sa->core.remote);
	sa->liveness_due = true; /* lets the peer learn the mapping at once */
	move_children(s, sa);
	sa_mark(s, sa);
}
