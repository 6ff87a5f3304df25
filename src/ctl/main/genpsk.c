/* genpsk.c - `s2sctl genpsk`: a pre-shared key that both clouds accept. */
#include <stdio.h>
#include <sys/random.h>

#include "base/mem.h"
#include "ctl/answer.h"

/* AWS takes 8 to 64 of letters, digits, '.' and '_', not starting with 0; Azure up to 128 printable. Letters and digits suit both, every
 * shell and every YAML. 48 of them hold 285 bits. */
bool psk_make(char *key, unsigned n)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	enum { LETTERS = sizeof letters - 1, FAIR = 256 / LETTERS * LETTERS };
	uint8_t fresh[64];
	unsigned done = 0;
	while (done < n) {
		if (getrandom(fresh, sizeof fresh, 0) != (ssize_t)sizeof fresh)
			return false;
		for (unsigned i = 0; i < sizeof fresh && done < n; i++) {
			/* A byte past the last whole round would favour the first letters. */
			if (fresh[i] < FAIR && !(done == 0 && letters[fresh[i] % LETTERS] == '0'))
				key[done++] = letters[fresh[i] % LETTERS];
		}
	}
	key[n] = 0;
	wipe(fresh, sizeof fresh);
	return true;
}

int run_genpsk(const struct ctl_command *self, const struct options *o)
{
	char key[PSK_LENGTH + 1];
	int code = CTL_DONE;
	(void)self;
	if (!psk_make(key, PSK_LENGTH))
		return ctl_fail(o, CTL_FAILED, "random", "the system gives no random bytes");
	if (o->json) {
		json_t *answer = answer_new();
		json_object_set_new(answer, "psk", json_string(key));
		code = answer_print(answer);
	} else {
		printf("%s\n", key);
	}
	wipe(key, sizeof key);
	return code;
}
