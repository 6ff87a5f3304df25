/*
 * esp.h - the description of a child SA for the kernel. The one header that ike/ and kernel/ share: plain data, no pointers.
 */
#ifndef IKE_ESP_H
#define IKE_ESP_H

#include "base/addr.h"
#include "base/mem.h"
#include "wire/proposal.h"
#include "wire/ts.h"

#define IF_ID_BASE 0x53320000u /* if_id of a tunnel = IF_ID_BASE + its id; ours is recognised by this range */

enum esp_dir { ESP_IN, ESP_OUT };

struct esp_sa {          /* one direction; identified in the kernel by (dst, spi) */
	uint32_t tunnel; /* tunnel_conf.id */
	uint8_t dir;     /* enum esp_dir */
	bool encap;      /* ESP in UDP (RFC 3948); then the ports of local and remote count */
	uint32_t spi;    /* host order */
	struct addr local, remote;
	struct suite suite;              /* encr, keylen, integ, esn */
	uint32_t replay_window;          /* packets */
	uint64_t soft_bytes, hard_bytes; /* 0 = none */
	uint32_t hard_seconds;           /* dead-man's switch, well after our own deadlines; 0 = none */
	struct secret encr_key;          /* with the salt for AEAD */
	struct secret integ_key;         /* empty for AEAD */
};

struct esp_switch { /* make outbound traffic of the tunnel use exactly this SA, and let its selectors in */
	uint32_t tunnel;
	uint32_t spi_out; /* 0: nothing may leave (fail closed) */
	struct addr local, remote;
	struct ts_list local_ts, remote_ts;
};

struct esp_remove {
	uint32_t tunnel;
	uint8_t dir;
	uint32_t spi;
	struct addr local, remote;
};

struct esp_move { /* outside addresses or ports of a live pair changed */
	uint32_t tunnel, spi_in, spi_out;
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

struct esp_counters {
	uint32_t tunnel, spi;
	uint8_t dir;
	uint64_t bytes, packets, replay_errors, integrity_errors;
};

#endif
