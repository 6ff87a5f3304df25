/*
 * ivcheck.c - reads a capture of the lab (tcpdump -i any) and looks for what must never be sent twice by one address: an IV of an IKE SA with another text,
 * an IKE message id with another content, a sequence number of an ESP SA.
 *
 *     ivcheck FILE ADDRESS       says what was seen; ends with 1 and says what is wrong
 *     ivcheck --test             does it find what it must?
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/table.h"
#include "base/util.h"

#define ESP 50
#define UDP 17
#define PAYLOAD_SK 46
#define PAYLOAD_SKF 53
#define IV_MOST 8 /* octets that tell IVs apart: of AES-GCM all, of CBC half of what a cipher made */

static struct table seen;
static unsigned long ikes, ivs, esps, inits, faults;
static const uint8_t any[4];

static uint32_t u32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

/* what: of which there may be one content; again: even the same content is wrong. */
static void note(char kind, const void *what, size_t n, uint64_t content, bool again, const char *text)
{
	uint64_t key = hash_bytes(hash_bytes(HASH_START, &kind, 1), what, n);
	uint64_t *had = table_get(&seen, key);
	if (had == NULL) {
		had = xcalloc(1, sizeof *had);
		*had = content;
		table_put(&seen, key, had);
	} else if (again || *had != content) {
		faults++;
		printf("%s\n", text);
	}
}

static void see_ike(const uint8_t *p, size_t n)
{
	char text[128];
	uint8_t id[16 + 4 + 1 + 4], iv[16 + IV_MOST];
	if (n < 28)
		return;
	ikes++;
	uint64_t content = hash_bytes(HASH_START, p, n);
	bool response = p[19] & 0x20;
	inits += p[18] == 34 && !response;
	memcpy(id, p, 16);
	memcpy(id + 16, p + 20, 4);
	id[20] = response;
	memset(id + 21, 0, 4);
	bool skf = p[16] == PAYLOAD_SKF, sk = p[16] == PAYLOAD_SK;
	size_t at = 28 + 4 + (skf ? 4 : 0);
	if (skf && n >= 36)
		memcpy(id + 21, p + 32, 4); /* which fragment of how many */
	if (p[18] != 34) {                  /* an IKE_SA_INIT is another one with each cookie and group */
		snprintf(text, sizeof text, "message %u of %08x.../%08x... has two contents", u32(p + 20), u32(p), u32(p + 8));
		note('m', id, sizeof id, content, false, text);
	}
	if ((!sk && !skf) || n < at + IV_MOST)
		return;
	ivs++;
	memcpy(iv, p, 16);
	memcpy(iv + 16, p + at, IV_MOST);
	snprintf(text, sizeof text, "an IV of %08x.../%08x... is used twice, in message %u", u32(p), u32(p + 8), u32(p + 20));
	note('i', iv, sizeof iv, content, false, text);
}

static void see_esp(const uint8_t *dst, const uint8_t *p, size_t n)
{
	char text[128];
	uint8_t id[12];
	if (n < 8)
		return;
	esps++;
	memcpy(id, dst, 4);
	memcpy(id + 4, p, 8);
	snprintf(text, sizeof text, "sequence number %u of SA %08x is used twice", u32(p + 4), u32(p));
	note('e', id, sizeof id, 0, true, text);
}

/* An IPv4 packet, perhaps not all of it. */
static void see(const uint8_t *p, size_t n, const uint8_t *from)
{
	size_t head = n >= 20 && p[0] >> 4 == 4 ? (p[0] & 15u) * 4 : 0;
	if (head < 20 || n < head || memcmp(p + 12, from, 4) != 0)
		return;
	const uint8_t *dst = p + 16;
	uint8_t protocol = p[9];
	p += head;
	n -= head;
	if (protocol == ESP)
		see_esp(dst, p, n);
	if (protocol != UDP || n < 12)
		return;
	unsigned port = (unsigned)p[2] << 8 | p[3];
	if (port == 500)
		see_ike(p + 8, n - 8);
	else if (port == 4500 && memcmp(p + 8, any, 4) == 0)
		see_ike(p + 12, n - 12);
	else if (port == 4500 && n > 16)
		see_esp(dst, p + 8, n - 8);
}

/* --- the file --- */
static int read_file(const char *path, const uint8_t *from)
{
	static uint8_t packet[1 << 18];
	uint32_t head[6], record[4];
	FILE *f = fopen(path, "rb");
	if (f == NULL || fread(head, sizeof head, 1, f) != 1 || (head[0] != 0xa1b2c3d4 && head[0] != 0xa1b23c4d) ||
		head[5] != 276) {
		fprintf(stderr, "ivcheck: %s: no capture of all interfaces\n", path);
		return 2;
	}
	/* LINUX_SLL2: 20 octets, the type of the packet at 10: 4 is one that leaves, and was seen already when it came. */
	while (fread(record, sizeof record, 1, f) == 1 && record[2] <= sizeof packet && fread(packet, record[2], 1, f) == 1)
		if (record[2] > 20 && packet[10] != 4)
			see(packet + 20, record[2] - 20, from);
	fclose(f);
	printf("%lu IKE messages, %lu IVs, %lu ESP packets, %lu requests IKE_SA_INIT\n", ikes, ivs, esps, inits);
	if (ivs == 0 || esps == 0) {
		printf("that proves nothing\n");
		return 1;
	}
	return faults > 0;
}

/* --- does it bite? --- */
static uint8_t made[128];
static size_t make_ike(uint8_t id, uint8_t iv, uint8_t text)
{
	memset(made, 0, sizeof made);
	made[0] = 0x45;
	made[9] = UDP;
	made[12] = 198;
	made[20 + 2] = 500 >> 8;
	made[20 + 3] = 500 & 255;
	uint8_t *p = made + 28;
	p[0] = 1;
	p[16] = PAYLOAD_SK;
	p[18] = 37;
	p[23] = id;
	p[28 + 4] = iv;
	p[28 + 4 + 8] = text;
	return 28 + 28 + 4 + 8 + 16;
}

static size_t make_esp(uint8_t spi, uint8_t sequence)
{
	memset(made, 0, sizeof made);
	made[0] = 0x45;
	made[9] = ESP;
	made[12] = 198;
	made[20] = spi;
	made[27] = sequence;
	return 20 + 32;
}

static int test(void)
{
	static const uint8_t us[4] = { 198 }, them[4] = { 203 };
	const struct {
		uint8_t id, iv, text;
		unsigned long faults;
	} rows[] = { { 1, 1, 1, 0 }, { 1, 1, 1, 0 } /* a repetition */, { 2, 2, 2, 0 }, { 3, 2, 3, 1 } /* IV */,
		{ 2, 4, 2, 1 } /* id */, { 5, 5, 5, 0 } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		faults = 0;
		see(made, make_ike(rows[i].id, rows[i].iv, rows[i].text), us);
		see(made, make_ike(9, (uint8_t)i, 0), them); /* others' are no business of ours */
		if (faults != rows[i].faults)
			return printf("row %zu: %lu faults, not %lu\n", i, faults, rows[i].faults), 1;
	}
	faults = 0;
	for (uint8_t i = 0; i < 4; i++)
		see(made, make_esp(i & 1, i >> 1), us);
	if (faults != 0)
		return printf("sequence numbers of two SAs are mixed\n"), 1;
	see(made, make_esp(1, 1), us);
	return faults == 1 ? 0 : (printf("a sequence number used twice is not found\n"), 1);
}

int main(int argc, char **argv)
{
	uint8_t from[4];
	table_init(&seen, 0);
	if (argc == 2 && strcmp(argv[1], "--test") == 0)
		return test();
	if (argc != 3 || inet_pton(AF_INET, argv[2], from) != 1)
		return 2;
	return read_file(argv[1], from);
}
