// The start page: asks who is signed in, where, and for how long. The page itself is the same for everyone, and its
// links work without this.
(() => {
  'use strict';

  const warnBefore = 2 * 60 * 1000; // milliseconds before a session ends for want of a sign of life (WCAG 2.2.1)
  const element = id => document.getElementById(id);
  const show = (id, shown) => { const e = element(id); if (e && e.hidden === shown) e.hidden = !shown; };
  let timer;

  async function call(method, address, body) {
    const answer = await fetch(address, {
      method,
      headers: { Accept: 'application/json', ...(body && { 'Content-Type': 'application/json', 'X-Requested-By': 'learner-web' }) },
      body,
    });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return { body: await answer.json(), now: Date.parse(answer.headers.get('Date')) || Date.now() };
  }

  function shown(status) {
    const signedIn = status?.body.authenticated === true;
    show('signed-out', !signedIn);
    show('signed-in', signedIn);
    show('account', signedIn);
    show('not-connected', signedIn && status.body.identity?.status !== 'bound');
    clearTimeout(timer);
    const session = signedIn ? status.body.session : null;
    // By the server's clock: this one may be wrong.
    const left = session ? Date.parse(session.idleExpiresAt) - status.now : NaN;
    const last = session?.idleExpiresAt === session?.absoluteExpiresAt; // it cannot be made longer
    show('ending', left <= warnBefore);
    show('ending-for-good', last);
    show('stay', !last);
    // Other tabs may have made it longer by then: what is true is asked again. The server tells whole seconds.
    if (session) timer = setTimeout(ask, Math.max(left > warnBefore ? left - warnBefore : left, 1000));
  }

  async function ask() {
    try {
      const status = await call('GET', '/auth/session');
      shown(status);
      if (status.body.authenticated) await list();
    } catch {
      shown(null); // not known: the link to sign in stays
    }
  }

  async function list() {
    const places = element('sessions');
    try {
      const { body } = await call('GET', '/auth/sessions');
      const { lang } = document.documentElement;
      const form = new Intl.DateTimeFormat(lang === 'en' ? 'en-GB' : lang, { dateStyle: 'long', timeStyle: 'short' });
      places.replaceChildren(...body.sessions.map(s => {
        const item = document.createElement('li');
        const place = s.current ? places.dataset.current : s.kind === 'app' ? places.dataset.app : places.dataset.web;
        item.textContent = `${s.deviceLabel ? `${place} (${s.deviceLabel})` : place}, ${places.dataset.seen} ${form.format(new Date(s.lastSeenAt))}`;
        return item;
      }));
      show('places', true);
    } catch {
      show('places', false);
    }
  }

  const orSay = act => () => {
    show('failed', false);
    act().catch(() => { show('failed', true); ask(); });
  };
  const signOut = everywhere => orSay(async () => {
    location.assign((await call('POST', '/auth/logout', JSON.stringify({ everywhere }))).body.redirect);
  });

  element('sign-out').addEventListener('click', signOut(false));
  element('sign-out-everywhere').addEventListener('click', signOut(true));
  element('stay').addEventListener('click', orSay(async () => shown(await call('POST', '/auth/session/extend', '{}'))));
  addEventListener('pageshow', event => { if (event.persisted) ask(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) ask(); });
  ask();
})();
