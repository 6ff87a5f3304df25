/* confine.h - what s2sd-signer may do: with keys of files nothing but compute; with tokens what their providers need, as a user without capabilities. */
#ifndef SIGNER_CONFINE_H
#define SIGNER_CONFINE_H

#include "ipc/signer.h"

bool signer_confine(const struct signer_setup *s, const char **why);
bool signer_filter(const char **why); /* not with tokens */

#endif
