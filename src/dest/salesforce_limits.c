/*
 * Limits: what the org has left of the allowances that people ask about.  The
 * numbers are a few minutes old (REST guide: Limits); which limits an org has
 * depends on its edition.
 */
#include "base/base.h"

#include "dest/salesforce.h"

static const struct {
	const char *name;
	const char *title;
} kinds[] = {
    {"DailyApiRequests", "API calls in 24 hours"},
    {"DailyBulkApiBatches", "Bulk batches in 24 hours"},
    {"DailyBulkV2QueryJobs", "Bulk queries in 24 hours"},
    {"HourlyPublishedPlatformEvents", "Platform events published in an hour"},
    {"DailyDeliveredPlatformEvents", "Platform events delivered in 24 hours"},
    {"DataStorageMB", "Data storage (MB)"},
    {"FileStorageMB", "File storage (MB)"},
};

/* Some members hold other things beside the two numbers, some lack them. */
static bool
has_limit(const json_t *json, const char *name, int64_t *used_r, int64_t *limit_r)
{
	const json_t *kind = json_object_get(json, name);
	int64_t most, left;

	if (!bh_is_json_int(kind, "Max", &most) || !bh_is_json_int(kind, "Remaining", &left) ||
	    most < 0 || left > most || left < -most)
		return false;
	*limit_r = most;
	*used_r = most - left;
	return true;
}

static json_t *
take_limits(struct dest_usage *usage, const json_t *json)
{
	json_t *detail = json_array();

	for (size_t i = 0; i < BH_LEN(kinds); i++) {
		int64_t used, limit;

		if (!has_limit(json, kinds[i].name, &used, &limit))
			continue;
		if (strcmp(kinds[i].name, "DailyApiRequests") == 0) {
			usage->day_used = used;
			usage->day_limit = limit;
		}
		json_array_append_new(detail,
		    json_pack("{s:s, s:I, s:I}", "name", kinds[i].title, "used", (json_int_t)used,
			"limit", (json_int_t)limit));
	}
	return detail;
}

int
salesforce_limits(struct dest_config *config, json_t **detail_r, struct bh_err *err)
{
	struct salesforce_answer answer;
	char *path = bh_xasprintf("/services/data/v%s/limits", salesforce_version(config));
	int rc = salesforce_call(config, "GET", path, NULL, &answer, err);

	*detail_r = NULL;
	if (rc == 0 && answer.response.status != 200)
		rc = salesforce_fail(config, &answer, NULL, err);
	else if (rc == 0 && !json_is_object(answer.json))
		rc = bh_fail(err, BH_INVALID, "Salesforce's answer does not tell the limits");
	else if (rc == 0)
		*detail_r = take_limits(&config->usage, answer.json);
	salesforce_answer_release(&answer);
	free(path);
	return salesforce_repeatable(rc, err);
}
