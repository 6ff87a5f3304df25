/* words.c - foreign text on its way out. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certificate.h"
#include "ctl/render.h"

json_t *words_json(const char *text)
{
	size_t size = text != NULL ? 4 * strlen(text) + 8 : 0; /* whole: a command that is cut off is none */
	if (size <= 8)
		return json_null();
	char *clean = xcalloc(size, 1);
	json_t *out = json_string(escaped(clean, size, text));
	free(clean);
	return out;
}
