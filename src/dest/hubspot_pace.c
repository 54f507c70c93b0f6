/*
 * HubSpot: the pace of calls.  HubSpot counts for a portal, whoever calls: so all
 * processes that call for one share a file, in the directory that the caller
 * names, under a lock that dies with its holder.  It holds
 *
 *   when the last calls were made, so that the short window never holds more
 *   of them than HubSpot's limit allows, less what others used of it as far as seen
 *   the next place for a search: four a second, where HubSpot allows five, and one
 *   at a time, for one that is held up on its way would arrive together with others
 *   until when HubSpot wants silence, and why
 *   what of the day's calls is used
 *
 * A share of the limit is left alone: associations have a lower one, others call
 * too, and what leaves here in time may arrive late.  The file is no more than a
 * habit: without it every search waits its turn, and HubSpot's refusals do the rest.
 */
#include "base/base.h"

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "dest/hubspot.h"

#define FORMAT 1
#define CALLS_MAX 256 /* more than three quarters of any limit that HubSpot sells */
#define LIMIT 100     /* until HubSpot tells its own: the lowest there is */
#define WINDOW_MIN_MS 100
#define WINDOW_MAX_MS 60000
#define SEARCH_MS 250
#define SEARCH_GAP_MS                                                                              \
	210 /* from one's answer to the next: however late they leave, five fit a second */
#define SEARCH_REST_MS 1000   /* after HubSpot refused a search */
#define NARROW_MS 60000       /* so long after a lock fewer calls are in flight */
#define FRESH_MS 600000       /* an older reading of the day's calls is not passed on */
#define SEARCH_QUEUE_MS 60000 /* a place further away is none of ours */

/*
 * As it stands in the file.  Places for searches are monotonic: they are slept for.  All other
 * times are those of the clock that pauses go by.
 */
struct page {
	int64_t format;
	int64_t calls[CALLS_MAX]; /* a ring: when they were made; 0 none */
	int64_t at;               /* the oldest of them */
	int64_t search_ms;        /* monotonic: the next place for a search */
	int64_t seen_ms;          /* when HubSpot told of the window */
	int64_t limit, others, window_ms;
	int64_t narrow_ms, width; /* until then so many calls in flight */
	int64_t day_ms, day_used, day_limit;
	int64_t stop_ms;
	char why[240];
};

struct pace {
	int fd;
	struct page page;
};

/* -- the file -- */

/* A portal that is not known yet: nobody but this connection shares the file. */
static char *
file_name(const struct dest_config *config, const char *kind)
{
	const char *portal = config->auth->account_id;

	return bh_xasprintf("%s/hubspot-%s%.40s.%s", config->run_dir,
	    portal[0] != '\0' ? "" : "of-", portal[0] != '\0' ? portal : config->code, kind);
}

/* What cannot be ours (torn by a crash, of another format) begins anew. */
static void
read_page(struct pace *pace)
{
	struct page *page = &pace->page;
	ssize_t n = pread(pace->fd, page, sizeof(*page), 0);

	if (n != (ssize_t)sizeof(*page) || page->format != FORMAT || page->at < 0 ||
	    page->at >= CALLS_MAX || page->window_ms < WINDOW_MIN_MS ||
	    page->window_ms > WINDOW_MAX_MS || page->limit < 1 || page->others < 0)
		*page = (struct page){.format = FORMAT,
		    .limit = LIMIT,
		    .window_ms = HUBSPOT_WINDOW_S * 1000};
	page->why[sizeof(page->why) - 1] = '\0';
}

/* false: it cannot be had. */
static bool
open_pace(const struct dest_config *config, struct pace *pace)
{
	char *name;

	if (config->run_dir == NULL)
		return false;
	name = file_name(config, "pace");
	pace->fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(name);
	if (pace->fd < 0)
		return false;
	while (flock(pace->fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		close(pace->fd);
		return false;
	}
	read_page(pace);
	return true;
}

/* A page that could not be written is as good as none: nothing depends on it. */
static void
close_pace(struct pace *pace, bool is_changed)
{
	if (is_changed &&
	    pwrite(pace->fd, &pace->page, sizeof(pace->page), 0) != sizeof(pace->page) &&
	    ftruncate(pace->fd, 0) < 0)
		bh_log(BH_WARN, "the pace of HubSpot's calls cannot be kept");
	close(pace->fd);
}

/* -- the short window -- */

/* Clocks are put back: what lies ahead is of before. */
static bool
is_within(int64_t at_ms, int64_t now, int64_t window_ms)
{
	return at_ms > 0 && at_ms <= now && now - at_ms < window_ms;
}

static int64_t
count_calls(const struct page *page, int64_t now)
{
	int64_t n = 0;

	for (size_t i = 0; i < CALLS_MAX; i++)
		n += is_within(page->calls[i], now, page->window_ms);
	return n;
}

/* Calls that may stand in the window by now. */
static int64_t
quota(const struct page *page, int64_t now)
{
	int64_t most = page->limit * 3 / 4;

	if (most < 1)
		most = 1;
	if (most > CALLS_MAX)
		most = CALLS_MAX;
	if (is_within(page->seen_ms, now, page->window_ms))
		most -= page->others;
	return most > 0 ? most : 0;
}

/* Until the first of our calls has left the window, or what others used has. */
static int64_t
window_wait(const struct page *page, int64_t now)
{
	int64_t first = page->window_ms;

	for (size_t i = 0; i < CALLS_MAX; i++)
		if (is_within(page->calls[i], now, page->window_ms) &&
		    page->calls[i] + page->window_ms - now < first)
			first = page->calls[i] + page->window_ms - now;
	if (is_within(page->seen_ms, now, page->window_ms) && quota(page, now) == 0)
		first = page->seen_ms + page->window_ms - now;
	return first > 0 ? first : 1;
}

static size_t
take_calls(struct page *page, size_t n, int64_t *wait_ms_r)
{
	int64_t now = bh_now_ms();
	int64_t left = quota(page, now) - count_calls(page, now);
	size_t taken;

	if (left <= 0) {
		*wait_ms_r = window_wait(page, now);
		return 0;
	}
	taken = (size_t)left < n ? (size_t)left : n;
	if (page->narrow_ms > now && page->narrow_ms - now <= NARROW_MS && page->width > 0 &&
	    (size_t)page->width < taken)
		taken = (size_t)page->width;
	for (size_t i = 0; i < taken; i++) {
		page->calls[page->at] = now;
		page->at = (page->at + 1) % CALLS_MAX;
	}
	return taken;
}

static size_t
take_search(struct page *page, int64_t *wait_ms_r)
{
	int64_t now = bh_mono_ms();

	if (page->search_ms < now || page->search_ms - now > SEARCH_QUEUE_MS)
		page->search_ms = now;
	*wait_ms_r = page->search_ms - now;
	page->search_ms += SEARCH_MS;
	return 1;
}

/* -- silence -- */

/* Milliseconds that HubSpot still wants silence for. */
static int64_t
silence_left(const struct page *page)
{
	int64_t left = page->stop_ms - bh_now_ms();

	return left > 0 && left <= HUBSPOT_SILENCE_MAX_S * INT64_C(1000) ? left : 0;
}

size_t
hubspot_pace_take(const struct dest_config *config, size_t n, bool is_search,
    struct hubspot_wait *wait)
{
	struct pace pace;
	size_t taken = 0;

	*wait = (struct hubspot_wait){.ms = 0};
	if (!open_pace(config, &pace)) {
		wait->ms = is_search ? SEARCH_MS : 0;
		return is_search ? 1 : n;
	}
	wait->ms = silence_left(&pace.page);
	if (wait->ms > 0)
		snprintf(wait->why, sizeof(wait->why), "%s", pace.page.why);
	else if (is_search)
		taken = take_search(&pace.page, &wait->ms);
	else
		taken = take_calls(&pace.page, n, &wait->ms);
	close_pace(&pace, taken > 0);
	return taken;
}

/* -- what answers tell -- */

/* What of the window is used and was not by us, others did; calls on their way make it too little. */
static void
note_window(struct page *page, const struct dest_usage *told)
{
	int64_t now = bh_now_ms(), used = told->burst_limit - told->burst_left;

	page->limit = told->burst_limit;
	page->window_ms = told->burst_window_ms;
	if (page->window_ms < WINDOW_MIN_MS)
		page->window_ms = WINDOW_MIN_MS;
	if (page->window_ms > WINDOW_MAX_MS)
		page->window_ms = WINDOW_MAX_MS;
	page->seen_ms = now;
	used -= count_calls(page, now);
	page->others = used > 0 ? used : 0;
}

void
hubspot_pace_note(const struct dest_config *config, const struct dest_usage *told)
{
	struct pace pace;

	if ((told->burst_limit <= 0 && told->day_limit <= 0) || !open_pace(config, &pace))
		return;
	if (told->burst_limit > 0)
		note_window(&pace.page, told);
	if (told->day_limit > 0) {
		pace.page.day_ms = bh_now_ms();
		pace.page.day_used = told->day_used;
		pace.page.day_limit = told->day_limit;
	}
	close_pace(&pace, true);
}

/* Nobody searches in the next so many milliseconds. */
static void
put_off_searches(const struct dest_config *config, int64_t ms)
{
	struct pace pace;
	int64_t until = bh_mono_ms() + ms;

	if (!open_pace(config, &pace))
		return;
	if (pace.page.search_ms < until)
		pace.page.search_ms = until;
	close_pace(&pace, true);
}

void
hubspot_pace_rest(const struct dest_config *config)
{
	put_off_searches(config, SEARCH_REST_MS);
}

int
hubspot_pace_hold(const struct dest_config *config)
{
	char *name;
	int fd;

	if (config->run_dir == NULL)
		return -1;
	name = file_name(config, "search");
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(name);
	while (fd >= 0 && flock(fd, LOCK_EX) < 0 && errno == EINTR)
		continue;
	return fd;
}

void
hubspot_pace_release(const struct dest_config *config, int fd)
{
	if (fd < 0)
		return;
	put_off_searches(config, SEARCH_GAP_MS);
	close(fd);
}

void
hubspot_pace_narrow(const struct dest_config *config, size_t wide)
{
	struct pace pace;

	if (!open_pace(config, &pace))
		return;
	pace.page.narrow_ms = bh_now_ms() + NARROW_MS;
	pace.page.width = wide > 1 ? (int64_t)wide / 2 : 1;
	close_pace(&pace, true);
}

void
hubspot_pace_stop(const struct dest_config *config, int pause_s, const char *why)
{
	int64_t until = bh_now_ms() + pause_s * INT64_C(1000);
	struct pace pace;

	if (!open_pace(config, &pace))
		return;
	if (silence_left(&pace.page) == 0 || pace.page.stop_ms < until) {
		pace.page.stop_ms = until;
		snprintf(pace.page.why, sizeof(pace.page.why), "%s", why);
	}
	close_pace(&pace, true);
}

void
hubspot_recall(struct dest_config *config)
{
	struct pace pace;
	int64_t now = bh_now_ms(), left;

	if (!open_pace(config, &pace))
		return;
	if (pace.page.day_limit > 0 && pace.page.day_ms <= now &&
	    now - pace.page.day_ms < FRESH_MS) {
		config->usage.day_used = pace.page.day_used;
		config->usage.day_limit = pace.page.day_limit;
	}
	left = silence_left(&pace.page);
	if (left > 0)
		config->usage.pause_s = (int)((left + 999) / 1000);
	close_pace(&pace, false);
}
