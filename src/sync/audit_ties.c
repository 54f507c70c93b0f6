/* See audit_ties.h. */
#include "base/base.h"

#include "sync/audit_ties.h"

#define ID_CHARACTERS 15 /* of Salesforce's ids; the other three only check them */

bool
is_audit_tie_field(const struct lane *lane)
{
	return lane->driver->ties == NULL;
}

const char *
audit_tie_name(const struct audit_tie *tie)
{
	return tie->tie.field[0] != '\0' ? tie->tie.field : tie->tie.to_object;
}

/* A mapping may name a parent twice. */
static bool
is_repeated(const struct audit_ties *ties, size_t item, const struct record_parent *parent)
{
	for (size_t i = ties->n; i-- > 0 && ties->items[i].item == item;)
		if (strcmp(ties->items[i].tie.field, parent->field) == 0 &&
		    strcmp(ties->items[i].tie.to_object, parent->object) == 0)
			return true;
	return false;
}

static void
add(struct audit_ties *ties, const struct render_item *item, size_t at,
    const struct record_parent *parent, const struct link *link)
{
	struct audit_tie *tie = &ties->items[ties->n];

	if (link->remote_id[0] == '\0' || is_repeated(ties, at, parent))
		return;
	snprintf(tie->parent, sizeof(tie->parent), "%s", link->remote_id);
	tie->item = at;
	tie->tie = (struct dest_tie){.object = item->record->object,
	    .remote_id = item->record->remote_id,
	    .field = parent->field,
	    .to_object = parent->object,
	    .to_id = tie->parent};
	ties->n++;
}

int
audit_ties_find(const struct lane *lane, const struct render_item *items, size_t n,
    struct audit_ties *ties, struct bh_err *err)
{
	struct store_txn *txn;
	struct link_id *ids;
	struct link *links;
	size_t most = 0, at = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		if (items[i].verdict == RENDER_SEND)
			most += items[i].record->parents_n;
	ids = bh_xcalloc(most + 1, sizeof(ids[0]));
	links = bh_xcalloc(most + 1, sizeof(links[0]));
	*ties = (struct audit_ties){bh_xcalloc(most + 1, sizeof(ties->items[0])), 0};
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0;
		     items[i].verdict == RENDER_SEND && k < items[i].record->parents_n; k++)
			ids[at++] = render_parent_id(lane->setup, &items[i].entry->id,
			    &items[i].record->parents[k]);
	txn = store_begin(lane->context->store);
	if (most > 0)
		rc = link_get_many(txn, ids, most, links, err);
	store_free(&txn);
	at = 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		for (size_t k = 0;
		     items[i].verdict == RENDER_SEND && k < items[i].record->parents_n; k++)
			add(ties, &items[i], i, &items[i].record->parents[k], &links[at++]);
	free(links);
	free(ids);
	return rc;
}

void
audit_ties_release(struct audit_ties *ties)
{
	free(ties->items);
	*ties = (struct audit_ties){NULL, 0};
}

int
audit_ties_read(struct lane *lane, struct audit_ties *ties, struct bh_err *err)
{
	struct dest_tie *asked = bh_xcalloc(ties->n + 1, sizeof(asked[0]));
	struct bh_err why = BH_ERR_INIT;
	int rc = 0;

	for (size_t i = 0; i < ties->n; i++)
		asked[i] = ties->items[i].tie;
	if (ties->n > 0)
		rc = lane->driver->ties(&lane->config, asked, ties->n, &why);
	if (rc < 0 && why.code == BH_DENIED && lane_authorize(lane, &why) == 0)
		rc = lane->driver->ties(&lane->config, asked, ties->n, &why);
	for (size_t i = 0; i < ties->n && rc == 0; i++)
		ties->items[i].tie = asked[i];
	free(asked);
	if (rc < 0 && err != NULL)
		*err = why;
	return rc;
}

void
audit_tie_judge(struct audit_tie *tie, const json_t *values)
{
	const json_t *value = json_object_get(values, tie->tie.field);
	const char *has = json_string_value(value);

	tie->tie.state = value == NULL ? DEST_TIE_UNKNOWN
			 : has != NULL && strncmp(has, tie->tie.to_id, ID_CHARACTERS) == 0
			     ? DEST_TIE_HOLDS
			     : DEST_TIE_OTHER;
	snprintf(tie->tie.has, sizeof(tie->tie.has), "%s", has != NULL ? has : "");
}

int
audit_ties_excuse(struct lane *lane, struct audit_ties *ties, struct bh_err *err)
{
	struct dest_end *ends = bh_xcalloc(ties->n + 1, sizeof(ends[0]));
	size_t *places = bh_xcalloc(ties->n + 1, sizeof(places[0])), n = 0;
	int rc = 0;

	for (size_t i = 0; i < ties->n; i++) {
		if (ties->items[i].tie.state != DEST_TIE_OTHER)
			continue;
		ends[n] = (struct dest_end){.object = ties->items[i].tie.to_object,
		    .remote_id = ties->items[i].tie.to_id};
		places[n++] = i;
	}
	if (n > 0 && lane->driver->end != NULL)
		rc = lane->driver->end(&lane->config, ends, n, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (ends[i].fate != DEST_FATE_THERE && ends[i].fate != DEST_FATE_UNKNOWN)
			ties->items[places[i]].tie.state = DEST_TIE_UNKNOWN;
	free(places);
	free(ends);
	return rc;
}
