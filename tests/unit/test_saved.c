/*
 * test_saved.c - what a run of the keeper saves is what the next one finds: configuration, keys by their fingerprints, links, slots, SAs.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/store.h"
#include "base/util.h"
#include "conf/keys.h"
#include "conf_help.h"
#include "daemon_help.h"
#include "keeper/keeper.h"
#include "unit.h"

#define TUNNELS \
	"tunnels:\n" \
	"  a: { remote: 192.0.2.1, psk-file: a-long-enough-name, routes: 10.1.0.0/16, mtu: 1300 }\n"
#define MORE "  b: { remote: 192.0.2.2, psk-file: another-long-enough-name, routes: 10.2.0.0/16 }\n"

static struct keeper k;
static struct store_bind here;
static int file;

static void begin(const char *yaml)
{
	memset(&k, 0, sizeof k);
	k.ops = &kernel_null;
	k.phase = PHASE_DOWN;
	k.base = event_base_new();
	table_init(&k.tunnels, 1);
	k.conf = conf_good(yaml);
}

static void end(void)
{
	store_close(k.stores.v);
	k.stores.v = NULL;
	keeper_forget_saved_conf(&k);
	keeper_kernel_close(&k);
	event_base_free(k.base);
	conf_free(k.conf);
	conf_free(k.next);
}

static void setup(void)
{
	char why[STORE_WHY];
	const char *word;
	ck_assert_msg(alg_init(&word), "%s", word);
	file = store_memory("test");
	ck_assert(store_bind_here(&here, STORE_OF_KEEPER, STORE_KEEPER_RECORDS, why));
	begin(TUNNELS MORE);
	conf_adopt(k.conf, NULL);
	memset(k.stores.salt, 7, sizeof k.stores.salt);
	k.stores.v = store_create(file, &here, why);
	ck_assert_ptr_nonnull(k.stores.v);
	keeper_save_conf(&k);
	ck_assert(keeper_kernel_open(&k));
}

static void teardown(void)
{
	end();
	close(file);
}

/* The same settings read anew, or others, by a run that finds what the last one left. */
static struct conf *restart(const char *yaml)
{
	char why[STORE_WHY];
	end();
	begin(yaml);
	k.stores.v = store_open(file, &here, NULL, NULL, why);
	ck_assert_msg(k.stores.v != NULL, "%s", why);
	k.stores.found = true;
	return keeper_saved_conf(&k, k.conf);
}

static const struct tunnel_conf *one(const char *name) { return conf_find(k.conf, name); }

START_TEST(what_did_not_change_goes_on)
{
	uint32_t a = one("a")->id, b = one("b")->id;
	struct conf *old = restart(TUNNELS MORE);
	ck_assert_ptr_nonnull(old);
	conf_resume(k.conf, old);
	ck_assert(one("a")->id == a && one("b")->id == b);
	ck_assert(conf_find(old, "a") == one("a") && conf_find(old, "b") == one("b"));
	ck_assert_int_gt(
		tunnel_conf_line(one("a"), "mtu"), 0); /* it is the object that was read, not the one that was unpacked */
	conf_free(old);
}
END_TEST

/* A program of another version left it, which has a key that we do not know and lacks one that nobody wrote. */
START_TEST(another_version_is_gone_on_with)
{
	struct bytes record;
	ck_assert(store_get(k.stores.v, 0, &record));
	uint8_t *word, *copy = malloc(record.n);
	memcpy(copy, record.p, record.n);
	word = memmem(copy, record.n, "\003mss", 4);
	ck_assert_ptr_nonnull(word);
	word[1] = 'q';
	ck_assert(store_put(k.stores.v, 0, bytes_of(copy, record.n)));
	free(copy);
	struct conf *old = restart(TUNNELS MORE);
	ck_assert_ptr_nonnull(old);
	conf_resume(k.conf, old);
	ck_assert(conf_find(old, "a") == one("a") && conf_find(old, "b") == one("b"));
	conf_free(old);
}
END_TEST

START_TEST(what_changed_is_told_apart)
{
	uint32_t b = one("b")->id;
	struct conf *old = restart("tunnels:\n"
				   "  aa: { remote: 192.0.2.3, psk-file: a-long-enough-name, routes: 10.3.0.0/16 }\n"
				   "  b: { remote: 192.0.2.2, psk-file: yet-another-long-name, routes: 10.2.0.0/16 }\n");
	const char *key;
	ck_assert_ptr_nonnull(old);
	conf_resume(k.conf, old);
	ck_assert_uint_eq(one("b")->id, b);
	ck_assert_uint_ne(one("aa")->id, conf_find(old, "a")->id);
	ck_assert_ptr_ne(conf_find(old, "b"), one("b"));
	ck_assert_int_eq(tunnel_conf_diff(conf_find(old, "b"), one("b"), &key), EFFECT_RESTART);
	conf_free(old);
}
END_TEST

/* Of 40 tunnels those that are even, or all; the one whose number is `other` with other settings, and with another key if that is odd. */
static struct conf *many(bool all, unsigned other)
{
	static char text[8000];
	size_t n = (size_t)snprintf(text, sizeof text, "tunnels:\n");
	for (unsigned i = 0; i < 40; i++)
		if (all || i % 2 == 0)
			n += (size_t)snprintf(text + n, sizeof text - n,
				"  t%02u: { remote: 192.0.2.%u, psk-file: the-long-name-of-key-%u, mtu: %u }\n", i, i + 1,
				i == other && i % 2 != 0 ? 100 + i : i, i == other ? 1300u : 1400u);
	return conf_good(text);
}

static void reload_to(struct conf *c)
{
	conf_adopt(c, k.conf);
	conf_free(k.conf);
	k.conf = c;
	keeper_save_conf(&k);
}

/* The next run reads what was saved, and this one goes on. */
static void is_saved(void)
{
	struct keeper next = { .stores = { .v = k.stores.v } };
	struct bytes now = conf_pack(k.conf);
	struct conf *old = keeper_saved_conf(&next, k.conf);
	ck_assert_ptr_nonnull(old);
	struct bytes then = conf_pack(old);
	ck_assert(bytes_equal(now, then));
	for (uint32_t i = 0; i < old->n; i++)
		ck_assert(psk_same(old->tunnels[i]->psk, k.conf->tunnels[i]->psk));
	free((void *)now.p);
	free((void *)then.p);
	conf_free(old);
	keeper_forget_saved_conf(&next);
}

static bool is_there(uint32_t part, unsigned which)
{
	struct bytes record;
	return store_get(k.stores.v, STORE_PARTS_FROM + 2 * part + which, &record);
}

START_TEST(a_reload_writes_the_parts_that_changed)
{
	reload_to(many(true, 99));
	is_saved();
	bool first = is_there(0, 0), second = is_there(1, 0), third = is_there(2, 0);
	for (unsigned i = 0; i < 3; i++)
		ck_assert(is_there(i, 0) != is_there(i, 1));
	uint32_t id = one("t20")->id;
	reload_to(many(true, 20));
	is_saved();
	ck_assert(is_there(0, 0) == (id / 16 == 0 ? !first : first) && is_there(1, 0) == (id / 16 == 1 ? !second : second) &&
		  is_there(2, 0) == (id / 16 == 2 ? !third : third));
	/* It has died while it wrote the next one. */
	uint8_t nonsense[40] = { 0xff, 0xff };
	ck_assert(store_put(k.stores.v, STORE_PARTS_FROM + is_there(0, 0), bytes_of(nonsense, sizeof nonsense)));
	is_saved();
	ck_assert(is_there(0, 0) != is_there(0, 1));
	for (unsigned i = 0; i < 20; i++) {
		reload_to(many(i % 5 != 0, i * 7 % 40));
		is_saved();
	}
	reload_to(conf_good(""));
	is_saved();
	ck_assert_uint_eq(store_count(k.stores.v), 1);
}
END_TEST

/* 40 tunnels with certificates and a large list, of this content, that all have; one has another, or 99: none. */
static struct conf *certified(uint8_t content, unsigned other)
{
	static char text[10000];
	static uint8_t list[CERT_CRL_SIZE_MAX];
	size_t n = (size_t)snprintf(text, sizeof text, "tunnels:\n");
	for (unsigned i = 0; i < 40; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
			"  t%02u: { remote: 192.0.2.%u, certificate: gw-chain.pem, private-key: gw.key, ca: root.pem, crl: root-crl.pem, "
			"remote-id: 'CN=p%u' }\n",
			i, i + 1, i);
	struct conf *c = conf_good(text);
	for (unsigned i = 0; i < 40; i++) {
		memset(list, i == other ? 255 : content, sizeof list);
		der_list_add(&c->tunnels[i]->cert.crls, bytes_of(list, sizeof list));
	}
	return c;
}

static unsigned saved_files(void)
{
	struct bytes record;
	size_t it = 0;
	uint32_t key;
	unsigned n = 0;
	while (store_next(k.stores.v, &it, &key, &record))
		n += key >= STORE_FILES_FROM && key < STORE_FILES_END;
	return n;
}

/* What is in a file of many tunnels is one record, which a reload that does not change it leaves alone, and which goes with the last that had it. */
START_TEST(what_tunnels_share_is_saved_once)
{
	struct bytes list, still;
	const size_t large = CERT_CRL_SIZE_MAX;
	const unsigned small = 2 + 1 + 1;
	reload_to(many(true, 99)); /* at first nothing has any */
	is_saved();
	reload_to(certified(1, 99));
	is_saved();
	ck_assert_uint_eq(saved_files(), small + 1);
	ck_assert_uint_lt(store_used(k.stores.v), large + 40 * 1000);
	ck_assert(store_get(k.stores.v, STORE_FILES_FROM + small, &list) && list.n == large);
	reload_to(certified(1, 7));
	is_saved();
	ck_assert_uint_eq(saved_files(), small + 2);
	ck_assert(store_get(k.stores.v, STORE_FILES_FROM + small, &still) && still.p == list.p);
	/* The next run does not write it again, and keeps it where it is; what a death has left beside goes. */
	ck_assert(store_put(k.stores.v, STORE_FILES_FROM + 1000, bytes_of("nobody's", 8)));
	conf_free(k.conf);
	k.conf = certified(1, 7);
	struct conf *old = keeper_saved_conf(&k, k.conf);
	ck_assert_ptr_nonnull(old);
	conf_resume(k.conf, old);
	conf_free(old);
	ck_assert_uint_eq(saved_files(), small + 2);
	keeper_save_conf(&k);
	is_saved();
	ck_assert(store_get(k.stores.v, STORE_FILES_FROM + small, &still) && still.p == list.p);
	/* Another list for all: never in the place of what the former parts name. */
	reload_to(certified(2, 99));
	is_saved();
	ck_assert_uint_eq(saved_files(), small + 1);
	ck_assert(!store_get(k.stores.v, STORE_FILES_FROM + small, &list));
	reload_to(conf_good(""));
	is_saved();
	ck_assert_uint_eq(store_count(k.stores.v), 1);
}
END_TEST

/* The last two of each tunnel get these numbers. */
static void renumber(uint32_t first, uint32_t second)
{
	static const uint8_t before[] = { 1, 0, 0, 0, 2, 2, 0, 0, 0, 3, 0, 0, 0, 4 };
	static uint8_t room[CERT_CRL_SIZE_MAX];
	const uint32_t now[] = { first, second };
	struct bytes record;
	for (unsigned i = 0; i < 2; i++) {
		ck_assert(store_get(k.stores.v, STORE_FILES_FROM + 3 + i, &record));
		memcpy(room, record.p, record.n);
		ck_assert(store_put(k.stores.v, STORE_FILES_FROM + now[i], bytes_of(room, record.n)));
		store_drop(k.stores.v, STORE_FILES_FROM + 3 + i);
	}
	for (uint32_t part = 0; part < 3; part++) {
		uint32_t key = STORE_PARTS_FROM + 2 * part + is_there(part, 1);
		ck_assert(store_get(k.stores.v, key, &record));
		size_t n = record.n;
		memcpy(room, record.p, n);
		for (uint8_t *at = room; (at = memmem(at, n - (size_t)(at - room), before, sizeof before)) != NULL;) {
			struct buf b = buf_of(at + 6, 8);
			put_u32(&b, first);
			put_u32(&b, second);
		}
		ck_assert(store_put(k.stores.v, key, bytes_of(room, n)));
	}
}

/* The bound is on numbers, not on what there is room for. */
START_TEST(files_of_high_numbers)
{
	struct bytes record;
	const uint32_t last = STORE_FILES_END - STORE_FILES_FROM - 1;
	reload_to(certified(1, 99));
	renumber(last - 1, last);
	conf_free(k.conf);
	k.conf = certified(1, 99);
	struct conf *old = keeper_saved_conf(&k, k.conf);
	ck_assert_ptr_nonnull(old);
	conf_resume(k.conf, old);
	conf_free(old);
	keeper_save_conf(&k);
	is_saved();
	ck_assert(store_get(k.stores.v, STORE_FILES_FROM + last, &record));
}
END_TEST

/* A record that names what is not there is not gone on with. */
START_TEST(a_file_that_is_not_there)
{
	reload_to(certified(1, 99));
	store_drop(k.stores.v, STORE_FILES_FROM + 2);
	struct keeper next = { .stores = { .v = k.stores.v } };
	ck_assert_ptr_null(keeper_saved_conf(&next, k.conf));
	keeper_forget_saved_conf(&next);
}
END_TEST

START_TEST(no_key_is_in_it)
{
	struct stat st;
	const struct psk *psk = one("a")->psk;
	ck_assert_int_eq(fstat(file, &st), 0);
	uint8_t *all = malloc((size_t)st.st_size);
	ck_assert_int_eq(pread(file, all, (size_t)st.st_size, 0), st.st_size);
	ck_assert_ptr_null(memmem(all, (size_t)st.st_size, psk->data, psk->len));
	free(all);
}
END_TEST

/* ---------------------------------------------------------------- tunnels */
static struct esp_link_state link_up(void)
{
	struct esp_link_state s = { .tunnel = one("a")->id, .state = LINK_UP, .encap = true };
	s.suite = (struct suite){ PROTOCOL_ESP, ENCR_AES_GCM_16, 128, 0, INTEG_NONE, 0, 1 };
	ck_assert(addr_parse(&s.local, "198.51.100.7") && addr_parse(&s.remote, "192.0.2.1"));
	s.local.port = s.remote.port = 4500;
	return s;
}

static struct esp_sa sa_of(uint32_t spi, uint8_t dir)
{
	struct esp_link_state s = link_up();
	return (struct esp_sa){ .tunnel = s.tunnel, .spi = spi, .dir = dir, .encap = true, .local = s.local, .remote = s.remote };
}

static struct esp_held *note(const struct esp_sa *sa)
{
	struct esp_held h = {
		.tunnel = sa->tunnel, .spi = sa->spi, .dir = sa->dir, .encap = sa->encap, .local = sa->local, .remote = sa->remote
	};
	return keeper_sa_note(keeper_tunnel(&k, sa->tunnel), &h);
}

static void make_busy(void)
{
	struct tunnel_run *t = keeper_tunnel(&k, one("a")->id);
	struct esp_sa in = sa_of(0x1111, ESP_IN), out = sa_of(0x2222, ESP_OUT), old = sa_of(0x3333, ESP_OUT);
	struct esp_switch s = { .tunnel = in.tunnel, .slot = 1, .spi_out = 0x2222, .local = in.local, .remote = in.remote };
	esp_switch_put(&s, one("a")->local_ts, one("a")->remote_ts);
	note(&in);
	note(&out)->expiring = true;
	keeper_sa_drop(&k, note(&old));
	keeper_switch_set(t, &s);
	t->linked = true;
	t->link = t->up = link_up();
	t->link.state = LINK_DORMANT;
	keeper_save_tunnel(&k, t);
}

static unsigned resumed;
static struct kernel_kept kept[4];
static struct esp_switch slot;
static int fake_resume(struct kernel *kernel, const struct kernel_kept *v, unsigned n)
{
	(void)kernel;
	resumed = n;
	for (unsigned i = 0; i < n && i < 4; i++)
		kept[i] = v[i];
	if (v[0].n_switches == 1)
		memcpy(&slot, v[0].switches[0], esp_switch_size(v[0].switches[0]));
	return 0;
}

static void go_on(const char *yaml)
{
	static struct kernel_ops ops;
	struct conf *old = restart(yaml);
	ck_assert_ptr_nonnull(old);
	ops = kernel_null;
	ops.resume = fake_resume;
	k.ops = &ops;
	conf_resume(k.conf, old);
	k.next = k.conf;
	k.conf = old;
	ck_assert(keeper_kernel_open(&k));
}

START_TEST(a_tunnel_is_found_as_it_was)
{
	make_busy();
	go_on(TUNNELS MORE);
	struct tunnel_run *t = keeper_tunnel(&k, one("a")->id);
	struct esp_link_state up = link_up();
	ck_assert_uint_eq(resumed, 2);
	ck_assert(kept[0].n_sas == 2 && kept[1].n_sas == 0 && kept[0].n_switches == 1 && kept[1].n_switches == 0);
	ck_assert(slot.spi_out == 0x2222 && slot.slot == 1 && slot.n_remote == 1 && addr_equal(&slot.remote, &up.remote));
	ck_assert(kept[0].link.tunnel == t->conf->id && kept[0].link.state == LINK_DORMANT && kept[0].up.state == LINK_UP);
	ck_assert(addr_equal(&kept[0].up.remote, &up.remote) && suite_equal(&kept[0].up.suite, &up.suite) && kept[0].up.encap);
	ck_assert_uint_eq(kept[1].link.tunnel, 0);
	ck_assert(t->set == SET_DONE && t->n_sas == 2 && t->n_switches == 1);
	ck_assert(keeper_sa(&k, t->conf->id, ESP_OUT, 0x2222)->expiring && !keeper_sa(&k, t->conf->id, ESP_IN, 0x1111)->expiring);
	ck_assert(keeper_sa(&k, t->conf->id, ESP_IN, 0x1111)->encap);
	ck_assert_uint_eq(keeper_sas_count(&k), 2);
}
END_TEST

/* Selectors that are not the configured ones are kept, too; a slot that is gone takes nobody else's place. */
START_TEST(slots_are_found_as_they_were)
{
	make_busy();
	struct tunnel_run *t = keeper_tunnel(&k, one("a")->id);
	struct esp_sa out = sa_of(0x2222, ESP_OUT);
	struct esp_switch s = { .tunnel = out.tunnel, .slot = 2, .spi_out = 0x2222, .local = out.local, .remote = out.remote };
	struct ts_list narrow;
	ts_list_copy(&narrow, one("a")->remote_ts);
	ck_assert(addr_parse(&narrow.v[0].lo, "10.1.7.0") && addr_parse(&narrow.v[0].hi, "10.1.7.255"));
	esp_switch_put(&s, one("a")->local_ts, &narrow);
	keeper_switch_set(t, &s);
	ck_assert_uint_eq(t->n_switches, 2);
	keeper_switch_set(t, &(struct esp_switch){ .tunnel = out.tunnel, .slot = 1 });
	keeper_switch_set(t, &(struct esp_switch){ .tunnel = out.tunnel, .slot = 3 });
	keeper_save_tunnel(&k, t);
	go_on(TUNNELS MORE);
	ck_assert(kept[0].n_switches == 1 && slot.slot == 2 && slot.spi_out == 0x2222 && slot.n_local == 1 && slot.n_remote == 1);
	ck_assert(addr_equal(&slot.ts[1].lo, &narrow.v[0].lo) && addr_equal(&slot.ts[1].hi, &narrow.v[0].hi));
	ck_assert(addr_equal(&slot.ts[0].lo, &one("a")->local_ts->v[0].lo));
}
END_TEST

/* The addresses of either family; those that stand before take no room. */
START_TEST(addresses_of_sas)
{
	struct esp_sa four = sa_of(0x1111, ESP_IN), six = sa_of(0x6666, ESP_IN);
	ck_assert(addr_parse(&six.local, "2001:db8::7") && addr_parse(&six.remote, "2001:db8:1::1"));
	six.local.port = six.remote.port = 4500;
	struct tunnel_run *t = keeper_tunnel(&k, four.tunnel);
	note(&four);
	keeper_save_tunnel(&k, t);
	size_t before = store_used(k.stores.v);
	note(&(struct esp_sa){ four.tunnel, .spi = 0x5555, .dir = ESP_OUT, .local = four.local, .remote = four.remote });
	keeper_save_tunnel(&k, t);
	ck_assert_uint_le(store_used(k.stores.v) - before, 16);
	note(&six);
	keeper_save_tunnel(&k, t);
	go_on(TUNNELS MORE);
	const struct esp_held *a = keeper_sa(&k, four.tunnel, ESP_IN, 0x1111), *b = keeper_sa(&k, four.tunnel, ESP_IN, 0x6666);
	ck_assert(a != NULL && addr_equal(&a->local, &four.local) && addr_equal(&a->remote, &four.remote));
	ck_assert(b != NULL && addr_equal(&b->local, &six.local) && addr_equal(&b->remote, &six.remote));
}
END_TEST

/* A slot whose SA is gone lets nothing out; what the settings do not grant any more is not taken over. */
START_TEST(what_is_not_true_any_more)
{
	make_busy();
	keeper_sa_drop(&k, keeper_sa(&k, one("a")->id, ESP_OUT, 0x2222));
	go_on(TUNNELS MORE);
	ck_assert(kept[0].n_switches == 1 && slot.spi_out == 0 && slot.remote.family == 0 && slot.n_remote == 1);
	uint32_t id = one("a")->id;
	/* Nonsense behind its SAs: these are ours all the same. */
	struct bytes record;
	ck_assert(store_get(k.stores.v, id, &record) && record.n > 40 && record.n < 200);
	uint8_t nonsense[200];
	memset(nonsense, 0xff, sizeof nonsense);
	memcpy(nonsense, record.p, 2 + 4 + 1 + 1 + 2 * 7); /* their number, and the one that there is */
	store_put(k.stores.v, id, bytes_of(nonsense, record.n));
	go_on(TUNNELS MORE);
	ck_assert(kept[0].n_switches == 0 && kept[0].link.tunnel == 0 && kept[0].n_sas == 1);
	ck_assert(keeper_sa(&k, id, ESP_IN, 0x1111)->encap);
	/* The same one twice: it is named to the engine once. */
	ck_assert(store_get(k.stores.v, id, &record) && record.n > 30 && record.n < 150);
	memcpy(nonsense, record.p, 22);
	nonsense[1]++;
	memcpy(nonsense + 22, record.p + 2, 5);
	nonsense[27] = 1; /* between the same ends */
	memcpy(nonsense + 28, record.p + 22, record.n - 22);
	store_put(k.stores.v, id, bytes_of(nonsense, record.n + 6));
	go_on(TUNNELS MORE);
	ck_assert_uint_eq(kept[0].n_sas, 1);
	memset(nonsense, 0xff, sizeof nonsense);
	store_put(k.stores.v, id, bytes_of(nonsense, sizeof nonsense));
	go_on(TUNNELS MORE);
	ck_assert(kept[0].n_switches == 0 && kept[0].link.tunnel == 0 && kept[0].n_sas == 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("saved");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_did_not_change_goes_on);
	tcase_add_test(t, another_version_is_gone_on_with);
	tcase_add_test(t, what_changed_is_told_apart);
	tcase_add_test(t, a_reload_writes_the_parts_that_changed);
	tcase_add_test(t, what_tunnels_share_is_saved_once);
	tcase_add_test(t, files_of_high_numbers);
	tcase_add_test(t, a_file_that_is_not_there);
	tcase_add_test(t, no_key_is_in_it);
	tcase_add_test(t, a_tunnel_is_found_as_it_was);
	tcase_add_test(t, slots_are_found_as_they_were);
	tcase_add_test(t, addresses_of_sas);
	tcase_add_test(t, what_is_not_true_any_more);
	return unit_run_case("saved", t);
}
