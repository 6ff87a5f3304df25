/*
 * esp.h - the description of a child SA for the kernel. The one header that ike/ and kernel/ share: plain data, no pointers.
 */
#ifndef IKE_ESP_H
#define IKE_ESP_H

#include <stddef.h>
#include <string.h>

#include "base/addr.h"
#include "base/mem.h"
#include "base/path.h"
#include "wire/proposal.h"
#include "wire/ts.h"

#define IF_ID_BASE 0x53320000u /* if_id of a tunnel = IF_ID_BASE + its id; ours is recognised by this range */

enum esp_dir { ESP_IN, ESP_OUT };
#define ESP_DSCP_MAX 63
#define ESP_KEEPALIVE_MAX 3600

struct esp_sa {          /* one direction; identified in the kernel by (dst, spi) */
	uint32_t tunnel; /* tunnel_conf.id */
	uint8_t dir;     /* enum esp_dir */
	bool encap;      /* ESP in UDP (RFC 3948); then the ports of local and remote count */
	uint32_t spi;    /* host order */
	struct addr local, remote;
	struct suite suite; /* encr, keylen, integ, esn */
	uint8_t df;         /* enum df_mode; out only */
	bool dscp_fixed;    /* out only: the outer header has this DSCP, and not that of the inner one */
	uint8_t dscp;       /* up to ESP_DSCP_MAX */
	uint16_t keepalive; /* out and encap only: seconds of silence after which the kernel sends a NAT keepalive; 0 = never */
	uint32_t replay_window;          /* packets */
	uint64_t soft_bytes, hard_bytes; /* 0 = none */
	uint32_t hard_seconds;           /* dead-man's switch, well after our own deadlines; 0 = none */
	struct secret encr_key;          /* with the salt for AEAD */
	struct secret integ_key;         /* empty for AEAD */
};

struct esp_pair { /* the two SAs of a child: they are installed both or not at all */
	struct esp_sa out, in;
};

#define ESP_SLOTS_MAX TS_POLICIES_MAX /* children of a tunnel side by side: each has a policy at least */
struct esp_switch { /* make outbound traffic of one of the tunnel's children use exactly this SA, and let its selectors in */
	uint32_t tunnel;
	uint16_t slot;    /* which of the children side by side, 1 to ESP_SLOTS_MAX */
	uint32_t spi_out; /* 0: nothing may leave by its selectors (fail closed); without selectors: the slot is gone */
	/* With spi_out 0 and selectors: what would leave asks for a child (EVENT_ACQUIRE); without a family it does not. */
	struct addr local, remote;
	uint16_t n_local, n_remote;
	struct ts ts[2 * TS_LIST_MAX]; /* n_local of our end, then n_remote of the peer's; it travels as far as it is filled */
};
static inline void esp_switch_put(struct esp_switch *s, const struct ts_list *local, const struct ts_list *remote)
{
	memcpy(s->ts, local->v, local->n * sizeof s->ts[0]);
	memcpy(s->ts + local->n, remote->v, remote->n * sizeof s->ts[0]);
	s->n_local = local->n;
	s->n_remote = remote->n;
}
static inline void esp_switch_get(const struct esp_switch *s, struct ts_list *local, struct ts_list *remote)
{
	local->n = (uint8_t)s->n_local;
	remote->n = (uint8_t)s->n_remote;
	memcpy(local->v, s->ts, local->n * sizeof s->ts[0]);
	memcpy(remote->v, s->ts + local->n, remote->n * sizeof s->ts[0]);
}
static inline size_t esp_switch_size(const struct esp_switch *s)
{
	return offsetof(struct esp_switch, ts) + ((size_t)s->n_local + s->n_remote) * sizeof s->ts[0];
}

struct esp_remove {
	uint32_t tunnel;
	uint8_t dir;
	uint32_t spi;
	struct addr local, remote;
};

struct esp_move {                         /* outside addresses or ports of a live pair changed */
	uint32_t tunnel, spi_in, spi_out; /* spi_out 0: there is none, the inbound SA moves alone */
	bool encap;
	struct addr old_local, old_remote, new_local, new_remote;
};

enum esp_link { LINK_DOWN, LINK_DORMANT, LINK_UP };
struct esp_link_state { /* the tunnel interface follows the tunnel; mtu inputs come with up */
	uint32_t tunnel;
	uint8_t state; /* enum esp_link */
	bool encap;
	struct suite suite;
	struct addr local, remote;
};

struct esp_held { /* an SA of ours that the kernel has: what a restart finds; the key stays in the kernel */
	uint32_t tunnel, spi;
	uint8_t dir; /* enum esp_dir */
	bool encap;
	struct addr local, remote; /* with ports when encapsulated */
	bool expiring;             /* the kernel has said so, by volume or time; it says it once */
	bool told;                 /* the engine may have other counters of it than none */
};

struct esp_count { /* what is kept of them by who knows whose they are */
	uint64_t bytes, packets;
	uint32_t replay_errors, integrity_errors;
};

struct esp_counters {
	uint32_t tunnel, spi;
	uint8_t dir;
	uint64_t bytes, packets;
	uint32_t replay_errors, integrity_errors;
};

#endif
