/*
 * flooder.c - IKE_SA_INITs from invented IPv4 addresses, each with an SPI, nonce and key exchange value of its own.
 *
 *	flooder TARGET RATE SECONDS		as root; prints how many left
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "wire/message.h"

#define BATCH 64
#define FRAME 28 /* IPv4 and UDP headers */

static struct packet {
	uint8_t data[1024];
	size_t n;
} packets[BATCH];

static size_t build(uint8_t *at, size_t room)
{
	static const struct transform t[] = { { .type = TRANSFORM_ENCR, .id = ENCR_AES_CBC, .keylen = 256 },
		{ .type = TRANSFORM_PRF, .id = PRF_HMAC_SHA2_256 }, { .type = TRANSFORM_INTEG, .id = INTEG_HMAC_SHA2_256_128 },
		{ .type = TRANSFORM_KE, .id = GROUP_MODP_2048 } };
	static uint8_t value[256], nonce[32];
	struct offer o = { .number = 1, .protocol = PROTOCOL_IKE, .n = 4, .t = (struct transform *)(uintptr_t)t };
	struct header h = { .major = 2, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR };
	struct writer w;
	rng_fill(NULL, h.spi_i, IKE_SPI_LEN);
	rng_fill(NULL, value, sizeof value);
	rng_fill(NULL, nonce, sizeof nonce);
	message_begin(&w, at, room, &h);
	struct payload p = { .type = PAYLOAD_SA, .sa = { 1, &o } };
	message_add(&w, &p);
	p = (struct payload){ .type = PAYLOAD_KE };
	p.ke.group = GROUP_MODP_2048;
	p.ke.value = bytes_of(value, sizeof value);
	message_add(&w, &p);
	p = (struct payload){ .type = PAYLOAD_NONCE };
	p.nonce.value = bytes_of(nonce, sizeof nonce);
	message_add(&w, &p);
	return message_end(&w).n;
}

/* The kernel fills in the IP checksum; UDP may go without (RFC 768). */
static void frame(struct packet *p, uint32_t to)
{
	static const uint8_t head[FRAME] = { [0] = 0x45,
		[8] = 64,
		[9] = IPPROTO_UDP,
		[12] = 203,
		[20] = 500 >> 8,
		[21] = 500 & 0xff,
		[22] = 500 >> 8,
		[23] = 500 & 0xff };
	size_t udp = build(p->data + FRAME, sizeof p->data - FRAME) + 8;
	memcpy(p->data, head, FRAME);
	memcpy(p->data + 16, &to, 4);
	p->data[24] = (uint8_t)(udp >> 8);
	p->data[25] = (uint8_t)udp;
	p->n = udp + 20;
}

/* Another source, another SPI: enough to be another stranger. */
static void vary(struct packet *p) { rng_fill(NULL, p->data + 13, 3), rng_fill(NULL, p->data + FRAME, IKE_SPI_LEN); }

static msec now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (msec)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	struct addr target;
	const char *why;
	if (argc != 4 || !addr_parse(&target, argv[1]) || target.family != AF_INET || !alg_init(&why)) {
		fprintf(stderr, "usage: flooder IPV4 RATE SECONDS\n");
		return 2;
	}
	uint64_t rate = strtoul(argv[2], NULL, 10), all = rate * strtoul(argv[3], NULL, 10), sent = 0, failed = 0;
	struct sockaddr_in to = { .sin_family = AF_INET };
	memcpy(&to.sin_addr, target.ip, 4);
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (fd < 0) {
		perror("flooder");
		return 1;
	}
	struct mmsghdr m[BATCH] = { 0 };
	struct iovec v[BATCH];
	for (unsigned i = 0; i < BATCH; i++) {
		frame(&packets[i], to.sin_addr.s_addr);
		v[i] = (struct iovec){ packets[i].data, packets[i].n };
		m[i].msg_hdr = (struct msghdr){ .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &v[i], .msg_iovlen = 1 };
	}
	msec begin = now();
	while (sent + failed < all) {
		uint64_t due = (uint64_t)(now() - begin) * rate / 1000, n = due > sent + failed ? due - sent - failed : 0;
		n = n > BATCH ? BATCH : n > all - sent - failed ? all - sent - failed : n;
		for (unsigned i = 0; i < n; i++)
			vary(&packets[i]);
		int done = n ? sendmmsg(fd, m, (unsigned)n, 0) : 0;
		sent += done > 0 ? (uint64_t)done : 0;
		failed += n - (done > 0 ? (uint64_t)done : 0);
		if (n < BATCH)
			usleep(500);
	}
	printf("%llu sent, %llu refused by our kernel, %.1f s\n", (unsigned long long)sent, (unsigned long long)failed,
		(double)(now() - begin) / 1000);
	close(fd);
	return 0;
}
