"""Parts that commands share: tables, units of sizes and times, counts, common options.

Read in this order: layout → table → units → counts → set_option → video_options → catalog_summary.
"""
