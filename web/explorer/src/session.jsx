import { useCallback, useEffect, useState } from 'react';

import { apiHeaders, sessionDoubted } from './fetcher.js';
import { storage } from './storage.js';

/** Says who is signed in; asks again when the page is shown again or an answer says that the session is gone. */
export function Session() {
  const [session, setSession] = useState({ state: 'asking' });

  const ask = useCallback(async () => {
    try {
      const response = await fetch('/auth/session', { credentials: 'same-origin', headers: { Accept: 'application/json' } });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const body = await response.json();
      setSession({ state: body.authenticated ? 'in' : 'out', account: body.account?.id, identity: body.identity?.status });
    } catch {
      setSession({ state: 'unknown' });
    }
  }, []);

  useEffect(() => {
    const shown = () => document.visibilityState === 'visible' && ask();
    // Going back after signing out must not bring back what stood in the editors.
    const restored = event => event.persisted && storage.closed && window.location.reload();
    ask();
    document.addEventListener('visibilitychange', shown);
    window.addEventListener('pageshow', restored);
    window.addEventListener(sessionDoubted, ask);
    return () => {
      document.removeEventListener('visibilitychange', shown);
      window.removeEventListener('pageshow', restored);
      window.removeEventListener(sessionDoubted, ask);
    };
  }, [ask]);

  async function signOut() {
    setSession({ ...session, state: 'leaving' });
    try {
      const response = await fetch('/auth/logout', {
        method: 'POST',
        credentials: 'same-origin',
        headers: { ...apiHeaders, Accept: 'application/json' },
        body: '{}',
      });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      const { redirect } = await response.json();
      storage.close();
      window.location.assign(new URL(redirect, window.location.href));
    } catch {
      setSession({ ...session, state: 'stuck' });
    }
  }

  return (
    <>
      <span role="status">{describe(session)}</span>
      {(session.state === 'out' || session.state === 'unknown') && (
        <a className="bar-action" href="/auth/login?return_to=/explorer">Sign in</a>
      )}
      {(session.state === 'in' || session.state === 'stuck') && (
        <button type="button" className="bar-action" onClick={signOut}>Sign out</button>
      )}
    </>
  );
}

function describe({ state, account, identity }) {
  switch (state) {
    case 'asking': return 'Checking who is signed in';
    case 'out': return 'Nobody is signed in';
    case 'leaving': return 'Signing out';
    case 'stuck': return 'Signing out failed, try again';
    case 'unknown': return 'Could not find out who is signed in';
    default: return ['Signed in', account && `as ${account}`, identity && `(identity: ${identity})`].filter(Boolean).join(' ');
  }
}
