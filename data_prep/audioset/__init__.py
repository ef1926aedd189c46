"""AudioSet: downloaded, parsed, checked, and converted to a prepared dataset."""
