/*
 * test_ipc.c - the wire between keeper and engine: order, sizes, descriptors, a reader who is slow, a sender who lies.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "ipc/ipc.h"
#include "ipc/loop.h"
#include "unit.h"

static int raw[2];
static struct ipc *a, *b;

static void setup(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, raw), 0);
	a = ipc_new(raw[0]);
	b = ipc_new(raw[1]);
}

static void teardown(void)
{
	ipc_free(a);
	ipc_free(b);
	a = b = NULL;
}

START_TEST(message_arrives_whole)
{
	struct ipc_message m;
	ck_assert(ipc_send(a, 7, (struct ike_ticket){ 3, 9 }, "abc", 3));
	ck_assert(ipc_send(a, 8, (struct ike_ticket){ 0, 0 }, NULL, 0));
	ck_assert_int_eq(ipc_receive(b, &m), 1);
	ck_assert_uint_eq(m.head.kind, 7);
	ck_assert_uint_eq(m.head.size, 3);
	ck_assert_uint_eq(m.head.ticket.sa, 3);
	ck_assert_uint_eq(m.head.ticket.job, 9);
	ck_assert_mem_eq(m.body, "abc", 3);
	ck_assert_uint_eq((uintptr_t)m.body % 8, 0);
	ipc_done(b, &m);
	ck_assert_mem_eq(m.body, "\0\0\0", 3); /* wiped */
	ck_assert_int_eq(ipc_receive(b, &m), 1);
	ck_assert_uint_eq(m.head.kind, 8);
	ipc_done(b, &m);
	ck_assert_int_eq(ipc_receive(b, &m), 0);
}
END_TEST

START_TEST(largest_message_fits_and_a_larger_one_is_refused)
{
	static uint8_t body[IPC_BODY_MAX + 1];
	struct ipc_message m;
	body[IPC_BODY_MAX - 1] = 0x5a;
	ck_assert(ipc_send(a, 1, (struct ike_ticket){ 0, 0 }, body, IPC_BODY_MAX));
	ck_assert_int_eq(ipc_receive(b, &m), 1);
	ck_assert_uint_eq(m.head.size, IPC_BODY_MAX);
	ck_assert_uint_eq(m.body[IPC_BODY_MAX - 1], 0x5a);
	ipc_done(b, &m);
	ck_assert(!ipc_send(a, 1, (struct ike_ticket){ 0, 0 }, body, IPC_BODY_MAX + 1));
}
END_TEST

START_TEST(slow_reader_gets_all_in_order)
{
	struct ipc_message m;
	static uint8_t body[4000];
	uint32_t sent = 0;
	while (ipc_backlog(a) < 100000 && sent < 100000)
		ck_assert(ipc_send(a, ++sent, (struct ike_ticket){ 0, 0 }, body, sizeof body));
	ck_assert_uint_gt(ipc_backlog(a), 0);
	for (uint32_t want = 1; want <= sent; want++) {
		int got = ipc_receive(b, &m);
		if (got == 0) {
			ck_assert(ipc_flush(a));
			got = ipc_receive(b, &m);
		}
		ck_assert_int_eq(got, 1);
		ck_assert_uint_eq(m.head.kind, want);
		ipc_done(b, &m);
	}
	ck_assert_uint_eq(ipc_backlog(a), 0);
}
END_TEST

START_TEST(reader_who_never_reads_is_given_up)
{
	static uint8_t body[IPC_BODY_MAX];
	unsigned sent = 0;
	while (ipc_send(a, 1, (struct ike_ticket){ 0, 0 }, body, sizeof body))
		ck_assert_uint_lt(++sent, 10000);
	ck_assert_uint_le(ipc_backlog(a), IPC_BACKLOG_MAX);
	ck_assert(!ipc_send(a, 1, (struct ike_ticket){ 0, 0 }, NULL, 0));
}
END_TEST

START_TEST(liars_are_no_senders)
{
	struct ipc_message m;
	struct ipc_head head = { 1, 100, { 0, 0 } };
	ck_assert_int_eq(send(raw[0], &head, sizeof head, 0), sizeof head); /* says 100, brings none */
	ck_assert_int_eq(ipc_receive(b, &m), -1);
	ck_assert_int_eq(send(raw[0], "abc", 3, 0), 3); /* no head */
	ck_assert_int_eq(ipc_receive(b, &m), -1);
	head.size = 0xffffffff;
	ck_assert_int_eq(send(raw[0], &head, sizeof head, 0), sizeof head);
	ck_assert_int_eq(ipc_receive(b, &m), -1);
}
END_TEST

#define HEAD sizeof(struct ipc_head)

/* A datagram of two messages: heads that say n1 and n2, `size` bytes in all. */
static void send_pack(uint32_t n1, size_t second, uint32_t n2, size_t size)
{
	static uint8_t room[2 * IPC_BODY_MAX];
	struct ipc_head one = { 1, n1, { 0, 0 } }, two = { 2, n2, { 0, 0 } };
	memset(room, 0x5a, sizeof room);
	memcpy(room, &one, sizeof one);
	memcpy(room + second, &two, sizeof two);
	ck_assert_int_eq(send(raw[0], room, size, 0), (ssize_t)size);
}

START_TEST(datagram_of_several_messages_is_taken_apart)
{
	struct ipc_message m;
	send_pack(3, HEAD + 16, 16, 3 * 16 + HEAD);
	ck_assert_int_eq(ipc_receive(b, &m), 1);
	ck_assert_uint_eq(m.head.kind, 1);
	ck_assert_uint_eq(m.head.size, 3);
	ck_assert_uint_eq((uintptr_t)m.body % IPC_ALIGN, 0);
	const uint8_t *first = m.body;
	ipc_done(b, &m);
	ck_assert_mem_eq(first, "\0\0\0", 3);
	ck_assert_int_eq(ipc_receive(b, &m), 1);
	ck_assert_uint_eq(m.head.kind, 2);
	ck_assert_uint_eq(m.head.size, 16);
	ck_assert_uint_eq((uintptr_t)m.body % IPC_ALIGN, 0);
	ck_assert_uint_eq(m.body[15], 0x5a);
	ipc_done(b, &m);
	ck_assert_int_eq(ipc_receive(b, &m), 0);
}
END_TEST

/* The first message is good, what follows it is none: the other end is lost, and nothing of the datagram stays. */
static const struct {
	uint32_t size; /* as the second head says */
	size_t rest;   /* bytes of the second message that are there */
} lies[] = { { 1, HEAD }, { 17, HEAD + 16 }, { 0xffffffff, HEAD + 16 }, { IPC_BODY_MAX + 1, HEAD + IPC_PACK_MAX - 128 },
	{ 0, HEAD + 16 }, { 0, HEAD - 1 }, { 0, 1 }, { 3, HEAD + 3 }, { 0xfffffff0, HEAD }, { 16, HEAD + 15 } };

START_TEST(packs_that_lie_are_no_packs)
{
	struct ipc_message m;
	send_pack(3, HEAD + 16, lies[_i].size, HEAD + 16 + lies[_i].rest);
	ck_assert_int_eq(ipc_receive(b, &m), 1);
	ipc_done(b, &m);
	int got;
	while ((got = ipc_receive(b, &m)) == 1) /* a whole one before bytes that are none */
		ipc_done(b, &m);
	ck_assert_int_eq(got, -1);
	ck_assert_uint_eq(m.n_fds, 0);
	ck_assert_int_eq(ipc_receive(b, &m), 0);
}
END_TEST

START_TEST(first_message_that_lies_takes_the_rest_with_it)
{
	struct ipc_message m;
	send_pack(1000, HEAD + 16, 0, 2 * HEAD + 16);
	ck_assert_int_eq(ipc_receive(b, &m), -1);
	ck_assert_int_eq(ipc_receive(b, &m), 0);
	ck_assert_int_eq(send(raw[0], "", 0, 0), 0);
	ck_assert_int_eq(ipc_receive(b, &m), -1);
}
END_TEST

/* Whose would they be? */
START_TEST(descriptors_with_several_messages_are_refused_and_closed)
{
	struct ipc_message m;
	uint8_t two[2 * HEAD] = { 0 };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { two, sizeof two };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(h), &fd, sizeof fd);
	ck_assert_int_eq(sendmsg(raw[0], &msg, 0), (ssize_t)sizeof two);
	int next = dup(fd); /* the lowest that is free: theirs will be the next one */
	close(next);
	ck_assert_int_eq(ipc_receive(b, &m), -1);
	ck_assert_uint_eq(m.n_fds, 0);
	ck_assert_int_eq(fcntl(next, F_GETFD), -1);
	close(fd);
}
END_TEST

START_TEST(what_waits_leaves_in_one_datagram)
{
	static uint8_t room[2 * IPC_PACK_MAX];
	ipc_cork(a);
	for (uint32_t i = 1; i <= 3; i++)
		ck_assert(ipc_send(a, i, (struct ike_ticket){ 0, 0 }, "abcdefghijklmnopq", i * 5));
	ck_assert_int_eq(recv(raw[1], room, sizeof room, MSG_DONTWAIT), -1);
	ck_assert(ipc_flush(a));
	ck_assert_int_eq(recv(raw[1], room, sizeof room, MSG_DONTWAIT), 3 * HEAD + 3 * 16);
	ck_assert_mem_eq(room + HEAD, "abcde\0\0\0\0\0\0\0\0\0\0", 16);
	ck_assert_int_eq(recv(raw[1], room, sizeof room, MSG_DONTWAIT), -1);
	ck_assert_uint_eq(ipc_backlog(a), 0);
}
END_TEST

START_TEST(pack_is_no_larger_than_it_may_be)
{
	static uint8_t room[2 * IPC_PACK_MAX], body[1000];
	unsigned bytes = 0;
	ipc_hold(a);
	for (unsigned i = 0; i < 100; i++)
		ck_assert(ipc_send(a, 1, (struct ike_ticket){ 0, 0 }, body, sizeof body));
	ipc_let_go(a);
	for (ssize_t n; (n = recv(raw[1], room, sizeof room, MSG_DONTWAIT)) > 0;) {
		ck_assert_int_le(n, IPC_PACK_MAX);
		ck_assert_int_eq(n % (ssize_t)(HEAD + 1008), 0);
		bytes += (unsigned)n;
	}
	ck_assert_uint_eq(bytes, 100 * (HEAD + 1008));
}
END_TEST

/* Thousands of small requests in one datagram would be one turn of the keeper's loop: what is larger than a pack is one message. */
START_TEST(what_is_larger_than_a_pack_is_one_message)
{
	static uint8_t room[IPC_PACK_MAX + HEAD];
	struct ipc_head head = { 1, 0, { 0, 0 } };
	struct ipc_message m;
	for (size_t at = 0; at < sizeof room; at += HEAD)
		memcpy(room + at, &head, sizeof head);
	ck_assert_int_eq(send(raw[0], room, sizeof room, 0), (ssize_t)sizeof room);
	ck_assert_int_eq(ipc_receive(b, &m), -1);
	head.size = IPC_PACK_MAX;
	memcpy(room, &head, sizeof head);
	ck_assert_int_eq(send(raw[0], room, sizeof room, 0), (ssize_t)sizeof room);
	ck_assert_int_eq(ipc_receive(b, &m), 1);
	ipc_done(b, &m);
}
END_TEST

static struct {
	unsigned messages, gone;
	bool lose;
} seen;

static void on_message(void *arg, struct ipc_message *m)
{
	(void)arg, (void)m;
	seen.messages++;
	if (seen.lose) /* what no reader could want: the other end is given up */
		ck_assert(!ipc_send(b, 1, (struct ike_ticket){ 0, 0 }, "", IPC_BODY_MAX + 1));
}

static void on_gone(void *arg)
{
	(void)arg;
	seen.gone++;
}

/* Other events get their turn in the middle of a pack, and of one who is given up nothing more is handled. */
START_TEST(a_pack_is_handled_in_turns)
{
	static uint8_t room[IPC_PACK_MAX];
	struct ipc_head head = { 1, 0, { 0, 0 } };
	for (size_t at = 0; at < sizeof room; at += HEAD)
		memcpy(room + at, &head, sizeof head);
	ck_assert_int_eq(send(raw[0], room, sizeof room, 0), (ssize_t)sizeof room);
	struct event_base *base = event_base_new();
	seen.messages = seen.gone = 0;
	seen.lose = false;
	ipc_watch(b, base, &(struct ipc_watcher){ on_message, on_gone, NULL });
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_gt(seen.messages, 0);
	ck_assert_uint_le(seen.messages, 100);
	for (unsigned i = 0; i < 100; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(seen.messages, sizeof room / HEAD);
	ck_assert_int_eq(send(raw[0], room, sizeof room, 0), (ssize_t)sizeof room);
	seen.messages = 0;
	seen.lose = true;
	for (unsigned i = 0; i < 10; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(seen.messages, 1);
	ck_assert_uint_eq(seen.gone, 1);
	ipc_free(b);
	b = NULL;
	event_base_free(base);
}
END_TEST

START_TEST(lost_end_is_noticed)
{
	struct ipc_message m;
	ipc_free(a);
	a = NULL;
	ck_assert_int_eq(ipc_receive(b, &m), -1);
	ck_assert(!ipc_send(b, 1, (struct ike_ticket){ 0, 0 }, NULL, 0));
}
END_TEST

START_TEST(descriptors_travel_and_untaken_ones_are_closed)
{
	struct ipc_message m;
	int fds[2] = { open("/dev/null", O_RDONLY | O_CLOEXEC), open("/dev/zero", O_RDONLY | O_CLOEXEC) };
	char c = 1;
	ck_assert(ipc_send_fds(a, 1, NULL, 0, fds, 2));
	close(fds[0]);
	close(fds[1]);
	ck_assert_int_eq(ipc_receive(b, &m), 1);
	ck_assert_uint_eq(m.n_fds, 2);
	int zero = m.fds[1], null = m.fds[0];
	m.fds[1] = -1;
	ipc_done(b, &m);
	ck_assert_int_eq(fcntl(null, F_GETFD), -1);
	ck_assert_int_eq(read(zero, &c, 1), 1);
	ck_assert_int_eq(c, 0);
	close(zero);
}
END_TEST

/* What an earlier owner of the memory left is nothing for the other process. */
START_TEST(between_messages_there_are_zeros)
{
	uint8_t got[256];
	const size_t one = IPC_PADDED(sizeof(struct ipc_head) + 1), body = sizeof(struct ipc_head);
	mallopt(M_PERTURB, 0x5a);
	ipc_cork(a);
	ck_assert(ipc_send(a, 1, (struct ike_ticket){ 0, 0 }, "x", 1));
	ck_assert(ipc_send(a, 2, (struct ike_ticket){ 0, 0 }, "y", 1));
	ck_assert(ipc_flush(a));
	ck_assert_int_eq(recv(raw[1], got, sizeof got, 0), (ssize_t)(2 * one));
	for (size_t i = body; i < one; i++) {
		ck_assert_uint_eq(got[i], i == body ? 'x' : 0);
		ck_assert_uint_eq(got[one + i], i == body ? 'y' : 0);
	}
}
END_TEST

START_TEST(blob_is_sealed)
{
	int fd = ipc_blob("0123456789", 10);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
	ck_assert_int_eq(ftruncate(fd, 1), -1);
	struct bytes map = ipc_blob_map(fd);
	ck_assert_uint_eq(map.n, 10);
	ck_assert_mem_eq(map.p, "0123456789", 10);
	ipc_blob_unmap(map);
	close(fd);
}
END_TEST

START_TEST(unsealed_files_are_no_blobs)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ck_assert_ptr_null(ipc_blob_map(fd).p);
	close(fd);
	int empty = ipc_blob("", 0);
	ck_assert_ptr_null(ipc_blob_map(empty).p);
	close(empty);
	ck_assert_ptr_null(ipc_blob_map(-1).p);
}
END_TEST

/* More than fit into one call, a descriptor among them, a hold within a hold. */
START_TEST(what_is_held_leaves_together_and_in_order)
{
	struct ipc_message m;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ipc_hold(a);
	for (uint32_t i = 1; i <= 50; i++) {
		if (i == 20)
			ck_assert(ipc_send_fds(a, i, &i, sizeof i, &fd, 1));
		else
			ck_assert(ipc_send(a, i, (struct ike_ticket){ i, 0 }, &i, sizeof i));
	}
	ipc_hold(a);
	ipc_let_go(a);
	ck_assert_int_eq(ipc_receive(b, &m), 0);
	ipc_let_go(a);
	ck_assert_uint_eq(ipc_backlog(a), 0);
	for (uint32_t i = 1; i <= 50; i++) {
		uint32_t got;
		ck_assert_int_eq(ipc_receive(b, &m), 1);
		memcpy(&got, m.body, sizeof got);
		ck_assert_uint_eq(got, i);
		ck_assert_uint_eq(m.head.kind, i);
		ck_assert_uint_eq(m.n_fds, i == 20);
		ipc_done(b, &m);
	}
	ck_assert_int_eq(ipc_receive(b, &m), 0);
	close(fd);
}
END_TEST

START_TEST(what_is_held_for_one_who_is_gone_is_lost_quietly)
{
	ipc_hold(a);
	ck_assert(ipc_send(a, 1, (struct ike_ticket){ 0, 0 }, "x", 1));
	ck_assert(ipc_send(a, 2, (struct ike_ticket){ 0, 0 }, "y", 1));
	ipc_free(b);
	b = NULL;
	ipc_let_go(a);
	ck_assert(!ipc_send(a, 3, (struct ike_ticket){ 0, 0 }, "z", 1));
}
END_TEST

/* ---------------------------------------------------------------- what the start leaves */
static long resident(void) /* kB; statm is not exact */
{
	char line[128];
	long kb = 0;
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f) != NULL && sscanf(line, "Rss: %ld", &kb) != 1)
		;
	fclose(f);
	ck_assert_int_gt(kb, 0);
	return kb;
}

/* Not while it is asked for, and once. (With sanitizers freed memory stays, and only what is read from files goes.) */
START_TEST(memory_is_given_back_a_moment_later)
{
	enum { BLOCKS = 8000, SIZE = 1000 };
	static char *blocks[BLOCKS];
	struct event_base *loop = event_base_new();
	for (unsigned i = 0; i < BLOCKS; i++)
		blocks[i] = memset(xcalloc(1, SIZE), 1, SIZE);
	for (unsigned i = 0; i < BLOCKS - 1; i++) /* the last one holds the heap's end */
		free(blocks[i]);
	long before = resident();
	loop_trim_soon(loop);
	event_base_loop(loop, EVLOOP_NONBLOCK);
	ck_assert_int_gt(resident(), before - 100);
	event_base_dispatch(loop); /* ends when nothing is to come */
	ck_assert_int_lt(resident(), before - 200);
	free(blocks[BLOCKS - 1]);
	event_base_free(loop);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("ipc");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, message_arrives_whole);
	tcase_add_test(t, largest_message_fits_and_a_larger_one_is_refused);
	tcase_add_test(t, slow_reader_gets_all_in_order);
	tcase_add_test(t, reader_who_never_reads_is_given_up);
	tcase_add_test(t, liars_are_no_senders);
	tcase_add_test(t, datagram_of_several_messages_is_taken_apart);
	tcase_add_loop_test(t, packs_that_lie_are_no_packs, 0, ARRAY_SIZE(lies));
	tcase_add_test(t, first_message_that_lies_takes_the_rest_with_it);
	tcase_add_test(t, descriptors_with_several_messages_are_refused_and_closed);
	tcase_add_test(t, what_waits_leaves_in_one_datagram);
	tcase_add_test(t, pack_is_no_larger_than_it_may_be);
	tcase_add_test(t, what_is_larger_than_a_pack_is_one_message);
	tcase_add_test(t, a_pack_is_handled_in_turns);
	tcase_add_test(t, lost_end_is_noticed);
	tcase_add_test(t, descriptors_travel_and_untaken_ones_are_closed);
	tcase_add_test(t, blob_is_sealed);
	tcase_add_test(t, unsealed_files_are_no_blobs);
	tcase_add_test(t, between_messages_there_are_zeros);
	tcase_add_test(t, what_is_held_leaves_together_and_in_order);
	tcase_add_test(t, what_is_held_for_one_who_is_gone_is_lost_quietly);
	tcase_add_test(t, memory_is_given_back_a_moment_later);
	return unit_run_case("ipc", t);
}
