/* words.c - foreign text on its way out. */
#include "certificate.h"
#include "ctl/render.h"

json_t *words_json(const char *text)
{
	char clean[2048];
	return text != NULL && text[0] != 0 ? json_string(escaped(clean, sizeof clean, text)) : json_null();
}
