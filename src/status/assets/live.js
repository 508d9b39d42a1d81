/* Fetches the page anew while it can still change and is looked at; copies IDs. The pages work without it. */
"use strict";

(function () {
	const LONGEST_MS = 15000;
	let timer = 0;
	let wait = 0;

	function main() {
		return document.getElementById("main");
	}

	/* A name for each <details> that is the same in the next version of the page. */
	function named(root) {
		const names = new Map();
		const count = {};
		root.querySelectorAll("details").forEach(function (d) {
			const job = d.closest("[id]");
			const owner = job ? job.id : "";
			count[owner] = (count[owner] || 0) + 1;
			names.set(owner + "/" + count[owner], d);
		});
		return names;
	}

	/* What the reader has opened stays open; a picture that is there is not fetched again. */
	function carry_over(from, to) {
		const fresh = named(to);
		named(from).forEach(function (d, name) {
			if (fresh.has(name))
				fresh.get(name).open = d.open;
		});
		const pictures = new Map();
		from.querySelectorAll("img").forEach(function (i) { pictures.set(i.src, i); });
		to.querySelectorAll("img").forEach(function (i) {
			if (pictures.has(i.src))
				i.replaceWith(pictures.get(i.src));
		});
	}

	function places(root) {
		return Array.from(root.querySelectorAll("a, summary, button, [tabindex]"));
	}

	function show(text) {
		const next = new DOMParser().parseFromString(text, "text/html");
		const from = main();
		const to = next.getElementById("main");
		const selection = window.getSelection();
		if (!to || (selection && !selection.isCollapsed))
			return;
		const fresh = document.adoptNode(to);
		const focus = places(from).indexOf(document.activeElement);
		carry_over(from, fresh);
		from.replaceWith(fresh);
		document.title = next.title;
		add_copier();
		if (focus >= 0 && places(fresh)[focus])
			places(fresh)[focus].focus({ preventScroll: true });
	}

	async function refresh() {
		const every = Number(main().dataset.live);
		clearTimeout(timer);
		if (!every || document.hidden)
			return;
		try {
			const reply = await fetch(location.href, { cache: "no-store", redirect: "error" });
			if (!reply.ok)
				throw new Error(reply.status);
			show(await reply.text());
			wait = every;
		} catch (e) {
			wait = Math.min(LONGEST_MS, (wait || every) * 2);
		}
		clearTimeout(timer);
		timer = setTimeout(refresh, wait);
	}

	/* Where the page did not come by TLS or from this machine, browsers offer only the old way. */
	async function copy(node) {
		if (navigator.clipboard && window.isSecureContext)
			return navigator.clipboard.writeText(node.textContent);
		window.getSelection().selectAllChildren(node);
		document.execCommand("copy");
		window.getSelection().removeAllRanges();
	}

	function add_copier() {
		const id = document.getElementById("trace-id");
		if (!id || id.nextElementSibling)
			return;
		const button = document.createElement("button");
		button.type = "button";
		button.className = "copier";
		button.textContent = "Copy";
		button.addEventListener("click", async function () {
			await copy(id);
			button.textContent = "Copied";
		});
		id.after(button);
	}

	/* A picture that retention took is only a name. */
	function hide_lost(i) {
		if (i.complete && i.naturalWidth === 0)
			i.classList.add("lost");
	}

	document.addEventListener("error", function (e) {
		if (e.target instanceof HTMLImageElement)
			hide_lost(e.target);
	}, true);
	add_copier();
	timer = setTimeout(refresh, Number(main().dataset.live) || LONGEST_MS);
	document.addEventListener("visibilitychange", refresh);
})();
