// Tells how far the reading of a roster has come, where scripts run; without them the page has a link that does.
"use strict";

(() => {
  const place = document.querySelector("[data-progress]");
  if (!place) return;
  const words = place.querySelector("[data-sentence]");
  const bar = place.querySelector("[data-busy]");
  let failures = 0;

  const look = async () => {
    try {
      const answer = await fetch(place.dataset.progress, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error("no answer");
      const state = await answer.json();
      failures = 0;
      if (words.textContent !== state.sentence) words.textContent = state.sentence;
      if (state.busy) {
        setTimeout(look, 1000);
      } else {
        bar.hidden = true;
        place.querySelector("[data-done]").hidden = false;
      }
    } catch {
      failures += 1;
      if (failures < 5) setTimeout(look, 3000);
      else words.textContent = "The bridge does not answer: load the page again.";
    }
  };

  setTimeout(look, 700);
})();
