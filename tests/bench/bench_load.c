/*
 * bench_load.c - milliseconds of CPU until a program has OpenSSL loaded, and nothing else: the mark for what a start of the daemon takes, of which each process
 * needs that, too. Most of it is the dynamic loader's and the kernel's, and differs from machine to machine by more than all that the daemon does.
 */
#include <stdio.h>
#include <time.h>

#include <openssl/crypto.h>

int main(void)
{
	struct timespec t;
	if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL) != 1)
		return 1;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	printf("%.3f\n", (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6);
	return 0;
}
