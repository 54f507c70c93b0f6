/* See tie.h. */
#include "base/base.h"

#include "sync/tie.h"

static void
add_line(char tied[LINK_TIED_MAX], const char *line, size_t len)
{
	size_t used = strlen(tied);

	if (used + len >= LINK_TIED_MAX)
		return;
	memcpy(tied + used, line, len);
	tied[used + len] = '\0';
}

static void
add_tie(char tied[LINK_TIED_MAX], const struct record_parent *parent)
{
	char *line = bh_xasprintf("%s %s\n", parent->object, parent->remote_id);

	add_line(tied, line, strlen(line));
	free(line);
}

/* Is this line one of the lines of tied? */
static bool
is_tied(const char *tied, const char *line, size_t len)
{
	while (*tied != '\0') {
		size_t other = strcspn(tied, "\n") + 1;

		if (other == len && memcmp(tied, line, len) == 0)
			return true;
		tied += other;
	}
	return false;
}

/* "companies 123\n" */
static void
add_former(struct record *record, const char *line, size_t len)
{
	char *object = bh_xstrndup(line, len - 1), *id = strrchr(object, ' ');

	if (id != NULL) {
		*id++ = '\0';
		record_add_former(record, object, id);
	}
	free(object);
}

void
tie_note(struct render_item *item)
{
	const char *line = item->link.tied;

	item->tied[0] = '\0';
	for (size_t i = 0; i < item->record->parents_n; i++)
		if (item->record->parents[i].remote_id != NULL)
			add_tie(item->tied, &item->record->parents[i]);
	for (size_t len; (len = strcspn(line, "\n")) != 0 && line[len] == '\n'; line += len + 1)
		if (!is_tied(item->tied, line, len + 1))
			add_former(item->record, line, len + 1);
}

void
tie_doubt(struct render_item *item)
{
	const char *line = item->tied;

	if (item->record != NULL && item->record->formers_n != 0)
		item->link.parents[0] = '\0';
	for (size_t len; (len = strcspn(line, "\n")) != 0; line += len + 1)
		if (!is_tied(item->link.tied, line, len + 1))
			add_line(item->link.tied, line, len + 1);
}
