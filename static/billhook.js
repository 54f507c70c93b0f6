/* Optional: every page works without.  Refreshes counters, shows times in the reader's zone. */
(function () {
	"use strict";

	var every = 2000, touched = false;

	/* The server writes UTC; on hover the reader sees both. */
	function localTimes(root) {
		root.querySelectorAll("time[datetime]").forEach(function (node) {
			var at = new Date(node.dateTime);

			if (!isNaN(at) && node.title.indexOf("\n") < 0)
				node.title = at.toLocaleString() + "\n" + node.title;
		});
	}

	/* For each node with that data attribute: its live text, where there is one. */
	function each(live, name, act) {
		document.querySelectorAll("[data-" + name + "]").forEach(function (node) {
			var text = live[node.getAttribute("data-" + name)];

			if (text !== undefined)
				act(node, text);
		});
	}

	/* Nothing that was typed or opened may be lost, nor the place of who goes by keys or reads further down. */
	function isBusy(follow) {
		var at = document.activeElement;

		return touched || (at !== null && at.closest("main a, main button") !== null) || (follow === "top" && window.scrollY >= 100);
	}

	function apply(live) {
		each(live, "live", function (node, text) {
			if (node.textContent !== text)
				node.textContent = text;
		});
		each(live, "live-state", function (node, state) {
			if (node.dataset.state !== state)
				node.dataset.state = state;
		});
		each(live, "live-shown", function (node, text) {
			node.hidden = text === "";
		});
		each(live, "live-value", function (node, text) {
			node.value = Number(text);
		});
		each(live, "live-width", function (node, text) {
			node.setAttribute("width", text);
		});
		document.querySelectorAll("[data-newest]").forEach(function (node) {
			if (live.newest === undefined || live.newest === node.dataset.newest)
				return;
			if (node.dataset.follow !== undefined && !isBusy(node.dataset.follow))
				location.replace(node.href);
			node.hidden = false;
		});
	}

	/* gone: where to go when what the page shows is no more. */
	function watch(url, gone) {
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
				if (answer.status === 404 && gone !== undefined) {
					location.replace(gone);
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

	["input", "focusin", "click", "submit"].forEach(function (name) {
		document.addEventListener(name, function (event) {
			if (name === "submit" || event.target.closest("input, select, textarea, summary"))
				touched = true;
		}, true);
	});
	/* A field above a long table hides the rows without what is typed there. */
	document.querySelectorAll("[data-filter]").forEach(function (box) {
		var rows = document.getElementById(box.dataset.filter), input = box.querySelector("input");

		if (rows === null)
			return;
		box.hidden = false;
		input.addEventListener("input", function () {
			var wanted = input.value.toLowerCase();

			Array.prototype.forEach.call(rows.children, function (row) {
				row.hidden = row.querySelector("form") === null && row.textContent.toLowerCase().indexOf(wanted) < 0;
			});
		});
	});

	/* What is typed is tried on the record that is shown. */
	document.querySelectorAll("form[data-try]").forEach(function (form) {
		var out = form.querySelector("output"), turn = 0, timer;

		function ask() {
			var mine = ++turn;

			fetch(form.dataset.try, {
				method: "POST", credentials: "same-origin", cache: "no-store",
				body: new URLSearchParams(new FormData(form))
			}).then(function (answer) {
				return answer.ok ? answer.json() : undefined;
			}).then(function (tried) {
				/* An answer that another overtook says nothing any more. */
				if (tried === undefined || mine !== turn)
					return;
				out.textContent = tried.text;
				out.dataset.state = tried.state;
			}).catch(function () {});
		}

		form.addEventListener("input", function () {
			clearTimeout(timer);
			timer = setTimeout(ask, 250);
		});
	});

	/* What must not be handed out: shown when the server does. */
	document.querySelectorAll("[data-probe]").forEach(function (node) {
		fetch(node.dataset.probe, { cache: "no-store", credentials: "omit", redirect: "manual" }).then(function (answer) {
			node.hidden = !answer.ok;
		}, function () {});
	});

	localTimes(document);
	document.querySelectorAll("[data-live-url]").forEach(function (node) {
		watch(node.dataset.liveUrl, node.dataset.goneUrl);
	});
})();
