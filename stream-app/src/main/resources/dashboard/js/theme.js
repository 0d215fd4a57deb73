// Runs before the first paint, so that a chosen theme never flashes the other one.
'use strict';
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem('hyperstream.theme');
  } catch {
    // storage may be forbidden; the system's preference counts then
  }
  if (chosen === 'light' || chosen === 'dark') {
    document.documentElement.dataset.theme = chosen;
  }
})();
