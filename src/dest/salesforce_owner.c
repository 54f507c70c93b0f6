/* Salesforce: who may own records: users that are active.  Queues own neither accounts nor tasks. */
#include "base/base.h"

#include "base/text.h"
#include "dest/salesforce.h"

int
salesforce_active(struct dest_config *config, const char *const *ids, size_t n, bool *is_active_r,
    struct bh_err *err)
{
	static const char *const fields[] = {"IsActive"};
	struct dest_reading *readings = bh_xcalloc(n + 1, sizeof(readings[0]));
	size_t *places = bh_xcalloc(n + 1, sizeof(places[0])), asked = 0;
	int rc = 0;

	memset(is_active_r, 0, n * sizeof(is_active_r[0]));
	for (size_t i = 0; i < n; i++) {
		if (!bh_has_prefix(ids[i], "005"))
			continue;
		readings[asked] = (struct dest_reading){"User", ids[i], fields, 1, NULL};
		places[asked++] = i;
	}
	if (asked > 0)
		rc = salesforce_read(config, readings, asked, err);
	for (size_t i = 0; i < asked; i++) {
		is_active_r[places[i]] =
		    rc == 0 && json_is_true(json_object_get(readings[i].values, "IsActive"));
		json_decref(readings[i].values);
	}
	free(places);
	free(readings);
	return rc;
}
