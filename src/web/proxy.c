/* Proxies in front of the web server: see proxy.h. */
#include "base/base.h"

#include "web/proxy.h"

#include <strings.h>

#include "base/address.h"

#define BLANKS " \t"

/* text[len] without blanks around it; moves text. */
static size_t
trimmed(const char **text, size_t len)
{
	while (len > 0 && strchr(BLANKS, **text) != NULL) {
		(*text)++;
		len--;
	}
	while (len > 0 && strchr(BLANKS, (*text)[len - 1]) != NULL)
		len--;
	return len;
}

/* The last word of text[len], which has commas between words; what stands in front of it is left in *len. */
static const char *
last_word(const char *text, size_t *len, size_t *word_len_r)
{
	size_t from = *len;
	const char *word;

	while (from > 0 && text[from - 1] != ',')
		from--;
	word = text + from;
	*word_len_r = trimmed(&word, *len - from);
	*len = from > 0 ? from - 1 : 0;
	return word;
}

/* From the end to the first who is not trusted; who cannot be read is nobody, and ends it. */
static void
find_client(struct request *request, const char *trusted)
{
	const char *list = request_header(request, "X-Forwarded-For");
	size_t len = list != NULL ? strlen(list) : 0, word_len;
	struct bh_address address;
	bool is_found = false;

	while (len > 0 && !is_found) {
		const char *word = last_word(list, &len, &word_len);

		if (!bh_is_address(word, word_len, &address))
			return;
		is_found = !bh_is_in_networks(&address, trusted);
		bh_address_text(&address, request->peer);
	}
}

static void
find_scheme(struct request *request)
{
	const char *list = request_header(request, "X-Forwarded-Proto"), *word;
	size_t len = list != NULL ? strlen(list) : 0, word_len;

	if (len == 0)
		return;
	word = last_word(list, &len, &word_len);
	request->is_https = word_len == 5 && strncasecmp(word, "https", word_len) == 0;
}

static void
find_host(struct request *request)
{
	const char *list = request_header(request, "X-Forwarded-Host"), *word;
	size_t len = list != NULL ? strlen(list) : 0, word_len;

	if (len == 0)
		return;
	word = last_word(list, &len, &word_len);
	if (word_len > 0 && word_len < sizeof(request->host)) {
		memcpy(request->host, word, word_len);
		request->host[word_len] = '\0';
	}
}

void
proxy_apply(struct request *request, const char *trusted)
{
	struct bh_address caller;

	if (!bh_is_address(request->peer, strlen(request->peer), &caller) ||
	    !bh_is_in_networks(&caller, trusted))
		return;
	find_client(request, trusted);
	find_scheme(request);
	find_host(request);
}
