/*
 * aws.h - what AWS's three kinds of files say about a Site-to-Site VPN connection, gathered as facts: a text and the place it is from.
 * Tunnels are joined by their outside address at AWS; two places that contradict each other end the import.
 */
#ifndef CTL_AWS_H
#define CTL_AWS_H

#include "set.h"

/* What is known of a tunnel: fact, what it is called, how two of them are compared. A prefix length follows its address. */
enum aws_fact_kind { FACT_TEXT, FACT_ADDR, FACT_PREFIX, FACT_SECRET };
#define AWS_FOUND_LIST(X) \
	X(AWS_OUTSIDE, "the outside address at AWS", FACT_ADDR) \
	X(AWS_NUMBER, "the number of the tunnel", FACT_TEXT) \
	X(AWS_OUR_OUTSIDE, "the customer gateway's outside address", FACT_ADDR) \
	X(AWS_INSIDE, "the inside address at AWS", FACT_ADDR) \
	X(AWS_INSIDE_LEN, "the inside prefix length", FACT_TEXT) \
	X(AWS_OUR_INSIDE, "the customer gateway's inside address", FACT_ADDR) \
	X(AWS_OUR_INSIDE_LEN, "the inside prefix length", FACT_TEXT) \
	X(AWS_INSIDE6, "the inside IPv6 address at AWS", FACT_ADDR) \
	X(AWS_INSIDE6_LEN, "the inside IPv6 prefix length", FACT_TEXT) \
	X(AWS_OUR_INSIDE6, "the customer gateway's inside IPv6 address", FACT_ADDR) \
	X(AWS_OUR_INSIDE6_LEN, "the inside IPv6 prefix length", FACT_TEXT) \
	X(AWS_ASN, "the ASN of AWS", FACT_TEXT) \
	X(AWS_OUR_ASN, "the customer gateway's ASN", FACT_TEXT) \
	X(AWS_HOLD, "the BGP hold time", FACT_TEXT) \
	X(AWS_NEIGHBOR, "the BGP neighbor", FACT_ADDR) \
	X(AWS_PSK, "the pre-shared key", FACT_SECRET) \
	X(AWS_CERTIFICATE, "the certificate", FACT_TEXT)
/* Those that are members of TunnelOptions, called so. */
#define AWS_OPTION_LIST(X) \
	X(AWS_INSIDE_CIDR, "TunnelInsideCidr", FACT_PREFIX) \
	X(AWS_INSIDE6_CIDR, "TunnelInsideIpv6Cidr", FACT_PREFIX) \
	X(AWS_IKE_VERSIONS, "IkeVersions", FACT_TEXT) \
	X(AWS_P1_ENCR, "Phase1EncryptionAlgorithms", FACT_TEXT) \
	X(AWS_P1_INTEG, "Phase1IntegrityAlgorithms", FACT_TEXT) \
	X(AWS_P1_DH, "Phase1DHGroupNumbers", FACT_TEXT) \
	X(AWS_P1_LIFE, "Phase1LifetimeSeconds", FACT_TEXT) \
	X(AWS_P2_ENCR, "Phase2EncryptionAlgorithms", FACT_TEXT) \
	X(AWS_P2_INTEG, "Phase2IntegrityAlgorithms", FACT_TEXT) \
	X(AWS_P2_DH, "Phase2DHGroupNumbers", FACT_TEXT) \
	X(AWS_P2_LIFE, "Phase2LifetimeSeconds", FACT_TEXT) \
	X(AWS_MARGIN, "RekeyMarginTimeSeconds", FACT_TEXT) \
	X(AWS_FUZZ, "RekeyFuzzPercentage", FACT_TEXT) \
	X(AWS_STARTUP, "StartupAction", FACT_TEXT)

enum aws_fact {
#define X(fact, what, kind) fact,
	AWS_FOUND_LIST(X) AWS_OPTION_LIST(X)
#undef X
		AWS_FACTS
};

/* Of a connection; then those that are members of its Options. */
#define AWSC_FOUND_LIST(X) \
	X(AWSC_ID, "the connection's id") \
	X(AWSC_TAG, "its Name tag") \
	X(AWSC_CGW, "the customer gateway") \
	X(AWSC_VGW, "the virtual private gateway") \
	X(AWSC_TGW, "the transit gateway") \
	X(AWSC_CORE, "the core network") \
	X(AWSC_CATEGORY, "Category") \
	X(AWSC_PSK_ARN, "PreSharedKeyArn")
#define AWSC_OPTION_LIST(X) \
	X(AWSC_STATIC, "StaticRoutesOnly") \
	X(AWSC_ACCELERATED, "EnableAcceleration") \
	X(AWSC_OUR_CIDR, "LocalIpv4NetworkCidr") \
	X(AWSC_CIDR, "RemoteIpv4NetworkCidr") \
	X(AWSC_OUR_CIDR6, "LocalIpv6NetworkCidr") \
	X(AWSC_CIDR6, "RemoteIpv6NetworkCidr") \
	X(AWSC_INSIDE_VERSION, "TunnelInsideIpVersion") \
	X(AWSC_OUTSIDE_TYPE, "OutsideIpAddressType")

enum aws_conn_fact {
#define X(fact, what) fact,
	AWSC_FOUND_LIST(X) AWSC_OPTION_LIST(X)
#undef X
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
	bool pending;  /* AWS is still making it */
	bool template; /* a file with the template's algorithms was read */
	struct aws_conn *next;
};

struct aws {
	struct import_set *p;
	struct aws_conn *first;
	unsigned skipped; /* deleted ones */
};

#define AWS_DESCRIBE "aws ec2 describe-vpn-connections --output json"
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
/* as the CLI prints it; NULL: it is something else */
struct json_t *aws_terraform(const char *type, const struct json_t *attributes);
bool aws_value(struct aws *a, const struct json_t *j, const struct import_doc *d); /* what aws_json reads, parsed */
bool aws_xml(struct aws *a, const struct import_doc *d, struct aws_conn *into);    /* into: NULL = a connection of its own */
bool aws_text(struct aws *a, const struct import_doc *d);
/* mine: it is the download for another vendor than 'Generic' */
bool aws_vendor(struct aws *a, const struct import_doc *d, bool *mine);

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
