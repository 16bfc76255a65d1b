"use strict";
// LTI Client Side postMessages and LTI Platform Storage: the platform's page keeps a value for us where the browser
// keeps no cookies inside other sites' frames. Used by login.js and launch.js.

const ltiStorage = (() => {
  const PATIENCE = 1000; // milliseconds for an answer

  const platform = window.parent === window ? window.opener : window.parent;

  function frame(name) {
    if (name === "_parent") return platform;
    try {
      return platform.frames[name] || platform;
    } catch {
      return platform; // another site's window has no frame of that name
    }
  }

  // Resolves with the answer, or with null: no answer in time, an error, or nobody to ask.
  function ask(message, to, origin) {
    return new Promise((resolve) => {
      if (!to) return resolve(null);
      const id = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join("-");
      const finish = (answer) => {
        window.removeEventListener("message", listen);
        clearTimeout(timer);
        resolve(answer);
      };
      const listen = (event) => {
        const answer = event.data;
        const right = origin === "*" ? event.source === to : event.origin === origin;
        if (!right || !answer || answer.message_id !== id || answer.subject !== `${message.subject}.response`) return;
        finish(answer.error ? null : answer);
      };
      const timer = setTimeout(finish, PATIENCE, null);
      window.addEventListener("message", listen);
      to.postMessage({ ...message, message_id: id }, origin);
    });
  }

  // Which frame takes a message, where the platform named none in the login request.
  async function discover(subject) {
    const answer = await ask({ subject: "lti.capabilities" }, platform, "*");
    const supported = answer && Array.isArray(answer.supported_messages) ? answer.supported_messages : [];
    const found = supported.find((each) => each && each.subject === subject);
    return found ? found.frame || "_parent" : null;
  }

  async function send(message, place) {
    const target = place.target || (await discover(message.subject));
    return target ? ask(message, frame(target), place.origin) : null;
  }

  return {
    // Whether the platform's page has taken the value.
    put: async (place, key, value) => (await send({ subject: "lti.put_data", key, value }, place)) !== null,
    // The value that the platform's page has kept, or an empty text.
    get: async (place, key) => {
      const answer = await send({ subject: "lti.get_data", key }, place);
      return answer && typeof answer.value === "string" ? answer.value : "";
    },
  };
})();
