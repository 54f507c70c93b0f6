/*
 * The trace: wraps any transport and logs each call of it.  Method, path,
 * status, time and size only: query strings, headers and bodies hold
 * customers' data and tokens.
 */
#include "base/base.h"

#include "base/log.h"
#include "dest/dest.h"

struct trace {
	struct http_transport transport; /* first: perform() gets its address */
	struct http_transport *inner;    /* borrowed */
	char connection[65];
};

/* Where the path starts, and its length without the query. */
static const char *
path_of(const char *url, size_t *len_r)
{
	const char *host = strstr(url, "://");
	const char *path = host != NULL ? host + 3 + strcspn(host + 3, "/?#") : "";

	*len_r = strcspn(path, "?#");
	return path;
}

static void
log_call(const struct trace *trace, const struct http_request *request,
    const struct http_response *response)
{
	size_t len;
	const char *path = path_of(request->url, &len);

	bh_log(BH_INFO,
	    "http call connection=%s method=%s path=%.*s status=%d ms=%lld sent=%zu received=%zu%s%s",
	    trace->connection, request->method, (int)(len < 200 ? len : 200), path,
	    response->status, (long long)response->elapsed_ms, request->body.len,
	    response->body.len, response->err.code != BH_OK ? " failed=" : "",
	    response->err.code != BH_OK ? bh_code_name(response->err.code) : "");
}

static void
trace_perform(struct http_transport *transport, const struct http_request *requests,
    struct http_response *responses, size_t n)
{
	const struct trace *trace = (const struct trace *)(const void *)transport;

	trace->inner->perform(trace->inner, requests, responses, n);
	for (size_t i = 0; i < n; i++)
		log_call(trace, &requests[i], &responses[i]);
}

struct http_transport *
dest_trace_new(struct http_transport *inner, const char *connection)
{
	struct trace *trace = bh_xcalloc(1, sizeof(*trace));

	trace->transport.perform = trace_perform;
	trace->inner = inner;
	snprintf(trace->connection, sizeof(trace->connection), "%s", connection);
	return &trace->transport;
}

void
dest_trace_free(struct http_transport **trace)
{
	free(*trace);
	*trace = NULL;
}
