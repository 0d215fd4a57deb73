// Everything that goes over the wire: calls, problems in words, and event streams over fetch (so
// that they carry the API key too).

const KEY = 'hyperstream.key';
let csrf = null;
let asking = null;
let declined = false;
let askForKey = () => Promise.resolve(null);
let accepted = () => {};
let aged = () => {};

/** The dashboard lies beside the API, under whatever prefix a proxy gives both. */
const BESIDE = '../';

/** What went wrong, in words a person can act on. `status` is 0 when nothing answered. */
export class Problem extends Error {
  constructor({title, detail, status = 0, errors = []}) {
    super(detail || title);
    this.title = title;
    this.status = status;
    this.errors = errors;
  }
}

const UNREACHABLE = {
  title: 'The application does not answer',
  detail: 'It may be starting again, or the network is away. What you entered is still here.',
};

/** `prompt` asks a person for a key; `admitted` hears that a new one was accepted; `ageing`, with each
    answer, why it may be old, or null. */
export function configure({token, prompt, admitted, ageing}) {
  if (token !== undefined) csrf = token;
  if (prompt) askForKey = prompt;
  if (admitted) accepted = admitted;
  if (ageing) aged = ageing;
}

function storedKey() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Asks once, however many calls were refused at the same time; not again by itself after a no. */
function newKey(refused, insist) {
  if (declined && !insist) return Promise.resolve(null);
  asking ??= askForKey(refused)
    .then((key) => {
      if (key) sessionStorage.setItem(KEY, key);
      declined = !key;
      return key;
    })
    .finally(() => (asking = null));
  return asking;
}

/** Asks for a key because a person wants to give one. */
export function enterKey() {
  return newKey(false, true);
}

function headers(extra) {
  const all = {...extra};
  const key = storedKey();
  if (key) all.Authorization = `Bearer ${key}`;
  if (csrf) all['X-CSRF-Token'] = csrf;
  return all;
}

async function problemOf(response) {
  let body = {};
  try {
    body = await response.json();
  } catch {
    // a proxy's page, or nothing; the status has to do
  }
  const said = body.detail || body.message;
  const byStatus = {
    403: 'Your key may not do this. Ask for one with a higher role.',
    404: 'There is nothing under this name (any more).',
    413: 'That is larger than the application accepts. Send less at once.',
    429: 'Too many calls. Wait a moment, then try again.',
    503: 'The application is not ready yet. The overview says what it waits for.',
  };
  return new Problem({
    title: body.title || response.statusText || `Status ${response.status}`,
    detail: said || byStatus[response.status] || `The application answered with status ${response.status}.`,
    status: response.status,
    errors: Array.isArray(body.errors) ? body.errors : [],
  });
}

async function send(method, path, body, signal, accept) {
  for (let fresh = false; ; fresh = true) {
    const used = storedKey();
    let response;
    try {
      response = await fetch(BESIDE + path, {
        method,
        signal,
        cache: 'no-store',
        headers: headers({Accept: accept, ...(body === undefined ? {} : {'Content-Type': 'application/json'})}),
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new Problem(UNREACHABLE);
    }
    if (response.ok) {
      if (fresh) accepted();
      if (method === 'GET') aged(response.headers.get('Hyperstream-Stale'));
      return response;
    }
    const problem = await problemOf(response);
    if (response.status !== 401) throw problem;
    // Another call may have brought a key meanwhile.
    if (storedKey() === used && !(await newKey(Boolean(used), method !== 'GET'))) throw problem;
  }
}

async function call(method, path, body, signal) {
  const response = await send(method, path, body, signal, 'application/json, application/problem+json');
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

export const api = {
  get: (path, signal) => call('GET', path, undefined, signal),
  post: (path, body, signal) => call('POST', path, body, signal),
  put: (path, body, signal) => call('PUT', path, body, signal),
  delete: (path, signal) => call('DELETE', path, undefined, signal),
};

/** The path of a task's resource; ids may hold dots, so every part is encoded. */
export function taskPath(taskId, rest = '') {
  return `api/tasks/${encodeURIComponent(taskId)}${rest}`;
}

/** Splits a stream of text into server-sent events; one parser per connection. */
export function eventParser(deliver) {
  let rest = '';
  let name = '';
  let data = [];
  return (chunk) => {
    const lines = (rest + chunk).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') {
        if (data.length) deliver(name || 'message', data.join('\n'));
        name = '';
        data = [];
      } else if (!line.startsWith(':')) {
        const colon = line.indexOf(':');
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (field === 'event') name = value;
        if (field === 'data') data.push(value);
      }
    }
  };
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15000;

/**
 * Follows an event stream until the signal aborts; reconnects with growing pauses. `on` maps an
 * event's name to what takes its data; `state` hears {phase: 'open'|'waiting', retryAt, problem}.
 * `silence` (ms) counts a stream that says nothing for so long as lost. Returns {retry}: try now.
 */
export function follow(path, {on, state = () => {}, signal, silence = 0}) {
  let wait = FIRST_WAIT;
  let wake = () => {};
  const pause = (time) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener('abort', wake, {once: true});
    });
  const parse = () =>
    eventParser((name, data) => {
      if (!on[name]) return;
      on[name](JSON.parse(data));
    });

  async function connection() {
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    let watch = 0;
    const alive = () => {
      clearTimeout(watch);
      if (silence) watch = setTimeout(stop, silence);
    };
    signal.addEventListener('abort', stop, {once: true});
    try {
      alive();
      const response = await send('GET', path, undefined, attempt.signal, 'text/event-stream');
      state({phase: 'open'});
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const feed = parse();
      for (;;) {
        const {value, done} = await reader.read();
        if (done || signal.aborted) return;
        wait = FIRST_WAIT;
        alive();
        feed(value);
      }
    } finally {
      clearTimeout(watch);
      signal.removeEventListener('abort', stop);
      attempt.abort();
    }
  }

  (async () => {
    while (!signal.aborted) {
      let problem = new Problem(UNREACHABLE);
      try {
        await connection();
      } catch (error) {
        if (error instanceof Problem) problem = error;
      }
      if (signal.aborted) return;
      const time = wait * (0.8 + 0.4 * Math.random());
      wait = Math.min(LONGEST_WAIT, wait * 2);
      state({phase: 'waiting', retryAt: Date.now() + time, problem});
      await pause(time);
    }
  })();
  return {retry: () => wake()};
}
