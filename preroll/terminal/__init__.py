"""Parts that commands share: tables, units of sizes and times, common options."""
