/* test_prove.c - what tunnels trust is made once, on the thread that needs it, stays over reloads that do not change it, and goes with its tunnel. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "conf/keys.h"
#include "engine/prove.h"
#include "made_cert.h"
#include "unit.h"

static struct made ca, other;
static struct trusted *kept;

static void setup(void)
{
	const char *why;
	ck_assert_msg(alg_init(&why), "%s", why);
	ca = made_ca("CN=ca", NULL);
	other = made_ca("CN=other", NULL);
	kept = trusted_new();
}

static void teardown(void)
{
	trusted_free(kept);
	made_free(&ca);
	made_free(&other);
}

static struct tunnel_conf *tunnel(uint32_t id, const struct made *root)
{
	struct tunnel_conf *t = xcalloc(1, sizeof *t);
	t->refs = 1;
	t->id = id;
	snprintf(t->name, sizeof t->name, "t%u", (unsigned)id);
	t->cert.set = true;
	if (root != NULL)
		der_list_add(&t->cert.cas, root->der);
	return t;
}

static struct conf *settings(struct tunnel_conf *a, struct tunnel_conf *b)
{
	struct conf *c = xcalloc(1, sizeof *c);
	c->tunnels = xcalloc(2, sizeof *c->tunnels);
	c->tunnels[c->n++] = tunnel_conf_ref(a);
	if (b != NULL)
		c->tunnels[c->n++] = tunnel_conf_ref(b);
	return c;
}

static void *ask(void *trust) { return (void *)(uintptr_t)trust_anchors(trust); }

START_TEST(it_is_made_once)
{
	struct tunnel_conf *t = tunnel(1, &ca);
	struct trust *a = trusted_hold(kept, t), *b = trusted_hold(kept, t);
	pthread_t v[4];
	void *made[4];
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&v[i], NULL, ask, i & 1 ? a : b), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(v[i], &made[i]);
	ck_assert_ptr_nonnull(made[0]);
	for (unsigned i = 1; i < 4; i++)
		ck_assert_ptr_eq(made[i], made[0]);
	trust_let_go(a);
	trust_let_go(b);
	tunnel_conf_unref(t);
}
END_TEST

/* Another object of settings, because something else was changed: the same trust. */
START_TEST(a_reload_leaves_it)
{
	struct tunnel_conf *t = tunnel(1, &ca), *again = tunnel(1, &ca);
	struct conf *c = settings(again, NULL);
	struct trust *a = trusted_hold(kept, t);
	const struct anchors *was = trust_anchors(a);
	trust_let_go(a);
	again->mtu = 1400;
	trusted_settle(kept, c);
	a = trusted_hold(kept, again);
	ck_assert_ptr_eq(trust_anchors(a), was);
	trust_let_go(a);
	conf_free(c);
	tunnel_conf_unref(t);
	tunnel_conf_unref(again);
}
END_TEST

START_TEST(other_lists_are_other_trust)
{
	struct tunnel_conf *t = tunnel(1, &ca), *crl = tunnel(1, &ca), *changed = tunnel(1, &other);
	struct trust *a = trusted_hold(kept, t), *b, *d;
	struct bytes list = made_crl(&ca, NULL, 0, 0, 0);
	der_list_add(&crl->cert.crls, list);
	crl->cert.crl_policy = CRL_REQUIRE;
	const struct anchors *was = trust_anchors(a);
	b = trusted_hold(kept, crl);
	ck_assert_ptr_ne(trust_anchors(b), was);
	ck_assert_ptr_eq(trust_anchors(a), was); /* who holds it has it to the end */
	d = trusted_hold(kept, changed);
	ck_assert_ptr_ne(d, b);
	ck_assert_ptr_nonnull(trust_anchors(d));
	trust_let_go(a);
	trust_let_go(b);
	trust_let_go(d);
	free((void *)(uintptr_t)list.p);
	tunnel_conf_unref(t);
	tunnel_conf_unref(crl);
	tunnel_conf_unref(changed);
}
END_TEST

/* Seen by who still holds the settings. */
START_TEST(what_is_gone_is_forgotten)
{
	struct tunnel_conf *t = tunnel(1, &ca), *u = tunnel(2, &other), *w = tunnel(2, &ca);
	struct conf *c = settings(t, w);
	trust_let_go(trusted_hold(kept, t));
	trust_let_go(trusted_hold(kept, u));
	ck_assert_uint_eq(u->refs, 3);
	trusted_settle(kept, c);
	ck_assert_uint_eq(t->refs, 4);
	ck_assert_uint_eq(u->refs, 1);
	c->n = 0;
	trusted_settle(kept, c);
	ck_assert_uint_eq(t->refs, 2);
	c->n = 2;
	conf_free(c);
	tunnel_conf_unref(t);
	tunnel_conf_unref(u);
	tunnel_conf_unref(w);
}
END_TEST

/* No CA in it: nothing is believed. */
START_TEST(what_cannot_be_made_is_nothing)
{
	struct tunnel_conf *t = tunnel(1, NULL);
	struct trust *a = trusted_hold(kept, t);
	ck_assert_ptr_null(trust_anchors(a));
	ck_assert_ptr_null(trust_anchors(a));
	trust_let_go(a);
	tunnel_conf_unref(t);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("prove");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, it_is_made_once);
	tcase_add_test(t, a_reload_leaves_it);
	tcase_add_test(t, other_lists_are_other_trust);
	tcase_add_test(t, what_is_gone_is_forgotten);
	tcase_add_test(t, what_cannot_be_made_is_nothing);
	return unit_run_case("prove", t);
}
