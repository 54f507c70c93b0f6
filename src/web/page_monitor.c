/* What programs ask that watch Billhook: is it well, and how is it doing? */
#include "base/base.h"

#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "state/monitor.h"
#include "sync/health.h"
#include "sync/metrics.h"
#include "web/page.h"

int
page_health(struct exchange *exchange, struct bh_err *err)
{
	const struct site *site = exchange->site;
	struct response *response = exchange->response;
	bool is_strict = request_query(exchange->request, "strict") != NULL;
	bool is_ready, is_well;
	struct health health;
	json_t *said;

	if (health_read(site->store, exchange_read(exchange), site->has_key ? &site->key : NULL,
		bh_now_ms(), &health, err) < 0) {
		response->retry_after_s = 5;
		response_json(response, 503,
		    json_pack("{s:s, s:s}", "status", site->has_key ? "unavailable" : "key",
			"reason",
			site->has_key ? "the database process cannot be reached"
				      : "the key file is missing or cannot be read"));
		return 0;
	}
	said = health_json(&health, &is_ready, &is_well);
	if (!is_ready)
		response->retry_after_s = 30;
	response_json(response, (is_strict ? is_well : is_ready) ? 200 : 503, said);
	return 0;
}

/*
 * The token of the request; NULL none.  Apache hands the header Authorization
 * over only where it is told to (CGIPassAuth, or a rewrite rule that makes it
 * REDIRECT_HTTP_AUTHORIZATION), so that one of our own will do.  Never from the
 * address: those are logged.
 */
static const char *
given_token(const struct request *request)
{
	const char *header = request_header(request, "Authorization");

	if (header == NULL)
		header = request_param(request, "REDIRECT_HTTP_AUTHORIZATION");
	if (header != NULL && strncasecmp(header, "Bearer ", 7) == 0)
		return header + 7 + strspn(header + 7, " ");
	return request_header(request, "X-Billhook-Token");
}

/* 1, 0 with an answer that says why not, -1. */
static int
is_let_in(struct exchange *exchange, struct bh_err *err)
{
	const char *token = given_token(exchange->request);
	int64_t made_ms;
	int rc = monitor_token_made(exchange_read(exchange), &made_ms, err);

	if (rc == 0)
		exchange_error(exchange, 404, "no token was made for figures");
	if (rc <= 0)
		return rc;
	rc = token != NULL ? monitor_is_token(exchange_read(exchange), token, err) : 0;
	if (rc == 0) {
		exchange->response->asks_token = true;
		exchange_error(exchange, 401, "the token is missing or wrong");
	}
	return rc;
}

int
page_metrics(struct exchange *exchange, struct bh_err *err)
{
	struct response *response = exchange->response;
	int rc = is_let_in(exchange, err);

	if (rc <= 0)
		return rc;
	if (metrics_add(exchange->site->store, exchange->site->conf->data_dir, bh_now_ms(),
		&response->body, err) < 0) {
		bh_buf_reset(&response->body);
		return -1;
	}
	response->status = 200;
	response->type = METRICS_TYPE;
	return 0;
}
