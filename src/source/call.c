/* Calls of source drivers: see driver.h. */
#include "base/base.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "source/driver.h"

#define WORDS_MAX 120 /* of the provider's message in an error */

static void
add_header(struct http_request *request, const char *line)
{
	const char *colon = strchr(line, ':');
	char name[64];

	if (colon == NULL || (size_t)(colon - line) >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(colon - line), line);
	http_request_header(request, name, colon + 1 + strspn(colon + 1, " "));
}

int
source_call(const struct source_api *api, const struct source_call *call,
    struct source_answer *answer, struct bh_err *err)
{
	struct http_request request;
	char *url = bh_xasprintf("%s%s", call->base_url, call->path);
	int rc;

	*answer = (struct source_answer){0};
	http_response_init(&answer->response);
	http_request_init(&request, call->method, url);
	http_request_header(&request, "Accept", "application/json");
	for (size_t i = 0; call->headers != NULL && call->headers[i] != NULL; i++)
		add_header(&request, call->headers[i]);
	if (call->body != NULL) {
		http_request_header(&request, "Content-Type", call->content_type);
		bh_buf_adds(&request.body, call->body);
	}
	rc = http_perform(api->transport, &request, &answer->response, err);
	answer->status = answer->response.status;
	if (rc == 0 && answer->response.body.len > 0)
		bh_json_parse(bh_buf_str(&answer->response.body), answer->response.body.len,
		    &answer->json, NULL);
	http_request_release(&request);
	free(url);
	return rc;
}

void
source_answer_release(struct source_answer *answer)
{
	json_decref(answer->json);
	http_response_release(&answer->response);
	*answer = (struct source_answer){0};
}

static int
retry_after(const struct source_answer *answer)
{
	const char *text = http_response_header(&answer->response, "Retry-After");
	long seconds = text != NULL ? strtol(text, NULL, 10) : 0;

	return seconds > 0 && seconds <= 86400 ? (int)seconds : 0;
}

int
source_answer_error(const struct source_answer *answer, const char *title, const char *message,
    struct bh_err *err)
{
	enum bh_code code = BH_INVALID;
	char own[80];

	if (answer->status == 401 || answer->status == 403)
		code = BH_DENIED;
	else if (answer->status == 429)
		code = BH_LIMITED;
	else if (answer->status >= 500 || answer->status == 408 || answer->status == 409)
		code = BH_UNAVAILABLE;
	snprintf(own, sizeof(own), "%s answered %d", title, answer->status);
	bh_fail(err, code, "%s%s%.*s", own, message != NULL && *message != '\0' ? ": " : "",
	    WORDS_MAX, message != NULL ? message : "");
	/* Of a refused key the drivers tell in words of their own. */
	if (answer->status != 401)
		bh_quotes(err, strlen(own), NULL);
	if (err != NULL)
		err->retry_after_s = retry_after(answer);
	return -1;
}

int64_t
source_answer_ms(const struct source_api *api, const struct source_answer *answer)
{
	const char *date = http_response_header(&answer->response, "Date");
	struct tm tm = {0};

	if (date == NULL || strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL)
		return api->now_ms;
	return (int64_t)timegm(&tm) * 1000;
}
