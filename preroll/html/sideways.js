// Marks what is wider than its place, where the page says that it scrolls.
const places = new ResizeObserver(changes => {
  for (const {target} of changes) target.classList.toggle('sideways', target.scrollWidth > target.clientWidth);
});
for (const place of document.querySelectorAll('.wide')) places.observe(place);
