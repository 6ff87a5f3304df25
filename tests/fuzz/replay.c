/*
 * replay.c - main() for a fuzz target without libFuzzer: feeds it every file of the directories given.
 *
 * Each input is copied to a heap block of exactly its size, so that the address sanitizer sees a read one byte past the end.
 * A target that crashes ends the program, and the guilty input is named.
 */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path_now[4096];

/* Present only under a sanitizer, which then reports crashes itself and calls us before it ends the program. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void tell_guilty(void)
{
	static const char text[] = "replay: crashed on ";
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0 || write(STDERR_FILENO, path_now, strlen(path_now)) < 0 ||
		write(STDERR_FILENO, "\n", 1) < 0)
		_exit(1);
}

static void crashed(int sig)
{
	tell_guilty();
	_exit(128 + sig);
}

static void watch_crashes(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	if (__sanitizer_set_death_callback != NULL) {
		__sanitizer_set_death_callback(tell_guilty);
		return;
	}
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		signal(signals[i], crashed);
}

static int feed(const char *path)
{
	struct stat st;
	FILE *f = fopen(path, "rb");
	if (f == NULL || fstat(fileno(f), &st) != 0) {
		fprintf(stderr, "replay: cannot read %s\n", path);
		if (f != NULL)
			fclose(f);
		return -1;
	}

	size_t size = (size_t)st.st_size;
	uint8_t *data = malloc(size > 0 ? size : 1);
	int result = -1;
	if (data != NULL && fread(data, 1, size, f) == size) {
		LLVMFuzzerTestOneInput(data, size);
		result = 0;
	}
	free(data);
	fclose(f);
	return result;
}

static void feed_all(const char *dir, unsigned *passed, unsigned *failed)
{
	DIR *d = opendir(dir);
	if (d == NULL) {
		fprintf(stderr, "replay: cannot open %s\n", dir);
		(*failed)++;
		return;
	}
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		struct stat st;
		snprintf(path_now, sizeof path_now, "%s/%s", dir, e->d_name);
		if (stat(path_now, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		if (feed(path_now) == 0)
			(*passed)++;
		else
			(*failed)++;
	}
	closedir(d);
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	watch_crashes();
	for (int i = 1; i < argc; i++)
		feed_all(argv[i], &passed, &failed);
	if (passed == 0)
		failed++; /* an empty corpus proves nothing */

	const char *name = strrchr(argv[0], '/');
	printf("%s: %u passed, %u failed\n", name != NULL ? name + 1 : argv[0], passed, failed);
	return failed > 0;
}
