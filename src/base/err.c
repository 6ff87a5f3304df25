/* err.c - names of the error codes, from the one table in err.h. */
#include "base/err.h"

const char *err_text(int err)
{
	switch (err) {
	case ERR_OK: return "no error";
#define X(name, value, text) \
	case name: return text;
		ERR_LIST(X)
#undef X
	}
	return "?";
}
