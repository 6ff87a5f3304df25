/*
 * test_promises.c - what the commands of s2sctl that need no daemon say as JSON is what contrib/schema promises; and the manual, the completions and the
 * schemas know every command, every option, every event.
 */
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ike/fact.h"
#include "schema_help.h"
#include "unit.h"

/* ---------------------------------------------------------------- s2sctl without a daemon */
static char *output_of(const char *words)
{
	char copy[256], *argv[24] = { "s2sctl", "-r", "/nonexistent", "--json" }, *rest = copy, path[] = "/tmp/s2s-schema-XXXXXX";
	int argc = 4, fd = mkstemp(path);
	struct stat st;
	snprintf(copy, sizeof copy, "%s", words);
	while ((argv[argc] = strsep(&rest, " ")) != NULL)
		argc++;
	optind = 0;
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	ctl_main(argc, argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	ck_assert_int_eq(fstat(fd, &st), 0);
	char *text = calloc(1, (size_t)st.st_size + 1);
	ck_assert_int_eq(pread(fd, text, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	unlink(path);
	return text;
}

static const struct {
	const char *schema, *words;
} offline[] = {
	{ "version", "version" },
	{ "help", "help" },
	{ "genpsk", "genpsk" },
	{ "algorithms", "show algorithms" },
	{ "profile", "show profile azure" },
	{ "report", "report -c /nonexistent/s2sd.yaml" },
	{ "check", "check tests/golden/conf/faults.in" },
	{ "certificate.show", "certificate show tests/golden/conf/certs/gw-chain.pem" },
	{ "certificate.check", "certificate check tests/golden/conf/certificates.in" },
	{ "export", "export frr tests/golden/export/aws.in" },
	{ "error", "status" },
	{ "error", "top --once" },
	{ "error", "explain nothing" },
	{ "error", "show profile nothing" },
	{ "error", "nonsense" }, /* what is asked wrongly, too */
	{ "error", "show" },
	{ "error", "up a b" },
	{ "error", "status --dry-run" },
	{ "error", "status --nonsense" },
	{ "error", "up --timeout never a" },
	{ "error", "rekey --ike --check a" },
	{ "error", "export quagga" },
	{ "error", "import gcp x" },
};

START_TEST(the_commands)
{
	char *text = output_of(offline[_i].words);
	schema_check_text(offline[_i].schema, text);
	free(text);
}
END_TEST

/* ---------------------------------------------------------------- who knows every command */
static char *contents(const char *path)
{
	FILE *f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	char *text = calloc(1, 1 << 20);
	ck_assert_uint_lt(fread(text, 1, (1 << 20) - 1, f), (1 << 20) - 1);
	fclose(f);
	return text;
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = text; (p = strstr(p, word)) != NULL; p += n) {
		bool begins = p == text || strchr(" \t\n'\"|=", p[-1]) != NULL;
		if (begins && strchr(" \t\n'\"|:)", p[n]) != NULL)
			return true;
	}
	return false;
}

/* What could not be written was not done, and that is said. */
START_TEST(a_full_disk_is_a_failure)
{
	char *argv[] = { "s2sctl", _i ? "--json" : "genpsk", _i ? "genpsk" : NULL, NULL };
	int full = open("/dev/full", O_WRONLY), saved = dup(STDOUT_FILENO);
	ck_assert_int_ge(full, 0);
	optind = 0;
	fflush(stdout);
	dup2(full, STDOUT_FILENO);
	int code = ctl_main(_i ? 3 : 2, argv);
	dup2(saved, STDOUT_FILENO);
	clearerr(stdout);
	close(full);
	close(saved);
	ck_assert_int_eq(code, CTL_FAILED);
}
END_TEST

START_TEST(every_command_is_told_everywhere)
{
	static const char *const files[] = { "man/s2sctl.8", "contrib/completion/s2sctl", "contrib/completion/_s2sctl" };
	static const char *const same[][2] = { { "up", "order" }, { "down", "order" }, { "rekey", "order" } };
	char *text = output_of("help");
	json_t *o = json_loads(text, 0, NULL), *list = json_object_get(o, "commands");
	ck_assert_uint_gt(json_array_size(list), 10);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_object_get(json_array_get(list, i), "command")), *name = word;
		for (size_t k = 0; k < 3; k++)
			name = strcmp(same[k][0], word) == 0 ? same[k][1] : name;
		json_decref(schema_load(name));
		for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
			char *told = contents(files[k]);
			ck_assert_msg(has_word(told, word), "%s does not know %s", files[k], word);
			free(told);
		}
	}
	json_decref(o);
	free(text);
}
END_TEST

/* The completions know what the commands' own usage lines say of long options. */
START_TEST(every_option_is_completed)
{
	static const char *const files[] = { "contrib/completion/s2sctl", "contrib/completion/_s2sctl", "man/s2sctl.8" };
	char *text = output_of("help"), option[64];
	unsigned n = 0;
	for (const char *p = text; (p = strstr(p, "--")) != NULL; p += strlen(option)) {
		snprintf(option, sizeof option, "--%.*s", (int)strspn(p + 2, "abcdefghijklmnopqrstuvwxyz-"), p + 2);
		for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
			char *told = contents(files[k]), mdoc[80];
			snprintf(mdoc, sizeof mdoc, "Fl -%s", option + 2); /* as mdoc writes it */
			ck_assert_msg(strstr(told, option) != NULL || strstr(told, mdoc) != NULL, "%s does not know %s", files[k],
				option);
			free(told);
		}
		n++;
	}
	ck_assert_uint_gt(n, 8);
	free(text);
}
END_TEST

/* s2sd(8), LOG: every code once, with the level that it has. */
/* ---------------------------------------------------------------- the judge itself */
static const struct {
	const char *schema, *value;
	bool fits;
} judged[] = {
	{ "{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":1}", true },
	{ "{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":\"1\"}", false },
	{ "{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{}", false },
	{ "{\"type\":\"object\",\"properties\":{}}", "{\"b\":1}", false },
	{ "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"null\"}}", "{\"b\":1}", false },
	{ "{\"type\":[\"string\",\"null\"],\"pattern\":\"^a+$\"}", "null", true },
	{ "{\"type\":[\"string\",\"null\"],\"pattern\":\"^a+$\"}", "\"b\"", false },
	{ "{\"enum\":[1,\"x\",null]}", "\"x\"", true },
	{ "{\"enum\":[1,\"x\",null]}", "2", false },
	{ "{\"const\":1}", "1", true },
	{ "{\"const\":1}", "2", false },
	{ "{\"type\":\"integer\",\"minimum\":0}", "-1", false },
	{ "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"}}", "[true,false]", true },
	{ "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"}}", "[true,3]", false },
	{ "{\"type\":\"array\"}", "[1]", false },
};
START_TEST(the_judge)
{
	char why[256];
	json_t *s = json_loads(judged[_i].schema, 0, NULL), *v = json_loads(judged[_i].value, JSON_DECODE_ANY, NULL);
	ck_assert(s != NULL && v != NULL);
	ck_assert(schema_fits(s, v, why, sizeof why) == judged[_i].fits);
	json_decref(s);
	json_decref(v);
}
END_TEST

int main(void)
{
	TCase *o = tcase_create("offline");
	tcase_set_timeout(o, 60);
	tcase_add_loop_test(o, the_commands, 0, (int)(sizeof offline / sizeof offline[0]));
	tcase_add_loop_test(o, a_full_disk_is_a_failure, 0, 2);
	tcase_add_test(o, every_command_is_told_everywhere);
	tcase_add_test(o, every_option_is_completed);
	tcase_add_loop_test(o, the_judge, 0, (int)(sizeof judged / sizeof judged[0]));
	return unit_run_case("promises", o);
}
