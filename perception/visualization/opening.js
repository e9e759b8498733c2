// Opens the video that a link leads to; Escape closes the one in which the focus is.
const open = () => {
  const video = document.getElementById(location.hash.slice(1));
  if (video?.matches('details')) { video.open = true; video.querySelector('summary').focus(); video.scrollIntoView(); }
};
addEventListener('hashchange', open);
addEventListener('click', event => { if (event.target.closest('a')?.hash === location.hash) open(); });
addEventListener('keydown', event => {
  const video = event.key === 'Escape' && event.target.closest('details[open]');
  if (video) { video.open = false; video.querySelector('summary').focus(); }
});
addEventListener('load', open);
