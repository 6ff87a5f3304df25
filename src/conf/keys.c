/*
 * keys.c - every key of a configuration: one row each, in the order of the manual.
 *
 * A new key is one row here and a field in conf.h. The effect is what a change of it does to a running tunnel on reload: NONE is used from
 * now on, LINK changes interface and routes in place, REKEY negotiates at once, RESTART takes the tunnel down and up.
 */
#include <stddef.h>
#include <string.h>
#include <syslog.h>

#include "base/util.h"
#include "keys.h"

#define X(code, word) { #word, CLOUD_##code },
const struct word cloud_words[] = { CLOUD_LIST(X){ NULL, 0 } };
#undef X
static const struct word yes_no[] = { { "no", 0 }, { "yes", 1 }, { NULL, 0 } };
static const struct word tristate_words[] = { { "no", TRI_NO }, { "yes", TRI_YES }, { "auto", TRI_AUTO }, { NULL, 0 } };
static const struct word start_words[] = { { "initiate", START_INITIATE }, { "respond", START_RESPOND },
	{ "manual", START_MANUAL }, { NULL, 0 } };
static const struct word encapsulation_words[] = { { "auto", ENCAPSULATION_AUTO }, { "udp", ENCAPSULATION_UDP }, { NULL, 0 } };
static const struct word interface_words[] = { { "xfrm", INTERFACE_XFRM }, { "vti", INTERFACE_VTI }, { NULL, 0 } };
static const struct word df_words[] = { { "clear", DF_CLEAR }, { "copy", DF_COPY }, { "set", DF_SET }, { NULL, 0 } };
static const struct word offload_words[] = { { "auto", OFFLOAD_AUTO }, { "no", OFFLOAD_NO }, { "crypto", OFFLOAD_CRYPTO },
	{ "packet", OFFLOAD_PACKET }, { NULL, 0 } };
static const struct word dscp_words[] = { { "copy", -1 }, { NULL, 0 } };
static const struct word table_words[] = { { "main", 254 }, { NULL, 0 } }; /* RT_TABLE_MAIN */
static const struct word auto_words[] = { { "auto", 0 }, { NULL, 0 } };
static const struct word mss_words[] = { { "auto", 0 }, { "off", -1 }, { NULL, 0 } };
static const struct word none_words[] = { { "none", 0 }, { NULL, 0 } };
static const struct word off_words[] = { { "off", 0 }, { NULL, 0 } };
static const struct word multihop_words[] = { { "no", 0 }, { "yes", 255 }, { NULL, 0 } };
static const struct word level_words[] = { { "error", LOG_LEVEL_ERROR }, { "warning", LOG_LEVEL_WARNING },
	{ "notice", LOG_LEVEL_NOTICE }, { "info", LOG_LEVEL_INFO }, { "debug", LOG_LEVEL_DEBUG }, { NULL, 0 } };
static const struct word facility_words[] = { { "daemon", LOG_DAEMON }, { "auth", LOG_AUTH }, { "authpriv", LOG_AUTHPRIV },
	{ "user", LOG_USER }, { "syslog", LOG_SYSLOG }, { "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 }, { NULL, 0 } };
static const struct word exit_words[] = { { "remove", ON_EXIT_REMOVE }, { "guard", ON_EXIT_GUARD }, { "keep", ON_EXIT_KEEP },
	{ NULL, 0 } };
static const struct word send_words[] = { { "always", SEND_CERTIFICATE_ALWAYS }, { "asked", SEND_CERTIFICATE_ASKED },
	{ "never", SEND_CERTIFICATE_NEVER }, { NULL, 0 } };
static const struct word forwarding_words[] = { { "check", FORWARDING_CHECK }, { "yes", FORWARDING_YES }, { NULL, 0 } };

#define MS_SECOND 1000LL
#define MS_HOUR 3600000LL
#define MS_DAY 86400000LL
#define WEAK_WORDS 16

#define T(field) .offset = offsetof(struct tunnel_conf, field), .size = sizeof(((struct tunnel_conf *)0)->field)
#define COUNT(field, n) \
	.count_offset = offsetof(struct tunnel_conf, field), .count_size = sizeof(((struct tunnel_conf *)0)->field), \
	.max_items = n
#define G(field) .offset = offsetof(struct global_conf, field), .size = sizeof(((struct global_conf *)0)->field)
#define TIGHT "aes256-sha256-modp2048"

const struct key tunnel_keys[KEY_COUNT] = {
	[KEY_CLOUD] = { "cloud", &kind_number, T(cloud), .words = cloud_words, .initial = "none", .effect = EFFECT_REKEY,
		.help = "the peer's profile" },
	[KEY_REMOTE] = { "remote", &kind_remote, T(remote), .effect = EFFECT_RESTART, .help = "outside address of the peer" },
	[KEY_LOCAL] = { "local", &kind_addr, T(local), .effect = EFFECT_RESTART, .help = "outside address here" },
	[KEY_LOCAL_ID] = { "local-id", &kind_ident, T(local_id), .effect = EFFECT_RESTART, .help = "our identity" },
	[KEY_REMOTE_ID] = { "remote-id", &kind_ident, T(remote_id), .effect = EFFECT_RESTART, .help = "the peer's identity" },
	[KEY_PSK_FILE] = { "psk-file", &kind_key_file, T(psk_file), .effect = EFFECT_NONE,
		.help = "file in keys/ with the pre-shared key" },
	[KEY_PSK] = { "psk", &kind_psk, T(psk), .effect = EFFECT_RESTART, .help = "the pre-shared key itself" },
	[KEY_CERTIFICATE] = { "certificate", &kind_key_file, T(cert.certificate), .effect = EFFECT_NONE,
		.help = "PEM file in keys/ with our certificate, then its intermediates" },
	[KEY_PRIVATE_KEY] = { "private-key", &kind_private_key, T(cert.private_key), .effect = EFFECT_NONE,
		.help = "file in keys/, or a pkcs11: or handle: URI" },
	[KEY_CA] = { "ca", &kind_key_file, T(cert.ca), .effect = EFFECT_NONE,
		.help = "PEM file in keys/ with the authorities that may certify the peer" },
	[KEY_CRL] = { "crl", &kind_crl, T(cert.crl), .initial = "off", .effect = EFFECT_NONE,
		.help = "PEM file in keys/ and require or fresh, or off" },
	[KEY_CERT_PIN] = { "cert-pin", &kind_pin, T(cert.pin), .effect = EFFECT_NONE,
		.help = "SHA-256 of the peer's certificate" },
	[KEY_SEND_CERTIFICATE] = { "send-certificate", &kind_number, T(cert.send), .words = send_words, .initial = "always",
		.effect = EFFECT_NONE, .help = "always, asked or never" },
	[KEY_INSIDE] = { "inside", &kind_prefixes, T(inside), COUNT(n_inside, INSIDE_MAX), .arg = 1, .effect = EFFECT_LINK,
		.help = "address/prefix on the tunnel interface" },
	[KEY_INTERFACE] = { "interface", &kind_interface, T(interface), .effect = EFFECT_RESTART,
		.help = "name of the tunnel interface" },
	[KEY_INTERFACE_TYPE] = { "interface-type", &kind_number, T(interface_type), .words = interface_words, .initial = "xfrm",
		.effect = EFFECT_RESTART, .help = "xfrm or vti" },
	[KEY_ROUTES] = { "routes", &kind_prefixes, T(routes), COUNT(n_routes, ROUTES_MAX), .effect = EFFECT_LINK,
		.help = "prefixes reached through the tunnel" },
	[KEY_ROUTE_METRIC] = { "route-metric", &kind_number, T(route_metric), .min = 1, .max = 4294967294, .initial = "100",
		.effect = EFFECT_LINK, .help = "metric of the routes" },
	[KEY_ROUTE_TABLE] = { "route-table", &kind_number, T(route_table), .words = table_words, .min = 1, .max = 4294967295,
		.initial = "main", .effect = EFFECT_LINK, .help = "routing table" },
	[KEY_ROUTE_SOURCE] = { "route-source", &kind_addr, T(route_source), .effect = EFFECT_LINK,
		.help = "source address for traffic of the gateway itself" },
	[KEY_CHILDREN] = { "children", &kind_children, T(children), COUNT(n_children, TS_POLICIES_MAX), .effect = EFFECT_REKEY,
		.help = "a list of {local-ts: PREFIX, remote-ts: PREFIX}" },
	[KEY_LOCAL_TS] = { "local-ts", &kind_selectors, T(local_ts), .max_items = TS_LIST_MAX, .effect = EFFECT_REKEY,
		.help = "traffic selectors of this side" },
	[KEY_REMOTE_TS] = { "remote-ts", &kind_selectors, T(remote_ts), .max_items = TS_LIST_MAX, .effect = EFFECT_REKEY,
		.help = "traffic selectors of the peer's side" },
	[KEY_IKE_PROPOSALS] = { "ike-proposals", &kind_proposals, T(ike), COUNT(n_ike, PROPOSALS_MAX), .arg = PROTOCOL_IKE,
		.initial = TIGHT, .effect = EFFECT_REKEY, .help = "algorithms of the IKE SA" },
	[KEY_ESP_PROPOSALS] = { "esp-proposals", &kind_proposals, T(esp), COUNT(n_esp, PROPOSALS_MAX), .arg = PROTOCOL_ESP,
		.initial = TIGHT, .effect = EFFECT_REKEY, .help = "algorithms of the child SA" },
	[KEY_ALLOW_WEAK] = { "allow-weak", &kind_weak, T(allow_weak), .max_items = WEAK_WORDS, .effect = EFFECT_NONE,
		.help = "weak algorithms that may be used, or psk" },
	[KEY_IKE_LIFETIME] = { "ike-lifetime", &kind_span, T(ike_lifetime), .min = 10 * MS_SECOND, .max = 30 * MS_DAY,
		.initial = "28800s", .effect = EFFECT_REKEY, .help = "lifetime of the IKE SA" },
	[KEY_ESP_LIFETIME] = { "esp-lifetime", &kind_span, T(esp_lifetime), .min = 10 * MS_SECOND, .max = 30 * MS_DAY,
		.initial = "3600s", .effect = EFFECT_REKEY, .help = "lifetime of the child SA" },
	[KEY_ESP_LIFETIME_BYTES] = { "esp-lifetime-bytes", &kind_size, T(esp_lifetime_bytes), .words = none_words, .min = 65536,
		.max = 1LL << 60, .initial = "none", .effect = EFFECT_REKEY, .help = "bytes that one child SA may carry" },
	[KEY_DPD_INTERVAL] = { "dpd-interval", &kind_span, T(dpd_interval), .min = MS_SECOND, .max = MS_HOUR, .initial = "10s",
		.effect = EFFECT_NONE, .help = "silence after which the peer is asked" },
	[KEY_DPD_TIMEOUT] = { "dpd-timeout", &kind_span, T(dpd_timeout), .min = 2 * MS_SECOND, .max = MS_HOUR, .initial = "30s",
		.effect = EFFECT_NONE, .help = "time after which a peer that does not answer is given up" },
	[KEY_FAILOVER_AFTER] = { "failover-after", &kind_span, T(failover_after), .words = off_words, .min = MS_SECOND,
		.max = MS_HOUR, .initial = "5s", .effect = EFFECT_NONE,
		.help = "time without an answer after which the routes move to other tunnels" },
	[KEY_START] = { "start", &kind_number, T(start), .words = start_words, .initial = "initiate", .effect = EFFECT_NONE,
		.help = "who begins" },
	[KEY_ENCAPSULATION] = { "encapsulation", &kind_number, T(encapsulation), .words = encapsulation_words, .initial = "auto",
		.effect = EFFECT_RESTART, .help = "auto or udp" },
	[KEY_MTU] = { "mtu", &kind_number, T(mtu), .words = auto_words, .min = 576, .max = 9000, .initial = "auto",
		.effect = EFFECT_LINK, .help = "MTU of the tunnel interface" },
	[KEY_MSS] = { "mss", &kind_number, T(mss), .words = mss_words, .min = 216, .max = 8960, .initial = "auto",
		.effect = EFFECT_LINK, .help = "TCP MSS that may pass" },
	[KEY_FRAGMENT_SIZE] = { "fragment-size", &kind_number, T(fragment_size), .words = auto_words, .min = 576, .max = 9000,
		.initial = "auto", .effect = EFFECT_NONE, .help = "largest IP packet with an IKE message" },
	[KEY_DF] = { "df", &kind_number, T(df), .words = df_words, .initial = "clear", .effect = EFFECT_REKEY,
		.help = "DF of the outer header" },
	[KEY_DSCP] = { "dscp", &kind_number, T(dscp), .words = dscp_words, .min = 0, .max = 63, .initial = "copy",
		.effect = EFFECT_REKEY, .help = "DSCP of the outer header" },
	[KEY_OFFLOAD] = { "offload", &kind_number, T(offload), .words = offload_words, .refused = "packet", .initial = "auto",
		.effect = EFFECT_REKEY, .help = "what the network card does of ESP" },
	[KEY_REPLAY_WINDOW] = { "replay-window", &kind_number, T(replay_window), .min = 32, .max = 4096, .initial = "1024",
		.effect = EFFECT_REKEY, .help = "packets" },
	[KEY_ESN] = { "esn", &kind_number, T(esn), .words = tristate_words, .initial = "auto", .effect = EFFECT_REKEY,
		.help = "extended sequence numbers" },
	[KEY_PIN_ROUTE] = { "pin-route", &kind_number, T(pin_route), .words = yes_no, .initial = "yes", .effect = EFFECT_LINK,
		.help = "host route to the peer outside of the tunnel" },
	[KEY_REKEY_CHECK] = { "rekey-check", &kind_number, T(rekey_check), .words = yes_no, .initial = "no",
		.effect = EFFECT_NONE, .help = "rekey once soon after the start, to see that the peer can" },
	[KEY_BGP_LOCAL_AS] = { "bgp.local-as", &kind_number, T(bgp.local_as), .min = 1, .max = 4294967294, .effect = EFFECT_NONE,
		.help = "our AS number" },
	[KEY_BGP_PEER_AS] = { "bgp.peer-as", &kind_number, T(bgp.peer_as), .min = 1, .max = 4294967294, .effect = EFFECT_NONE,
		.help = "the peer's AS number" },
	[KEY_BGP_PEER] = { "bgp.peer", &kind_addr, T(bgp.peer), .effect = EFFECT_NONE, .help = "the peer's address" },
	[KEY_BGP_LOCAL] = { "bgp.local", &kind_addr, T(bgp.local), .effect = EFFECT_NONE, .help = "our address" },
	[KEY_BGP_HOLD_TIME] = { "bgp.hold-time", &kind_span, T(bgp.hold_time), .min = 3 * MS_SECOND, .max = 65535 * MS_SECOND,
		.effect = EFFECT_NONE, .help = "hold time" },
	[KEY_BGP_MULTIHOP] = { "bgp.multihop", &kind_number, T(bgp.multihop), .words = multihop_words, .min = 1, .max = 255,
		.effect = EFFECT_NONE, .help = "hops to a peer that is not directly connected" },
};
_Static_assert(KEY_COUNT <= 64, "draft.set has one bit per key");

/* For the daemon as a whole; what it does with a change is its own business. */
const struct key global_keys[] = {
	{ "log-level", &kind_number, G(log_level), .words = level_words, .initial = "info", .help = "what is logged" },
	{ "log-facility", &kind_number, G(log_facility), .words = facility_words, .initial = "daemon",
		.help = "syslog facility" },
	{ "status-interval", &kind_span, G(status_interval), .words = off_words, .min = MS_SECOND, .max = 30 * MS_DAY,
		.initial = "1h", .help = "time between status lines" },
	{ "retry-min", &kind_span, G(retry_min), .min = 100, .max = MS_HOUR, .initial = "1s",
		.help = "first wait before a new attempt" },
	{ "retry-max", &kind_span, G(retry_max), .min = 100, .max = MS_DAY, .initial = "60s",
		.help = "longest wait before a new attempt" },
	{ "cookie-threshold", &kind_number, G(cookie_threshold), .min = 0, .max = 1000000, .initial = "100",
		.help = "half-open SAs from which on cookies are asked for" },
	{ "half-open-limit", &kind_number, G(half_open_limit), .words = auto_words, .min = 1, .max = 1000000, .initial = "auto",
		.help = "most half-open SAs" },
	{ "workers", &kind_number, G(workers), .words = auto_words, .min = 0, .max = 64, .initial = "auto",
		.help = "threads for long key exchanges and certificates" },
	{ "user", &kind_user, G(user), .initial = "s2sd", .help = "user of the engine" },
	{ "group", &kind_user, G(group), .initial = "s2sd", .help = "group of the control socket" },
	{ "on-exit", &kind_number, G(on_exit), .words = exit_words, .initial = "remove", .help = "what stays behind" },
	{ "forwarding", &kind_number, G(forwarding), .words = forwarding_words, .initial = "check", .help = "check or yes" },
	/* Known so that it can be said what has come in its place; last, as nobody lists it. */
	{ "metrics-listen", &kind_gone, .help = "metrics are served by `s2sctl metrics --listen ADDR` (s2sd-metrics.service)" },
	{ 0 },
};
_Static_assert(ARRAY_SIZE(global_keys) <= GLOBAL_KEYS_MAX, "bits of the keys that were written");

int key_index(const struct key *keys, unsigned n, const char *word)
{
	for (unsigned i = 0; i < n && keys[i].word != NULL; i++)
		if (strcmp(keys[i].word, word) == 0)
			return (int)i;
	return -1;
}

void keys_clear(const struct key *keys, unsigned n, void *base)
{
	for (unsigned i = 0; i < n && keys[i].word != NULL; i++)
		if (keys[i].kind->clear != NULL)
			keys[i].kind->clear(&keys[i], base);
}
