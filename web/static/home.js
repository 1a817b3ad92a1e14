// The start page: asks who is signed in. The page itself is the same for everyone, and its links work without this.
(() => {
  'use strict';

  const only = shown => {
    for (const id of ['signed-out', 'signed-in']) document.getElementById(id).hidden = id !== shown;
  };
  const failed = document.getElementById('sign-out-failed');

  async function ask() {
    const answer = await fetch('/auth/session', { headers: { Accept: 'application/json' } });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    only((await answer.json()).authenticated ? 'signed-in' : 'signed-out');
  }

  async function signOut() {
    failed.hidden = true;
    const answer = await fetch('/auth/logout', {
      method: 'POST',
      headers: { Accept: 'application/json', 'Content-Type': 'application/json', 'X-Requested-By': 'learner-web' },
      body: '{}',
    });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    location.assign((await answer.json()).redirect);
  }

  document.getElementById('sign-out').addEventListener('click', () => signOut().catch(() => { failed.hidden = false; }));
  ask().catch(() => only('signed-out')); // not known: the link to sign in stays
  addEventListener('pageshow', event => { if (event.persisted) ask().catch(() => only('signed-out')); });
})();
