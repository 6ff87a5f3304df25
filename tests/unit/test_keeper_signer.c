/*
 * test_keeper_signer.c - the keeper with a signer that is late, says nonsense, or does not end when it is killed. The signer is this very program, started as
 * the keeper starts s2sd-signer; the clock and the way to the engine are the test's own.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/keys.h"
#include "ipc/helper.h"
#include "ipc/signer.h"
#include "keeper/keeper.h"
#include "made_cert.h"
#include "unit.h"

#define ALLOWED "S2SD_TEST_ALLOWED" /* a file: while it is there the signer answers */
#define NONSENSE "S2SD_TEST_NONSENSE"

static struct keeper k;
static struct tunnel_conf *tunnel;
static struct made root, leaf;
static char allowed[64];
static int64_t clock_ms;
static bool immortal;
static pid_t spared;
static unsigned answers;
static struct msg_auth_result last;
static struct ike_ticket last_ticket;

/* ---------------------------------------------------------------- the world around */
int64_t keeper_awake(void) { return clock_ms; }
bool keeper_may_complain(struct keeper *keeper)
{
	(void)keeper;
	return false;
}
void keeper_send(struct keeper *keeper, uint32_t kind, struct ike_ticket ticket, const void *body, size_t size)
{
	(void)keeper;
	ck_assert_uint_eq(kind, MSG_AUTH_RESULT);
	ck_assert_uint_eq(size, sizeof last);
	ck_assert_ptr_nonnull(body);
	memcpy(&last, body, sizeof last);
	last_ticket = ticket;
	answers++;
}

/* Stands before the C library's: who waits in the kernel does not hear. */
int kill(pid_t pid, int sig)
{
	if (immortal && sig == SIGKILL) {
		spared = pid;
		return 0;
	}
	return (int)syscall(SYS_kill, pid, sig);
}

/* ---------------------------------------------------------------- the signer */
static void answer(struct ipc *ipc, const struct ipc_message *m, uint8_t number)
{
	struct signer_sign head;
	struct signer_signature out;
	memset(&out, 0, sizeof out);
	memcpy(&head, m->body, sizeof head);
	out.scheme = head.scheme;
	out.len = 64;
	out.value[0] = number;
	bool nonsense = access(getenv(NONSENSE), F_OK) == 0;
	while (!nonsense && access(getenv(ALLOWED), F_OK) != 0)
		usleep(1000);
	ipc_send(ipc, nonsense ? SIGNER_FORGET : SIGNER_SIGNATURE, m->head.ticket, &out, sizeof out);
	ipc_flush(ipc);
	while (nonsense) /* nor does it see that the keeper has closed its end */
		pause();
}

/* With a key in a token comes the certificate that it must fit. */
static bool is_whole(const struct ipc_message *m)
{
	struct signer_key head;
	memcpy(&head, m->body, sizeof head);
	return m->head.size == sizeof head + head.size + head.leaf && (head.leaf > 0) == (head.uri != 0);
}

static int be_the_signer(void)
{
	struct ipc *ipc = ipc_new(HELPER_FD);
	struct pollfd p = { .fd = HELPER_FD, .events = POLLIN };
	struct ipc_message m;
	uint8_t number = 0;
	for (int got; (got = ipc_receive(ipc, &m)) >= 0;) {
		if (got == 0) {
			poll(&p, 1, -1);
			continue;
		}
		if (m.head.kind == SIGNER_KEY && !is_whole(&m))
			return 1;
		if (m.head.kind == SIGNER_SIGN)
			answer(ipc, &m, ++number);
		ipc_done(ipc, &m);
	}
	return 0;
}

/* ---------------------------------------------------------------- fixture */
static void put(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	snprintf(allowed, sizeof allowed, "/tmp/s2sd-signer-test-%d", (int)getpid());
	setenv(ALLOWED, allowed, 1);
	setenv(NONSENSE, "/nowhere", 1);
	root = made_ca("CN=root", NULL);
	leaf = made_leaf("CN=gw", &root, NULL);
	struct bytes pem = made_key_pem(leaf.key, NULL);
	memset(&k, 0, sizeof k);
	k.base = event_base_new();
	k.accounts.signer = k.accounts.token = (struct account){ getuid(), getgid() };
	k.signer_program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	k.opt.rundir = "/tmp";
	tunnel = xcalloc(1, sizeof *tunnel);
	tunnel->id = 1;
	tunnel->refs = 2; /* one is ours to the end */
	tunnel->cert.private_key = xstrdup("gw.key");
	tunnel->cert.key = xcalloc(1, sizeof *tunnel->cert.key + pem.n);
	tunnel->cert.key->len = pem.n;
	memcpy(tunnel->cert.key->data, pem.p, pem.n);
	der_list_add(&tunnel->cert.chain, leaf.der);
	made_kept(tunnel);
	clock_ms = 1000000;
	answers = 0;
	immortal = false;
}

static void teardown(void)
{
	keeper_signers_stop(&k);
	event_base_free(k.base);
	close(k.signer_program);
	unlink(allowed);
}

static void ask(uint32_t sa, uint32_t job)
{
	static const uint8_t octets[32] = { 1 };
	struct bytes some = bytes_of(octets, sizeof octets);
	struct auth_input in = { PRF_HMAC_SHA2_256, some, some, some, some };
	keeper_sign(&k, tunnel, (struct ike_ticket){ sa, job }, SIGN_HASHES_OURS | 1, &in);
}

/* Until `until` holds, ten seconds at most. */
static void run_until(bool (*until)(void))
{
	struct timeval step = { 0, 10000 };
	for (unsigned i = 0; i < 1000 && !until(); i++) {
		keeper_signers_flush(&k);
		event_base_loopexit(k.base, &step);
		event_base_dispatch(k.base);
	}
	ck_assert(until());
}
static bool one_answer(void) { return answers == 1; }
static bool two_answers(void) { return answers == 2; }
static bool somebody_is_spared(void) { return spared != 0 && answers == 1; }

/* ---------------------------------------------------------------- tests */

/* What an engine that died asked for is answered to nobody: the next one counts its tickets from the beginning, too. */
START_TEST(late_answers_go_to_nobody)
{
	ask(7, 1);
	keeper_signers_nobody_waits(&k);
	ask(7, 1);
	put(allowed);
	run_until(one_answer);
	ck_assert_int_eq(last.err, ERR_OK);
	ck_assert_uint_eq(last.auth[last.len - 64], 2); /* the second signature is the one that was asked for */
	ask(7, 2);
	run_until(two_answers);
	ck_assert_uint_eq(last_ticket.job, 2);
	ck_assert_uint_eq(last.auth[last.len - 64], 3);
}
END_TEST

static bool has_ended(void) { return waitpid(spared, NULL, WNOHANG) < 0 && errno == ECHILD; }

/* It waits in the kernel, in a token's driver. The keeper does not wait for it, and starts no other that would hang there, too. _i: of keys in tokens */
START_TEST(one_that_does_not_end_holds_up_nobody)
{
	if (_i == 1) {
		free(tunnel->cert.private_key);
		tunnel->cert.private_key = xstrdup("handle:0x81000001");
	}
	setenv(NONSENSE, "/", 1);
	immortal = true;
	spared = 0;
	ask(1, 1);
	clock_ms += 60000;
	run_until(somebody_is_spared);
	ck_assert_int_eq(last.err, ERR_CRYPTO);
	ck_assert_str_eq(last.why, "the signer said something that is no answer");
	ask(1, 2); /* who was killed just now has never ended yet */
	ck_assert_uint_eq(answers, 2);
	ck_assert_str_eq(last.why, "the signer has failed a moment ago");
	clock_ms += 60000;
	ask(1, 2);
	ck_assert_uint_eq(answers, 3);
	ck_assert_int_eq(last.err, ERR_CRYPTO);
	ck_assert_str_eq(last.why, _i == 1 ? "the signer was killed and does not end: it hangs in the driver of its token"
					   : "the signer was killed and does not end");
	/* It comes out of the kernel, and is collected by nobody but the loop. */
	immortal = false;
	ck_assert_int_eq(kill(spared, SIGKILL), 0);
	answers = 0;
	unsetenv(NONSENSE);
	setenv(NONSENSE, "/nowhere", 1);
	run_until(has_ended);
	put(allowed);
	ask(1, 3);
	run_until(one_answer);
	ck_assert_int_eq(last.err, ERR_OK);
}
END_TEST

static bool nobody_is_left(void)
{
	siginfo_t info;
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

/* Who fails is not started again and again. */
START_TEST(a_second_between_two_starts)
{
	setenv(NONSENSE, "/", 1);
	ask(1, 1);
	run_until(one_answer);
	run_until(nobody_is_left);
	ask(1, 2);
	ck_assert_str_eq(last.why, "the signer has failed a moment ago");
	clock_ms += 1000;
	setenv(NONSENSE, "/nowhere", 1);
	put(allowed);
	answers = 0;
	ask(1, 3);
	run_until(one_answer);
	ck_assert_int_eq(last.err, ERR_OK);
}
END_TEST

int main(int argc, char **argv)
{
	if (argc == 1 && strcmp(argv[0], SIGNER_PROGRAM) == 0)
		return be_the_signer();
	TCase *t = tcase_create("keeper_signer");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, late_answers_go_to_nobody);
	tcase_add_loop_test(t, one_that_does_not_end_holds_up_nobody, 0, 2);
	tcase_add_test(t, a_second_between_two_starts);
	return unit_run_case("keeper_signer", t);
}
