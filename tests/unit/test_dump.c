/*
 * test_dump.c - `s2sd -v -v`: a message becomes lines of the debug log that name the tunnel, and foreign text in it stays on its line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/dump.h"
#include "unit.h"
#include "wire/message.h"

static char *said(enum log_level level, const char *tunnel, const struct ike_action *a)
{
	char path[] = "/tmp/s2s-dump-XXXXXX";
	struct stat st;
	int fd = mkstemp(path), saved = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	log_open_stderr(level);
	dump(tunnel, a);
	dup2(saved, STDERR_FILENO);
	close(saved);
	ck_assert_int_eq(fstat(fd, &st), 0);
	char *text = calloc(1, (size_t)st.st_size + 1);
	ck_assert_int_eq(pread(fd, text, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	unlink(path);
	return text;
}

static struct ike_action traced(uint8_t *mem, size_t size)
{
	static const char id[] = "evil\naws-1: up";
	struct header h = { .major = 2, .exchange = EXCHANGE_IKE_AUTH, .flags = IKE_FLAG_INITIATOR, .message_id = 1 };
	struct payload v[] = { { .type = PAYLOAD_IDi, .id = { ID_FQDN, { (const uint8_t *)id, sizeof id - 1 } } },
		payload_notify(NOTIFY_AUTHENTICATION_FAILED, (struct bytes){ 0 }) };
	struct writer w;
	message_begin(&w, mem, size, &h);
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
		message_add(&w, &v[i]);
	struct ike_action a = { .kind = ACTION_TRACE, .trace = { .tunnel = 1, .out = true, .message = message_end(&w) } };
	ck_assert(addr_parse(&a.trace.local, "198.51.100.7") && addr_parse(&a.trace.remote, "203.0.113.10"));
	a.trace.local.port = a.trace.remote.port = 500;
	return a;
}

START_TEST(a_message)
{
	uint8_t mem[512];
	struct ike_action a = traced(mem, sizeof mem);
	char *text = said(LOG_LEVEL_DEBUG, "aws-1", &a);
	unsigned lines = 0;
	ck_assert_ptr_nonnull(strstr(text, " debug: aws-1: message to 203.0.113.10:500 from 198.51.100.7:500\n"));
	ck_assert_ptr_nonnull(strstr(text, "IKE_AUTH request 1"));
	ck_assert_ptr_nonnull(strstr(text, "AUTHENTICATION_FAILED"));
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++, lines++)
		ck_assert(p[1] == 0 || strstr(p + 1, " debug: aws-1: ") != NULL);
	ck_assert_uint_ge(lines, 4);
	ck_assert_ptr_null(strstr(text, "\naws-1: up"));
	free(text);
}
END_TEST

START_TEST(a_note)
{
	struct ike_action a = { .kind = ACTION_TRACE, .trace = { .tunnel = 1, .note = "request 1 again" } };
	ck_assert(addr_parse(&a.trace.local, "198.51.100.7") && addr_parse(&a.trace.remote, "203.0.113.10"));
	char *text = said(LOG_LEVEL_DEBUG, "aws-1", &a);
	ck_assert_ptr_nonnull(strstr(text, ": request 1 again\n"));
	free(text);
}
END_TEST

/* Cut or spoilt anywhere: said as far as it is understood, and that it is not. */
START_TEST(a_broken_message)
{
	uint8_t mem[512];
	struct ike_action a = traced(mem, sizeof mem);
	size_t whole = a.trace.message.n;
	for (size_t n = 0; n < whole; n++) {
		a.trace.message.n = n;
		char *text = said(LOG_LEVEL_DEBUG, "aws-1", &a);
		ck_assert_ptr_nonnull(strstr(text, "not understood"));
		free(text);
	}
}
END_TEST

START_TEST(not_when_nobody_wants_it)
{
	uint8_t mem[512];
	struct ike_action a = traced(mem, sizeof mem);
	char *text = said(LOG_LEVEL_INFO, "aws-1", &a);
	ck_assert_str_eq(text, "");
	free(text);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("dump");
	tcase_add_test(t, a_message);
	tcase_add_test(t, a_note);
	tcase_add_test(t, a_broken_message);
	tcase_add_test(t, not_when_nobody_wants_it);
	return unit_run_case("dump", t);
}
