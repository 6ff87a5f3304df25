/* test_card.c - which network card is asked to do ESP, and what becomes of an SA that it does not take. Cards and their features are the test's. */
#include "slot_help.h"

#include "base/nic.h"

#define CARD 2 /* of the fake kernel's default route */

static bool encrypts;       /* the card can */
static unsigned n_features; /* how often a card was asked for its features */

/* Stand before those of base/nic.c and the C library. */
void nic_features(const char *name, struct nic_features *f)
{
	n_features++;
	*f = (struct nic_features){ 1, strcmp(name, "eth2") == 0 && encrypts };
}
struct if_nameindex *if_nameindex(void)
{
	static char loop[] = "lo", card[] = "eth2";
	static struct if_nameindex found[3];
	found[0] = (struct if_nameindex){ 1, loop };
	found[1] = (struct if_nameindex){ CARD, card };
	return found;
}
void if_freenameindex(struct if_nameindex *found) { (void)found; }
char *if_indextoname(unsigned ifindex, char name[IF_NAMESIZE])
{
	return ifindex == CARD ? strcpy(name, "eth2") : ifindex == 1 ? strcpy(name, "lo") : NULL;
}

static void begin(enum offload_mode mode, bool can)
{
	encrypts = can;
	n_features = 0;
	tunnel.offload = (uint8_t)mode;
	ck_assert_int_eq(kernel_real.tunnel_set(k, &tunnel), 0);
}

/* What the kernel has of the SA: the card, and in *flags what was said of the SA. */
static uint32_t card_of(uint32_t spi, uint8_t *flags)
{
	struct esp_sa sa = { .dir = spi > 0x10000 ? ESP_IN : ESP_OUT, .spi = spi, .local = here, .remote = peer };
	struct xsa_id id = xsa_id_of(&sa);
	xfrm_address_t dst = { 0 };
	struct attrs a;
	xfrm_put_addr(&dst, &id.dst);
	const struct fake_thing *t = table_get(&fake.of[FAKE_SA], fake_sa_key(&dst, htonl(spi)));
	ck_assert_ptr_nonnull(t);
	attrs_read(&a, (const void *)t->raw, XSA_FIXED);
	const struct xfrm_user_offload *o = attr_data(&a, XFRMA_OFFLOAD_DEV, sizeof *o);
	*flags = o != NULL ? o->flags : 0;
	return o != NULL ? (uint32_t)o->ifindex : 0;
}

static bool warned(void) { return strstr(kernel_real.why(k), "offload: crypto is not possible") != NULL; }

START_TEST(the_card_of_the_way_is_asked)
{
	uint8_t flags;
	begin(_i == 0 ? OFFLOAD_AUTO : OFFLOAD_CRYPTO, true);
	add_sa(0x1001, ESP_OUT);
	ck_assert_uint_eq(card_of(0x1001, &flags), CARD);
	ck_assert_uint_eq(flags, 0);
	add_sa(0x20001, ESP_IN);
	ck_assert_uint_eq(card_of(0x20001, &flags), CARD);
	ck_assert_uint_eq(flags, XFRM_OFFLOAD_INBOUND);
	ck_assert_str_eq(kernel_real.why(k), "");
}
END_TEST

START_TEST(no_means_no)
{
	uint8_t flags;
	begin(OFFLOAD_NO, true);
	add_sa(0x1001, ESP_OUT);
	ck_assert_uint_eq(card_of(0x1001, &flags), 0);
	ck_assert_uint_eq(n_features, 0);
}
END_TEST

/* Most machines: nobody looks again for each SA, and only who asked for it hears of it, once. */
START_TEST(without_a_card)
{
	uint8_t flags;
	begin(OFFLOAD_AUTO, false);
	add_pair(0x1001);
	unsigned looked = n_features;
	add_pair(0x1002);
	ck_assert_uint_eq(n_features, looked);
	ck_assert_uint_eq(card_of(0x1002, &flags), 0);
	ck_assert_str_eq(kernel_real.why(k), "");
	tunnel.offload = OFFLOAD_CRYPTO;
	ck_assert_int_eq(kernel_real.tunnel_set(k, &tunnel), 0);
	add_sa(0x1003, ESP_OUT);
	ck_assert_msg(warned(), "%s", kernel_real.why(k));
	add_sa(0x1004, ESP_OUT);
	ck_assert_str_eq(kernel_real.why(k), "");
}
END_TEST

/* The card refuses: the SA is there all the same, the card is not asked for the next one, and it was said once. */
START_TEST(a_card_that_refuses)
{
	uint8_t flags;
	begin(_i == 0 ? OFFLOAD_AUTO : OFFLOAD_CRYPTO, true);
	fake.refuse = 1;
	add_sa(0x1001, ESP_OUT);
	ck_assert_uint_eq(card_of(0x1001, &flags), 0);
	ck_assert_int_eq(warned(), _i == 1);
	add_sa(0x1002, ESP_OUT);
	ck_assert_uint_eq(card_of(0x1002, &flags), 0);
	ck_assert(!warned());
	/* Other settings are another question. */
	tunnel.offload = _i == 0 ? OFFLOAD_CRYPTO : OFFLOAD_AUTO;
	ck_assert_int_eq(kernel_real.tunnel_set(k, &tunnel), 0);
	add_sa(0x1003, ESP_OUT);
	ck_assert_uint_eq(card_of(0x1003, &flags), CARD);
}
END_TEST

/* Refused by card and kernel alike: what the kernel says counts. */
START_TEST(refused_by_both)
{
	struct esp_sa sa = { .tunnel = 1,
		.dir = ESP_OUT,
		.spi = 0x1001,
		.local = here,
		.remote = peer,
		.suite = { .encr = ENCR_AES_GCM_16, .keylen = 256 },
		.encr_key = { .len = 36 } };
	begin(OFFLOAD_AUTO, true);
	fake.refuse = 2;
	ck_assert_int_lt(kernel_real.sa_add(k, &sa), 0);
	ck_assert_str_ne(kernel_real.why(k), "");
	ck_assert_uint_eq(table_count(&fake.of[FAKE_SA]), 0);
}
END_TEST

/* No card takes ESP in UDP: none is asked. */
START_TEST(in_udp_the_processor_does_it)
{
	uint8_t flags;
	struct esp_sa sa = { .tunnel = 1,
		.dir = ESP_OUT,
		.encap = true,
		.spi = 0x1001,
		.local = here,
		.remote = peer,
		.suite = { .encr = ENCR_AES_GCM_16, .keylen = 256 },
		.encr_key = { .len = 36 } };
	begin(OFFLOAD_CRYPTO, true);
	ck_assert_int_eq(kernel_real.sa_add(k, &sa), 0);
	ck_assert_uint_eq(card_of(0x1001, &flags), 0);
	ck_assert(warned());
	ck_assert_uint_eq(n_features, 0);
}
END_TEST

static void add_to(uint32_t spi, const struct addr *remote)
{
	struct esp_sa sa = { .tunnel = 1,
		.dir = ESP_OUT,
		.spi = spi,
		.local = here,
		.remote = *remote,
		.suite = { .encr = ENCR_AES_GCM_16, .keylen = 256 },
		.encr_key = { .len = 36 } };
	ck_assert_int_eq(kernel_real.sa_add(k, &sa), 0);
}

static bool an_address_comes(const char *text)
{
	static uint32_t room[64];
	struct prefix p = prefix(text);
	struct nlmsghdr *h = mnl_nlmsg_put_header(room);
	h->nlmsg_type = RTM_NEWADDR;
	struct ifaddrmsg *m = mnl_nlmsg_put_extra_header(h, sizeof *m);
	*m = (struct ifaddrmsg){ .ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = CARD };
	mnl_attr_put(h, IFA_LOCAL, 4, p.addr.ip);
	mnl_attr_put(h, IFA_ADDRESS, 4, p.addr.ip);
	return event_routing(k, h);
}

/* The main table may hold a million routes: the way is looked for once, until the peer is another, an uplink changes or a minute is over. */
START_TEST(the_way_is_known_for_a_while)
{
	const struct addr other = { .family = AF_INET, .ip = { 203, 0, 113, 2 } };
	uint8_t flags;
	begin(OFFLOAD_AUTO, true);
	add_to(0x1001, &peer);
	unsigned looked = n_features;
	add_to(0x1002, &peer);
	ck_assert_uint_eq(n_features, looked);
	ck_assert_uint_eq(card_of(0x1002, &flags), CARD);
	add_to(0x1003, &other);
	ck_assert_uint_eq(n_features, looked + 1);
	ck_assert(an_address_comes("198.51.100.7/32"));
	add_to(0x1004, &other);
	ck_assert_uint_eq(n_features, looked + 2);
	tunnel_find(k, 1)->card_way.at -= 60000;
	add_to(0x1005, &other);
	ck_assert_uint_eq(n_features, looked + 3);
	add_to(0x1006, &other);
	ck_assert_uint_eq(n_features, looked + 3);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("all");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, the_card_of_the_way_is_asked, 0, 2);
	tcase_add_test(t, no_means_no);
	tcase_add_test(t, without_a_card);
	tcase_add_loop_test(t, a_card_that_refuses, 0, 2);
	tcase_add_test(t, refused_by_both);
	tcase_add_test(t, the_way_is_known_for_a_while);
	tcase_add_test(t, in_udp_the_processor_does_it);
	return unit_run_case("card", t);
}
