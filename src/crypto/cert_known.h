/* cert_known.h - see cert_known.c. On any thread. */
#ifndef CRYPTO_CERT_KNOWN_H
#define CRYPTO_CERT_KNOWN_H

#include "cert_lib.h"

struct cert *cert_read_known(struct bytes der, enum cert_cause *why); /* as cert_read; the octets may be known already */
void cert_remember(struct cert *c); /* of a peer that is believed: strangers take nobody's place; holds it for itself */

#endif
