// Runs before the first paint, so that no other theme flashes: the chosen one, or the system's.
'use strict';
(() => {
  const {dataset} = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const follow = () => {
    if (dataset.themeBy !== 'person') dataset.theme = system.matches ? 'dark' : 'light';
  };
  try {
    const chosen = localStorage.getItem('hyperstream.theme');
    if (chosen === 'light' || chosen === 'dark') {
      dataset.theme = chosen;
      dataset.themeBy = 'person';
    }
  } catch {
    // storage may be forbidden; the system's preference counts then
  }
  follow();
  system.addEventListener('change', follow);
})();
