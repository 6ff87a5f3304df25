/*
 * test_ke.c - key exchange: worked values of RFC 5114, 5903, 7748 and 8031, the primes out of pi, both ends agreeing in every
 * group, and values that a hostile peer may send.
 */
#include <openssl/bn.h>
#include <openssl/evp.h>

#include "crypto_help.h"

/* --- worked values --- */
static const struct vector {
	uint16_t group;
	const char *a, *public_a, *b, *public_b, *shared;
} vectors[] = {
	{ GROUP_MODP_1024_160, "b9a3b3ae8fefc1a2930496507086f8455d48943e",
		"2a853b3d92197501b9015b2deb3ed84f5e021dcc3e52f109d3273d2b7521281cbabe0e76ff5727fa8acce26956ba9a1fca26"
		"f20228d8693feb10841d84a7360054ece5a7f5b7a61ad3dfb3c60d2e43106d8727da37df9cce95b478755d06bcea8f9d4596"
		"5f75a5f3d1df3701165fc9e50c4279ceb07f989540ae96d5d88ed776",
		"9392c9f9eb6a7a6a9022f7d83e7223c6835bbdda",
		"717a6cb053371ff4a3b932941c1e5663f861a1d6ad34ae66576dfb98f6c6cbf9ddd5a56c7833f6bcfdff095582ad868e440e"
		"8d09fd769e3ceccdc3d3b1e4cfa057776caaf9739b6a9fee8e7411f8d6dac09d6a4edb46cc2b5d5203090eae6126311e53fd"
		"2c14b574e6a3109a3da1be41bdceaa186f5ce06716a2b6a07b3c33fe",
		"5c804f454d30d9c4df85271f93528c91df6b48ab5f80b3b59caac1b28f8acba9cd3e39f3cb614525d9521d2e644c53b807b8"
		"10f340062f257d7d6fbfe8d5e8f072e9b6e9afda9413eafb2e8b0699b1fb5a0caceddeaead7e9cfbb36ae2b420835bd83a19"
		"fb0b5e96bf8fa4d09e345525167ecd9155416f46f408ed31b63c6e6d" },
	{ GROUP_MODP_2048_224, "22e62601dbffd06708a680f747f361f76d8f4f721a0548e483294b0c",
		"1b3a63451bd886e699e67b494e288bd7f8e0d370badda7a0efd2fde7d8f66145cc9f280419975eb808877c8a4c0c8e0bd48d"
		"4a5401eb1e8776bfeee134c03831ac273cd9d635ab0ce006a42a887e3f52fb8766b650f38078bc8ee8580cefe243968cfc4f"
		"8dc3db084554171d41bf2e861b7bb4d69dd0e01ea387cbaa5ca672afcbe8bdb9d62d4ce15f17dd36f91ed1eedd65ca4a0645"
		"5cb94cd40a52ec360e84b3c926e22c4380a3bf309d56849768b7f52cfdf655fd053a7ef706979e7e5806b17dfae53ad2a5bc"
		"568ebb529a7a61d68d256f8fc97c074a861d827e2ebc8c6134553115b70e7103920aa16d85e52bcbab8d786a68178fa8ff7c"
		"2f5c71648d6f",
		"4ff3bc96c7fc6a6d71d3b363800a7cdfef6fc41b4417ea15353b7590",
		"4dcee992a9762a13f2f83844ad3d77ee0e31c9718b3db6c2035d3961182c3e0ba247ec4182d760cd48d99599970622a1881b"
		"ba2dc822939c78c3912c6661fa5438b20766222b75e24c2e3ad0c7287236129525ee15b5dd7998aa04c4a9696cacd7172083"
		"a97a81664ead2c479e444e4c0654cc19e28d7703cee8dacd6126f5d665ec52c67255db92014b037eb621a2ac8e365de071ff"
		"c1400acf077a12913dd8de89473437ab7ba346743c1b215dd9c12164a7e4053118d199bec8ef6fc561170c84c87d10ee9a67"
		"4a1fa8ffe13bdfba1d44de48946d68dc0cdd777635a7ab5bfb1e4bb7b856f96827734c184138e915d9c3002ebce53120546a"
		"7e2002142b6c",
		"34d9bddc1b42176c313fea034c21034d074a6313bb4ecdb3703fff424567a46bdf75530ede0a9da5229de7d76732286cbc0f"
		"91da4c3c852fc099c679531d94c78ab03d9decb0a4e4ca8b2bb4591c4021cf8ce3a20a541d33994017d0200ae2c9516e2ff5"
		"145779269e862b0fb474a2d56dc31ed569a7700b4c4ab16b22a45513531ef523d71212077b5a169bdeffad7ad9608284c779"
		"5b6d5a5183b87066de17d8d671c9ebd8ec89544d45ec061593d442c62ab9ce3b1cb9943a1d23a5ea3bcf21a01471e67e003e"
		"7f8a69c728be490b2fc88cfeb92db6a215e5d03c17c464c9ac1a46e203e13f952995fb03c69d3cc47fcb510b6998ffd3aa6d"
		"e73cf9f63869" },
	{ GROUP_MODP_2048_256, "0881382cdb87660c6dc13e614938d5b9c8b2f248581cc5e31b35454397fce50e",
		"2e9380c8323af97545bc4941deb0ec3742c62fe0ece824a6abdbe66c59bee0242911bfb967235ceba35ae13e4ec752be630b"
		"92dc4bde2847a9c62cb8152745421fb7eb60a63c0fe9159fcce726ce7cd8523d7450667ef840e4919121eb5f01c8c9b0d3d6"
		"48a93bfb75689e8244ac134af544711ce79a02dcc34226684780dddcb498594106c37f5bc79856487af5ab022a2e5e42f098"
		"97c1a85a11ea0212af04d9b4cebc937c3c1a3e15a8a0342e337615c84e7fe3b8b9b87fb1e73a15af12a30d746e06dfc34f29"
		"0d797ce51aa13aa785bf6658aff5e4b093003cbeaf665b3c2e113a3a4e905269341dc0711426685f4ef37e868a8126ff3f22"
		"79b57ca67e29",
		"7d62a7e3ef36de617b13d1afb82c780d83a23bd4ee6705645121f371f546a53d",
		"575f0351bd2b1b817448bdf87a6c362c1e289d3903a30b9832c5741fa250363e7acbc7f77f3dacbc1f131add8e03367eff8f"
		"bbb3e1c5784424809b25afe4d2262a1a6fd2fab64105ca30a674e07f7809852088632fc049233791ad4edd083a978b883ee6"
		"18bc5e0dd047415f2d95e683cf14826b5fbe10d3ce41c6c120c78ab20008c698bf7f0bcab9d7f407bed0f43afb2970f57f8d"
		"12043963e66ddd320d599ad9936c8f44137c08b180ec5e985cebe186f3d549677e80607331ee17af3380a725b0782317d7dd"
		"43f59d7af9568a9bb63a84d365f92244ed120988219302f42924c7ca90b89d24f71b0ab697823d7deb1aff5b0e8e4a45d49f"
		"7f53757e1913",
		"86c70bf8d0bb81bb01078a17219cb7d27203db2a19c877f1d1f19fd7d77ef22546a68f005ad52dc84553b78fc60330be51ea"
		"7c0672cac1515e4b35c047b9a551b88f39dc26da14a09ef74774d47c762dd177f9ed5bc2f11e52c879bd95098504cd9eecd8"
		"a8f9b3efbd1f008ac5853097d9d1837f2b18f77cd7be01af80a7c7b5ea3ca54cc02d0c116fee3f95bb87399385875d7e8674"
		"7e676e728938acbff7098e05be4dcfb24052b83aeffb14783f029adbde7f53fae92084224090e007cee94d4bf2bace9ffd4b"
		"57d2af7c724d0caa19bf0501f6f17b4aa10f425e3ea76080b4b9d6b3cefea115b2ceb8789bb8a3b0ea87febe63b6c8f846ec"
		"6db0c26c5d7c" },
	{ GROUP_ECP_256, "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
		"dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811805271a0461cdb8252d61f1c456fa3e59ab1f4"
		"5b33accf5f58389e0577b8990bb3",
		"c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
		"d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6356fbf3ca366cc23e8157854c13c58d6aac23"
		"f046ada30f8353e74f33039872ab",
		"d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de" },
	{ GROUP_ECP_384, "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655e35b538041e649ee3faef896783ab194",
		"667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa9482"
		"ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",
		"41cb0779b4bdb85d47846725fbec3c9430fab46cc8dc5060855cc9bda0aa2942e0308312916b8ed2960e4bd55a7448fc",
		"e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc509d0d1ac43a0336def96fda41d0774a3571dcfb"
		"ec7aacf3196472169e838430367f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",
		"11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746" },
	{ GROUP_ECP_521,
		"0037ade9319a89f4dabdb3ef411aaccca5123c61acab57b5393dce47608172a095aa85a30fe1c2952c6771d937ba9777f595"
		"7b2639bab072462f68c27a57382d4a52",
		"0015417e84dbf28c0ad3c278713349dc7df153c897a1891bd98bab4357c9ecbee1e3bf42e00b8e380aeae57c2d1075649418"
		"85942af5a7f4601723c4195d176ced3e017cae20b6641d2eeb695786d8c946146239d099e18e1d5a514c739d7cb4a10ad8a7"
		"88015ac405d7799dc75e7b7d5b6cf2261a6a7f1507438bf01beb6ca3926f9582",
		"0145ba99a847af43793fdd0e872e7cdfa16be30fdc780f97bccc3f078380201e9c677d600b343757a3bdbf2a3163e4c2f869"
		"cca7458aa4a4effc311f5cb151685eb9",
		"00d0b3975ac4b799f5bea16d5e13e9af971d5e9b984c9f39728b5e5739735a219b97c356436adc6e95bb0352f6be64a6c291"
		"2d4ef2d0433ced2b6171640012d9460f015c68226383956e3bd066e797b623c27ce0eac2f551a10c2c724d9852077b87220b"
		"6536c5c408a1d2aebb8e86d678ae49cb57091f4732296579ab44fcd17f0fc56a",
		"01144c7d79ae6956bc8edb8e7c787c4521cb086fa64407f97894e5e6b2d79b04d1427e73ca4baa240a34786859810c06b3c7"
		"15a3a8cc3151f2bee417996d19f3ddea" },
	{ GROUP_CURVE25519, "751fb4308655b476b6789b7325f9ea8cddd16a58533ff6d9e60009464a5f9d94",
		"48d5ddd4061257ba166fa3f9bbdb74f1a4e81c089384fa77f790709f0dfbc766",
		"0a54645253290d60ddadd0e030bacd9e5501efdc220755a1e978f1b839a05688",
		"0be7c1f5aad87d7e448662673298a443478b859745179eaf564c79c0ef6eee25",
		"c74950607a12327f3204d94b6825bfb068b7f8319a9e3708ed3d43ce8130c950" },
};

/* Plays back what ke_generate must have drawn to arrive at a given private value. */
struct replay {
	uint8_t octets[KE_PRIVATE_MAX];
	size_t n;
};

static void replay_fill(void *arg, void *out, size_t n)
{
	struct replay *r = arg;
	ck_assert_uint_eq(n, r->n);
	memcpy(out, r->octets, n);
}

/* Scalars below an order are (surplus | x - 1) mod (order - 1) + 1, see ke.c; X25519 takes the octets as they are. */
static struct replay drawn_for(uint16_t group, const struct hex *x)
{
	struct replay r = { .n = x->n };
	if (group == GROUP_CURVE25519) {
		memcpy(r.octets, x->v, x->n);
		return r;
	}
	r.n = x->n + 8;
	memcpy(r.octets + 8, x->v, x->n);
	for (size_t i = r.n; r.octets[--i]-- == 0;)
		;
	return r;
}

static void check_side(const struct vector *v, const char *priv_text, const char *pub_text, const char *peer_text)
{
	struct hex x = hex(priv_text), want_pub = hex(pub_text), peer = hex(peer_text), want = hex(v->shared);
	struct replay drawn = drawn_for(v->group, &x);
	struct ke_private priv;
	struct ke_public pub;
	struct ke_shared shared;
	ck_assert_int_eq(ke_generate(v->group, replay_fill, &drawn, &priv, &pub), ERR_OK);
	ck_assert_uint_eq(priv.len, x.n);
	ck_assert_mem_eq(priv.data, x.v, x.n);
	ck_assert_uint_eq(pub.len, want_pub.n);
	ck_assert_mem_eq(pub.data, want_pub.v, want_pub.n);
	ck_assert_int_eq(ke_derive(&priv, bytes_of(peer.v, peer.n), &shared), ERR_OK);
	ck_assert_uint_eq(shared.len, want.n);
	ck_assert_mem_eq(shared.data, want.v, want.n);
	ck_assert_int_eq(ke_accept(v->group, replay_fill, &drawn, bytes_of(peer.v, peer.n), &pub, &shared), ERR_OK);
	ck_assert_uint_eq(pub.len, want_pub.n);
	ck_assert_mem_eq(pub.data, want_pub.v, want_pub.n);
	ck_assert_uint_eq(shared.len, want.n);
	ck_assert_mem_eq(shared.data, want.v, want.n);
}

START_TEST(rfc_vectors)
{
	need_algs();
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const struct vector *v = &vectors[i];
		check_side(v, v->a, v->public_a, v->public_b);
		check_side(v, v->b, v->public_b, v->public_a);
	}
}
END_TEST

/* RFC 7748 5.2: one turn of the iterated test, scalar and point both being the base point's octets. */
START_TEST(rfc7748_first_turn)
{
	static const struct {
		uint16_t group;
		uint8_t base;
		const char *out;
	} turns[] = {
		{ GROUP_CURVE25519, 9, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079" },
		{ GROUP_CURVE448, 5,
			"3f482c8a9f19b01e6c46ee9711d9dc14fd4bf67af30765c2ae2b846a4d23a8cd0db897086239492caf350b51f833868b9bc2b3bca9cf4113" },
	};
	need_algs();
	for (size_t i = 0; i < 2; i++) {
		struct hex want = hex(turns[i].out);
		struct ke_private k = { .group = turns[i].group, .len = (uint16_t)want.n, .data = { turns[i].base } };
		struct ke_shared shared;
		ck_assert_int_eq(ke_derive(&k, bytes_of(k.data, k.len), &shared), ERR_OK);
		ck_assert_mem_eq(shared.data, want.v, want.n);
	}
}
END_TEST

/* --- the primes: 2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + c), RFC 3526, RFC 7296 appendix B --- */

static const struct {
	uint16_t group;
	int bits;
	unsigned c;
} primes[] = {
	{ GROUP_MODP_1024, 1024, 129093 },
	{ GROUP_MODP_1536, 1536, 741804 },
	{ GROUP_MODP_2048, 2048, 124476 },
	{ GROUP_MODP_3072, 3072, 1690314 },
	{ GROUP_MODP_4096, 4096, 240904 },
	{ GROUP_MODP_6144, 6144, 929484 },
	{ GROUP_MODP_8192, 8192, 4743158 },
};
#define PRIMES (sizeof primes / sizeof primes[0])

/* sum += sign * factor * arctan(1 / n) in units of 2^-bits */
static void add_arctan(BIGNUM *sum, unsigned factor, unsigned n, int bits, bool minus)
{
	BIGNUM *power = BN_new(), *term = BN_new();
	BN_set_word(power, factor);
	BN_lshift(power, power, bits);
	BN_div_word(power, n);
	for (unsigned k = 1; !BN_is_zero(power); k += 2, minus = !minus) {
		BN_copy(term, power);
		BN_div_word(term, k);
		if (minus)
			BN_sub(sum, sum, term);
		else
			BN_add(sum, sum, term);
		BN_div_word(power, (BN_ULONG)n * n);
	}
	BN_free(power);
	BN_free(term);
}

/* Machin: pi = 16 arctan(1/5) - 4 arctan(1/239), with 64 bits to spare. */
static BIGNUM *prime_from_pi(int n, unsigned c)
{
	BIGNUM *p = BN_new(), *power = BN_new();
	add_arctan(p, 16, 5, n - 130 + 64, false);
	add_arctan(p, 4, 239, n - 130 + 64, true);
	BN_rshift(p, p, 64);
	BN_add_word(p, c);
	BN_lshift(p, p, 64);
	BN_sub_word(p, 1);
	BN_set_bit(power, n);
	BN_add(p, p, power);
	BN_zero(power);
	BN_set_bit(power, n - 64);
	BN_sub(p, p, power);
	BN_free(power);
	return p;
}

/* public = 2^private mod p, by the plainest arithmetic there is. */
START_TEST(primes_come_from_pi)
{
	BN_CTX *ctx = BN_CTX_new();
	uint64_t seed = 1;
	need_algs();
	for (size_t i = 0; i < PRIMES; i++) {
		struct ke_private priv;
		struct ke_public pub;
		BIGNUM *p = prime_from_pi(primes[i].bits, primes[i].c), *y = BN_new(), *two = BN_new();
		ck_assert_int_eq(ke_generate(primes[i].group, seeded_fill, &seed, &priv, &pub), ERR_OK);
		BIGNUM *x = BN_bin2bn(priv.data, priv.len, NULL), *got = BN_bin2bn(pub.data, pub.len, NULL);
		BN_set_word(two, 2);
		ck_assert(BN_mod_exp(y, two, x, p, ctx));
		ck_assert_int_eq(BN_cmp(y, got), 0);
		ck_assert_int_eq(pub.len * 8, primes[i].bits);
		BN_free(p);
		BN_free(y);
		BN_free(two);
		BN_free(x);
		BN_free(got);
	}
	BN_CTX_free(ctx);
}
END_TEST

/* --- agreement --- */

/* Whoever accepts in one gets what generating, then deriving gives, or the same refusal. */
static int derive(uint16_t group, const uint8_t *value, size_t n)
{
	struct ke_private priv;
	struct ke_public pub, at_once;
	struct ke_shared shared = { .len = 99 }, same = { .len = 99 };
	uint64_t seed = 7, again = 7;
	ck_assert_int_eq(ke_generate(group, seeded_fill, &seed, &priv, &pub), ERR_OK);
	int err = ke_derive(&priv, bytes_of(value, n), &shared);
	ck_assert_uint_eq(shared.len == 0, err != ERR_OK);
	ck_assert_int_eq(ke_accept(group, seeded_fill, &again, bytes_of(value, n), &at_once, &same), err);
	ck_assert_uint_eq(same.len, shared.len);
	ck_assert_mem_eq(same.data, shared.data, shared.len);
	ck_assert_uint_eq(at_once.len, err == ERR_OK ? pub.len : 0);
	ck_assert_mem_eq(at_once.data, pub.data, at_once.len);
	return err;
}

START_TEST(both_ends_agree)
{
	const struct alg *a;
	unsigned groups = 0;
	uint64_t seed = 42;
	need_algs();
	for (unsigned i = 0; (a = alg_row(i)); i++) {
		static const uint8_t zeros[KE_SHARED_MAX];
		struct ke_private mine, yours;
		struct ke_public my_value, your_value;
		struct ke_shared one, two;
		if (a->type != TRANSFORM_KE)
			continue;
		groups++;
		ck_assert_int_eq(ke_generate(a->id, seeded_fill, &seed, &mine, &my_value), ERR_OK);
		ck_assert_int_eq(ke_generate(a->id, seeded_fill, &seed, &yours, &your_value), ERR_OK);
		ck_assert_uint_eq(my_value.len, ke_public_size(a->id));
		ck_assert_mem_ne(my_value.data, your_value.data, my_value.len);
		ck_assert_int_eq(ke_derive(&mine, bytes_of(your_value.data, your_value.len), &one), ERR_OK);
		ck_assert_int_eq(ke_derive(&yours, bytes_of(my_value.data, my_value.len), &two), ERR_OK);
		ck_assert_int_eq(derive(a->id, my_value.data, my_value.len), ERR_OK);
		ck_assert_uint_eq(one.len, two.len);
		ck_assert_mem_eq(one.data, two.data, one.len);
		ck_assert_mem_ne(one.data, zeros, one.len);
		/* MODP: the whole group's length (RFC 7296 2.14); ECP: x alone (RFC 5903 7) */
		bool ecp = a->id == GROUP_ECP_256 || a->id == GROUP_ECP_384 || a->id == GROUP_ECP_521;
		ck_assert_uint_eq(one.len, ecp ? a->key_bytes / 2 : a->key_bytes);
	}
	ck_assert_uint_eq(groups, 15);
}
END_TEST

/* Values with leading zeros keep their length on the wire and in the secret. A short prime would never show one, so many are
 * tried. */
START_TEST(leading_zeros_stay)
{
	unsigned seen = 0;
	uint64_t seed = 3;
	need_algs();
	for (unsigned i = 0; i < 4000 && seen < 2; i++) {
		struct ke_private priv;
		struct ke_public pub;
		struct ke_shared shared;
		struct hex peer = hex(vectors[3].public_b);
		ck_assert_int_eq(ke_generate(GROUP_ECP_256, seeded_fill, &seed, &priv, &pub), ERR_OK);
		ck_assert_int_eq(ke_derive(&priv, bytes_of(peer.v, peer.n), &shared), ERR_OK);
		ck_assert_uint_eq(pub.len, 64);
		ck_assert_uint_eq(shared.len, 32);
		seen += shared.data[0] == 0;
	}
	ck_assert_uint_eq(seen, 2);
}
END_TEST

/* Randomness comes from the caller alone: a simulation must be repeatable. */
START_TEST(same_seed_same_key)
{
	const struct alg *a;
	need_algs();
	for (unsigned i = 0; (a = alg_row(i)); i++) {
		uint64_t one = 5, two = 5, three = 6;
		struct ke_private x, y, z;
		struct ke_public px, py, pz;
		if (a->type != TRANSFORM_KE || a->key_bytes > 512)
			continue;
		ck_assert_int_eq(ke_generate(a->id, seeded_fill, &one, &x, &px), ERR_OK);
		ck_assert_int_eq(ke_generate(a->id, seeded_fill, &two, &y, &py), ERR_OK);
		ck_assert_int_eq(ke_generate(a->id, seeded_fill, &three, &z, &pz), ERR_OK);
		ck_assert_mem_eq(&x, &y, sizeof x);
		ck_assert_mem_eq(px.data, py.data, px.len);
		ck_assert_mem_ne(px.data, pz.data, px.len);
	}
}
END_TEST

/* Group 14's exponent is short, or every handshake would cost several times as much; its top bit is always there. */
START_TEST(exponent_lengths)
{
	static const struct {
		uint16_t group, bits;
	} want[] = { { GROUP_MODP_2048, 225 }, { GROUP_MODP_3072, 275 }, { GROUP_MODP_8192, 400 } };
	need_algs();
	for (size_t i = 0; i < 3; i++)
		for (uint64_t seed = 0; seed < 5; seed++) {
			struct ke_private priv;
			struct ke_public pub;
			uint64_t state = seed;
			ck_assert_int_eq(ke_generate(want[i].group, seeded_fill, &state, &priv, &pub), ERR_OK);
			BIGNUM *x = BN_bin2bn(priv.data, priv.len, NULL);
			ck_assert_int_eq(BN_num_bits(x), want[i].bits);
			BN_free(x);
		}
}
END_TEST

/* --- what a peer may send --- */

/* A value of every length but the right one. */
START_TEST(bug_CVE_2023_41913)
{
	static uint8_t value[KE_PUBLIC_MAX * 8];
	const struct alg *a;
	need_algs();
	memset(value, 0x5a, sizeof value);
	for (unsigned i = 0; (a = alg_row(i)); i++) {
		if (a->type != TRANSFORM_KE)
			continue;
		const size_t sizes[] = { 0, 1, a->key_bytes / 2, a->key_bytes - 1u, a->key_bytes + 1u, 2u * a->key_bytes,
			KE_PUBLIC_MAX + 1, sizeof value };
		for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
			ck_assert_int_eq(derive(a->id, value, sizes[k]), ERR_BAD_KE);
	}
}
END_TEST

/* A group number that is nobody's, as a KE payload may name it. */
START_TEST(bug_CVE_2014_9221)
{
	static const uint16_t numbers[] = { 0, 1, 3, 25, 1025, 65535 };
	need_algs();
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		struct ke_private priv = { .group = numbers[i], .len = 29 };
		struct ke_public pub;
		struct ke_shared shared;
		uint64_t seed = 1;
		uint8_t value[256] = { 2 };
		ck_assert_uint_eq(ke_public_size(numbers[i]), 0);
		ck_assert_int_eq(ke_derive(&priv, bytes_of(value, sizeof value), &shared), ERR_UNSUPPORTED);
		ck_assert_int_eq(
			ke_accept(numbers[i], seeded_fill, &seed, bytes_of(value, sizeof value), &pub, &shared), ERR_UNSUPPORTED);
		ck_assert_int_eq(ke_generate(numbers[i], seeded_fill, &seed, &priv, &pub), ERR_UNSUPPORTED);
	}
}
END_TEST

static int derive_bn(uint16_t group, const BIGNUM *v)
{
	uint8_t octets[KE_PUBLIC_MAX];
	size_t n = ke_public_size(group);
	ck_assert_int_eq(BN_bn2binpad(v, octets, (int)n), (int)n);
	return derive(group, octets, n);
}

static int derive_near(uint16_t group, const BIGNUM *p, int delta)
{
	BIGNUM *v = BN_dup(p);
	ck_assert(delta < 0 ? BN_sub_word(v, (BN_ULONG)-delta) : BN_add_word(v, (BN_ULONG)delta));
	int err = derive_bn(group, v);
	BN_free(v);
	return err;
}

/* 0, 1, p - 1, p and above have no place in an exchange; 2 and p - 2 are the first and the last that do. */
START_TEST(bug_CVE_2015_3240)
{
	need_algs();
	for (size_t i = 0; i < PRIMES; i++) {
		uint16_t group = primes[i].group;
		BIGNUM *zero = BN_new(), *p = prime_from_pi(primes[i].bits, primes[i].c);
		uint8_t ones[KE_PUBLIC_MAX];
		memset(ones, 0xff, sizeof ones);
		ck_assert_int_eq(derive_near(group, zero, 0), ERR_BAD_KE);
		ck_assert_int_eq(derive_near(group, zero, 1), ERR_BAD_KE);
		ck_assert_int_eq(derive_near(group, zero, 2), ERR_OK);
		ck_assert_int_eq(derive_near(group, p, -2), ERR_OK);
		ck_assert_int_eq(derive_near(group, p, -1), ERR_BAD_KE);
		ck_assert_int_eq(derive_near(group, p, 0), ERR_BAD_KE);
		ck_assert_int_eq(derive_near(group, p, 1), ERR_BAD_KE);
		ck_assert_int_eq(derive(group, ones, ke_public_size(group)), ERR_BAD_KE);
		BN_free(zero);
		BN_free(p);
	}
}
END_TEST

/* Groups 22 to 24: values between 2 and p - 2 that lie in a small subgroup (RFC 6989 2.2). 2^q has an order that divides (p -
 * 1) / q. */
START_TEST(small_subgroups_are_refused)
{
	static const struct {
		uint16_t group;
		const char *name;
	} named[] = {
		{ GROUP_MODP_1024_160, "dh_1024_160" },
		{ GROUP_MODP_2048_224, "dh_2048_224" },
		{ GROUP_MODP_2048_256, "dh_2048_256" },
	};
	BN_CTX *ctx = BN_CTX_new();
	need_algs();
	for (size_t i = 0; i < 3; i++) {
		EVP_PKEY *pkey = NULL;
		EVP_PKEY_CTX *gen = EVP_PKEY_CTX_new_from_name(NULL, "DHX", NULL);
		BIGNUM *p = NULL, *q = NULL, *y = BN_new(), *two = BN_new(), *zero = BN_new();
		ck_assert(EVP_PKEY_keygen_init(gen) == 1 && EVP_PKEY_CTX_set_group_name(gen, named[i].name) == 1);
		ck_assert(EVP_PKEY_keygen(gen, &pkey) == 1);
		ck_assert(EVP_PKEY_get_bn_param(pkey, "p", &p) && EVP_PKEY_get_bn_param(pkey, "q", &q));
		BN_set_word(two, 2);
		ck_assert(BN_mod_exp(y, two, q, p, ctx));
		ck_assert(!BN_is_one(y));
		ck_assert_int_eq(derive_bn(named[i].group, y), ERR_BAD_KE);
		ck_assert_int_eq(derive_near(named[i].group, zero, 0), ERR_BAD_KE);
		ck_assert_int_eq(derive_near(named[i].group, zero, 1), ERR_BAD_KE);
		ck_assert_int_eq(derive_near(named[i].group, p, -1), ERR_BAD_KE);
		ck_assert_int_eq(derive_near(named[i].group, p, 0), ERR_BAD_KE);
		BN_free(p);
		BN_free(q);
		BN_free(y);
		BN_free(two);
		BN_free(zero);
		EVP_PKEY_free(pkey);
		EVP_PKEY_CTX_free(gen);
	}
	BN_CTX_free(ctx);
}
END_TEST

START_TEST(points_off_the_curve)
{
	need_algs();
	for (size_t i = 3; i < 6; i++) {
		struct hex good = hex(vectors[i].public_a), bad = good;
		size_t half = good.n / 2;
		ck_assert_int_eq(derive(vectors[i].group, good.v, good.n), ERR_OK);
		bad.v[good.n - 1] ^= 1;
		ck_assert_int_eq(derive(vectors[i].group, bad.v, bad.n), ERR_BAD_KE);
		memset(bad.v, 0, bad.n); /* what one might take for infinity */
		ck_assert_int_eq(derive(vectors[i].group, bad.v, bad.n), ERR_BAD_KE);
		memset(bad.v, 0xff, bad.n); /* coordinates above the prime */
		ck_assert_int_eq(derive(vectors[i].group, bad.v, bad.n), ERR_BAD_KE);
		memcpy(bad.v, good.v + half, half); /* x and y exchanged */
		memcpy(bad.v + half, good.v, half);
		ck_assert_int_eq(derive(vectors[i].group, bad.v, bad.n), ERR_BAD_KE);
	}
}
END_TEST

/* (x + p, y) is (x, y) to a careless reader. On P-521 there is room for it in 66 octets. */
START_TEST(coordinate_above_the_prime)
{
	struct hex good = hex(vectors[5].public_a);
	BIGNUM *x = BN_bin2bn(good.v, 66, NULL), *p = BN_new();
	need_algs();
	BN_set_bit(p, 521);
	BN_sub_word(p, 1);
	BN_add(x, x, p);
	ck_assert_int_eq(BN_bn2binpad(x, good.v, 66), 66);
	ck_assert_int_eq(derive(GROUP_ECP_521, good.v, good.n), ERR_BAD_KE);
	BN_free(x);
	BN_free(p);
}
END_TEST

/* All points of small order, and values equal to them modulo the prime: each would make the secret zero whatever our key is. */
START_TEST(small_orders_of_x25519_and_x448)
{
	static const struct {
		uint16_t group;
		const char *value;
	} values[] = {
		{ GROUP_CURVE25519, "0000000000000000000000000000000000000000000000000000000000000000" },
		{ GROUP_CURVE25519, "0100000000000000000000000000000000000000000000000000000000000000" },
		{ GROUP_CURVE25519, "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800" },
		{ GROUP_CURVE25519, "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157" },
		{ GROUP_CURVE25519, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
		{ GROUP_CURVE25519, "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
		{ GROUP_CURVE25519, "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f" },
		{ GROUP_CURVE25519, "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
		{ GROUP_CURVE448, "0000000000000000000000000000000000000000000000000000000000000000"
				  "000000000000000000000000000000000000000000000000" },
		{ GROUP_CURVE448, "0100000000000000000000000000000000000000000000000000000000000000"
				  "000000000000000000000000000000000000000000000000" },
		{ GROUP_CURVE448, "feffffffffffffffffffffffffffffffffffffffffffffffffffffff"
				  "feffffffffffffffffffffffffffffffffffffffffffffffffffffff" },
	};
	need_algs();
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		struct hex v = hex(values[i].value);
		ck_assert_int_eq(derive(values[i].group, v.v, v.n), ERR_BAD_KE);
	}
}
END_TEST

/* A private value comes back from durable state, which is hostile input: nonsense is refused. */
START_TEST(nonsense_private_values)
{
	static const uint16_t groups[] = { GROUP_MODP_2048, GROUP_MODP_2048_256, GROUP_ECP_256, GROUP_CURVE25519 };
	need_algs();
	for (size_t i = 0; i < 4; i++) {
		struct ke_private priv, cut;
		struct ke_public pub;
		struct ke_shared shared;
		uint64_t seed = 9;
		ck_assert_int_eq(ke_generate(groups[i], seeded_fill, &seed, &priv, &pub), ERR_OK);
		struct bytes peer = bytes_of(pub.data, pub.len);
		cut = priv;
		cut.len--;
		ck_assert_int_ne(ke_derive(&cut, peer, &shared), ERR_OK);
		cut.len = 0;
		ck_assert_int_ne(ke_derive(&cut, peer, &shared), ERR_OK);
		cut.len = 65535;
		ck_assert_int_ne(ke_derive(&cut, peer, &shared), ERR_OK);
		cut = priv;
		memset(cut.data, 0, sizeof cut.data);
		if (groups[i] != GROUP_CURVE25519) /* any 32 octets are a private key there */
			ck_assert_int_ne(ke_derive(&cut, peer, &shared), ERR_OK);
		memset(cut.data, 0xff, sizeof cut.data);
		if (groups[i] == GROUP_ECP_256) /* above the order */
			ck_assert_int_ne(ke_derive(&cut, peer, &shared), ERR_OK);
	}
}
END_TEST

UNIT_MAIN("ke", rfc_vectors, rfc7748_first_turn, primes_come_from_pi, both_ends_agree, leading_zeros_stay, same_seed_same_key,
	exponent_lengths, bug_CVE_2023_41913, bug_CVE_2014_9221, bug_CVE_2015_3240, small_subgroups_are_refused,
	points_off_the_curve, coordinate_above_the_prime, small_orders_of_x25519_and_x448, nonsense_private_values)
