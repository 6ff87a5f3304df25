/*
 * write_pcap.c - what the simulator's hosts say to each other, as a capture and as a key table for tshark. `tests/oracle/tshark` reads both.
 *
 *	write_pcap SUITE DIR		writes DIR/run.pcap and DIR/ikev2_decryption_table; prints what there has to be in it
 *
 * A story per suite: set up, child rekey with a large group (so that fragments are needed), IKE rekey, liveness, delete; with and without port 4500.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/world.h"

#define SAS_MAX 64

static const struct suite_words {
	const char *ike, *esp, *encr, *integ; /* the last two: tshark's names */
	const char *encapsulation;
} suites[] = {
	{ "aes256-sha256-modp2048", "[aes256-sha256-modp8192, aes256-sha512-modp8192]", "AES-CBC-256 [RFC3602]",
		"HMAC_SHA2_256_128 [RFC4868]", "auto" },
	{ "aes128-sha384-ecp256", "[aes128-sha256-modp8192, aes192-sha256-modp8192]", "AES-CBC-128 [RFC3602]",
		"HMAC_SHA2_384_192 [RFC4868]", "udp" },
	{ "aes192-sha512-ecp384", "[aes256-sha256-modp8192, aes192-sha256-modp8192]", "AES-CBC-192 [RFC3602]",
		"HMAC_SHA2_512_256 [RFC4868]", "auto" },
	{ "aes256gcm16-prfsha384-ecp384", "[aes256gcm16-modp8192, aes128gcm16-modp8192, aes192gcm16-modp8192]",
		"AES-GCM-256 with 16 octet ICV [RFC5282]", "NONE [RFC4306]", "udp" },
	{ "aes128gcm16-prfsha256-x25519", "[aes128gcm16-modp8192, aes256gcm16-modp8192, aes192gcm16-modp8192]",
		"AES-GCM-128 with 16 octet ICV [RFC5282]", "NONE [RFC4306]", "auto" },
};

static struct world w;
static FILE *pcap, *table;
static const struct suite_words *suite;
static uint8_t known[SAS_MAX][2 * IKE_SPI_LEN];
static unsigned n_known, n_sealed, n_fragments, n_plain;

static void le32(uint32_t v) { fwrite(&v, 4, 1, pcap); } /* the host's order; the magic number tells which */
static void be16(uint8_t *at, size_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void start(const char *dir)
{
	char path[256];
	snprintf(path, sizeof path, "%s/run.pcap", dir);
	pcap = fopen(path, "wb");
	snprintf(path, sizeof path, "%s/ikev2_decryption_table", dir);
	table = fopen(path, "w");
	if (!pcap || !table)
		exit(2);
	const uint32_t head[] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 101 /* bare IP */ };
	fwrite(head, sizeof head, 1, pcap);
}

static void keys_of(const struct sa *sa)
{
	uint8_t both[2 * IKE_SPI_LEN];
	memcpy(both, sa->core.spi_i, IKE_SPI_LEN);
	memcpy(both + IKE_SPI_LEN, sa->core.spi_r, IKE_SPI_LEN);
	for (unsigned i = 0; i < n_known; i++)
		if (!memcmp(known[i], both, sizeof both))
			return;
	struct seal_keys out = keys_out(sa), in = keys_in(sa), *i = sa->core.initiator ? &out : &in,
			 *r = sa->core.initiator ? &in : &out;
	if (!i->e.n || n_known == SAS_MAX)
		return;
	memcpy(known[n_known++], both, sizeof both);
	const struct bytes v[] = { bytes_of(both, 8), bytes_of(both + 8, 8), i->e, r->e, i->a, r->a };
	for (unsigned k = 0; k < 6; k++) {
		for (size_t x = 0; x < v[k].n; x++)
			fprintf(table, "%02x", v[k].p[x]);
		fprintf(table, k == 3 ? ",\"%s\"," : k == 5 ? ",\"%s\"\n" : ",", k == 3 ? suite->encr : suite->integ);
	}
}

static void datagram(const struct packet *p)
{
	uint8_t head[32] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17 };
	size_t marker = p->marker ? 4 : 0, n = 28 + marker + p->n;
	be16(head + 2, n);
	memcpy(head + 12, p->src.ip, 4);
	memcpy(head + 16, p->dst.ip, 4);
	be16(head + 20, p->src.port);
	be16(head + 22, p->dst.port);
	be16(head + 24, 8 + marker + p->n);
	le32((uint32_t)(w.now / 1000));
	le32((uint32_t)(w.now % 1000) * 1000);
	le32((uint32_t)n);
	le32((uint32_t)n);
	fwrite(head, 1, 28 + marker, pcap);
	fwrite(p->data, 1, p->n, pcap);
}

static bool watch(struct world *world, const struct packet *p)
{
	struct sa *sa;
	for (int i = 0; i < world->n_hosts; i++) {
		size_t it = 0;
		while (world->hosts[i].ike && (sa = table_next(&world->hosts[i].ike->by_number, &it)))
			keys_of(sa);
	}
	n_sealed += p->data[16] == PAYLOAD_SK;
	n_fragments += p->data[16] == PAYLOAD_SKF;
	n_plain += p->data[16] != PAYLOAD_SK && p->data[16] != PAYLOAD_SKF;
	datagram(p);
	return false;
}

int main(int argc, char **argv)
{
	const char *why;
	unsigned which = argc == 3 ? (unsigned)atoi(argv[1]) : 99;
	if (which >= sizeof suites / sizeof *suites || !alg_init(&why))
		return 2;
	suite = &suites[which];
	start(argv[2]);
	world_init(&w, 1 + which, false);
	pair(&w);
	for (int i = 0; i < 2; i++) {
		set(&w, i, "t", "ike-proposals", suite->ike);
		set(&w, i, "t", "esp-proposals", suite->esp);
		set(&w, i, "t", "encapsulation", suite->encapsulation);
	}
	w.traffic = false;
	w.filter = watch;
	begin(&w);
	await_up(&w, 10 * SECOND);
	static const enum ike_command_kind orders[] = { COMMAND_REKEY, COMMAND_REKEY, COMMAND_REKEY_IKE, COMMAND_REKEY,
		COMMAND_DOWN };
	for (unsigned i = 0; i < 5; i++) {
		world_run(&w, 25 * SECOND);
		order(&w, (int)i & 1, (int)orders[i]);
	}
	world_run(&w, 3 * SECOND);
	printf("%u %u %u\n", n_plain, n_sealed, n_fragments);
	bool good = !w.failed && !fclose(pcap) && !fclose(table);
	if (w.failed)
		fprintf(stderr, "write_pcap: %s\n", w.why);
	world_release(&w);
	return !good;
}
