/*
 * E-mail over libcurl, the one user of it beside http.c.  What stands in
 * headers is checked (addresses) or encoded (subject), so that no text of
 * others can begin a line of its own.
 */
#include "base/base.h"

#include "net/mail.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/text.h"

#define CONNECT_TIMEOUT_MS 10000L
#define TIMEOUT_MS 60000L
#define MESSAGE_MAX ((size_t)256 * 1024)
#define ADDRESS_MAX 254
#define LINE_BYTES 57 /* 76 characters in base64 */
#define WORD_BYTES 42 /* an encoded word of at most 75 characters */

/* -- what may be used -- */

/* Nothing that ends or divides an address where it stands in a header or a command. */
static bool
is_address(const char *text)
{
	const char *at = text != NULL ? strchr(text, '@') : NULL;

	if (at == NULL || at == text || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
	    strlen(text) > ADDRESS_MAX)
		return false;
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 127 ||
		    strchr("<>()[],;:\\\"", *text) != NULL)
			return false;
	return true;
}

static bool
is_loopback(const char *host)
{
	struct in_addr four;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

/* libcurl's own parser is asked, so that what is checked is what is called. */
static int
check_server(const char *server, bool *is_plain_r, struct bh_err *err)
{
	CURLU *parts = curl_url();
	char *scheme = NULL, *host = NULL, *path = NULL;
	int rc = -1;

	*is_plain_r = false;
	if (parts == NULL)
		abort();
	if (server == NULL ||
	    curl_url_set(parts, CURLUPART_URL, server, CURLU_DISALLOW_USER) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_PATH, &path, 0) != CURLUE_OK ||
	    (strcmp(scheme, "smtp") != 0 && strcmp(scheme, "smtps") != 0) ||
	    (path[0] != '\0' && strcmp(path, "/") != 0)) {
		bh_fail(err, BH_INVALID,
		    "a mail server is smtps://host:465, or smtp://host:587 with STARTTLS");
	} else {
		*is_plain_r = strcmp(scheme, "smtp") == 0 && is_loopback(host);
		rc = 0;
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(path);
	curl_url_cleanup(parts);
	return rc;
}

int
mail_check(const struct mail *mail, struct bh_err *err)
{
	bool is_plain;

	if (check_server(mail->server, &is_plain, err) < 0)
		return -1;
	if (!is_address(mail->from))
		return bh_fail(err, BH_INVALID, "the sender is an address such as me@example.com");
	if (mail->to_n == 0 || mail->to_n > MAIL_TO_MAX)
		return bh_fail(err, BH_INVALID, "there are 1 to %d receivers", MAIL_TO_MAX);
	for (size_t i = 0; i < mail->to_n; i++)
		if (!is_address(mail->to[i]))
			return bh_fail(err, BH_INVALID,
			    "a receiver is an address such as me@example.com");
	return 0;
}

/* -- the message -- */

static void
add_date(struct bh_buf *out, int64_t now_ms)
{
	static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970 began with a Thursday */
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t s = now_ms / 1000, day = s / 86400;
	int year, month, mday, rest = (int)(s % 86400);

	bh_civil_from_days(day, &year, &month, &mday);
	bh_buf_addf(out, "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000\r\n", days + day % 7 * 3,
	    mday, months + (month - 1) * (size_t)3, year, rest / 3600, rest / 60 % 60, rest % 60);
}

/* Bytes of the next encoded word: whole characters. */
static size_t
word_len(const char *text, size_t len)
{
	size_t n = len < WORD_BYTES ? len : WORD_BYTES;

	while (n < len && n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	return n;
}

static void
add_subject(struct bh_buf *out, const char *subject)
{
	size_t len = strlen(subject);
	char *text = bh_xstrndup(subject, len);
	bool is_plain = len <= 60 && strstr(text, "=?") == NULL;

	for (size_t i = 0; i < len; i++) {
		is_plain = is_plain && (unsigned char)text[i] < 127;
		if ((unsigned char)text[i] < ' ' || text[i] == 127)
			text[i] = ' ';
	}
	bh_buf_adds(out, "Subject:");
	if (is_plain)
		bh_buf_addf(out, " %s\r\n", text);
	for (size_t at = 0; !is_plain && at < len;) {
		size_t n = word_len(text + at, len - at);

		bh_buf_adds(out, " =?UTF-8?B?");
		bh_base64_add(out, text + at, n);
		bh_buf_adds(out, "?=\r\n");
		at += n;
	}
	free(text);
}

/* In base64: no line is too long, none is a dot alone. */
static void
add_body(struct bh_buf *out, const char *text)
{
	struct bh_buf lines = BH_BUF_INIT(MESSAGE_MAX / 2);

	for (; *text != '\0'; text++) {
		if (*text == '\n')
			bh_buf_addc(&lines, '\r');
		bh_buf_addc(&lines, *text);
	}
	for (size_t at = 0; at < lines.len; at += LINE_BYTES) {
		size_t rest = lines.len - at;

		bh_base64_add(out, lines.data + at, rest < LINE_BYTES ? rest : LINE_BYTES);
		bh_buf_adds(out, "\r\n");
	}
	bh_buf_release(&lines);
}

void
mail_compose(struct bh_buf *out, const struct mail *mail, const char *id)
{
	add_date(out, mail->now_ms);
	bh_buf_addf(out, "From: Billhook <%s>\r\n", mail->from);
	for (size_t i = 0; i < mail->to_n; i++)
		bh_buf_addf(out, "%s<%s>%s\r\n", i == 0 ? "To: " : " ", mail->to[i],
		    i + 1 < mail->to_n ? "," : "");
	add_subject(out, mail->subject);
	bh_buf_addf(out, "Message-ID: <%s@%s>\r\n", id, strchr(mail->from, '@') + 1);
	bh_buf_adds(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: base64\r\n\r\n");
	add_body(out, mail->text);
}

/* -- sending -- */

struct upload {
	struct bh_buf message;
	size_t given;
};

static size_t
give_message(char *out, size_t size, size_t n, void *arg)
{
	struct upload *upload = arg;
	size_t len = upload->message.len - upload->given;

	if (len > size * n)
		len = size * n;
	if (len > 0)
		memcpy(out, upload->message.data + upload->given, len);
	upload->given += len;
	return len;
}

static struct curl_slist *
receivers(const struct mail *mail)
{
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < mail->to_n; i++) {
		char address[ADDRESS_MAX + 3];

		snprintf(address, sizeof(address), "<%s>", mail->to[i]);
		list = curl_slist_append(list, address);
		if (list == NULL)
			abort();
	}
	return list;
}

static void
set_server(CURL *easy, const struct mail *mail, bool is_plain)
{
	const char *bundle = getenv("CURL_CA_BUNDLE");

	curl_easy_setopt(easy, CURLOPT_URL, mail->server);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_SMTP | CURLPROTO_SMTPS);
#endif
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_USE_SSL,
	    (long)(is_plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (bundle != NULL && bundle[0] != '\0')
		curl_easy_setopt(easy, CURLOPT_CAINFO, bundle);
	if (mail->user != NULL && mail->user[0] != '\0') {
		curl_easy_setopt(easy, CURLOPT_USERNAME, mail->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD,
		    mail->password != NULL ? mail->password : "");
	}
}

static int
failed(CURLcode result, const char *why, struct bh_err *err)
{
	if (result == CURLE_LOGIN_DENIED)
		return bh_fail(err, BH_DENIED, "the mail server refuses this user or password");
	if (result == CURLE_USE_SSL_FAILED)
		return bh_fail(err, BH_UNAVAILABLE, "the mail server offers no TLS");
	if (result == CURLE_PEER_FAILED_VERIFICATION)
		return bh_fail(err, BH_UNAVAILABLE,
		    "the mail server's certificate cannot be trusted: %.150s", why);
	return bh_fail(err, BH_UNAVAILABLE, "the mail was not taken: %.150s",
	    why[0] != '\0' ? why : curl_easy_strerror(result));
}

int
mail_send(const struct mail *mail, struct bh_err *err)
{
	struct upload upload = {.message = BH_BUF_INIT(MESSAGE_MAX)};
	char why[CURL_ERROR_SIZE] = "", id[BH_ID_LEN + 1], from[ADDRESS_MAX + 3];
	struct curl_slist *to;
	CURLcode result;
	CURL *easy;
	bool is_plain;

	if (mail_check(mail, err) < 0 || check_server(mail->server, &is_plain, err) < 0)
		return -1;
	bh_random_id(id);
	mail_compose(&upload.message, mail, id);
	if (bh_buf_check(&upload.message, "the mail", err) < 0) {
		bh_buf_release(&upload.message);
		return -1;
	}
	snprintf(from, sizeof(from), "<%s>", mail->from);
	to = receivers(mail);
	easy = curl_easy_init();
	if (easy == NULL)
		abort();
	set_server(easy, mail, is_plain);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, to);
#if LIBCURL_VERSION_NUM >= 0x074500
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L); /* the others get it */
#endif
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_message);
	curl_easy_setopt(easy, CURLOPT_READDATA, &upload);
	result = curl_easy_perform(easy);
	curl_easy_cleanup(easy);
	curl_slist_free_all(to);
	bh_buf_release(&upload.message);
	return result == CURLE_OK ? 0 : failed(result, why, err);
}
