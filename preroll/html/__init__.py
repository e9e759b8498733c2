"""What self-contained pages have in common: a template that escapes every value, a layout, styles, sortable tables.

Read in this order: template → page.html.jinja → macros.html.jinja.
"""
