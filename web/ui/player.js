// The player: a waveform per party that seeks, speed, balance between the
// parties, events on the timeline, and keys. The <audio> element does the work
// and stays in charge; without this file its own controls are shown.
import { heldSpans, parsePeaks, Waveform } from "./waveform.js";

const ICON_PLAY = "M4 2v20l17-10z";
const ICON_PAUSE = "M5 2h5v20H5zM14 2h5v20h-5z";

function make(tag, props = {}, ...children) {
	const el = document.createElement(tag);
	for (const [k, v] of Object.entries(props)) {
		if (k.startsWith("aria-") || k === "role" || k === "for")
			el.setAttribute(k, v);
		else
			el[k] = v;
	}
	el.append(...children);
	return el;
}

function icon(path) {
	const ns = "http://www.w3.org/2000/svg";
	const svg = document.createElementNS(ns, "svg");
	svg.setAttribute("viewBox", "0 0 24 24");
	svg.setAttribute("aria-hidden", "true");
	const p = document.createElementNS(ns, "path");
	p.setAttribute("d", path);
	svg.append(p);
	return svg;
}

export function clock(seconds) {
	const s = Math.max(0, Math.floor(seconds + 1e-6));
	const two = (n) => String(n).padStart(2, "0");
	const h = Math.floor(s / 3600);
	const ms = `${h ? two(Math.floor(s / 60) % 60) : Math.floor(s / 60)}:${two(s % 60)}`;
	return h ? `${h}:${ms}` : ms;
}

// Left and right pass through two gains; towards the ends of the slider the
// remaining party is put on both ears.
class Balance {
	constructor(audio) {
		this.audio = audio;
		this.gains = null;
	}

	connect() {
		const ctx = new AudioContext();
		const source = ctx.createMediaElementSource(this.audio);
		const split = ctx.createChannelSplitter(2);
		const merge = ctx.createChannelMerger(2);
		this.gains = {};
		source.connect(split);
		for (const [from, to] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
			const g = ctx.createGain();
			split.connect(g, from);
			g.connect(merge, 0, to);
			this.gains[`${from}${to}`] = g.gain;
		}
		merge.connect(ctx.destination);
		this.ctx = ctx;
	}

	set(value) {
		if (!this.gains) {
			if (value === 0)
				return;
			this.connect();
		}
		this.ctx.resume();
		const left = Math.min(1, 1 - value), right = Math.min(1, 1 + value);
		const cross = Math.abs(value);
		this.gains["00"].value = left;
		this.gains["01"].value = left * (value < 0 ? cross : 0);
		this.gains["11"].value = right;
		this.gains["10"].value = right * (value > 0 ? cross : 0);
	}
}

class Player {
	constructor(box, main) {
		this.box = box;
		this.main = main; // follows that player; null: this is the page's
		this.audio = box.querySelector("audio");
		this.duration = Number(box.dataset.duration) || 0;
		this.rec = null;
		this.wave = null;
		this.frame = 0;
	}

	// Names of the two sides, as the recorder lays channels out.
	sides(channels) {
		const name = (p) => p.name || p.aor.replace(/^(sips?|tel):/i, "");
		const people = this.rec.participants;
		if (people.length <= 1)
			return [people.length ? name(people[0]) : "Everybody", ""];
		const first = Number(this.box.dataset.left);
		const sent = (this.rec.tracks || []).map((t) => t.senders || []);
		// In one lane are those who send, not all who take part.
		const heard = people.filter((p) => sent.some((s) => s.includes(p.ord)));
		if (channels === 1 && heard.length)
			return [heard.map(name).join(", "), ""];
		// Whoever took a line over is heard where its first sender was.
		const lines = sent.filter((s) => s[0] === first);
		const left = people.filter((p) => p.ord === first || lines.some((s) => s.includes(p.ord)));
		const right = people.filter((p) => !left.includes(p));
		return [left.map(name).join(", "), right.map(name).join(", ")];
	}

	build(peaks) {
		const sides = this.sides(peaks.channels);
		const canvas = make("canvas");
		canvas.style.height = peaks.channels > 1 ? "180px" : "100px";
		this.slider = make("div", {
			className: "wave", tabIndex: 0, role: "slider",
			"aria-label": "Position in the call", "aria-valuemin": "0",
			"aria-valuemax": String(Math.round(this.duration)),
		}, canvas);
		for (let c = 0; c < Math.min(peaks.channels, 2); c++)
			this.slider.append(make("span", {
				className: `lane-name c${c}`,
				textContent: peaks.channels > 1 ? sides[c] : sides.filter(Boolean).join(", "),
			}));
		this.wave = new Waveform(canvas, peaks, this.duration);
		this.box.prepend(this.slider,
			make("div", { className: "ruler" }, ...[0, 0.25, 0.5, 0.75, 1].map(
				(f) => make("span", { textContent: clock(f * this.duration) }))),
			this.controls(peaks.channels, sides));
		const title = this.box.querySelector("h2");
		if (title)
			this.box.prepend(title);
		if (!this.main)
			this.box.append(make("p", { className: "keys" },
				make("kbd", { textContent: "Space" }), " plays and pauses, ",
				make("kbd", { textContent: "←" }), " ", make("kbd", { textContent: "→" }),
				" move by 5 seconds."));
		this.box.classList.add("live");
		this.audio.removeAttribute("controls");
	}

	controls(channels, sides) {
		this.button = make("button", { type: "button", className: "play primary" }, icon(ICON_PLAY));
		this.button.addEventListener("click", () => this.toggle());
		this.clock = make("span", { className: "clock" });
		const skip = (by, words) => {
			const b = make("button", { type: "button", className: "skipby", textContent: words,
				"aria-label": `${by < 0 ? "Back" : "Forward"} ${Math.abs(by)} seconds` });
			b.addEventListener("click", () => this.seek(this.audio.currentTime + by));
			return b;
		};
		const speed = make("select", { id: "speed" }, ...[0.5, 0.75, 1, 1.25, 1.5, 2].map(
			(v) => make("option", { value: String(v), textContent: `${v}×`, selected: v === 1 })));
		speed.addEventListener("change", () => {
			this.audio.playbackRate = Number(speed.value);
		});
		const row = make("div", { className: "controls" }, this.button, skip(-10, "−10 s"),
			skip(10, "+10 s"), this.clock, make("label", {}, "Speed", speed));
		if (channels > 1)
			row.append(this.balance(sides));
		return row;
	}

	balance(sides) {
		const range = make("input", { type: "range", min: "-1", max: "1", step: "0.1", value: "0",
			id: "balance", "aria-label": "Balance between the parties" });
		const balance = new Balance(this.audio);
		const say = () => {
			const v = Number(range.value);
			range.setAttribute("aria-valuetext", v === 0 ? "both parties" :
				`${Math.round(Math.abs(v) * 100)} % towards ${v < 0 ? sides[0] : sides[1]}`);
		};
		range.addEventListener("input", () => {
			balance.set(Number(range.value));
			say();
		});
		range.addEventListener("dblclick", () => {
			range.value = "0";
			balance.set(0);
			say();
		});
		say();
		return make("label", { className: "balance" },
			make("span", { className: "side", textContent: sides[0], title: sides[0] }), range,
			make("span", { className: "side", textContent: sides[1], title: sides[1] }));
	}

	// Holds become shaded spans, everything else marks; times in the list of
	// events become buttons.
	events() {
		const { spans, marks } = heldSpans(this.rec.events, this.duration);
		this.wave.holds.push(...spans);
		this.wave.marks.push(...marks);
		for (const li of this.main ? [] : document.querySelectorAll("#events li")) {
			const at = li.querySelector(".at");
			const b = make("button", { type: "button", className: "quiet", textContent: at.textContent,
				"aria-label": `Play from ${at.textContent}` });
			b.addEventListener("click", () => this.seek(Number(li.dataset.offset)));
			at.replaceChildren(b);
		}
	}

	toggle() {
		if (this.audio.paused)
			this.audio.play().catch(() => this.update());
		else
			this.audio.pause();
	}

	seek(to) {
		const end = this.audio.duration || this.duration;
		this.audio.currentTime = Math.min(Math.max(to, 0), Math.max(end - 0.05, 0));
		this.update();
	}

	update() {
		const now = this.audio.currentTime;
		this.clock.textContent = `${clock(now)} / ${clock(this.duration)}`;
		this.slider.setAttribute("aria-valuenow", String(Math.round(now)));
		this.slider.setAttribute("aria-valuetext", `${clock(now)} of ${clock(this.duration)}`);
		const paused = this.audio.paused;
		if (this.button.dataset.paused !== String(paused)) {
			this.button.dataset.paused = String(paused);
			this.button.setAttribute("aria-label", paused ? "Play" : "Pause");
			this.button.replaceChildren(icon(paused ? ICON_PLAY : ICON_PAUSE));
		}
		this.wave.draw(now);
	}

	run() {
		cancelAnimationFrame(this.frame);
		const step = () => {
			this.update();
			if (!this.audio.paused)
				this.frame = requestAnimationFrame(step);
		};
		step();
	}

	onKey(e) {
		const by = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5,
			PageDown: -30, PageUp: 30 }[e.key];
		const typing = e.target.closest("input, textarea, select, button, a, summary");
		if (e.altKey || e.ctrlKey || e.metaKey || typing)
			return;
		const here = this.slider.contains(e.target);
		if (e.key === " ")
			this.toggle();
		else if (by && (here || e.key === "ArrowLeft" || e.key === "ArrowRight"))
			this.seek(this.audio.currentTime + by);
		else if (here && e.key === "Home")
			this.seek(0);
		else if (here && e.key === "End")
			this.seek(this.duration);
		else
			return;
		e.preventDefault();
	}

	listen() {
		for (const name of ["play", "pause", "seeked", "ended", "ratechange", "timeupdate"])
			this.audio.addEventListener(name, () => this.run());
		this.audio.addEventListener("durationchange", () => {
			if (!this.duration && Number.isFinite(this.audio.duration))
				this.duration = this.wave.duration = this.audio.duration;
			this.update();
		});
		const at = (e) => {
			const r = this.slider.getBoundingClientRect();
			return (e.clientX - r.left) / r.width * this.duration;
		};
		this.slider.addEventListener("pointerdown", (e) => {
			if (e.button !== 0)
				return;
			this.slider.setPointerCapture(e.pointerId);
			this.seek(at(e));
		});
		this.slider.addEventListener("pointermove", (e) => {
			if (e.buttons & 1 && this.slider.hasPointerCapture(e.pointerId))
				this.seek(at(e));
		});
		if (!this.main)
			document.addEventListener("keydown", (e) => this.onKey(e));
		new ResizeObserver(() => this.update()).observe(this.slider);
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.update());
	}
}

// Where b is when a is at a moment; b begins late seconds after a.
export function placeBeside(at, late, duration) {
	const to = at - late;
	return { to: Math.min(Math.max(to, 0), duration), inside: to >= 0 && to < duration };
}

const DRIFT_S = 0.15;

// The other half of a call is heard with the first: it plays, stops, moves and
// is as fast as that one. Its own button and lane still work while that stands.
function follow(half, main) {
	const late = Number(half.box.dataset.late) || 0;
	const keep = () => {
		const { to, inside } = placeBeside(main.audio.currentTime, late, half.duration);
		const plays = !main.audio.paused && !main.audio.ended && inside;
		half.audio.playbackRate = main.audio.playbackRate;
		if (!plays || Math.abs(half.audio.currentTime - to) > DRIFT_S)
			half.audio.currentTime = to;
		if (plays && half.audio.paused)
			half.audio.play().catch(() => {});
		else if (!plays && !half.audio.paused)
			half.audio.pause();
	};
	for (const name of ["play", "pause", "seeked", "ended", "ratechange", "timeupdate"])
		main.audio.addEventListener(name, keep);
}

export async function startPlayer(box, main = null) {
	const player = new Player(box, main);
	const base = `/api/v1/recordings/${box.dataset.id}`;
	const [rec, peaks] = await Promise.all([
		fetch(base).then((r) => r.ok ? r.json() : null),
		fetch(`${base}/peaks?format=dat`).then((r) => r.ok ? r.arrayBuffer() : null),
	]).catch(() => [null, null]);
	if (main)
		follow(player, main);
	if (!rec || !peaks)
		return player; // the element's own controls stay
	player.rec = rec;
	player.build(parsePeaks(peaks));
	player.events();
	player.listen();
	player.update();
	return player;
}
