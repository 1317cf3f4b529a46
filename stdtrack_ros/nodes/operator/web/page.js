// Copyright 2026 the stdtrack_ros authors
// SPDX-License-Identifier: Apache-2.0
//
// The operator's page: shows what the server sends, and sends what the operator asks.

import { boxBetween, fittedSize, fractionAt, isTap, readPicture, sparkline } from "./picture_geometry.js";

const SPAN_S = 10; // the line of quality
const ANSWER_S = 10; // an answer stays so long: later it would speak of a target that may be lost
const SILENT_S = 1.5; // the server speaks twice a second
const SLOW_LINK_MS = 600;
const CAMERA_SILENT_S = 1.0;
const ONE_COLUMN = "(max-width: 52rem) and (orientation: portrait), (max-width: 34rem)"; // as in page.css
const COLORS = { TRACKING: "#3cd25a", UNCERTAIN: "#ffbe00", LOST: "#ff5a4d" };
const DASHES = { TRACKING: [], UNCERTAIN: [10, 6], LOST: [3, 5] };
const WORDS = { TRACKING: "tracking", UNCERTAIN: "unsure", LOST: "lost" };

const $ = (id) => document.getElementById(id);
const now = () => performance.now() / 1000;
const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";

let socket = null;
let state = null; // the last state of the robot
let heardS = 0; // when the server spoke last
let refusedWords = ""; // why the server does not let this page in
let shown = null; // {stamp, bitmap, targets} that is on the screen
let frozen = null; // the same while a box is drawn
let press = null; // {client, fraction, pointerType} of a drag
let cursor = { x: 0.5, y: 0.5 }; // of the keyboard
let corner = null; // first corner by keyboard
let cursorShown = false;
let pending = null; // box that was sent and is not answered yet
let adding = false; // the next box starts another target
let selected = "";
let requests = 0;
let forgetting = 0; // timer of the last answer
const asked = new Map(); // request number -> what to do with its answer
const history = new Map(); // target id -> samples {t, value}
const spoken = new Map(); // target id -> status that was said
const rate = [];

// ---------------------------------------------------------------- the connection

function connect() {
  const url = new URL("socket", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  socket = new WebSocket(url, token ? ["stdtrack", `token.${token}`] : ["stdtrack"]);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    refusedWords = "";
    heardS = now();
    sendLook();
  };
  socket.onmessage = ({ data }) => {
    heardS = now();
    if (typeof data === "string") takeText(JSON.parse(data));
    else takePicture(readPicture(data));
  };
  socket.onclose = async () => {
    socket = null;
    for (const answer of asked.values()) answer({ accepted: false, message: "The connection broke." });
    asked.clear();
    refusedWords = await whyNot();
    renderAll();
    setTimeout(connect, 1000);
  };
}

async function whyNot() {
  try {
    const reply = await fetch("access", { headers: { Authorization: `Bearer ${token}` } });
    return (await reply.json()).message;
  } catch {
    return "";
  }
}

function send(message) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(message));
  return true;
}

function ask(message, answered) {
  requests += 1;
  asked.set(requests, answered);
  if (send({ ...message, request: requests })) return;
  asked.delete(requests);
  answered({ accepted: false, message: "There is no connection to the robot." });
}

function sendLook() {
  send({ type: "look", value: document.visibilityState === "visible" });
}

function takeText(message) {
  if (message.type === "state") takeState(message.state);
  else if (message.type === "notice") say(message.message);
  else if (message.type === "answer") {
    asked.get(message.request)?.(message);
    asked.delete(message.request);
  }
}

async function takePicture({ number, state: fresh, picture }) {
  takeState(fresh); // before the picture is unpacked: a newer state may come meanwhile
  try {
    const bitmap = await createImageBitmap(new Blob([picture]));
    shown?.bitmap !== frozen?.bitmap && shown?.bitmap.close();
    shown = { stamp: fresh.stamp, bitmap, targets: fresh.targets };
    rate.push(now());
    draw();
  } catch {
    say("A picture of the camera cannot be shown by this browser.");
  }
  send({ type: "shown", number });
}

function takeState(fresh) {
  state = fresh;
  for (const target of fresh.targets) {
    const samples = history.get(target.id) ?? [];
    samples.push({ t: now(), value: target.quality });
    while (samples.length && now() - samples[0].t > SPAN_S) samples.shift();
    history.set(target.id, samples);
  }
  if (shown && !fresh.stamp) shown.targets = fresh.targets;
  renderAll();
}

// ---------------------------------------------------------------- the picture

function layout() {
  const picture = frozen ?? shown;
  if (!picture) return;
  const room = $("picture-room").getBoundingClientRect();
  const above = room.top + window.scrollY;
  const below = $("picture-help").offsetHeight + 24;
  const free = window.matchMedia(ONE_COLUMN).matches ? 0.6 * window.innerHeight : window.innerHeight - above - below;
  const height = Math.max(free, 160);
  const size = fittedSize(picture.bitmap, { width: room.width, height });
  $("picture").style.width = `${size.width}px`;
  $("picture").style.height = `${size.height}px`;
}

function fitCanvas(canvas) {
  const scale = window.devicePixelRatio || 1;
  const rect = $("picture").getBoundingClientRect();
  const width = Math.max(Math.round(rect.width * scale), 1);
  const height = Math.max(Math.round(rect.height * scale), 1);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  return { context: canvas.getContext("2d"), scale };
}

function draw() {
  const picture = frozen ?? shown;
  if (!picture) return;
  $("placeholder").hidden = true;
  layout();
  const { context } = fitCanvas($("camera"));
  context.drawImage(picture.bitmap, 0, 0, $("camera").width, $("camera").height);
  drawOverlay();
}

function drawOverlay() {
  const picture = frozen ?? shown;
  if (!picture) return;
  const { context, scale } = fitCanvas($("overlay"));
  const { width, height } = $("overlay");
  context.clearRect(0, 0, width, height);
  for (const target of picture.targets) if (target.box) drawTarget(context, scale, target);
  const drawn = pending ?? drawnBox();
  if (drawn) strokeBox(context, scale, [drawn.x, drawn.y, drawn.width, drawn.height], "#ffffff", [6, 4], "");
  if (cursorShown) drawCursor(context, scale);
  $("frozen").hidden = !frozen;
}

/** The quality to show: of a target that is lost, a number would speak of a place that is not confirmed yet. */
function shownQuality(target) {
  return target.status === "LOST" ? null : target.quality;
}

function drawTarget(context, scale, target) {
  const quality = shownQuality(target);
  const percent = quality === null ? "" : ` ${Math.round(100 * quality)} %`;
  const words = `${target.id} ${target.status}${percent}`;
  strokeBox(context, scale, target.box, COLORS[target.status], DASHES[target.status], words);
}

/** A box in a colour over a wide dark line, so that it shows on any ground; words on a plate above it. */
function strokeBox(context, scale, [x, y, w, h], color, dashes, words) {
  const { width, height } = context.canvas;
  const corners = [x * width, y * height, w * width, h * height];
  context.setLineDash([]);
  context.lineWidth = 5 * scale;
  context.strokeStyle = "rgb(0 0 0 / 70%)";
  context.strokeRect(...corners);
  context.setLineDash(dashes.map((length) => length * scale));
  context.lineWidth = 2.5 * scale;
  context.strokeStyle = color;
  context.strokeRect(...corners);
  if (!words) return;
  context.font = `600 ${14 * scale}px system-ui, sans-serif`;
  const plate = { width: context.measureText(words).width + 10 * scale, height: 20 * scale };
  const left = Math.min(Math.max(corners[0], 0), Math.max(width - plate.width, 0));
  const above = corners[1] - plate.height - 3 * scale;
  const top = above >= 0 ? above : Math.min(Math.max(corners[1] + corners[3] + 3 * scale, 0), height - plate.height);
  context.fillStyle = "#000000";
  context.fillRect(left, top, plate.width, plate.height);
  context.fillStyle = color;
  context.fillText(words, left + 5 * scale, top + 15 * scale);
}

function drawCursor(context, scale) {
  const { width, height } = context.canvas;
  for (const [lineWidth, color] of [[5, "#000000"], [2, "#ffffff"]]) {
    context.setLineDash([]);
    context.lineWidth = lineWidth * scale;
    context.strokeStyle = color;
    context.beginPath();
    context.moveTo(cursor.x * width, 0);
    context.lineTo(cursor.x * width, height);
    context.moveTo(0, cursor.y * height);
    context.lineTo(width, cursor.y * height);
    context.stroke();
  }
}

// ---------------------------------------------------------------- pointing

const place = (event) => ({ x: event.clientX, y: event.clientY });
const rectOfPicture = () => $("picture").getBoundingClientRect();

function drawnBox() {
  if (press) return boxBetween(press.fraction, press.end);
  if (corner) return boxBetween(corner, cursor);
  return null;
}

function mayPoint() {
  if (!state || !shown) return false;
  if (state.control === "you") return true;
  say(state.control === "other" ? "You are watching: take control first." : "Nobody has control: take it first.");
  return false;
}

function freeze() {
  if (frozen) return;
  frozen = shown;
  send({ type: "hold", stamp: frozen.stamp }); // the robot keeps this image, however long the drawing takes
}

function unfreeze() {
  if (frozen) send({ type: "hold", stamp: "0" });
  if (frozen && frozen.bitmap !== shown?.bitmap) frozen.bitmap.close();
  press = corner = pending = frozen = null;
  draw();
}

$("picture").addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || press || pending || !mayPoint()) return;
  $("picture").setPointerCapture(event.pointerId);
  freeze();
  cursorShown = false;
  corner = null;
  const rect = rectOfPicture(); // for the whole drag, whatever the page does meanwhile
  const fraction = fractionAt(rect, place(event));
  press = { id: event.pointerId, rect, client: place(event), fraction, end: fraction, pointerType: event.pointerType };
  draw();
});

$("picture").addEventListener("pointermove", (event) => {
  if (press?.id !== event.pointerId) return;
  press.end = fractionAt(press.rect, place(event));
  drawOverlay();
});

$("picture").addEventListener("pointerup", (event) => {
  if (press?.id !== event.pointerId) return;
  const { client, fraction, pointerType, rect } = press;
  const end = fractionAt(rect, place(event));
  press = null;
  if (isTap(client, place(event), pointerType)) start({ ...fraction, width: 0, height: 0 });
  else start(boxBetween(fraction, end));
});

$("picture").addEventListener("pointercancel", () => press && unfreeze());

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

$("picture").addEventListener("keydown", (event) => {
  if (event.key in STEPS) {
    const step = event.shiftKey ? 0.05 : 0.005;
    const [dx, dy] = STEPS[event.key];
    cursor.x = Math.min(Math.max(cursor.x + dx * step, 0), 1);
    cursor.y = Math.min(Math.max(cursor.y + dy * step, 0), 1);
    cursorShown = true;
    $("spoken").textContent = `${Math.round(100 * cursor.x)} % across, ${Math.round(100 * cursor.y)} % down`;
  } else if (event.key === "Enter" && !pending && mayPoint()) {
    freeze();
    start(corner ? boxBetween(corner, cursor) : { ...cursor, width: 0, height: 0 });
  } else if (event.key === " " && !pending && mayPoint()) {
    if (corner) {
      start(boxBetween(corner, cursor));
    } else {
      freeze();
      corner = { ...cursor };
      cursorShown = true;
      $("spoken").textContent = "First corner set; move the cross and press Space again.";
    }
  } else if (event.key === "Escape") {
    cursorShown = false;
    unfreeze();
  } else return;
  event.preventDefault();
  drawOverlay();
});

function start(box) {
  const id = adding ? freeId() : selected || "target-1";
  pending = box;
  corner = null;
  say("Starting …");
  ask({ type: "start", stamp: frozen.stamp, target_id: id, ...box }, (answer) => {
    say(answer.message);
    if (answer.accepted) {
      adding = false;
      selected = answer.target_id;
    }
    unfreeze();
    renderAll();
  });
  drawOverlay();
}

function freeId() {
  const taken = new Set(state.targets.map((target) => target.id));
  let number = 1;
  while (taken.has(`target-${number}`)) number += 1;
  return `target-${number}`;
}

// ---------------------------------------------------------------- words and figures

function say(words) {
  $("answer").textContent = words;
  clearTimeout(forgetting);
  forgetting = setTimeout(() => ($("answer").textContent = ""), ANSWER_S * 1000);
}

function renderAll() {
  renderBanners();
  renderControl();
  renderTargets();
  renderFigures();
}

function banners() {
  if (refusedWords) return [refusedWords];
  const silentS = now() - heardS;
  if (!socket || socket.readyState !== WebSocket.OPEN) return ["No connection to the robot. Trying again …"];
  if (silentS > SILENT_S) return [`Nothing has come from the robot for ${Math.round(silentS)} s: the link is slow or gone.`];
  if (!state) return [];
  const found = [];
  const { camera, tracker, link } = state;
  if (!tracker.present) found.push(`The tracker ${tracker.name} is not running.`);
  if (camera.silent_s > CAMERA_SILENT_S) {
    const seconds = Math.round(camera.silent_s);
    found.push(`The camera is silent: no image on ${camera.topic} for ${seconds} s.`);
  }
  if (link.round_trip_ms > SLOW_LINK_MS) {
    found.push(`The link is slow: a picture takes ${(link.round_trip_ms / 1000).toFixed(1)} s. Others are skipped.`);
  }
  if (tracker.present && !tracker.enabled) found.push("Tracking is paused.");
  return found;
}

/** Whether the picture on the screen is not what the camera sees now. */
function isOld() {
  const silent = state !== null && state.camera.silent_s > CAMERA_SILENT_S;
  return shown !== null && (socket?.readyState !== WebSocket.OPEN || now() - heardS > SILENT_S || silent);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text; // a screen reader repeats what is set again
}

function renderBanners() {
  const wanted = banners();
  const box = $("banners");
  while (box.children.length > wanted.length) box.lastChild.remove();
  while (box.children.length < wanted.length) box.append(document.createElement("p"));
  wanted.forEach((words, index) => setText(box.children[index], words));
  $("picture").classList.toggle("old", isOld());
  $("old").hidden = !isOld();
}

function renderControl() {
  const control = socket?.readyState === WebSocket.OPEN ? state?.control : undefined;
  const words = { you: "You have control", other: "Watching", free: "Nobody has control" };
  const viewers = (state?.viewers ?? 1) > 1 ? ` · ${state.viewers} pages` : "";
  setText($("control"), control ? words[control] + viewers : "Not connected");
  $("take-control").hidden = !control || control === "you";
  for (const id of ["add", "enable", "stop-all"]) $(id).disabled = control !== "you";
  $("add").setAttribute("aria-pressed", String(adding));
  setText($("enable"), state?.tracker.enabled === false ? "Resume tracking" : "Pause tracking");
  setText($("tracker-name"), state?.tracker.name ?? "");
}

function renderTargets() {
  const targets = state?.targets ?? [];
  const ids = new Set(targets.map((target) => target.id));
  if (!ids.has(selected)) selected = targets[0]?.id ?? "";
  for (const card of document.querySelectorAll(".target")) if (!ids.has(card.dataset.id)) card.remove();
  for (const id of [...spoken.keys()]) if (!ids.has(id)) spoken.delete(id);
  for (const id of [...history.keys()]) if (!ids.has(id)) history.delete(id);
  $("no-target").hidden = targets.length > 0;
  for (const target of targets) renderTarget(target);
}

function newCard(id) {
  const card = $("target-card").content.firstElementChild.cloneNode(true);
  card.dataset.id = id;
  card.querySelector(".id").textContent = id;
  card.querySelector("input").onchange = () => {
    selected = id;
    adding = false;
    renderControl();
  };
  card.querySelector("button").setAttribute("aria-label", `Stop ${id}`);
  card.querySelector("button").onclick = () => ask({ type: "stop", target_id: id }, (answer) => say(answer.message));
  card.querySelector("meter").setAttribute("aria-label", `Quality of ${id}`);
  $("targets").append(card);
  return card;
}

function renderTarget(target) {
  const card = document.querySelector(`.target[data-id="${CSS.escape(target.id)}"]`) ?? newCard(target.id);
  card.dataset.status = target.status;
  card.querySelector("input").checked = !adding && target.id === selected;
  card.querySelector(".stop").disabled = state.control !== "you";
  setText(card.querySelector(".status"), target.status);
  const quality = shownQuality(target);
  card.querySelector("meter").value = quality ?? 0;
  const percent = quality === null ? "not known" : `${Math.round(100 * quality)} % sure`;
  setText(card.querySelector(".percent"), percent);
  const unseen = target.unseen_s > 0 ? ` · not seen for ${target.unseen_s.toFixed(1)} s` : "";
  const details = `latency ${Math.round(target.latency_ms)} ms · dropped ${target.dropped}${unseen}`;
  setText(card.querySelector(".details"), details);
  drawLine(card.querySelector(".line"), target.id);
  if (spoken.get(target.id) !== target.status) {
    spoken.set(target.id, target.status);
    $("spoken").textContent = `${target.id} ${WORDS[target.status] ?? target.status}`;
  }
}

function drawLine(svg, id) {
  svg.setAttribute("aria-label", `Quality of ${id} in the last ${SPAN_S} s`);
  const parts = sparkline(history.get(id) ?? [], now(), SPAN_S, 200, 36);
  svg.replaceChildren(
    ...parts.map((points) => {
      const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
      line.setAttribute("points", points);
      return line;
    }),
  );
}

function renderFigures() {
  while (rate.length && now() - rate[0] > 2) rate.shift();
  const hertz = (value) => (value === null || value === undefined ? "–" : `${value.toFixed(1)} Hz`);
  const figures = state && {
    "camera → tracker": `${hertz(state.tracker.rate_in_hz)} → ${hertz(state.tracker.rate_out_hz)}`,
    "latency p95": state.tracker.latency_p95_ms === null ? "–" : `${Math.round(state.tracker.latency_p95_ms)} ms`,
    "dropped by tracker": state.tracker.dropped ?? "–",
    "this page": `${(rate.length / 2).toFixed(1)} Hz, ${state.link.skipped} skipped`,
    "link": `${state.link.round_trip_ms} ms there and back`,
  };
  for (const [name, value] of Object.entries(figures ?? {})) {
    const id = `figure-${name.replace(/\W+/g, "-")}`;
    if (!$(id)) {
      const term = document.createElement("dt");
      const figure = document.createElement("dd");
      term.textContent = name;
      figure.id = id;
      $("figures").append(term, figure);
    }
    setText($(id), String(value));
  }
  const refusal = state?.tracker.refusal;
  setText($("refusal"), refusal && refusal !== "none" ? `Last refusal: ${refusal}` : "");
}

// ---------------------------------------------------------------- buttons

$("add").onclick = () => {
  adding = !adding;
  say(adding ? "Now drag a box around the new target, or tap on it." : "");
  renderAll();
};
$("enable").onclick = () => ask({ type: "enable", value: !state.tracker.enabled }, (answer) => say(answer.message));
$("stop-all").onclick = () => ask({ type: "stop_all" }, (answer) => say(answer.message));

function takeControl(confirmed) {
  ask({ type: "control", confirmed }, (answer) => {
    if (answer.accepted || confirmed) say(answer.message);
    else $("takeover").showModal();
  });
}
$("take-control").onclick = () => takeControl(false);
$("takeover-no").onclick = () => $("takeover").close();
$("takeover-yes").onclick = () => {
  $("takeover").close();
  takeControl(true);
};

const THEMES = ["auto", "day", "night"];
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function setTheme(name) {
  localStorage.setItem("theme", name);
  document.documentElement.dataset.theme = name === "auto" ? (dark.matches ? "night" : "day") : name;
  $("theme").textContent = `Light: ${name}`;
}
$("theme").onclick = () => setTheme(THEMES[(THEMES.indexOf(localStorage.getItem("theme")) + 1) % THEMES.length]);
dark.onchange = () => setTheme(localStorage.getItem("theme"));
setTheme(localStorage.getItem("theme") ?? "auto");

document.addEventListener("visibilitychange", sendLook);
window.addEventListener("resize", draw);
setInterval(renderAll, 500);
connect();
