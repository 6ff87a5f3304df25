/* test_keeper_conf.c - settings that cannot be handed to an engine are refused as they are read. The loader is the test's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/again.h"
#include "conf_help.h"
#include "ipc/ipc.h"
#include "keeper/keeper.h"
#include "unit.h"

static size_t packed;
static const char *settings; /* NULL: none at all */

/* ---------------------------------------------------------------- the world around */
struct conf_memory *conf_memory_new(void) { return NULL; }
void conf_memory_free(struct conf_memory *m) { (void)m; }
void conf_memory_keep(struct conf_memory *m, const struct conf *c) { (void)m, (void)c; }
size_t conf_memory_packed(const struct conf_memory *m)
{
	(void)m;
	return packed;
}
struct conf *conf_memory_load(struct conf_memory *m, const char *file, int64_t now, struct findings *faults, char why[FILE_WHY])
{
	(void)m, (void)file, (void)now;
	*faults = (struct findings){ 0 };
	why[0] = 0;
	return settings != NULL ? conf_good(settings) : xcalloc(1, sizeof(struct conf));
}
struct conf *keeper_saved_conf(struct keeper *k, const struct conf *fresh)
{
	(void)k, (void)fresh;
	return NULL;
}
void keeper_stores_renew(struct keeper *k) { (void)k; }
void keeper_save_conf(struct keeper *k) { (void)k; }
void keeper_note_exit(const struct keeper *k) { (void)k; }
void keeper_tunnels_refresh(struct keeper *k, const struct conf *old) { (void)k, (void)old; }
void keeper_signers_forget(struct keeper *k) { (void)k; }
void keeper_status(const struct keeper *k) { (void)k; }

/* ---------------------------------------------------------------- tests */

/* As -n, at the start, and by a reload: the running settings stay. */
START_TEST(what_no_engine_can_be_given_is_refused)
{
	struct keeper k;
	char words[MSG_RELOADED_TEXT];
	uint8_t room[4096];
	memset(&k, 0, sizeof k);
	packed = IPC_BLOB_MAX;
	ck_assert_int_eq(keeper_check("any"), 0);
	ck_assert(keeper_configure(&k));
	struct conf *running = k.conf;
	struct buf rows = buf_of(room, sizeof room);
	ck_assert(keeper_reload(&k, true, words, &rows));
	packed = IPC_BLOB_MAX + 1;
	ck_assert_int_eq(keeper_check("any"), 1);
	ck_assert(!keeper_reload(&k, true, words, &rows));
	ck_assert(!keeper_reload(&k, false, words, &rows));
	ck_assert_ptr_eq(k.conf, running);
	ck_assert_msg(strncmp(words, "all settings and their files together are 256 MiB, 256 at most: ", 64) == 0, "%s", words);
	ck_assert(!keeper_configure(&k));
	conf_free(running);
}
END_TEST

/* Not even where the settings of what is in use are written, as long as nobody reloads in earnest. */
START_TEST(a_dry_run_leaves_what_is_in_use)
{
	static const char *const mtu[] = { "", "\n    mtu: auto" };
	struct keeper k;
	char words[MSG_RELOADED_TEXT], text[200];
	uint8_t room[4096];
	memset(&k, 0, sizeof k);
	packed = 0;
	k.opt.verbose = 1;
	settings = text;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(text, sizeof text, "tunnels:\n  a:\n    remote: 192.0.2.1\n    psk-file: k1%s\n", mtu[i > 0]);
		struct buf rows = buf_of(room, sizeof room);
		ck_assert(i == 0 ? keeper_configure(&k) : keeper_reload(&k, i == 1, words, &rows));
		if (i > 0)
			ck_assert_str_eq(words, "0 added, 0 changed, 0 removed");
		ck_assert_int_eq(tunnel_conf_line(k.conf->tunnels[0], "mtu"), i == 2 ? 5 : 0);
	}
	conf_free(k.conf);
}
END_TEST

UNIT_MAIN("keeper_conf", what_no_engine_can_be_given_is_refused, a_dry_run_leaves_what_is_in_use)
