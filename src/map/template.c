/* Templates of a mapping: see template.h. */
#include "base/base.h"

#include "map/template.h"

#include "map/transform.h"

#define PARTS 32
#define CHAIN 4                     /* transforms of one part */
#define OUT_BYTES ((size_t)1 << 20) /* of a rendering */

/* Text, then perhaps a value. */
struct part {
	char *text;
	bool has_value;
	struct reference ref;
	const struct transform *chain[CHAIN];
	size_t chain_n;
};

struct template
{
	struct part parts[PARTS];
	size_t n;
};

/* "field|transform|...": len bytes between the braces. */
static int
parse_value(const char *text, size_t len, enum object_kind kind, struct part *part,
    struct bh_err *err)
{
	const char *end = text + len, *bar = memchr(text, '|', len);
	enum field_type type;

	if (reference_parse(text, bar != NULL ? (size_t)(bar - text) : len, kind, &part->ref, err) <
	    0)
		return -1;
	type = reference_type(&part->ref);
	while (bar != NULL) {
		const char *name = bar + 1;
		size_t name_len;

		bar = memchr(name, '|', (size_t)(end - name));
		name_len = (size_t)((bar != NULL ? bar : end) - name);
		if (part->chain_n == CHAIN)
			return bh_fail(err, BH_INVALID, "more than %d transforms on one field",
			    CHAIN);
		part->chain[part->chain_n] = transform_find(name, name_len);
		if (part->chain[part->chain_n] == NULL)
			return bh_fail(err, BH_INVALID, "unknown transform '%.*s'",
			    (int)(name_len < 60 ? name_len : 60), name);
		if (!can_transform(part->chain[part->chain_n], type))
			return bh_fail(err, BH_INVALID, "%s does not take %s",
			    part->chain[part->chain_n]->name, map_type_name(type));
		type = part->chain[part->chain_n++]->gives;
	}
	part->has_value = true;
	return 0;
}

/* One part from *at on, which moves behind it. */
static int
parse_part(const char **at, enum object_kind kind, struct part *part, struct bh_err *err)
{
	struct bh_buf text = BH_BUF_INIT(TEMPLATE_BYTES);
	const char *s = *at, *end;
	int rc = 0;

	while (*s != '\0' && (*s != '{' || s[1] == '{')) {
		if ((*s == '{' || *s == '}') && s[1] == *s)
			s++;
		bh_buf_addc(&text, *s++);
	}
	part->text = bh_buf_steal(&text);
	if (*s == '{') {
		end = strchr(++s, '}');
		if (end == NULL)
			return bh_fail(err, BH_INVALID, "a brace is not closed");
		rc = parse_value(s, (size_t)(end - s), kind, part, err);
		s = end + 1;
	}
	*at = s;
	return rc;
}

int
template_new(const char *text, enum object_kind kind, struct template **t_r, struct bh_err *err)
{
	struct template *t;

	*t_r = NULL;
	if (strlen(text) > TEMPLATE_BYTES)
		return bh_fail(err, BH_INVALID, "the template is longer than %d bytes",
		    TEMPLATE_BYTES);
	t = bh_xcalloc(1, sizeof(*t));
	while (*text != '\0') {
		if (t->n == PARTS) {
			template_free(&t);
			return bh_fail(err, BH_INVALID, "the template has more than %d parts",
			    PARTS);
		}
		if (parse_part(&text, kind, &t->parts[t->n++], err) < 0) {
			template_free(&t);
			return -1;
		}
	}
	*t_r = t;
	return 0;
}

void
template_free(struct template **t)
{
	if (*t == NULL)
		return;
	for (size_t i = 0; i < (*t)->n; i++)
		free((*t)->parts[i].text);
	free(*t);
	*t = NULL;
}

/* What a rendering has met so far. */
struct met {
	bool value, known, filled;
};

static int
render_part(const struct part *part, const struct reference_view *view, struct bh_buf *out,
    struct met *met, struct bh_err *err)
{
	struct map_value value = MAP_VALUE_ABSENT;
	json_t *text;
	int rc = 0;

	bh_buf_adds(out, part->text);
	if (!part->has_value)
		return 0;
	reference_read(&part->ref, view, &value);
	for (size_t i = 0; rc == 0 && i < part->chain_n; i++)
		rc = transform_apply(part->chain[i], &value, NULL, err);
	met->value = true;
	met->known = met->known || value.json != NULL;
	if (rc == 0 && !is_map_value_empty(&value)) {
		text = map_value_text(&value);
		bh_buf_adds(out, json_string_value(text));
		json_decref(text);
		met->filled = true;
	}
	map_value_release(&value);
	return rc;
}

int
template_render(const struct template *t, const struct reference_view *view,
    struct map_value *value, struct bh_err *err)
{
	struct bh_buf out = BH_BUF_INIT(OUT_BYTES);
	struct met met = {false, false, false};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < t->n; i++)
		rc = render_part(&t->parts[i], view, &out, &met, err);
	if (rc == 0)
		rc = bh_buf_check(&out, "the text", err);
	if (rc == 0 && met.value && !met.filled) {
		if (met.known)
			map_value_take(value, json_null(), FIELD_TEXT);
	} else if (rc == 0) {
		map_value_take_text(value, &out);
	}
	bh_buf_release(&out);
	return rc;
}
