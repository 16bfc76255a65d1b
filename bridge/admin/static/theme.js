// What a style sheet cannot do. Dark where the reader's system is: Bootstrap takes its colours from an attribute.
"use strict";

(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light";
  };
  dark.addEventListener("change", follow);
  follow();
  // On a phone the pages' names scroll in one line: begin with the present one.
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  });
})();
