"""Parts that commands share: tables, units of sizes and times, common options.

Read in this order: layout → table → units → set_option → video_options → catalog_summary.
"""
