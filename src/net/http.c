/*
 * HTTP over libcurl, the only user of <curl/curl.h>: limits, time-outs, and
 * the sorting of failures into "nothing was sent", "it may have been done"
 * and "refused here".  Retries and meaning are left to the callers.
 */
#include "base/base.h"

#include "net/http.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/clock.h"

#define CONNECT_TIMEOUT_MS 10000
#define DEFAULT_TIMEOUT_MS 120000
#define DEFAULT_ANSWER_MAX ((size_t)16 * 1024 * 1024)
#define BODY_MAX ((size_t)64 * 1024 * 1024)
#define HOST_CONNECTIONS 8L
#define HEADERS_MAX 200
#define HEADER_BYTES_MAX ((size_t)64 * 1024)

struct curl_transport {
	struct http_transport transport; /* first: perform() gets its address */
	CURLM *multi;
};

/* One transfer under way. */
struct call {
	const struct http_request *request;
	struct http_response *response;
	CURL *easy;
	struct curl_slist *headers;
	size_t header_bytes;
	size_t given; /* bytes of the body that libcurl took */
	bool too_large;
	char why[CURL_ERROR_SIZE];
};

/* --- requests and responses -------------------------------------------- */

void
http_request_init(struct http_request *request, const char *method, const char *url)
{
	memset(request, 0, sizeof(*request));
	request->method = method;
	request->url = bh_xstrdup(url);
	bh_buf_init(&request->body, BODY_MAX);
}

/* Takes the header's texts. */
static void
take_into(struct http_header **headers, size_t *n, struct http_header header)
{
	*headers = bh_xrealloc(*headers, (*n + 1) * sizeof(**headers));
	(*headers)[(*n)++] = header;
}

void
http_request_header(struct http_request *request, const char *name, const char *value)
{
	struct http_header header = {bh_xstrdup(name), bh_xstrdup(value)};

	take_into(&request->headers, &request->headers_n, header);
}

static void
headers_release(struct http_header **headers, size_t *n)
{
	for (size_t i = 0; i < *n; i++) {
		free((*headers)[i].name);
		bh_wipe((*headers)[i].value, strlen((*headers)[i].value));
		free((*headers)[i].value);
	}
	free(*headers);
	*headers = NULL;
	*n = 0;
}

void
http_request_release(struct http_request *request)
{
	headers_release(&request->headers, &request->headers_n);
	bh_buf_wipe(&request->body);
	free(request->url);
	request->url = NULL;
}

void
http_response_init(struct http_response *response)
{
	memset(response, 0, sizeof(*response));
	bh_buf_init(&response->body, DEFAULT_ANSWER_MAX);
}

void
http_response_release(struct http_response *response)
{
	headers_release(&response->headers, &response->headers_n);
	bh_buf_wipe(&response->body);
}

const char *
http_response_header(const struct http_response *response, const char *name)
{
	for (size_t i = 0; i < response->headers_n; i++) {
		if (strcasecmp(response->headers[i].name, name) == 0)
			return response->headers[i].value;
	}
	return NULL;
}

int
http_perform(struct http_transport *transport, const struct http_request *request,
    struct http_response *response, struct bh_err *err)
{
	transport->perform(transport, request, response, 1);
	if (response->err.code == BH_OK)
		return 0;
	if (err != NULL)
		*err = response->err;
	return -1;
}

/* --- which URLs may be called ------------------------------------------ */

static bool
is_loopback(const char *host)
{
	struct in_addr four;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

static int
check_parts(const char *scheme, const char *host, struct bh_err *err)
{
	if (strcmp(scheme, "https") == 0)
		return 0;
	if (strcmp(scheme, "http") == 0 && is_loopback(host))
		return 0;
	return bh_fail(err, BH_INVALID,
	    "only https URLs may be called (http only to this machine)");
}

/* libcurl's own parser is asked, so that what is checked is what is called. */
int
http_check_url(const char *url, struct bh_err *err)
{
	CURLU *parts = curl_url();
	char *scheme = NULL, *host = NULL;
	int rc = -1;

	if (parts == NULL)
		abort();
	if (curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		bh_fail(err, BH_INVALID, "this is not a URL that can be called");
	else
		rc = check_parts(scheme, host, err);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(parts);
	return rc;
}

/* --- one transfer ------------------------------------------------------- */

static size_t
answer_max(const struct call *call)
{
	return call->request->answer_max != 0 ? call->request->answer_max : DEFAULT_ANSWER_MAX;
}

/* Called with decoded bytes, so that a small compressed answer cannot grow without bound either. */
static size_t
take_body(char *data, size_t size, size_t n, void *arg)
{
	struct call *call = arg;

	(void)size;
	if (call->response->body.len + n > answer_max(call)) {
		call->too_large = true;
		return 0;
	}
	bh_buf_add(&call->response->body, data, n);
	return n;
}

static size_t
take_header(char *data, size_t size, size_t n, void *arg)
{
	struct call *call = arg;
	struct http_response *response = call->response;
	const char *colon = memchr(data, ':', n);
	size_t name_len, from, to = n;

	(void)size;
	call->header_bytes += n;
	if (call->header_bytes > HEADER_BYTES_MAX || response->headers_n == HEADERS_MAX) {
		call->too_large = true;
		return 0;
	}
	if (n >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		/* A 1xx answer came before: its headers are not those of the answer. */
		headers_release(&response->headers, &response->headers_n);
		return n;
	}
	if (colon == NULL)
		return n;
	name_len = (size_t)(colon - data);
	for (from = name_len + 1; from < n && isspace((unsigned char)data[from]); from++)
		continue;
	while (to > from && isspace((unsigned char)data[to - 1]))
		to--;
	take_into(&response->headers, &response->headers_n,
	    (struct http_header){bh_xstrndup(data, name_len), bh_xstrndup(data + from, to - from)});
	return n;
}

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 127)
			return true;
	}
	return false;
}

/* Refuse what must not leave, before anything is set up. */
static int
check_request(const struct http_request *request, struct bh_err *err)
{
	for (size_t i = 0; i < request->headers_n; i++) {
		if (has_control(request->headers[i].name) || has_control(request->headers[i].value))
			return bh_fail(err, BH_INVALID, "header %zu holds a control character",
			    i + 1);
	}
	if (bh_buf_check(&request->body, "the request", err) < 0)
		return -1;
	return http_check_url(request->url, err);
}

static void
add_header(struct call *call, const char *line)
{
	struct curl_slist *list = curl_slist_append(call->headers, line);

	if (list == NULL)
		abort();
	call->headers = list;
}

static void
set_headers(struct call *call)
{
	for (size_t i = 0; i < call->request->headers_n; i++) {
		const struct http_header *header = &call->request->headers[i];
		/* "Name;" is how libcurl sends a header without a value. */
		char *line = header->value[0] != '\0'
				 ? bh_xasprintf("%s: %s", header->name, header->value)
				 : bh_xasprintf("%s;", header->name);

		add_header(call, line);
		bh_wipe(line, strlen(line));
		free(line);
	}
	/* No waiting for "100 Continue" in front of a body. */
	add_header(call, "Expect:");
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static size_t
give_body(char *out, size_t size, size_t n, void *arg)
{
	struct call *call = arg;
	const struct bh_buf *body = &call->request->body;
	size_t len = body->len - call->given;

	if (len > size * n)
		len = size * n;
	if (len > 0)
		memcpy(out, body->data + call->given, len);
	call->given += len;
	return len;
}

/*
 * When a kept connection dies without an answer, libcurl sends the request
 * again by itself, up to five times, although the server may have done it
 * (seen with 7.88).  It must rewind the body for that, which is refused: the
 * caller has to know.
 */
static int
refuse_rewind(void *arg, curl_off_t offset, int origin)
{
	(void)arg;
	(void)offset;
	(void)origin;
	return CURL_SEEKFUNC_FAIL;
}

static void
set_method(struct call *call)
{
	const struct http_request *request = call->request;
	CURL *easy = call->easy;

	if (strcmp(request->method, "GET") == 0) {
		curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(easy, CURLOPT_READDATA, call);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, refuse_rewind);
	if (strcmp(request->method, "POST") != 0)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	/*
	 * Without a body there is nothing to rewind, and a token call must
	 * not meet a connection that died meanwhile: a new one for both.
	 */
	if (request->body.len == 0 || request->secret_body)
		curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
}

static void
set_limits(struct call *call)
{
	const struct http_request *request = call->request;
	CURL *easy = call->easy;
	const char *bundle = getenv("CURL_CA_BUNDLE");

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
	    (long)(request->timeout_ms > 0 ? request->timeout_ms : DEFAULT_TIMEOUT_MS));
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	if (bundle != NULL && bundle[0] != '\0')
		curl_easy_setopt(easy, CURLOPT_CAINFO, bundle);
	/* A proxy that the environment names has no part in calls to this machine. */
	if (strncmp(request->url, "http:", 5) == 0)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
}

static void
call_start(struct call *call, CURLM *multi)
{
	call->easy = curl_easy_init();
	if (call->easy == NULL)
		abort();
	curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->why);
	curl_easy_setopt(call->easy, CURLOPT_URL, call->request->url);
	curl_easy_setopt(call->easy, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	curl_easy_setopt(call->easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
	call->response->body.max = answer_max(call);
	set_limits(call);
	set_method(call);
	set_headers(call);
	if (curl_multi_add_handle(multi, call->easy) != CURLM_OK)
		abort();
}

/* Did any byte of the request leave, as far as libcurl can tell? */
static bool
was_sent(const struct call *call)
{
	long request_bytes = 0;
	curl_off_t body_bytes = 0;

	curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &body_bytes);
	return request_bytes > 0 || body_bytes > 0 || call->header_bytes > 0;
}

/* What libcurl's verdict means for the caller; "in doubt, it was sent". */
static enum bh_code
code_of(const struct call *call, CURLcode result)
{
	if (call->too_large)
		return BH_INVALID;
	/* NOLINTNEXTLINE(clang-diagnostic-switch-enum): the rest is decided by what was sent */
	switch ((int)result) {
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return BH_INVALID;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return BH_UNAVAILABLE;
	default:
		return was_sent(call) ? BH_UNCERTAIN : BH_UNAVAILABLE;
	}
}

static void
call_failed(struct call *call, CURLcode result)
{
	struct http_response *response = call->response;
	const char *why = call->why[0] != '\0' ? call->why : curl_easy_strerror(result);

	if (call->too_large)
		why = "the answer is larger than allowed";
	else if (result == CURLE_SEND_FAIL_REWIND)
		why = "the connection was closed without an answer";
	bh_fail(&response->err, code_of(call, result), "no complete answer: %s", why);
	response->status = 0;
	headers_release(&response->headers, &response->headers_n);
	bh_buf_wipe(&response->body);
}

static void
call_done(struct call *call, CURLcode result)
{
	curl_off_t elapsed_us = 0;
	long status = 0;

	curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &elapsed_us);
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	call->response->elapsed_ms = elapsed_us / 1000;
	call->response->status = (int)status;
	if (result != CURLE_OK || status == 0)
		call_failed(call, result != CURLE_OK ? result : CURLE_WEIRD_SERVER_REPLY);
}

static void
call_release(struct call *call, CURLM *multi)
{
	if (call->easy != NULL) {
		curl_multi_remove_handle(multi, call->easy);
		curl_easy_cleanup(call->easy);
	}
	for (struct curl_slist *item = call->headers; item != NULL; item = item->next)
		bh_wipe(item->data, strlen(item->data));
	curl_slist_free_all(call->headers);
}

/* --- the transport ------------------------------------------------------ */

static void
collect_done(CURLM *multi)
{
	const CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi, &left)) != NULL) {
		void *call = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
		call_done(call, message->data.result);
	}
}

/* Each transfer has its time-out: this ends. */
static void
run_all(CURLM *multi)
{
	int running = 0;

	for (;;) {
		CURLMcode code = curl_multi_perform(multi, &running);

		collect_done(multi);
		if (code != CURLM_OK)
			abort(); /* a bug or no memory: no request failed, the handles are broken */
		if (running == 0)
			return;
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
}

static void
curl_perform(struct http_transport *transport, const struct http_request *requests,
    struct http_response *responses, size_t n)
{
	struct curl_transport *self = (struct curl_transport *)(void *)transport;
	struct call *calls = bh_xcalloc(n + 1, sizeof(*calls));

	for (size_t i = 0; i < n; i++) {
		calls[i].request = &requests[i];
		calls[i].response = &responses[i];
		if (check_request(&requests[i], &responses[i].err) == 0)
			call_start(&calls[i], self->multi);
	}
	run_all(self->multi);
	for (size_t i = 0; i < n; i++)
		call_release(&calls[i], self->multi);
	free(calls);
}

struct http_transport *
http_curl_new(void)
{
	struct curl_transport *self = bh_xcalloc(1, sizeof(*self));

	/* Counted by libcurl: balanced in http_curl_free(). */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	self->multi = curl_multi_init();
	if (self->multi == NULL)
		abort();
	curl_multi_setopt(self->multi, CURLMOPT_MAX_HOST_CONNECTIONS, HOST_CONNECTIONS);
	curl_multi_setopt(self->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	self->transport.perform = curl_perform;
	return &self->transport;
}

void
http_curl_free(struct http_transport **transport)
{
	struct curl_transport *self = (struct curl_transport *)(void *)*transport;

	if (self == NULL)
		return;
	curl_multi_cleanup(self->multi);
	curl_global_cleanup();
	free(self);
	*transport = NULL;
}
