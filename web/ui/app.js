// Makes the server's pages nicer; all of them work without it.
import { startPlayer } from "./player.js";

// The server reads dates in the zone that this cookie names, and shows times in
// it. A search that somebody sent names its own; then the page keeps to that.
function keepZone() {
	const mine = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
	const kept = () => document.cookie.split("; ").includes(`tz=${mine}`);
	const input = document.querySelector("input[name=tz]");
	const asked = input?.dataset.asked === "yes";
	if (!kept()) {
		document.cookie = `tz=${mine}; path=/; max-age=31536000; samesite=lax` +
			(location.protocol === "https:" ? "; secure" : "");
		const form = input?.form.elements;
		const dates = form && (form.from.value || form.to.value);
		// found with the dates of another zone; not again without cookies
		if (dates && !asked && input.value !== mine && kept())
			location.reload();
	}
	if (!input || asked)
		return input?.value;
	input.value = mine;
	const said = document.getElementById("zone");
	if (said)
		said.textContent = mine;
	return mine;
}

// Times come in words of the server and are shown as the reader is used to.
function localTimes(zone) {
	const same = new Intl.DateTimeFormat(undefined, {
		dateStyle: "medium",
		timeStyle: "short",
		timeZone: zone,
	});
	for (const t of document.querySelectorAll("time[datetime]")) {
		const at = new Date(t.dateTime);
		if (!Number.isNaN(at.getTime())) {
			t.title = t.dateTime;
			t.textContent = same.format(at);
		}
	}
}

// What a browser won't accept must be seen: it keeps quiet about fields that are
// folded away.
function unfoldInvalid() {
	document.addEventListener("invalid", (ev) => {
		for (let d = ev.target.closest("details"); d; d = d.parentElement.closest("details"))
			d.open = true;
	}, true);
}

async function getJson(url) {
	const r = await fetch(url, { headers: { Accept: "application/json" } });
	return r.ok ? r.json() : null;
}

// As the server writes data-state.
const stateOf = (rec) => rec.state + (rec.paused ? " paused" : "");

// A call that is still running or being prepared: look again until it moves on.
function watchOne(box) {
	const look = async () => {
		const rec = await getJson(`/api/v1/recordings/${box.dataset.id}`).catch(() => null);
		if (rec && stateOf(rec) !== box.dataset.state)
			location.reload();
		else
			setTimeout(look, 3000);
	};
	if (/^(recording|rendering)/.test(box.dataset.state))
		setTimeout(look, 2000);
}

// The first page of the list: offer what is new instead of moving the page
// under the reader's hands.
function watchList(table) {
	const seen = () => [...table.querySelectorAll("tr[data-id]")]
		.map((tr) => `${tr.dataset.id} ${tr.dataset.state}`).join();
	const before = seen();
	const look = async () => {
		const page = document.hidden ? null :
			await getJson("/api/v1/recordings?limit=25").catch(() => null);
		const now = page && page.items.map((i) => `${i.id} ${stateOf(i)}`).join();
		if (!page || now === before) {
			setTimeout(look, 5000);
			return;
		}
		const p = document.createElement("p");
		p.className = "note";
		p.setAttribute("role", "status");
		const a = document.createElement("a");
		a.href = location.href;
		a.textContent = "Show them";
		p.append("There are changes in this list. ", a);
		table.before(p);
	};
	setTimeout(look, 5000);
}

localTimes(keepZone());
unfoldInvalid();
const player = document.getElementById("player");
if (player)
	startPlayer(player).then((main) => {
		for (const half of document.querySelectorAll(".player.half"))
			startPlayer(half, main);
	});
const waiting = document.getElementById("waiting");
if (waiting)
	watchOne(waiting);
const table = document.getElementById("recordings");
if (table && !location.search)
	watchList(table);
