// What has to be done before the first paint: the look that was chosen on this device, and what styles must know.
{
  const root = document.documentElement;
  root.toggleAttribute('data-script', true);
  root.toggleAttribute('data-share', 'share' in navigator);
  let chosen;
  // Storage may be forbidden.
  try { chosen = localStorage.getItem('flasky.look'); } catch { }
  const look = ['light', 'dark'].includes(chosen) ? chosen : 'auto';
  root.dataset.theme = look;
  if (look !== 'auto') {
    for (const bar of document.querySelectorAll('meta[name=theme-color]')) {
      bar.media = look === bar.dataset.scheme ? 'all' : 'not all';
    }
  }
}
