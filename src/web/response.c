/* Status and headers: see view.h. */
#include "base/base.h"

#include <unistd.h>

#include "base/json.h"
#include "web/view.h"

/*
 * Everything a page needs is our own file; nothing is written inline, so
 * injected markup can neither run nor load nor send.
 */
static const char policy[] = "default-src 'none'; style-src 'self'; script-src 'self'; "
			     "img-src 'self' data:; connect-src 'self'; form-action 'self'; "
			     "frame-ancestors 'none'; base-uri 'none'";

void
response_init(struct response *response)
{
	memset(response, 0, sizeof(*response));
	response->type = "text/plain; charset=utf-8";
	bh_buf_init(&response->body, VIEW_BODY_MAX);
}

void
response_release(struct response *response)
{
	free(response->location);
	for (size_t i = 0; i < VIEW_COOKIES; i++)
		free(response->cookies[i]);
	if (response->is_stream)
		close(response->stream_fd);
	bh_buf_release(&response->body);
	response_init(response);
}

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = {{200, "OK"}, {302, "Found"}, {303, "See Other"}, {304, "Not Modified"},
	    {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
	    {405, "Method Not Allowed"}, {408, "Request Timeout"}, {413, "Content Too Large"},
	    {414, "URI Too Long"}, {429, "Too Many Requests"},
	    {431, "Request Header Fields Too Large"}, {500, "Internal Server Error"},
	    {503, "Service Unavailable"}};

	for (size_t i = 0; i < BH_LEN(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Other";
}

/* A header whose value cannot end the line, whatever it holds. */
static void
add_header(struct bh_buf *head, const char *name, const char *value)
{
	bh_buf_addf(head, "%s: ", name);
	for (; *value != '\0'; value++) {
		bool is_control = (unsigned char)*value < 0x20 || *value == 0x7f;

		bh_buf_add(head, is_control ? " " : value, 1);
	}
	bh_buf_adds(head, "\r\n");
}

static void
add_caching(struct bh_buf *head, const struct response *response)
{
	if (response->max_age_s <= 0) {
		bh_buf_adds(head, "Cache-Control: no-store\r\n");
		return;
	}
	bh_buf_addf(head, "Cache-Control: public, max-age=%d%s\r\n", response->max_age_s,
	    response->is_immutable ? ", immutable" : "");
	if (response->etag[0] != '\0')
		bh_buf_addf(head, "ETag: \"%s\"\r\n", response->etag);
}

static uint64_t
body_length(const struct response *response)
{
	if (response->is_stream)
		return response->stream_len;
	return response->file != NULL ? response->file_len : response->body.len;
}

void
response_head(const struct response *response, struct bh_buf *head)
{
	int status = response->status != 0 ? response->status : 500;

	bh_buf_addf(head, "Status: %d %s\r\n", status, reason(status));
	if (status != 304) {
		add_header(head, "Content-Type", response->type);
		bh_buf_addf(head, "Content-Length: %llu\r\n",
		    (unsigned long long)body_length(response));
	}
	if (response->download[0] != '\0')
		bh_buf_addf(head, "Content-Disposition: attachment; filename=\"%s\"\r\n",
		    response->download);
	if (response->location != NULL)
		add_header(head, "Location", response->location);
	if (response->allow[0] != '\0')
		add_header(head, "Allow", response->allow);
	if (response->retry_after_s > 0)
		bh_buf_addf(head, "Retry-After: %d\r\n", response->retry_after_s);
	if (response->asks_token)
		add_header(head, "WWW-Authenticate", "Bearer");
	for (size_t i = 0; i < VIEW_COOKIES; i++)
		if (response->cookies[i] != NULL)
			add_header(head, "Set-Cookie", response->cookies[i]);
	add_caching(head, response);
	add_header(head, "Content-Security-Policy", policy);
	bh_buf_adds(head, "X-Content-Type-Options: nosniff\r\n"
			  "Referrer-Policy: same-origin\r\n"
			  "Cross-Origin-Resource-Policy: same-origin\r\n"
			  "\r\n");
}

const void *
response_body(const struct response *response, bool is_head, size_t *len_r)
{
	bool is_empty = is_head || response->is_stream || response->status == 304;

	*len_r = is_empty ? 0 : (size_t)body_length(response);
	return response->file != NULL ? response->file : bh_buf_str(&response->body);
}

void
response_cookie(struct response *response, const char *name, const char *value, const char *path,
    int max_age_s, bool is_secure)
{
	size_t i = 0;

	/* The last slot is overwritten rather than a cookie lost silently: no page sets more. */
	while (i < VIEW_COOKIES - 1 && response->cookies[i] != NULL)
		i++;
	free(response->cookies[i]);
	response->cookies[i] = bh_xasprintf("%s=%s; Path=%s/; Max-Age=%d; HttpOnly; SameSite=Lax%s",
	    name, value, path, max_age_s, is_secure ? "; Secure" : "");
}

void
response_redirect(struct response *response, const char *base, const char *path)
{
	response->status = 303;
	free(response->location);
	response->location = bh_xasprintf("%s%s", base, path);
	bh_buf_reset(&response->body);
}

void
response_json(struct response *response, int status, json_t *json)
{
	response->status = status;
	response->type = "application/json";
	bh_buf_reset(&response->body);
	bh_json_add(&response->body, json);
	bh_buf_addc(&response->body, '\n');
	json_decref(json);
}

void
response_text(struct response *response, int status, const char *text)
{
	response->status = status;
	response->type = "text/plain; charset=utf-8";
	bh_buf_reset(&response->body);
	bh_buf_adds(&response->body, text);
	bh_buf_addc(&response->body, '\n');
}

void
response_stream(struct response *response, int take_fd, uint64_t len, const char *type,
    const char *name)
{
	response->status = 200;
	response->type = type;
	response->is_stream = true;
	response->stream_fd = take_fd;
	response->stream_len = len;
	snprintf(response->download, sizeof(response->download), "%s", name);
}
