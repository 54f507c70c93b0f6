/*
 * Bulk API 2.0: one job upserts (or updates by id) the rows of one upload.
 *
 *   phase     the job is      the step does
 *   NEW       not there       POST jobs/ingest                    OPEN
 *   OPEN      Open            PUT the rows, once                  UPLOADED
 *   UPLOADED  Open, or more   PATCH UploadComplete                RUNNING
 *   RUNNING   UploadComplete, GET                                 RUNNING, DONE, FAILED
 *             InProgress
 *   DONE      JobComplete     nothing: results can be fetched
 *   FAILED    Failed, Aborted nothing
 *
 * A step whose answer was lost is repeated.  A second upload is refused, and
 * a job that nobody can find is gone: both end in FAILED, and the caller
 * begins another.  That does no harm, because rows are upserted.
 */
#include "base/base.h"

#include "dest/salesforce_bulk.h"

#include <assert.h>

#include "base/text.h"

char *
salesforce_bulk_path(const struct dest_config *config, const struct dest_bulk *bulk,
    const char *part)
{
	struct bh_buf path = BH_BUF_INIT(4096);

	bh_buf_addf(&path, "/services/data/v%s/jobs/ingest", salesforce_version(config));
	if (bulk->id[0] != '\0') {
		bh_buf_addc(&path, '/');
		bh_percent_add(&path, bulk->id, strlen(bulk->id));
	}
	if (part[0] != '\0')
		bh_buf_addf(&path, "/%s", part);
	return bh_buf_steal(&path);
}

bool
salesforce_bulk_is_refused(const struct salesforce_answer *answer, const struct dest_result *result)
{
	int status = answer->response.status;

	/* Codes that we do not know are the user's to mend there (bulk guide). */
	return status >= 400 && status < 500 &&
	       (result->outcome == DEST_REJECTED || result->outcome == DEST_WAITING ||
		   result->doubtful);
}

static int
end_job(struct dest_bulk *bulk, const char *why)
{
	bulk->phase = DEST_BULK_FAILED;
	dest_copy(bulk->error, sizeof(bulk->error), why);
	return 0;
}

/* --- what Salesforce says of a job -------------------------------------- */

static int
take_state(struct dest_bulk *bulk, const json_t *job, struct bh_err *err)
{
	const char *state = bh_json_str(job, "state");

	if (state == NULL)
		return bh_fail(err, BH_INVALID,
		    "Salesforce's answer does not say how the bulk job is doing");
	bulk->processed = bh_json_int(job, "numberRecordsProcessed", bulk->processed);
	bulk->failed = bh_json_int(job, "numberRecordsFailed", bulk->failed);
	if (strcmp(state, "JobComplete") == 0)
		bulk->phase = DEST_BULK_DONE;
	else if (strcmp(state, "Failed") == 0)
		return end_job(bulk, dest_text(job, "errorMessage", "Salesforce gives no reason"));
	else if (strcmp(state, "Aborted") == 0)
		return end_job(bulk, "the bulk job was aborted in Salesforce");
	else if (strcmp(state, "Open") == 0)
		return end_job(bulk, "Salesforce did not take the end of the upload");
	return 0;
}

static int
take_new(struct dest_bulk *bulk, const json_t *job, struct bh_err *err)
{
	const char *id = bh_json_str(job, "id");

	if (id == NULL || id[0] == '\0' || strlen(id) >= sizeof(bulk->id))
		return bh_fail(err, BH_INVALID, "Salesforce's answer holds no id of the bulk job");
	dest_copy(bulk->id, sizeof(bulk->id), id);
	bulk->phase = DEST_BULK_OPEN;
	return 0;
}

/* --- the steps ---------------------------------------------------------- */

static int
call_json(struct dest_config *config, const struct dest_bulk *bulk, const char *method,
    json_t *body, struct salesforce_answer *answer, struct bh_err *err)
{
	struct bh_buf text = BH_BUF_INIT(8192);
	char *path = salesforce_bulk_path(config, bulk, "");
	int rc;

	if (body != NULL)
		bh_json_add(&text, body);
	rc = salesforce_call(config, method, path, body != NULL ? &text : NULL, answer, err);
	json_decref(body);
	bh_buf_release(&text);
	free(path);
	return rc;
}

/* A step that was refused: the job is lost, or the same step is made again later. */
static int
refuse(struct dest_config *config, struct dest_bulk *bulk, const struct salesforce_answer *answer,
    struct bh_err *err)
{
	struct dest_result result;

	salesforce_explain_call(config, answer, bulk->object, &result);
	if (!salesforce_bulk_is_refused(answer, &result))
		return salesforce_fail(config, answer, bulk->object, err);
	if (bulk->phase == DEST_BULK_NEW)
		return dest_result_fail(&result, BH_INVALID, err);
	if (answer->response.status == 404)
		return end_job(bulk, "the bulk job is not in Salesforce any more");
	/* Closed by a step whose answer was lost: the next look tells. */
	if (bulk->phase == DEST_BULK_UPLOADED && strcmp(result.code, "INVALIDJOBSTATE") == 0) {
		bulk->phase = DEST_BULK_RUNNING;
		return 0;
	}
	return end_job(bulk, result.cause);
}

static int
create_job(struct dest_config *config, const struct dest_bulk *bulk,
    struct salesforce_answer *answer, struct bh_err *err)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s}", "object", bulk->object, "operation",
	    bulk->by_id ? "update" : "upsert", "contentType", "CSV", "lineEnding", "LF",
	    "columnDelimiter", "COMMA");

	if (!bulk->by_id)
		json_object_set_new(body, "externalIdFieldName", bh_json_string(bulk->key_field));
	return call_json(config, bulk, "POST", body, answer, err);
}

static int
upload(struct dest_config *config, const struct dest_bulk *bulk, const struct bh_buf *rows,
    struct salesforce_answer *answer, struct bh_err *err)
{
	char *path = salesforce_bulk_path(config, bulk, "batches");
	const struct salesforce_ask ask = {.method = "PUT",
	    .path = path,
	    .body = rows,
	    .type = "text/csv",
	    .timeout_ms = SALESFORCE_BULK_TIMEOUT_MS};
	int rc;

	assert(rows != NULL && rows->len > 0);
	rc = salesforce_ask(config, &ask, answer, err);
	free(path);
	return rc;
}

static int
set_state(struct dest_config *config, const struct dest_bulk *bulk, const char *state,
    struct salesforce_answer *answer, struct bh_err *err)
{
	return call_json(config, bulk, "PATCH", json_pack("{s:s}", "state", state), answer, err);
}

static int
make_step(struct dest_config *config, const struct dest_bulk *bulk, const struct bh_buf *rows,
    struct salesforce_answer *answer, struct bh_err *err)
{
	switch (bulk->phase) {
	case DEST_BULK_NEW:
		return create_job(config, bulk, answer, err);
	case DEST_BULK_OPEN:
		return upload(config, bulk, rows, answer, err);
	case DEST_BULK_UPLOADED:
		return set_state(config, bulk, "UploadComplete", answer, err);
	case DEST_BULK_RUNNING:
	case DEST_BULK_DONE:
	case DEST_BULK_FAILED:
	case DEST_BULK__MAX:
	default:
		return call_json(config, bulk, "GET", NULL, answer, err);
	}
}

/* The answer to a step that was taken. */
static int
take_step(struct dest_bulk *bulk, const json_t *job, struct bh_err *err)
{
	if (bulk->phase == DEST_BULK_NEW)
		return take_new(bulk, job, err);
	if (bulk->phase == DEST_BULK_OPEN)
		bulk->phase = DEST_BULK_UPLOADED;
	else if (bulk->phase == DEST_BULK_UPLOADED)
		bulk->phase = DEST_BULK_RUNNING;
	else
		return take_state(bulk, job, err);
	return 0;
}

int
salesforce_bulk_step(struct dest_config *config, struct dest_bulk *bulk, const struct bh_buf *rows,
    struct bh_err *err)
{
	struct salesforce_answer answer;
	int rc;

	if (bulk->phase == DEST_BULK_DONE || bulk->phase == DEST_BULK_FAILED)
		return 0;
	rc = make_step(config, bulk, rows, &answer, err);
	if (rc == 0 && answer.response.status >= 200 && answer.response.status < 300)
		rc = take_step(bulk, answer.json, err);
	else if (rc == 0)
		rc = refuse(config, bulk, &answer, err);
	salesforce_answer_release(&answer);
	return rc;
}

/* --- the end ------------------------------------------------------------ */

/* One call of the two; 1 when the job is gone or did what it was told, 0 when it refused. */
static int
end_by(struct dest_config *config, const struct dest_bulk *bulk, bool aborts, struct bh_err *err)
{
	struct salesforce_answer answer;
	int rc = aborts ? set_state(config, bulk, "Aborted", &answer, err)
			: call_json(config, bulk, "DELETE", NULL, &answer, err);
	int status = answer.response.status;

	if (rc == 0 && ((status >= 200 && status < 300) || status == 404))
		rc = 1;
	else if (rc == 0 && status != 400)
		rc = salesforce_fail(config, &answer, bulk->object, err);
	salesforce_answer_release(&answer);
	return rc;
}

/*
 * A finished job cannot be aborted, a running one cannot be deleted; what a
 * failed one is, is not known.  One that was aborted may stay.
 */
int
salesforce_bulk_drop(struct dest_config *config, const struct dest_bulk *bulk, struct bh_err *err)
{
	int aborted = 0, deleted;

	if (bulk->id[0] == '\0')
		return 0;
	if (bulk->phase != DEST_BULK_DONE)
		aborted = end_by(config, bulk, true, err);
	if (aborted < 0)
		return -1;
	deleted = end_by(config, bulk, false, err);
	if (deleted == 0 && aborted == 0)
		return bh_fail(err, BH_INVALID, "Salesforce neither aborts nor deletes bulk job %s",
		    bulk->id);
	return deleted < 0 ? -1 : 0;
}
