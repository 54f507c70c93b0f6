/*
 * HubSpot: batches in rounds.  All batches of a round go out together; while
 * their answers are settled, the batches of the next round are made: records
 * to be sent again without a bad value, halves of a batch that was refused as
 * a whole.  There is no round without something new to find out, and `spare`
 * bounds the search, so the rounds end.
 */
#include "base/base.h"

#include "base/log.h"
#include "dest/driver.h"
#include "dest/hubspot.h"

static struct hubspot_batch *
add_batch(struct hubspot_work *work, const char *path, const char *group)
{
	struct hubspot_batch *batch;

	if (work->batches_n == work->batches_cap) {
		work->batches_cap = work->batches_cap != 0 ? work->batches_cap * 2 : 8;
		work->batches =
		    bh_xrealloc(work->batches, work->batches_cap * sizeof(work->batches[0]));
	}
	batch = &work->batches[work->batches_n++];
	*batch = (struct hubspot_batch){.path = bh_xstrdup(path), .group = bh_xstrdup(group)};
	return batch;
}

static void
release_batch(struct hubspot_batch *batch)
{
	free(batch->path);
	free(batch->group);
	free(batch->at);
}

/* Room for limit inputs is taken at once: a batch is either full soon or short-lived. */
static struct hubspot_batch *
open_batch(struct hubspot_work *work, const char *path, const char *group)
{
	struct hubspot_batch *batch;

	for (size_t i = work->batches_n; i > 0; i--) {
		batch = &work->batches[i - 1];
		if (!batch->is_closed && batch->n < work->limit && strcmp(batch->path, path) == 0 &&
		    strcmp(batch->group, group) == 0)
			return batch;
	}
	batch = add_batch(work, path, group);
	batch->at = bh_xcalloc(work->limit, sizeof(batch->at[0]));
	return batch;
}

void
hubspot_work_add(struct hubspot_work *work, const char *path, const char *group, size_t at)
{
	struct hubspot_batch *batch = open_batch(work, path, group);

	batch->at[batch->n++] = at;
}

void
hubspot_work_again(struct hubspot_work *work, const struct hubspot_batch *batch, const size_t *at,
    size_t n)
{
	struct hubspot_batch *again;

	if (n == 0)
		return;
	again = add_batch(work, batch->path, batch->group);
	again->at = bh_xcalloc(n, sizeof(again->at[0]));
	memcpy(again->at, at, n * sizeof(at[0]));
	again->n = n;
	again->is_closed = true;
}

void
hubspot_work_halve(struct hubspot_work *work, const struct hubspot_batch *batch)
{
	size_t half = batch->n / 2;

	hubspot_work_again(work, batch, batch->at, half);
	hubspot_work_again(work, batch, batch->at + half, batch->n - half);
}

/* Write the body; inputs that would make it too large become a batch of the next round. */
static void
render(struct hubspot_work *work, struct hubspot_batch *batch, struct http_request *request)
{
	struct bh_buf *body = &request->body;
	size_t done = 0;

	hubspot_request_init(request, work->talk->config, "POST", batch->path);
	http_request_header(request, "Content-Type", "application/json");
	bh_buf_addf(body, "{%s\"inputs\":[", work->head != NULL ? work->head : "");
	while (done < batch->n && (done == 0 || body->len < HUBSPOT_BODY)) {
		json_t *input = work->input(work, batch->at[done]);

		if (done > 0)
			bh_buf_addc(body, ',');
		bh_json_add(body, input);
		json_decref(input);
		done++;
	}
	bh_buf_adds(body, "]}");
	if (done < batch->n) {
		hubspot_work_again(work, batch, batch->at + done, batch->n - done);
		batch->n = done;
	}
}

static void
settle(struct hubspot_work *work, const struct hubspot_batch *batch,
    const struct http_response *response)
{
	struct hubspot_answer answer;

	hubspot_answer_read(&answer, response);
	if (response->status != 0 && !hubspot_is_good(&answer))
		bh_log(BH_INFO,
		    "hubspot refused a call connection=%s path=%s status=%d correlation=%.64s",
		    work->talk->config->code, batch->path, response->status,
		    dest_text(answer.body, "correlationId", "none"));
	work->settle(work, batch, &answer);
	hubspot_answer_release(&answer);
}

static void
run_round(struct hubspot_work *work, struct hubspot_batch *batches, size_t n)
{
	struct http_request *requests = bh_xcalloc(n, sizeof(requests[0]));
	struct http_response *responses = bh_xcalloc(n, sizeof(responses[0]));

	for (size_t i = 0; i < n; i++) {
		render(work, &batches[i], &requests[i]);
		http_response_init(&responses[i]);
	}
	hubspot_perform(work->talk, requests, responses, n);
	for (size_t i = 0; i < n; i++) {
		settle(work, &batches[i], &responses[i]);
		http_request_release(&requests[i]);
		http_response_release(&responses[i]);
		release_batch(&batches[i]);
	}
	free(requests);
	free(responses);
}

void
hubspot_work_run(struct hubspot_work *work)
{
	while (work->batches_n > 0) {
		struct hubspot_batch *batches = work->batches;
		size_t n = work->batches_n;

		work->batches = NULL;
		work->batches_n = work->batches_cap = 0;
		run_round(work, batches, n);
		free(batches);
	}
}
