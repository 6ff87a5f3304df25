/* vendor.h - who a Vendor ID payload (RFC 7296 3.12) belongs to, as far as it is known. */
#ifndef WIRE_VENDOR_H
#define WIRE_VENDOR_H

#include "base/buf.h"

#define VENDOR_TEXT 64
const char *vendor_name(struct bytes id); /* shorter than VENDOR_TEXT; NULL = not known */

#endif
