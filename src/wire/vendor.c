/* vendor.c - Vendor IDs that IKEv2 peers send: one row per beginning of an ID. */
#include <string.h>

#include "base/util.h"
#include "wire/vendor.h"

static const struct {
	const char *name;
	uint8_t n;
	uint8_t id[20];
} vendors[] = {
	{ "Microsoft (Azure, Windows)", 16,
		{ 0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d, 0x7c, 0x96, 0xfc, 0xbf, 0xb5, 0x87, 0xe4, 0x61 } },
	{ "Microsoft (Azure, Windows)", 16,
		{ 0xfb, 0x1d, 0xe3, 0xcd, 0xf3, 0x41, 0xb7, 0xea, 0x16, 0xb7, 0xe5, 0xbe, 0x08, 0x55, 0xf1, 0x20 } },
	{ "strongSwan", 16, { 0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc, 0x22, 0x51, 0x61, 0x3b, 0x2e, 0xbe, 0x5b, 0xeb } },
	{ "Cisco", 19, "CISCO-DELETE-REASON" },
	{ "Cisco", 12, "FLEXVPN-SUPP" },
	{ "Libreswan", 12, "OE-Libreswan" },
};

const char *vendor_name(struct bytes id)
{
	for (unsigned i = 0; i < ARRAY_SIZE(vendors); i++)
		if (id.n >= vendors[i].n && !memcmp(id.p, vendors[i].id, vendors[i].n))
			return vendors[i].name;
	return NULL;
}

uint8_t vendor_number(const char *name)
{
	for (unsigned i = 0; name && i < ARRAY_SIZE(vendors); i++)
		if (!strcmp(vendors[i].name, name))
			return (uint8_t)(i + 1);
	return 0;
}

const char *vendor_by_number(uint8_t number) { return number && number <= ARRAY_SIZE(vendors) ? vendors[number - 1].name : NULL; }
