// Draws peaks in audiowaveform's binary format, version 2, one lane a channel.

export function parsePeaks(buffer) {
	const v = new DataView(buffer);
	if (buffer.byteLength < 24 || v.getInt32(0, true) !== 2)
		throw new Error("not waveform data");
	const bytes = v.getUint32(4, true) & 1 ? 1 : 2;
	const channels = v.getInt32(20, true);
	const length = v.getUint32(16, true);
	const data = bytes === 1 ? new Int8Array(buffer, 24) : new Int16Array(buffer, 24);
	if (channels < 1 || data.length < length * channels * 2)
		throw new Error("waveform data is cut off");
	return {
		channels,
		length,
		data,
		full: bytes === 1 ? 128 : 32768,
		seconds: length * v.getInt32(12, true) / v.getInt32(8, true),
	};
}

// Loudest sample of a lane; quiet calls are drawn larger, silence stays flat.
function loudest(peaks, channel) {
	let top = peaks.full / 16;
	for (let i = 0; i < peaks.length; i++) {
		const at = (i * peaks.channels + channel) * 2;
		top = Math.max(top, -peaks.data[at], peaks.data[at + 1]);
	}
	return top;
}

// Events as what is drawn: spans of [from, to] while any stream is on hold or
// the recording is paused, and marks for everything else; in seconds.
export function heldSpans(events, duration) {
	const spans = [], marks = [], held = new Set();
	let from = 0;

	for (const ev of events) {
		const at = Math.min(Math.max(ev.offset_s, 0), duration);
		const what = ev.kind === "pause" || ev.kind === "unpause" ? "pause" : ev.stream;
		if (ev.kind === "hold" || ev.kind === "pause") {
			from = held.size === 0 ? at : from;
			held.add(what);
		} else if (ev.kind !== "resume" && ev.kind !== "unpause") {
			marks.push(at);
		} else if (held.delete(what) && held.size === 0) {
			spans.push([from, at]);
		}
	}
	if (held.size > 0)
		spans.push([from, duration]);
	return { spans, marks };
}

// Room above a lane for the name of its party, in CSS pixels.
const HEAD = 18;

export class Waveform {
	constructor(canvas, peaks, duration) {
		this.canvas = canvas;
		this.peaks = peaks;
		this.duration = duration;
		this.holds = [];
		this.marks = [];
		this.scale = [];
		for (let c = 0; c < peaks.channels; c++)
			this.scale.push(loudest(peaks, c));
	}

	colours() {
		const css = getComputedStyle(this.canvas);
		const get = (name) => css.getPropertyValue(name).trim();
		return {
			parties: [get("--party0"), get("--party1")],
			rest: get("--wave-rest"),
			hold: get("--hold"),
			line: get("--line"),
			ink: get("--ink"),
			mark: get("--warn"),
		};
	}

	// Highest and lowest value of a lane between two columns of the picture.
	span(channel, from, to) {
		const p = this.peaks;
		let lo = 0, hi = 0;
		for (let i = from; i < Math.max(to, from + 1) && i < p.length; i++) {
			const at = (i * p.channels + channel) * 2;
			lo = Math.min(lo, p.data[at]);
			hi = Math.max(hi, p.data[at + 1]);
		}
		return [lo / this.scale[channel], hi / this.scale[channel]];
	}

	draw(time) {
		const ratio = window.devicePixelRatio || 1;
		const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
		if (width === 0)
			return;
		if (this.canvas.width !== Math.round(width * ratio) ||
		    this.canvas.height !== Math.round(height * ratio)) {
			this.canvas.width = Math.round(width * ratio);
			this.canvas.height = Math.round(height * ratio);
		}
		const g = this.canvas.getContext("2d");
		const c = this.colours();
		g.setTransform(ratio, 0, 0, ratio, 0, 0);
		g.clearRect(0, 0, width, height);
		this.drawHolds(g, c, width, height);
		const lanes = this.peaks.channels;
		for (let lane = 0; lane < lanes; lane++)
			this.drawLane(g, c, lane, lane * height / lanes, height / lanes, width, time);
		this.drawMarks(g, c, width, height);
		const x = this.x(time, width);
		g.fillStyle = c.ink;
		g.fillRect(Math.min(x, width - 2), 0, 2, height);
	}

	x(time, width) {
		return this.duration > 0 ? time / this.duration * width : 0;
	}

	drawHolds(g, c, width, height) {
		g.fillStyle = c.hold;
		for (const [from, to] of this.holds) {
			const x = this.x(from, width);
			g.fillRect(x, 0, Math.max(this.x(to, width) - x, 1), height);
		}
	}

	drawLane(g, c, lane, top, height, width, time) {
		const bar = 3, gap = 1, half = (height - HEAD) / 2;
		const middle = top + HEAD + half;
		const perBar = this.duration * this.peaks.length / this.peaks.seconds / width * (bar + gap);
		const played = this.x(time, width);
		g.fillStyle = c.line;
		g.fillRect(0, middle - 0.5, width, 1);
		for (let i = 0; i * (bar + gap) < width; i++) {
			const x = i * (bar + gap);
			const [lo, hi] = this.span(lane, Math.floor(i * perBar), Math.floor((i + 1) * perBar));
			const up = Math.max(hi * (half - 1), 0.75);
			const down = Math.max(-lo * (half - 1), 0.75);
			g.fillStyle = x < played ? c.parties[lane % 2] : c.rest;
			g.fillRect(x, middle - up, bar, up + down);
		}
	}

	drawMarks(g, c, width, height) {
		g.fillStyle = c.mark;
		for (const at of this.marks) {
			const x = this.x(at, width);
			g.beginPath();
			g.moveTo(x - 5, 0);
			g.lineTo(x + 5, 0);
			g.lineTo(x, 7);
			g.fill();
			g.fillRect(x - 0.5, 0, 1, height);
		}
	}
}
