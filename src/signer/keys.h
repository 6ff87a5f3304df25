/* keys.h - the private keys that the keeper has handed over, one per tunnel. */
#ifndef SIGNER_KEYS_H
#define SIGNER_KEYS_H

#include "base/clock.h"
#include "ipc/signer.h"

/* Each message as it came; what is malformed is false: the keeper does not send such. */
bool keys_take(struct bytes body, bool tokens);
bool keys_sign(struct bytes body, struct mono now, struct signer_signature *out);
void keys_forget(void); /* wipes all */

#endif
