// The record page: a button to print it, for browsers that can.
(() => {
  'use strict';

  const button = document.getElementById('print');
  button.addEventListener('click', () => print());
  button.hidden = false;
})();
