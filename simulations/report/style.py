"""Style sheet and script of the page, which load no other resource."""

STYLE = """
:root{color-scheme:light}*{box-sizing:border-box}
body{margin:0;overflow-wrap:anywhere;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
color:#1a1a1a;background:#fff}
main{max-width:860px;margin:0 auto;padding:1rem}h1{font-size:1.7rem;line-height:1.2;margin:.6rem 0}
h2{font-size:1.25rem;margin:2.2rem 0 .4rem;border-top:1px solid #ddd;padding-top:1rem}
h3{font-size:1rem;margin:1rem 0 .3rem}
.lead{color:#444}.headline{background:#eef5fa;border-left:4px solid #0072B2;padding:.3rem 1rem;margin:1rem 0}
.note,figcaption{color:#555;font-size:.88rem}figure{margin:1rem 0}
figure svg{width:100%;max-width:600px;height:auto;display:block}
img{max-width:100%;height:auto}.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:.5rem}
.wide{overflow-x:auto;max-width:100%}svg.session{min-width:640px;width:100%;height:auto}
table{border-collapse:collapse;font-size:.86rem;margin:.5rem 0;font-variant-numeric:tabular-nums}
code{background:#f2f2f2;padding:0 .2em}
th,td{padding:.25rem .6rem;border-bottom:1px solid #e3e3e3;text-align:left;white-space:nowrap}
.map td{text-align:center;border:2px solid #fff;min-width:5rem}.corner{font-weight:400;color:#555}
.map .corner{white-space:normal;min-width:8rem;max-width:9rem}.map tr:first-child th+th{text-align:center}
th button{font:inherit;font-weight:600;border:0;background:none;padding:0;cursor:pointer;color:#005a8c}
th[aria-sort=ascending] button:after{content:" ▲"}th[aria-sort=descending] button:after{content:" ▼"}
pre{background:#f6f6f6;padding:.7rem;overflow-x:auto;font-size:.82rem}
.legend span{display:inline-block;width:1em;height:1em;margin:0 .3em 0 .8em;vertical-align:-.15em;border-radius:3px}
@media print{body{font-size:10pt}main{max-width:none;padding:0}section,figure,table{break-inside:auto}
figure{break-inside:avoid}
.wide{overflow:visible}table{font-size:7.5pt}th,td{padding:.1rem .3rem;white-space:normal}
pre{white-space:pre-wrap}h2{break-after:avoid}}
"""

SCRIPT = """
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
"""
