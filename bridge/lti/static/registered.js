"use strict";
// The end of a registration: tell the platform's page that its window or frame can close.

(() => {
  const button = document.getElementById("close");
  button.hidden = false;
  button.addEventListener("click", () => {
    (window.opener || window.parent).postMessage({ subject: "org.imsglobal.lti.close" }, "*");
  });
  if (button.dataset.atOnce) button.click();
})();
