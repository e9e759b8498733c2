// Sorts a table by the column whose heading is clicked; a second click turns the order round.
for (const table of document.querySelectorAll('table.sortable'))
  for (const [i, head] of [...table.tHead.rows[0].cells].entries())
    head.querySelector('button').addEventListener('click', () => {
      const up = head.getAttribute('aria-sort') !== 'ascending';
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const key = row => row.cells[i].dataset.key;
      const compare = (a, b) => {
        const x = parseFloat(key(a)), y = parseFloat(key(b));
        return Number.isNaN(x) || Number.isNaN(y) ? key(a).localeCompare(key(b)) : x - y;
      };
      const rows = [...table.tBodies[0].rows].sort((a, b) => up ? compare(a, b) : compare(b, a));
      table.tBodies[0].append(...rows);
    });
