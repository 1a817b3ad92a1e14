// The page that opens a link (/s). Everything works without this script; it spares people copying the link.
(() => {
  'use strict';

  const form = document.getElementById('redeem');
  const field = document.getElementById('link');
  const group = document.getElementById('link-group');
  const received = document.getElementById('link-received');
  const otherLanguage = document.getElementById('other-language');

  function show(asField) {
    group.hidden = !asField;
    received.hidden = asField;
  }

  // The secret stands in the fragment, which no browser sends anywhere. It leaves the address bar and the tab's back
  // list at once, so that it is not seen over a shoulder, bookmarked or copied on. The browser's own list of visited
  // addresses keeps it, and no page can change that: end date, PIN and use limit are what protects there.
  function takeSecret() {
    const fragment = location.hash.slice(1);
    if (!fragment || document.getElementById(fragment)) return; // a place on the page, such as the skip link's
    history.replaceState(null, '', location.pathname + location.search);
    field.value = fragment;
    show(false);
  }

  takeSecret();
  addEventListener('hashchange', takeSecret); // another link pasted over this page

  // The page came back with the secret filled in: after a mistake elsewhere in the form it need not be seen again.
  if (field.value && !group.classList.contains('govuk-form-group--error')) show(false);

  document.getElementById('link-change').addEventListener('click', () => {
    field.value = '';
    show(true);
    field.focus();
  });

  // The other language's page gets the secret at the last moment: before, it would stand in the status bar.
  function carrySecret() {
    const secret = field.value.trim().split('#').pop();
    if (!secret) return;
    const plain = otherLanguage.href;
    otherLanguage.hash = secret;
    setTimeout(() => { otherLanguage.href = plain; });
  }
  otherLanguage.addEventListener('click', carrySecret);
  otherLanguage.addEventListener('auxclick', carrySecret);

  // A second click while the first is under way would only cost time. After some seconds it means trying again.
  let sent = false;
  form.addEventListener('submit', event => {
    if (sent) event.preventDefault();
    sent = true;
    setTimeout(() => { sent = false; }, 5000);
  });
  addEventListener('pageshow', () => { sent = false; });
})();
