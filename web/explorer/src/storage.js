const kept = window.sessionStorage;
const historyKeys = new Set(['graphiql:queries', 'graphiql:favorites']);
let closed = false;

/**
 * Where GraphiQL keeps tabs and history. Queries and variables (dates of birth, PINs) go when the browser's tab is
 * closed or the learner signs out. Headers, which may hold a bearer token, are not kept at all: GraphiQL's own setting
 * forgets its history.
 */
export const storage = {
  get length() {
    return kept.length;
  },
  getItem: key => kept.getItem(key),
  setItem(key, value) {
    if (!closed) kept.setItem(key, historyKeys.has(key) ? withoutHeaders(value) : value);
  },
  removeItem: key => kept.removeItem(key),
  clear: () => kept.clear(),
  get closed() {
    return closed;
  },
  /** Forgets everything and keeps nothing more: GraphiQL writes up to half a second late, after the signing out too. */
  close() {
    closed = true;
    kept.clear();
  },
};

function withoutHeaders(history) {
  return JSON.stringify(JSON.parse(history), (key, value) => (key === 'headers' ? undefined : value));
}
