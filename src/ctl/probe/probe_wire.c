/*
 * probe_wire.c - IKE_SA_INIT (RFC 7296 1.2) both ways: a question as a datagram, a datagram as an answer.
 */
#include <string.h>

#include "base/mem.h"
#include "probe.h"
#include "wire/message.h"

/* ---------------------------------------------------------------- writing */
#define TRANSFORMS_MAX (PROBE_ENCRS + 2 * PROBE_HASHES + PROBE_GROUPS)
struct proposals {
	unsigned n;
	struct offer v[2];
	struct transform t[2][TRANSFORMS_MAX];
};

static unsigned add_rows(struct transform *t, unsigned n, probe_set set, const struct alg *const *rows)
{
	for (; set != 0; set &= set - 1) {
		const struct alg *a = rows[__builtin_ctz(set)];
		t[n++] = (struct transform){ .type = a->type, .id = a->id, .keylen = a->keylen };
	}
	return n;
}

/* AEAD and the others cannot stand in one proposal (RFC 5282 8). */
static void add_proposal(struct proposals *all, const struct probe_question *q, probe_set encr, probe_set groups, bool aead)
{
	struct offer *o = &all->v[all->n];
	const struct probe_rows *r = probe_rows();
	struct transform *t = all->t[all->n];
	unsigned n = 0;
	n = add_rows(t, n, encr, r->encr);
	n = add_rows(t, n, q->prf, r->prf);
	n = aead ? n : add_rows(t, n, q->integ, r->integ);
	n = add_rows(t, n, groups, r->group);
	/* The decoy comes last: who goes by our order takes it last. */
	if (q->decoy >= 0)
		t[n++] = (struct transform){ .type = TRANSFORM_KE, .id = probe_rows()->group[q->decoy]->id };
	if (encr == 0)
		return;
	*o = (struct offer){ .number = (uint8_t)(all->n + 1), .protocol = PROTOCOL_IKE, .n = (uint16_t)n, .t = t };
	all->n++;
}

/* Groups that the library does not compute get a number of the right length below any of the primes: a valid value nobody can use. */
static bool public_value(unsigned row, fill_fn fill, void *arg, struct ke_public *pub)
{
	struct ke_private priv;
	const struct alg *g = probe_rows()->group[row];
	if (ke_public_size(g->id) > 0) {
		int err = ke_generate(g->id, fill, arg, &priv, pub);
		wipe(&priv, sizeof priv);
		return err == ERR_OK;
	}
	pub->len = g->key_bytes;
	fill(arg, pub->data, pub->len);
	pub->data[0] &= 0x7f;
	return true;
}

static void add_nat(struct writer *w, uint16_t type, const uint8_t spi[IKE_SPI_LEN], const struct addr *a)
{
	static const uint8_t none[IKE_SPI_LEN];
	uint8_t hash[20], port[2] = { (uint8_t)(a->port >> 8), (uint8_t)a->port };
	struct bytes parts[] = { bytes_of(spi, IKE_SPI_LEN), bytes_of(none, IKE_SPI_LEN), addr_bytes(a), bytes_of(port, 2) };
	if (hash_sha1(parts, 4, hash) != ERR_OK)
		return;
	struct payload p = payload_notify(type, bytes_of(hash, sizeof hash));
	message_add(w, &p);
}

static void add_sa(struct writer *w, const struct probe_question *q)
{
	struct proposals all = { 0 };
	add_proposal(&all, q, q->encr & ~probe_rows()->aeads, q->groups, false);
	add_proposal(&all, q, q->encr & probe_rows()->aeads, q->groups, true);
	struct payload p = { .type = PAYLOAD_SA, .known = true };
	p.sa.n = (uint16_t)all.n;
	p.sa.v = all.v;
	message_add(w, &p);
}

size_t probe_write(const struct probe_question *q, const struct probe_ends *ends, const struct probe_name *name, fill_fn fill,
	void *arg, uint8_t out[PROBE_DATAGRAM])
{
	struct header h = { .major = 2, .exchange = EXCHANGE_IKE_SA_INIT, .flags = IKE_FLAG_INITIATOR };
	struct writer w;
	struct ke_public pub;
	unsigned row = q->decoy >= 0 ? (unsigned)q->decoy : (unsigned)__builtin_ctz(q->groups);
	if (!public_value(row, fill, arg, &pub))
		return 0;
	memcpy(h.spi_i, name->spi, IKE_SPI_LEN);
	message_begin(&w, out, PROBE_DATAGRAM, &h);
	if (name->n_cookie > 0) {
		struct payload p = payload_notify(NOTIFY_COOKIE, bytes_of(name->cookie, name->n_cookie));
		message_add(&w, &p);
	}
	add_sa(&w, q);
	struct payload ke = { .type = PAYLOAD_KE };
	ke.ke.group = probe_rows()->group[row]->id;
	ke.ke.value = bytes_of(pub.data, pub.len);
	message_add(&w, &ke);
	struct payload n = { .type = PAYLOAD_NONCE };
	n.nonce.value = bytes_of(name->nonce, sizeof name->nonce);
	message_add(&w, &n);
	add_nat(&w, NOTIFY_NAT_DETECTION_SOURCE_IP, name->spi, &ends->local);
	add_nat(&w, NOTIFY_NAT_DETECTION_DESTINATION_IP, name->spi, &ends->remote);
	struct payload f = payload_notify(NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, (struct bytes){ 0 });
	message_add(&w, &f);
	return message_end(&w).n;
}

/* ---------------------------------------------------------------- reading */
static int row_of_group(uint16_t id)
{
	for (int i = 0; i < (int)probe_rows()->groups; i++)
		if (probe_rows()->group[i]->id == id)
			return i;
	return -1;
}

static void take_vendors(const struct message *m, struct probe_answer *a)
{
	for (unsigned i = 0; i < m->n && a->n_vendors < PROBE_VENDORS; i++) {
		struct bytes v = m->p[i].vendor.value;
		if (m->p[i].type != PAYLOAD_VENDOR || v.n == 0)
			continue;
		uint8_t n = v.n < sizeof a->vendors[0].id ? (uint8_t)v.n : (uint8_t)sizeof a->vendors[0].id;
		memcpy(a->vendors[a->n_vendors].id, v.p, n);
		a->vendors[a->n_vendors++].n = n;
	}
}

static bool take_cookie(const struct payload *p, struct probe_answer *a)
{
	if (p->notify.data.n == 0 || p->notify.data.n > IKE_COOKIE_MAX)
		return false;
	a->kind = PROBE_COOKIE;
	a->n_cookie = (uint8_t)p->notify.data.n;
	memcpy(a->cookie, p->notify.data.p, p->notify.data.n);
	return true;
}

static void take_error(const struct payload *p, struct probe_answer *a)
{
	struct cursor c = cursor_over(p->notify.data);
	uint16_t group = get_u16(&c);
	a->notify = p->notify.type;
	a->kind = p->notify.type == NOTIFY_NO_PROPOSAL_CHOSEN ? PROBE_REFUSED : PROBE_OTHER;
	if (p->notify.type != NOTIFY_INVALID_KE_PAYLOAD || c.bad)
		return;
	a->kind = PROBE_GROUP;
	a->group = row_of_group(group);
}

static bool take(const struct message *m, struct probe_answer *a)
{
	const struct payload *p = message_find_notify(m, NOTIFY_COOKIE, false), *ke;
	if (p != NULL)
		return take_cookie(p, a);
	if ((p = message_error_notify(m, false)) != NULL) {
		take_error(p, a);
		return true;
	}
	ke = message_find(m, PAYLOAD_KE, false);
	if (ke == NULL || message_find(m, PAYLOAD_SA, false) == NULL)
		return false;
	a->kind = PROBE_WHOLE;
	a->group = row_of_group(ke->ke.group);
	a->nat = message_find_notify(m, NOTIFY_NAT_DETECTION_SOURCE_IP, false) != NULL;
	a->fragmentation = message_find_notify(m, NOTIFY_IKEV2_FRAGMENTATION_SUPPORTED, false) != NULL;
	take_vendors(m, a);
	return true;
}

bool probe_read(struct bytes datagram, const uint8_t spi[IKE_SPI_LEN], struct probe_answer *a)
{
	struct arena arena;
	struct header h;
	bool good = false;
	*a = (struct probe_answer){ .kind = PROBE_SILENT, .group = -1 };
	if (header_decode(&h, datagram) != ERR_OK || memcmp(h.spi_i, spi, IKE_SPI_LEN) != 0 ||
		h.exchange != EXCHANGE_IKE_SA_INIT || h.message_id != 0 || (h.flags & IKE_FLAG_RESPONSE) == 0)
		return false;
	arena_init(&arena, (size_t)1 << 20);
	struct message *m = arena_alloc(&arena, sizeof *m);
	if (m != NULL && message_decode(m, datagram, &arena) == ERR_OK && message_judge(m, false) == ERR_OK)
		good = take(m, a);
	arena_release(&arena);
	return good;
}
