/*
 * accounts.h - as whom the unprivileged processes run, and whose members may use the control socket. Accounts that have nothing in common: what parses
 * DNS answers must not command the daemon, nor signal the process that speaks IKE, nor that which has private keys; nor may the code of a token's provider.
 */
#ifndef KEEPER_ACCOUNTS_H
#define KEEPER_ACCOUNTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "ipc/signer.h"

#define RESOLVER_USER "s2sd-resolver"
#define SIGNER_USER "s2sd-signer"
#define TOKEN_USER "s2sd-token"    /* of the signer whose keys are in tokens */
#define ENGINE_GROUP "s2sd-engine" /* of an engine's user whose own primary group is the control group */

struct account {
	uid_t uid;
	gid_t gid;
};

struct account_files { /* system users are local: their files are read, so that no name service is loaded into the process with the keys */
	const char *passwd, *group;
};

struct accounts {
	struct account engine, resolver, signer, token;
	gid_t token_groups[SIGNER_GROUPS_MAX]; /* that it is a member of besides: the devices' (tss); never those of the others */
	unsigned n_token_groups;
	gid_t control; /* 0: root's only */
};

/* user, group: of the configuration. What is missing or unfit is logged with the commands that mend it. False: nobody fit for the engine. */
bool accounts_find(const struct account_files *files, const char *user, const char *group, struct accounts *out);

#endif
