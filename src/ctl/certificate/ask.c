/* ask.c - `s2sctl certificate request`: a new key and what a CA is asked to sign, with what each cloud wants to see in it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "certificate.h"
#include "config.h"
#include "crypto/request.h"
#include "ctl/output.h"
#include "ctl/render.h"

/* What a profile's peers want of a certificate of ours, and how it is signed. {} stands for the name of the files. */
static const struct wish {
	const char *cloud;
	enum key_kind key;
	unsigned bits;
	bool tls, cn; /* cn: the peer is told the CN and nothing else of the subject */
	const char *how;
} wishes[] = {
	{ "none", KEY_P256, 0, false, false,
		"with a CA of your own: openssl x509 -req -in {}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copyall -days 397 -out {}.pem" },
	{ "azure", KEY_RSA, 2048, true, true,
		"with the CA whose chain is the connection's inbound chain at Azure: openssl x509 -req -in {}.csr -CA ca.pem -CAkey ca.key -CAcreateserial "
		"-copy_extensions copyall -days 397 -out {}.pem; the inbound certificate's subject name at Azure is the CN, without 'CN='" },
	{ "aws", KEY_RSA, 2048, true, false,
		"either by AWS Private CA, with this key: ARN=$(aws acm-pca issue-certificate --certificate-authority-arn CA-ARN --csr fileb://{}.csr "
		"--signing-algorithm SHA256WITHRSA --validity Value=395,Type=DAYS --query CertificateArn --output text); aws acm-pca wait certificate-issued "
		"--certificate-authority-arn CA-ARN --certificate-arn $ARN; aws acm-pca get-certificate --certificate-authority-arn CA-ARN --certificate-arn "
		"$ARN --output json > {}.json; jq -r '.Certificate, .CertificateChain' {}.json > {}.pem; jq -r .CertificateChain {}.json > {}-ca.pem. "
		"Or not at all: a customer gateway with a certificate takes the ARN of one whose key ACM made and has; then neither this key nor this request "
		"is used: umask 077; ARN=$(aws acm request-certificate --domain-name NAME --certificate-authority-arn CA-ARN --query CertificateArn --output "
		"text); aws acm wait certificate-validated --certificate-arn $ARN; printf %s PASSWORD > {}.passphrase; aws acm export-certificate "
		"--certificate-arn $ARN --passphrase fileb://{}.passphrase --output json > {}.json; jq -r '.Certificate, .CertificateChain' {}.json > {}.pem; jq "
		"-r .CertificateChain {}.json > {}-ca.pem; jq -r .PrivateKey {}.json | openssl pkey -passin file:{}.passphrase -out {}.key; rm {}.passphrase "
		"{}.json" },
};

static const struct wish *wish_of(const char *word)
{
	for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
		if (strcmp(wishes[i].cloud, word) == 0)
			return &wishes[i];
	return NULL;
}

/* Of files that hold keys and certificates; other dots may be a host's name. */
static bool has_ending(const char *name)
{
	static const char *const endings[] = { ".key", ".csr", ".pem", ".crt", ".cer", ".der", ".p12", ".pfx" };
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof *endings; i++)
		if (strcasecmp(dot, endings[i]) == 0)
			return true;
	return false;
}

static bool name_good(const char *name)
{
	size_t n = strlen(name);
	return n > 0 && !has_ending(name) && n <= 200 && name[0] != '.' && name[0] != '-' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@+-") == n;
}

struct asked {
	struct request_wish wish;
	struct ident ids[REQUEST_NAMES_MAX + 1]; /* the subject, then the names */
	unsigned n;
};

static void asked_release(struct asked *a)
{
	for (unsigned i = 0; i < a->n; i++)
		free(a->ids[i].data);
}

/* CTL_DONE, or it has said what is wrong. */
static int read_words(const struct ctl_command *self, const struct options *o, const struct wish *w, struct asked *a)
{
	*a = (struct asked){ .wish = { .key = w->key, .bits = w->bits, .tls = w->tls } };
	if (o->argc - 3 > REQUEST_NAMES_MAX)
		return ctl_usage(o, self, "more than %d names", REQUEST_NAMES_MAX);
	for (int i = 2; i < o->argc; i++) {
		struct ident *id = &a->ids[a->n];
		const char *why = "";
		if (!ident_parse(id, o->argv[i], &why))
			return ctl_usage(o, self, "'%s': %s", o->argv[i], why);
		a->n++;
		struct bytes value = bytes_of(id->data, id->len);
		if ((i == 2) != (id->type == ID_DER_ASN1_DN) || id->type == ID_KEY_ID)
			return ctl_usage(o, self,
				i == 2 ? "'%s' is no subject such as \"O=Example, CN=gw\""
				       : "'%s' is no name, address or e-mail address",
				o->argv[i]);
		if (i == 2 && w->cn && !request_has_cn(value))
			return ctl_usage(o, self, "'%s' has no CN, by which %s knows the certificate", o->argv[i], w->cloud);
		if (i == 2)
			a->wish.subject = value;
		else
			a->wish.names[a->wish.n++] = (struct request_name){ id->type, value };
	}
	return CTL_DONE;
}

static bool write_one(const struct options *o, const char *path, const char *text)
{
	const char *why = "";
	errno = 0;
	FILE *f = output_open(path, o->force, &why);
	bool there = f == NULL && !o->force && errno == EEXIST;
	bool good = f != NULL && fputs(text, f) >= 0;
	if (f != NULL && fclose(f) != 0)
		good = false;
	if (!good)
		ctl_fail(o, CTL_FAILED, "output", "%s: %s%s", path, f != NULL ? strerror(errno) : why,
			there ? "; --force replaces it, and what was signed for an old key is of no use then" : "");
	return good;
}

static int tell(const struct options *o, const struct wish *w, const char *key, const char *csr, const char *base)
{
	char how[32768] = ""; /* a path of 1500 bytes fits, 20 times */
	for (const char *p = w->how; *p != 0;) {
		size_t n = strlen(how);
		bool hole = strncmp(p, "{}", 2) == 0;
		snprintf(how + n, sizeof how - n, "%.*s", hole ? (int)strlen(base) : 1, hole ? base : p);
		p += hole ? 2 : 1;
	}
	if (o->json) {
		json_t *answer = answer_new();
		json_object_set_new(answer, "key", words_json(key));
		json_object_set_new(answer, "request", words_json(csr));
		json_object_set_new(answer, "todo", words_json(how));
		return answer_print(answer);
	}
	printf("%s\n%s\n", key, csr);
	int used = printf("to be signed ");
	put_fitting(stdout, how, (unsigned)used, 8);
	used = printf("then ");
	put_fitting(stdout,
		"chmod 600 what is in keys/, write certificate, private-key, ca and remote-id into the tunnel, and run `s2sctl certificate check`",
		(unsigned)used, 8);
	return CTL_DONE;
}

static int make(const struct options *o, const struct wish *w, const struct asked *a)
{
	struct request r;
	char folder[PATH_MAX], key[PATH_MAX], csr[PATH_MAX], base[PATH_MAX - 8];
	const char *out = o->out != NULL ? o->out : S2S_SYSCONFDIR "/s2sd", *name = o->name != NULL ? o->name : "gw";
	int n = snprintf(base, sizeof base, "%s/keys/%s", out, name);
	if (n < 0 || (size_t)n >= sizeof base)
		return ctl_fail(o, CTL_FAILED, "output", "the path is too long");
	snprintf(folder, sizeof folder, "%s/keys", out);
	mkdir(out, 0755); /* as import does; why there is none is said of the folder in it */
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return ctl_fail(o, CTL_FAILED, "output", "%s: %s", folder, strerror(errno));
	snprintf(key, sizeof key, "%s.key", base);
	snprintf(csr, sizeof csr, "%s.csr", base);
	int err = request_make(&a->wish, &r);
	if (err != ERR_OK)
		return ctl_fail(o, CTL_FAILED, "crypto", "the request cannot be made: %s", err_text(err));
	bool written = write_one(o, key, r.key) && write_one(o, csr, r.request);
	request_release(&r);
	return written ? tell(o, w, key, csr, base) : CTL_FAILED;
}

int run_certificate_request(const struct ctl_command *self, const struct options *o)
{
	struct asked a;
	const struct wish *w = o->argc > 1 ? wish_of(o->argv[1]) : NULL;
	if (o->argc < 3)
		return ctl_usage(o, self, "too few arguments");
	if (w == NULL)
		return ctl_usage(o, self, "'%s' is none of none, aws, azure", o->argv[1]);
	if (o->name != NULL && !name_good(o->name))
		return ctl_usage(o, self,
			"--name takes the name of a file without a slash and without an ending: .key and .csr are added");
	int code = read_words(self, o, w, &a);
	if (code == CTL_DONE)
		code = make(o, w, &a);
	asked_release(&a);
	return code;
}
