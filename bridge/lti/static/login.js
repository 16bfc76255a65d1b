"use strict";
// Before the browser goes back to the platform: have the login's secret kept, in a cookie (the server has set it) or
// by the platform's page. Where neither works, offer a window of its own, in which cookies do.

(async () => {
  const login = document.getElementById("login");
  const { key, value, target, origin, attributes, stateOnly } = login.dataset;

  function cookiesWork() {
    try {
      document.cookie = `lti-probe=1; Path=/; Max-Age=60; ${attributes}`;
      return document.cookie.split("; ").includes("lti-probe=1");
    } catch {
      return false; // a sandboxed frame
    }
  }

  const cookies = cookiesWork();
  const kept = (target || !cookies) && (await ltiStorage.put({ target, origin }, key, value));
  if (cookies || kept || stateOnly) {
    window.location.replace(document.getElementById("continue").href);
  } else {
    login.hidden = true;
    const blocked = document.getElementById("blocked");
    blocked.hidden = false;
    blocked.focus();
  }
})();
