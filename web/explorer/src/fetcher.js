import { getOperationAST } from 'graphql';

export const apiHeaders = {
  'Content-Type': 'application/json',
  Accept: 'application/graphql-response+json, application/json',
  'X-Requested-By': 'learner-web',
};

// The session bar listens for it: an answer that says the session is gone.
export const sessionDoubted = 'openplr:session-doubted';

const sessionCodes = new Set(['UNAUTHENTICATED', 'SESSION_EXPIRED']);

/** GraphiQL's fetcher: a promise for queries and mutations, an observable for subscriptions (server-sent events). */
export function fetcher(params, options = {}) {
  const operation = options.documentAST && getOperationAST(options.documentAST, params.operationName);
  return operation?.operation === 'subscription' ? subscribe(params, options) : post(params, options).then(readResult);
}

function post(params, options, extraHeaders = {}, signal) {
  const headers = new Headers({ ...apiHeaders, ...extraHeaders });
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
  return fetch('/graphql', {
    method: 'POST',
    headers,
    body: JSON.stringify(params),
    // A request with both a bearer token and the session cookie is refused, so a token typed by hand stands alone.
    credentials: headers.has('Authorization') ? 'omit' : 'same-origin',
    signal,
  });
}

async function readResult(response) {
  const text = await response.text();
  let result;
  try {
    result = JSON.parse(text);
  } catch {
    return { errors: [{ message: `HTTP ${response.status}: the answer is not JSON. ${text.slice(0, 300)}` }] };
  }
  noteSession(result);
  return result;
}

function noteSession(result) {
  if (result?.errors?.some(error => sessionCodes.has(error.extensions?.code))) {
    window.dispatchEvent(new Event(sessionDoubted));
  }
}

function subscribe(params, options) {
  return {
    subscribe(sink) {
      const controller = new AbortController();
      const accept = { Accept: `text/event-stream, ${apiHeaders.Accept}` };
      post(params, options, accept, controller.signal)
        .then(async response => {
          if (response.headers.get('Content-Type')?.startsWith('text/event-stream')) {
            await readEvents(response.body, result => {
              noteSession(result);
              sink.next(result);
            });
          } else {
            sink.next(await readResult(response));
          }
          sink.complete();
        })
        .catch(error => {
          if (!controller.signal.aborted) sink.error(error);
        });
      return { unsubscribe: () => controller.abort() };
    },
  };
}

/** Reads `next` events until `complete` (graphql-sse, distinct connections) or the end of the stream. */
async function readEvents(body, onNext) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    // A carriage return at the end of a chunk may be half of a line end: it waits for the next chunk.
    const text = rest + value;
    const whole = text.endsWith('\r') ? text.slice(0, -1) : text;
    const events = whole.replace(/\r\n?/g, '\n').split('\n\n');
    rest = events.pop() + text.slice(whole.length);
    for (const event of events) {
      const { name, data } = parseEvent(event);
      if (name === 'next' && data) onNext(JSON.parse(data));
      if (name === 'complete') return reader.cancel();
    }
  }
}

function parseEvent(text) {
  let name = 'message';
  const data = [];
  for (const line of text.split('\n')) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === 'event') name = value;
    if (field === 'data') data.push(value);
  }
  return { name, data: data.join('\n') };
}
