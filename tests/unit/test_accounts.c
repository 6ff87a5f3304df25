/* test_accounts.c - as whom the processes run: with the accounts of the package, with those of an earlier release, and with none. */
#include "keeper/accounts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "unit.h"

static char dir[32], passwd[48], group[48];
static char logged[4096];

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* What is logged meanwhile lies in `logged`. */
static bool found(const char *users, const char *groups, const char *user, const char *control, struct accounts *out)
{
	char path[48];
	snprintf(dir, sizeof dir, "/tmp/s2sd-accounts-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(passwd, sizeof passwd, "%s/passwd", dir);
	snprintf(group, sizeof group, "%s/group", dir);
	snprintf(path, sizeof path, "%s/log", dir);
	put(passwd, users);
	put(group, groups);
	fflush(stderr);
	int old = dup(STDERR_FILENO);
	ck_assert_ptr_nonnull(freopen(path, "w+", stderr));
	log_open_stderr(LOG_LEVEL_DEBUG);
	struct account_files files = { passwd, group };
	bool ok = accounts_find(&files, user, control, out);
	fflush(stderr);
	rewind(stderr);
	logged[fread(logged, 1, sizeof logged - 1, stderr)] = 0;
	dup2(old, STDERR_FILENO);
	close(old);
	unlink(passwd);
	unlink(group);
	unlink(path);
	rmdir(dir);
	return ok;
}

#define USERS "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
#define GROUPS "root:x:0:\nnogroup:x:65534:\n"
#define RESOLVER "s2sd-resolver:x:802:902::/:/bin/false\n"
#define SIGNER "s2sd-signer:x:803:903::/:/bin/false\n"
#define TOKEN "s2sd-token:x:804:904::/:/bin/false\n"

START_TEST(the_packages_accounts)
{
	struct accounts a;
	ck_assert(found(USERS "s2sd:x:801:901::/:/bin/false\n" RESOLVER SIGNER TOKEN,
		GROUPS "s2sd:x:900:joe\ns2sd-engine:x:901:\ns2sd-resolver:x:902:\n", "s2sd", "s2sd", &a));
	ck_assert_uint_eq(a.engine.uid, 801);
	ck_assert_uint_eq(a.engine.gid, 901);
	ck_assert_uint_eq(a.resolver.uid, 802);
	ck_assert_uint_eq(a.resolver.gid, 902);
	ck_assert_uint_eq(a.signer.uid, 803);
	ck_assert_uint_eq(a.signer.gid, 903);
	ck_assert_uint_eq(a.token.uid, 804);
	ck_assert_uint_eq(a.token.gid, 904);
	ck_assert_uint_eq(a.n_token_groups, 0);
	ck_assert_uint_eq(a.control, 900);
	ck_assert_str_eq(logged, "");
}
END_TEST

/* One whose user has the operators' group: it goes on, without that group, and is told what to do. */
START_TEST(an_account_of_an_earlier_release)
{
	struct accounts a;
	const char *users = USERS "s2sd:x:801:900::/:/bin/false\n" RESOLVER;
	ck_assert(found(users, GROUPS "s2sd:x:900:\ns2sd-engine:x:901:\n", "s2sd", "s2sd", &a));
	ck_assert_uint_eq(a.engine.uid, 801);
	ck_assert_uint_eq(a.engine.gid, 901);
	ck_assert_uint_eq(a.control, 900);
	ck_assert_ptr_nonnull(strstr(logged, "usermod -g s2sd-engine s2sd"));
	ck_assert(found(users, GROUPS "s2sd:x:900:\n", "s2sd", "s2sd", &a));
	ck_assert_uint_eq(a.engine.gid, 65534);
	ck_assert_uint_eq(a.control, 900);
	ck_assert(found(users, GROUPS, "s2sd", "nogroup", &a));
	ck_assert_uint_eq(a.engine.gid, 900);
	ck_assert(found(USERS "s2sd:x:801:65534::/:/bin/false\n" RESOLVER, GROUPS, "s2sd", "nogroup", &a));
	ck_assert_uint_ne(a.engine.gid, a.control);
	ck_assert_uint_ne(a.engine.gid, 0);
}
END_TEST

/* The resolver's group is judged like the engine's. */
START_TEST(a_resolver_in_the_control_group)
{
	struct accounts a;
	ck_assert(found(
		USERS "s2sd:x:801:901::/:/bin/false\n" RESOLVER, GROUPS "s2sd:x:902:\ns2sd-engine:x:901:\n", "s2sd", "s2sd", &a));
	ck_assert_uint_eq(a.engine.gid, 901);
	ck_assert_uint_eq(a.control, 902);
	ck_assert_uint_eq(a.resolver.gid, 901);
	ck_assert_ptr_nonnull(strstr(logged, "usermod -g s2sd-engine s2sd-resolver"));
}
END_TEST

START_TEST(the_resolver_is_never_the_engine)
{
	static const struct {
		const char *users, *user;
		uid_t engine, resolver;
	} rows[] = {
		{ USERS "s2sd:x:801:901::/:/bin/false\n", "s2sd", 801, 65534 }, /* no account of its own: nobody */
		{ USERS, "s2sd", 65534, 65533 }, /* the engine is nobody: a number that is nobody's */
		{ USERS "joe:x:65533:100::/:/bin/sh\n", "s2sd", 65534, 65532 },
		{ USERS RESOLVER, "s2sd", 65534, 802 },
		{ USERS RESOLVER, "s2sd-resolver", 802, 65534 },
		{ "root:x:0:0::/:/bin/sh\ns2sd:x:801:901::/:/bin/false\n", "s2sd", 801, 65533 },
		{ USERS "s2sd:x:801:901::/:/bin/false\ns2sd-resolver:x:0:0::/:/bin/sh\n", "s2sd", 801, 65534 },
	};
	struct accounts a;
	ck_assert(found(rows[_i].users, GROUPS, rows[_i].user, "s2sd", &a));
	ck_assert_uint_eq(a.engine.uid, rows[_i].engine);
	ck_assert_uint_eq(a.resolver.uid, rows[_i].resolver);
	if (rows[_i].resolver != 802)
		ck_assert_ptr_nonnull(strstr(logged, "no user s2sd-resolver"));
	ck_assert_uint_eq(a.control, 0);
	ck_assert_ptr_nonnull(strstr(logged, "group s2sd does not exist: only root"));
}
END_TEST

/* Who has private keys is none of those who hear strangers. */
START_TEST(the_signer_is_neither_of_the_others)
{
	static const struct {
		const char *users, *user;
		uid_t signer;
	} rows[] = {
		{ USERS "s2sd:x:801:901::/:/bin/false\n" RESOLVER, "s2sd", 65534 },
		{ USERS "s2sd:x:801:901::/:/bin/false\n", "s2sd", 65533 }, /* the resolver is nobody */
		{ USERS, "s2sd", 65532 },
		{ USERS SIGNER, "s2sd-signer", 65533 }, /* the settings give its user to the engine, and the resolver is nobody */
		{ USERS RESOLVER SIGNER, "s2sd-resolver", 803 },
		{ USERS RESOLVER "s2sd-signer:x:0:0::/:/bin/sh\n", "s2sd", 65533 },
	};
	struct accounts a;
	ck_assert(found(rows[_i].users, GROUPS, rows[_i].user, "s2sd", &a));
	ck_assert_uint_eq(a.signer.uid, rows[_i].signer);
	if (rows[_i].signer != 803)
		ck_assert_ptr_nonnull(strstr(logged, "no user s2sd-signer"));
}
END_TEST

START_TEST(the_token_signer_is_none_of_the_others)
{
	static const struct {
		const char *users, *user;
		uid_t token;
	} rows[] = {
		{ USERS "s2sd:x:801:901::/:/bin/false\n" RESOLVER SIGNER, "s2sd", 65534 },
		{ USERS "s2sd:x:801:901::/:/bin/false\n" RESOLVER, "s2sd", 65533 }, /* the other signer is nobody */
		{ USERS, "s2sd", 65531 },
		{ USERS RESOLVER SIGNER TOKEN, "s2sd-token", 65534 },
	};
	struct accounts a;
	ck_assert(found(rows[_i].users, GROUPS, rows[_i].user, "s2sd", &a));
	ck_assert_uint_eq(a.token.uid, rows[_i].token);
	ck_assert_ptr_nonnull(strstr(logged, "no user s2sd-token for private keys in tokens"));
}
END_TEST

/* As a member of tss it has the TPM; what it is a member of besides is no way to us, and not root's. */
START_TEST(groups_of_the_token_signer)
{
	struct accounts a;
	ck_assert(found(USERS "s2sd:x:801:901::/:/bin/false\n" RESOLVER SIGNER TOKEN,
		"root:x:0:s2sd-token\ns2sd:x:900:joe,s2sd-token\ns2sd-engine:x:901:s2sd-token\ns2sd-resolver:x:902:s2sd-token\n"
		"s2sd-signer:x:903:s2sd-token\ns2sd-token:x:904:s2sd-token\ntss:x:120:tss,s2sd-token\nsofthsm:x:121:s2sd-tokens\n"
		"pcscd:x:122:s2sd-token,joe\n",
		"s2sd", "s2sd", &a));
	ck_assert_uint_eq(a.token.gid, 904);
	ck_assert_uint_eq(a.n_token_groups, 2);
	ck_assert_uint_eq(a.token_groups[0], 120);
	ck_assert_uint_eq(a.token_groups[1], 122);
}
END_TEST

START_TEST(nobody_fit_for_the_engine)
{
	struct accounts a;
	ck_assert(!found(USERS, GROUPS, "root", "s2sd", &a));
	ck_assert_ptr_nonnull(strstr(logged, "user root cannot be used: it is root"));
	ck_assert(!found("root:x:0:0::/:/bin/sh\n", GROUPS, "s2sd", "s2sd", &a));
	ck_assert_ptr_nonnull(strstr(logged, "user s2sd cannot be used: it does not exist"));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("accounts");
	tcase_add_test(t, the_packages_accounts);
	tcase_add_test(t, an_account_of_an_earlier_release);
	tcase_add_test(t, a_resolver_in_the_control_group);
	tcase_add_loop_test(t, the_resolver_is_never_the_engine, 0, 7);
	tcase_add_loop_test(t, the_signer_is_neither_of_the_others, 0, 6);
	tcase_add_loop_test(t, the_token_signer_is_none_of_the_others, 0, 4);
	tcase_add_test(t, groups_of_the_token_signer);
	tcase_add_test(t, nobody_fit_for_the_engine);
	return unit_run_case("accounts", t);
}
