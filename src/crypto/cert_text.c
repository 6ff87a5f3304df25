/* cert_text.c - names and times of certificates for people and tables; the words for what is wrong with one. */
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "base/log.h"
#include "base/util.h"
#include "cert_lib.h"

static const struct {
	const char *word, *text;
} causes[] = {
#define X(name, word, sentence) { word, sentence },
	CERT_CAUSE_LIST(X)
#undef X
};

const char *cert_cause_word(enum cert_cause cause) { return cause < ARRAY_SIZE(causes) ? causes[cause].word : "?"; }
const char *cert_cause_text(enum cert_cause cause) { return cause < ARRAY_SIZE(causes) ? causes[cause].text : "?"; }

/* The order of the certificate, as identities are written in the configuration; what is no ordinary character is a \xx of UTF-8, or \xNN. */
void cert_name_text(const X509_NAME *name, char text[CERT_TEXT])
{
	const unsigned long how = XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN | ASN1_STRFLGS_ESC_2253 | ASN1_STRFLGS_ESC_CTRL |
				  ASN1_STRFLGS_UTF8_CONVERT | ASN1_STRFLGS_DUMP_UNKNOWN | ASN1_STRFLGS_DUMP_DER;
	char *at = NULL;
	BIO *b = BIO_new(BIO_s_mem());
	text[0] = 0;
	if (b != NULL && X509_NAME_print_ex(b, name, 0, how) >= 0) {
		long n = BIO_get_mem_data(b, &at);
		log_escape(text, CERT_TEXT, bytes_of(at, n > 0 ? (size_t)n : 0));
	}
	BIO_free(b);
	ERR_clear_error();
}

int64_t cert_time(const ASN1_TIME *t)
{
	struct tm tm;
	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}
