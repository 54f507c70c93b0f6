/* Routes: see router.h. */
#include "base/base.h"

#include "web/router.h"

#include "base/buf.h"

/* One segment of pattern against one of path; lengths without the slash. */
static bool
is_segment(const char *pattern, size_t pattern_len, const char *path, size_t path_len,
    struct route_match *match, size_t *args_n)
{
	if (pattern_len == 0 || pattern[0] != ':')
		return pattern_len == path_len && strncmp(pattern, path, path_len) == 0;
	if (path_len == 0 || path_len >= ROUTE_ARG_MAX || *args_n == ROUTE_ARGS)
		return false;
	memcpy(match->args[*args_n], path, path_len);
	match->args[*args_n][path_len] = '\0';
	++*args_n;
	return true;
}

static bool
is_match(const char *pattern, const char *path, struct route_match *match)
{
	size_t args_n = 0;

	while (*pattern == '/' && *path == '/') {
		size_t pattern_len = strcspn(++pattern, "/"), path_len = strcspn(++path, "/");

		if (!is_segment(pattern, pattern_len, path, path_len, match, &args_n))
			return false;
		pattern += pattern_len;
		path += path_len;
	}
	return *pattern == '\0' && *path == '\0';
}

static void
allow(struct route_match *match, const char *method)
{
	size_t at = strlen(match->allow);

	snprintf(match->allow + at, sizeof(match->allow) - at, "%s%s", at != 0 ? ", " : "",
	    strcmp(method, "GET") == 0 ? "GET, HEAD" : method);
}

int
router_match(const struct route *routes, size_t n, const char *method, const char *path,
    struct route_match *match)
{
	memset(match, 0, sizeof(*match));
	for (size_t i = 0; i < n; i++) {
		if (!is_match(routes[i].pattern, path, match))
			continue;
		if (strcmp(routes[i].method, method) == 0) {
			match->route = &routes[i];
			return 1;
		}
		allow(match, routes[i].method);
	}
	return match->allow[0] != '\0' ? -1 : 0;
}

char **
router_words(const struct route *routes, size_t n)
{
	char **words = bh_xcalloc(n + 1, sizeof(*words));
	size_t words_n = 0;

	for (size_t i = 0; i < n; i++) {
		const char *word = routes[i].pattern + 1;
		size_t len = strcspn(word, "/"), known = 0;

		while (known < words_n &&
		       (strlen(words[known]) != len || strncmp(words[known], word, len) != 0))
			known++;
		if (len != 0 && word[0] != ':' && known == words_n)
			words[words_n++] = bh_xstrndup(word, len);
	}
	return words;
}

void
router_words_free(char ***words)
{
	for (char **word = *words; word != NULL && *word != NULL; word++)
		free(*word);
	free(*words);
	*words = NULL;
}
