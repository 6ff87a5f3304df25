/*
 * aws.h - what AWS's three kinds of files say about a Site-to-Site VPN connection, gathered as facts: a text and the place it is from.
 * Tunnels are joined by their outside address at AWS; two places that contradict each other end the import.
 */
#ifndef CTL_AWS_H
#define CTL_AWS_H

#include "set.h"

enum aws_fact { /* of a tunnel */
	AWS_OUTSIDE,
	AWS_NUMBER,
	AWS_OUR_OUTSIDE,
	AWS_INSIDE,
	AWS_INSIDE_LEN,
	AWS_OUR_INSIDE,
	AWS_OUR_INSIDE_LEN,
	AWS_INSIDE_CIDR,
	AWS_INSIDE6,
	AWS_INSIDE6_LEN,
	AWS_OUR_INSIDE6,
	AWS_OUR_INSIDE6_LEN,
	AWS_INSIDE6_CIDR,
	AWS_ASN,
	AWS_OUR_ASN,
	AWS_HOLD,
	AWS_NEIGHBOR,
	AWS_PSK,
	AWS_CERTIFICATE,
	AWS_IKE_VERSIONS,
	AWS_P1_ENCR,
	AWS_P1_INTEG,
	AWS_P1_DH,
	AWS_P1_LIFE,
	AWS_P2_ENCR,
	AWS_P2_INTEG,
	AWS_P2_DH,
	AWS_P2_LIFE,
	AWS_MARGIN,
	AWS_FUZZ,
	AWS_STARTUP,
	AWS_FACTS
};

enum aws_conn_fact { /* of a connection */
	AWSC_ID,
	AWSC_TAG,
	AWSC_CGW,
	AWSC_VGW,
	AWSC_TGW,
	AWSC_CORE,
	AWSC_CATEGORY,
	AWSC_STATIC,
	AWSC_ACCELERATED,
	AWSC_OUR_CIDR,
	AWSC_CIDR,
	AWSC_OUR_CIDR6,
	AWSC_CIDR6,
	AWSC_INSIDE_VERSION,
	AWSC_OUTSIDE_TYPE,
	AWSC_PSK_ARN,
	AWSC_FACTS
};

struct fact {
	const char *text, *from; /* text NULL = not said */
};

struct aws_tunnel {
	struct fact v[AWS_FACTS];
	struct aws_tunnel *next;
};

struct aws_conn {
	struct fact v[AWSC_FACTS];
	struct aws_tunnel *first;
	unsigned n;
	const char *file;
	bool options;  /* describe-vpn-connections was read: TunnelOptions, or their absence, can be trusted */
	bool template; /* a file with the template's algorithms was read */
	struct aws_conn *next;
};

struct aws {
	struct import_set *p;
	struct aws_conn *first;
	unsigned skipped; /* deleted ones */
};

#define AWS_CONNECTIONS_MAX 500
#define AWS_TUNNELS_MAX 8

/* aws_facts.c */
struct aws_conn *aws_conn_new(struct aws *a, const char *file);
/* text NULL or empty says nothing. false: refused, for it contradicts what was said before. */
bool aws_fact_add(struct aws *a, struct fact *v, int fact, const char *text, const char *from);
bool aws_conn_fact_add(struct aws *a, struct aws_conn *c, enum aws_conn_fact fact, const char *text, const char *from);
/* Joins the facts to the tunnel of the same outside address, or makes them one. */
bool aws_join(struct aws *a, struct aws_conn *c, const struct aws_tunnel *t, const char *file);
bool aws_join_all(struct aws *a); /* connections that several files speak of */

/* readers; false: refused */
bool aws_json(struct aws *a, const struct import_doc *d);
bool aws_xml(struct aws *a, const struct import_doc *d, struct aws_conn *into); /* into: NULL = a connection of its own */
bool aws_text(struct aws *a, const struct import_doc *d);

/* aws_choose.c: one proposal out of what the tunnel options allow; NULL (refused) when nothing fits. phase 1 or 2. */
const char *aws_choose(struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t, int phase);
/* What may be set at AWS so that it allows this and nothing else: a whole command. */
const char *aws_command(struct aws *a, const struct aws_conn *c, const struct aws_tunnel *t);
bool aws_tight(const struct aws_tunnel *t);                     /* the options allow the one tight proposal and nothing else */
bool aws_weak(const struct aws *a, const struct aws_tunnel *t); /* the options allow nothing but something weak */
/* Our lifetime in seconds, so that we rekey before AWS does; 0 when the profile's will do. */
unsigned aws_lifetime(const struct aws_tunnel *t, int phase);

/* aws_settings.c */
bool aws_settings(struct aws *a, struct aws_conn *c);

#endif
