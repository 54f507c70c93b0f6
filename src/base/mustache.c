/*
 * Mustache templates: see mustache.h.  A template is one flat array of nodes
 * in the order of its text; a section knows where it ends.  Standalone lines
 * are taken out while parsing; the indentation of a standalone partial is put
 * in front of lines while rendering, so it never touches inserted values.
 */
#include "base/base.h"

#include "base/mustache.h"

#include "base/text.h"

#define NAME_BYTES 200
#define DELIMITER_BYTES 16

struct node {
	enum bh_mustache_tag tag;
	bool starts_line; /* TEXT: first of its line; PARTIAL: alone on its line */
	size_t at, len;   /* TEXT: its bytes; PARTIAL: its indentation */
	size_t end;       /* SECTION, INVERTED: index of its END */
	char *name;       /* all but TEXT; owned */
};

struct bh_mustache {
	char *text;
	size_t len;
	struct node *nodes;
	size_t n, cap;
};

/* What the parser knows beside the template that it makes. */
struct parser {
	struct bh_mustache *t;
	size_t pos;
	char open[DELIMITER_BYTES + 1], close[DELIMITER_BYTES + 1];
	size_t sections[BH_MUSTACHE_DEPTH];
	size_t depth;
	struct bh_err *err;
};

/* One tag as it stands in the text. */
struct tag {
	char sigil; /* one of #^/>&{!= or 0 */
	size_t start, end;
	size_t name, name_len;
	bool standalone;
	size_t indent; /* where the white space in front begins; standalone only */
};

static struct node *
push(struct bh_mustache *t, enum bh_mustache_tag tag)
{
	if (t->n == t->cap) {
		t->cap = t->cap != 0 ? t->cap * 2 : 32;
		t->nodes = bh_xrealloc(t->nodes, t->cap * sizeof(t->nodes[0]));
	}
	t->nodes[t->n] = (struct node){.tag = tag};
	return &t->nodes[t->n++];
}

static int
refuse(const struct parser *p, size_t at, const char *what)
{
	size_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += p->t->text[i] == '\n';
	return bh_fail(p->err, BH_INVALID, "template line %zu: %s", line, what);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_line_start(const struct bh_mustache *t, size_t at)
{
	return at == 0 || t->text[at - 1] == '\n';
}

static size_t
find(const struct bh_mustache *t, size_t from, const char *what)
{
	const char *hit = from < t->len ? strstr(t->text + from, what) : NULL;

	return hit != NULL ? (size_t)(hit - t->text) : SIZE_MAX;
}

/* Cut white space off both ends of [*at, *at + *len). */
static void
trim(const char *text, size_t *at, size_t *len)
{
	while (*len > 0 && is_space(text[*at])) {
		(*at)++;
		(*len)--;
	}
	while (*len > 0 && is_space(text[*at + *len - 1]))
		(*len)--;
}

/* Alone on its line, a tag that writes nothing itself takes its whole line with it. */
static void
look_around(const struct parser *p, struct tag *tag)
{
	const struct bh_mustache *t = p->t;
	size_t before = tag->start, after = tag->end;

	if (tag->sigil == '\0' || tag->sigil == '&' || tag->sigil == '{')
		return;
	while (before > p->pos && (t->text[before - 1] == ' ' || t->text[before - 1] == '\t'))
		before--;
	while (after < t->len && (t->text[after] == ' ' || t->text[after] == '\t'))
		after++;
	if (!is_line_start(t, before))
		return;
	if (after + 1 < t->len && t->text[after] == '\r' && t->text[after + 1] == '\n')
		after++;
	if (after < t->len && t->text[after] != '\n')
		return;
	tag->standalone = true;
	tag->indent = before;
	tag->end = after < t->len ? after + 1 : after;
}

/* 1 and the next tag, 0 when there is none, -1. */
static int
next_tag(const struct parser *p, struct tag *tag)
{
	const struct bh_mustache *t = p->t;
	char closing[DELIMITER_BYTES + 2];
	size_t body, close;

	*tag = (struct tag){.start = find(t, p->pos, p->open)};
	if (tag->start == SIZE_MAX)
		return 0;
	body = tag->start + strlen(p->open);
	if (body < t->len && strchr("#^/>&{!=", t->text[body]) != NULL)
		tag->sigil = t->text[body++];
	snprintf(closing, sizeof(closing), "%s%s",
	    tag->sigil == '{'   ? "}"
	    : tag->sigil == '=' ? "="
				: "",
	    p->close);
	close = find(t, body, closing);
	if (close == SIZE_MAX)
		return refuse(p, tag->start, "a tag is not closed");
	tag->end = close + strlen(closing);
	tag->name = body;
	tag->name_len = close - body;
	trim(t->text, &tag->name, &tag->name_len);
	look_around(p, tag);
	return 1;
}

/* Words joined by single dots, or "." alone; partials may have any characters but spaces. */
static bool
is_name(const char *name, size_t len, char sigil)
{
	if (len == 0 || len > NAME_BYTES)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (is_space(name[i]))
			return false;
	}
	if (len == 1 || sigil == '>')
		return true;
	return name[0] != '.' && name[len - 1] != '.' && memmem(name, len, "..", 2) == NULL;
}

static int
set_delimiters(struct parser *p, const struct tag *tag)
{
	const char *text = p->t->text + tag->name;
	size_t open = 0, close = 0;

	while (open < tag->name_len && !is_space(text[open]))
		open++;
	while (close < tag->name_len - open && !is_space(text[tag->name_len - close - 1]))
		close++;
	if (open == 0 || open == tag->name_len || close == 0 || open > DELIMITER_BYTES ||
	    close > DELIMITER_BYTES || memchr(text, '=', tag->name_len) != NULL)
		return refuse(p, tag->start, "bad delimiters");
	for (size_t i = open; i < tag->name_len - close; i++) {
		if (!is_space(text[i]))
			return refuse(p, tag->start, "bad delimiters");
	}
	snprintf(p->open, sizeof(p->open), "%.*s", (int)open, text);
	snprintf(p->close, sizeof(p->close), "%.*s", (int)close, text + tag->name_len - close);
	return 0;
}

/* Text from p->pos to end; an empty node is kept where a line begins with a tag. */
static void
add_text(const struct parser *p, size_t end, bool is_tag_next)
{
	bool starts_line = is_line_start(p->t, p->pos);
	struct node *node;

	if (end == p->pos && !(starts_line && is_tag_next))
		return;
	node = push(p->t, BH_MUSTACHE_TEXT);
	node->starts_line = starts_line;
	node->at = p->pos;
	node->len = end - p->pos;
	if (is_tag_next && end > p->pos && is_line_start(p->t, end))
		push(p->t, BH_MUSTACHE_TEXT)->starts_line = true;
}

static int
close_section(struct parser *p, const struct tag *tag, const char *name)
{
	struct bh_mustache *t = p->t;

	if (p->depth == 0 || strcmp(t->nodes[p->sections[p->depth - 1]].name, name) != 0)
		return refuse(p, tag->start, "a section is closed that is not open here");
	t->nodes[p->sections[--p->depth]].end = t->n;
	return 0;
}

static int
add_named(struct parser *p, const struct tag *tag)
{
	static const struct {
		char sigil;
		enum bh_mustache_tag tag;
	} kinds[] = {
	    {'\0', BH_MUSTACHE_VARIABLE},
	    {'&', BH_MUSTACHE_RAW},
	    {'{', BH_MUSTACHE_RAW},
	    {'#', BH_MUSTACHE_SECTION},
	    {'^', BH_MUSTACHE_INVERTED},
	    {'>', BH_MUSTACHE_PARTIAL},
	    {'/', BH_MUSTACHE_END},
	};
	const char *text = p->t->text + tag->name;
	struct node *node;
	size_t kind = 0;
	char *name;

	while (kinds[kind].sigil != tag->sigil)
		kind++;
	if (!is_name(text, tag->name_len, tag->sigil))
		return refuse(p, tag->start, "a tag has no proper name");
	if (tag->sigil == '#' || tag->sigil == '^') {
		if (p->depth == BH_MUSTACHE_DEPTH)
			return refuse(p, tag->start, "sections are nested too deep");
		p->sections[p->depth++] = p->t->n;
	}
	name = bh_xstrndup(text, tag->name_len);
	if (tag->sigil == '/' && close_section(p, tag, name) < 0) {
		free(name);
		return -1;
	}
	node = push(p->t, kinds[kind].tag);
	node->name = name;
	if (tag->standalone) {
		node->starts_line = true;
		node->at = tag->indent;
		node->len = tag->start - tag->indent;
	}
	return 0;
}

static int
parse_all(struct parser *p)
{
	struct tag tag;
	int rc;

	while ((rc = next_tag(p, &tag)) > 0) {
		add_text(p, tag.standalone ? tag.indent : tag.start, !tag.standalone);
		if (tag.sigil == '=')
			rc = set_delimiters(p, &tag);
		else if (tag.sigil != '!')
			rc = add_named(p, &tag);
		if (rc < 0)
			return -1;
		p->pos = tag.end;
	}
	if (rc < 0)
		return -1;
	add_text(p, p->t->len, false);
	if (p->depth > 0)
		return refuse(p, p->t->len, "a section is not closed");
	return 0;
}

int
bh_mustache_parse(const char *text, size_t len, struct bh_mustache **t_r, struct bh_err *err)
{
	struct bh_mustache *t;
	struct parser p = {.open = "{{", .close = "}}", .err = err};

	*t_r = NULL;
	if (memchr(text, '\0', len) != NULL)
		return bh_fail(err, BH_INVALID, "the template holds a NUL byte");
	t = bh_xcalloc(1, sizeof(*t));
	t->text = bh_xstrndup(text, len);
	t->len = len;
	p.t = t;
	if (parse_all(&p) < 0) {
		bh_mustache_free(&t);
		return -1;
	}
	*t_r = t;
	return 0;
}

void
bh_mustache_free(struct bh_mustache **t)
{
	struct bh_mustache *old = *t;

	if (old == NULL)
		return;
	for (size_t i = 0; i < old->n; i++)
		free(old->nodes[i].name);
	free(old->nodes);
	free(old->text);
	free(old);
	*t = NULL;
}

void
bh_mustache_names(const struct bh_mustache *t,
    void (*each)(void *arg, enum bh_mustache_tag tag, const char *name), void *arg)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->nodes[i].tag != BH_MUSTACHE_TEXT)
			each(arg, t->nodes[i].tag, t->nodes[i].name);
	}
}

/* Contexts, innermost first. */
struct scope {
	const json_t *value;
	const struct scope *outer;
};

struct rendering {
	bh_mustache_partial *partial;
	void *arg;
	struct bh_buf *out;
	struct bh_err *err;
	int depth;
	long steps;
};

/* The first part is looked for outwards through the scopes, the rest only inside what it gave. */
static const json_t *
look_up(const struct scope *scope, const char *name)
{
	char part[NAME_BYTES + 1];
	size_t len = strcspn(name, ".");
	const json_t *value = NULL;

	if (strcmp(name, ".") == 0)
		return scope->value;
	memcpy(part, name, len);
	part[len] = '\0';
	for (; scope != NULL && value == NULL; scope = scope->outer)
		value = json_object_get(scope->value, part);
	while (value != NULL && name[len] != '\0') {
		name += len + 1;
		len = strcspn(name, ".");
		memcpy(part, name, len);
		part[len] = '\0';
		value = json_object_get(value, part);
	}
	return value;
}

static bool
is_falsy(const json_t *value)
{
	return value == NULL || json_is_null(value) || json_is_false(value) ||
	       (json_is_array(value) && json_array_size(value) == 0) ||
	       (json_is_string(value) && json_string_length(value) == 0);
}

static void
add_value(struct bh_buf *out, const json_t *value, bool escaped)
{
	char *number;

	if (json_is_string(value)) {
		if (escaped)
			bh_html_add(out, json_string_value(value), json_string_length(value));
		else
			bh_buf_add(out, json_string_value(value), json_string_length(value));
	} else if (json_is_boolean(value)) {
		bh_buf_adds(out, json_is_true(value) ? "true" : "false");
	} else if (json_is_number(value)) {
		number = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
		bh_buf_adds(out, number != NULL ? number : "");
		free(number);
	}
}

/* With an indentation, put it in front of every line that begins here. */
static void
add_lines(struct bh_buf *out, const struct bh_mustache *t, const struct node *node,
    const char *indent)
{
	const char *text = t->text + node->at;
	size_t len = node->len, line;

	if (*indent != '\0' && node->starts_line)
		bh_buf_adds(out, indent);
	while (*indent != '\0' && len > 0) {
		const char *end = memchr(text, '\n', len);

		line = end != NULL ? (size_t)(end - text) + 1 : len;
		bh_buf_add(out, text, line);
		text += line;
		len -= line;
		if (len > 0)
			bh_buf_adds(out, indent);
	}
	bh_buf_add(out, text, len);
}

static int render_range(struct rendering *r, const struct bh_mustache *t, size_t from, size_t to,
    const struct scope *scope, const char *indent);

static int
render_section(struct rendering *r, const struct bh_mustache *t, size_t at,
    const struct scope *scope, const char *indent)
{
	const struct node *node = &t->nodes[at];
	const json_t *value = look_up(scope, node->name);
	struct scope inner = {value, scope};

	if (node->tag == BH_MUSTACHE_INVERTED)
		return is_falsy(value) ? render_range(r, t, at + 1, node->end, scope, indent) : 0;
	if (is_falsy(value))
		return 0;
	if (!json_is_array(value))
		return render_range(r, t, at + 1, node->end, &inner, indent);
	for (size_t i = 0; i < json_array_size(value); i++) {
		inner.value = json_array_get(value, i);
		if (render_range(r, t, at + 1, node->end, &inner, indent) < 0)
			return -1;
	}
	return 0;
}

static int
render_partial(struct rendering *r, const struct bh_mustache *t, const struct node *node,
    const struct scope *scope, const char *indent)
{
	const struct bh_mustache *partial =
	    r->partial != NULL ? r->partial(r->arg, node->name) : NULL;
	char *deeper;
	int rc;

	if (partial == NULL)
		return 0;
	/* On a line of its own the line's indentation adds to that of the lines around. */
	if (!node->starts_line)
		return render_range(r, partial, 0, partial->n, scope, "");
	deeper = bh_xasprintf("%s%.*s", indent, (int)node->len, t->text + node->at);
	rc = render_range(r, partial, 0, partial->n, scope, deeper);
	free(deeper);
	return rc;
}

static int
render_node(struct rendering *r, const struct bh_mustache *t, size_t at, const struct scope *scope,
    const char *indent)
{
	const struct node *node = &t->nodes[at];

	switch (node->tag) {
	case BH_MUSTACHE_TEXT:
		add_lines(r->out, t, node, indent);
		return 0;
	case BH_MUSTACHE_VARIABLE:
		add_value(r->out, look_up(scope, node->name), true);
		return 0;
	case BH_MUSTACHE_RAW:
		add_value(r->out, look_up(scope, node->name), false);
		return 0;
	case BH_MUSTACHE_SECTION:
	case BH_MUSTACHE_INVERTED:
		return render_section(r, t, at, scope, indent);
	case BH_MUSTACHE_PARTIAL:
		return render_partial(r, t, node, scope, indent);
	case BH_MUSTACHE_END:
		return 0;
	}
	return 0;
}

static int
render_range(struct rendering *r, const struct bh_mustache *t, size_t from, size_t to,
    const struct scope *scope, const char *indent)
{
	if (++r->depth > BH_MUSTACHE_DEPTH)
		return bh_fail(r->err, BH_INVALID, "the template nests deeper than %d levels",
		    BH_MUSTACHE_DEPTH);
	for (size_t i = from; i < to; i++) {
		const struct node *node = &t->nodes[i];

		if (++r->steps > BH_MUSTACHE_STEPS)
			return bh_fail(r->err, BH_INVALID, "the template takes more than %d steps",
			    BH_MUSTACHE_STEPS);
		if (r->out->full)
			return bh_buf_check(r->out, "the page", r->err);
		if (render_node(r, t, i, scope, indent) < 0)
			return -1;
		if (node->tag == BH_MUSTACHE_SECTION || node->tag == BH_MUSTACHE_INVERTED)
			i = node->end;
	}
	r->depth--;
	return 0;
}

int
bh_mustache_render(const struct bh_mustache *t, const json_t *view, bh_mustache_partial *partial,
    void *arg, struct bh_buf *out, struct bh_err *err)
{
	struct rendering r = {.partial = partial, .arg = arg, .out = out, .err = err};
	struct scope scope = {view, NULL};

	if (render_range(&r, t, 0, t->n, &scope, "") < 0)
		return -1;
	return bh_buf_check(out, "the page", err);
}
