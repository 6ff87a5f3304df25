/* vendor.h - who a Vendor ID payload (RFC 7296 3.12) belongs to, as far as it is known. */
#ifndef WIRE_VENDOR_H
#define WIRE_VENDOR_H

#include "base/buf.h"

#define VENDOR_TEXT 64
const char *vendor_name(struct bytes id); /* shorter than VENDOR_TEXT; NULL = not known */
/* To keep one that vendor_name() told; 0 and NULL: not known. */
uint8_t vendor_number(const char *name);
const char *vendor_by_number(uint8_t number);

#endif
