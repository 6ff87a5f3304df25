/*
 * test_clients.c - the control socket as a program meets it: answers in the order of the requests, requests before the end, the end.
 */
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/clients.h"
#include "engine/control.h"
#include "engine/places.h"
#include "unit.h"

static char dir[32], path[64];
static struct event_base *base;
static struct clients *all;
static uint64_t slow; /* the client that waits; 0 = none */
static unsigned gone;

/* Who the kernel says is at the other end; 0: the truth, which is always ourselves. */
static struct ucred peer;
static gid_t peer_groups[2];

/* Stands before the C library's. */
int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	const void *claim = name == SO_PEERCRED ? (void *)&peer : (void *)peer_groups;
	socklen_t n = name == SO_PEERCRED ? sizeof peer : sizeof peer_groups;
	if (peer.pid == 0 || level != SOL_SOCKET || (name != SO_PEERCRED && name != SO_PEERGROUPS))
		return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
	memcpy(value, claim, *len < n ? *len : n);
	*len = n;
	return 0;
}

/* "long N" is answered in N parts of one size, "<N>" at its end. */
#define PART (60 << 10)
static struct {
	uint64_t client;
	unsigned left, n, asked;
} parts[2];
static unsigned more_in_turn, most_in_turn, lines_in_turn, most_lines;

static void on_more(void *arg, uint64_t client)
{
	static char part[PART];
	(void)arg;
	more_in_turn++;
	most_in_turn = more_in_turn > most_in_turn ? more_in_turn : most_in_turn;
	for (unsigned i = 0; i < 2; i++) {
		if (parts[i].client != client)
			continue;
		parts[i].asked++;
		memset(part, 'a' + (int)i, sizeof part);
		if (parts[i].left > 0) {
			parts[i].left--;
			clients_part(all, client, part, sizeof part);
			return;
		}
		clients_part(all, client, part, (size_t)snprintf(part, sizeof part, "<%u>\n", parts[i].n));
		clients_end(all, client);
		parts[i].client = 0;
	}
}

static void on_line(void *arg, uint64_t client, const char *line, size_t len)
{
	char answer[80];
	(void)arg;
	lines_in_turn++;
	most_lines = lines_in_turn > most_lines ? lines_in_turn : most_lines;
	if (len > CONTROL_LINE_MAX) {
		clients_send(all, client, "too-long");
		return;
	}
	if (len == 4 && memcmp(line, "slow", 4) == 0) {
		slow = client;
		return;
	}
	for (unsigned i = 0; len > 5 && memcmp(line, "long ", 5) == 0; i++) {
		if (parts[i].client != 0)
			continue;
		parts[i].client = client;
		parts[i].left = parts[i].n = (unsigned)atoi(line + 5);
		parts[i].asked = 0;
		clients_begin(all, client);
		return;
	}
	snprintf(answer, sizeof answer, "<%.*s>", (int)(len < 60 ? len : 60), line);
	clients_send(all, client, answer);
}
static bool on_waits(void *arg, uint64_t client)
{
	(void)arg;
	return slow == client || parts[0].client == client || parts[1].client == client;
}
static void on_gone(void *arg, uint64_t client)
{
	(void)arg;
	gone++;
	slow = slow == client ? 0 : slow;
	for (unsigned i = 0; i < 2; i++)
		parts[i].client = parts[i].client == client ? 0 : parts[i].client;
}
static void answer_slow(void)
{
	uint64_t client = slow;
	slow = 0;
	clients_send(all, client, "<slow>");
}

static void make_clients(void)
{
	static const struct clients_ops ops = { on_line, on_waits, on_more, on_gone };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	unlink(path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 4) == 0);
	struct clients_who who = { getgid(), { 23456, 23457 } };
	all = clients_new(base, listener, &who, &ops, NULL);
}

static void setup(void)
{
	snprintf(dir, sizeof dir, "/tmp/s2sd-clients-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/sock", dir);
	signal(SIGPIPE, SIG_IGN); /* as in the engine */
	base = event_base_new();
	make_clients();
	clients_open(all);
	slow = 0;
	gone = 0;
	memset(parts, 0, sizeof parts);
}

static void teardown(void)
{
	clients_free(all);
	event_base_free(base);
	unlink(path);
	rmdir(dir);
}

static int client(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void turn(void)
{
	for (unsigned i = 0; i < 100; i++) {
		more_in_turn = lines_in_turn = 0;
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		if (i % 5 == 0)
			usleep(500);
	}
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	turn();
}

/* All that has come; "." at its end when the connection was closed. */
static const char *hear(int fd)
{
	static char text[512];
	size_t n = 0;
	turn();
	ssize_t got;
	while ((got = read(fd, text + n, sizeof text - 2 - n)) > 0)
		n += (size_t)got;
	if (got == 0)
		text[n++] = '.';
	text[n] = 0;
	return text;
}

START_TEST(answers_keep_the_order_of_the_requests)
{
	int fd = client();
	say(fd, "one\nslow\ntwo\nthree\n");
	ck_assert_str_eq(hear(fd), "<one>\n");
	answer_slow();
	ck_assert_str_eq(hear(fd), "<slow>\n<two>\n<three>\n");
	close(fd);
}
END_TEST

/* Who comes before the daemon is ready waits, and is answered. */
START_TEST(early_clients_wait)
{
	clients_free(all);
	make_clients();
	int fd = client();
	say(fd, "one\n");
	ck_assert_str_eq(hear(fd), "");
	clients_open(all);
	ck_assert_str_eq(hear(fd), "<one>\n");
	close(fd);
}
END_TEST

START_TEST(others_do_not_wait)
{
	int fd = client(), other = client();
	say(fd, "slow\n");
	say(other, "quick\n");
	ck_assert_str_eq(hear(other), "<quick>\n");
	answer_slow();
	ck_assert_str_eq(hear(fd), "<slow>\n");
	close(fd);
	close(other);
}
END_TEST

/* `printf ... | nc -N -U`: everything that was asked is answered, then the connection ends at once. */
START_TEST(half_closed)
{
	static const struct {
		const char *said, *heard;
	} rows[] = { { "one\ntwo\n", "<one>\n<two>\n." }, { "one\ntwo", "<one>\n<two>\n." }, { "", "." }, { "one", "<one>\n." } };
	int fd = client();
	for (unsigned late = 0; late < 2; late++) { /* the end comes with the words, or when all is answered */
		const char *said = rows[_i].said;
		ck_assert_int_eq(write(fd, said, strlen(said)), (ssize_t)strlen(said));
		if (late)
			turn();
		shutdown(fd, SHUT_WR);
		ck_assert_str_eq(hear(fd), rows[_i].heard);
		close(fd);
		ck_assert_uint_eq(gone, late + 1);
		fd = client();
	}
	close(fd);
}
END_TEST

START_TEST(half_closed_while_an_answer_is_awaited)
{
	int fd = client();
	say(fd, "slow\ntwo\nslow\nthree");
	shutdown(fd, SHUT_WR);
	ck_assert_str_eq(hear(fd), "");
	answer_slow();
	ck_assert_str_eq(hear(fd), "<slow>\n<two>\n");
	answer_slow();
	ck_assert_str_eq(hear(fd), "<slow>\n<three>\n.");
	close(fd);
}
END_TEST

/* Who goes away while he waits is missed at once, also with requests behind. */
START_TEST(gone_while_an_answer_is_awaited)
{
	int fd = client();
	say(fd, "slow\ntwo\nthree\n");
	close(fd);
	turn();
	ck_assert_uint_eq(gone, 1);
}
END_TEST

/* More than one request's room cannot be kept back: it is served out of turn rather than a departure overlooked. */
START_TEST(too_much_behind_a_waiting_request)
{
	static char many[CONTROL_LINE_MAX + 2000];
	int fd = client();
	say(fd, "slow\n");
	memset(many, '\n', sizeof many);
	for (size_t i = 0; i + 1000 <= sizeof many; i += 1000)
		memset(many + i, 'x', 999);
	for (size_t n = 0; n < sizeof many; turn()) {
		ssize_t put = write(fd, many + n, sizeof many - n);
		ck_assert_int_gt(put, 0);
		n += (size_t)put;
	}
	ck_assert(strncmp(hear(fd), "<xxx", 4) == 0);
	close(fd);
	turn();
	ck_assert_uint_eq(gone, 1);
}
END_TEST

START_TEST(too_long)
{
	static char line[CONTROL_LINE_MAX + 1];
	int fd = client();
	memset(line, 'x', sizeof line);
	for (size_t n = 0; n < sizeof line; turn()) {
		ssize_t put = write(fd, line + n, sizeof line - n);
		ck_assert_int_gt(put, 0);
		n += (size_t)put;
	}
	say(fd, "\nnext\n");
	const char *text = hear(fd);
	ck_assert_ptr_nonnull(strstr(text, "too-long"));
	ck_assert_str_eq(strchr(text, '\n'), "\n<next>\n");
	close(fd);
}
END_TEST

/* The socket's mode is one lock, who speaks is the other. */
START_TEST(only_root_and_the_group_may_speak)
{
	gid_t group = getgid();
	const struct {
		struct ucred who;
		gid_t more;
		bool may;
	} rows[] = {
		{ { 1, 0, 12345 }, 12345, true },
		{ { 1, 12345, group }, 12345, true },
		{ { 1, 12345, 12345 }, group, true },
		{ { 1, 12345, 12345 }, 12345, false },
		/* engine and resolver, whatever groups they were given */
		{ { 1, 23456, group }, group, false },
		{ { 1, 23457, 12345 }, group, false },
	};
	peer = rows[_i].who;
	peer_groups[0] = 12346;
	peer_groups[1] = rows[_i].more;
	int fd = client();
	turn();
	peer.pid = 0;
	send(fd, "hello\n", 6, MSG_NOSIGNAL);
	ck_assert_str_eq(hear(fd), rows[_i].may ? "<hello>\n" : ".");
	close(fd);
}
END_TEST

/* ---------------------------------------------------------------- lines in parts */
/* Reads so much, and keeps the end of it. */
static void hear_much(int fd, size_t n, char end[16])
{
	static char text[16384];
	for (unsigned idle = 0; n > 0 && idle < 200; idle++, turn()) {
		for (ssize_t got; n > 0 && (got = read(fd, text, n > sizeof text ? sizeof text : n)) > 0; idle = 0) {
			size_t k = got < 15 ? (size_t)got : 15;
			n -= (size_t)got;
			memcpy(end, text + got - k, k);
			end[k] = 0;
		}
	}
	ck_assert_uint_eq(n, 0);
}

/* Who does not read costs one part beside what the socket holds, and what is sent to him meanwhile waits behind the line, as does his next request. */
START_TEST(a_slow_reader_costs_one_part)
{
	char end[16];
	int fd = client();
	say(fd, "long 100\nnext\n");
	for (unsigned i = 0; i < 20; i++)
		turn();
	unsigned asked = parts[0].asked;
	ck_assert(asked > 0 && asked < 20);
	turn();
	ck_assert_uint_eq(parts[0].asked, asked);
	clients_send(all, parts[0].client, "<event>");
	hear_much(fd, 100 * PART, end);
	ck_assert_str_eq(hear(fd), "<100>\n<event>\n<next>\n");
	ck_assert_uint_eq(parts[0].client, 0);
	close(fd);
}
END_TEST

/* One part in a turn of the loop, whoever waits; each gets on. */
START_TEST(one_part_in_a_turn)
{
	char end[16];
	int fd[2] = { client(), client() };
	most_in_turn = 0;
	ck_assert_int_eq(write(fd[0], "long 60\n", 8), 8);
	ck_assert_int_eq(write(fd[1], "long 50\n", 8), 8);
	for (unsigned i = 0; i < 4; i++)
		turn();
	ck_assert(parts[0].asked > 1 && parts[1].asked > 1);
	hear_much(fd[1], 50 * PART + 5, end);
	ck_assert_str_eq(end + strlen(end) - 5, "<50>\n");
	hear_much(fd[0], 60 * PART + 5, end);
	ck_assert_str_eq(end + strlen(end) - 5, "<60>\n");
	ck_assert_uint_eq(most_in_turn, 1);
	close(fd[0]);
	close(fd[1]);
}
END_TEST

START_TEST(gone_in_the_middle_of_a_line)
{
	char end[16];
	int fd = client(), other = client();
	say(fd, "long 100\n");
	say(other, "long 30\n");
	close(fd);
	hear_much(other, 30 * PART + 5, end);
	ck_assert_uint_eq(gone, 1);
	say(other, "hello\n");
	ck_assert_str_eq(hear(other), "<hello>\n");
	/* Half closed: the answer that is under way comes to its end, and the connection with it. */
	say(other, "long 30\n");
	shutdown(other, SHUT_WR);
	hear_much(other, 30 * PART + 5, end);
	ck_assert_str_eq(hear(other), ".");
	close(other);
}
END_TEST

/* Thousands of requests of several clients that have come at once: a turn of the loop serves some of them, and all are served. */
START_TEST(requests_wait_for_the_next_turn)
{
	static char many[30000], long_one[CONTROL_LINE_MAX / 2 + 1];
	char end[16];
	int fd[3] = { client(), client(), client() };
	for (size_t i = 0; i < sizeof many; i += 3)
		memcpy(many + i, "hi\n", 3);
	memset(long_one, 'x', sizeof long_one);
	long_one[sizeof long_one - 1] = '\n';
	most_lines = 0;
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(write(fd[i], many, sizeof many), sizeof many);
	for (unsigned i = 0; i < 3; i++) {
		hear_much(fd[i], sizeof many / 3 * 5, end);
		ck_assert_str_eq(end, "<hi>\n<hi>\n<hi>\n");
	}
	ck_assert(most_lines > 10 && most_lines <= 64);
	most_lines = 0;
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(write(fd[i], long_one, sizeof long_one), sizeof long_one);
	for (unsigned i = 0; i < 3; i++)
		hear_much(fd[i], 63, end);
	ck_assert_uint_eq(most_lines, 1);
	for (unsigned i = 0; i < 3; i++)
		close(fd[i]);
}
END_TEST

/* ---------------------------------------------------------------- places */
static struct place places[PLACES_MAX];

static void take(unsigned from, unsigned n, uid_t uid, bool asked, int64_t since)
{
	for (unsigned i = from; i < from + n; i++)
		places[i] = (struct place){ .taken = true, .asked = asked, .uid = uid, .since = since };
}

START_TEST(nobody_takes_all_places)
{
	memset(places, 0, sizeof places);
	ck_assert_int_eq(place_for(places, 1000, 0), 0);
	take(0, PLACES_SHARE, 1000, true, 0);
	ck_assert_int_eq(place_for(places, 1000, 99999), -1); /* his share */
	ck_assert_int_eq(place_for(places, 1001, 99999), PLACES_SHARE);
	take(PLACES_SHARE, PLACES_MAX - PLACES_OF_ROOT - PLACES_SHARE, 1001, true, 0);
	ck_assert_int_eq(place_for(places, 1001, 99999), -1); /* what is left is root's */
	ck_assert_int_eq(place_for(places, 1002, 99999), -1);
	ck_assert_int_eq(place_for(places, 0, 99999), PLACES_MAX - PLACES_OF_ROOT);
	take(PLACES_MAX - PLACES_OF_ROOT, PLACES_OF_ROOT, 0, true, 0);
	ck_assert_int_eq(place_for(places, 0, 99999), -1);
	ck_assert(!places_left(places, 99999));
}
END_TEST

START_TEST(root_may_have_more_than_its_own)
{
	memset(places, 0, sizeof places);
	take(0, PLACES_MAX - 1, 0, true, 0);
	ck_assert_int_eq(place_for(places, 0, 1), PLACES_MAX - 1);
	ck_assert_int_eq(place_for(places, 1000, 1), PLACES_MAX - 1);
}
END_TEST

START_TEST(who_never_asked_goes_first)
{
	memset(places, 0, sizeof places);
	take(0, PLACES_SHARE, 1000, false, 5000);
	places[7].since = 4000;
	ck_assert_int_eq(place_for(places, 1000, 4999), -1); /* he may be about to ask */
	ck_assert_int_eq(place_for(places, 1000, 7000), 7);
	places[7].asked = true;
	ck_assert_int_eq(place_for(places, 1000, 7000), 0);
	/* Of several users the one who holds most; root's own only for root. */
	take(PLACES_SHARE, PLACES_MAX - PLACES_SHARE - PLACES_OF_ROOT, 1001, false, 1000);
	take(PLACES_MAX - PLACES_OF_ROOT, PLACES_OF_ROOT, 0, false, 1000);
	ck_assert_int_eq(place_for(places, 1002, 7000), 0);
	ck_assert_int_eq(place_for(places, 0, 7000), 0);
	take(0, PLACES_MAX - PLACES_OF_ROOT, 1001, true, 1000);
	ck_assert_int_eq(place_for(places, 1002, 7000), -1);
	ck_assert_int_eq(place_for(places, 0, 7000), PLACES_MAX - PLACES_OF_ROOT);
}
END_TEST

static int client_of(uid_t uid)
{
	peer = (struct ucred){ 1, uid, getgid() };
	int fd = client();
	for (unsigned i = 0; i < 3; i++)
		event_base_loop(base, EVLOOP_NONBLOCK);
	peer.pid = 0;
	return fd;
}

/* Sixty-four connections of a member that say nothing: root is answered, another member too, and so is he when he asks. */
START_TEST(idle_clients_lock_nobody_out)
{
	int idle[PLACES_MAX], at_once = 0;
	for (unsigned i = 0; i < PLACES_MAX; i++)
		idle[i] = client_of(12345);
	for (unsigned i = 0; i < PLACES_MAX; i++)
		at_once += recv(idle[i], &(char){ 0 }, 1, MSG_DONTWAIT | MSG_PEEK) != 0;
	ck_assert_int_ge(at_once, PLACES_SHARE);
	ck_assert_ptr_nonnull(strstr(hear(idle[PLACES_MAX - 1]), "\"busy\""));
	static const uid_t who[] = { 0, 12346, 12345 };
	for (unsigned i = 0; i < 3; i++) {
		if (who[i] == 12345)
			usleep(PLACES_IDLE * 1000 + 100000);
		int fd = client_of(who[i]);
		say(fd, "hello\n");
		ck_assert_str_eq(hear(fd), "<hello>\n");
		close(fd);
		turn();
	}
	for (unsigned i = 0; i < PLACES_MAX; i++)
		close(idle[i]);
}
END_TEST

/* All places are root's, and none of them idles for long enough: who comes waits, and is let in when that has changed. */
START_TEST(who_waits_is_let_in)
{
	int all_of_it[PLACES_MAX];
	for (unsigned i = 0; i < PLACES_MAX; i++)
		all_of_it[i] = client_of(0);
	int late = client();
	ck_assert_int_eq(write(late, "hello\n", 6), 6);
	ck_assert_str_eq(hear(late), "");
	for (unsigned i = 0; i < 3; i++) {
		usleep(PLACES_IDLE * 1000 / 2);
		turn();
	}
	ck_assert_str_eq(hear(late), "<hello>\n");
	for (unsigned i = 0; i < PLACES_MAX; i++)
		close(all_of_it[i]);
	close(late);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("clients");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, answers_keep_the_order_of_the_requests);
	tcase_add_test(t, early_clients_wait);
	tcase_add_test(t, others_do_not_wait);
	tcase_add_loop_test(t, half_closed, 0, 4);
	tcase_add_test(t, half_closed_while_an_answer_is_awaited);
	tcase_add_test(t, gone_while_an_answer_is_awaited);
	tcase_add_test(t, too_much_behind_a_waiting_request);
	tcase_add_test(t, too_long);
	tcase_add_loop_test(t, only_root_and_the_group_may_speak, 0, 6);
	tcase_add_test(t, a_slow_reader_costs_one_part);
	tcase_add_test(t, one_part_in_a_turn);
	tcase_add_test(t, gone_in_the_middle_of_a_line);
	tcase_add_test(t, requests_wait_for_the_next_turn);
	tcase_add_test(t, nobody_takes_all_places);
	tcase_add_test(t, root_may_have_more_than_its_own);
	tcase_add_test(t, who_never_asked_goes_first);
	tcase_add_test(t, idle_clients_lock_nobody_out);
	tcase_add_test(t, who_waits_is_let_in);
	return unit_run_case("clients", t);
}
