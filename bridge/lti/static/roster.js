"use strict";
// What is known of the course's roster, kept up to date while it is being read.

(() => {
  const roster = document.getElementById("roster");
  const text = (name) => roster.querySelector(`[data-text="${name}"]`);
  const button = document.getElementById("sync");

  function showTime() {
    const time = text("read");
    if (time.dateTime) time.textContent = new Date(time.dateTime).toLocaleString();
  }

  function show(state) {
    // Screen readers speak what changes here, so nothing is set that is the same.
    for (const name of ["people", "outcome"]) {
      if (text(name).textContent !== state[name]) text(name).textContent = state[name];
    }
    text("read").dateTime = state.read || "";
    text("read").textContent = state.read || "never";
    showTime();
    if (button) button.disabled = state.busy;
  }

  async function follow(pause) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    const headers = { Authorization: `Bearer ${roster.dataset.token}`, Accept: "application/json" };
    const answer = await fetch(roster.dataset.url, { headers, credentials: "omit", cache: "no-store" });
    if (!answer.ok) return;
    const state = await answer.json();
    show(state);
    if (state.busy) follow(Math.min(pause * 1.5, 10000));
  }

  showTime();
  if (roster.dataset.busy) follow(700);
})();
