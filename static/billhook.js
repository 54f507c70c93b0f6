/* Optional: every page works without.  Refreshes counters, shows times in the reader's zone. */
(function () {
	"use strict";

	var every = 2000;

	/* The server writes UTC; on hover the reader sees both. */
	function localTimes(root) {
		root.querySelectorAll("time[datetime]").forEach(function (node) {
			var at = new Date(node.dateTime);

			if (!isNaN(at) && node.title.indexOf("\n") < 0)
				node.title = at.toLocaleString() + "\n" + node.title;
		});
	}

	function apply(live) {
		document.querySelectorAll("[data-live]").forEach(function (node) {
			var text = live[node.dataset.live];

			if (text !== undefined && node.textContent !== text)
				node.textContent = text;
		});
		document.querySelectorAll("[data-live-state]").forEach(function (node) {
			var state = live[node.dataset.liveState];

			if (state !== undefined && node.dataset.state !== state)
				node.dataset.state = state;
		});
		document.querySelectorAll("[data-newest]").forEach(function (node) {
			if (live.newest !== undefined)
				node.hidden = live.newest === node.dataset.newest;
		});
	}

	function watch(url) {
		var failures = 0;

		function again() {
			/* Further apart while it fails, at most a minute. */
			setTimeout(tick, Math.min(every * Math.pow(2, failures), 60000));
		}

		function tick() {
			if (document.hidden) {
				document.addEventListener("visibilitychange", tick, { once: true });
				return;
			}
			fetch(url, { credentials: "same-origin", cache: "no-store" }).then(function (answer) {
				if (answer.status === 401) {
					location.reload();
					return undefined;
				}
				if (!answer.ok)
					throw new Error("status " + answer.status);
				return answer.json().then(function (live) {
					failures = 0;
					apply(live);
					again();
				});
			}).catch(function () {
				failures++;
				again();
			});
		}

		setTimeout(tick, every);
	}

	localTimes(document);
	document.querySelectorAll("[data-live-url]").forEach(function (node) {
		watch(node.dataset.liveUrl);
	});
})();
