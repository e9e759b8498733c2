"""What the commands share: tables, units of amounts, and options that several commands take."""
