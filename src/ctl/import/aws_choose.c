/*
 * aws_choose.c - one proposal out of the sets that the tunnel options allow. AWS takes the weakest of what is offered, so exactly one is
 * offered: the tight one of the profile when it is allowed, else the strongest that is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"
#include "aws.h"
#include "cloud/cloud.h"

/* Best first. An option that is not set allows all. */
static const char *const ciphers[] = { "aes256", "aes256gcm16", "aes128gcm16", "aes128", NULL };
static const char *const hashes[] = { "sha256", "sha384", "sha512", "sha1", NULL };
static const char *const groups[] = { "modp2048", "ecp256", "ecp384", "ecp521", "modp3072", "modp4096", "modp6144", "modp8192",
	"modp2048s256", "modp2048s224", "modp1536", "modp1024", "modp1024s160", NULL };

static bool listed(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *s = list; *s != 0; s += strspn(s, " ,")) {
		size_t len = strcspn(s, " ,");
		if (len == n && strncasecmp(s, word, n) == 0)
			return true;
		s += len;
	}
	return false;
}

/* The first of the words that the option allows; aead: of those that need no integrity. */
static const struct alg *allowed(const struct aws *a, const struct fact *option, const char *const *words, bool aead)
{
	for (; *words != NULL; words++) {
		const char *name = cloud_name(a->p->request->cloud, true, *words, strlen(*words));
		const struct alg *alg = alg_by_word(*words, strlen(*words));
		if (alg != NULL && (!aead || alg->aead) && (option->text == NULL || (name != NULL && listed(option->text, name))))
			return alg;
	}
	return NULL;
}

const char *aws_choose(struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t, int phase)
{
	const struct fact *encr = &t->v[phase == 1 ? AWS_P1_ENCR : AWS_P2_ENCR];
	const struct fact *integ = &t->v[phase == 1 ? AWS_P1_INTEG : AWS_P2_INTEG],
			  *dh = &t->v[phase == 1 ? AWS_P1_DH : AWS_P2_DH];
	const struct alg *cipher = allowed(a, encr, ciphers, false), *hash = allowed(a, integ, hashes, false),
			 *group = allowed(a, dh, groups, false);
	/* ESP with GCM needs no hash, so a weak one there is no reason to be weak. */
	const struct alg *aead = phase == 2 && (hash == NULL || hash->weak) ? allowed(a, encr, ciphers, true) : NULL;
	cipher = aead != NULL ? aead : cipher;
	bool needs_hash = cipher != NULL && !(cipher->aead && phase == 2);
	const char *missing = cipher == NULL               ? encr->text
			      : needs_hash && hash == NULL ? integ->text
			      : group == NULL              ? dh->text
							   : NULL;
	if (missing != NULL) {
		import_refuse(a->p, "%s: phase %d of the tunnel to %s allows only '%s', which is unknown here. At AWS: %s",
			c->file, phase, t->v[AWS_OUTSIDE].text, missing, aws_command(a, c, t));
		return NULL;
	}
	if (cipher->aead && phase == 2)
		return import_text(a->p, "%s-%s", cipher->word, group->word);
	return import_text(a->p, "%s-%s%s-%s", cipher->word, cipher->aead ? "prf" : "", hash->word, group->word);
}

/* --- what to set at AWS --- */
const char *aws_command(struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t)
{
	const char *id = c->v[AWSC_ID].text;
	return import_text(a->p,
		"aws ec2 modify-vpn-tunnel-options --vpn-connection-id %s --vpn-tunnel-outside-ip-address %s --tunnel-options "
		"'IKEVersions=[{Value=ikev2}],Phase1EncryptionAlgorithms=[{Value=AES256}],Phase1IntegrityAlgorithms=[{Value=SHA2-256}],"
		"Phase1DHGroupNumbers=[{Value=14}],Phase2EncryptionAlgorithms=[{Value=AES256}],Phase2IntegrityAlgorithms=[{Value=SHA2-256}],"
		"Phase2DHGroupNumbers=[{Value=14}]'",
		id != NULL ? id : "VPN-CONNECTION-ID", t->v[AWS_OUTSIDE].text);
}

static const struct {
	int fact;
	const char *value;
} tight[] = { { AWS_IKE_VERSIONS, "ikev2" }, { AWS_P1_ENCR, "AES256" }, { AWS_P1_INTEG, "SHA2-256" }, { AWS_P1_DH, "14" },
	{ AWS_P2_ENCR, "AES256" }, { AWS_P2_INTEG, "SHA2-256" }, { AWS_P2_DH, "14" } };

bool aws_tight(const struct aws_tunnel *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(tight); i++) {
		const char *text = t->v[tight[i].fact].text;
		if (text == NULL || strcasecmp(text, tight[i].value) != 0)
			return false;
	}
	return true;
}

static bool is_weak(const struct alg *a) { return a == NULL || a->weak != NULL; }

bool aws_weak(const struct aws *a, const struct aws_tunnel *t)
{
	return is_weak(allowed(a, &t->v[AWS_P1_INTEG], hashes, false)) || is_weak(allowed(a, &t->v[AWS_P1_DH], groups, false)) ||
	       is_weak(allowed(a, &t->v[AWS_P2_DH], groups, false)) ||
	       (is_weak(allowed(a, &t->v[AWS_P2_INTEG], hashes, false)) && allowed(a, &t->v[AWS_P2_ENCR], ciphers, true) == NULL);
}

/* --- times: AWS rekeys margin * (1 + fuzz) before the end at the earliest; we rekey at 80 to 84 % --- */
static unsigned number(const struct fact *f, unsigned low, unsigned high, unsigned otherwise)
{
	char *end;
	unsigned long n = f->text != NULL ? strtoul(f->text, &end, 10) : 0;
	return f->text == NULL || *end != 0 || n < low || n > high ? otherwise : (unsigned)n;
}

unsigned aws_lifetime(const struct aws_tunnel *t, int phase)
{
	unsigned standard = phase == 1 ? 28800 : 3600;
	unsigned life = number(&t->v[phase == 1 ? AWS_P1_LIFE : AWS_P2_LIFE], 900, standard, standard);
	unsigned margin = number(&t->v[AWS_MARGIN], 60, 1800, 270), fuzz = number(&t->v[AWS_FUZZ], 0, 100, 100);
	unsigned reserve = margin * (100 + fuzz) / 100, first = reserve < life ? life - reserve : 0;
	unsigned ours = life * 84 / 100 < first ? life : first * 100 / 85;
	if (ours < 60)
		ours = 60;
	return ours == standard ? 0 : ours;
}
