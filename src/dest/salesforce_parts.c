/*
 * Calls of several parts: up to five queries or collections (or 25 parts of other
 * kinds) travel in one composite call, which counts as one call of the org's allowance; a lone part goes by
 * itself.  Pages behind a query's first one are calls of their own.
 */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce_look.h"

#define PATH_MAX_BYTES ((size_t)15 * 1024) /* the server takes 16,384 with the host */
#define PART_MAX ((size_t)1024 * 1024)
#define BODY_MAX (SALESFORCE_COLLECTIONS * (PART_MAX + 2 * PATH_MAX_BYTES))
#define PAGES_MAX 20 /* of up to 2,000 rows: nobody looks at more candidates */

void
salesforce_part_init(struct salesforce_part *part, const char *method, const char *object)
{
	memset(part, 0, sizeof(*part));
	part->method = method;
	part->object = object;
	bh_buf_init(&part->path, PATH_MAX_BYTES);
	bh_buf_init(&part->body, PART_MAX);
	http_response_init(&part->answer.response);
}

void
salesforce_part_release(struct salesforce_part *part)
{
	bh_buf_release(&part->path);
	bh_buf_release(&part->body);
	salesforce_answer_release(&part->answer);
}

/* --- one call for all parts --------------------------------------------- */

static void
add_part(struct bh_buf *body, const struct salesforce_part *part, size_t number)
{
	bh_buf_addf(body, "%s{\"method\":\"%s\",\"url\":\"%s\",\"referenceId\":\"p%zu\"",
	    number > 0 ? "," : "", part->method, bh_buf_str(&part->path), number);
	if (part->body.len > 0) {
		bh_buf_adds(body, ",\"body\":");
		bh_buf_add(body, part->body.data, part->body.len);
	}
	bh_buf_addc(body, '}');
}

static void
add_composite(struct bh_buf *body, const struct salesforce_part *parts, size_t n)
{
	bh_buf_adds(body,
	    "{\"allOrNone\":false,\"collateSubrequests\":false,\"compositeRequest\":[");
	for (size_t i = 0; i < n; i++)
		add_part(body, &parts[i], i);
	bh_buf_adds(body, "]}");
}

/*
 * The sub-answer of this number; the server may change their order.  A lone one without
 * referenceId speaks for the whole call.
 */
static const json_t *
find_answer(const json_t *answers, size_t number)
{
	const json_t *first = json_array_get(answers, 0);
	char wanted[24];

	snprintf(wanted, sizeof(wanted), "p%zu", number);
	for (size_t i = 0; i < json_array_size(answers); i++) {
		const json_t *answer = json_array_get(answers, i);

		if (strcmp(dest_text(answer, "referenceId", ""), wanted) == 0)
			return answer;
	}
	if (json_array_size(answers) == 1 && json_is_null(json_object_get(first, "referenceId")))
		return first;
	return NULL;
}

/* An exact answer holds it as a text. */
static int
status_of(const json_t *answer)
{
	const char *text = dest_text(answer, "httpStatusCode", "");
	uint64_t status;

	if (bh_is_uint(text, strlen(text), 999, &status))
		return (int)status;
	return (int)bh_json_int(answer, "httpStatusCode", 0);
}

static int
take_answers(struct salesforce_part *parts, size_t n, const json_t *json, struct bh_err *err)
{
	const json_t *answers = json_object_get(json, "compositeResponse");

	for (size_t i = 0; i < n; i++) {
		const json_t *answer = find_answer(answers, i);

		if (answer == NULL)
			return bh_fail(err, BH_UNCERTAIN,
			    "Salesforce's answer lacks a part of what was asked");
		parts[i].answer.json = json_incref(json_object_get(answer, "body"));
		parts[i].answer.response.status = status_of(answer);
	}
	return 0;
}

static void
make_exact(struct salesforce_answer *answer)
{
	if (answer->json == NULL)
		return;
	json_decref(answer->json);
	answer->json = salesforce_exact(&answer->response.body);
}

static int
ask_composite(struct dest_config *config, struct salesforce_part *parts, size_t n, bool is_exact,
    struct bh_err *err)
{
	struct bh_buf path = BH_BUF_INIT(256), body = BH_BUF_INIT(BODY_MAX);
	struct salesforce_answer answer;
	int rc;

	bh_buf_addf(&path, "/services/data/v%s/composite", salesforce_version(config));
	add_composite(&body, parts, n);
	rc = salesforce_call(config, "POST", bh_buf_str(&path), &body, &answer, err);
	if (rc == 0 && answer.response.status == 200) {
		if (is_exact)
			make_exact(&answer);
		rc = take_answers(parts, n, answer.json, err);
	} else if (rc == 0) {
		rc = salesforce_fail(config, &answer, NULL, err);
		for (size_t i = 0; i < n; i++)
			parts[i].answer.response.status = answer.response.status;
	}
	salesforce_answer_release(&answer);
	bh_buf_release(&path);
	bh_buf_release(&body);
	return rc;
}

static int
ask_alone(struct dest_config *config, struct salesforce_part *part, bool is_exact,
    struct bh_err *err)
{
	const struct bh_buf *body = part->body.len > 0 ? &part->body : NULL;

	if (salesforce_call(config, part->method, bh_buf_str(&part->path), body, &part->answer,
		err) < 0)
		return -1;
	if (is_exact)
		make_exact(&part->answer);
	return 0;
}

int
salesforce_call_parts(struct dest_config *config, struct salesforce_part *parts, size_t n,
    bool is_exact, struct bh_err *err)
{
	for (size_t i = 0; i < n; i++) {
		salesforce_answer_release(&parts[i].answer);
		if (bh_buf_check(&parts[i].path, "the address of a query", err) < 0 ||
		    bh_buf_check(&parts[i].body, "a part of a call", err) < 0)
			return -1;
	}
	return n == 1 ? ask_alone(config, parts, is_exact, err)
		      : ask_composite(config, parts, n, is_exact, err);
}

/* --- pages -------------------------------------------------------------- */

/* The address comes from outside and gets the token: nothing but a path of the API on the same host. */
static bool
is_page(const char *path)
{
	static const char taken[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/?=&%";

	return strncmp(path, "/services/data/v", strlen("/services/data/v")) == 0 &&
	       strstr(path, "..") == NULL && strlen(path) < 1024 &&
	       path[strspn(path, taken)] == '\0';
}

/* The address of the next page in path; 1, or 0 behind the last. */
static int
next_page(struct salesforce_part *part, struct bh_err *err)
{
	const char *next = dest_text(part->answer.json, "nextRecordsUrl", NULL);

	if (!json_is_false(json_object_get(part->answer.json, "done")) || next == NULL)
		return 0;
	if (!is_page(next))
		return bh_fail(err, BH_INVALID,
		    "Salesforce named an address for the next page that cannot be called");
	bh_buf_reset(&part->path);
	bh_buf_adds(&part->path, next);
	return 1;
}

static int
give_rows(struct dest_config *config, const struct salesforce_part *part,
    void (*each)(void *arg, const json_t *row), void *arg, struct bh_err *err)
{
	const json_t *rows = json_object_get(part->answer.json, "records");

	if (part->answer.response.status != 200)
		return salesforce_fail(config, &part->answer, part->object, err);
	if (!json_is_array(rows))
		return bh_fail(err, BH_INVALID, "Salesforce's answer to a query on %s has no rows",
		    part->object);
	for (size_t i = 0; i < json_array_size(rows); i++)
		each(arg, json_array_get(rows, i));
	return 0;
}

int
salesforce_rows(struct dest_config *config, struct salesforce_part *part,
    void (*each)(void *arg, const json_t *row), void *arg, bool *whole_r, struct bh_err *err)
{
	int rc = 1;

	*whole_r = true;
	for (int pages = 1; rc == 1; pages++) {
		if (give_rows(config, part, each, arg, err) < 0)
			return -1;
		rc = next_page(part, err);
		if (rc == 1 && pages == PAGES_MAX) {
			*whole_r = false;
			return 0;
		}
		if (rc == 1 && salesforce_call_parts(config, part, 1, false, err) < 0)
			return -1;
	}
	return rc;
}
