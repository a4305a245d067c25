/* What the pages do beyond plain HTML. Every page works without this file; it only adds comfort. */
"use strict";

/* The words of this file, in the language of the page. */
const say = document.body.dataset;
const paused = () => localStorage.getItem("live") === "paused";

/* A refresh stops in a hidden tab and when the reader paused it; it comes seldom while nobody touches the page or the server is
   away. It tells the server that nobody pressed anything. */
const IDLE = 5 * 60000, SELDOM = 30000;
let touched = Date.now(), refreshed = 0, away = false;
for (const sign of ["pointermove", "pointerdown", "keydown", "scroll", "visibilitychange"]) {
  document.addEventListener(sign, () => { touched = Date.now(); }, { passive: true });
}
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!event.detail.elt.matches("[data-live]")) return;
  const now = Date.now(), seldom = away || now - touched > IDLE;
  if (document.hidden || paused() || (seldom && now - refreshed < SELDOM)) event.preventDefault();
  else refreshed = now;
});
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.matches("[data-live]")) event.detail.headers["HX-Poll"] = "1";
});

/* Times in the reader's own zone and words. */
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const browsers = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (browsers && !document.cookie.split("; ").includes(`zone=${browsers}`)) {
  document.cookie = `zone=${browsers}; path=/; max-age=31536000; samesite=lax`;
}
function inZone(shape) {
  const all = { ...shape, hourCycle: "h23", timeZoneName: "longOffset" };
  try {
    return new Intl.DateTimeFormat(document.documentElement.lang, { ...all, timeZone: say.zone || browsers });
  } catch { /* a zone that this browser does not know yet */
    return new Intl.DateTimeFormat(document.documentElement.lang, all);
  }
}
const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const exact = inZone({ day: "numeric", month: "short", year: "numeric", ...clock });
function relative(seconds) {
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return words.format(Math.trunc(seconds / size), unit);
  }
  return words.format(Math.trunc(seconds / 5) * 5, "second");
}
function showTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime), seconds = (at - Date.now()) / 1000;
    time.title = exact.format(at);
    time.textContent = "exact" in time.dataset ? time.title : relative("coming" in time.dataset ? Math.max(0, seconds) : seconds);
  }
}
/* Who cannot point at a time touches it. */
document.addEventListener("click", (event) => {
  const time = event.target.closest("time[datetime]");
  if (!time || time.closest("a")) return;
  time.toggleAttribute("data-exact");
  showTimes();
});

/* The visible Live / Paused switch. */
function showSwitch() {
  for (const button of document.querySelectorAll("[data-live-switch]")) {
    button.hidden = false;
    button.setAttribute("aria-pressed", String(!paused()));
    button.querySelector("span").textContent = paused() ? say.sayPaused : say.sayLive;
    const use = button.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, paused() ? "#play" : "#pause"));
  }
}

/* A change of the health sentence is announced once, not at every refresh. */
let said = document.querySelector("[data-say]")?.dataset.say;
function announce() {
  const now = document.querySelector("[data-say]")?.dataset.say;
  if (now && now !== said) document.getElementById("announce").textContent = now;
  said = now;
}

/* The tab tells of trouble too. */
function showTrouble() {
  const facts = document.querySelector("[data-dead]")?.dataset;
  if (!facts) return;
  const title = document.title.replace(/^\([\d,.\s\u202f]+\) /, "");
  document.title = Number(facts.dead) ? `(${Number(facts.dead).toLocaleString(document.documentElement.lang)}) ${title}` : title;
  const icon = document.getElementById("favicon");
  const wanted = facts.trouble ? icon.dataset.trouble : icon.dataset.good;
  if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
}

/* What the reader unfolded stays unfolded when the part around it is renewed. */
const unfolded = new Set();
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("details[data-keep]")) unfolded[event.target.open ? "add" : "delete"](event.target.id);
}, true);

/* The number of ticked rows stands in the buttons that act on them. */
function countSelection(form) {
  const number = form.querySelectorAll("input[name=job]:checked").length;
  for (const button of form.querySelectorAll("[data-selection-label]")) {
    button.disabled = number === 0;
    const label = button.querySelector("span");
    button.dataset.none ??= label.textContent;
    label.textContent = number === 0 ? button.dataset.none : button.dataset.selectionLabel.replace("{n}", number);
  }
}

let lastSeen = new Date();
function connection(lost) {
  away = lost;
  const bar = document.getElementById("connection-lost");
  if (lost) document.getElementById("last-seen").textContent = inZone(clock).format(lastSeen);
  else lastSeen = new Date();
  bar.hidden = !lost;
}
document.addEventListener("htmx:sendError", () => connection(true));
document.addEventListener("htmx:responseError", (event) => connection(event.detail.xhr.status >= 500));
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) connection(false); });

function prepare(event) {
  showTimes();
  if (!say.zone && browsers) for (const name of document.querySelectorAll("[data-zone-name]")) name.textContent = browsers;
  showSwitch();
  announce();
  showTrouble();
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  event.target.querySelector("[data-focus]")?.focus();
  for (const box of document.querySelectorAll("[data-check-all], [data-print]")) box.hidden = false;
  document.querySelectorAll("[data-selection]").forEach(countSelection);
}
document.addEventListener("DOMContentLoaded", prepare);
document.addEventListener("htmx:afterSwap", prepare);
setInterval(showTimes, 5000);

async function copy(button) {
  const input = document.getElementById(button.dataset.copy);
  const label = button.querySelector("span");
  try {
    await navigator.clipboard.writeText(input.value);
  } catch { /* no clipboard on a plain HTTP address */
    input.focus();
    input.select();
    if (!document.execCommand("copy")) return void (document.getElementById("announce").textContent = say.sayPress);
  }
  label.textContent = say.sayCopied;
  document.getElementById("announce").textContent = say.sayCopied;
  setTimeout(() => { label.textContent = say.sayCopy; }, 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.copy) copy(button);
  if (button && "print" in button.dataset) window.print();
  if (button && "liveSwitch" in button.dataset) {
    localStorage.setItem("live", paused() ? "on" : "paused");
    showSwitch();
  }
});
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-selection]");
  if (!form) return;
  if ("checkAll" in event.target.dataset) {
    for (const box of form.querySelectorAll("input[name=job]")) box.checked = event.target.checked;
  }
  countSelection(form);
});

/* A field is checked when it is left, and says at once what is wrong with it. */
document.addEventListener("change", (event) => {
  const field = event.target, form = field.closest("[data-check]");
  const place = form && document.getElementById(`${field.name}-problem`);
  if (place) htmx.ajax("POST", form.dataset.check.replace("FIELD", field.name), { source: field, target: place, swap: "innerHTML" });
});
document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (!target.matches(".problem")) return;
  const field = document.getElementById(target.id.replace("-problem", ""));
  if (target.textContent.trim()) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
});

/* A form that acts is sent once, however often it is clicked; one with unsaved input warns before it is left. */
let unsaved = false;
document.addEventListener("input", (event) => { if (event.target.closest("[data-guard]")) unsaved = true; });
document.addEventListener("submit", (event) => {
  unsaved = false;
  if (!("once" in event.target.dataset)) return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
document.addEventListener("htmx:beforeRequest", (event) => { if (event.detail.elt.matches("[data-guard]")) unsaved = false; });
window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-sent]")) delete form.dataset.sent;
});
