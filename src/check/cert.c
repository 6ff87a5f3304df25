/* cert.c - certificates: which keys belong together. */
#include <string.h>

#include "rules.h"

static bool written(const struct tunnel_draft *d, enum key_id id) { return (d->written & KEY_BIT(id)) != 0; }

static void missing(struct findings *f, const struct tunnel_draft *d, enum key_id id, const char *text, const char *advice)
{
	if (!written(d, id))
		finding_advice(finding_add(f, tunnel_place(d->t, id), FINDING_MISSING, "%s", text), "%s", advice);
}

/* Keys that say nothing without `certificate`. */
static bool strays(struct findings *f, const struct tunnel_draft *d)
{
	static const enum key_id needs_certificate[] = { KEY_PRIVATE_KEY, KEY_CA },
				 idle[] = { KEY_CRL, KEY_CERT_PIN, KEY_SEND_CERTIFICATE };
	bool meant = false;
	for (unsigned i = 0; i < ARRAY_SIZE(needs_certificate); i++)
		meant = meant || written(d, needs_certificate[i]);
	if (meant)
		missing(f, d, KEY_CERTIFICATE, "is missing: the file in keys/ with our certificate, then its intermediates",
			"write 'certificate: NAME.pem'; `s2sctl certificate request` makes a key and what a CA signs");
	for (unsigned i = 0; i < ARRAY_SIZE(idle) && !meant; i++)
		if (written(d, idle[i]))
			finding_add(f, tunnel_place(d->t, idle[i]), FINDING_WITHOUT_EFFECT,
				"does nothing: this tunnel has a pre-shared key and no certificate");
	return meant;
}

bool check_certificate_keys(struct findings *f, const struct tunnel_draft *d)
{
	if (!written(d, KEY_CERTIFICATE))
		return strays(f, d);
	if (written(d, KEY_PSK) || written(d, KEY_PSK_FILE))
		finding_add(f, tunnel_place(d->t, KEY_CERTIFICATE), FINDING_CONTRADICTION,
			"and a pre-shared key are both written: which one counts?");
	missing(f, d, KEY_PRIVATE_KEY, "is missing: the key of our certificate",
		"write 'private-key: NAME.key', a file in keys/, or a URI (pkcs11:..., handle:...)");
	missing(f, d, KEY_CA, "is missing: who may certify the peer",
		"write 'ca: NAME.pem' with the root or the intermediate that issued the peer's certificate, and nobody else's");
	if (!d->t->remote_any)
		missing(f, d, KEY_REMOTE_ID,
			"is missing: with certificates it says which of all that this CA has certified the peer is",
			"write the subject of the peer's certificate, or a name of it: 'remote-id: \"CN=vpn-....endpoint-0\"'");
	return true;
}
