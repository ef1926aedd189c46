"""Sound collections in, one prepared dataset out: arrays, tables, and a manifest that accounts for both."""
