"""AudioSet: downloading, parsing, checking and conversion to a prepared dataset."""
